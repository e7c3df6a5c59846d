"""Why a lookup gets what it gets, as a person is told it."""

from __future__ import annotations

import shutil
from typing import Any

import jsonschema
import pytest

from calibstate.store.schemas import schemas
from tests import world
from tests.calibrations import dataset_uuid, exposure_span
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites, add_ticket
from tests.golden import Golden
from tests.tree import Ran

DM_1, DM_2 = f"{TOP}/DM-1", f"{TOP}/DM-2"


def uuid(collection: str, dataset_type: str, **data_id: int | str) -> str:
    """Return the dataset that a collection of these worlds holds."""
    return str(dataset_uuid(f"{collection}.run", dataset_type, {"instrument": INSTRUMENT, **data_id}))


def explain(sites: Sites, *arguments: str) -> Ran:
    return sites.run("explain", *arguments)


def told(sites: Sites, *arguments: str) -> dict[str, Any]:
    """Return the document, which is as its schema says."""
    ran = explain(sites, "--format", "json", *arguments)
    assert ran.code in {0, 1}, ran.err
    jsonschema.validate(ran.json, schemas()["explanation.json"])
    return dict(ran.json)


# --- the texts ---


def test_what_is_shadowed_is_told_with_the_winner(deployed: Sites, golden: Golden) -> None:
    ran = explain(deployed, "flat", "detector=1", "physical_filter=r_03", "--at", "2024-11-07")
    golden("explain/shadowed.txt", ran.out)
    assert all("is searched" in line for line in ran.err.splitlines())
    assert f" {deployed.found(SUMMIT, 'flat', detector=1, physical_filter='r_03')} " in ran.out


def test_what_is_not_valid_yet_and_what_has_ended_is_told(deployed: Sites, golden: Golden) -> None:
    leaves = {"bias.a": ("bias", world.IN_2025), "bias.b": ("bias", (0, world.IN_2024[0]))}
    with deployed.butler(SUMMIT) as butler:
        add_ticket(butler, "DM-3", leaves)
    deployed.change_chain(SUMMIT, lambda children: [f"{TOP}/DM-3", *children])
    asked = ("bias", "detector=R00_S01", "--at", "2024-11-07T12:00:00", "--site", "summit")
    golden("explain/not-valid-yet-and-ended.txt", explain(deployed, *asked).out)


def test_where_nothing_is_valid_the_nearest_range_is_told(deployed: Sites, golden: Golden) -> None:
    ran = explain(deployed, "bias", "detector=1", "--at", "2023-12-31T23:59:59.999999999", "--all")
    golden("explain/nothing-valid.txt", ran.out)


def test_where_nothing_is_there_for_a_filter_the_known_ones_are_told(deployed: Sites, golden: Golden) -> None:
    ran = explain(deployed, "flat", "detector=1", "physical_filter=z_20", "--at", "2024-11-07")
    golden("explain/nothing-for-the-filter.txt", ran.out)


def test_repositories_that_differ_are_told_first(deployed: Sites, golden: Golden) -> None:
    deployed.change_chain(SUMMIT, lambda children: children[::-1])
    golden("explain/two-that-differ.txt", explain(deployed, "bias", "detector=1", "--at", "2024-11-07").out)

    said = told(deployed, "bias", "detector=1", "--at", "2024-11-07")
    first, second = (uuid(f"{ticket}/bias.20240101a", "bias", detector=1) for ticket in (DM_1, DM_2))
    assert said["differing"] == [SUMMIT]
    assert {one["repository"]: one["winner"]["uuid"] for one in said["explanations"]} == {
        SUMMIT: first,
        EMBARGO: second,
        ORIGIN: second,
    }


def test_of_an_exposure_the_butler_tells_the_time_and_the_filter(deployed: Sites, golden: Golden) -> None:
    for address in (ORIGIN, EMBARGO, SUMMIT):
        with deployed.butler(address) as butler:
            world.add_exposures(butler, 20241107, physical_filter="r_03")
    ran = explain(deployed, "flat", "detector=0", "--exposure", "2024110700001")
    golden("explain/exposure.txt", ran.out)
    assert all("is searched" in line for line in ran.err.splitlines())


def test_an_exposure_that_one_repository_knows_is_asked_about_everywhere_with_a_word(deployed: Sites) -> None:
    with deployed.butler(ORIGIN) as butler:
        world.add_exposures(butler, 20241107)
    ran = explain(deployed, "bias", "detector=0", "--exposure", "2024110700001")
    assert ran.code == 0
    assert "LSSTComCam/calib at summit/LSSTComCam, usdf/embargo, usdf/main" in ran.out
    assert "summit/LSSTComCam, usdf/embargo: exposure 2024110700001 is not known there" in ran.err
    assert "as usdf/main has it" in ran.err
    ran = explain(deployed, "bias", "detector=0", "--exposure", "2024110700001", "--site", "summit")
    assert ran.code == 64
    assert "Exposure not known" in ran.err


def test_what_a_person_gives_counts_before_what_the_exposure_tells(deployed: Sites) -> None:
    with deployed.butler(ORIGIN) as butler:
        world.add_exposures(butler, 20241107, physical_filter="r_03")
    asked = ("flat", "detector=0", "--exposure", "2024110700001", "--repository", ORIGIN)
    for word in ("physical_filter=g_01", "band=g"):
        (one,) = told(deployed, *asked, word)["explanations"]
        assert one["data_id"] == "detector=0,instrument=LSSTComCam,physical_filter=g_01"
        assert (one["begin"], one["end"]) == ("2024-11-07T23:00:00", "2024-11-07T23:00:15")


def test_markdown_has_the_same_in_a_table(deployed: Sites, golden: Golden) -> None:
    asked = ("bias", "detector=1", "--at", "2024-11-07", "--site", "summit", "--format", "markdown")
    golden("explain/shadowed.md", explain(deployed, *asked).out)


# --- the document ---


def test_the_document_has_the_search_and_the_winner_with_its_run(deployed: Sites) -> None:
    said = told(deployed, "bias", "detector=1", "--at", "2024-11-07", "--site", "summit")
    (one,) = said["explanations"]
    found = uuid(f"{DM_2}/bias.20240101a", "bias", detector=1)
    assert (said["kind"], said["at"], said["exposure"], said["differing"]) == (
        "explanation",
        "2024-11-07T00:00:00",
        None,
        [],
    )
    assert one["searched"] == [f"{t}/{leaf}.20240101a" for t in (DM_2, DM_1) for leaf in ("bias", "flat")]
    since = one["winner"].pop("since")
    assert since["at"] and since["run"] and not since["unknown"]
    assert one["winner"] == {
        "rank": 1,
        "collection": f"{DM_2}/bias.20240101a",
        "ticket": "DM-2",
        "begin": "2024-01-01T00:00:00",
        "end": None,
        "uuid": found,
        "wins": True,
        "why": "wins",
        "detail": "wins",
        "run": f"{DM_2}/bias.20240101a.run",
    }
    assert [(c["rank"], c["why"]) for c in one["candidates"]] == [(1, "wins"), (3, "searched-later")]
    assert deployed.found(SUMMIT, "bias", detector=1) == found


def test_an_ambiguous_lookup_has_no_winner(deployed: Sites) -> None:
    """An exposure lies across the end of a range and the begin of the next."""
    with deployed.butler(ORIGIN) as butler:
        world.add_exposures(butler, 20241107)
        during = exposure_span(20241107, 1)[0] + 1
        world.add_calibration(butler, "u/me", "bias", (0, during), (during, during + 10**15))
    said = told(deployed, "bias", "detector=1", "--exposure", "2024110700001", "--chain", "u/me")
    outcomes = {one["repository"]: one["outcome"] for one in said["explanations"]}
    assert outcomes == {ORIGIN: "ambiguous", EMBARGO: "no-chain", SUMMIT: "no-chain"}
    text = explain(deployed, "bias", "detector=1", "--exposure", "2024110700001", "--chain", "u/me").out
    assert "overlaps another in the same collection (ambiguous)" in text
    assert "nothing is found: the butler refuses to choose one of 2 in one collection" in text
    assert "nothing is found: u/me does not exist here" in text


# --- where it looks ---


@pytest.mark.parametrize(
    ("option", "word"), [("--site", "usdf"), ("--repository", "usdf/*"), ("--exclude", SUMMIT)]
)
def test_it_can_be_narrowed(deployed: Sites, option: str, word: str) -> None:
    said = told(deployed, "bias", "detector=1", "--at", "2024-11-07", option, word)
    assert [one["repository"] for one in said["explanations"]] == [EMBARGO, ORIGIN]


def test_a_repository_that_cannot_be_seen_is_told_and_the_others_are_shown(deployed: Sites) -> None:
    (deployed.path(SUMMIT) / "butler.yaml").unlink()
    ran = explain(deployed, "bias", "detector=1", "--at", "2024-11-07")
    assert ran.code == 1
    assert f"{SUMMIT} could not be seen" in ran.err
    assert "LSSTComCam/calib at usdf/embargo, usdf/main" in ran.out
    assert list(told(deployed, "bias", "detector=1", "--at", "2024-11-07")["unreachable"]) == [SUMMIT]


def test_an_observed_repository_is_explained_without_runs(deployed: Sites) -> None:
    file = deployed.tree.folder / "summit.json"
    assert deployed.run("observe", "--site", "summit", "-o", str(file)).code == 0
    shutil.move(deployed.path(SUMMIT), deployed.tree.folder / "away")
    said = told(deployed, "bias", "detector=R00_S01", "--at", "2024-11-07", "--observed", str(file))
    runs = {one["repository"]: one["winner"]["run"] for one in said["explanations"]}
    assert runs == {SUMMIT: None, **dict.fromkeys((EMBARGO, ORIGIN), f"{DM_2}/bias.20240101a.run")}
    assert said["differing"] == []
    alone = explain(
        deployed, "bias", "detector=1", "--at", "2024-11-07", "--observed", str(file), "--site", "summit"
    )
    assert alone.code == 0
    assert "of RUN" not in alone.out
    assert "is told of as it was observed" in alone.err


def test_what_an_observation_does_not_tell_is_not_taken_for_absent(deployed: Sites) -> None:
    file = deployed.tree.folder / "summit.json"
    assert deployed.run("observe", "--site", "summit", "-o", str(file)).code == 0
    shutil.move(deployed.path(SUMMIT), deployed.tree.folder / "away")
    seen = ("--observed", str(file), "--site", "summit")

    ran = explain(deployed, "bias", "detector=1", "--exposure", "2024110700001", *seen)
    assert ran.code == 1
    assert "of summit/LSSTComCam nobody observed exposures" in ran.err
    ran = explain(deployed, "bias", "detector=R00_S01", "--at", "2024-11-07", *seen)
    assert ran.code == 64
    assert "R00_S01: no repository that was seen tells what that is." in ran.err
    ran = explain(deployed, "flat", "detector=1", "band=r", "--at", "2024-11-07", *seen)
    assert ran.code == 64
    assert "Give physical_filter=…." in ran.err
    ran = explain(deployed, "bias", "detector=1", "--at", "2024-11-07", *seen, "--chain", "u/me")
    assert ran.code == 1
    assert "does not tell of u/me" in ran.err


def test_any_live_collection_can_be_searched(deployed: Sites) -> None:
    name = deployed.add_own(SUMMIT)
    found = uuid(name, "bias", detector=3)
    said = told(deployed, "bias", "detector=3", "--at", "2030-01-01", "--chain", name, "--site", "summit")
    (one,) = said["explanations"]
    assert (one["winner"]["uuid"], one["winner"]["ticket"], one["searched"]) == (found, None, [name])


def test_a_chain_that_is_missing_makes_a_difference_where_it_is_declared(deployed: Sites) -> None:
    name = deployed.add_own(SUMMIT)
    ran = explain(deployed, "bias", "detector=3", "--at", "2030-01-01", "--chain", name)
    assert ran.out.startswith("bias detector=3")
    assert f"{name} at usdf/embargo, usdf/main\n  nothing is found: {name} does not exist here" in ran.out

    with deployed.butler(SUMMIT) as butler:
        butler.collections.x_remove(TOP)
    ran = explain(deployed, "bias", "detector=3", "--at", "2030-01-01", "--chain", TOP)
    assert ran.out.startswith(f"{SUMMIT} finds nothing, unlike usdf/embargo, usdf/main\n")


def test_every_declared_chain_is_searched_where_none_is_called_calib(deployed: Sites) -> None:
    (deployed.tree.state / "chains" / "LSSTComCam-calib.yaml").unlink()
    for name in ("LSSTComCam/a", "LSSTComCam/b"):
        deployed.tree.chain(["DM-1"], name)
    for address in (ORIGIN, EMBARGO, SUMMIT):
        with deployed.butler(address) as butler:
            world.add_chain(butler, "LSSTComCam/a", [DM_1])
    said = told(deployed, "bias", "detector=1", "--at", "2024-11-07", "--site", "usdf")
    assert [(one["chain"], one["repository"], one["outcome"]) for one in said["explanations"]] == [
        ("LSSTComCam/a", EMBARGO, "found"),
        ("LSSTComCam/a", ORIGIN, "found"),
        ("LSSTComCam/b", EMBARGO, "no-chain"),
        ("LSSTComCam/b", ORIGIN, "no-chain"),
    ]


def test_where_no_chain_is_declared_that_is_said(deployed: Sites) -> None:
    asked = ("bias", "detector=1", "--at", "2024-11-07")
    deployed.tree.chain(["DM-2", "DM-1"], only=["usdf"])
    ran = explain(deployed, *asked)
    assert ran.code == 0
    assert "LSSTComCam/calib at usdf/embargo, usdf/main" in ran.out
    assert f"{SUMMIT}: no chain is declared there." in ran.err

    ran = explain(deployed, *asked, "--site", "summit")
    assert (ran.code, ran.out) == (64, "")
    assert f"No chain of LSSTComCam is declared for {SUMMIT}." in ran.err
    assert explain(deployed, *asked, "--site", "summit", "--chain", TOP).code == 0


def test_it_writes_nothing(deployed: Sites) -> None:
    before = deployed.snapshot()
    explain(deployed, "bias", "detector=1", "--at", "2024-11-07")
    assert deployed.snapshot() == before


# --- the words ---


@pytest.fixture(scope="module")
def words(sites_deployed_once: Sites) -> Sites:
    """Return sites to ask about, never to change."""
    return sites_deployed_once


@pytest.mark.parametrize(
    ("arguments", "summary", "said"),
    [
        (["bais", "detector=1"], "No such calibrations", "Did you mean bias?"),
        (["dark", "detector=1"], "No such calibrations", "Known are bias, flat."),
        (["bias", "detctor=1"], "No such key of a data ID", "Did you mean detector?"),
        (["bias"], "Data ID does not fit", "detector is missing"),
        (["flat", "detector=1"], "Data ID does not fit", "there are physical_filter g_01 r_03"),
        (["flat", "detector=1", "band=z"], "Band not known", "Known are g, r."),
        (["bias", "detector=R00_S02x"], "Detector not known", "Did you mean R00_S02?"),
        (["bias", "detector"], "Data ID is not understood", "`detector` is no KEY=VALUE"),
        (["bias", "detector=1,instrument=LSSTComCam"], "Data ID is not understood", "a word of its own"),
        (["bias", "detector=1", "detector=2"], "Data ID is not understood", "detector is given twice"),
        (["bias", "detector=1", "instrument=LSSTComCan"], "Not declared", "Did you mean LSSTComCam?"),
        (
            ["bias", "detector=1", "--chain", "LSSTComCam/clib"],
            "Collection not known",
            "Did you mean LSSTComCam/calib?",
        ),
        (
            ["bias", "detector=1", "--exposure", "3"],
            "When is not clear",
            "Both --at and --exposure are given",
        ),
        (
            ["bias", "detector=1", "--at", "2024-11-07T00:00:00Z"],
            "Moment is not understood",
            "in TAI, without a zone",
        ),
        (["bias", "detector=1", "--at", "2024-13-07"], "Moment is not understood", "is no moment"),
        (
            ["bias", "detector=1", "--exposure", "9" * 19],
            "Value is not understood",
            "is no number of an exposure",
        ),
        (["bias", "detector=1", "--at", "1969-12-31"], "Moment is not understood", "between 1970 and 2100"),
        (["bias", "detector=1", "--site", "sumit"], "Not declared", "Did you mean summit?"),
        (["bias", "detector=1", "--site", "usdf", "--exclude", "usdf/*"], "Nowhere to look", "LSSTComCam"),
    ],
)
def test_a_word_that_nobody_knows_is_told_with_the_nearest(
    words: Sites, capsys: pytest.CaptureFixture[str], arguments: list[str], summary: str, said: str
) -> None:
    at = [] if {"--at", "9" * 19} & set(arguments) else ["--at", "2024-11-07"]
    ran = words.tree.run(capsys, "explain", *arguments, *at)
    assert (ran.code, ran.out) == (64, "")
    assert summary in ran.err
    assert said in ran.err


def test_a_moment_or_an_exposure_has_to_be_given(words: Sites, capsys: pytest.CaptureFixture[str]) -> None:
    ran = words.tree.run(capsys, "explain", "bias", "detector=1")
    assert ran.code == 64
    assert "Neither --at nor --exposure is given" in ran.err


def test_of_several_instruments_one_has_to_be_told(deployed: Sites) -> None:
    file = deployed.tree.state / "sites" / "usdf.yaml"
    file.write_text(file.read_text().replace("    - LSSTComCam\n", "    - LSSTComCam\n    - LATISS\n", 1))
    asked = ("bias", "detector=1", "--at", "2024-11-07")

    ran = explain(deployed, *asked)
    assert (ran.code, ran.out) == (64, "")
    assert "Instrument is not clear" in ran.err
    assert "LATISS, LSSTComCam are declared." in ran.err
    assert explain(deployed, *asked, "--instrument", "LATISS", "instrument=LSSTComCam").code == 64
    for word in (["--instrument", INSTRUMENT], [f"instrument={INSTRUMENT}"]):
        assert [one["repository"] for one in told(deployed, *asked, *word)["explanations"]] == [
            SUMMIT,
            EMBARGO,
            ORIGIN,
        ]


def test_a_band_stands_for_its_only_filter(deployed: Sites) -> None:
    said = told(deployed, "flat", "detector=1", "band=r", "--at", "2024-11-07")
    assert {one["data_id"] for one in said["explanations"]} == {
        "detector=1,instrument=LSSTComCam,physical_filter=r_03"
    }
    assert said["remarks"] == []


def test_a_band_whose_filter_has_no_flat_finds_nothing(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        other = {"instrument": INSTRUMENT, "name": "z_20", "band": "z"}
        butler.registry.insertDimensionData("physical_filter", other)
    said = told(deployed, "flat", "detector=1", "band=z", "--at", "2024-11-07", "--site", "summit")
    (one,) = said["explanations"]
    assert one["data_id"] == "detector=1,instrument=LSSTComCam,physical_filter=z_20"
    assert (one["outcome"], one["known"]) == ("nothing", {"physical_filter": ["g_01", "r_03"]})


def test_a_band_of_several_filters_is_not_guessed(deployed: Sites) -> None:
    other = {"instrument": INSTRUMENT, "name": "r_57", "band": "r"}
    with deployed.butler(SUMMIT) as butler:
        butler.registry.insertDimensionData("physical_filter", other)
    asked = ("flat", "detector=1", "band=r", "--at", "2024-11-07", "--site", "summit")
    assert told(deployed, *asked)["explanations"][0]["outcome"] == "found", "flats are there for one only"

    with deployed.butler(SUMMIT) as butler:
        butler.collections.register("u/other")
        data_id = {"instrument": INSTRUMENT, "detector": 1, "physical_filter": "r_57"}
        butler.registry.insertDatasets("flat", [data_id], run="u/other")
    deployed.change_chain(SUMMIT, lambda children: [*children, "u/other"])
    ran = explain(deployed, *asked)
    assert ran.code == 64
    assert "r is the band of r_03, r_57." in ran.err


def test_a_key_that_makes_no_difference_is_told(deployed: Sites) -> None:
    ran = explain(deployed, "bias", "detector=1", "physical_filter=r_03", "--at", "2024-11-07")
    assert ran.code == 0
    assert "bias does not depend on physical_filter." in ran.err
    assert told(deployed, "bias", "detector=01", "--at", "2024-11-07")["remarks"] == []

"""A review finds what is not as it should be, and passes what is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema

from calibstate.model.timespans import UNBOUNDED
from calibstate.store.schemas import schemas
from tests import world
from tests.commands.promises_test import troubled
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites, add_ticket
from tests.tree import Ran

TICKET = f"{TOP}/DM-2"
BIAS, FLAT = f"{TICKET}/bias.20240101a", f"{TICKET}/flat.20240101a"


def review(ran: Ran, ticket: str = "DM-2") -> Any:
    assert ran.code in {0, 1}, ran.err
    (found,) = (one for one in ran.json["reviews"] if one["ticket"] == ticket)
    return found


def reviewed(sites: Sites, *options: str, ticket: str = "DM-2") -> Any:
    """Return the review of a ticket as JSON."""
    ran = sites.run("verify", "--format", "json", *options)
    assert ran.code == (0 if ran.json["passed"] else 1)
    return review(ran, ticket)


def at(found: Any, address: str = SUMMIT) -> Any:
    """Return what was found at one repository, where the others pass."""
    others = {a: there["passed"] for a, there in found["repositories"].items() if a != address}
    assert all(others.values()), others
    return found["repositories"][address]


def failed(there: Any) -> list[str]:
    return [check["check"] for check in there["checks"] if not check["passed"]]


def told(there: Any) -> list[tuple[Any, ...]]:
    return [(f["check"], f["what"], f["dataset_type"], f["data_ids"]) for f in there["findings"]]


def passes(sites: Sites, *options: str) -> bool:
    """Say whether all passes at the summit."""
    return sites.run("verify", "--site", "summit", *options).code == 0


def summit(sites: Sites, *options: str, ticket: str = "DM-2") -> Any:
    """Return what was found at the summit, looking only there."""
    return at(reviewed(sites, "--site", "summit", *options, ticket=ticket))


def biases(*detectors: int) -> list[str]:
    return [f"detector={n},instrument={INSTRUMENT}" for n in detectors or range(world.DETECTORS)]


def a_file(sites: Sites, address: str = SUMMIT) -> Path:
    return sorted(sites.path(address).rglob("DM-2/**/bias/*.fits"))[0]


# --- a deployment that is as it should be ---


def test_after_apply_everything_passes_and_nothing_is_written(deployed: Sites) -> None:
    before = deployed.snapshot()
    ran = deployed.run("verify", "--bytes")

    assert ran.code == 0, ran.out
    assert ran.out.splitlines()[-1] == "DM-2 passes at 3 of 3 repositories"
    assert deployed.snapshot() == before


def test_each_check_tells_how_much_it_looked_at(deployed: Sites) -> None:
    there = summit(deployed, "--bytes")
    counts = {check["check"]: check["counts"] for check in there["checks"]}

    files = sorted(deployed.path(SUMMIT).rglob("DM-2/**/*.fits"))
    size = sum(file.stat().st_size for file in files)
    assert counts["content"] == {"collections": 2, "certifications": 12}
    assert counts["selection"] == {"chains": 1, "ranges": 12, "selected": 12}
    assert counts["files"] == {"datasets": len(files), "bytes": size}
    assert counts["bytes"] == {"files": len(files), "bytes": size}
    # The biases try each detector; flats are left the filters, and the two
    # ends of their range, which is unbounded.
    assert counts["lookup"]["lookups"] == world.DETECTORS + 2


def test_what_newer_tickets_answer_is_no_failure(deployed: Sites) -> None:
    there = summit(deployed, ticket="DM-1")
    assert there["passed"]
    assert [note["detail"] for note in there["notes"]] == [
        "newer tickets answer all that it holds, as declared, so nothing selects it"
    ]


def test_a_ticket_that_no_chain_lists_is_told_to_be_selected_by_nothing(deployed: Sites) -> None:
    deployed.tree.chain(["DM-1"])
    there = summit(deployed)
    assert there["notes"][0]["detail"] == "no declared chain here lists it, so nothing selects it"
    assert there["passed"]


def test_what_has_not_arrived_yet_hides_nothing(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    there = summit(deployed)
    assert there["passed"]
    assert there["checks"][1]["counts"] == {"chains": 1, "ranges": 12, "selected": 12}
    assert "declared here, and not arrived yet: DM-3" in [note["detail"] for note in there["notes"]]


def test_a_detector_that_the_newer_ticket_never_had_is_noted(deployed: Sites) -> None:
    with deployed.butler(ORIGIN) as butler:
        collection = f"{TOP}/DM-3/bias.20250101a"
        world.add_calibration(
            butler, collection, "bias", world.SINCE_2024, detectors=[0, 1, 3], formatter=world.STAND_IN
        )
        world.add_chain(butler, f"{TOP}/DM-3", [collection])
    deployed.tree.ticket("DM-3", "bias.20250101a")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert deployed.apply().code == 0

    (note,) = summit(deployed, ticket="DM-3")["notes"]
    assert (note["dataset_type"], note["data_ids"]) == ("bias", biases(2))
    assert note["detail"] == "not in DM-3; that of DM-2 stays in use"
    assert "note: bias detector 2: not in DM-3" in deployed.run("verify", "--ticket", "DM-3").out


# --- a deployment that is not ---


def test_a_ticket_that_is_not_there_at_all_fails(sites: Sites) -> None:
    found = reviewed(sites)
    for address in (EMBARGO, SUMMIT):
        there = found["repositories"][address]
        assert told(there) == [("content", "not-deployed", None, [])]
    assert found["repositories"][ORIGIN]["passed"]
    assert (
        sites.run("verify", "--ticket", "DM-2").out.splitlines()[-1] == "DM-2 passes at 1 of 3 repositories"
    )

    sites.apply()
    assert passes(sites)


def test_a_calibration_shadowed_by_hand_is_found(deployed: Sites) -> None:
    own = deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: [own, *children])

    there = at(reviewed(deployed))
    assert failed(there) == ["selection"]
    jsonschema.validate(deployed.run("verify", "--format", "json").json, schemas()["reviews.json"])
    (finding,) = there["findings"]
    assert told(there) == [("selection", "shadowed", "bias", biases())]
    assert (finding["begin"], finding["end"]) == ("2024-01-01T00:00:00", None)
    assert finding["expected"]["collections"] == [BIAS]
    assert finding["found"]["collections"] == [own]
    assert finding["chains"] == [TOP]
    out = deployed.run("verify", "--ticket", "DM-2").out
    assert "bias detector 0..3 [2024-01-01T00:00:00, …): u/somebody/bias is selected instead" in out

    deployed.change_chain(SUMMIT, lambda children: children[1:])
    assert passes(deployed)


def test_an_entry_by_hand_that_shadows_nothing_is_no_failure(deployed: Sites) -> None:
    own = deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: [*children, own])
    assert passes(deployed)


def test_a_chain_in_another_order_is_found(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda children: children[::-1])
    there = summit(deployed)
    assert {(f["what"], f["dataset_type"]) for f in there["findings"]} == {
        ("shadowed", "bias"),
        ("shadowed", "flat"),
    }
    assert all(f["detail"].startswith("that of DM-1 is selected instead") for f in there["findings"])

    assert deployed.apply("--site", "summit").code == 0
    assert passes(deployed)


def test_a_chain_without_the_ticket_is_found(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda children: [c for c in children if c != TICKET])
    details = {finding["detail"] for finding in summit(deployed)["findings"]}
    assert details == {
        f"that of DM-1 is selected instead: {BIAS} is not searched",
        f"that of DM-1 is selected instead: {FLAT} is not searched",
    }


def test_a_ticket_chain_in_another_order_is_found(deployed: Sites) -> None:
    deployed.change_chain(SUMMIT, lambda children: children[::-1], TICKET)
    there = summit(deployed)
    assert told(there) == [("content", "misordered", None, [])]

    assert deployed.apply("--site", "summit").code == 0
    assert passes(deployed)


def test_a_detector_whose_new_flat_was_decertified_is_found(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        data_id = {"instrument": INSTRUMENT, "detector": 2, "physical_filter": "r_03"}
        butler.registry.decertify(FLAT, "flat", world.timespan(UNBOUNDED), dataIds=[data_id])

    there = summit(deployed)
    assert failed(there) == ["content", "selection"]
    flat = f"detector=2,instrument={INSTRUMENT},physical_filter=r_03"
    assert told(there) == [("content", "missing", "flat", [flat])]
    assert there["findings"][0]["found"]["collections"] == [f"{TOP}/DM-1/flat.20240101a"]
    out = deployed.run("verify", "--ticket", "DM-2").out
    assert (
        "flat detector 2, physical_filter r_03: not certified here; that of DM-1 is selected instead" in out
    )

    assert deployed.apply("--site", "summit").code == 0
    assert passes(deployed)


def test_what_the_seal_says_is_enough_to_find_it(deployed: Sites) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    shutil.rmtree(deployed.tree.folder / "archive" / INSTRUMENT / "DM-2")
    shutil.rmtree(deployed.path(ORIGIN))
    assert passes(deployed, "--bytes")

    with deployed.butler(SUMMIT) as butler:
        butler.registry.decertify(BIAS, "bias", world.timespan(world.IN_2025))
    there = summit(deployed)
    assert failed(there) == ["content", "selection"]
    assert ("content", "missing", "bias", biases()) in told(there)


def test_another_certification_is_found(deployed: Sites) -> None:
    with deployed.butler(SUMMIT) as butler:
        world.add_calibration(butler, BIAS, "dark", world.IN_2025, run="u/somebody/dark", detectors=[1])
    there = summit(deployed)
    assert told(there) == [("content", "changed", "dark", biases(1))]


# --- files ---


def test_a_lost_file_is_named(deployed: Sites) -> None:
    file = a_file(deployed)
    file.unlink()
    there = summit(deployed)
    assert told(there) == [("files", "lost", "bias", biases(0))]
    assert there["findings"][0]["files"][0].endswith(file.name)

    assert deployed.apply("--site", "summit", "--files").code == 0
    assert passes(deployed)


def test_a_file_of_another_size_is_named(deployed: Sites) -> None:
    file = a_file(deployed)
    right = file.read_bytes()
    file.write_bytes(right + b"?")
    there = summit(deployed)
    assert told(there) == [("files", "altered", "bias", biases(0))]
    assert there["findings"][0]["files"][0].endswith(file.name)
    assert there["findings"][0]["detail"] == "the file has 2881 bytes, in the bundle 2880"

    file.write_bytes(right)
    assert passes(deployed)


def test_other_bytes_of_the_same_size_are_found_only_when_they_are_read(deployed: Sites) -> None:
    file = a_file(deployed)
    right = file.read_bytes()
    file.write_bytes(right[:-1] + b"?")
    assert passes(deployed)

    there = summit(deployed, "--bytes")
    assert told(there) == [("bytes", "altered", "bias", biases(0))]
    assert there["findings"][0]["files"][0].endswith(file.name)

    file.write_bytes(right)
    assert passes(deployed, "--bytes")


def test_without_a_bundle_the_bytes_are_held_to_the_seal(deployed: Sites) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    shutil.rmtree(deployed.tree.folder / "archive" / INSTRUMENT / "DM-2")
    assert passes(deployed, "--bytes")

    file = a_file(deployed)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    there = summit(deployed, "--bytes")
    assert told(there) == [("bytes", "altered", None, [])]

    file.write_bytes(file.read_bytes() + b"?")
    # What is not as the datastore recorded it is told by dataset.
    there = summit(deployed)
    assert told(there) == [("files", "altered", "bias", biases(0))]


def test_with_a_lost_file_the_other_collections_are_read(deployed: Sites) -> None:
    a_file(deployed).unlink()
    (flat, *_) = sorted(deployed.path(SUMMIT).rglob("DM-2/**/flat*.fits"))
    flat.write_bytes(flat.read_bytes()[:-1] + b"?")
    there = summit(deployed, "--bytes")
    assert [(f["check"], f["what"]) for f in there["findings"]] == [("files", "lost"), ("bytes", "altered")]
    assert [n["detail"] for n in there["notes"]] == [f"not read, since it is not whole: {BIAS}"]


# --- which tickets and repositories ---


def test_a_repository_that_cannot_be_seen_costs_the_others_nothing(deployed: Sites) -> None:
    (deployed.path(SUMMIT) / "gen3.sqlite3").unlink()
    ran = deployed.run("verify", "--format", "json")
    found = review(ran)
    assert ran.code == 1
    assert set(found["unreachable"]) == {SUMMIT}
    assert all(there["passed"] for there in found["repositories"].values())
    out = deployed.run("verify", "--ticket", "DM-2").out
    assert f"DM-2 at {SUMMIT}  could not be seen: " in out
    assert out.splitlines()[-1] == "DM-2 passes at 2 of 3 repositories"


def test_without_archive_and_seal_nobody_can_tell(deployed: Sites) -> None:
    deployed.tree.settings(requires=">=0.1")
    archive = deployed.tree.folder / "archive"
    shutil.rmtree(archive)
    archive.write_text("no folder")
    found = reviewed(deployed)
    assert "archive" in found["unreachable"]
    assert {f["what"] for there in found["repositories"].values() for f in there["findings"]} == {"unknown"}


def test_a_held_repository_is_reviewed_and_one_that_skips_it_is_not(deployed: Sites) -> None:
    deployed.tree.site("summit", {"LSSTComCam": "copy"}, hold="observing")
    deployed.tree.ticket("DM-2", "bias.20240101a", "flat.20240101a", skip={EMBARGO: "no need"})
    assert set(reviewed(deployed)["repositories"]) == {ORIGIN, SUMMIT}


def test_it_can_be_narrowed(deployed: Sites) -> None:
    ran = deployed.run(
        "verify", "--ticket", "DM-1", "--site", "usdf", "--exclude", EMBARGO, "--format", "json"
    )
    (found,) = ran.json["reviews"]
    assert (found["ticket"], list(found["repositories"])) == ("DM-1", [ORIGIN])
    assert deployed.run("verify", "--ticket", "DM-9").code == 64


def test_a_review_of_nothing_does_not_pass(deployed: Sites) -> None:
    deployed.tree.ticket("DM-3", "bias.20250101a", status="proposed")
    ran = deployed.run("verify", "--ticket", "DM-3")
    assert ran.code == 1
    assert "Nothing to review" in ran.err


def test_an_origin_whose_ticket_changed_since_it_left_is_found(deployed: Sites) -> None:
    with deployed.butler(ORIGIN) as butler:
        butler.registry.decertify(BIAS, "bias", world.timespan(UNBOUNDED))
    there = at(reviewed(deployed), ORIGIN)
    assert ("content", "missing", "bias", biases()) in told(there)


def test_a_new_ticket_is_held_to_its_origin_before_it_is_archived(deployed: Sites) -> None:
    deployed.make_ticket("DM-3")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    with deployed.butler(SUMMIT) as butler:
        add_ticket(
            butler, "DM-3", {"bias.20240101a": ("bias", world.SINCE_2024), "flat.20240101a": ("flat",)}
        )
        butler.registry.decertify(f"{TOP}/DM-3/bias.20240101a", "bias", world.timespan(world.IN_2024))
    there = reviewed(deployed, ticket="DM-3")["repositories"][SUMMIT]
    assert ("content", "missing", "bias", biases()) in told(there)
    assert "sizes could not be compared: there is neither bundle nor seal" in [
        note["detail"] for note in there["notes"]
    ]


# --- the record ---


def test_the_record_tells_what_was_seen(deployed: Sites, tmp_path: Path) -> None:
    assert deployed.run("seal", "DM-2").code == 0
    own = deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: [own, *children])
    assert deployed.run("verify", "-o", str(tmp_path / "record")).code == 1

    names = sorted(path.name for path in (tmp_path / "record").iterdir())
    assert names == [f"{INSTRUMENT}-DM-{n}.{end}" for n in (1, 2) for end in ("json", "md")]
    said = json.loads((tmp_path / "record" / f"{INSTRUMENT}-DM-2.json").read_text())
    jsonschema.validate(said, schemas()["review.json"])
    assert said["seal"].startswith("sha256:")
    assert not said["repositories"][SUMMIT]["passed"]
    shown = (tmp_path / "record" / f"{INSTRUMENT}-DM-2.md").read_text()
    assert shown.startswith(f"# Review of {INSTRUMENT}/DM-2\n\n**DM-2 passes at 2 of 3 repositories**\n")
    assert f"| {SUMMIT} | selection | failed |" in shown
    assert "u/somebody/bias is selected instead" in shown


def test_a_record_that_cannot_be_written_is_told(deployed: Sites, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    ran = deployed.run("verify", "--site", "summit", "-o", str(tmp_path / "taken"))
    assert ran.code == 1
    assert "Review cannot be saved" in ran.err


def test_markdown_is_the_record(deployed: Sites) -> None:
    out = deployed.run("verify", "--site", "summit", "--format", "markdown").out
    assert out.count("# Review of ") == 2
    assert f"| {SUMMIT} | content | passed | 2 collections, 12 certifications |" in out


# --- all of it at once ---


def test_whatever_the_trouble_is_it_is_told_and_nothing_is_written(deployed: Sites) -> None:
    troubled(deployed)
    before = deployed.snapshot()
    ran = deployed.run("verify", "--bytes", "--format", "json")
    assert ran.code == 1
    assert deployed.snapshot() == before
    assert {
        (one["ticket"], address): [(f["check"], f["what"]) for f in there["findings"]]
        for one in ran.json["reviews"]
        for address, there in one["repositories"].items()
        if there["findings"]
    } == {
        # Its RUN was removed, and with it what was certified.
        ("DM-1", EMBARGO): [("content", "missing")],
        # The description in its bundle is gone, so what is beyond cannot be
        # told; elsewhere the fingerprints alone tell that all is there.
        ("DM-2", EMBARGO): [("content", "unknown")],
        # It is not in the chain any more, or not yet.
        ("DM-2", SUMMIT): [("selection", "shadowed")] * 2,
        ("DM-3", ORIGIN): [("selection", "shadowed")] * 2,
        ("DM-3", EMBARGO): [("content", "not-deployed")],
        ("DM-3", SUMMIT): [("content", "not-deployed")],
        ("DM-4", ORIGIN): [("content", "not-deployed")],
        ("DM-4", EMBARGO): [("content", "not-deployed")],
        ("DM-4", SUMMIT): [("content", "not-deployed")],
    }
    assert all(set(one["unreachable"]) == {"bts/LSSTComCam"} for one in ran.json["reviews"])

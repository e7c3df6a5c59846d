"""Sites that cannot see each other are told of by what was observed there."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calibstate.lookups.fingerprint import Fingerprints, look_at_chains
from calibstate.model.scope import Scope
from calibstate.work.session import Session
from tests import world
from tests.adapters.butler_opening_test import kill_a_writer
from tests.commands import stock
from tests.commands.sites import EMBARGO, LEAVES, ORIGIN, SUMMIT, TOP, Sites
from tests.services.moto import S3
from tests.tree import Ran

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
BASE = "bts/LSSTComCam"

Stand = Callable[[str], None]


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Return what says at which site we are."""
    return lambda site: monkeypatch.setenv("CALIBSTATE_HERE", site)


def part(sites: Sites) -> Sites:
    """Have the sites see only their own repositories from now on."""
    sites.tree.site("usdf", {"main": "origin", "embargo": "copy"}, absolute=True, hosts=["*.usdf.example"])
    sites.tree.site("summit", {"LSSTComCam": "copy"}, absolute=True, hosts=["*.cp.example"])
    return sites


@pytest.fixture
def parted(deployed: Sites) -> Sites:
    """Return deployed sites that do not see each other."""
    return part(deployed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "observed.json"


def observe(sites: Sites, file: Path, *arguments: str) -> dict[str, Any]:
    """Observe into a file, and return what it says."""
    ran = sites.run("observe", "-o", str(file), *arguments)
    assert ran.code == 0, ran.out + ran.err
    said: dict[str, Any] = json.loads(file.read_text())
    return said


def rewritten(file: Path, **changes: Any) -> str:
    """Change a file as if it had been observed otherwise; return its name."""
    said = json.loads(file.read_text())
    for one in said["observations"]:
        one.update(changes)
    file.write_text(json.dumps(said))
    return str(file)


def drift_of(ran: Ran) -> set[tuple[str, str, str]]:
    return {(d["target"]["place"], d["what"], d["subject"]) for d in ran.json["drift"]}


def fingerprints(sites: Sites, observed: list[str]) -> Fingerprints:
    session = Session(sites.tree.state, observed=tuple(observed))
    return look_at_chains(session.desired, Scope(), session.places())


def steps(ran: Ran, place: str) -> str:
    """Return the steps of a plan at a place, as they are written."""
    return json.dumps([step for step in ran.json["steps"] if step["target"]["place"] == place], indent=1)


def disturb(sites: Sites) -> None:
    """Have something of everything that drift tells at the summit."""
    sites.add_own(SUMMIT)
    stock.collection_chain(sites.path(SUMMIT), TOP, "u/somebody/bias", OLD)
    with sites.butler(SUMMIT) as butler:
        butler.registry.certify(
            f"{NEW}/flat.20240101a",
            world.add_run(butler, "u/somebody/dark", "dark"),
            world.timespan(world.IN_2025),
        )
    next(iter(sorted(sites.path(SUMMIT).rglob("DM-1/**/*.fits")))).unlink()


# Drift


def test_sites_that_do_not_see_each_other_are_compared_by_what_was_published(
    deployed: Sites, stand: Stand
) -> None:
    disturb(deployed)
    for files in ([], ["--files"]):
        live = deployed.run("drift", "--format", "json", *files)
        part(deployed)
        for site in ("usdf", "summit"):
            stand(site)
            assert deployed.run("observe", "--site", site, "--publish", *files).code == 0

        stand("nowhere")
        blind = deployed.run("drift", "--format", "json")
        told = deployed.run("drift", "--format", "json", "--observed", "published", *files)

        assert blind.code == 1
        assert {what for _, what, _ in drift_of(blind)} == {"unreachable"}
        assert live.json["drift"]
        seen_live, seen_by_others = live.json, told.json
        when = seen_by_others.pop("seen")
        assert {seen["by"] for seen in seen_live.pop("seen").values()} == {"live"}
        assert {(a, seen["by"], seen["stale"]) for a, seen in when.items()} == {
            (a, "published", False) for a in (ORIGIN, EMBARGO, SUMMIT)
        }
        assert (told.code, seen_by_others) == (live.code, seen_live)
        assert told.code == 2
        for address in (ORIGIN, EMBARGO, SUMMIT):
            assert f"{address} is told of as it was observed at 20" in told.err
        stand("")
        deployed.tree.site("usdf", {"main": "origin", "embargo": "copy"})
        deployed.tree.site("summit", {"LSSTComCam": "copy"})


def test_what_can_be_seen_is_never_told_by_others(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    observe(parted, file, "--site", "summit")
    parted.change_chain(SUMMIT, lambda children: children[1:])

    seen = parted.run("drift", "--site", "summit", "--observed", str(file))
    stand("usdf")
    told = parted.run("drift", "--site", "summit", "--observed", str(file))

    assert (seen.code, told.code) == (2, 0)
    assert "observed at" not in seen.err
    assert "observed at" in told.err


def test_of_several_observations_the_newest_counts(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    old, new = file.with_name("old.json"), file.with_name("new.json")
    observe(parted, old, "--site", "summit")
    rewritten(old, at="2026-01-01T00:00:00Z")
    parted.change_chain(SUMMIT, lambda children: children[1:])
    observe(parted, new, "--site", "summit")
    stand("usdf")

    for order in ((old, new), (new, old)):
        given = [word for path in order for word in ("--observed", str(path))]
        assert parted.run("drift", *given).code == 2
    assert parted.run("drift", "--observed", str(old), "--max-age", "99999d").code == 0
    both = ["--observed", "published", "--observed"]
    published = parted.tree.folder / "records" / "observations" / "summit" / "LSSTComCam.json"
    published.parent.mkdir(parents=True)
    for one, other in ((old, new), (new, old)):
        published.write_bytes(one.read_bytes())
        assert parted.run("drift", *both, str(other)).code == 2


def test_chains_are_compared_as_with_live_eyes(deployed: Sites, file: Path, stand: Stand) -> None:
    disturb(deployed)
    live = fingerprints(deployed, [])
    part(deployed)
    stand("summit")
    observe(deployed, file, "--site", "summit")
    stand("usdf")

    told = fingerprints(deployed, [str(file)])

    assert set(fingerprints(deployed, []).chains) == {ORIGIN, EMBARGO}
    assert set(told.chains) == {ORIGIN, EMBARGO, SUMMIT}
    for address, chains in live.chains.items():
        assert chains[TOP].resolved == told.chains[address][TOP].resolved
        assert chains[TOP].collections == told.chains[address][TOP].collections
    assert list(told.compared())


def test_files_that_were_not_looked_at_are_told(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    next(iter(parted.path(SUMMIT).rglob("DM-1/**/*.fits"))).unlink()
    observe(parted, file, "--site", "summit")
    stand("usdf")
    without = parted.run("drift", "--site", "summit", "--files", "--observed", str(file))
    quick = parted.run("drift", "--site", "summit", "--observed", str(file))
    stand("summit")
    observe(parted, file, "--site", "summit", "--files")
    stand("usdf")
    complete = parted.run("drift", "--site", "summit", "--files", "--observed", str(file))

    assert (without.code, quick.code, complete.code) == (0, 0, 2)
    assert "the files of 4 collections were not looked at" in without.err
    for ran in (quick, complete):
        assert "not looked at" not in ran.err


def test_a_repository_that_waits_for_recovery_is_not_told_by_others(deployed: Sites, file: Path) -> None:
    observe(deployed, file, "--site", "summit")
    assert deployed.run("drift", "--site", "summit", "--observed", str(file)).code == 0
    kill_a_writer(deployed.path(SUMMIT) / "gen3.sqlite3")

    ran = deployed.run("drift", "--site", "summit", "--observed", str(file))

    assert ran.code == 1
    assert "observed at" not in ran.err


def test_the_observation_of_another_butler_tells_nothing(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    observe(parted, file, "--site", "summit")
    stand("usdf")
    assert parted.run("drift", "--observed", str(file)).code == 0
    site = parted.tree.state / "sites" / "summit.yaml"
    site.write_text(site.read_text().replace("summit-LSSTComCam", "summit-new"))

    for command in ("drift", "plan"):
        ran = parted.run(command, "--observed", str(file))
        assert ran.code == 1
        assert "is of another butler; observe again there" in ran.out


def test_options_are_taken_from_the_environment(
    parted: Sites, file: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand("summit")
    observe(parted, file, "--site", "summit")
    stand("usdf")
    monkeypatch.setenv("CALIBSTATE_OBSERVED", f"published {file}")
    assert parted.run("plan").code == 0
    monkeypatch.setenv("CALIBSTATE_MAX_AGE", "0s")
    rewritten(file, at=OLD_MOMENT)
    assert parted.run("plan").code == 1
    assert parted.run("drift").code == 1


def test_a_file_stands_in_where_nothing_was_published(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    observe(parted, file, "--site", "summit")
    stand("usdf")

    published = parted.run("drift", "--observed", "published")
    both = parted.run("drift", "--observed", "published", "--observed", str(file))

    assert published.code == 1
    assert "nobody published an observation of it" in published.out
    assert both.code == 0, both.out


# Plans


def test_a_plan_from_an_observation_is_that_of_live_eyes_and_is_carried_out_there(
    sites: Sites, file: Path, stand: Stand
) -> None:
    part(sites)
    stand("usdf")
    assert sites.apply("--site", "usdf").code == 0
    stand("summit")
    sites.add_own(SUMMIT)
    live = sites.run("plan", "--format", "json", "--site", "summit")
    observe(sites, file, "--site", "summit")
    before = sites.snapshot("repo", "archive", "records")

    stand("usdf")
    saved = file.with_name("plan.json")
    told = sites.run("plan", "--format", "json", "-o", str(saved), "--observed", str(file))

    assert told.code == live.code == 2
    assert steps(told, SUMMIT) == steps(live, SUMMIT)
    assert len(json.loads(steps(told, SUMMIT))) > 2
    assert told.json["digest"] == live.json["digest"]
    assert sites.snapshot("repo", "archive", "records") == before
    stand("summit")
    ran = sites.apply(str(saved), "--site", "summit")
    assert ran.code == 0, ran.out + ran.err
    assert sites.chain(SUMMIT) == (NEW, OLD)
    assert sites.of_ticket(SUMMIT, "DM-2") == sites.of_ticket(ORIGIN, "DM-2")


def test_a_plan_from_an_observation_is_refused_where_the_ground_has_moved(
    parted: Sites, file: Path, stand: Stand
) -> None:
    stand("summit")
    parted.change_chain(SUMMIT, lambda children: children[1:])
    observe(parted, file, "--site", "summit")
    stand("usdf")
    saved = file.with_name("plan.json")
    assert parted.run("plan", "-o", str(saved), "--observed", str(file)).code == 2

    stand("summit")
    parted.add_own(SUMMIT)
    stock.collection_chain(parted.path(SUMMIT), TOP, "u/somebody/bias", mode="prepend")
    ran = parted.apply(str(saved), "--site", "summit")

    assert ran.code == 3
    assert parted.chain(SUMMIT) == ("u/somebody/bias", OLD)


def test_apply_takes_no_observations(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    observe(parted, file, "--site", "summit")
    stand("usdf")
    assert parted.apply("--observed", str(file)).code == 64


def test_a_ticket_that_is_adopted_after_the_observation_is_planned_for(
    parted: Sites, file: Path, stand: Stand
) -> None:
    parted.make_ticket("DM-3", status="proposed")
    stand("summit")
    observe(parted, file, "--site", "summit")
    stand("usdf")
    parted.tree.ticket("DM-3", *LEAVES)
    parted.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert parted.apply("--site", "usdf").code == 0

    ran = parted.run("plan", "--format", "json", "--observed", str(file))

    assert ran.code == 2
    assert {s["do"] for s in json.loads(steps(ran, SUMMIT))} == {"import-bundle", "prepend-to-chain"}


def test_of_a_name_that_was_not_asked_for_nothing_is_known(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    at = observe(parted, file, "--site", "summit")["observations"][0]["at"]
    stand("usdf")
    parted.make_ticket("DM-3")
    parted.tree.chain(["DM-3", "DM-2", "DM-1"])

    for command in ("plan", "drift"):
        ran = parted.run(command, "--observed", str(file))
        assert ran.code == 1
        assert f"the observation of {at} does not tell of {TOP}/DM-3" in ran.out
        assert "observe again there, with this declaration" in ran.out
    planned = parted.run("plan", "--format", "json", "--observed", str(file))
    assert steps(planned, SUMMIT) == "[]"
    assert (SUMMIT, "unreachable", SUMMIT) in drift_of(planned)
    # The rest goes on.
    assert steps(planned, EMBARGO) != "[]"


# Age


OLD_MOMENT = "2026-01-02T03:04:05Z"


def test_one_too_old_is_never_planned_from(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    parted.change_chain(SUMMIT, lambda children: children[1:])
    observe(parted, file, "--site", "summit")
    stand("usdf")
    name = rewritten(file, at=OLD_MOMENT)

    plan = parted.run("plan", "--format", "json", "--observed", name)

    assert plan.code == 1
    assert plan.json["steps"] == []
    assert drift_of(plan) == {(SUMMIT, "unreachable", SUMMIT)}
    assert (
        f"the observation of {OLD_MOMENT} is older than 24h; observe again there"
        in parted.run("plan", "--observed", name).out
    )


def test_how_old_one_may_be_can_be_said(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    parted.change_chain(SUMMIT, lambda children: children[1:])
    observe(parted, file, "--site", "summit")
    stand("usdf")

    assert parted.run("plan", "--observed", str(file), "--max-age", "1h").code == 2
    name = rewritten(file, at=OLD_MOMENT)
    assert parted.run("plan", "--observed", name, "--max-age", "99999d").code == 2
    assert "older than 12h" in parted.run("plan", "--observed", name, "--max-age", "12h").out
    for word in ("", "1", "1w", "-1h", "1.5h", "1h30m"):
        assert parted.run("plan", "--observed", name, "--max-age", word).code == 64, word


def test_one_of_the_future_is_never_planned_from(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    parted.change_chain(SUMMIT, lambda children: children[1:])
    observe(parted, file, "--site", "summit")
    stand("usdf")

    ran = parted.run("plan", "--observed", rewritten(file, at="2126-01-01T00:00:00Z"))

    assert ran.code == 1
    assert "is of the future" in ran.out


# What is written


def test_observing_writes_nothing_but_its_file(parted: Sites, file: Path, stand: Stand) -> None:
    disturb(parted)
    before = parted.snapshot()
    stand("summit")
    observe(parted, file, "--site", "summit", "--files")
    assert parted.snapshot() == before

    assert parted.run("observe", "--site", "summit", "--publish").code == 0
    after = parted.snapshot()
    assert after.pop("records/observations/summit/LSSTComCam.json")
    assert after.pop("records/exposures/summit/LSSTComCam.json")
    sights = {name for name in after if name.startswith("records/sights/summit/LSSTComCam/")}
    assert len(sights) == 2
    for name in sights:
        del after[name]
    assert after == before


def test_the_same_look_gives_the_same_bytes(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    written = []
    for _ in range(2):
        observe(parted, file, "--site", "summit", "--files")
        rewritten(file, at=OLD_MOMENT)
        written.append(file.read_bytes())
    assert written[0] == written[1]


def test_no_path_host_or_secret_is_in_the_file(
    parted: Sites, file: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand("summit")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    observe(parted, file, "--site", "summit", "--files")
    text = file.read_text()
    for word in (str(parted.tree.folder), "/tmp/", "file:", ".fits", socket.gethostname(), "hush", "records"):
        assert word not in text, word


def test_a_repository_that_cannot_be_seen_is_told_and_left_out(
    parted: Sites, file: Path, stand: Stand
) -> None:
    stand("usdf")
    ran = parted.run("observe", "-o", str(file), "--publish")

    assert ran.code == 1
    assert f"{SUMMIT} could not be seen: seen only from summit" in ran.err
    assert [o["address"] for o in json.loads(file.read_text())["observations"]] == [EMBARGO, ORIGIN]
    published = parted.tree.folder / "records" / "observations"
    assert sorted(str(p.relative_to(published)) for p in published.rglob("*.json")) == [
        "usdf/embargo.json",
        "usdf/main.json",
    ]


def test_where_nothing_is_seen_nothing_is_written(parted: Sites, file: Path, stand: Stand) -> None:
    stand("usdf")
    assert parted.run("observe", "-o", str(file), "--site", "summit").code == 1
    assert not file.exists()


def test_what_was_published_by_one_site_is_no_trouble_for_others(parted: Sites, stand: Stand) -> None:
    for site in ("usdf", "summit"):
        stand(site)
        assert parted.run("observe", "--site", site, "--publish").code == 0
    published = parted.tree.folder / "records" / "observations"
    (published / "usdf" / "embargo.json").write_bytes((published / "usdf" / "main.json").read_bytes())
    (published / "usdf" / "main.json").write_text("{")
    stand("nowhere")

    ran = parted.run("drift", "--format", "json", "--observed", "published")

    assert ran.code == 1
    assert drift_of(ran) == {(a, "unreachable", a) for a in (EMBARGO, ORIGIN)}
    said = parted.run("drift", "--observed", "published").out
    assert "it is of usdf/main, not of usdf/embargo" in said
    assert "cannot be read as observations" in said


def test_observations_are_published_to_a_bucket(deployed: Sites, s3: S3, stand: Stand) -> None:
    bucket = s3.bucket("records")
    deployed.tree.settings()
    settings = deployed.tree.state / "calibstate.yaml"
    settings.write_text(settings.read_text().replace("../records", f"{bucket}/deep/records"))
    part(deployed)
    stand("summit")
    for _ in range(2):
        assert deployed.run("observe", "--site", "summit", "--publish").code == 0
    exposures, observation, kept, newest = s3.keys(bucket)
    assert exposures == "deep/records/exposures/summit/LSSTComCam.json"
    assert observation == "deep/records/observations/summit/LSSTComCam.json"
    assert kept.startswith("deep/records/sights/summit/LSSTComCam/20")
    assert newest == "deep/records/sights/summit/LSSTComCam/newest.json"
    stand("usdf")

    assert deployed.run("drift").code == 1
    assert deployed.run("drift", "--observed", "published").code == 0


def test_records_that_do_not_answer_are_told(parted: Sites, stand: Stand) -> None:
    records = parted.tree.folder / "records"
    records.rename(records.with_name("away"))
    records.write_text("in the way")
    stand("summit")
    published = parted.run("observe", "--site", "summit", "--publish")
    stand("usdf")
    read = parted.run("drift", "--observed", "published", "--site", "summit")

    assert (published.code, read.code) == (1, 1)
    assert "The observation was not published" in published.err
    assert "What was published there cannot be read" in read.out


# What is given


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Invalid JSON"),
        (b"{}", "observations: Field required"),
        (b'{"observations": []}', "kind: Field required"),
        (b'{"format_version": "9.0", "kind": "observations", "observations": 3}', "format_version"),
        (b'{"format_version": "1.0", "kind": "plan", "steps": []}', "kind"),
        (b"[" * 100_000, "recursion"),
        (b"\xff\xfe", "Invalid JSON"),
    ],
)
def test_what_is_no_observation_is_told_so(parted: Sites, file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    for command in ("drift", "plan"):
        ran = parted.run(command, "--observed", str(file))
        assert ran.code == 1
        assert "Not an observation file" in ran.err
        assert why in ran.err
        assert not ran.out


def test_a_file_that_is_not_there_is_a_mistake_of_usage(parted: Sites, file: Path) -> None:
    assert parted.run("drift", "--observed", str(file)).code == 64
    assert parted.run("drift", "--observed", str(file.parent)).code == 64
    assert parted.run("observe").code == 64
    assert parted.run("observe", "-o", str(file.parent)).code == 1


def test_an_observation_of_what_nobody_declared_is_told(parted: Sites, file: Path, stand: Stand) -> None:
    stand("summit")
    observe(parted, file, "--site", "summit")
    ran = parted.run("drift", "--site", "summit", "--observed", rewritten(file, address=BASE))
    assert ran.code == 0
    assert f"{BASE} was observed, but nobody declared it" in ran.err


def test_fingerprints_of_sites_that_cannot_see_each_other_are_compared(parted: Sites, stand: Stand) -> None:
    stand("summit")
    parted.change_chain(SUMMIT, lambda children: children[::-1])
    assert parted.run("observe", "--publish").code == 1, "the others cannot be seen from here"
    stand("usdf")
    assert parted.run("fingerprint").code == 1

    ran = parted.run("fingerprint", "--observed", "published")

    assert ran.code == 2
    assert f"{SUMMIT} selects otherwise than {ORIGIN}" in ran.out

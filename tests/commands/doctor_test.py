"""Whether one can work with the places, told before one has to."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler

from calibstate.adapters import checkup
from calibstate.adapters.butler import formatters, reader
from calibstate.adapters.butler.opening import Repository
from calibstate.adapters.objectstores import open_store
from calibstate.adapters.processes import this_process
from calibstate.model.checkups import Check, Examined, Health
from calibstate.surveys import place_checks
from tests import world
from tests.commands.carried import Carried
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, Sites
from tests.services.moto import S3
from tests.services.postgres import Postgres
from tests.tree import Ran


def checks(ran: Ran) -> dict[tuple[str, str], dict[str, Any]]:
    return {(check["place"], check["check"]): check for check in ran.json["checks"]}


def health(ran: Ran) -> dict[tuple[str, str], str]:
    return {which: check["health"] for which, check in checks(ran).items() if check["health"] != "ok"}


def test_where_all_is_well_that_is_told_and_nothing_is_written(deployed: Sites) -> None:
    before = deployed.snapshot()
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {}), ran.out
    assert deployed.snapshot() == before
    found = checks(ran)
    for place in (ORIGIN, EMBARGO, SUMMIT):
        assert {check for at, check in found if at == place} == {"read", "write", "versions", "room", "locks"}
    assert "datasets 2.0.0" in found[SUMMIT, "versions"]["said"]
    assert "lsst-daf-butler" in found["here", "versions"]["said"]
    assert "can be imported" in found["here", "formatters"]["said"]
    assert deployed.run("doctor").out.splitlines()[-1] == "All is well."
    assert f"| {SUMMIT} | read | ok |" in deployed.run("doctor", "--format", "markdown").out


def test_only_what_is_asked_for_is_looked_at(deployed: Sites) -> None:
    found = checks(deployed.run("doctor", "--site", "summit", "--format", "json"))
    assert (SUMMIT, "read") in found
    assert (ORIGIN, "read") not in found
    assert ("archive", "read") in found
    assert deployed.run("doctor", "--site", "nowhere").code == 64
    of_all = checks(deployed.run("doctor", "--format", "json"))
    assert checks(deployed.run("doctor", "--instrument", "LSSTComCam", "--format", "json")) == of_all
    assert deployed.run("doctor", "--instrument", "LATISS").code == 64


def test_a_repository_that_is_gone_fails_and_the_others_are_told(deployed: Sites) -> None:
    shutil.rmtree(deployed.path(SUMMIT))
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (1, {(SUMMIT, "read"): "failed"})
    assert checks(ran)[SUMMIT, "read"]["hint"]
    assert checks(ran)[EMBARGO, "read"]["health"] == "ok"


def test_a_repository_that_is_silent_fails_and_the_others_are_told(deployed: Sites) -> None:
    with closing(sqlite3.connect(deployed.path(SUMMIT) / "gen3.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        ran, limit = deployed.run_with_limit(
            "doctor", "--format", "json", until=lambda ran: len(health(ran)) == 1
        )
    assert (ran.code, health(ran)) == (1, {(SUMMIT, "read"): "failed"})
    assert f"did not answer within {limit} s" in checks(ran)[SUMMIT, "read"]["said"]


def test_an_archive_that_does_not_answer_fails(deployed: Sites) -> None:
    shutil.rmtree(deployed.tree.folder / "archive")
    (deployed.tree.folder / "archive").write_text("no folder")
    ran = deployed.run("doctor", "--format", "json")
    assert ran.code == 1
    assert health(ran) == {("archive", "read"): "failed", ("here", "formatters"): "warning"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: not run")
def test_what_may_only_be_read_is_told(deployed: Sites) -> None:
    archive = deployed.tree.folder / "archive"
    archive.chmod(0o555)
    ran = deployed.run("doctor", "--format", "json")
    archive.chmod(0o755)
    assert (ran.code, health(ran)) == (0, {("archive", "write"): "warning"})


def test_what_the_system_says_of_writing_is_told(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so the system is asked with other words.
    refused = str(deployed.path(SUMMIT))
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **_: not (mode == os.W_OK and str(path).startswith(refused)),
    )
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {(SUMMIT, "write"): "warning"})
    assert "no permission to write" in checks(ran)[SUMMIT, "write"]["said"]


def test_apply_opens_no_place_a_second_time_to_look_whether_it_is_fit(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, bool]] = []
    as_it_is = Repository.open

    def counted(self: Repository, *, writeable: bool) -> Butler:
        opened.append((self.uri, writeable))
        return as_it_is(self, writeable=writeable)

    monkeypatch.setattr(Repository, "open", counted)
    assert sites.apply().code == 0

    before_any_write = [uri for uri, _ in takewhile(lambda one: not one[1], opened)]
    assert sorted(before_any_write) == sorted(str(sites.path(place)) for place in (ORIGIN, EMBARGO, SUMMIT))


def test_apply_makes_the_same_checks_first_and_leaves_out_what_fails(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = str(sites.path(SUMMIT))
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **_: not (mode == os.W_OK and str(path).startswith(refused)),
    )
    before = sites.snapshot("repo/summit-LSSTComCam")

    ran = sites.apply()

    assert ran.code == 1
    assert f"{SUMMIT}: no permission to write" in ran.err
    assert "It can be looked at; apply cannot change it from here." in ran.err
    assert "failed" in ran.out
    assert sites.snapshot("repo/summit-LSSTComCam") == before
    assert sites.locks() == []
    assert sites.chain(EMBARGO) == sites.chain(ORIGIN)
    # It was not even held, and nothing was begun there.
    (past,) = sites.run("log", "--format", "json").json["runs"]
    worked_at = [line["text"] for line in past["lines"] if line["event"] == "plan"]
    assert worked_at
    assert not any(SUMMIT in text for text in worked_at)
    begun = [line["outcome"] for line in past["lines"] if line["event"] == "outcome"]
    assert not any(SUMMIT in one["target"] and one["result"] == "begun" for one in begun)
    monkeypatch.undo()
    assert sites.apply().code == 0


def test_what_is_doubtful_is_told_before_anybody_is_asked(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_checks, "ROOM", 10**18)

    ran = sites.run("apply")

    assert ran.code == 64, "there is nobody to ask"
    assert "are free" in ran.err
    assert "Make room before the next apply." in ran.err
    assert ran.err.index("are free") < ran.err.index("Nobody to ask")


def test_doctor_tells_the_formatters_that_apply_would_refuse(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sites.apply("--repository", ORIGIN).code == 0

    def refuse(name: str) -> type:
        raise ImportError(f"No module named {name.partition('.')[0]!r}")

    monkeypatch.setattr(formatters, "doImportType", refuse)
    ran = sites.run("doctor", "--format", "json")
    refusing = {(place, "tickets"): "warning" for place in (SUMMIT, EMBARGO)}
    assert (ran.code, health(ran)) == (0, {("here", "formatters"): "warning", **refusing})
    said = checks(ran)["here", "formatters"]
    assert "cannot be imported (No module named" in said["said"]
    assert "`apply` refuses to import them" in said["hint"]

    applied = sites.apply()
    assert applied.code == 3
    assert "which is not usable here: No module named" in applied.out


def test_formatters_of_what_is_at_the_origin_alone_are_told_before_anything_is_written(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> type:
        raise ImportError(f"No module named {name.partition('.')[0]!r}")

    asked: list[tuple[str, ...]] = []
    describe = reader.DafButlerReader.described

    def described(self: reader.DafButlerReader, collections: Sequence[str]) -> Any:
        asked.append(tuple(collections))
        return describe(self, collections)

    monkeypatch.setattr(formatters, "doImportType", refuse)
    monkeypatch.setattr(reader.DafButlerReader, "described", described)
    ran = sites.run("doctor", "--format", "json")
    assert health(ran) == {(SUMMIT, "tickets"): "warning", (EMBARGO, "tickets"): "warning"}
    assert "Formatter class cannot be imported" in checks(ran)[SUMMIT, "tickets"]["said"]
    # What is open of the origin answers one at a time: each is asked once.
    assert len(asked) == len(set(asked)) > 0
    planned = sites.run("plan", "--format", "json")
    assert {refusal["target"]["place"] for refusal in planned.json["refused"]} == {SUMMIT, EMBARGO}
    assert {step["target"]["place"] for step in planned.json["steps"]} == {"archive"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("lsst.daf.butler.formatters.json.JsonFormatter", None),
        ("lsst.obs.nowhere.Formatter", "lsst.obs"),
        ("lsst.daf.butler.Butler", "it is no formatter"),
        ("", ""),
    ],
)
def test_a_class_is_usable_or_it_is_told_why_not(name: str, why: str | None) -> None:
    told = formatters.why_not_usable(name, ["lsst"])
    assert told is None if why is None else told is not None and why in told


def test_a_class_whose_module_breaks_is_not_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaks_when_imported.py").write_text("raise RuntimeError('no camera here')")
    monkeypatch.syspath_prepend(tmp_path)
    allowed = ["breaks_when_imported"]
    assert formatters.why_not_usable("breaks_when_imported.Formatter", allowed) == "no camera here"


def test_who_holds_a_place_is_told_and_keeps_it(deployed: Sites) -> None:
    records = open_store(str(deployed.tree.folder / "records"))
    lock = {
        "id": "0b7e9b4c",
        "place": SUMMIT,
        "who": "somebody",
        "process": {**this_process().model_dump(), "host": "elsewhere", "machine": "m", "boot": "b"},
        "since": "2026-11-22T18:00:00Z",
        "why": "plan sha256:0",
    }
    records.write("locks/summit__LSSTComCam.json", json.dumps(lock).encode())
    before = deployed.snapshot()
    ran = deployed.run("doctor", "--format", "json")
    assert deployed.snapshot() == before
    assert (ran.code, health(ran)) == (0, {(SUMMIT, "locks"): "warning"})
    assert "somebody on elsewhere" in checks(ran)[SUMMIT, "locks"]["said"]


def test_a_site_whose_records_another_keeps_is_told(deployed: Sites) -> None:
    shared = str(deployed.tree.folder / "records")
    deployed.tree.settings(records=shared)

    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {(shared, "records"): "warning"})
    told = checks(ran)[shared, "records"]
    assert "those of summit are kept here" in told["said"]
    assert "While it is away nothing can be changed at summit." in told["hint"]
    assert health(deployed.run("doctor", "--site", "usdf", "--format", "json")) == {}

    # With records of its own, by an address that says where they are.
    site = deployed.tree.state / "sites" / "summit.yaml"
    own = {**yaml.safe_load(site.read_text()), "records": str(deployed.tree.folder / "records-summit")}
    site.write_text(yaml.safe_dump(own))
    assert health(deployed.run("doctor", "--format", "json")) == {}


def test_a_damaged_bundle_is_told(deployed: Sites) -> None:
    (deployed.bundle("DM-1") / "export.yaml").unlink()
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (1, {("archive", "bundles"): "failed"})


def test_little_room_is_told(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "room_at", lambda path: 12_000_000)
    ran = deployed.run("doctor")
    assert ran.code == 0
    assert "12.0 MB are free" in ran.out
    assert "warning" in ran.out.splitlines()[-1]


# What a place tells, and what is made of it


def of(found: Examined, largest: int = 0) -> dict[str, Check]:
    class Answer:
        def result(self) -> Examined:
            return found

    return {check.check: check for check in place_checks.examined("archive", Answer(), largest)}  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "said"), [(-90, "90 s behind"), (6, "6 s ahead of"), (3, "within 5 s")])
def test_a_clock_that_is_off_is_told(seconds: int, said: str) -> None:
    clock = of(Examined("read", None, "not tried", offset=timedelta(seconds=seconds)))["clock"]
    assert said in clock.said
    assert (clock.health is Health.OK) == (abs(seconds) < 5)


def test_the_date_of_a_server_is_its_clock() -> None:
    date = f"{datetime.now(UTC) + timedelta(minutes=2):%a, %d %b %Y %H:%M:%S GMT}"
    offset = checkup.offset_of(date)
    assert offset
    assert abs(offset - timedelta(minutes=2)) < timedelta(seconds=2)
    assert checkup.offset_of(None) is checkup.offset_of("tomorrow") is None


def test_room_is_for_the_largest_bundle() -> None:
    found = Examined("read", True, "yes", room=5 * 10**9)
    assert of(found)["room"].health is Health.OK
    assert "the largest bundle has 6.0 GB" in of(found, 6 * 10**9)["room"].said


# Other kinds of places


def test_places_in_a_bucket_are_asked_and_not_tried(deployed: Sites, s3: S3) -> None:
    bucket = s3.bucket("archive")
    settings = deployed.tree.state / "calibstate.yaml"
    settings.write_text(settings.read_text().replace("archive: ../archive", f"archive: {bucket}/archive"))
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {})
    assert checks(ran)["archive", "clock"]["said"] == "within 5 s of ours"
    assert checks(ran)["archive", "write"]["said"].startswith("not tried")
    assert s3.keys(bucket) == []


def test_a_role_that_may_only_read_is_told(deployed: Sites, postgres: Postgres) -> None:
    namespace = postgres.namespace()
    shutil.rmtree(deployed.path(SUMMIT))
    world.make_repo(deployed.path(SUMMIT), db=postgres.url, namespace=namespace).close()
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {})
    assert checks(ran)[SUMMIT, "clock"]["said"] == "within 5 s of ours"
    assert "PostgreSQL" in checks(ran)[SUMMIT, "versions"]["said"]

    reader = f"reader_{namespace[-8:]}"
    postgres.execute(f"CREATE ROLE {reader} LOGIN")
    postgres.execute(f"GRANT USAGE ON SCHEMA {namespace} TO {reader}")
    postgres.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {namespace} TO {reader}")
    file = deployed.path(SUMMIT) / "butler.yaml"
    said = yaml.safe_load(file.read_text())
    said["registry"]["db"] = postgres.url.replace("calib@", f"{reader}@")
    file.write_text(yaml.safe_dump(said))
    ran = deployed.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {(SUMMIT, "write"): "warning"})
    assert reader in checks(ran)[SUMMIT, "write"]["said"]


def test_rucio_tells_who_we_are_to_it(carried: Carried) -> None:
    ran = carried.run("doctor", "--format", "json")
    assert (ran.code, health(ran)) == (0, {}), ran.out
    assert {check for at, check in checks(ran) if at == "rucio"} == {
        "read",
        "write",
        "versions",
        "clock",
        "locks",
    }
    assert checks(ran)["rucio", "versions"]["said"].startswith("Rucio ")


@pytest.mark.slow
def test_a_rucio_that_is_down_fails_and_the_others_are_told(carried: Carried) -> None:
    carried.rucio.stop_server()
    ran, _ = carried.run_with_limit("doctor", "--format", "json", until=lambda ran: len(health(ran)) == 1)
    assert (ran.code, health(ran)) == (1, {("rucio", "read"): "failed"}), ran.out
    carried.rucio.start_server()

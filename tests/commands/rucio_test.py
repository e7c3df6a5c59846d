"""Tickets that Rucio carries, from the files of the origin to a lookup."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import yaml

from calibstate.demo.rucio.site import ORIGIN as ORIGIN_RSE
from calibstate.demo.rucio.site import Rse, RucioSite
from tests import world
from tests.commands.carried import ARRIVES_AT, BTS, Carried, declare, make_origin
from tests.commands.sites import INSTRUMENT, ORIGIN, SUMMIT, TOP
from tests.services.moto import S3
from tests.tree import Tree

TICKET = f"{TOP}/DM-1"
SUMMIT_RSE, BTS_RSE = ARRIVES_AT[SUMMIT], ARRIVES_AT[BTS]


def deployed(sites: Carried) -> None:
    """Take everything to its end."""
    assert sites.apply().code == 4
    sites.arrive()
    ran = sites.apply()
    assert ran.code == 0, ran.out + ran.err


def test_a_ticket_goes_from_the_origin_to_two_sites_as_it_is(carried: Carried) -> None:
    deployed(carried)

    for address, rse in ARRIVES_AT.items():
        assert carried.of_ticket(address, "DM-1") == carried.of_ticket(ORIGIN, "DM-1") != []
        assert carried.chain(address) == (TICKET,)
        assert carried.chain(address, TICKET) == carried.chain(ORIGIN, TICKET)
        assert carried.arrived_files(rse) == carried.arrived_files(ORIGIN_RSE) != {}
        assert carried.files(address) == {}, "nothing is copied into the site's own datastore"
        where = carried.uris(address)
        assert where.keys() == carried.uris(ORIGIN).keys()
        assert all(uri.startswith(carried.at(rse).as_uri()) for uri in where.values())
        found = carried.found(address, "bias", detector=1)
        assert found == carried.found(ORIGIN, "bias", detector=1) is not None


def test_what_is_registered_is_what_everyone_expects(carried: Carried) -> None:
    assert carried.apply("--site", "usdf").code == 4

    client = carried.rucio.client()
    names = [{"scope": carried.scope, "name": name} for name in carried.content()]
    described = {m["name"]: m for m in client.get_metadata_bulk(names, plugin="JSON")}
    assert {m["rubin_butler"] for m in described.values()} == {"data_product"}
    sidecars = {name: json.loads(m["rubin_sidecar"]) for name, m in described.items()}
    assert {s["id"] for s in sidecars.values()} == carried.uris(ORIGIN).keys()
    assert all(s["dataId"]["records"]["detector"] for s in sidecars.values())
    assert not carried.is_open()
    (rule,) = carried.rules(SUMMIT_RSE)
    assert (rule["copies"], rule["expires_at"]) == (1, None)


def test_a_second_apply_writes_nothing_anywhere(carried: Carried) -> None:
    deployed(carried)
    before, mark = carried.snapshot("repo", "archive"), len(carried.rucio.requests())

    again = carried.apply()

    assert (again.code, "nothing to do" in again.out) == (0, True)
    assert carried.rucio.writes(mark) == []
    assert len(carried.rucio.requests()) > mark, "it has looked"
    assert carried.snapshot("repo", "archive") == before
    assert carried.run("plan", "--files").code == 0


@pytest.mark.slow
def test_each_site_does_its_own_steps_and_names_the_other(carried: Carried) -> None:
    early = carried.apply("--site", "summit")
    assert early.code == 4
    assert "calibstate apply --site usdf" in early.out

    at_usdf = carried.apply("--site", "usdf")
    assert at_usdf.code == 4, at_usdf.err
    assert not carried.is_open()
    assert {rule["rse_expression"] for rule in carried.rules()} == {SUMMIT_RSE, BTS_RSE}
    assert not carried.has(SUMMIT, TICKET)

    waiting = carried.apply("--site", "summit")
    assert waiting.code == 4
    assert f"0 of 12 files are at {SUMMIT_RSE}" in waiting.out
    assert "since 20" in waiting.out

    carried.arrive()
    at_summit = carried.apply("--site", "summit")
    assert at_summit.code == 0, at_summit.out + at_summit.err
    assert carried.chain(SUMMIT) == (TICKET,)
    assert not carried.has(BTS, TICKET)
    assert carried.run("drift", "--site", "summit").code == 0


@pytest.mark.slow
def test_a_site_goes_on_while_another_is_still_waiting(carried: Carried) -> None:
    carried.rucio.transfers.fail(BTS_RSE)
    carried.apply()
    carried.arrive()

    ran = carried.apply()

    assert carried.chain(SUMMIT) == (TICKET,)
    assert not carried.has(BTS, TICKET)
    assert ran.code == 4


def test_waiting_takes_it_to_its_end_in_one_go(carried: Carried) -> None:
    carried.rucio.auto(0.2)

    ran = carried.apply("--wait", "5m")

    assert ran.code == 0, ran.out + ran.err
    assert carried.chain(SUMMIT) == carried.chain(BTS) == (TICKET,)
    assert f"{SUMMIT_RSE}: 12 there, 0 on their way, 0 stuck" in ran.err
    assert carried.run("plan").code == 0


@pytest.mark.slow
def test_a_reviewed_plan_is_waited_for_too(carried: Carried) -> None:
    plan = carried.tree.folder / "plan.json"
    assert carried.run("plan", "-o", str(plan)).code == 2
    carried.rucio.auto(0.2)

    ran = carried.apply(str(plan), "--wait", "5m")

    assert ran.code == 0, ran.out + ran.err
    assert carried.chain(SUMMIT) == carried.chain(BTS) == (TICKET,)


def test_waiting_ends_when_the_time_is_over(carried: Carried) -> None:
    ran = carried.apply("--wait", "1s")

    assert ran.code == 4
    assert not carried.has(SUMMIT, TICKET)


@pytest.mark.slow
def test_nothing_is_waited_for_where_nothing_comes(carried: Carried) -> None:
    deployed(carried)

    assert carried.apply("--wait", "5m").code == 0


@pytest.mark.parametrize("duration", ["soon", "30", "-5m", "1w"])
def test_a_duration_that_means_nothing_is_told(carried: Carried, duration: str) -> None:
    ran = carried.apply(f"--wait={duration}")

    assert ran.code == 64
    assert "30m" in ran.err


def test_a_plan_is_the_same_byte_for_byte_while_files_are_under_way(carried: Carried, tmp_path: Path) -> None:
    carried.apply("--site", "usdf")

    # What is printed tells of when it was looked; what is saved does not.
    plans = [tmp_path / "first.json", tmp_path / "second.json"]
    for plan in plans:
        carried.run("plan", "-o", str(plan))

    assert plans[0].read_bytes() == plans[1].read_bytes()
    assert json.loads(plans[0].read_bytes())["steps"] == []


def test_a_newer_ticket_is_carried_in_front(carried: Carried) -> None:
    deployed(carried)
    carried.make_ticket("DM-2", {"dark.20250101a": ("dark", world.IN_2025)})
    carried.tree.chain(["DM-2", "DM-1"])

    deployed(carried)

    assert carried.chain(SUMMIT) == (f"{TOP}/DM-2", TICKET)
    assert carried.of_ticket(SUMMIT, "DM-2") == carried.of_ticket(ORIGIN, "DM-2") != []


@pytest.mark.slow
def test_by_s3_it_is_the_same(
    tmp_path: Path, rucio_site: RucioSite, s3: S3, capsys: pytest.CaptureFixture[str]
) -> None:
    buckets = {name: s3.bucket(name).removeprefix("s3://") for name in ("origin", "summit")}
    tag = buckets["origin"][-6:].upper()
    origin = rucio_site.add_rse(Rse.in_bucket(f"ORIGIN_{tag}", s3.endpoint, buckets["origin"]))
    arrives = rucio_site.add_rse(Rse.in_bucket(f"SUMMIT_{tag}", s3.endpoint, buckets["summit"]))
    scope = f"s3-{tag.lower()}"
    rucio_site.add_scope(scope)
    tree = Tree(tmp_path / "sites")
    made = make_origin(tmp_path / "made", store=f"s3://{buckets['origin']}/{scope}")
    for folder, address in (("origin", ORIGIN), ("empty", SUMMIT)):
        tree.repository(address).parent.mkdir(parents=True, exist_ok=True)
        (made / folder).rename(tree.repository(address))
    declare(tree, origin, scope, {SUMMIT: arrives}, rucio_site)
    tree.ticket("DM-1", "bias.20240101a", "flat.20240101a")
    tree.chain(["DM-1"])
    sites = Carried(tree, capsys, rucio=rucio_site, scope=scope)

    deployed(sites)

    def objects(name: str) -> dict[str, bytes]:
        keys = [key for key in s3.keys(f"s3://{buckets[name]}") if not key.endswith("/")]
        return {k: s3.client.get_object(Bucket=buckets[name], Key=k)["Body"].read() for k in keys}

    assert objects("summit") == objects("origin") != {}
    assert sites.of_ticket(SUMMIT, "DM-1") == sites.of_ticket(ORIGIN, "DM-1") != []
    assert all(uri.startswith(f"s3://{buckets['summit']}/{scope}/") for uri in sites.uris(SUMMIT).values())
    mark = len(rucio_site.requests())
    assert sites.apply().code == 0
    assert rucio_site.writes(mark) == []


@pytest.mark.slow
def test_what_a_daemon_has_recorded_already_is_accepted(carried: Carried) -> None:
    carried.apply("--site", "usdf")
    carried.arrive()
    carried.ingest_at(SUMMIT, SUMMIT_RSE)
    carried.ingest_at(BTS, BTS_RSE, transfer="copy")
    recorded = {address: carried.uris(address) for address in ARRIVES_AT}

    ran = carried.apply()

    assert ran.code == 0, ran.out + ran.err
    assert {address: carried.uris(address) for address in ARRIVES_AT} == recorded
    for address in ARRIVES_AT:
        assert carried.of_ticket(address, "DM-1") == carried.of_ticket(ORIGIN, "DM-1") != []
        assert carried.chain(address) == (TICKET,)


def test_a_ticket_that_skips_a_site_is_not_carried_there(carried: Carried) -> None:
    carried.tree.ticket("DM-1", "bias.20240101a", "flat.20240101a", skip={"bts": "no camera there"})

    carried.apply()

    assert [rule["rse_expression"] for rule in carried.rules()] == [SUMMIT_RSE]


def test_a_site_on_hold_is_sent_nothing(carried: Carried) -> None:
    carried.tree.site(
        "bts",
        {"LSSTComCam": {"by": "rucio", "rse": BTS_RSE, "prefix": str(carried.at(BTS_RSE))}},
        hold="the network is being rebuilt",
    )

    ran = carried.apply()

    assert [rule["rse_expression"] for rule in carried.rules()] == [SUMMIT_RSE]
    assert f"{BTS_RSE} is on hold: the network is being rebuilt" in ran.out

    # At three in the morning there is always a way on.
    carried.apply("--allow", "hold", "--because", "the night is lost without it")

    assert sorted(rule["rse_expression"] for rule in carried.rules()) == sorted([BTS_RSE, SUMMIT_RSE])


def test_one_name_that_rucio_refuses_stops_only_its_ticket(carried: Carried) -> None:
    """The server has no policy of its own, so it takes no ``~``."""
    carried.make_ticket("DM-2", {"bias~gain.20240101a": ("bias",)})
    carried.tree.chain(["DM-2", "DM-1"])
    carried.apply()

    applied = carried.apply()
    assert applied.code == 3
    assert "Rucio refuses a name" in applied.out
    for command in ("plan", "drift", "status"):
        ran = carried.run(command)
        assert "DM-2" in ran.out
        assert "error:" not in ran.err
    assert carried.run("plan").code == 3
    assert carried.run("drift").code == 2
    assert carried.content("DM-1")


def test_names_that_rucio_would_refuse_are_found_before(carried: Carried) -> None:
    rule = {"pattern": r"^[A-Za-z0-9/][A-Za-z0-9\.\-\_/]*$", "length": 250}
    said = {"scope": carried.scope, "origin_rse": ORIGIN_RSE, "names": rule}
    carried.tree.settings(rucio=said)
    carried.tree.ticket("DM-1", "bias+dark.20240101a")

    ran = carried.run("validate")

    assert ran.code == 1
    assert "Rucio would refuse the name" in ran.err
    assert f"tickets/{INSTRUMENT}/DM-1.yaml" in ran.err


def test_a_declaration_that_does_not_say_where_the_files_are_is_refused(carried: Carried) -> None:
    said = {"scope": carried.scope, "origin_rse": ORIGIN_RSE}
    carried.tree.settings(rucio=said)

    ran = carried.run("plan")

    assert ran.code == 3
    assert "`rse_root` and `dtn_url` are not declared" in ran.out


def test_urls_that_the_rse_would_not_build_are_refused_before_anything(carried: Carried) -> None:
    carried.tree.settings(
        rucio={
            "scope": carried.scope,
            "origin_rse": ORIGIN_RSE,
            "rse_root": "/nowhere",
            "dtn_url": "file://localhost/nowhere",
        }
    )
    mark = len(carried.rucio.requests())

    ran = carried.apply()

    assert ran.code == 3
    assert "the RSE of the origin has its files at" in ran.out
    assert carried.rucio.writes(mark) == []


@pytest.mark.slow
def test_bundles_without_files_suffice_where_rucio_carries_them(carried: Carried) -> None:
    said = yaml.safe_load((carried.tree.state / "calibstate.yaml").read_text())
    carried.tree.settings(rucio=said["rucio"], bundles="by_reference")

    deployed(carried)

    assert carried.bundled_files("DM-1") == []
    assert carried.of_ticket(SUMMIT, "DM-1") == carried.of_ticket(ORIGIN, "DM-1") != []
    assert carried.run("drift", "--files").code == 0


@pytest.mark.parametrize(
    ("arguments", "rses"),
    [
        (["--site", "usdf"], {SUMMIT_RSE, BTS_RSE}),
        (["--exclude", "bts"], {SUMMIT_RSE}),
        (["--exclude", BTS], {SUMMIT_RSE}),
        (["--site", "summit"], set()),
        (["--ticket", "DM-1"], {SUMMIT_RSE, BTS_RSE}),
    ],
)
def test_only_the_rules_that_are_asked_for_are_planned(
    carried: Carried, arguments: list[str], rses: set[str]
) -> None:
    plan = carried.run("plan", "--format", "json", *arguments).json

    assert {step["with"]["rse"] for step in plan["steps"] if step["do"] == "add-rule"} == rses


@pytest.mark.slow
def test_a_sealed_ticket_is_carried_as_it_was_sealed(carried: Carried) -> None:
    assert carried.run("seal", "DM-1").code == 0

    deployed(carried)

    assert carried.of_ticket(SUMMIT, "DM-1") == carried.of_ticket(ORIGIN, "DM-1") != []


@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_waiting_can_be_ended_with_a_word_and_without_harm(carried: Carried, sent: signal.Signals) -> None:
    waiting = carried.tree.spawn("apply", "--yes", "--wait", "5m")
    assert waiting.stdout
    assert any("pending  add-rule" in line for line in waiting.stdout)
    waiting.send_signal(sent)
    _, err = waiting.communicate(timeout=60)

    assert waiting.returncode == 1
    assert "Interrupted. What was done stands" in err
    assert carried.locks() == []
    carried.apply()
    carried.arrive()
    ran = carried.apply()
    assert ran.code == 0, ran.out + ran.err

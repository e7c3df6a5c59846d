"""What goes wrong on the way by Rucio: what is told, and that nothing is lost.

Each fault is real: made on the server, in the transfers, on the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from calibstate.demo.rucio.configuration import ROOT, Login
from calibstate.demo.rucio.site import ORIGIN as ORIGIN_RSE
from tests.commands.carried import ARRIVES_AT, BTS, Carried
from tests.commands.sites import SUMMIT, TOP
from tests.tree import Ran

TICKET = f"{TOP}/DM-1"
SUMMIT_RSE, BTS_RSE = ARRIVES_AT[SUMMIT], ARRIVES_AT[BTS]


def drift(sites: Carried, kind: str, *arguments: str) -> list[tuple[str, str, str]]:
    """Return what drift says of one kind: name, what, and the detail."""
    found = sites.run("drift", "--format", "json", *arguments).json["drift"]
    return [
        (d["target"]["name"].rpartition("/")[2], d["what"], d["detail"])
        for d in found
        if d["target"]["kind"] == kind
    ]


def steps(sites: Carried, *arguments: str) -> list[str]:
    plan = sites.run("plan", "--format", "json", *arguments).json
    return [step["do"] for step in plan["steps"]]


def come_to_its_end(sites: Carried) -> None:
    """Go on after a fault was mended: everything is where it belongs."""
    for _ in range(3):
        ran = sites.apply()
        if ran.code == 0:
            break
        sites.rucio.round("repairer")
        sites.arrive()
    assert ran.code == 0, ran.out + ran.err
    assert sites.run("drift", "--files").code == 0
    assert sites.chain(SUMMIT) == sites.chain(BTS) == (TICKET,)
    for rse in ARRIVES_AT.values():
        assert sites.arrived_files(rse) == sites.arrived_files(ORIGIN_RSE)


def is_refused(ran: Ran, *words: str) -> bool:
    return ran.code == 3 and all(word in ran.out + ran.err for word in words)


@pytest.fixture
def registered(carried: Carried) -> Carried:
    """Return sites whose ticket is registered, and nothing moved yet."""
    assert carried.apply("--site", "usdf").code == 4
    return carried


@pytest.fixture
def deployed(registered: Carried) -> Carried:
    """Return sites that have everything."""
    registered.arrive()
    assert registered.apply().code == 0
    return registered


# --- on the way ---


def test_transfers_that_fail_are_told_with_their_reason_and_tried_again(registered: Carried) -> None:
    registered.rucio.transfers.fail(BTS_RSE, reason="no route to host")
    registered.arrive()

    (told,) = drift(registered, "rucio_rule")
    assert told[:2] == (BTS_RSE, "missing")
    assert "no route to host" in told[2]
    assert "12 stuck" in told[2]
    assert steps(registered, "--site", "usdf") == ["boost-rule"]
    ran = registered.apply()
    assert ran.code == 4
    assert registered.chain(SUMMIT) == (TICKET,)
    assert not registered.has(BTS, TICKET)
    mark = len(registered.rucio.requests())
    assert registered.apply().code == 4, "Rucio has not had the occasion yet"
    assert registered.rucio.writes(mark) == []

    registered.rucio.transfers.mend()
    come_to_its_end(registered)


@pytest.mark.slow
def test_what_is_stuck_again_is_told_and_not_waited_for(registered: Carried) -> None:
    registered.rucio.transfers.fail(BTS_RSE, reason="no route to host")
    registered.arrive()
    registered.apply()
    registered.rucio.round("repairer")
    registered.arrive()

    (told,) = drift(registered, "rucio_rule")

    assert told[:2] == (BTS_RSE, "missing")
    assert steps(registered, "--site", "usdf") == ["boost-rule"]


def test_a_corrupted_source_is_told_with_both_checksums(registered: Carried) -> None:
    file = next(path for path in sorted(registered.at(ORIGIN_RSE).rglob("*.fits")))
    right = file.read_bytes()
    file.write_bytes(right[:-1] + b"?")
    registered.arrive()

    told = drift(registered, "rucio_rule")

    assert [t[:2] for t in told] == [(BTS_RSE, "missing"), (SUMMIT_RSE, "missing")]
    assert all("CHECKSUM MISMATCH" in t[2] and "11 of 12" in t[2] for t in told)
    assert registered.apply().code == 4
    assert not registered.has(SUMMIT, TICKET)
    file.write_bytes(right)
    come_to_its_end(registered)


@pytest.mark.slow
def test_a_transfer_service_that_is_down_is_told(registered: Carried) -> None:
    registered.rucio.transfers.stop()
    registered.arrive()

    told = drift(registered, "rucio_rule")

    assert [t[:2] for t in told] == [(BTS_RSE, "missing"), (SUMMIT_RSE, "missing")]
    assert all("SUBMISSION_FAILED" in t[2] for t in told)
    registered.rucio.transfers.start()
    come_to_its_end(registered)


@pytest.mark.slow
def test_files_that_are_held_up_are_awaited_with_their_number(registered: Carried) -> None:
    registered.rucio.transfers.hold()
    registered.rucio.round()

    told = drift(registered, "rucio_rule")

    assert {t[1] for t in told} == {"pending"}
    assert all("0 of 12 files" in t[2] and "12 on their way" in t[2] for t in told)
    assert registered.run("drift").code == registered.apply().code == 4
    registered.rucio.transfers.go_on()
    come_to_its_end(registered)


# --- what was there and is gone ---


@pytest.mark.slow
def test_a_replica_that_was_lost_is_told_and_comes_again_once_rucio_knows(deployed: Carried) -> None:
    lost = next(path for path in sorted(deployed.at(SUMMIT_RSE).rglob("*.fits")))
    lost.unlink()

    ((name, what, detail),) = drift(deployed, "collection", "--files")
    assert (name, what) == ("DM-1", "missing")
    assert "the files of 1 are gone" in detail
    refused = deployed.apply("--files")
    assert is_refused(refused, "rucio replica state update bad", str(lost.name))
    assert deployed.chain(SUMMIT) == (TICKET,), "what is searched stays"

    about = {"scope": deployed.scope, "name": str(lost.relative_to(deployed.at(SUMMIT_RSE)))}
    deployed.rucio.client().declare_bad_file_replicas([{**about, "rse": SUMMIT_RSE}], "lost")
    deployed.rucio.round("necromancer")
    assert [t[:2] for t in drift(deployed, "rucio_rule")] == [(SUMMIT_RSE, "pending")]
    assert deployed.apply("--files").code == 4
    come_to_its_end(deployed)
    assert lost.exists()


def test_a_loss_that_only_half_of_rucio_knows_is_awaited(deployed: Carried) -> None:
    name = next(iter(deployed.content()))
    about = {"scope": deployed.scope, "name": name, "rse": SUMMIT_RSE}
    deployed.rucio.client().declare_bad_file_replicas([about], "lost")

    ((_, what, detail),) = drift(deployed, "rucio_rule")

    assert what == "pending"
    assert f"11 of 12 files are at {SUMMIT_RSE}" in detail
    assert "says OK" in detail
    assert deployed.run("plan").code == 4


@pytest.mark.slow
def test_a_file_that_left_a_closed_dataset_is_told_while_the_rule_is_ok(deployed: Carried) -> None:
    name = next(iter(deployed.content()))
    deployed.rucio.client().detach_dids(
        deployed.scope, deployed.dataset(), [{"scope": deployed.scope, "name": name}]
    )
    deployed.rucio.round("evaluator")
    assert {rule["state"] for rule in deployed.rules()} == {"OK"}
    before = deployed.snapshot("repo", "archive")

    ((_, what, detail),) = drift(deployed, "rucio_dataset")

    assert what == "missing"
    assert name in detail
    assert is_refused(deployed.apply(), "rucio did update --open", deployed.dataset())
    assert deployed.snapshot("repo", "archive") == before
    deployed.rucio.client().set_status(deployed.scope, deployed.dataset(), open=True)
    assert steps(deployed) == ["register-dataset"]
    deployed.apply()
    assert len(deployed.content()) == 12
    assert not deployed.is_open()
    come_to_its_end(deployed)


# --- rules ---


@pytest.mark.slow
def test_a_rule_that_somebody_deleted_is_kept_while_it_can_be(deployed: Carried) -> None:
    (rule,) = deployed.rules(SUMMIT_RSE)
    deployed.rucio.client().delete_replication_rule(rule["id"])

    ((name, what, detail),) = drift(deployed, "rucio_rule")

    assert (name, what) == (SUMMIT_RSE, "missing")
    assert f"rule {rule['id']}" in detail
    assert "ends 20" in detail
    assert steps(deployed) == ["keep-rule"]
    assert deployed.apply().code == 0
    ((kept),) = deployed.rules(SUMMIT_RSE)
    assert (kept["id"], kept["expires_at"]) == (rule["id"], None)


@pytest.mark.slow
def test_a_rule_that_is_gone_is_made_again(deployed: Carried) -> None:
    (rule,) = deployed.rules(SUMMIT_RSE)
    deployed.rucio.client().update_replication_rule(rule["id"], {"lifetime": -1})
    deployed.rucio.round("cleaner")
    assert deployed.rules(SUMMIT_RSE) == []

    assert steps(deployed) == ["add-rule"]
    deployed.apply()
    come_to_its_end(deployed)
    assert len(deployed.rules(SUMMIT_RSE)) == 1


def test_a_rule_that_will_end_is_made_to_last(deployed: Carried) -> None:
    (rule,) = deployed.rules(BTS_RSE)
    deployed.rucio.client().update_replication_rule(rule["id"], {"lifetime": 86400 * 365})

    assert steps(deployed) == ["keep-rule"]
    assert deployed.apply().code == 0
    assert deployed.rules(BTS_RSE)[0]["expires_at"] is None


@pytest.mark.slow
def test_a_joint_rule_made_by_hand_counts_for_each_of_its_rses(deployed: Carried) -> None:
    client = deployed.rucio.client()
    ours = deployed.rules()
    about = [{"scope": deployed.scope, "name": deployed.dataset()}]
    client.add_replication_rule(about, 2, f"{SUMMIT_RSE}|{BTS_RSE}")
    for rule in ours:
        client.update_replication_rule(rule["id"], {"lifetime": -1})
    deployed.rucio.round("cleaner")

    assert [rule["copies"] for rule in deployed.rules()] == [2]
    assert deployed.run("plan").code == 0


@pytest.mark.slow
def test_a_rule_on_another_closed_dataset_with_the_files_counts(deployed: Carried) -> None:
    client, (rule,) = deployed.rucio.client(), deployed.rules(SUMMIT_RSE)
    files = [{"scope": deployed.scope, "name": name} for name in deployed.content()]
    client.add_dataset(deployed.scope, "by-hand")
    client.attach_dids(deployed.scope, "by-hand", files)
    client.close(deployed.scope, "by-hand")
    client.add_replication_rule([{"scope": deployed.scope, "name": "by-hand"}], 1, SUMMIT_RSE)
    client.update_replication_rule(rule["id"], {"lifetime": -1})
    deployed.rucio.round("cleaner")

    assert deployed.rules(SUMMIT_RSE) == []
    assert deployed.run("plan").code == 0


# --- what is not allowed ---


@contextmanager
def logged_in(sites: Carried, login: Login) -> Iterator[None]:
    """Be somebody else, without a token of before."""
    site = sites.rucio
    try:
        site.log_in(login)
        site.forget_cached_tokens()
        site.configure()
        yield
    finally:
        site.log_in(ROOT)
        site.forget_cached_tokens()
        site.configure()


@pytest.mark.slow
def test_without_room_a_rule_is_refused_with_what_an_administrator_does(registered: Carried) -> None:
    client, robot = registered.rucio.client(), registered.rucio.add_account(f"robot{registered.scope[-6:]}")
    for rule in registered.rules():
        client.update_replication_rule(rule["id"], {"lifetime": -1})
    registered.rucio.round("cleaner")
    with logged_in(registered, robot):
        ran = registered.apply()

        assert is_refused(ran, f"account {robot.account} has room for 0 bytes", "rucio account limit set")
        assert registered.rules() == []
        for rse in ARRIVES_AT.values():
            client.set_local_account_limit(robot.account, rse, 10**9)
        assert steps(registered, "--site", "usdf") == ["add-rule", "add-rule"]
        come_to_its_end(registered)


@pytest.mark.slow
def test_an_rse_that_may_not_be_written_is_awaited(carried: Carried) -> None:
    client = carried.rucio.client()
    client.update_rse(BTS_RSE, {"availability_write": False})
    try:
        carried.apply()
        carried.arrive()
        ran = carried.apply()

        assert ran.code == 4
        assert f"{BTS_RSE} may not be written at present" in ran.out
        assert carried.chain(SUMMIT) == (TICKET,)
        assert carried.rules(BTS_RSE) == []
    finally:
        client.update_rse(BTS_RSE, {"availability_write": True})
    come_to_its_end(carried)


def test_an_rse_that_does_not_exist_is_refused(carried: Carried) -> None:
    carried.tree.site(
        "bts", {"LSSTComCam": {"by": "rucio", "rse": "NOWHERE_DISK", "prefix": str(carried.at(BTS_RSE))}}
    )

    ran = carried.apply()

    assert is_refused(ran, "Rucio has no RSE NOWHERE_DISK")
    assert [rule["rse_expression"] for rule in carried.rules()] == [SUMMIT_RSE]


def test_a_wrong_password_is_told_and_the_others_are_looked_at(deployed: Carried) -> None:
    with logged_in(deployed, replace(ROOT, password="guessed")):
        ran = deployed.run("drift")

    assert ran.code == 1
    assert "guessed" not in ran.out + ran.err
    assert [line for line in ran.out.splitlines() if "unreachable" in line]


@pytest.mark.parametrize("with_token", [True, False])
@pytest.mark.slow
def test_a_server_that_is_down_costs_the_others_nothing(deployed: Carried, with_token: bool) -> None:
    deployed.rucio.stop_server()
    if not with_token:
        deployed.rucio.forget_cached_tokens()
    before = deployed.snapshot("repo", "archive")

    ran = deployed.apply()

    assert ran.code == 1
    assert "unreachable" in ran.out
    assert deployed.snapshot("repo", "archive") == before
    deployed.rucio.start_server()
    assert deployed.apply().code == 0


def test_a_token_that_has_expired_is_renewed_while_waiting(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        carried.rucio.forget_tokens()
        carried.arrive()

    monkeypatch.setattr(time, "sleep", pause)

    ran = carried.apply("--wait", "5m")

    assert (ran.code, len(pauses)) == (0, 1), ran.out + ran.err
    assert carried.chain(SUMMIT) == (TICKET,)


# --- what was registered otherwise ---


def prepare(sites: Carried, **said: object) -> tuple[str, Path]:
    """Register one of the origin's files before us, in some other way."""
    file = next(path for path in sorted(sites.at(ORIGIN_RSE).rglob("*.fits")))
    name = str(file.relative_to(sites.at(ORIGIN_RSE)))
    about = {"scope": sites.scope, "name": name, "bytes": file.stat().st_size, "adler32": "0badf00d", **said}
    sites.rucio.client().add_replicas(ORIGIN_RSE, [about])
    return name, file


@pytest.mark.slow
def test_a_path_that_was_registered_with_another_checksum_is_refused(carried: Carried) -> None:
    name, _ = prepare(carried)
    mark = len(carried.rucio.requests())

    ran = carried.apply()

    assert is_refused(ran, "Rucio knows otherwise", name, "0badf00d")
    assert [w for w in carried.rucio.writes(mark) if "bulkmeta" not in w.path] == []
    assert [t[1] for t in drift(carried, "rucio_dataset")] == ["missing", "changed"]
    assert not carried.has(SUMMIT, TICKET)


def test_a_path_that_was_registered_as_another_dataset_is_refused(carried: Carried) -> None:
    import zlib

    file = next(path for path in sorted(carried.at(ORIGIN_RSE).rglob("*.fits")))
    other = '{"id": "00000000-0000-4000-8000-000000000001"}'
    meta = {"rubin_butler": "data_product", "rubin_sidecar": other}
    name, _ = prepare(carried, adler32=f"{zlib.adler32(file.read_bytes()):08x}", meta=meta)

    ran = carried.apply()

    assert is_refused(ran, "Rucio knows otherwise", name, "00000000-0000-4000-8000-000000000001")
    assert not carried.has(SUMMIT, TICKET)


@pytest.mark.slow
def test_a_dataset_that_somebody_closed_too_early_is_refused(carried: Carried) -> None:
    client = carried.rucio.client()
    client.add_dataset(carried.scope, carried.dataset())
    client.close(carried.scope, carried.dataset())

    ran = carried.apply()

    assert is_refused(ran, "is closed", "12 of 12 files are not in it", "rucio did update --open")
    assert carried.rules() == []
    client.set_status(carried.scope, carried.dataset(), open=True)
    come_to_its_end(carried)


def test_a_file_of_somebody_else_in_the_dataset_is_refused_and_it_stays_open(carried: Carried) -> None:
    client = carried.rucio.client()
    strange = {"scope": carried.scope, "name": "strange.fits", "bytes": 1, "adler32": "00010001"}
    client.add_replicas(ORIGIN_RSE, [strange])
    client.add_dataset(carried.scope, carried.dataset())
    client.attach_dids(carried.scope, carried.dataset(), [strange])

    ran = carried.apply()

    assert is_refused(ran, "it holds 1 that the bundle does not", "strange.fits")
    assert carried.is_open()


# --- at the site ---


def alter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize("damage", [alter, Path.unlink])
def test_what_arrived_damaged_is_not_recorded(registered: Carried, damage: Callable[[Path], None]) -> None:
    registered.arrive()
    damage(next(path for path in sorted(registered.at(SUMMIT_RSE).rglob("*.fits"))))

    ran = registered.apply()

    assert ran.code == 3
    assert not registered.has(SUMMIT, TICKET)
    assert registered.chain(BTS) == (TICKET,), "the other site goes on"

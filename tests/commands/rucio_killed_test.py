"""Killed anywhere on the road by Rucio and run again: the same end.

SIGKILL strikes before and after every request by which something is to change
on a real server, at every step and commit, and while the run waits.
"""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from calibstate.demo.rucio.site import ORIGIN as ORIGIN_RSE
from calibstate.demo.rucio.site import RucioSite
from tests.commands import cut
from tests.commands.carried import ARRIVES_AT, Carried, carry
from tests.commands.conftest import as_before
from tests.commands.sites import ORIGIN, SUMMIT, TOP

SHARES = 4
"""Tests among which all moments are shared out."""

KILLED = -signal.SIGKILL

TICKET = f"{TOP}/DM-1"

SENT, RECORDED = "while it is sent", "while it is recorded"
"""The two runs of the road, between which the files arrive."""

At = tuple[str, cut.Moment]


@dataclass(frozen=True)
class Whole:
    """A road that nobody was killed on."""

    moments: tuple[At, ...]
    """Moments that its runs went through."""
    found: dict[str, object]
    """What was found at its end."""


@pytest.fixture(scope="module")
def whole(
    origin_made_once: Path, rucio_site: RucioSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("road")
    with closing(carry(origin_made_once, folder / "sites", rucio_site)) as sites:
        sent = run(sites, folder / "sent")
        assert sent.code == 4, sent.err
        sites.arrive()
        recorded = run(sites, folder / "recorded")
        assert recorded.code == 0, recorded.err
        moments = [(SENT, m) for m in sent.moments] + [(RECORDED, m) for m in recorded.moments]
        yield Whole(tuple(at for at in moments if is_of_the_road(at)), as_found(sites))


def is_of_the_road(at: At) -> bool:
    """Leave out what kills elsewhere: each file of the bundle, each row.

    After a commit it is as before the next, whose changes are rolled back.
    """
    stage, (what, _) = at
    words = {SENT: ("POST", "PUT", ".jsonl", "after os.link of .json"), RECORDED: ("before COMMIT",)}
    return any(word in what for word in words[stage])


def run(sites: Carried, folder: Path, *arguments: str, **cuts: Any) -> cut.Ended:
    return start(sites, folder, *arguments, **cuts).end()


def start(sites: Carried, folder: Path, *arguments: str, **cuts: Any) -> cut.Started:
    environment = sites.rucio.environment()
    return cut.start(
        folder, cut.with_rucio, environment, sites.tree.state, "apply", "--yes", *arguments, **cuts
    )


def come_to_its_end(sites: Carried) -> None:
    """Run it again, as often as files have to arrive."""
    for _ in range(3):
        ran = sites.apply()
        if ran.code != 4:
            break
        sites.arrive()
    assert ran.code == 0, ran.out + ran.err


def as_found(sites: Carried) -> dict[str, object]:
    """Return everything that must be the same, however it came about."""
    prefixes = {address: sites.at(rse).as_uri() for address, rse in ARRIVES_AT.items()}
    return {
        "certifications": {address: sites.of_ticket(address, "DM-1") for address in (ORIGIN, *ARRIVES_AT)},
        "chains": {a: (sites.chain(a), sites.chain(a, TICKET)) for a in (ORIGIN, *ARRIVES_AT)},
        "in place": {
            address: {uuid: uri.removeprefix(prefix) for uuid, uri in sites.uris(address).items()}
            for address, prefix in prefixes.items()
        },
        "copied": [sites.files(address) for address in ARRIVES_AT],
        "bytes": {rse: sites.arrived_files(rse) for rse in (ORIGIN_RSE, *ARRIVES_AT.values())},
        "rules": sorted(
            (r["rse_expression"], r["copies"], r["state"], r["locks_ok_cnt"], r["expires_at"])
            for r in sites.rules()
        ),
        "dataset": (sites.content(), sites.is_open()),
        "sidecars": sidecars(sites),
        "leftovers": sites.leftovers(),
        "locks": sites.locks(),
    }


def sidecars(sites: Carried) -> dict[str, tuple[str, str]]:
    names = [{"scope": sites.scope, "name": name} for name in sites.content()]
    described = sites.rucio.client().get_metadata_bulk(names, plugin="JSON")
    return {m["name"]: (m["rubin_butler"], m["rubin_sidecar"]) for m in described}


def check(whole: Whole, at: At, made: Path, rucio: RucioSite, folder: Path, capsys: Any) -> None:
    """Kill a run of the road, come to its end, and compare what is there."""
    with closing(carry(made, folder / "sites", rucio, capsys)) as sites:
        stage, moment = at
        if stage == RECORDED:
            assert sites.apply().code == 4
            sites.arrive()
        killed = run(sites, folder / "killed", killed_at=moment)
        assert killed.code == KILLED, f"nobody was killed at {at}: {killed.err}"
        come_to_its_end(sites)
        assert as_found(sites) == whole.found, at
    shutil.rmtree(folder)


def test_the_road_goes_through_moments_of_every_kind(whole: Whole) -> None:
    """Else the tests below would kill nobody."""
    kinds = {(stage, what) for stage, (what, _) in whole.moments}
    assert {
        (SENT, "before POST replicas"),
        (SENT, "after POST dids"),
        (SENT, "after POST dids/attachments"),
        (SENT, "before PUT dids/status"),
        (SENT, "after PUT dids/status"),
        (SENT, "before POST rules"),
        (SENT, "after POST rules"),
        (SENT, "before opening of .jsonl"),
        (RECORDED, "before COMMIT"),
    } <= kinds
    times = Counter((stage, what) for stage, (what, _) in whole.moments)
    assert times[SENT, "after POST rules"] == len(ARRIVES_AT)


def test_the_end_of_the_road_is_what_the_origin_holds(whole: Whole) -> None:
    """Else all the comparisons below would be with something wrong."""
    found: Any = whole.found
    assert found["certifications"][SUMMIT] == found["certifications"][ORIGIN] != []
    assert all(bytes_ == found["bytes"][ORIGIN_RSE] != {} for bytes_ in found["bytes"].values())
    assert [rule[:3] for rule in found["rules"]] == [(rse, 1, "OK") for rse in sorted(ARRIVES_AT.values())]
    assert (found["dataset"][1], found["leftovers"], found["locks"]) == (False, [], [])
    assert found["sidecars"].keys() == found["bytes"][ORIGIN_RSE].keys()


@pytest.mark.parametrize(
    "at",
    [
        pytest.param((SENT, ("after POST replicas", 1)), marks=pytest.mark.slow),
        (SENT, ("before POST dids/attachments", 2)),
        pytest.param((SENT, ("before PUT dids/status", 1)), marks=pytest.mark.slow),
        (SENT, ("after POST rules", 1)),
        (RECORDED, ("before COMMIT", 1)),
        pytest.param((RECORDED, ("before COMMIT", 20)), marks=pytest.mark.slow),
    ],
    ids=lambda at: f"{at[1][0]} {at[0]}",
)
def test_a_run_killed_on_the_road_is_completed_by_the_next(
    whole: Whole, origin_made_once: Path, rucio_site: RucioSite, tmp_path: Path, capsys: Any, at: At
) -> None:
    assert at in whole.moments
    check(whole, at, origin_made_once, rucio_site, tmp_path / "killed", capsys)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_killed_anywhere_on_the_road_is_completed_by_the_next(
    whole: Whole, origin_made_once: Path, rucio_site: RucioSite, tmp_path: Path, capsys: Any, share: int
) -> None:
    for number, at in enumerate(whole.moments[share::SHARES]):
        check(whole, at, origin_made_once, rucio_site, tmp_path / str(number), capsys)


def test_a_run_killed_while_it_waits_leaves_no_lock_and_is_completed(
    whole: Whole, carried: Carried, tmp_path: Path
) -> None:
    moment = ("while sleeping", 2)

    killed = run(carried, tmp_path / "killed", "--wait", "5m", killed_at=moment)

    assert killed.code == KILLED, killed.err
    assert carried.locks() == [], "who waits keeps nobody from working"
    come_to_its_end(carried)
    assert as_found(carried) == whole.found


def test_while_a_run_works_in_rucio_another_is_refused(
    whole: Whole, carried: Carried, tmp_path: Path
) -> None:
    first = start(carried, tmp_path / "first", waits_at=("before PUT dids/status", 1))
    assert first.has_come_there()
    mark = len(carried.rucio.requests())

    second = carried.apply()

    assert second.code == 3
    assert "Place is locked" in second.err
    assert carried.rucio.writes(mark) == []
    first.go_on()
    assert first.end().code == 4
    come_to_its_end(carried)
    assert as_found(carried) == whole.found


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(("before POST replicas", 1), marks=pytest.mark.slow),
        ("before POST dids/attachments", 2),
        pytest.param(("before PUT dids/status", 1), marks=pytest.mark.slow),
        pytest.param(("before POST rules", 1), marks=pytest.mark.slow),
    ],
    ids=lambda moment: moment[0],
)
def test_two_that_do_not_know_of_each_other_double_nothing(
    whole: Whole, carried: Carried, tmp_path: Path, moment: cut.Moment
) -> None:
    """Two that keep their records apart have no lock in common."""
    first = start(carried, tmp_path / "first", waits_at=moment)
    assert first.has_come_there()
    locks = carried.tree.folder / "records" / "locks"
    locks.rename(tmp_path / "locks of the first")

    second = carried.apply()

    assert second.code == 4, second.err
    first.go_on()
    assert first.end().code in {3, 4}, "what it was about to do was done"
    come_to_its_end(carried)
    assert as_found(carried) == whole.found


@pytest.fixture(autouse=True)
def _as_it_was(rucio_site: RucioSite) -> Iterator[None]:
    yield
    as_before(rucio_site)

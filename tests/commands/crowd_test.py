"""Many at once, and every chain entry and every file of everyone is there.

Runs for different tickets wait for each other; two clones of the tree keep
their `records` elsewhere, so that no lock of a file keeps them apart; and
somebody prepends by hand, with the stock butler.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from tests import world
from tests.commands import cut, stock
from tests.commands.sites import ORIGIN, SUMMIT, TOP, Sites, make_sites
from tests.services.postgres import Postgres

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"
TICKETS = tuple(f"DM-{number}" for number in range(1, 9))
BY_HAND = 6
"""How often somebody prepends."""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return an origin with all tickets, to copy, never to change."""
    sites = make_sites(
        tmp_path_factory.mktemp("crowd") / "made", tickets=TICKETS, copies=(SUMMIT,), detectors=2
    )
    for name, records in (("state-a", "../records-a"), ("state-b", "../records-b")):
        shutil.copytree(sites.tree.state, sites.tree.folder / name)
        settings = sites.tree.folder / name / "calibstate.yaml"
        settings.write_text(yaml.safe_dump({**yaml.safe_load(settings.read_text()), "records": records}))
    return sites


@pytest.fixture
def sites(
    crowded: Sites, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sites]:
    """Return a copy, whose summit has the database that is asked for."""
    with closing(crowded.copied_to(tmp_path / "sites", capsys)) as copy:
        if getattr(request, "param", "sqlite") == "postgres":
            server = request.getfixturevalue("postgres")
            shutil.rmtree(copy.path(SUMMIT))
            world.make_repo(
                copy.path(SUMMIT), db=server.url, namespace=server.namespace(), detectors=2
            ).close()
        yield copy


def prepend(repository: Path, names: Sequence[str]) -> None:
    """Do what somebody does by hand, again and again."""
    for name in names:
        with Butler.from_config(str(repository), writeable=True) as butler:
            butler.collections.register(name, CollectionType.RUN)
        stock.collection_chain(repository, TOP, name, mode="prepend")


def start(folder: Path, state: Path, *more: str) -> cut.Started:
    return cut.start(folder, cut.calibstate, state, "apply", "--yes", "--lock-timeout", "10m", *more)


def crowd(sites: Sites, tmp_path: Path, tickets: Sequence[str]) -> None:
    """Let all work at once, and hold what comes of it to what they did."""
    folder, hands = sites.tree.folder, [f"u/somebody/{number}" for number in range(BY_HAND)]
    runs = [start(tmp_path / ticket, sites.tree.state, "--ticket", ticket) for ticket in tickets]
    clones = [start(tmp_path / name, folder / name) for name in ("state-a", "state-b")]
    hand = cut.start(tmp_path / "hand", prepend, sites.path(SUMMIT), hands)
    ended = {run.folder.name: run.end() for run in [*runs, *clones, hand]}

    said = {name: (run.code, run.out[-3000:], run.err[-3000:]) for name, run in ended.items() if run.code}
    # Nothing but the transactions of SQLite keeps the clones and the others
    # apart, so that what one plans may be stale again and again.
    stale = {3} if (sites.path(SUMMIT) / "gen3.sqlite3").exists() else set()
    assert {code for code, _, _ in said.values()} <= stale, said
    if not said:
        whole(sites, hands)
    after = sites.apply()
    assert after.code == 0, (after.err, said)
    whole(sites, hands)


def whole(sites: Sites, hands: Sequence[str]) -> None:
    """Check that all that everybody did is there, once."""
    chain = sites.chain(SUMMIT)
    ours = [child for child in chain if child not in hands]
    assert ours == [f"{TOP}/{ticket}" for ticket in reversed(TICKETS)]
    assert sorted(chain) == sorted([*ours, *hands])
    for ticket in TICKETS:
        assert sites.of_ticket(SUMMIT, ticket) == sites.of_ticket(ORIGIN, ticket)
    assert sites.files(SUMMIT) == sites.files(ORIGIN)
    assert sites.without_file(SUMMIT) == []
    assert sites.leftovers() == []
    assert sites.locks() == []


def test_whatever_a_small_crowd_does_at_once_is_there_in_the_end(sites: Sites, tmp_path: Path) -> None:
    crowd(sites, tmp_path, TICKETS[:2])


@pytest.mark.slow
@pytest.mark.parametrize("sites", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("number", range(20 if ALL else 1))
def test_whatever_a_crowd_does_at_once_is_there_in_the_end(sites: Sites, tmp_path: Path, number: int) -> None:
    crowd(sites, tmp_path, TICKETS)


@pytest.mark.slow
@pytest.mark.parametrize("sites", ["postgres"], indirect=True)
def test_whoever_keeps_records_elsewhere_is_refused_by_the_database(
    sites: Sites, tmp_path: Path, postgres: Postgres
) -> None:
    first = cut.start(
        tmp_path / "first",
        cut.calibstate,
        *(sites.tree.state, "apply", "--yes"),
        waits_at=("after os.replace of .fits", 12 * len(TICKETS)),
    )
    assert first.has_come_there()
    clone = sites.tree.folder / "state-a"

    second = cut.run(tmp_path / "second", cut.calibstate, clone, "apply", "--yes", "--repository", SUMMIT)

    assert second.code == 3
    assert f"pid {first.process.pid} on" in second.err
    assert "records` elsewhere" in second.err
    ours = "application_name LIKE 'calibstate since%'"
    postgres.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {ours}")
    first.go_on()
    ended = first.end()
    assert ended.code == 3
    assert "Lock was lost" in ended.err
    third = cut.run(tmp_path / "third", cut.calibstate, clone, "apply", "--yes")
    assert third.code == 0, third.err
    whole(sites, [])

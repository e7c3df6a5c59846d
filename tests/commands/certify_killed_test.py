"""Killed while it certifies for other dates: the old rows, or the new ones.

A collection that certifies nothing, or half, would have exposures reduced with
an older ticket.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import cut
from tests.commands.generations import BIAS, TICKET, declare, made
from tests.commands.sites import ORIGIN, TOP, Sites

ARGUMENTS = (
    "certify",
    TICKET,
    "--yes",
    "--allow",
    "recertify",
    "--because",
    "the first dates were a slip",
)

IN_THE_DATABASE = ("before COMMIT", "after COMMIT", "after DELETE", "after INSERT", "after UPDATE")


@dataclass(frozen=True)
class Whole:
    """A run that nobody cut off."""

    sites: Sites
    """Before it."""

    moments: tuple[cut.Moment, ...]
    old: list[tuple[str, ...]]
    new: list[tuple[str, ...]]


@pytest.fixture(scope="module")
def whole(origin_with_raws_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    sites = origin_with_raws_once.copied_to(folder / "before")
    declare(sites, "bias", certify={"begin": "2024-12-01T00:00:00"})
    made(sites)
    assert cut.run(folder / "first", cut.calibstate, sites.tree.state, *ARGUMENTS[:3]).code == 0
    declare(sites, "bias", certify={"begin": "2024-12-08T00:00:00"})
    after = sites.copied_to(folder / "after")
    ended = cut.run(folder / "run", cut.calibstate, after.tree.state, *ARGUMENTS)
    assert ended.code == 0, ended.err
    return Whole(sites, ended.moments, _rows(sites), _rows(after))


def _rows(sites: Sites) -> list[tuple[str, ...]]:
    rows = sites.of_ticket(ORIGIN, TICKET)
    sites.close()
    return rows


def _check(whole: Whole, moment: cut.Moment, folder: Path) -> None:
    sites = whole.sites.copied_to(folder / "sites")
    killed = cut.run(folder / "killed", cut.calibstate, sites.tree.state, *ARGUMENTS, killed_at=moment)
    assert killed.code == -signal.SIGKILL, moment
    again = cut.run(folder / "again", cut.calibstate, sites.tree.state, *ARGUMENTS)
    assert again.code == 0, again.err
    assert _rows(sites) == whole.new, moment
    assert sites.chain(ORIGIN, f"{TOP}/{TICKET}") == (BIAS,)
    sites.close()


def test_it_goes_through_the_moment_between_the_two(whole: Whole) -> None:
    kinds = [what for what, _ in whole.moments]
    assert kinds.index("after DELETE") < len(kinds) - 1 - kinds[::-1].index("after INSERT")
    assert whole.old != whole.new
    assert len(whole.old) == len(whole.new) == 4


def test_a_run_killed_between_the_two_leaves_the_old_rows(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sites = whole.sites.copied_to(tmp_path / "sites", capsys)
    moment = next(moment for moment in whole.moments if moment[0] == "after DELETE")
    cut.run(tmp_path / "killed", cut.calibstate, sites.tree.state, *ARGUMENTS, killed_at=moment)
    # Without a reason it refuses, and has undone what was half written.
    assert sites.run(*ARGUMENTS[:3]).code == 3
    assert _rows(sites) == whole.old
    _check(whole, moment, tmp_path / "once more")


@pytest.mark.slow
@pytest.mark.parametrize("what", IN_THE_DATABASE)
def test_a_run_killed_at_any_moment_is_completed_by_the_next(whole: Whole, tmp_path: Path, what: str) -> None:
    for moment in whole.moments:
        if moment[0] == what:
            _check(whole, moment, tmp_path / str(moment[1]))

"""Killed at any moment, in databases and stores of every kind.

As in ``killed_test.py``, with PostgreSQL and S3 in the place of SQLite and
folders: what is written there reaches it by other ways.  One moment of the
database and one of the store are tried here for one mixture; all moments of
more mixtures in the tests marked ``slow``.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.commands import cut
from tests.commands.places_test import (
    COPY,
    ORIGIN,
    Mixture,
    Yard,
    assert_complete,
    assert_no_lock_is_left,
    held,
    make,
)
from tests.tree import Tree

KILLED = -signal.SIGKILL
ELSEWHERE = Mixture("sqlite", "postgres", "folder", "s3", "s3", "s3")
MIXTURES = (
    ELSEWHERE,
    Mixture("postgres", "postgres", "s3", "folder", "folder", "folder"),
    Mixture("sqlite", "sqlite", "folder", "s3", "folder", "s3"),
)


def apply(tree: Tree, folder: Path, killed_at: cut.Moment | None = None) -> cut.Ended:
    environment = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "S3_"))}
    return cut.run(folder, cut.with_rucio, environment, tree.state, "apply", "--yes", killed_at=killed_at)


def moments_of(folder: Path, mixture: Mixture, request: pytest.FixtureRequest) -> tuple[cut.Moment, ...]:
    tree = make(Yard(folder / "whole", request), mixture)
    ended = apply(tree, folder / "through")
    assert ended.code == 0, ended.out + ended.err
    return ended.moments


def one_of_each_kind(moments: Sequence[cut.Moment]) -> list[cut.Moment]:
    """Return a moment of each kind, now an early one, now a late one."""
    times = Counter(what for what, _ in moments)
    return [(what, 1 + number * 7 % times[what]) for number, what in enumerate(sorted(times))]


def check(folder: Path, mixture: Mixture, request: pytest.FixtureRequest, moment: cut.Moment) -> None:
    yard = Yard(folder, request)
    tree = make(yard, mixture)
    killed = apply(tree, folder / "killed", moment)
    assert killed.code == KILLED, f"nobody was killed at {moment}: {killed.err}"
    again = apply(tree, folder / "again")
    assert again.code == 0, f"{moment}: {again.out} {again.err}"
    here = held(tree, ORIGIN)
    assert held(tree, COPY) == here, moment
    assert_complete(yard.objects(tree.archive), here["stored"])
    assert_no_lock_is_left(yard.objects(tree.records))
    assert not list(folder.rglob("repo/**/.calibstate-*")), moment
    third = apply(tree, folder / "third")
    assert (third.code, "In sync" in third.out) == (0, True), moment


def test_killed_at_a_moment_of_the_database_or_the_store_nothing_is_lost_elsewhere_either(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    moments = moments_of(tmp_path, ELSEWHERE, request)
    kinds = {what for what, _ in moments}
    assert {
        "before COMMIT",
        "after COMMIT",
        "before PUT to S3 of .fits",
        "after PUT to S3 of .json",
        "after PUT to S3 of .jsonl",
        "after DELETE to S3 of .json",
    } <= kinds
    wanted = [moment for moment in one_of_each_kind(moments) if "S3" in moment[0] or "COMMIT" in moment[0]]
    # Of the database the first is tried, of the store the last.
    assert "COMMIT" in wanted[0][0]
    assert "S3" in wanted[-1][0]
    for number, moment in enumerate((wanted[0], wanted[-1])):
        check(tmp_path / str(number), ELSEWHERE, request, moment)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(4))
@pytest.mark.parametrize("mixture", MIXTURES, ids=str)
def test_killed_at_any_moment_nothing_is_lost_elsewhere_either(
    tmp_path: Path, request: pytest.FixtureRequest, mixture: Mixture, share: int
) -> None:
    moments = moments_of(tmp_path, mixture, request)
    for number, moment in enumerate(moments[share::4]):
        check(tmp_path / str(number), mixture, request, moment)

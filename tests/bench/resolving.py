"""Which dataset wins, range by range, beside reading the ranges."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.adapters.repositories import open_reader
from calibstate.lookups.effective import flatten
from calibstate.lookups.resolve import resolve
from calibstate.model.effective import Resolved
from calibstate.model.timelines import fold
from tests import world
from tests.calibrations import data_ids

from .measure import Measured, measure
from .worlds import CALIB, DATASETS, DETECTORS, INSTRUMENT, LEAVES, ticket_names

__all__ = ["resolve_many_question", "resolve_question"]

DAY = 86_400_000_000_000
TICKETS = 10


def resolve_question(folder: Path, turns: int, spans: int = 1) -> Measured:
    """Measure resolving a chain of ten tickets.

    Parameters
    ----------
    folder
        Where the repository is made.
    turns
        How often.
    spans
        In how many ranges each dataset is certified.
    """
    repository = folder / "resolve"
    _make(repository, spans)
    total = TICKETS * DATASETS * spans
    with closing(open_reader(str(repository))) as reader:
        leaves = flatten(reader, CALIB)
        held = reader.holdings(leaves, calibrations_only=True)
    searched = [held[name] for name in leaves]
    resolved: list[Resolved] = []

    def win(turn: int) -> None:
        resolved.append(resolve(searched))
        if len(resolved[-1].winners) < total:
            raise RuntimeError("each range should win somewhere")

    def digest(turn: int) -> str:
        # What was resolved in this turn has no fingerprint yet.
        return resolved[-1].fingerprint

    return measure(
        f"Resolve {total:,} ranges",
        {
            "calibstate: which dataset wins when": win,
            "calibstate: and the effective fingerprint": digest,
            "calibstate: and folded, as a timeline": lambda turn: fold(resolved[-1], {}),
            "read the same rows by plain SQL": lambda turn: _read(repository, total),
        },
        turns,
    )


def resolve_many_question(folder: Path, turns: int) -> Measured:
    """Measure resolving ten times as many ranges."""
    return resolve_question(folder, turns, spans=10)


def _make(path: Path, spans: int) -> None:
    """Make a repository of certifications, without files."""
    butler = world.make_repo(path, INSTRUMENT, detectors=DETECTORS)
    names: list[str] = []
    for ticket in ticket_names(TICKETS):
        for leaf, type_ in LEAVES.items():
            name = f"{CALIB}/{ticket}/{leaf}"
            run, dataset_type = f"{name}.run", world.add_type(butler, type_)
            butler.collections.register(run)
            butler.collections.register(name, CollectionType.CALIBRATION)
            chosen = data_ids(type_, INSTRUMENT, range(DETECTORS))
            refs = butler.registry.insertDatasets(dataset_type, chosen, run)
            # The one that is searched before it hides its last third.
            begin = world.SINCE_2024[0] - 4 * len(names) * DAY
            butler.registry.certify(name, refs, world.timespan((begin, begin + 6 * DAY)))
            names.append(name)
    world.add_chain(butler, CALIB, names)
    butler.close()
    _certify_again(path, spans)


def _certify_again(path: Path, spans: int) -> None:
    """Certify all in later ranges too; the butler takes minutes for it."""
    with closing(sqlite3.connect(path / "gen3.sqlite3")) as connection, connection:
        for table in _tables(connection):
            described = connection.execute(f"SELECT * FROM {table} LIMIT 0").description
            columns = [name for name, *_ in described if name != "id"]
            later = [f"{name} + ?" if name.startswith("timespan_") else name for name in columns]
            (last,) = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
            again = f"SELECT {', '.join(later)} FROM {table} WHERE id <= {last}"
            for n in range(1, spans):
                by = 500 * n * DAY
                connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) {again}", (by, by))


def _tables(connection: sqlite3.Connection) -> list[str]:
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'dataset_calibs_%'"
    return [name for (name,) in connection.execute(named)]


def _read(repository: Path, expected: int) -> None:
    with closing(sqlite3.connect(f"file:{repository}/gen3.sqlite3?mode=ro", uri=True)) as connection:
        rows = [row for table in _tables(connection) for row in connection.execute(f"SELECT * FROM {table}")]
    if len(rows) != expected:
        raise RuntimeError(f"{repository} has {len(rows)} certifications, not {expected}")

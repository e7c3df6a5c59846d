"""Many of the butler's own lookups through a chain, as `verify` asks them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from lsst.daf.butler import Butler

from calibstate.adapters.repositories import open_reader
from calibstate.model.contents import Row
from calibstate.ports.butler import ButlerReader
from tests import world
from tests.tree import Tree

from .measure import Measured, measure
from .reading import TICKETS, make
from .worlds import CALIB, INSTRUMENT, declare, ticket_names

__all__ = ["lookup_question"]

ASKED = 100


def lookup_question(folder: Path, turns: int) -> Measured:
    """Measure lookups through a chain of ten tickets."""
    tree = Tree(folder / "lookup", INSTRUMENT)
    declare(tree, ticket_names(TICKETS), {"usdf/main": "origin"})
    repository = tree.repository("usdf/main")
    leaves = make(repository, 1, None)
    with closing(Butler.from_config(str(repository), writeable=True)) as butler:
        world.add_chain(butler, CALIB, leaves)
    with closing(open_reader(str(repository))) as reader:
        rows = [row for holding in reader.holdings(leaves).values() for row in holding.rows]
        some = rows[:: len(rows) // ASKED][:ASKED]

        def together(turn: int) -> None:
            with reader.looking_up():
                _look_up(reader, some)

        return measure(
            f"{len(some)} lookups through a chain of {TICKETS} tickets",
            {"calibstate: together": together, "each by itself": lambda turn: _look_up(reader, some)},
            turns,
        )


def _look_up(reader: ButlerReader, rows: Sequence[Row]) -> None:
    for row in rows:
        if not reader.lookup(CALIB, row.dataset_type, row.data_id, (row.begin, row.begin + 1)):
            raise RuntimeError(f"nothing is found for {row.dataset_type} {row.data_id}")

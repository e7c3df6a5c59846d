"""How it stands with tickets at repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.drift import Drift, UndeclaredChain, Unseen
from ...model.looked_at import LookedAt
from ...model.names import Noun, RepositoryAddress
from ...model.results.drift import TicketsStatus
from ...model.seen import Seen
from ...model.status import Cell, State, Table
from ...model.watching import WatchState
from .base import FORMAT, without_folders
from .plans import drift_with_next_steps

__all__ = ["StatusDocument", "status_document"]


class StatusDocument(Noun):
    """How it stands: tickets against repositories."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["status"] = "status"

    summary: Mapping[str, int]
    """Cells of tickets by their state."""

    legend: Mapping[str, str]
    """What the states mean, by state; only those that occur."""

    tables: tuple[Table, ...]
    """By instrument."""

    beside: tuple[Drift, ...]
    """Drift in the archive and in Rucio, which are no repositories."""

    unseen: tuple[Unseen, ...] = ()
    """Places that could not be seen, and that nothing asked for needs."""

    undeclared: tuple[UndeclaredChain, ...] = ()
    """Chains that are live and that nobody declared there."""

    scope: LookedAt | None = None
    """What was asked for, of all that is declared."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""

    watches: tuple[WatchState, ...] = ()
    """How the loops of sites go on; of those that have one."""


def status_document(result: TicketsStatus) -> StatusDocument:
    """Return the document of how it stands with tickets."""
    status = result.status
    occurring = set()
    for table in status.tables:
        for row in table.rows:
            for cell in row.cells:
                occurring.add(cell.state)
    # In the order of the states, not of the tables.
    legend = {}
    for state in State:
        if state in occurring:
            legend[state.value] = state.means
    tally = {}
    for state, number in status.tally().items():
        tally[state.value] = number
    return StatusDocument(
        summary=dict(sorted(tally.items())),
        legend=legend,
        tables=tuple(map(_table, status.tables)),
        beside=drift_with_next_steps(status.beside),
        unseen=status.unseen,
        undeclared=result.undeclared,
        scope=result.scope,
        seen=result.ages,
        watches=result.watches,
    )


def _table(table: Table) -> Table:
    """Return a table without the folders of one machine."""
    rows = []
    for row in table.rows:
        cells = tuple(map(_cell, row.cells))
        rows.append(row.model_copy(update={"cells": cells}))
    return table.model_copy(update={"rows": tuple(rows)})


def _cell(cell: Cell) -> Cell:
    last = cell.last
    if last:
        last = last.model_copy(update={"reason": without_folders(last.reason)})
    update = {
        "reason": without_folders(cell.reason),
        "drift": drift_with_next_steps(cell.drift),
        "last": last,
    }
    return cell.model_copy(update=update)

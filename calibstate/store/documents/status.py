"""How it stands with tickets at repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.drift import Drift, Unseen
from ...model.names import Noun
from ...model.status import State, Status, Table
from .base import FORMAT

__all__ = ["StatusDocument"]


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

    @classmethod
    def of(cls, told: Status) -> StatusDocument:
        """Return the document of how it stands."""
        found = {cell.state for table in told.tables for row in table.rows for cell in row.cells}
        return cls(
            summary={state.value: number for state, number in sorted(told.tally().items(), key=_by_state)},
            legend={state.value: state.means for state in State if state in found},
            tables=told.tables,
            beside=told.beside,
            unseen=told.unseen,
        )


def _by_state(counted: tuple[State, int]) -> str:
    return counted[0].value

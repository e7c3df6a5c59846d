"""How it stands: tickets against repositories, one state for each pair.

A state says what was declared of a thing and what became of it at a place; of
several that hold it is the one that a person should know first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from pydantic import Field

from .drift import Drift, Unseen, What
from .names import InstrumentName, Noun, RepositoryAddress
from .tickets import ApprovalStatus, Ticket

__all__ = ["AS_DRIFT", "Cell", "Column", "LastState", "Row", "RowKey", "State", "Status", "Subject", "Table"]


class State(Enum):
    """How one thing stands at one repository; the gravest first."""

    UNREACHABLE = "unreachable"
    CHANGED = "changed"
    REFUSED = "refused"
    UNWANTED = "unwanted"
    MISSING = "missing"
    NOT_SEARCHED = "not searched"
    ON_HOLD = "on hold"
    PENDING = "pending"
    MISORDERED = "misordered"
    EXTRA = "extra"
    PROPOSED = "proposed"
    FLAGGED = "flagged"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    RETIRED = "retired"
    EXTERNAL = "external"
    THERE = "there"
    SEARCHED = "searched"
    ELSEWHERE = "elsewhere"

    @classmethod
    def gravest(cls, states: Iterable[State]) -> State | None:
        """Return the one that a person should know first, if there is any."""
        return min(states, key=list(cls).index, default=None)

    @property
    def means(self) -> str:
        """What it says, for people."""
        return _MEANINGS[self]


_MEANINGS = {
    State.UNREACHABLE: "the place did not answer; nothing is known",
    State.CHANGED: "it holds what was not declared or exported",
    State.REFUSED: "it contradicts what was approved or exported, and is left alone",
    State.UNWANTED: "retired or skipped, and searched nevertheless",
    State.MISSING: "not here, or not whole",
    State.NOT_SEARCHED: "here and whole, and a chain that lists it does not search it",
    State.ON_HOLD: "not as declared, and nothing is changed here at present",
    State.PENDING: "it waits for Rucio, for another site or for the origin",
    State.MISORDERED: "searched at another place than declared",
    State.EXTRA: "searched, though no chain lists it",
    State.PROPOSED: "not adopted: nobody has decided",
    State.FLAGGED: "not adopted: the board has flagged it",
    State.REJECTED: "not adopted: the board has rejected it",
    State.SKIPPED: "not to be had here",
    State.RETIRED: "not to be searched any more, and not searched",
    State.EXTERNAL: "here, made by others",
    State.THERE: "here as declared; no chain lists it",
    State.SEARCHED: "here as declared, and searched at its place",
    State.ELSEWHERE: "concerns other repositories only",
}


AS_DRIFT = {
    What.MISSING: State.MISSING,
    What.CHANGED: State.CHANGED,
    What.MISORDERED: State.MISORDERED,
    What.UNWANTED: State.UNWANTED,
    What.EXTRA: State.EXTRA,
    What.UNREACHABLE: State.UNREACHABLE,
    What.PENDING: State.PENDING,
}
"""What drift comes to in a cell."""


DEPARTURES = (
    State.CHANGED,
    State.REFUSED,
    State.UNWANTED,
    State.MISSING,
    State.NOT_SEARCHED,
    State.ON_HOLD,
    State.PENDING,
    State.MISORDERED,
    State.EXTRA,
)
"""States that say that live is not as declared; the gravest first."""


class Subject(Enum):
    """What a row is about."""

    TICKET = "ticket"
    EXTERNAL = "external"
    """A collection that others make."""

    CHAIN = "chain"
    """A declared chain, where there is something to tell of it as a whole."""

    COLLECTION = "collection"
    """One that is retired, or that no file names."""

    RESOURCE = "resource"
    """What a file of its own declares, where there is something to tell."""


@dataclass(frozen=True)
class RowKey:
    """What a row is about."""

    subject: Subject

    name: str
    """The ticket without its instrument; else the collection."""

    @classmethod
    def of(cls, ticket: Ticket) -> RowKey:
        """Return the row of a ticket."""
        return cls(Subject.TICKET, ticket.ticket)


class LastState(Noun):
    """How one thing stood at a repository that was seen too long ago."""

    state: State
    """How it stood then, by what is declared today."""

    reason: str = ""
    """Why, in a sentence, where that is known."""


class Cell(Noun):
    """One thing at one repository."""

    repository: RepositoryAddress
    """Address."""

    state: State
    """How it stands."""

    reason: str = ""
    """Why, in a sentence, where that is known."""

    drift: tuple[Drift, ...] = ()
    """All that departs from what is declared."""

    last: LastState | None = None
    """How it stood when the repository was seen last, where that is too long
    ago to be relied on, so that it is unreachable."""


class Row(Noun):
    """One thing at all repositories."""

    name: str
    """The ticket, without its instrument; else the collection."""

    subject: Subject
    """What it is."""

    approval: ApprovalStatus | None = None
    """Of a ticket: what the board said."""

    chains: tuple[str, ...] = ()
    """Declared chains that list it."""

    cells: tuple[Cell, ...] = ()
    """One for each column, in their order."""

    def with_last(self, last: Row | None) -> Row:
        """Return the same, with how unreachable repositories stood last.

        Parameters
        ----------
        last
            The row by what was seen then; `None`: it tells nothing of this.
        """
        if last is None:
            return self
        states = {}
        for cell in last.cells:
            states[cell.repository] = LastState(
                state=cell.state,
                reason=cell.reason,
            )
        cells = []
        for cell in self.cells:
            state_then = None
            if cell.state is State.UNREACHABLE:
                state_then = states.get(cell.repository)
            update = {"last": state_then}
            cells.append(cell.model_copy(update=update))
        return Row(
            name=self.name,
            subject=self.subject,
            approval=self.approval,
            chains=self.chains,
            cells=tuple(cells),
        )


class Column(Noun):
    """A repository that is asked about."""

    repository: RepositoryAddress
    """Address."""

    hold: str | None = None
    """Why nothing is changed there at present."""

    unreachable: str | None = None
    """Why it could not be seen, without paths, addresses and hosts."""

    unreachable_here: str = Field(default="", exclude=True)
    """The same for who works on this machine: it stands in no document."""


class Table(Noun):
    """What stands where, of one instrument."""

    instrument: InstrumentName
    columns: tuple[Column, ...]
    """Repositories, sorted."""

    rows: tuple[Row, ...]
    """Tickets in search order, then those that no chain lists, then retired
    ones; then what others make, chains, and what is no ticket."""


class Status(Noun):
    """What stands where."""

    tables: tuple[Table, ...]
    """By instrument."""

    beside: tuple[Drift, ...] = ()
    """Drift in the archive and in Rucio, which are no repositories, and what
    belongs to no row."""

    unseen: tuple[Unseen, ...] = ()
    """Places that could not be seen, and that nothing asked for needs."""

    def with_last(self, last: Status) -> Status:
        """Return the same, with how unreachable repositories stood last.

        Parameters
        ----------
        last
            How it stood by what was seen then, of these repositories only.
        """
        rows_then: dict[tuple[str, Subject, str], Row] = {}
        for table in last.tables:
            for row in table.rows:
                key = (table.instrument, row.subject, row.name)
                rows_then[key] = row
        tables = []
        for table in self.tables:
            rows = []
            for row in table.rows:
                key = (table.instrument, row.subject, row.name)
                rows.append(row.with_last(rows_then.get(key)))
            update = {"rows": tuple(rows)}
            tables.append(table.model_copy(update=update))
        return Status(
            tables=tuple(tables),
            beside=self.beside,
            unseen=self.unseen,
        )

    def tally(self) -> Counter[State]:
        """Count the states of tickets."""
        states: Counter[State] = Counter()
        for table in self.tables:
            for row in table.rows:
                # Rows of chains and of collections are no tickets.
                if row.subject is Subject.TICKET:
                    states.update(cell.state for cell in row.cells)
        return states

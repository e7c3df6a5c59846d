"""Tickets against repositories, as tables, and what is the matter there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from rich.text import Text

from ..model.results.drift import TicketsStatus
from ..model.status import Cell, State, Status, Subject, Table
from . import markdown, text
from .messages import count, grouped
from .size import size
from .status_table import GAP, MARKS, label_of, layout, style_of, table_lines, word_of

__all__ = ["as_markdown", "as_text", "status_as_markdown", "status_as_text", "tally"]

_EXPLAINED = (
    State.UNREACHABLE,
    State.CHANGED,
    State.REFUSED,
    State.UNWANTED,
    State.ON_HOLD,
    State.PENDING,
    State.SKIPPED,
    State.RETIRED,
)
"""States whose reason is shown; those of all others are shown by `drift`."""


def as_text(status: Status, width: int) -> Iterator[Text]:
    """Yield tables for a terminal.

    Parameters
    ----------
    status
        How it stands.
    width
        Characters of a line.
    """
    # One table may be narrow enough for words while another needs marks.
    with_marks = False
    for table in status.tables:
        laid_out = layout(table, width)
        if laid_out.marks:
            with_marks = True
        yield Text(table.instrument, "bold")
        yield from table_lines(table, laid_out)
        yield Text("")
    states = _states(status)
    if states:
        yield from _legend(states, marks=with_marks)
        yield Text("")
    reasons = list(_grouped(status))
    if reasons:
        yield from _reason_lines(reasons)
        yield Text("")
    if status.beside:
        yield Text("Besides", "bold")
        yield from text.drift(status.beside)
    total = tally(status)
    yield Text(total, "bold")


def status_as_text(result: TicketsStatus) -> Iterator[Text]:
    """Yield tables that are as wide as the terminal."""
    columns, _ = size()
    return as_text(result.status, columns)


def status_as_markdown(result: TicketsStatus) -> Iterator[str]:
    """Yield tables for a page."""
    return as_markdown(result.status)


def as_markdown(status: Status) -> Iterator[str]:
    """Yield tables for a page, what their words mean, and the reasons."""
    total = tally(status)
    yield f"**{total}**"
    for table in status.tables:
        instrument = markdown.safe(table.instrument)
        repositories = [column.repository for column in table.columns]
        yield f"\n### {instrument}\n"
        yield markdown.row("", *repositories)
        columns = 1 + len(repositories)
        yield "|---" * columns + "|"
        for row in table.rows:
            label = label_of(row)
            words = [word_of(cell.state) for cell in row.cells]
            yield markdown.row(label, *words)
    states = _states(status)
    if states:
        yield ""
    for state in states:
        word = word_of(state)
        meaning = markdown.safe(state.means)
        yield f"- *{word}*: {meaning}"
    reasons = list(_grouped(status))
    if reasons:
        yield ""
        yield "| | what | where | why |"
        yield "|---|---|---|---|"
    for reason in reasons:
        names = ", ".join(reason.names)
        where = ", ".join(reason.places)
        yield markdown.row(
            reason.state.value,
            names,
            where,
            reason.why,
        )
    if status.beside:
        yield "\nBesides:\n"
        yield from markdown.drift(status.beside)


def tally(status: Status) -> str:
    """Say in a line how it stands with the tickets."""
    tickets = 0
    places = set()
    for table in status.tables:
        for row in table.rows:
            if row.subject is Subject.TICKET:
                tickets += 1
        for column in table.columns:
            places.add(column.repository)
    number_of_places = count(places, "repository")
    number_of_tickets = count(tickets, "ticket")
    start = f"{number_of_tickets} at {number_of_places}"
    # What is well comes first, what is gravest stands at the end.
    numbers = status.tally()
    parts = []
    for state in reversed(State):
        number = numbers[state]
        if number:
            word = state.value
            parts.append(f"{number} {word}")
    if not parts:
        return f"{start}."
    states = ", ".join(parts)
    return f"{start}: {states}."


def _legend(states: Sequence[State], *, marks: bool) -> Iterator[Text]:
    """Yield what the states mean that occur."""
    words: dict[State, str] = {}
    for state in states:
        words[state] = word_of(state)
        if marks:
            words[state] = state.value
    widest = max(words.values(), key=len)
    wide = len(widest) + len(GAP)
    for state, word in words.items():
        style = style_of(state)
        mark = ""
        if marks:
            mark = f"{MARKS[state]} "
        yield Text.assemble(
            GAP,
            (mark, style),
            (word.ljust(wide), style),
            (state.means, "dim"),
        )


@dataclass(frozen=True)
class _Reason:
    """Why some things are not as one would expect."""

    state: State
    names: tuple[str, ...]
    """What it is about; none: the place."""

    places: tuple[str, ...]
    why: str


def _reason_lines(reasons: Sequence[_Reason]) -> Iterator[Text]:
    """Yield why things are not as one would expect, in two lines each."""
    words = [reason.state.value for reason in reasons]
    widest = max(words, key=len)
    wide = len(widest) + len(GAP)
    for reason in reasons:
        state = reason.state
        word = state.value.ljust(wide)
        # What has no names is about the places themselves.
        where = ", ".join(reason.places)
        if reason.names:
            names = ", ".join(reason.names)
            where = f"{names} at {where}"
        yield Text.assemble(
            GAP,
            (word, style_of(state)),
            f"{where}\n",
            GAP,
            GAP,
            (reason.why, "dim"),
        )


@dataclass(frozen=True)
class _LabelledCell:
    """A cell, and what its row is about."""

    label: str
    cell: Cell

    @property
    def weight(self) -> tuple[int, str]:
        """Cells with the same state and reason have the same."""
        # States are declared by gravity.
        cell = self.cell
        gravity = list(State).index(cell.state)
        return gravity, cell.reason


_WEIGHT = attrgetter("weight")


def _grouped(status: Status) -> Iterator[_Reason]:
    """Yield the reasons; those of several things or places once."""
    for table in status.tables:
        cells: list[_LabelledCell] = []
        for row in table.rows:
            label = label_of(row)
            for cell in row.cells:
                if cell.state in _EXPLAINED:
                    labelled = _LabelledCell(label, cell)
                    cells.append(labelled)
        cells.sort(key=_WEIGHT)
        for (_, why), group in groupby(cells, key=_WEIGHT):
            alike = list(group)
            if why:
                yield from _by_places(alike, why)
        # A table without rows has no cell that could show it.
        if not table.rows:
            yield from _unreachable(table)


def _unreachable(table: Table) -> Iterator[_Reason]:
    """Yield the repositories of a table that could not be seen."""
    for column in table.columns:
        why = column.unreachable
        if why:
            yield _Reason(
                state=State.UNREACHABLE,
                names=(),
                places=(column.repository,),
                why=why,
            )


def _by_places(
    alike: Sequence[_LabelledCell],
    why: str,
) -> Iterator[_Reason]:
    """Yield what has the same reason, by the places where it has."""
    state = alike[0].cell.state
    # A place that cannot be seen is no fault of any row.
    if state is State.UNREACHABLE:
        unseen = dict.fromkeys(labelled.cell.repository for labelled in alike)
        yield _Reason(
            state=state,
            names=(),
            places=tuple(unseen),
            why=why,
        )
        return
    # First where each thing has the reason, then which things have it at the
    # same places: those are told in one line.
    places: dict[str, tuple[str, ...]] = {}
    for label, cells in grouped(alike, attrgetter("label")).items():
        places[label] = tuple(labelled.cell.repository for labelled in cells)
    for where, labels in grouped(places, places.__getitem__).items():
        yield _Reason(
            state=state,
            names=tuple(labels),
            places=where,
            why=why,
        )


def _states(status: Status) -> list[State]:
    """Return the states that occur, the gravest last."""
    present = set()
    for table in status.tables:
        for row in table.rows:
            for cell in row.cells:
                present.add(cell.state)
    by_gravity = reversed(State)
    return [state for state in by_gravity if state in present]

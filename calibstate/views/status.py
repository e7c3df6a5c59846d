"""Tickets against repositories, as tables.

Words where a terminal is wide enough for them; else marks under numbers, in
as many tables as it takes: a line that wraps is no table any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

from ..model.drift import What
from ..model.results.drift import TicketsStatus
from ..model.status import Cell, Row, State, Status, Subject, Table
from . import markdown, text
from .messages import count
from .size import size

__all__ = ["as_markdown", "as_text", "status_as_markdown", "status_as_text", "tally"]

_MARKS = {
    State.UNREACHABLE: "?",
    State.CHANGED: "≠",
    State.REFUSED: "⊘",
    State.UNWANTED: "!",
    State.MISSING: "✗",
    State.NOT_SEARCHED: "○",
    State.ON_HOLD: "‖",
    State.PENDING: "…",
    State.MISORDERED: "↕",
    State.EXTRA: "+",
    State.PROPOSED: "p",
    State.FLAGGED: "f",
    State.REJECTED: "x",
    State.SKIPPED: "s",
    State.RETIRED: "r",
    State.EXTERNAL: "e",
    State.THERE: "●",
    State.SEARCHED: "✓",
    State.ELSEWHERE: "-",
}

_STYLES = {
    State.UNREACHABLE: text.STYLES[What.UNREACHABLE],
    State.CHANGED: text.STYLES[What.CHANGED],
    State.REFUSED: "red",
    State.UNWANTED: text.STYLES[What.UNWANTED],
    State.MISSING: text.STYLES[What.MISSING],
    State.NOT_SEARCHED: text.STYLES[What.MISSING],
    State.ON_HOLD: "magenta",
    State.PENDING: text.STYLES[What.PENDING],
    State.MISORDERED: text.STYLES[What.MISORDERED],
    State.EXTRA: text.STYLES[What.EXTRA],
    State.THERE: "green",
    State.SEARCHED: "green",
    State.EXTERNAL: "green",
}
"""What was decided by people is dim."""

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

_GAP = "  "
_LONGEST = 36
"""Characters of a name that stands beside its cells; a longer one stands
above them."""


def as_text(status: Status, width: int) -> Iterator[Text]:
    """Yield tables for a terminal.

    Parameters
    ----------
    status
        How it stands.
    width
        Characters of a line.
    """
    with_marks = False
    for table in status.tables:
        shape = _shape(table, width)
        with_marks = with_marks or shape.marks
        yield Text(table.instrument, "bold")
        if shape.marks:
            yield from _numbered_repositories(table, shape)
        for columns in shape.blocks:
            yield from _block(table, shape, columns)
        yield Text("")
    yield from _legend(status, marks=with_marks)
    yield from _reason_lines(status)
    if status.beside:
        yield Text("In the archive and in Rucio", "bold")
        yield from text.drift(status.beside)
    yield Text(tally(status), "bold")


def status_as_text(result: TicketsStatus) -> Iterator[Text]:
    """Yield tables that are as wide as the terminal."""
    columns, _ = size()
    return as_text(result.status, columns)


def status_as_markdown(result: TicketsStatus) -> Iterator[str]:
    """Yield tables for a page."""
    return as_markdown(result.status)


def as_markdown(status: Status) -> Iterator[str]:
    """Yield tables for a page, what their words mean, and the reasons."""
    yield f"**{tally(status)}**"
    for table in status.tables:
        yield from _markdown_table(table)
    states = _states(status)
    if states:
        yield ""
    for state in states:
        meaning = markdown.safe(state.means)
        yield f"- *{_word(state)}*: {meaning}"
    reasons = list(_grouped(status))
    if reasons:
        yield ""
        yield "| | what | where | why |"
        yield "|---|---|---|---|"
    for reason in reasons:
        yield markdown.row(
            reason.state.value,
            ", ".join(reason.names),
            ", ".join(reason.places),
            reason.why,
        )
    if status.beside:
        yield "\nIn the archive and in Rucio:\n"
        yield from markdown.drift(status.beside)


def _markdown_table(table: Table) -> Iterator[str]:
    """Yield a table of all repositories: a page is as wide as it has to be."""
    repositories = [column.repository for column in table.columns]
    yield f"\n### {markdown.safe(table.instrument)}\n"
    yield markdown.row("", *repositories)
    yield "|---" * (1 + len(repositories)) + "|"
    for row in table.rows:
        words = [_word(cell.state) for cell in row.cells]
        yield markdown.row(_label(row), *words)


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
    noun = "repository" if len(places) == 1 else "repositories"
    start = f"{count(tickets, 'ticket')} at {len(places)} {noun}"
    numbers = status.tally()
    counted = []
    for state in reversed(State):
        if numbers[state]:
            counted.append(f"{numbers[state]} {state.value}")
    if not counted:
        return f"{start}."
    return f"{start}: {', '.join(counted)}."


# --- for a terminal ---


@dataclass(frozen=True)
class _Shape:
    """How a table is laid out."""

    label: int
    """Characters in front of the cells."""

    widths: tuple[int, ...]
    """Characters of each column."""

    blocks: tuple[range, ...]
    """Columns that stand side by side."""

    marks: bool
    """Marks under numbers; else words under addresses."""


def _shape(table: Table, width: int) -> _Shape:
    """Return how a table is laid out in lines of some width."""
    label = 0
    for row in table.rows:
        length = len(_label(row))
        # A longer one stands in a line of its own, and needs no room here.
        if length <= _LONGEST:
            label = max(label, length)
    widths = _widths_of_words(table)
    columns = len(widths)
    needed = len(_GAP) + label
    for word in widths:
        needed += len(_GAP) + word
    if needed <= width:
        return _Shape(label, widths, (range(columns),), marks=False)
    # Marks under numbers, in as many blocks as the columns need.
    digits = len(str(columns))
    room = width - len(_GAP) - label
    most = max(1, room // (len(_GAP) + digits))
    blocks = []
    for start in range(0, columns, most):
        end = min(start + most, columns)
        blocks.append(range(start, end))
    return _Shape(label, (digits,) * columns, tuple(blocks), marks=True)


def _widths_of_words(table: Table) -> tuple[int, ...]:
    """Return how wide each column is with words under an address."""
    widths = []
    for number, column in enumerate(table.columns):
        widest = len(column.repository)
        for row in table.rows:
            word = _word(row.cells[number].state)
            widest = max(widest, len(word))
        widths.append(widest)
    return tuple(widths)


def _numbered_repositories(table: Table, shape: _Shape) -> Iterator[Text]:
    """Yield what the numbers over the columns stand for."""
    for number, column in enumerate(table.columns, 1):
        line = Text(f"{_GAP}{number:>{shape.widths[0]}} ", "bold")
        line.append(column.repository, "default")
        yield line


def _block(table: Table, shape: _Shape, columns: range) -> Iterator[Text]:
    """Yield some columns of a table, with the labels of its rows."""
    head = Text(_GAP + " " * shape.label)
    for number in columns:
        name = table.columns[number].repository
        if shape.marks:
            name = str(number + 1)
        head.append(_GAP + _aligned(name, shape, number), "bold")
    head.rstrip()
    yield head
    for row in table.rows:
        label = _label(row)
        if len(label) > shape.label:
            yield Text(_GAP + label)
            label = ""
        line = Text(f"{_GAP}{label:{shape.label}}")
        for number in columns:
            state = row.cells[number].state
            shown = _word(state)
            if shape.marks:
                shown = _MARKS[state]
            cell = _GAP + _aligned(shown, shape, number)
            line.append(cell, _style(state))
        line.rstrip()
        yield line


def _aligned(word: str, shape: _Shape, number: int) -> str:
    """Return a word in its column: marks stand under the last digit."""
    width = shape.widths[number]
    if shape.marks:
        return word.rjust(width)
    return word.ljust(width)


def _legend(status: Status, *, marks: bool) -> Iterator[Text]:
    """Yield what the states mean that occur."""
    states = _states(status)
    if not states:
        return
    words = []
    for state in states:
        words.append(state.value if marks else _word(state))
    wide = max(len(word) for word in words)
    for state, word in zip(states, words, strict=True):
        style = _style(state)
        line = Text(_GAP)
        if marks:
            line.append(f"{_MARKS[state]} ", style)
        line.append(f"{word:{wide}}{_GAP}", style)
        line.append(state.means, "dim")
        yield line
    yield Text("")


def _reason_lines(status: Status) -> Iterator[Text]:
    """Yield why things are not as one would expect, alike ones together."""
    reasons = list(_grouped(status))
    if not reasons:
        return
    wide = max(len(reason.state.value) for reason in reasons)
    for reason in reasons:
        line = Text(_GAP)
        line.append(f"{reason.state.value:{wide}}{_GAP}", _style(reason.state))
        if reason.names:
            names = ", ".join(reason.names)
            line.append(f"{names} at ")
        places = ", ".join(reason.places)
        line.append(f"{places}\n{_GAP * 2}")
        line.append(reason.why, "dim")
        yield line
    yield Text("")


def _style(state: State) -> str:
    return _STYLES.get(state, "dim")


# --- for a terminal and a page alike ---


@dataclass(frozen=True)
class _Reason:
    """Why some things are not as one would expect."""

    state: State
    names: tuple[str, ...]
    """What it is about; none: the place."""

    places: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class _LabelledCell:
    """A cell, and what its row is about."""

    label: str
    cell: Cell

    @property
    def weight(self) -> tuple[int, str]:
        """Cells with the same state and reason have the same."""
        return list(State).index(self.cell.state), self.cell.reason


def _grouped(status: Status) -> Iterator[_Reason]:
    """Yield the reasons; those of several things or places once."""
    for table in status.tables:
        cells = []
        for row in table.rows:
            for cell in row.cells:
                if cell.state in _EXPLAINED:
                    cells.append(_LabelledCell(_label(row), cell))
        cells.sort(key=lambda labelled: labelled.weight)
        for (_, why), alike in groupby(cells, key=lambda labelled: labelled.weight):
            if why:
                yield from _by_places(list(alike), why)
        # A table without rows has no cell that could tell it.
        if not table.rows:
            yield from _unreachable(table)


def _unreachable(table: Table) -> Iterator[_Reason]:
    for column in table.columns:
        if column.unreachable:
            places = (column.repository,)
            yield _Reason(State.UNREACHABLE, (), places, column.unreachable)


def _by_places(alike: Sequence[_LabelledCell], why: str) -> Iterator[_Reason]:
    """Yield what has the same reason, by the places where it has."""
    state = alike[0].cell.state
    # A place that cannot be seen is no fault of any row.
    if state is State.UNREACHABLE:
        unseen = dict.fromkeys(labelled.cell.repository for labelled in alike)
        yield _Reason(state, (), tuple(unseen), why)
        return
    places_by_label: dict[str, list[str]] = {}
    for labelled in alike:
        places = places_by_label.setdefault(labelled.label, [])
        places.append(labelled.cell.repository)
    labels_by_places: dict[tuple[str, ...], list[str]] = {}
    for label, where in places_by_label.items():
        labels = labels_by_places.setdefault(tuple(where), [])
        labels.append(label)
    for together, labels in labels_by_places.items():
        yield _Reason(state, tuple(labels), together, why)


def _states(status: Status) -> list[State]:
    """Return the states that occur, the gravest last."""
    present = set()
    for table in status.tables:
        for row in table.rows:
            for cell in row.cells:
                present.add(cell.state)
    return [state for state in reversed(State) if state in present]


def _word(state: State) -> str:
    """Return what stands in a cell; what concerns nobody there is a dash."""
    if state is State.ELSEWHERE:
        return _MARKS[state]
    return state.value


def _label(row: Row) -> str:
    if row.subject is Subject.CHAIN:
        return f"chain {row.name}"
    return row.name

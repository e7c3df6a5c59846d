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

_TOLD = (
    State.UNREACHABLE,
    State.CHANGED,
    State.REFUSED,
    State.UNWANTED,
    State.ON_HOLD,
    State.PENDING,
    State.SKIPPED,
    State.RETIRED,
)
"""States whose reason is told; all others are told by `drift`."""

_GAP = "  "
_LONGEST = 36
"""Characters of a name that stands beside its cells; a longer one stands
above them."""


def as_text(told: Status, width: int) -> Iterator[Text]:
    """Yield tables for a terminal.

    Parameters
    ----------
    told
        How it stands.
    width
        Characters of a line.
    """
    for table in told.tables:
        yield Text(table.instrument, "bold")
        shape = _shape(table, width)
        yield from _heads(table, shape)
        for columns in shape.blocks:
            yield from _block(table, shape, columns)
        yield Text("")
    yield from _legend(told, marks=any(_shape(table, width).marks for table in told.tables))
    yield from _reasons(told)
    if told.beside:
        yield Text("In the archive and in Rucio", "bold")
        yield from text.drift(told.beside)
    yield Text(tally(told), "bold")


def status_as_text(result: TicketsStatus) -> Iterator[Text]:
    """Yield tables that are as wide as the terminal."""
    columns, _ = size()
    return as_text(result.status, columns)


def status_as_markdown(result: TicketsStatus) -> Iterator[str]:
    """Yield tables for a page."""
    return as_markdown(result.status)


def as_markdown(told: Status) -> Iterator[str]:
    """Yield tables for a page, what their words mean, and the reasons."""
    yield f"**{tally(told)}**"
    for table in told.tables:
        yield f"\n### {markdown.safe(table.instrument)}\n"
        yield markdown.row("", *(column.repository for column in table.columns))
        yield "|---" * (1 + len(table.columns)) + "|"
        for row in table.rows:
            yield markdown.row(_label(row), *(_word(cell.state) for cell in row.cells))
    if states := _states(told):
        yield ""
        yield from (f"- *{_word(state)}*: {markdown.safe(state.means)}" for state in states)
    if reasons := list(_grouped(told)):
        yield ""
        yield "| | what | where | why |"
        yield "|---|---|---|---|"
        for reason in reasons:
            yield markdown.row(
                reason.state.value, ", ".join(reason.names), ", ".join(reason.places), reason.why
            )
    if told.beside:
        yield "\nIn the archive and in Rucio:\n"
        yield from markdown.drift(told.beside)


def tally(told: Status) -> str:
    """Say in a line how it stands with the tickets."""
    counted = told.tally()
    tickets = sum(row.subject is Subject.TICKET for table in told.tables for row in table.rows)
    places = len({column.repository for table in told.tables for column in table.columns})
    start = f"{count(tickets, 'ticket')} at {places} {'repository' if places == 1 else 'repositories'}"
    states = [f"{counted[state]} {state.value}" for state in reversed(State) if counted[state]]
    return f"{start}: {', '.join(states)}." if states else f"{start}."


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
    labels = [len(_label(row)) for row in table.rows]
    label = max((length for length in labels if length <= _LONGEST), default=0)
    words = tuple(
        max(len(column.repository), *(len(_word(row.cells[number].state)) for row in table.rows), 0)
        for number, column in enumerate(table.columns)
    )
    everything = (range(len(words)),)
    if len(_GAP) + label + sum(len(_GAP) + word for word in words) <= width:
        return _Shape(label, words, everything, marks=False)
    numbers = tuple(len(str(len(words))) for _ in words)
    room = width - len(_GAP) - label
    most = max(1, room // (len(_GAP) + max(numbers)))
    blocks = tuple(range(start, min(start + most, len(words))) for start in range(0, len(words), most))
    return _Shape(label, numbers, blocks, marks=True)


def _heads(table: Table, shape: _Shape) -> Iterator[Text]:
    """Yield what the numbers over the columns stand for."""
    if shape.marks:
        for number, column in enumerate(table.columns, 1):
            yield Text(f"{_GAP}{number:>{shape.widths[0]}} ", "bold").append(column.repository, "default")


def _block(table: Table, shape: _Shape, columns: range) -> Iterator[Text]:
    head = Text(_GAP + " " * shape.label)
    for number in columns:
        name = str(number + 1) if shape.marks else table.columns[number].repository
        head.append(_GAP + _set(name, shape, number), "bold")
    yield _stripped(head)
    for row in table.rows:
        label = _label(row)
        if len(label) > shape.label:
            yield Text(_GAP + label)
            label = ""
        line = Text(f"{_GAP}{label:{shape.label}}")
        for number in columns:
            state = row.cells[number].state
            shown = _MARKS[state] if shape.marks else _word(state)
            line.append(_GAP + _set(shown, shape, number), _STYLES.get(state, "dim"))
        yield _stripped(line)


def _set(word: str, shape: _Shape, number: int) -> str:
    """Return a word in its column: marks stand under the last digit."""
    return f"{word:{'>' if shape.marks else '<'}{shape.widths[number]}}"


def _stripped(line: Text) -> Text:
    line.rstrip()
    return line


def _legend(told: Status, *, marks: bool) -> Iterator[Text]:
    """Yield what the states mean that occur."""
    states = _states(told)
    words = [state.value if marks else _word(state) for state in states]
    wide = max(map(len, words), default=0)
    for state, word in zip(states, words, strict=True):
        line = Text(_GAP)
        if marks:
            line.append(f"{_MARKS[state]} ", _STYLES.get(state, "dim"))
        yield line.append(f"{word:{wide}}{_GAP}", _STYLES.get(state, "dim")).append(state.means, "dim")
    if states:
        yield Text("")


def _reasons(told: Status) -> Iterator[Text]:
    """Yield why things are not as one would expect, alike ones together."""
    reasons = list(_grouped(told))
    wide = max((len(reason.state.value) for reason in reasons), default=0)
    for reason in reasons:
        line = Text(_GAP).append(f"{reason.state.value:{wide}}{_GAP}", _STYLES.get(reason.state, "dim"))
        names = f"{', '.join(reason.names)} at " if reason.names else ""
        yield line.append(f"{names}{', '.join(reason.places)}\n{_GAP * 2}").append(reason.why, "dim")
    if reasons:
        yield Text("")


# --- what both tell ---


@dataclass(frozen=True)
class _Reason:
    """Why some things are not as one would expect."""

    state: State
    names: tuple[str, ...]
    """What it is about; none: the place."""

    places: tuple[str, ...]
    why: str


def _grouped(told: Status) -> Iterator[_Reason]:
    """Yield the reasons; those of several things or places once."""
    for table in told.tables:
        cells = [(row, cell) for row in table.rows for cell in row.cells if cell.state in _TOLD]
        ordered = sorted(cells, key=lambda pair: (*_weight(pair[1]), pair[1].reason))
        for (_, why), alike in groupby(ordered, key=lambda pair: (pair[1].state, pair[1].reason)):
            if why:
                yield from _by_places(list(alike), why)
        # A table without rows has no cell that could tell it.
        if not table.rows:
            for column in table.columns:
                if column.unreachable:
                    yield _Reason(State.UNREACHABLE, (), (column.repository,), column.unreachable)


def _weight(cell: Cell) -> tuple[int]:
    return (list(State).index(cell.state),)


def _by_places(alike: Sequence[tuple[Row, Cell]], why: str) -> Iterator[_Reason]:
    """Yield what has the same reason, by the places where it has."""
    state = alike[0][1].state
    if state is State.UNREACHABLE:
        yield _Reason(state, (), tuple(dict.fromkeys(cell.repository for _, cell in alike)), why)
        return
    where: dict[str, list[str]] = {}
    for row, cell in alike:
        where.setdefault(_label(row), []).append(cell.repository)
    for places in dict.fromkeys(tuple(found) for found in where.values()):
        names = tuple(name for name, found in where.items() if tuple(found) == places)
        yield _Reason(state, names, places, why)


def _states(told: Status) -> list[State]:
    """Return the states that occur, the gravest last."""
    found = {cell.state for table in told.tables for row in table.rows for cell in row.cells}
    return [state for state in reversed(State) if state in found]


def _word(state: State) -> str:
    """Return what stands in a cell; what concerns nobody there is a dash."""
    return _MARKS[state] if state is State.ELSEWHERE else state.value


def _label(row: Row) -> str:
    return f"chain {row.name}" if row.subject is Subject.CHAIN else row.name

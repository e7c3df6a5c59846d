"""Tickets against repositories, as tables, and what is the matter there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from rich.text import Text

from ..model.looked_at import LookedAt
from ..model.results.drift import TicketsStatus
from ..model.status import Cell, Column, State, Status, Subject, Table
from . import markdown, text, watching
from .ages import when_last_seen
from .looked_at import by, of_all
from .messages import below, count, grouped
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


def as_text(
    status: Status,
    width: int,
    scope: LookedAt | None = None,
    *,
    everything: bool = False,
) -> Iterator[Text]:
    """Yield tables for a terminal.

    Parameters
    ----------
    status
        How it stands.
    width
        Characters of a line.
    scope
        What was looked at.
    everything
        Whether each thing that waits is told of, also where many wait for the
        same.
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
    reasons = list(_grouped(status, everything=everything))
    if reasons:
        yield from _reason_lines(reasons)
        yield Text("")
    if status.beside:
        yield Text("Besides", "bold")
        yield from text.drift(status.beside, everything=everything)
    total = tally(status, scope)
    yield Text(total, "bold")
    if everything:
        return
    # Only where something was left out it is worth a word.
    each = list(_grouped(status, everything=True))
    if len(reasons) < len(each):
        yield text.told_once()
    else:
        yield from text.left_folded(status.beside)


def status_as_text(result: TicketsStatus) -> Iterator[Text]:
    """Yield tables that are as wide as the terminal."""
    columns, _ = size()
    for line in _last_seen(result):
        yield Text(line)
    yield from watching.watches(result.watches)
    yield from as_text(result.status, columns, result.scope, everything=result.everything)


def status_as_markdown(result: TicketsStatus) -> Iterator[str]:
    """Yield tables for a page."""
    yield from as_markdown(result.status, result.scope)
    for line in _last_seen(result):
        yield f"\n{markdown.safe(line)}"
    for watch in watching.watches(result.watches):
        yield f"\n{markdown.safe(str(watch))}"


def _last_seen(result: TicketsStatus) -> Iterator[str]:
    """Yield how it stood at repositories that were seen too long ago."""
    for table in result.status.tables:
        for number, column in enumerate(table.columns):
            age = result.ages.get(column.repository)
            if age is None or not age.stale:
                continue
            by_state: dict[State, list[str]] = {}
            for row in table.rows:
                last = row.cells[number].last
                if last and last.state is not State.ELSEWHERE:
                    by_state.setdefault(last.state, []).append(label_of(row))
            states = []
            for state in State:
                if state in by_state:
                    names = ", ".join(by_state[state])
                    states.append(f"{names} {state.value}")
            if states:
                words = "; ".join(states)
                yield f"{column.repository} {when_last_seen(age)}: {words}"


def as_markdown(status: Status, scope: LookedAt | None = None) -> Iterator[str]:
    """Yield tables for a page, what their words mean, and the reasons.

    Parameters
    ----------
    status
        How it stands.
    scope
        What was looked at.
    """
    total = tally(status, scope)
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
    reasons = list(_grouped(status, everything=True, here=False))
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


def tally(status: Status, scope: LookedAt | None = None) -> str:
    """Say in a line how it stands with the tickets.

    Parameters
    ----------
    status
        How it stands.
    scope
        What was looked at; said where it is not all.
    """
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
    narrowed = ""
    if scope and scope.is_narrowed:
        number_of_places = of_all(len(places), scope.of_repositories, "repository")
        number_of_tickets = of_all(tickets, scope.of_tickets, "ticket")
        narrowed = by(scope)
    start = f"{number_of_tickets} at {number_of_places}{narrowed}"
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

    hints: tuple[str, ...] = ()
    """What to do about it."""


def _reason_lines(reasons: Sequence[_Reason]) -> Iterator[Text]:
    """Yield why things are not as one would expect, in two lines each."""
    words = [reason.state.value for reason in reasons]
    widest = max(words, key=len)
    wide = len(widest) + len(GAP)
    hints_given: set[str] = set()
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
        # What many have to do the same about is said once.
        for hint in reason.hints:
            if hint not in hints_given:
                hints_given.add(hint)
                yield below(hint, by=2 * len(GAP))


@dataclass(frozen=True)
class _LabelledCell:
    """A cell, and what its row is about."""

    label: str
    cell: Cell

    why: str
    """Why it is so."""

    is_shared: bool = False
    """Whether others wait for the same, whatever they are."""

    @property
    def weight(self) -> tuple[int, str]:
        """Cells with the same state and reason have the same."""
        # States are declared by gravity.
        gravity = list(State).index(self.cell.state)
        return gravity, self.why


_WEIGHT = attrgetter("weight")


def _grouped(status: Status, *, everything: bool, here: bool = True) -> Iterator[_Reason]:
    """Yield the reasons; those of several things or places once.

    Parameters
    ----------
    status
        How it stands.
    everything
        Whether each thing that waits is told of.
    here
        Whether they are for who works on this machine.
    """
    yield from _unreachable(status.tables, here=here)
    cells: list[_LabelledCell] = []
    for table in status.tables:
        for row in table.rows:
            label = label_of(row)
            # Tickets of a name may be of several instruments.
            if len(status.tables) > 1 and row.subject is Subject.TICKET:
                label = f"{table.instrument}/{row.name}"
            for cell in row.cells:
                if cell.state in _EXPLAINED:
                    cells.append(_labelled(label, cell, everything=everything))
    cells.sort(key=_WEIGHT)
    for (_, why), group in groupby(cells, key=_WEIGHT):
        alike = list(group)
        if why:
            yield from _by_places(alike, why)


def _labelled(label: str, cell: Cell, *, everything: bool) -> _LabelledCell:
    """Return a cell with why it is so: if it waits, what for."""
    if not everything:
        for drift in cell.drift:
            if drift.waits_for and drift.detail == cell.reason:
                return _LabelledCell(label, cell, drift.waits_for, is_shared=True)
    return _LabelledCell(label, cell, cell.reason)


def _unreachable(tables: Iterable[Table], *, here: bool) -> Iterator[_Reason]:
    """Yield the repositories that could not be seen, each once."""
    columns: dict[str, Column] = {}
    hints: dict[str, tuple[str, ...]] = {}
    for table in tables:
        for column in table.columns:
            columns[column.repository] = column
        for row in table.rows:
            for cell in row.cells:
                hints[cell.repository] = _hints([cell])
    for repository, column in columns.items():
        if column.unreachable:
            why = column.unreachable
            if here and column.unreachable_here:
                why = column.unreachable_here
            yield _Reason(
                state=State.UNREACHABLE,
                names=(),
                places=(repository,),
                why=why,
                hints=hints.get(repository, ()),
            )


def _hints(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Return what to do about what departs in cells, each once."""
    hints: dict[str, None] = {}
    for cell in cells:
        for drift in cell.drift:
            if drift.hint:
                hints[drift.hint] = None
    return tuple(hints)


def _by_places(
    alike: Sequence[_LabelledCell],
    why: str,
) -> Iterator[_Reason]:
    """Yield what has the same reason, by the places where it has."""
    state = alike[0].cell.state
    # A place that cannot be seen is no fault of any row, and told before.
    if state is State.UNREACHABLE:
        return
    hints = _hints(labelled.cell for labelled in alike)
    if alike[0].is_shared:
        # The table shows which of them waits where.
        names = dict.fromkeys(labelled.label for labelled in alike)
        repositories = dict.fromkeys(labelled.cell.repository for labelled in alike)
        yield _Reason(state, tuple(names), tuple(repositories), why, hints)
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
            hints=hints,
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

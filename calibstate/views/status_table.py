"""Tickets against repositories, as a table that fits into a terminal.

Words where a terminal is wide enough for them; else marks under numbers, in
as many blocks as it takes: a line that wraps is no table any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from ..model.drift import What
from ..model.status import Row, State, Subject, Table
from .text import STYLES as DRIFT_STYLES

__all__ = ["GAP", "MARKS", "Layout", "label_of", "layout", "style_of", "table_lines", "word_of"]

MARKS = {
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
    State.UNREACHABLE: DRIFT_STYLES[What.UNREACHABLE],
    State.CHANGED: DRIFT_STYLES[What.CHANGED],
    State.REFUSED: "red",
    State.UNWANTED: DRIFT_STYLES[What.UNWANTED],
    State.MISSING: DRIFT_STYLES[What.MISSING],
    State.NOT_SEARCHED: DRIFT_STYLES[What.MISSING],
    State.ON_HOLD: "magenta",
    State.PENDING: DRIFT_STYLES[What.PENDING],
    State.MISORDERED: DRIFT_STYLES[What.MISORDERED],
    State.EXTRA: DRIFT_STYLES[What.EXTRA],
    State.THERE: "green",
    State.SEARCHED: "green",
    State.EXTERNAL: "green",
}

GAP = "  "
_LONGEST = 36
"""Characters of a name that stands beside its cells; a longer one stands
above them."""


@dataclass(frozen=True)
class Layout:
    """How a table is laid out."""

    label: int
    """Characters in front of the cells."""

    widths: tuple[int, ...]
    """Characters of each column."""

    blocks: tuple[range, ...]
    """Columns that stand side by side."""

    marks: bool
    """Marks under numbers; else words under addresses."""

    def aligned(self, word: str, number: int) -> str:
        """Return a word in its column: marks stand under the last digit."""
        width = self.widths[number]
        if self.marks:
            return word.rjust(width)
        return word.ljust(width)


def layout(table: Table, width: int) -> Layout:
    """Return how a table is laid out in lines of some width.

    Parameters
    ----------
    table
        The table.
    width
        Characters of a line.
    """
    label = 0
    for row in table.rows:
        length = len(label_of(row))
        # A longer one stands in a line of its own, and needs no room here.
        if length <= _LONGEST:
            label = max(label, length)
    widths = []
    needed = len(GAP) + label
    for number, column in enumerate(table.columns):
        widest = len(column.repository)
        for row in table.rows:
            cell = row.cells[number]
            word = word_of(cell.state)
            widest = max(widest, len(word))
        widths.append(widest)
        needed += len(GAP) + widest
    columns = len(widths)
    if needed <= width:
        return Layout(
            label=label,
            widths=tuple(widths),
            blocks=(range(columns),),
            marks=False,
        )
    # Marks under numbers, in as many blocks as the columns need.
    digits = len(str(columns))
    gap = len(GAP)
    room = width - gap - label
    most = max(1, room // (gap + digits))
    blocks = []
    for start in range(0, columns, most):
        end = min(start + most, columns)
        blocks.append(range(start, end))
    return Layout(
        label=label,
        widths=(digits,) * columns,
        blocks=tuple(blocks),
        marks=True,
    )


def table_lines(table: Table, laid_out: Layout) -> Iterator[Text]:
    """Yield a table, under what the numbers over its columns stand for.

    Parameters
    ----------
    table
        The table.
    laid_out
        How it is laid out.
    """
    # Which repository each number stands for, a line each.
    if laid_out.marks:
        for number, column in enumerate(table.columns):
            ordinal = str(number + 1)
            shown = laid_out.aligned(ordinal, number)
            yield Text.assemble(
                f"{GAP}{shown} ",
                (column.repository, "default"),
                style="bold",
            )
    for columns in laid_out.blocks:
        yield _head(table, laid_out, columns)
        for row in table.rows:
            yield from _row_lines(row, laid_out, columns)


def _head(table: Table, laid_out: Layout, columns: range) -> Text:
    """Return what stands over some columns."""
    indent = " " * laid_out.label
    line = Text(GAP + indent)
    for number in columns:
        name: str = table.columns[number].repository
        if laid_out.marks:
            name = str(number + 1)
        shown = laid_out.aligned(name, number)
        line.append(GAP + shown, "bold")
    line.rstrip()
    return line


def _row_lines(
    row: Row,
    laid_out: Layout,
    columns: range,
) -> Iterator[Text]:
    """Yield some cells of a row, behind or under its label."""
    wide = laid_out.label
    label = label_of(row)
    # A label that is too long has a line of its own, above its cells.
    if len(label) > wide:
        yield Text(GAP + label)
        label = ""
    padded = label.ljust(wide)
    line = Text(GAP + padded)
    for number in columns:
        state = row.cells[number].state
        word = word_of(state)
        if laid_out.marks:
            word = MARKS[state]
        shown = laid_out.aligned(word, number)
        line.append(GAP + shown, style_of(state))
    line.rstrip()
    yield line


def style_of(state: State) -> str:
    """Return the style of a state; what was decided by people is dim."""
    return _STYLES.get(state, "dim")


def word_of(state: State) -> str:
    """Return what stands in a cell; what concerns nobody there is a dash."""
    if state is State.ELSEWHERE:
        return MARKS[state]
    return str(state.value)


def label_of(row: Row) -> str:
    """Return what stands in front of a row."""
    if row.subject is Subject.CHAIN:
        return f"chain {row.name}"
    return row.name

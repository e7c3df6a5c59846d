"""Timelines on a terminal: a column for each change."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ...model.results.timelines import ChainTimeline, TimelinesDrawn
from ..size import columns_of_terminal
from .ordinal import Table, blocks, pairs, tables, wide
from .untold import headings, same_tickets, told_once, untold

__all__ = ["as_text", "legend"]

_INDENT = 2

_USUAL = 80
"""Characters of a line where nobody has a terminal."""


def as_text(result: TimelinesDrawn) -> Iterator[Text | str]:
    """Yield each chain, with a small table for rows that change together."""
    width = columns_of_terminal() or _USUAL
    for words, chain, same in told_once(headings(result)):
        yield Text(words, "bold")
        if same:
            yield f"  {same}"
            yield ""
            continue
        drawn = list(_tables(chain, result))
        for table in drawn:
            yield ""
            yield from _lines(table, width)
        if not drawn and chain.before is not None and result.base is not None:
            yield f"  {same_tickets(result.base)}"
        for sentence in untold(chain):
            yield ""
            yield Text(f"  {sentence}", "yellow")
        yield ""
    if result.chains or result.last_seen:
        yield Text(legend(result), "dim")
    elif result.base is not None and not result.unreachable:
        yield f"Compared with {result.base}, every chain selects the same."


def legend(result: TimelinesDrawn) -> str:
    """Return how the tables are read."""
    words = "TAI.  What stands under a moment wins from then until the next; the last goes on."
    for chain in (*result.chains, *result.last_seen):
        for row in chain.timeline.rows:
            if any(interval.odd for interval in row.intervals):
                return f"{words}  +2: for 2 detectors something else wins."
    return words


def _tables(chain: ChainTimeline, result: TimelinesDrawn) -> Iterator[Table]:
    if chain.before is None or result.base is None:
        yield from tables(chain.timeline)
        return
    yield from pairs(chain.before, chain.timeline, (result.base, "now"))


def _lines(table: Table, width: int) -> Iterator[Text | str]:
    yield Text(", ".join(table.labels), "green")
    # Without a base there is one line, which needs no name.
    names = table.lines or ("",)
    label = max(map(len, names))
    room = width - _INDENT - label - 2
    for block in blocks(table.columns, room):
        widths = [wide(column) for column in block]
        moments = [column.begin for column in block]
        yield Text(_line("", label, moments, widths), "dim")
        for number, name in enumerate(names):
            cells = [column.cells[number] for column in block]
            yield _line(name, label, cells, widths)
    for note in table.notes:
        yield Text(f"  {note}", "dim")


def _line(name: str, label: int, cells: list[str], widths: list[int]) -> str:
    line = " " * _INDENT + name.ljust(label)
    if label:
        line += "  "
    for cell, width in zip(cells, widths, strict=True):
        line += cell.ljust(width) + "  "
    return line.rstrip()

"""Lines that are longer than a terminal is wide.

A terminal goes on at its first column, amid a word.  Here a line is broken
between words, and what follows stands under the column that it belongs to.
Names are never broken, and neither are commands: both are there to be copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

__all__ = ["wrapped"]

_HANG = 2
"""Where a line goes on that begins at the first column."""

_LONGEST_MARK = 3
"""Characters such as ``+`` or a number, which stand in no line alone."""

_COLUMN = re.compile(r" {2,}")
"""What stands between two columns."""

_OPTION = r" --?[a-z-]+(?:[ =](?!-)[^\s`,;)]+)?"
_ARGUMENT = r" [a-z]*[A-Z0-9/._][^\s`,;)]*"
_COMMAND = rf"\bcalibstate [a-z]+(?:{_OPTION}|{_ARGUMENT}){{0,20}}"
_OPTIONS = rf"--[a-z-]+(?: [^\s`,;.)]+)?(?:{_OPTION})+"
_QUOTED = r"`[^`\n]{1,200}`"
_RANGE = r"\[[^\s,]+, [^\s)]+\)"
_UNIT = re.compile(rf"(?:{_QUOTED}|{_RANGE}|{_COMMAND}|{_OPTIONS}|\S)+")
"""What stays in one line: a word, a range, or a command with all that belongs
to it."""


def wrapped(line: Text, width: int) -> Text:
    """Return a line in as many as it needs.

    Parameters
    ----------
    line
        One line or several; one that says ``no_wrap`` stays as it is.
    width
        Characters of a line.
    """
    if line.no_wrap or cell_len(line.plain) <= width:
        return line
    lines: list[Text] = []
    for single in line.split("\n", allow_blank=True):
        lines.extend(_parts(single, width))
    return Text("\n").join(lines)


def _parts(line: Text, width: int) -> Iterator[Text]:
    """Yield the parts of one line, all but the first set in."""
    if cell_len(line.plain) <= width:
        yield line
        return
    indent = " " * _hang(line.plain, width)
    begin = 0
    end = 0
    room = width
    for unit in _UNIT.finditer(line.plain):
        needed = cell_len(line.plain[begin : unit.end()])
        # What is longer than any line can be has one of its own, with the
        # mark that stands in front of it.
        if needed > room and len(line.plain[begin:end].strip()) > _LONGEST_MARK:
            yield _part(line, begin, end, indent)
            begin = unit.start()
            room = width - len(indent)
        end = unit.end()
    yield _part(line, begin, end, indent)


def _part(line: Text, begin: int, end: int, indent: str) -> Text:
    """Return a part of a line; the first one has its own indentation."""
    part = line[begin:end]
    if begin:
        part.pad_left(len(indent))
    return part


def _hang(words: str, width: int) -> int:
    """Return where a line goes on: under the last of its columns.

    A column that begins in the right half has too little room for that, so it
    goes on under the one before.
    """
    hang = len(words) - len(words.lstrip(" "))
    for gap in _COLUMN.finditer(words):
        if gap.start() and gap.end() <= width // 2:
            hang = gap.end()
    return min(max(hang, _HANG), width // 2)

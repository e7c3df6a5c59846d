"""A text that must not be longer than somebody takes.

Sections share the room: a short one has what it needs, and the long ones
what is left, in equal parts.  One that is cut says so, and closes what it had
opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Section", "fitted", "whole"]

_FENCE = re.compile(r"^```+", re.MULTILINE)
_END = "\n</details>"
_CUT = "\n*{number} more lines are in the full report, an artifact of this run.*"


@dataclass(frozen=True)
class Section:
    """A part of a text, as lines of Markdown."""

    lines: tuple[str, ...]

    essential: bool = False
    """Whether it is never cut."""

    @property
    def size(self) -> int:
        """Bytes, with the end of each line."""
        return _size(self.lines)


def whole(sections: Iterable[Section]) -> str:
    """Return all of it."""
    text = []
    for section in sections:
        for line in section.lines:
            text.append(f"{line}\n")
    return "".join(text)


def fitted(sections: Sequence[Section], limit: int) -> str:
    """Return as much of it as there is room for.

    Parameters
    ----------
    sections
        The sections, in order.
    limit
        Bytes that it may have.
    """
    room = limit
    sizes = []
    for section in sections:
        if section.essential:
            room -= section.size
        else:
            sizes.append(section.size)
    shares = iter(_shares(sizes, max(room, 0)))
    shortened = []
    for section in sections:
        if not section.essential:
            lines = _shortened(section.lines, next(shares))
            section = Section(lines)
        shortened.append(section)
    return whole(shortened)


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Return what each gets, the short ones all."""
    shares = [0] * len(sizes)
    # From the shortest on: what one does not need is left to all others.
    left = sorted(range(len(sizes)), key=lambda number: sizes[number])
    while left:
        equal_part = room // len(left)
        number = left.pop(0)
        shares[number] = min(sizes[number], equal_part)
        room -= shares[number]
    return shares


def _shortened(lines: Sequence[str], room: int) -> tuple[str, ...]:
    """Return the first lines, as many as there is room for, and a remark."""
    if _size(lines) <= room:
        return tuple(lines)
    # What is opened is closed again, at the worst all that there is.
    remark = _CUT.format(number=len(lines))
    used = _size([remark, *_closing_of_all(lines)])
    kept: list[str] = []
    for line in lines:
        used += _size([line])
        if used > room:
            break
        kept.append(line)
    remark = _CUT.format(number=len(lines) - len(kept))
    if kept:
        return (*kept, *_closing(kept), remark)
    # A section of which nothing is kept may have no room for the remark.
    return (remark,) if _size([remark]) <= room else ()


def _closing(lines: Sequence[str]) -> list[str]:
    """Return what closes all that is open behind some lines."""
    text = "\n".join(lines)
    closing = []
    fence = _open_fence(text)
    if fence:
        closing.append(fence)
    opened = text.count("<details") - text.count("</details>")
    return closing + [_END] * opened


def _closing_of_all(lines: Sequence[str]) -> list[str]:
    """Return the longest that `_closing` can be for any first lines."""
    text = "\n".join(lines)
    closing = []
    fences = _FENCE.findall(text)
    if fences:
        closing.append(max(fences, key=len))
    return closing + [_END] * text.count("<details")


def _open_fence(text: str) -> str:
    """Return what closes the block of code that is open at the end."""
    fence = ""
    for line in text.splitlines():
        begun = _FENCE.match(line)
        if not fence and begun:
            fence = begun[0]
        elif line == fence:
            fence = ""
    return fence


def _size(lines: Iterable[str]) -> int:
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
    return size

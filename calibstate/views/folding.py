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
    # What is never cut has its room first.
    room = limit
    sizes = []
    for section in sections:
        size = section.size
        if section.essential:
            room -= size
        else:
            sizes.append(size)
    room = max(room, 0)
    shares = iter(_shares(sizes, room))
    shortened = []
    for section in sections:
        if section.essential:
            shortened.append(section)
            continue
        share = next(shares)
        lines = _shortened(section.lines, share)
        shortened.append(Section(lines))
    return whole(shortened)


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Return what each gets, the short ones all."""
    number = len(sizes)
    shares = [0] * number
    # From the shortest on: what one does not need is left to all others.
    left = sorted(range(number), key=sizes.__getitem__)
    while left:
        equal_part = room // len(left)
        shortest = left.pop(0)
        share = min(sizes[shortest], equal_part)
        shares[shortest] = share
        room -= share
    return shares


def _shortened(lines: Sequence[str], room: int) -> tuple[str, ...]:
    """Return the first lines, as many as there is room for, and a remark."""
    if _size(lines) <= room:
        return tuple(lines)
    # What is opened is closed again, at the worst all that there is.
    number = len(lines)
    remark = _CUT.format(number=number)
    used = _size([remark, *_closing_of_all(lines)])
    kept: list[str] = []
    for line in lines:
        used += _size([line])
        if used > room:
            break
        kept.append(line)
    more = number - len(kept)
    remark = _CUT.format(number=more)
    if kept:
        return (*kept, *_closing(kept), remark)
    # A section of which nothing is kept may have no room for the remark.
    if _size([remark]) > room:
        return ()
    return (remark,)


def _closing(lines: Sequence[str]) -> list[str]:
    """Return what closes all that is open behind some lines."""
    text = "\n".join(lines)
    closing = []
    fence = _open_fence(text)
    if fence:
        closing.append(fence)
    begun = text.count("<details")
    ended = text.count("</details>")
    closing += [_END] * (begun - ended)
    return closing


def _closing_of_all(lines: Sequence[str]) -> list[str]:
    """Return the longest that `_closing` can be for any first lines."""
    text = "\n".join(lines)
    closing = []
    fences = _FENCE.findall(text)
    if fences:
        longest = max(fences, key=len)
        closing.append(longest)
    closing += [_END] * text.count("<details")
    return closing


def _open_fence(text: str) -> str:
    """Return what closes the block of code that is open at the end."""
    # A fence ends at a line of as many ticks; others within are text.
    fence = ""
    for line in text.splitlines():
        begun = _FENCE.match(line)
        if not fence and begun:
            fence = begun[0]
        elif line == fence:
            fence = ""
    return fence


def _size(lines: Iterable[str]) -> int:
    """Return the bytes of some lines, with the end of each."""
    size = 0
    for line in lines:
        encoded = line.encode()
        size += len(encoded) + 1
    return size

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
    return "".join(f"{line}\n" for section in sections for line in section.lines)


def fitted(sections: Sequence[Section], limit: int) -> str:
    """Return as much of it as there is room for.

    Parameters
    ----------
    sections
        What is told, in order.
    limit
        Bytes that it may have.
    """
    room = limit - sum(section.size for section in sections if section.essential)
    shares = _shares([section.size for section in sections if not section.essential], max(room, 0))
    each = iter(shares)
    return whole(s if s.essential else Section(_cut(s.lines, next(each))) for s in sections)


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Return what each gets, the short ones all."""
    shares = [0] * len(sizes)
    left = sorted(range(len(sizes)), key=lambda number: sizes[number])
    while left:
        number = left.pop(0)
        shares[number] = min(sizes[number], room // (len(left) + 1))
        room -= shares[number]
    return shares


def _cut(lines: Sequence[str], room: int) -> tuple[str, ...]:
    if _size(lines) <= room:
        return tuple(lines)
    # What is opened is closed again, at the worst all that there is.
    spare = _size([_CUT.format(number=len(lines)), *_closing(lines, everything=True)])
    kept: list[str] = []
    used = spare
    for line in lines:
        used += _size([line])
        if used > room:
            break
        kept.append(line)
    cut = _CUT.format(number=len(lines) - len(kept))
    return (*kept, *_closing(kept), cut) if kept or _size([cut]) <= room else ()


def _closing(lines: Sequence[str], *, everything: bool = False) -> list[str]:
    text = "\n".join(lines)
    opened = text.count("<details") - (0 if everything else text.count("</details>"))
    fence = max(_FENCE.findall(text), key=len, default="") if everything else _open_fence(text)
    return [*([fence] if fence else []), *["\n</details>"] * opened]


def _open_fence(text: str) -> str:
    """Return what closes the block of code that is open at the end."""
    fence = ""
    for line in text.splitlines():
        if not fence and (begun := _FENCE.match(line)):
            fence = begun[0]
        elif fence and line == fence:
            fence = ""
    return fence


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)

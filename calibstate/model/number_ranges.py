"""Whole numbers as text, runs of them as ``first..last``: ``0..3,5``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["as_ranges", "counted", "ranges_in"]


def as_ranges(numbers: Iterable[int]) -> str:
    """Return numbers as text, growing, each once.

    Parameters
    ----------
    numbers
        In any order.
    """
    growing = sorted(set(numbers))
    return ",".join(_runs(growing))


def ranges_in(text: str) -> Iterator[range]:
    """Yield the ranges of what `as_ranges` wrote, the last number in each.

    Parameters
    ----------
    text
        Such as ``0..3,5``; empty: no numbers.
    """
    if not text:
        return
    for part in text.split(","):
        first, _, last = part.partition("..")
        if not last:
            last = first
        yield range(int(first), int(last) + 1)


def counted(noun: str, text: str) -> str:
    """Return numbers behind their noun: ``detector 2``, ``detectors 0..3``.

    Parameters
    ----------
    noun
        That of one of them.
    text
        What `as_ranges` wrote.
    """
    plural = "" if text.isdecimal() else "s"
    return f"{noun}{plural} {text}"


def _runs(growing: Sequence[int]) -> Iterator[str]:
    if not growing:
        return
    first = last = growing[0]
    for number in growing[1:]:
        # A run goes on as long as each number follows the last one.
        if number != last + 1:
            yield _run(first, last)
            first = number
        last = number
    yield _run(first, last)


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}..{last}"

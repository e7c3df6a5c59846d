"""Data IDs for people: many of them in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.names import ANY
from ..model.seals import cover
from ..model.timespans import UNBOUNDED

__all__ = ["folded"]

_FEW = 3
"""Numbers that are named one by one."""


def folded(
    data_ids: Iterable[str],
    instrument: str,
    detectors: Mapping[int, str] | None = None,
) -> str:
    """Return data IDs for people: ``detector 0..8, physical_filter r_03``.

    Parameters
    ----------
    data_ids
        As text.
    instrument
        The instrument that is not repeated.
    detectors
        Names of detectors, by which a few of them are told too.
    """
    if detectors is None:
        detectors = {}
    # A seal writes data IDs in boxes with ranges; here only the boxes count.
    rows = [(data_id, UNBOUNDED) for data_id in data_ids]
    boxes = []
    for entry in cover(rows, instrument):
        pairs = []
        nothing_else = ""
        for key, value in entry.items():
            if key in {"begin", "end"}:
                continue
            # So it is written where data IDs have no instrument.
            if key == "instrument" and value == [""]:
                nothing_else = ANY
                continue
            words = str(value)
            if isinstance(value, list):
                words = " ".join(value)
            elif key == "detector":
                words = _numbers_in_words(words, detectors)
            pairs.append(f"{key} {words}")
        # A data ID of nothing but its instrument is said by that.
        box = ", ".join(pairs) or nothing_else
        if box:
            boxes.append(box)
    return "; ".join(boxes) or instrument


def _numbers_in_words(
    text: str,
    detectors: Mapping[int, str],
) -> str:
    """Return numbers of detectors: a few with names, many by exceptions."""
    numbers = _numbers(text)
    if len(numbers) > _FEW:
        return _range_without_a_few(numbers) or text
    # A detector may have no name here, or none that anybody knows.
    names = []
    for number in numbers:
        if number in detectors:
            names.append(detectors[number])
    if not names:
        return text
    in_order = " ".join(names)
    return f"{text} ({in_order})"


def _range_without_a_few(numbers: list[int]) -> str:
    """Return many numbers that lack a few, by what they lack; else nothing."""
    if not numbers:
        return ""
    first = numbers[0]
    last = numbers[-1]
    everything = set(range(first, last))
    lacking = sorted(everything.difference(numbers))
    number_lacking = len(lacking)
    if number_lacking == 0 or number_lacking > _FEW:
        return ""
    # Of a short list more is read than of its exceptions.
    if len(numbers) <= _FEW * number_lacking:
        return ""
    exceptions = ", ".join(map(str, lacking))
    return f"{first}..{last} except {exceptions}"


def _numbers(text: str) -> list[int]:
    """Return what a seal writes as ``0..3,5``, up to what is no number."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        if not last:
            last = first
        if not first.isdigit() or not last.isdigit():
            break
        begin = int(first)
        end = int(last) + 1
        numbers.extend(range(begin, end))
    return numbers

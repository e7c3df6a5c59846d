"""Data IDs for people: many of them in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..model.seals import cover
from ..model.timespans import UNBOUNDED

__all__ = ["folded"]

_FEW = 3
"""Numbers that are named one by one."""


def folded(data_ids: Iterable[str], instrument: str, detectors: Mapping[int, str] | None = None) -> str:
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
    told = []
    for entry in cover(((data_id, UNBOUNDED) for data_id in data_ids), instrument):
        said = {key: value for key, value in entry.items() if key not in {"begin", "end"}}
        told.append(", ".join(_pair(key, value, detectors or {}) for key, value in said.items()))
    return "; ".join(one for one in told if one) or instrument


def _pair(key: str, value: int | str | list[str] | None, detectors: Mapping[int, str]) -> str:
    if isinstance(value, list):
        return f"{key} {' '.join(value)}"
    if key != "detector":
        return f"{key} {value}"
    numbers = list(_numbers(str(value)))
    names = [detectors[number] for number in numbers[: _FEW + 1] if number in detectors]
    if names and len(numbers) <= _FEW:
        return f"{key} {value} ({' '.join(names)})"
    return f"{key} {_but(numbers) or value}"


def _but(numbers: list[int]) -> str:
    """Return many numbers that lack a few, by what they lack."""
    lacking = sorted(set(range(numbers[0], numbers[-1])) - set(numbers)) if numbers else []
    if not lacking or len(lacking) > _FEW or len(numbers) <= _FEW * len(lacking):
        return ""
    return f"{numbers[0]}..{numbers[-1]} except {', '.join(map(str, lacking))}"


def _numbers(said: str) -> Iterator[int]:
    """Return what a seal writes as ``0..3,5``."""
    for part in said.split(","):
        first, _, last = part.partition("..")
        if not first.isdigit() or not (last or first).isdigit():
            return
        yield from range(int(first), int(last or first) + 1)

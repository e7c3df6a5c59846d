"""How many exposures a change concerns, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.impacts import Change
from ..model.results.impacts import ImpactReport
from ..model.touched import Touched, TouchedExposures
from .impact_blocks import PlacedChange
from .messages import count, grouped

__all__ = ["counted_lines", "touched_by", "unknown_lines"]


def counted_lines(touched: TouchedExposures) -> Iterator[str]:
    """Yield how many exposures are concerned, a line a repository.

    Parameters
    ----------
    touched
        The exposures.
    """
    for there in touched.counted:
        yield f"{there.repository}: {_number(there.touched)}{_days(there.touched)} (counted {there.at})"


def unknown_lines(touched: TouchedExposures) -> Iterator[str]:
    """Yield of which repositories nobody can tell, and why.

    Parameters
    ----------
    touched
        The exposures.
    """
    for why, addresses in grouped(touched.unknown, touched.unknown.__getitem__).items():
        names = ", ".join(addresses)
        yield f"which exposures of {names} change: {why}"


def touched_by(report: ImpactReport, placed: PlacedChange) -> str:
    """Say how many exposures a change concerns, where that are most.

    Parameters
    ----------
    report
        It says which exposures.
    placed
        The change, and where it is.
    """
    if report.touched is None:
        return ""
    change: Change = placed.change
    there = report.touched.by(change, placed.repositories)
    if there is None:
        return "not known"
    touched = there.by_change[change]
    return f"{_number(touched)} at {there.repository}"


def _number(touched: Touched) -> str:
    if not touched.at_most:
        return "none"
    number = str(touched.at_most)
    # A range may begin or end within a night.
    if touched.at_least < touched.at_most:
        number = f"{touched.at_least} to {touched.at_most}"
    nights = count(touched.nights, "night")
    return f"{number} of {nights}"


def _days(touched: Touched) -> str:
    if not touched.nights:
        return ""
    first, last = touched.nights[0], touched.nights[-1]
    if first == last:
        return f", {first}"
    return f", {first} to {last}"

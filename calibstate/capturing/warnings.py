"""Warn of what a capture declares, and hardly anybody meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..errors import Diagnostic, Severity
from ..model.contents import CollectionType
from ..model.names import RepositoryAddress
from .comparison import Comparison
from .describe import Role

__all__ = ["unseen_warnings", "warn_of_absence_at_origin", "warn_of_externals", "warn_of_skips"]


def warn_of_skips(comparison: Comparison) -> None:
    """Warn where tickets that were declared before are to be skipped."""
    lacking: list[str] = []
    for key, reasons in comparison.skips.items():
        # That a new ticket is not everywhere is no news.
        if key not in comparison.new:
            lacking += [f"{key[1]} at {address}" for address in reasons]
    if lacking:
        comparison.warn(
            "Skipped from now on",
            f"{', '.join(lacking)}: not there yet, or not searched. What is captured stays as it is.",
            hint="Take the `skip` out where it is to be deployed all the same.",
        )


def warn_of_externals(comparison: Comparison) -> None:
    """Warn of calibrations that are declared as what others make."""
    live = comparison.live
    not_deployed: list[str] = []
    empty: list[str] = []
    for name, role in comparison.description.roles.items():
        if role is not Role.EXTERNAL:
            continue
        if name in live.holdings:
            not_deployed.append(name)
        # What else others make holds no calibrations by its nature.
        elif live.collections[name].type is CollectionType.CALIBRATION:
            empty.append(name)
    if not_deployed:
        comparison.warn(
            "Calibrations that are not deployed",
            f"{', '.join(not_deployed)}: searched for calibrations, and declared as what others make.",
        )
    if empty:
        comparison.warn(
            "Empty calibration collections",
            f"{', '.join(empty)}: nothing is certified in them, so they are declared as what others make, "
            "and deployed nowhere.",
            hint="If an import was cut off, complete it first, and capture then.",
        )


def warn_of_absence_at_origin(comparison: Comparison) -> None:
    """Warn of new tickets that are not where new content comes from."""
    origin = comparison.origin
    absent: list[str] = []
    for ticket in comparison.description.new:
        if origin in comparison.skips.get(ticket.key, {}):
            absent.append(ticket.ticket)
    if absent:
        comparison.warn(
            "Not at the origin",
            f"{', '.join(absent)}: {origin} does not have it, so it goes nowhere from there.",
            hint="Bring it to the origin before it is to be deployed anywhere else.",
        )


def unseen_warnings(
    unseen: Mapping[RepositoryAddress, Diagnostic],
    instrument: str = "",
) -> Iterator[Diagnostic]:
    """Yield of what other repositories it is not known whether they skip.

    Parameters
    ----------
    unseen
        Why they could not be seen.
    instrument
        The one that was captured; empty: several were.
    """
    for address, trouble in unseen.items():
        why = trouble.detail.rstrip(".")
        names = f"{address} {instrument}".rstrip()
        yield Diagnostic(
            "Repository cannot be seen from here",
            f"{address}: {why}. Whether it has what was found is not known, so no ticket skips it.",
            hint=f"Capture it where it can be seen: calibstate capture {names}.",
            severity=Severity.WARNING,
        )

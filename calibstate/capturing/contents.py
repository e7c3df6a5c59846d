"""Compare what captured tickets hold with what is known of it already.

What a ticket holds is the same everywhere and for ever.  The seal knows best;
then the newest bundle; then the origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import Diagnostic, InvalidStateError, UnreachableError
from ..model.names import TicketKey
from .comparison import Comparison
from .once import PlacesToLookAt

__all__ = ["refuse_other_contents"]


@dataclass(frozen=True)
class _Expected:
    """What a ticket is to hold."""

    fingerprints: Mapping[str, str]
    """By collection."""

    whose: str
    """Who says so, in words."""


def refuse_other_contents(comparison: Comparison, places: PlacesToLookAt) -> None:
    """Refuse a ticket that holds here what it does not elsewhere.

    An archive that cannot be read is a warning.

    Parameters
    ----------
    comparison
        What was captured so far.
    places
        Where the archive is.
    """
    live = comparison.live
    expected_of = _expected(comparison, places)
    for ticket in comparison.reached:
        expected = expected_of.get(ticket.key)
        if expected is None:
            continue
        unlike: list[str] = []
        for name in ticket.leaves:
            # What is not there at all is refused, or skipped, elsewhere.
            holding = live.holdings.get(name)
            if holding is None:
                continue
            if holding.fingerprint != expected.fingerprints.get(name):
                remark = live.remark(name)
                unlike.append(f"{name} {remark}")
        if not unlike:
            continue
        declared = comparison.desired.tickets.get(ticket.key)
        listed = ", ".join(unlike)
        comparison.refused.append(
            Diagnostic(
                "Other content",
                f"{live.address} holds in {listed}; "
                f"that is not {expected.whose} "
                f"for {ticket.ticket}. "
                "What a ticket holds is the same everywhere.",
                declared.lines.at("ticket") if declared else None,
            )
        )


def _expected(comparison: Comparison, places: PlacesToLookAt) -> Mapping[TicketKey, _Expected]:
    """Return what tickets are to hold; who knows better comes later."""
    expected: dict[TicketKey, _Expected] = {}
    origin = comparison.at_origin
    for ticket in comparison.reached:
        if origin and origin.has(ticket):
            fingerprints: dict[str, str] = {}
            for leaf in ticket.leaves:
                fingerprints[leaf] = origin.holdings[leaf].fingerprint
            whose = f"what {origin.address} holds"
            expected[ticket.key] = _Expected(fingerprints, whose)
    # The archive is asked only where no seal says it.
    keys = [ticket.key for ticket in comparison.unsealed]
    try:
        bundles = places.archive().bundles(keys) if keys else {}
    except (InvalidStateError, UnreachableError) as error:
        detail = f"{error.diagnostics[0].detail} What it holds is not compared."
        comparison.warn("Archive cannot be read", detail)
        bundles = {}
    for key, newest_first in bundles.items():
        newest = newest_first[0]
        expected[key] = _Expected(newest.fingerprints, "what its bundle holds")
    for ticket in comparison.reached:
        seal = comparison.desired.seals.get(ticket.key)
        if seal:
            expected[ticket.key] = _Expected(
                seal.noun.fingerprints,
                "what was sealed",
            )
    return expected

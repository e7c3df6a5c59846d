"""Validity ranges, as the seals tell them (DMTN-222, section 3.3).

What looks forward begins with a change of the camera and has no end: the
next ticket in front ends it.  What looks back knows its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...model.desired import Written
from ...model.seals import Seal
from ...model.tickets import Ticket
from ...model.timespans import EMPTY, UNBOUNDED_BEGIN, UNBOUNDED_END, Range, format_bound, parse_tai
from .judged import Finding, Judged, collection_at, of_ticket

__all__ = ["begins_unbounded", "empty_ranges", "ends_not_open", "starts_in_the_future"]


def ends_not_open(tree: Judged) -> Iterator[Finding]:
    """Find ranges that end after they were sealed."""

    def told(span: Range, seal: Seal) -> str:
        # UTC and TAI differ by less than anybody means by an end.
        return (
            f"end at {format_bound(span[1])}: exposures taken from then on find none of it"
            if _moment(seal.sealed_from.at) < span[1] < UNBOUNDED_END
            else ""
        )

    yield from _found(tree, told, "Certify with a begin alone; a newer ticket in front ends it.")


def begins_unbounded(tree: Judged) -> Iterator[Finding]:
    """Find ranges that begin before there was a camera."""

    def told(span: Range, _: Seal) -> str:
        return (
            "have no begin: exposures from before the camera was so find them too"
            if span[0] == UNBOUNDED_BEGIN
            else ""
        )

    yield from _found(tree, told, "Certify from the change of the camera on that they were made for.")


def starts_in_the_future(tree: Judged) -> Iterator[Finding]:
    """Find ranges that have not begun."""
    end_of_today = parse_tai(f"{tree.today.isoformat()}T23:59:59")

    def told(span: Range, _: Seal) -> str:
        return (
            f"begin at {format_bound(span[0])}, which is yet to come: until then nothing finds them"
            if span[0] > end_of_today and span != EMPTY
            else ""
        )

    yield from _found(tree, told, "See whether the begin is a slip; it is TAI.")


def empty_ranges(tree: Judged) -> Iterator[Finding]:
    """Find what no exposure can find."""

    def told(span: Range, _: Seal) -> str:
        return "are certified for an empty range: no exposure ever finds them" if span == EMPTY else ""

    yield from _found(tree, told, "Certify them for a range, in a new ticket.")


def _found(tree: Judged, told: Callable[[Range, Seal], str], hint: str) -> Iterator[Finding]:
    """Find ranges of which there is something to tell, each type once."""
    for ticket, seal in tree.sealed:
        if not ticket.noun.bare:
            yield from _of_ticket(ticket, seal, told, hint)


def _of_ticket(
    ticket: Written[Ticket], seal: Seal, told: Callable[[Range, Seal], str], hint: str
) -> Iterator[Finding]:
    for index, sealed in enumerate(seal.collections.values()):
        for name, said in sorted(sealed.types.items()):
            words = (words for span in sorted(said.ranges) if (words := told(span, seal)))
            if first := next(words, None):
                detail = f"Calibrations of type {name} {first}."
                yield Finding(collection_at(ticket, index), detail, hint, of_ticket(ticket.noun))


def _moment(stamp: str) -> int:
    """Return nanoseconds for a moment of operation; 0: it cannot be read."""
    try:
        return parse_tai(stamp.removesuffix("Z"))
    except ValueError:
        return 0

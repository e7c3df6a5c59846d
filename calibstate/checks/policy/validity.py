"""Validity ranges, as the seals tell them (DMTN-222, section 3.3).

What looks forward begins with a change of the camera and has no end: the
next ticket in front ends it.  What looks back knows its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import Where
from ...model.policy import Level
from ...model.seals import Seal
from ...model.tickets import Ticket
from ...model.timespans import EMPTY, UNBOUNDED_BEGIN, UNBOUNDED_END, Range, format_bound, parse_tai
from ..judged import Judged, collection_at, of_ticket
from ..rule import Finding, Findings, rule

_SOURCE = "DMTN-222, section 3.3"


@dataclass(frozen=True)
class _Certified:
    """Calibrations of one type in a sealed collection."""

    ticket: Ticket
    where: Where
    """Where the ticket lists the collection."""

    name: str
    """Name of the dataset type."""

    ranges: tuple[Range, ...]
    """All their ranges, sorted."""

    seal: Seal

    def finding(self, problem: str, hint: str) -> Finding:
        """Return what is wrong with them."""
        detail = f"Calibrations of type {self.name} {problem}."
        return Finding(self.where, detail, hint, of_ticket(self.ticket))


@rule(
    "V401",
    "end-not-open",
    title="Validity ends",
    level=Level.WARNING,
    source=_SOURCE,
)
def ends_not_open(tree: Judged) -> Findings:
    """Find ranges that end after they were sealed."""
    for certified in _certified(tree):
        # UTC and TAI differ by less than anybody means by an end.
        sealed_at = _moment(certified.seal.sealed_from.at)
        for _, end in certified.ranges:
            if sealed_at < end < UNBOUNDED_END:
                problem = f"end at {format_bound(end)}: exposures taken from then on find none of it"
                hint = "Certify with a begin alone; a newer ticket in front ends it."
                yield certified.finding(problem, hint)
                break


@rule(
    "V402",
    "begin-unbounded",
    title="Validity without a begin",
    level=Level.NOTE,
    source=_SOURCE,
)
def begins_unbounded(tree: Judged) -> Findings:
    """Find ranges that begin before there was a camera."""
    for certified in _certified(tree):
        if any(begin == UNBOUNDED_BEGIN for begin, _ in certified.ranges):
            problem = "have no begin: exposures from before the camera was so find them too"
            hint = "Certify from the change of the camera on that they were made for."
            yield certified.finding(problem, hint)


@rule(
    "V403",
    "starts-in-the-future",
    title="Validity not begun",
    level=Level.WARNING,
    source=_SOURCE,
)
def starts_in_the_future(tree: Judged) -> Findings:
    """Find ranges that have not begun."""
    end_of_today = parse_tai(f"{tree.today.isoformat()}T23:59:59")
    for certified in _certified(tree):
        for span in certified.ranges:
            # An empty range begins after all others; of those V404 tells.
            if span == EMPTY:
                continue
            if span[0] > end_of_today:
                begin = format_bound(span[0])
                problem = f"begin at {begin}, which is yet to come: until then nothing finds them"
                yield certified.finding(problem, "See whether the begin is a slip; it is TAI.")
                break


@rule(
    "V404",
    "empty-range",
    title="Validity is empty",
    level=Level.WARNING,
    source=_SOURCE,
)
def empty_ranges(tree: Judged) -> Findings:
    """Find what no exposure can find."""
    for certified in _certified(tree):
        if EMPTY in certified.ranges:
            problem = "are certified for an empty range: no exposure ever finds them"
            yield certified.finding(problem, "Certify them for a range, in a new ticket.")


def _certified(tree: Judged) -> Iterator[_Certified]:
    """Yield what seals tell, but of bare tickets: those are free."""
    for written, seal in tree.sealed:
        if written.noun.bare:
            continue
        for index, sealed in enumerate(seal.collections.values()):
            where = collection_at(written, index)
            for name, contents in sorted(sealed.types.items()):
                ranges = tuple(sorted(contents.ranges))
                yield _Certified(written.noun, where, name, ranges, seal)


def _moment(stamp: str) -> int:
    """Return nanoseconds for a moment of operation; 0: it cannot be read."""
    try:
        return parse_tai(stamp.removesuffix("Z"))
    except ValueError:
        return 0

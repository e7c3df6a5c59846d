"""Check that the butler's own lookup agrees with how we resolve a chain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import NamedTuple

from ..errors import RefusedError
from ..lookups.seams import AMBIGUOUS, SearchedBeforeAndAfter, lookups_across_seams, seams
from ..model.contents import Holding, parse_data_id
from ..model.effective import Effective
from ..model.reviews import Check, Checked, Fault, Picked
from ..model.tickets import Ticket
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END
from .by_range import by_range
from .checking import Checking
from .look_closely import SearchedChain, Showed

__all__ = ["MOST_LOOKUPS", "Lookup", "check_lookups", "sample"]

MOST_LOOKUPS = 1000
"""Through one chain; a lookup takes milliseconds, a ticket may have thousands
of ranges."""

_LONGEST_EXPOSURE = 3_600_000_000_000
"""Nanoseconds."""

_EXAMPLES = 3
"""Exposures that a sentence names."""

_Value = tuple[str, str]
"""A dimension, and its value in a data ID."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Lookup(NamedTuple):
    """What is looked up."""

    dataset_type: str
    data_id: str

    moment: int
    """Nanoseconds of TAI."""


def check_lookups(ticket: Ticket, showed: Showed) -> Checked:
    """Ask the butler for a sample of what a ticket should win.

    Parameters
    ----------
    ticket
        The ticket.
    showed
        What the repository showed.
    """
    checking = Checking(Check.LOOKUP)
    number = 0
    for chain in showed.through(ticket):
        won = chain.won_by(ticket)
        lookups = list(sample(won))
        chosen = lookups
        of_all = len(lookups)
        if of_all > MOST_LOOKUPS:
            # Every nth, so that what is left out is spread over all of them.
            step = math.ceil(of_all / MOST_LOOKUPS)
            chosen = lookups[::step]
            asked_for = len(chosen)
            checking.note(f"{asked_for} of {of_all} lookups through {chain.name} asked")
        through_chain = _ThroughChain(chain, showed, checking)
        with showed.butler.looking_up():
            for lookup in chosen:
                through_chain.compare(lookup)
        number += len(chosen)
        through_chain.add_refused_across_seams(ticket)
    checking.counts["lookups"] = number
    return checking.checked()


@dataclass
class _RefusedLookups:
    """Lookups of one dataset type for which the butler refuses to choose."""

    data_ids: set[str] = field(default_factory=set)

    exposures: set[int] = field(default_factory=set)
    """Their numbers."""

    def listed_exposures(self) -> str:
        """Return the first few exposures, and how many more there are."""
        numbers = sorted(self.exposures)
        first = numbers[:_EXAMPLES]
        listed = ", ".join(map(str, first))
        rest = len(numbers) - len(first)
        if rest:
            listed += f" and {rest} more"
        return listed


@dataclass(frozen=True)
class _ThroughChain:
    """Lookups through one chain."""

    chain: SearchedChain
    showed: Showed
    checking: Checking

    def compare(self, lookup: Lookup) -> None:
        """Add a lookup for which the butler finds another one than we do."""
        dataset_type, data_id, moment = lookup
        span = (moment, moment + 1)
        ours = self.chain.sight.at(dataset_type, data_id, moment)
        our_uuid: str | None = None
        if ours:
            our_uuid = ours.uuid
        theirs: str | None = None
        detail = "the butler's own lookup finds another one than calibstate"
        try:
            theirs = self.showed.butler.lookup(
                self.chain.name,
                dataset_type,
                data_id,
                span,
            )
        except RefusedError as error:
            detail = error.diagnostics[0].detail
        else:
            if theirs == our_uuid:
                return
        expected: Picked | None = None
        if ours:
            expected = Picked.of({ours.collection}, {ours.uuid})
        # The butler does not say through which collection it finds one.
        selected: Picked | None = None
        if theirs:
            selected = Picked.of((), {theirs})
        self.checking.add(
            Fault.DISAGREES,
            detail,
            chains=[self.chain.name],
            dataset_type=dataset_type,
            data_ids=[data_id],
            begin=moment,
            end=moment + 1,
            expected=expected,
            selected=selected,
        )

    def add_refused_across_seams(self, ticket: Ticket) -> None:
        """Add the types whose lookups fail for real exposures.

        Those that lie across two ranges of one of the ticket's collections,
        which is the first to have any for them.
        """
        searched = self.showed.held_in(self.chain.live)
        own = [holding for holding in searched if holding.collection in ticket.leaves]
        days = _days_of_seams(own)
        if not days:
            return
        # Of the millions of exposures only those of these days are asked for.
        listed = ", ".join(map(str, sorted(days)))
        where = f"exposure.day_obs in ({listed})"
        of_these_days = self.showed.butler.exposures(ticket.instrument, where)
        exposures = sorted(of_these_days, key=lambda exposure: exposure.begin)
        refused: dict[str, _RefusedLookups] = {}
        # Nothing changes here: the two sides are the ticket by itself, and
        # all that is searched.  It is at fault where both are ambiguous.
        sides = SearchedBeforeAndAfter(before=own, after=searched)
        lookups_of = lookups_across_seams([sides], exposures)
        for number, lookups in lookups_of.items():
            for lookup in lookups:
                if lookup.before is not AMBIGUOUS:
                    continue
                if lookup.after is AMBIGUOUS:
                    dataset_type = lookup.dataset_type
                    of_type = refused.setdefault(dataset_type, _RefusedLookups())
                    of_type.data_ids.add(lookup.data_id)
                    of_type.exposures.add(number)
        for dataset_type, of_type in sorted(refused.items()):
            listed = of_type.listed_exposures()
            self.checking.add(
                Fault.AMBIGUOUS,
                f"exposures {listed} lie across two certifications of one collection, and the "
                "butler refuses to choose",
                chains=[self.chain.name],
                dataset_type=dataset_type,
                data_ids=of_type.data_ids,
            )


def _days_of_seams(holdings: Iterable[Holding]) -> set[int]:
    """Return the observing days of exposures that can lie across a seam."""
    days: set[int] = set()
    for seam in seams(holdings):
        # No exposure is so long that it lies across a wider gap.
        if seam.later_begins - seam.earlier_ends < _LONGEST_EXPOSURE:
            # Where there is a gap, it may begin on the day before.
            begin = min(seam.earlier_ends, seam.later_begins)
            days.add(_day_obs(begin))
            days.add(_day_obs(seam.later_begins))
    return days


def _day_obs(moment: int) -> int:
    """Return the observing day of a moment, ``YYYYMMDD``: TAI less 12 h."""
    seconds = moment // 10**9
    day = _EPOCH + timedelta(seconds=seconds, hours=-12)
    return int(day.strftime("%Y%m%d"))


def sample(won: Iterable[Effective]) -> Iterator[Lookup]:
    """Yield few lookups that try all that matters.

    Every dataset type, every value of each dimension (each detector and each
    filter), and of every range its first and its last moment, that before
    and that after it; not the product of them.

    Parameters
    ----------
    won
        Ranges that are won.
    """
    tried: set[_Value] = set()
    alike = by_range(won)
    for span in sorted(alike):
        data_ids = [winner.data_id for winner in alike[span]]
        data_ids.sort()
        untried = list(_with_new_values(data_ids, tried))
        others = set(data_ids).difference(untried)
        in_turn = [*untried, *sorted(others)]
        moments = _edges(span.begin, span.end)
        # So many that each moment and each new value is tried once; those
        # that are fewer are gone through again.
        number = max(len(moments), len(untried))
        data_ids_again = cycle(in_turn)
        moments_again = cycle(moments)
        for _ in range(number):
            yield Lookup(
                span.dataset_type,
                data_id=next(data_ids_again),
                moment=next(moments_again),
            )


def _with_new_values(
    data_ids: Sequence[str],
    tried: set[_Value],
) -> Iterator[str]:
    """Yield those data IDs that try a value which no other one did.

    Parameters
    ----------
    data_ids
        Data IDs as text.
    tried
        Dimensions with the values that were tried; it grows.
    """
    for data_id in data_ids:
        values = set(parse_data_id(data_id).items())
        if not values <= tried:
            tried |= values
            yield data_id


def _edges(begin: int, end: int) -> list[int]:
    """Return the moments just inside a range, and those just outside."""
    moments = [begin, end - 1]
    if begin > UNBOUNDED_BEGIN:
        moments.append(begin - 1)
    if end < UNBOUNDED_END:
        moments.append(end)
    return moments

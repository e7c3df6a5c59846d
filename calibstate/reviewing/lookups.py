"""Check that the butler's own lookup agrees with how we resolve a chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from ..errors import RefusedError
from ..lookups.seams import AMBIGUOUS, SearchedBeforeAndAfter, lookups_across_seams, seams
from ..model.contents import parse_data_id
from ..model.effective import Effective
from ..model.reviews import Check, Checked, Fault, Finding, Note, Picked
from ..model.tickets import Ticket
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound
from .look_closely import SearchedChain, Showed

__all__ = ["MOST_LOOKUPS", "Lookup", "check_lookups", "sample"]

MOST_LOOKUPS = 1000
"""Through one chain; a lookup takes milliseconds, a ticket may have thousands
of ranges."""

_LONGEST_EXPOSURE = 3_600_000_000_000
"""Nanoseconds."""

Lookup = tuple[str, str, int]
"""Dataset type, data ID and moment in nanoseconds of TAI."""


def check_lookups(ticket: Ticket, showed: Showed) -> Checked:
    """Ask the butler for a sample of what a ticket should win.

    Parameters
    ----------
    ticket
        The ticket.
    showed
        What the repository showed.
    """
    count = 0
    findings: list[Finding] = []
    notes: list[Note] = []
    for chain in showed.through(ticket):
        lookups = list(sample(chain.won_by(ticket)))
        # Every nth, so that what is left out is spread over all of them.
        chosen = lookups[:: -(-len(lookups) // MOST_LOOKUPS) or 1]
        if len(chosen) < len(lookups):
            notes.append(Note(detail=f"{len(chosen)} of {len(lookups)} lookups through {chain.name} asked"))
        for lookup in chosen:
            findings.extend(_disagreement(lookup, chain, showed))
        count += len(chosen)
        findings.extend(_refused_across_seams(ticket, chain, showed))
    return Checked(Check.LOOKUP, {"lookups": count}, tuple(findings), tuple(notes))


def _refused_across_seams(ticket: Ticket, chain: SearchedChain, showed: Showed) -> Iterator[Finding]:
    """Yield the types whose lookups fail for real exposures.

    Those that lie across two ranges of one of the ticket's collections, which
    is the first to have any for them.
    """
    held = [showed.holdings[leaf] for leaf in chain.live if leaf in showed.holdings]
    own = [holding for holding in held if holding.collection in ticket.leaves]
    days: set[int] = set()
    for seam in seams(own):
        if seam.later_begins - seam.earlier_ends < _LONGEST_EXPOSURE:
            days.add(_day_obs(seam.later_begins))
            days.add(_day_obs(min(seam.later_begins, seam.earlier_ends)))
    if not days:
        return
    where = f"exposure.day_obs in ({', '.join(map(str, sorted(days)))})"
    exposures = sorted(showed.butler.exposures(ticket.instrument, where), key=lambda exposure: exposure.begin)
    refused: dict[str, tuple[set[str], set[int]]] = {}
    for number, lookups in lookups_across_seams([SearchedBeforeAndAfter(own, held)], exposures).items():
        for lookup in lookups:
            if lookup.before is AMBIGUOUS and lookup.after is AMBIGUOUS:
                data_ids, numbers = refused.setdefault(lookup.dataset_type, (set(), set()))
                data_ids.add(lookup.data_id)
                numbers.add(number)
    for dataset_type, (data_ids, numbers) in sorted(refused.items()):
        shown = ", ".join(map(str, sorted(numbers)[:3]))
        more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
        yield Finding(
            check=Check.LOOKUP,
            what=Fault.AMBIGUOUS,
            chains=(chain.name,),
            dataset_type=dataset_type,
            data_ids=tuple(sorted(data_ids)),
            detail=f"exposures {shown}{more} lie across two certifications of one collection, and the "
            "butler refuses to choose",
        )


def _day_obs(moment: int) -> int:
    """Return the observing day of a moment, ``YYYYMMDD``: TAI less 12 h."""
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment // 10**9, hours=-12)
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
    by_range: dict[tuple[str, int, int], list[str]] = {}
    for winner in won:
        by_range.setdefault((winner.dataset_type, winner.begin, winner.end), []).append(winner.data_id)
    tried: set[tuple[str, str]] = set()
    for (dataset_type, begin, end), data_ids in sorted(by_range.items()):
        untried = list(_with_new_values(sorted(data_ids), tried))
        moments = _edges(begin, end)
        number = max(len(moments), len(untried))
        chosen = islice(cycle([*untried, *sorted(set(data_ids) - set(untried))]), number)
        yield from ((dataset_type, *pair) for pair in zip(chosen, cycle(moments), strict=False))


def _with_new_values(data_ids: Sequence[str], tried: set[tuple[str, str]]) -> Iterator[str]:
    """Yield those data IDs that try a value which no other one did."""
    for data_id in data_ids:
        values = set(parse_data_id(data_id).items())
        if not values <= tried:
            tried |= values
            yield data_id


def _edges(begin: int, end: int) -> list[int]:
    before = [begin - 1] if begin > UNBOUNDED_BEGIN else []
    after = [end] if end < UNBOUNDED_END else []
    return [begin, end - 1, *before, *after]


def _disagreement(lookup: Lookup, chain: SearchedChain, showed: Showed) -> Iterator[Finding]:
    dataset_type, data_id, moment = lookup
    ours = chain.sight.at(dataset_type, data_id, moment)
    detail = "the butler's own lookup finds another one than calibstate"
    try:
        theirs = showed.butler.lookup(chain.name, dataset_type, data_id, (moment, moment + 1))
    except RefusedError as error:
        theirs, detail = None, error.diagnostics[0].detail
    else:
        if theirs == (ours.uuid if ours else None):
            return
    yield Finding(
        check=Check.LOOKUP,
        what=Fault.DISAGREES,
        chains=(chain.name,),
        dataset_type=dataset_type,
        data_ids=(data_id,),
        begin=format_bound(moment),
        end=format_bound(moment + 1),
        expected=Picked(collections=(ours.collection,), uuids=(ours.uuid,)) if ours else None,
        found=Picked(collections=(), uuids=(theirs,)) if theirs else None,
        detail=detail,
    )

"""Check that the butler's own lookup agrees with how we resolve a chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice

from ...errors import RefusedError
from ...model.effective import Effective
from ...model.reviews import Check, Checked, Fault, Finding, Picked
from ...model.tickets import Ticket
from ...model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound
from .look_closely import SearchedChain, Showed

__all__ = ["Lookup", "check_lookups", "sample"]

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
    for chain in showed.through(ticket):
        for lookup in sample(chain.won_by(ticket)):
            count += 1
            findings.extend(_disagreement(lookup, chain, showed))
    return Checked(Check.LOOKUP, {"lookups": count}, tuple(findings))


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
    tried: set[str] = set()
    for (dataset_type, begin, end), data_ids in sorted(by_range.items()):
        untried = list(_with_new_values(sorted(data_ids), tried))
        moments = _edges(begin, end)
        number = max(len(moments), len(untried))
        asked = islice(cycle([*untried, *sorted(set(data_ids) - set(untried))]), number)
        yield from ((dataset_type, *pair) for pair in zip(asked, cycle(moments), strict=False))


def _with_new_values(data_ids: Sequence[str], tried: set[str]) -> Iterator[str]:
    """Yield those data IDs that try a value which no other one did."""
    for data_id in data_ids:
        values = set(data_id.split(","))
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

"""Check that what a ticket should win is selected, through every chain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ..model.contents import Row
from ..model.differences import Difference, Selected, differences
from ..model.effective import Effective, Resolved
from ..model.reviews import Check, Checked, Fault, Finding, Note, Picked
from ..model.tickets import Ticket
from ..model.timespans import format_bound
from .look_closely import SearchedChain, Showed, group_of
from .within import within

__all__ = ["check_selection"]


def check_selection(ticket: Ticket, showed: Showed, lacking: Collection[Row]) -> Checked:
    """Compare what the live chains select with what the declared ones would.

    Parameters
    ----------
    ticket
        The ticket, whose ranges are compared.
    showed
        What the repository showed.
    lacking
        What the ticket has not there, though it should: that it is not
        selected either is no finding of its own.
    """
    chains = showed.through(ticket)
    absent = {(row.dataset_type, row.data_id, row.uuid) for row in lacking}
    ranges = selected = 0
    found: dict[Difference, list[SearchedChain]] = {}
    for chain in chains:
        won = chain.won_by(ticket)
        missed = [winner for winner in won if not _is_selected(winner, chain.sight)]
        ranges, selected = ranges + len(won), selected + len(won) - len(missed)
        untold = [w for w in missed if (w.dataset_type, w.data_id, w.uuid) not in absent]
        for one in _differences(untold, chain.sight):
            found.setdefault(one, []).append(chain)
    return Checked(
        Check.SELECTION,
        {"chains": len(chains), "ranges": ranges, "selected": selected},
        (
            *(_finding(one, through, showed) for one, through in found.items()),
            *(finding for chain in chains for finding in _ambiguous(chain, ticket)),
        ),
        tuple(_notes(ticket, showed, chains, ranges)),
        failed_elsewhere=selected < ranges,
    )


def _is_selected(winner: Effective, sight: Resolved) -> bool:
    found = within(sight, winner.dataset_type, winner.data_id, (winner.begin, winner.end))
    return [(w.uuid, w.begin <= winner.begin, w.end >= winner.end) for w in found] == [
        (winner.uuid, True, True)
    ]


def _differences(missed: list[Effective], sight: Resolved) -> Iterator[Difference]:
    """Yield where what should be won is not."""
    theirs = {found for w in missed for found in within(sight, w.dataset_type, w.data_id, (w.begin, w.end))}
    told = differences(Resolved(tuple(missed)), Resolved(tuple(sorted(theirs))))
    return (one for one in told if one.first)


def _finding(one: Difference, through: list[SearchedChain], showed: Showed) -> Finding:
    return Finding(
        check=Check.SELECTION,
        what=Fault.SHADOWED if one.other else Fault.NOT_FOUND,
        chains=tuple(chain.name for chain in through),
        dataset_type=one.dataset_type,
        data_ids=one.data_ids,
        begin=format_bound(one.begin),
        end=format_bound(one.end),
        expected=_picked(one.first),
        found=_picked(one.other) if one.other else None,
        detail=_why(one, through[0], showed),
    )


def _picked(what: Iterable[Selected]) -> Picked:
    told = list(what)
    return Picked(
        collections=tuple(sorted({selected.collection for selected in told})),
        uuids=tuple(sorted({selected.uuid for selected in told})),
    )


def _why(one: Difference, chain: SearchedChain, showed: Showed) -> str:
    if not chain.live:
        return f"nothing is selected: {chain.name} is not here, or holds nothing"
    if not one.other:
        return "nothing is selected"
    names = sorted({selected.collection for selected in one.other})
    if strange := [name for name in names if name not in chain.declared]:
        return f"{', '.join(strange)} is selected instead, and no file names it"
    owners = dict.fromkeys(showed.called(name) for name in names)
    told = " and ".join(f"that of {owner}" for owner in owners)
    mine = {selected.collection for selected in one.first}
    if not mine & set(chain.live):
        return f"{told} is selected instead: {', '.join(sorted(mine))} is not searched"
    return f"{told} is selected instead: the live order is not the declared one"


def _ambiguous(chain: SearchedChain, ticket: Ticket) -> Iterator[Finding]:
    if not chain.sight.ambiguities:
        return
    ours = {(winner.dataset_type, winner.data_id) for winner in chain.won_by(ticket)}
    for one in chain.sight.ambiguities:
        winner = chain.sight.at(one.dataset_type, one.data_id, one.begin)
        if (one.dataset_type, one.data_id) in ours and winner and winner.collection == one.collection:
            yield Finding(
                check=Check.SELECTION,
                what=Fault.AMBIGUOUS,
                collection=one.collection,
                chains=(chain.name,),
                dataset_type=one.dataset_type,
                data_ids=(one.data_id,),
                begin=format_bound(one.begin),
                end=format_bound(one.end),
                found=Picked(collections=(one.collection,), uuids=tuple(sorted(set(one.uuids)))),
                detail="certified twice in one collection; the butler refuses to choose",
            )


def _notes(ticket: Ticket, showed: Showed, chains: list[SearchedChain], ranges: int) -> Iterator[Note]:
    if not chains:
        yield Note(detail="no declared chain here lists it, so nothing selects it")
    elif not ranges:
        yield Note(detail="newer tickets answer all that it holds, as declared, so nothing selects it")
    if showed.absent:
        told = ", ".join(sorted(showed.absent))
        yield Note(detail=f"declared here, and not arrived yet: {told}")
    yield from dict.fromkeys(note for chain in chains for note in _kept_in_use(ticket, chain, showed))


def _kept_in_use(ticket: Ticket, chain: SearchedChain, showed: Showed) -> Iterator[Note]:
    """Tell for which detectors older ones answer, though the ticket could."""
    rank = {name: place for place, name in enumerate(chain.declared)}
    ours = set(ticket.leaves)
    first = min(rank[name] for name in ours if name in rank)
    kept: dict[tuple[str, str], set[str]] = {}
    for alike in {group_of(winner) for winner in chain.won_by(ticket)}:
        for data_id, collections in chain.answering[alike].items():
            # What the ticket has too, only for other times, is not told.
            for name in collections if not collections & ours else ():
                if rank.get(name, -1) > first:
                    kept.setdefault((alike[0], showed.called(name)), set()).add(data_id)
    for (dataset_type, owner), data_ids in sorted(kept.items()):
        detail = f"not in {ticket.ticket}; that of {owner} stays in use"
        yield Note(dataset_type=dataset_type, data_ids=tuple(sorted(data_ids)), detail=detail)

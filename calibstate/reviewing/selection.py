"""Check that what a ticket should win is selected, through every chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

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
    ranges = 0
    selected = 0
    # Chains that select otherwise in the same way are one finding.
    chains_with: defaultdict[Difference, list[SearchedChain]] = defaultdict(list)
    for chain in chains:
        won = chain.won_by(ticket)
        ranges += len(won)
        missed: list[Effective] = []
        for winner in won:
            if _is_selected(winner, chain.sight):
                selected += 1
            elif (winner.dataset_type, winner.data_id, winner.uuid) not in absent:
                missed.append(winner)
        for difference in _differences(missed, chain.sight):
            chains_with[difference].append(chain)
    findings = [_finding(difference, through, showed) for difference, through in chains_with.items()]
    for chain in chains:
        findings += _ambiguous(chain, ticket)
    return Checked(
        Check.SELECTION,
        {"chains": len(chains), "ranges": ranges, "selected": selected},
        tuple(findings),
        tuple(_notes(ticket, showed, chains, ranges)),
        failed_elsewhere=selected < ranges,
    )


def _is_selected(winner: Effective, sight: Resolved) -> bool:
    """Say whether a dataset is selected in its whole range."""
    span = (winner.begin, winner.end)
    winners = within(sight, winner.dataset_type, winner.data_id, span)
    if len(winners) != 1:
        return False
    only = winners[0]
    reaches = only.begin <= winner.begin and only.end >= winner.end
    return reaches and only.uuid == winner.uuid


def _differences(missed: list[Effective], sight: Resolved) -> Iterator[Difference]:
    """Yield where what should be won is not."""
    selected: set[Effective] = set()
    for winner in missed:
        span = (winner.begin, winner.end)
        selected.update(within(sight, winner.dataset_type, winner.data_id, span))
    wanted = Resolved(tuple(missed))
    instead = Resolved(tuple(sorted(selected)))
    for difference in differences(wanted, instead):
        # Where nothing should be won, it does not matter what is.
        if difference.first:
            yield difference


def _finding(difference: Difference, through: list[SearchedChain], showed: Showed) -> Finding:
    what = Fault.NOT_FOUND
    instead: Picked | None = None
    if difference.other:
        what = Fault.SHADOWED
        instead = _picked(difference.other)
    return Finding(
        check=Check.SELECTION,
        what=what,
        chains=tuple(chain.name for chain in through),
        dataset_type=difference.dataset_type,
        data_ids=difference.data_ids,
        begin=format_bound(difference.begin),
        end=format_bound(difference.end),
        expected=_picked(difference.first),
        found=instead,
        detail=_why(difference, through[0], showed),
    )


def _picked(selected: Collection[Selected]) -> Picked:
    collections = {dataset.collection for dataset in selected}
    uuids = {dataset.uuid for dataset in selected}
    return Picked(
        collections=tuple(sorted(collections)),
        uuids=tuple(sorted(uuids)),
    )


def _why(difference: Difference, chain: SearchedChain, showed: Showed) -> str:
    if not chain.live:
        return f"nothing is selected: {chain.name} is not here, or holds nothing"
    if not difference.other:
        return "nothing is selected"
    names = sorted({selected.collection for selected in difference.other})
    strange = [name for name in names if name not in chain.declared]
    if strange:
        return f"{', '.join(strange)} is selected instead, and no file names it"
    owners = dict.fromkeys(showed.called(name) for name in names)
    instead = " and ".join(f"that of {owner}" for owner in owners)
    wanted = {selected.collection for selected in difference.first}
    if wanted.isdisjoint(chain.live):
        listed = ", ".join(sorted(wanted))
        return f"{instead} is selected instead: {listed} is not searched"
    return f"{instead} is selected instead: the live order is not the declared one"


def _ambiguous(chain: SearchedChain, ticket: Ticket) -> Iterator[Finding]:
    if not chain.sight.ambiguities:
        return
    ours = {(winner.dataset_type, winner.data_id) for winner in chain.won_by(ticket)}
    for overlap in chain.sight.ambiguities:
        if (overlap.dataset_type, overlap.data_id) not in ours:
            continue
        # What a collection in front hides is never looked up.
        winner = chain.sight.at(overlap.dataset_type, overlap.data_id, overlap.begin)
        if winner is None or winner.collection != overlap.collection:
            continue
        uuids = sorted(set(overlap.uuids))
        yield Finding(
            check=Check.SELECTION,
            what=Fault.AMBIGUOUS,
            collection=overlap.collection,
            chains=(chain.name,),
            dataset_type=overlap.dataset_type,
            data_ids=(overlap.data_id,),
            begin=format_bound(overlap.begin),
            end=format_bound(overlap.end),
            found=Picked(collections=(overlap.collection,), uuids=tuple(uuids)),
            detail="certified twice in one collection; the butler refuses to choose",
        )


def _notes(ticket: Ticket, showed: Showed, chains: list[SearchedChain], ranges: int) -> Iterator[Note]:
    if not chains:
        yield Note(detail="no declared chain here lists it, so nothing selects it")
    elif not ranges:
        yield Note(detail="newer tickets answer all that it holds, as declared, so nothing selects it")
    if showed.absent:
        absent = ", ".join(sorted(showed.absent))
        yield Note(detail=f"declared here, and not arrived yet: {absent}")
    # The same is true through several chains, and is said once.
    notes: dict[Note, None] = {}
    for chain in chains:
        notes.update(dict.fromkeys(_kept_in_use(ticket, chain, showed)))
    yield from notes


def _kept_in_use(ticket: Ticket, chain: SearchedChain, showed: Showed) -> Iterator[Note]:
    """Tell for which detectors older ones answer, though the ticket could."""
    rank = {name: place for place, name in enumerate(chain.declared)}
    ours = set(ticket.leaves)
    first = min(rank[name] for name in ours if name in rank)
    kept: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for group in {group_of(winner) for winner in chain.won_by(ticket)}:
        dataset_type, _ = group
        for data_id, collections in chain.answering[group].items():
            # What the ticket has too, only for other times, is not told.
            if collections & ours:
                continue
            for name in collections:
                if rank.get(name, -1) > first:
                    owner = showed.called(name)
                    kept[dataset_type, owner].add(data_id)
    for (dataset_type, owner), data_ids in sorted(kept.items()):
        detail = f"not in {ticket.ticket}; that of {owner} stays in use"
        yield Note(dataset_type=dataset_type, data_ids=tuple(sorted(data_ids)), detail=detail)

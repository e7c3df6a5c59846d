"""Check that what a ticket should win is selected, through every chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..model.contents import Row
from ..model.differences import Difference, Selected, differences
from ..model.effective import Effective, Resolved
from ..model.reviews import Check, Checked, Fault, Picked
from ..model.tickets import Ticket
from .checking import Checking
from .look_closely import DetectorGroup, SearchedChain, Showed
from .within import within_range_of

__all__ = ["check_selection"]


def check_selection(
    ticket: Ticket,
    showed: Showed,
    lacking: Collection[Row],
) -> Checked:
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
    checking = Checking(Check.SELECTION)
    chains = showed.through(ticket)
    absent = {row[:3] for row in lacking}
    ranges = 0
    selected = 0
    # Chains that select otherwise in the same way are one finding.
    chains_with: defaultdict[Difference, list[SearchedChain]] = defaultdict(list)
    for chain in chains:
        missed: list[Effective] = []
        for winner in chain.won_by(ticket):
            ranges += 1
            if _is_selected(winner, chain.sight):
                selected += 1
                continue
            dataset = (winner.dataset_type, winner.data_id, winner.uuid)
            if dataset not in absent:
                missed.append(winner)
        for difference in _differences(missed, chain.sight):
            chains_with[difference].append(chain)
    selection = _Selection(ticket, showed, checking)
    for difference, through in chains_with.items():
        selection.add_difference(difference, through)
    for chain in chains:
        selection.add_ambiguous(chain)
    selection.add_unsearched(chains)
    selection.add_notes(chains, ranges)
    checking.counts["chains"] = len(chains)
    checking.counts["ranges"] = ranges
    checking.counts["selected"] = selected
    # What the ticket has not there fails it too, and the content tells of it.
    checking.failed_elsewhere = selected < ranges
    return checking.checked()


def _is_selected(winner: Effective, sight: Resolved) -> bool:
    """Say whether a dataset is selected in its whole range."""
    winners = within_range_of(sight, winner)
    if len(winners) != 1:
        return False
    only = winners[0]
    if only.uuid != winner.uuid:
        return False
    return only.begin <= winner.begin and only.end >= winner.end


def _differences(missed: Sequence[Effective], sight: Resolved) -> Iterator[Difference]:
    """Yield where what should be won is not."""
    selected: set[Effective] = set()
    for winner in missed:
        selected.update(within_range_of(sight, winner))
    ordered = sorted(selected)
    wanted = Resolved(tuple(missed))
    instead = Resolved(tuple(ordered))
    for difference in differences(wanted, instead):
        # Where nothing should be won, it does not matter what is.
        if difference.first:
            yield difference


class _KeptInUse(NamedTuple):
    """Calibrations that stay in use behind a ticket."""

    dataset_type: str

    owner: str
    """Whose they are."""


@dataclass(frozen=True)
class _Selection:
    """What is selected of a ticket at a repository, put into words."""

    ticket: Ticket
    showed: Showed
    checking: Checking

    def add_difference(
        self,
        difference: Difference,
        chains: Sequence[SearchedChain],
    ) -> None:
        """Add a difference that shows through some chains."""
        what = Fault.NOT_FOUND
        instead: Picked | None = None
        if difference.other:
            what = Fault.SHADOWED
            instead = _picked(difference.other)
        self.checking.add(
            what,
            self.why(difference, chains[0]),
            chains=[chain.name for chain in chains],
            dataset_type=difference.dataset_type,
            data_ids=difference.data_ids,
            begin=difference.begin,
            end=difference.end,
            expected=_picked(difference.first),
            selected=instead,
        )

    def why(self, difference: Difference, chain: SearchedChain) -> str:
        """Return the likeliest reason for a difference, in a sentence."""
        if not chain.live:
            return f"nothing is selected: {chain.name} is not here, or holds nothing"
        if not difference.other:
            return "nothing is selected"
        names = {selected.collection for selected in difference.other}
        undeclared = names.difference(chain.declared)
        if undeclared:
            listed = ", ".join(sorted(undeclared))
            return f"{listed} is selected instead, and no file names it"
        instead = self.showed.those_of(sorted(names))
        wanted = {selected.collection for selected in difference.first}
        if wanted.isdisjoint(chain.live):
            listed = ", ".join(sorted(wanted))
            return f"{instead} is selected instead: {listed} is not searched"
        return f"{instead} is selected instead: the live order is not the declared one"

    def add_ambiguous(self, chain: SearchedChain) -> None:
        """Add the certifications that overlap where the ticket should win."""
        ambiguities = chain.sight.ambiguities
        if not ambiguities:
            return
        ours = {winner[:2] for winner in chain.won_by(self.ticket)}
        for overlap in ambiguities:
            dataset_type = overlap.dataset_type
            data_id = overlap.data_id
            if (dataset_type, data_id) not in ours:
                continue
            # What a collection in front hides is never looked up.
            selected = chain.sight.at(dataset_type, data_id, overlap.begin)
            if selected is None or selected.collection != overlap.collection:
                continue
            uuids = set(overlap.uuids)
            self.checking.add(
                Fault.AMBIGUOUS,
                "certified twice in one collection; the butler refuses to choose",
                collection=overlap.collection,
                chains=[chain.name],
                dataset_type=dataset_type,
                data_ids=[data_id],
                begin=overlap.begin,
                end=overlap.end,
                selected=Picked.of({overlap.collection}, uuids),
            )

    def add_unsearched(self, chains: Sequence[SearchedChain]) -> None:
        """Add what is no calibration, and is not searched.

        Nothing is selected of it by time, so no range is missed for it.

        Parameters
        ----------
        chains
            Through which the ticket is searched.
        """
        if self.holds_calibrations(chains):
            return
        for chain in chains:
            for leaf in self.ticket.leaves:
                if leaf not in chain.declared or leaf in chain.live:
                    continue
                self.checking.add(
                    Fault.NOT_FOUND,
                    f"{leaf} is not searched",
                    collection=leaf,
                    chains=[chain.name],
                )

    def add_notes(self, chains: Sequence[SearchedChain], ranges: int) -> None:
        """Note what may surprise whoever reads that the check passes.

        Parameters
        ----------
        chains
            Through which the ticket is searched.
        ranges
            How many ranges it should win through them.
        """
        if not chains:
            self.checking.note("no declared chain here lists it, so nothing selects it")
        elif not ranges:
            note = "newer tickets answer all that it holds, as declared, so nothing selects it"
            if not self.holds_calibrations(chains):
                note = "nothing that it holds is a calibration, so nothing is selected by time"
            self.checking.note(note)
        if self.showed.absent:
            absent = ", ".join(sorted(self.showed.absent))
            self.checking.note(f"declared here, and not arrived yet: {absent}")
        for chain in chains:
            self.note_kept_in_use(chain)

    def holds_calibrations(self, chains: Sequence[SearchedChain]) -> bool:
        """Say whether the ticket holds any type of a calibration.

        Parameters
        ----------
        chains
            Through which the ticket is searched.
        """
        # Of a calibration somebody wins in each chain, if not this ticket.
        won: set[str] = set()
        for chain in chains:
            for winner in chain.wish.winners:
                won.add(winner.dataset_type)
        leaves = self.ticket.leaves
        holdings = self.showed.held_in(leaves)
        for holding in holdings:
            for row in holding.rows:
                if row.dataset_type in won:
                    return True
        return False

    def note_kept_in_use(self, chain: SearchedChain) -> None:
        """Note for which detectors older tickets stay in use."""
        ticket = self.ticket
        ours = set(ticket.leaves)
        rank: dict[str, int] = {}
        for place, name in enumerate(chain.declared):
            rank[name] = place
        # Newer tickets are searched before it, older ones behind.
        first = min(rank[name] for name in ours if name in rank)
        kept: defaultdict[_KeptInUse, set[str]] = defaultdict(set)
        groups: set[DetectorGroup] = set()
        for winner in chain.won_by(ticket):
            group = DetectorGroup.of(winner)
            groups.add(group)
        for group in groups:
            for data_id, collections in chain.answering[group].items():
                # What the ticket has too, only for other times, is not told.
                if collections & ours:
                    continue
                for name in collections:
                    if rank.get(name, -1) <= first:
                        continue
                    older = _KeptInUse(
                        group.dataset_type,
                        owner=self.showed.called(name),
                    )
                    kept[older].add(data_id)
        for older, data_ids in sorted(kept.items()):
            self.checking.note(
                f"not in {ticket.ticket}; that of {older.owner} stays in use",
                older.dataset_type,
                data_ids,
            )


def _picked(selected: Collection[Selected]) -> Picked:
    """Return datasets with the collections through which they win."""
    collections = {dataset.collection for dataset in selected}
    uuids = {dataset.uuid for dataset in selected}
    return Picked.of(collections, uuids)

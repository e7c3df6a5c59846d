"""Check that a ticket's collections hold what was pinned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from ..kinds.chain import Chain, ChainKind
from ..model.contents import CollectionType, Row
from ..model.drift import What
from ..model.effective import Effective
from ..model.reviews import Check, Checked, Fault, Picked
from .by_range import by_range
from .checking import Checking
from .expect import Expected
from .look_closely import Showed
from .within import within_range_of

__all__ = ["check_content", "is_deployed", "lacking"]

_FAULTS = {
    What.MISSING: Fault.MISSING,
    What.MISORDERED: Fault.MISORDERED,
}
"""What a ticket's chain may lack; all else is a change."""


def is_deployed(expected: Expected, showed: Showed) -> bool:
    """Say whether there is anything of a ticket at a repository."""
    return any(name in showed.collections for name in expected.ticket.leaves)


def lacking(expected: Expected, showed: Showed) -> frozenset[Row]:
    """Return the rows that a ticket should have at a repository and has not.

    Raises
    ------
    RefusedError
        What it should hold cannot be read.
    """
    missing: set[Row] = set()
    for name in expected.ticket.leaves:
        live = showed.holdings.get(name)
        rows = set(expected.rows(name, live))
        if live:
            rows.difference_update(live.rows)
        missing |= rows
    return frozenset(missing)


def check_content(expected: Expected, showed: Showed) -> Checked:
    """Compare what a ticket holds at a repository with what was pinned.

    Parameters
    ----------
    expected
        What it should hold.
    showed
        What the repository showed.

    Raises
    ------
    RefusedError
        What it should hold cannot be read.
    """
    checking = Checking(Check.CONTENT)
    _check_ticket_chain(expected, showed, checking)
    leaves = expected.ticket.leaves
    for name in leaves:
        comparison = _CollectionComparison(name, expected, showed, checking)
        # Rows of something else are not worth a look.
        if comparison.is_comparable():
            comparison.compare_rows()
    certifications = 0
    for holding in showed.held_in(leaves):
        certifications += len(holding.rows)
    checking.counts["collections"] = len(leaves)
    checking.counts["certifications"] = certifications
    return checking.checked()


def _check_ticket_chain(
    expected: Expected,
    showed: Showed,
    checking: Checking,
) -> None:
    """Compare the chain of a ticket's collections, which only some have."""
    ticket = expected.ticket
    name = ticket.collection
    if name is None:
        return
    address = Chain.at(showed.address, name)
    declared = Chain(address, ticket.leaves)
    live: Chain | None = None
    collection = showed.collections.get(name)
    if collection:
        live = Chain(address, collection.children, type=collection.type)
    for drift in ChainKind().compare(declared, live):
        what = _FAULTS.get(drift.what, Fault.CHANGED)
        detail = drift.detail
        if drift.subject != name:
            detail = f"{drift.subject}: {detail}"
        checking.add(what, detail, collection=name)


class _MissingAlike(NamedTuple):
    """What rows have in common that are missing alike."""

    dataset_type: str
    begin: int
    end: int

    collections: tuple[str, ...]
    """Collections of which something is selected instead."""


@dataclass(frozen=True)
class _CollectionComparison:
    """One collection of a ticket, beside what it should hold."""

    name: str
    expected: Expected
    showed: Showed
    checking: Checking

    def is_comparable(self) -> bool:
        """Say whether it is there and of its type; else add what is wrong."""
        what = Fault.CHANGED
        showed = self.showed
        collection = showed.collections.get(self.name)
        holding = showed.holdings.get(self.name)
        if collection is None:
            what = Fault.MISSING
            detail = "it is not here"
        elif holding is None:
            type_there = collection.type.value
            detail = f"the name is taken by a {type_there} collection"
        else:
            wanted = self.expected.type_of(self.name)
            # Nobody may know of what type it should be.
            if wanted is None or wanted is holding.type:
                return True
            type_there = holding.type.value
            witness = self.expected.witness
            detail = f"it is a {type_there} collection, which {witness} says it is not"
        self.checking.add(what, detail, collection=self.name)
        return False

    def compare_rows(self) -> None:
        """Add the rows that are missing, and those that are too many."""
        expected = self.expected
        live = self.showed.holdings[self.name]
        # Rows are fetched only where they differ.
        if live.fingerprint == expected.fingerprints[self.name]:
            return
        rows_expected = set(expected.rows(self.name, live))
        rows_there = set(live.rows)
        missing = rows_expected - rows_there
        beyond = rows_there - rows_expected
        verb = "stored"
        if live.type is CollectionType.CALIBRATION:
            verb = "certified"
        self.add_missing(missing, verb)
        self.add_beyond(beyond, verb)
        # From a seal alone the datasets are not known one by one, so the
        # fingerprints may differ where no row does.
        if not missing and not beyond:
            witness = expected.witness
            self.checking.add(
                Fault.CHANGED,
                f"it holds other datasets than {witness} says, for the same data IDs and ranges",
                collection=self.name,
            )

    def add_missing(self, rows: Collection[Row], verb: str) -> None:
        """Add rows that are missing, those together that are missing alike.

        They have one type and one range, and the same is selected instead.
        """
        missing: defaultdict[_MissingAlike, list[Row]] = defaultdict(list)
        winners: defaultdict[_MissingAlike, set[str]] = defaultdict(set)
        for row in sorted(rows):
            collections: set[str] = set()
            uuids: set[str] = set()
            for winner in self.selected_instead(row):
                collections.add(winner.collection)
                uuids.add(winner.uuid)
            key = _MissingAlike(
                row.dataset_type,
                row.begin,
                row.end,
                collections=tuple(sorted(collections)),
            )
            missing[key].append(row)
            winners[key] |= uuids
        for key, missing_rows in missing.items():
            # From a seal alone the datasets are not known.
            expected_uuids = {row.uuid for row in missing_rows if row.uuid}
            expected = Picked.of({self.name}, expected_uuids)
            selected: Picked | None = None
            instead_of_it = "nothing"
            if key.collections:
                selected = Picked.of(key.collections, winners[key])
                instead_of_it = self.showed.those_of(key.collections)
            self.checking.add(
                Fault.MISSING,
                f"not {verb} here; {instead_of_it} is selected instead",
                collection=self.name,
                dataset_type=key.dataset_type,
                data_ids=[row.data_id for row in missing_rows],
                begin=key.begin,
                end=key.end,
                expected=expected,
                selected=selected,
            )

    def selected_instead(self, row: Row) -> list[Effective]:
        """Return what is selected where a row is missing.

        The first chain tells; how others select is another check.
        """
        chains = self.showed.through(self.expected.ticket)
        if not chains:
            return []
        winners = within_range_of(chains[0].sight, row)
        return [winner for winner in winners if winner.uuid != row.uuid]

    def add_beyond(self, rows: Collection[Row], verb: str) -> None:
        """Add rows that are too many, by dataset type and range."""
        witness = self.expected.witness
        alike = by_range(sorted(rows))
        for span, extra in alike.items():
            data_ids: set[str] = set()
            uuids: set[str] = set()
            for row in extra:
                data_ids.add(row.data_id)
                uuids.add(row.uuid)
            self.checking.add(
                Fault.CHANGED,
                f"{verb} here, and {witness} does not have it",
                collection=self.name,
                dataset_type=span.dataset_type,
                data_ids=data_ids,
                begin=span.begin,
                end=span.end,
                selected=Picked.of({self.name}, uuids),
            )

"""Which changes of lookups are none of content.

A ticket whose calibrations a package holds is written anew as a whole, where
two types of ten have changed.  The others get new UUIDs, and the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..model.desired import DesiredState
from ..model.impacts import ChainImpact, Change, Effect, Impact, Via
from ..model.names import RepositoryAddress, TicketKey
from ..ports.archive import ArchiveReader
from ..ports.butler import ButlerReader

__all__ = ["Contents", "curated_collections", "told_by_content"]

_Dataset = tuple[str, str, str]
"""RUN, dataset type and data ID, which tell one dataset."""


@dataclass
class Contents:
    """What the files of tickets say whose calibrations a package holds."""

    tickets: Mapping[str, TicketKey]
    """The ticket of each of their collections."""

    butler: ButlerReader
    archive: ArchiveReader
    """Reads files, wherever they are."""

    address: RepositoryAddress
    checksums: dict[_Dataset, str] = field(default_factory=dict)
    """SHA-256 of the files that were read."""

    def are_comparable(self, change: Change) -> bool:
        """Say whether both datasets are of such tickets."""
        for via in (change.before, change.after):
            if via is None or via.collection not in self.tickets:
                return False
        return True

    def read(self, collection: str) -> None:
        """Read every file of a collection; nothing is written."""
        export = self.butler.export([collection], to_read=True)
        ticket = self.tickets[collection]
        described = self.archive.describe(
            ticket,
            [collection],
            export,
            exported_from=self.address,
        )
        by_uuid: dict[str, str] = {}
        for file in described.files:
            for uuid in file.datasets:
                by_uuid[uuid] = file.sha256
        held = self.butler.holdings([collection])
        runs = self.butler.runs(by_uuid)
        # Of each dataset there is one row or several, in other ranges.
        for row in held[collection].rows:
            run = runs.get(row.uuid, "")
            dataset = (run, row.dataset_type, row.data_id)
            checksum = by_uuid.get(row.uuid, "")
            self.checksums[dataset] = checksum

    def checksum(
        self,
        change: Change,
        via: Via | None,
        data_id: str,
    ) -> str:
        """Return the checksum of what a lookup finds; empty: not known."""
        if via is None or via.run is None:
            return ""
        dataset = (via.run, change.dataset_type, data_id)
        return self.checksums.get(dataset, "")

    def parts(self, change: Change) -> Iterator[Change]:
        """Yield the part of a change that is of content, and the other."""
        same: list[str] = []
        other: list[str] = []
        for data_id in change.data_ids:
            before = self.checksum(change, change.before, data_id)
            after = self.checksum(change, change.after, data_id)
            if before and before == after:
                same.append(data_id)
            else:
                other.append(data_id)
        if other:
            yield replace(change, data_ids=tuple(other))
        if same:
            yield replace(
                change,
                data_ids=tuple(same),
                effect=Effect.SAME_CONTENT,
            )


def curated_collections(declarations: Iterable[DesiredState]) -> Mapping[str, TicketKey]:
    """Return the tickets whose calibrations a package holds, by collection."""
    tickets: dict[str, TicketKey] = {}
    for desired in declarations:
        for key, written in desired.tickets.items():
            ticket = written.noun
            if ticket.curated is None:
                continue
            for leaf in ticket.leaves:
                tickets[leaf] = key
    return tickets


def told_by_content(impact: Impact, contents: Contents) -> Impact:
    """Return an impact that tells what is the same content in another dataset.

    Files of other tickets are not read.

    Parameters
    ----------
    impact
        What a change does at a repository.
    contents
        What files say there.

    Raises
    ------
    CalibstateError
        A file cannot be read.
    """
    collections: set[str] = set()
    for change in impact.changes:
        if not contents.are_comparable(change):
            continue
        for via in (change.before, change.after):
            assert via, "what can be compared is found before and after"
            collections.add(via.collection)
    for collection in sorted(collections):
        contents.read(collection)
    chains: list[ChainImpact] = []
    for chain in impact.chains:
        changes: list[Change] = []
        for change in chain.changes:
            changes.extend(contents.parts(change))
        # What is the same weighs least.
        changes.sort(key=lambda change: change.effect is Effect.SAME_CONTENT)
        chains.append(replace(chain, changes=tuple(changes)))
    return replace(impact, chains=tuple(chains))

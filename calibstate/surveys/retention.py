"""Sort what a repository keeps into classes, from what all of them showed.

What is not looked at counts as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from ..model.contents import CollectionType, Holding
from ..model.names import CollectionName, TicketKey
from ..model.retention import (
    Facts,
    Inventory,
    Keeper,
    Keeps,
    LitterFile,
    Output,
    RetentionClass,
    RetentionLine,
    Uses,
)

__all__ = ["retention_lines"]

STILL_WRITTEN = timedelta(days=7)
"""For how long a file may be that of a batch that still runs: BPS records
what it wrote in the butler only when all is done."""

_DEFECTS = "defects"
"""The dataset type that bootstraps are made for."""

_MADE = frozenset(
    {
        RetentionClass.INTERMEDIATE,
        RetentionClass.BOOTSTRAP,
        RetentionClass.UNCERTIFIED,
    }
)
"""Classes of what templates wrote and nobody certified."""


def retention_lines(
    inventory: Inventory,
    uses: Uses,
    facts: Facts,
    unseen: tuple[str, ...],
    now: datetime,
) -> tuple[RetentionLine, ...]:
    """Return what a repository keeps, by class.

    Parameters
    ----------
    inventory
        What it keeps.
    uses
        What is used anywhere.
    facts
        What the state tree and Rucio say.
    unseen
        Places that were not seen.
    now
        The present moment, with its zone.

    Returns
    -------
    tuple of RetentionLine
        By class, then by collection and type.
    """
    registry = _Registry(inventory, uses)
    keeping = _Keeping(registry, facts, now)
    groups: dict[_Group, list[str]] = {}
    for uuid, group in registry.groups():
        uuids = groups.setdefault(group, [])
        uuids.append(uuid)
    lines: list[RetentionLine] = []
    for group, uuids in groups.items():
        line = keeping.line(group, uuids, unseen)
        lines.append(line)
    litter: dict[CollectionName, list[LitterFile]] = {}
    for file in inventory.litter:
        files = litter.setdefault(file.run, [])
        files.append(file)
    for run, files in litter.items():
        line = keeping.litter_line(run, files, unseen)
        lines.append(line)
    lines.sort(key=lambda line: line.order)
    return tuple(lines)


@dataclass(frozen=True)
class _Group:
    """Which datasets one line is of."""

    retention: RetentionClass
    collection: CollectionName
    dataset_type: str | None = None


@dataclass(frozen=True)
class _Registry:
    """The datasets of one repository, and what certifies them."""

    inventory: Inventory
    uses: Uses

    @cached_property
    def runs(self) -> Sequence[Holding]:
        """The RUNs, by name."""
        runs: list[Holding] = []
        for _, holding in sorted(self.inventory.holdings.items()):
            if holding.type is CollectionType.RUN:
                runs.append(holding)
        return runs

    @cached_property
    def certifying(self) -> Mapping[str, Sequence[CollectionName]]:
        """CALIBRATION collections by the UUIDs of what they certify.

        One for each certification, those that are searched first.
        """
        searched: list[Holding] = []
        others: list[Holding] = []
        for name, holding in sorted(self.inventory.holdings.items()):
            if holding.type is not CollectionType.CALIBRATION:
                continue
            if name in self.uses.searched:
                searched.append(holding)
            else:
                others.append(holding)
        by_uuid: dict[str, list[CollectionName]] = {}
        for holding in (*searched, *others):
            for row in holding.rows:
                names = by_uuid.setdefault(row.uuid, [])
                names.append(holding.collection)
        return by_uuid

    @cached_property
    def folders_with_defects(self) -> AbstractSet[CollectionName]:
        """Folders of tickets and tags of which defects are certified."""
        folders: set[CollectionName] = set()
        certified = self.certifying.keys()
        for run in self.runs:
            output = Output.of(run.collection)
            if output is None:
                continue
            for row in run.rows:
                if row.dataset_type == _DEFECTS and row.uuid in certified:
                    folders.add(output.folder)
        return folders

    def groups(self) -> Iterator[tuple[str, _Group]]:
        """Yield each dataset with its group; some are of no class."""
        selected = self.uses.selected
        searched = self.uses.searched
        for run in self.runs:
            rest = self.class_of_rest(run)
            for row in run.rows:
                collection = run.collection
                is_certified = row.uuid in self.certifying
                if is_certified:
                    # One that is searched, if any is.
                    collection = self.certifying[row.uuid][0]
                dataset_type = None
                if row.uuid in selected:
                    retention = RetentionClass.SELECTED
                elif collection in searched:
                    retention = RetentionClass.SHADOWED
                elif is_certified:
                    retention = RetentionClass.UNSEARCHED
                elif rest is None:
                    continue
                else:
                    retention = rest
                    if rest is RetentionClass.INTERMEDIATE:
                        dataset_type = row.dataset_type
                group = _Group(retention, collection, dataset_type)
                yield row.uuid, group

    def class_of_rest(self, run: Holding) -> RetentionClass | None:
        """Return the class of what a RUN holds and nobody certified.

        Parameters
        ----------
        run
            The RUN.

        Returns
        -------
        RetentionClass or None
            `None`: it is the output of no template.
        """
        output = Output.of(run.collection)
        if output is None:
            return None
        if output.product is None:
            return RetentionClass.INTERMEDIATE
        for row in run.rows:
            if row.uuid in self.certifying:
                return RetentionClass.INTERMEDIATE
        has_defects = output.folder in self.folders_with_defects
        if output.product.is_bootstrap and has_defects:
            return RetentionClass.BOOTSTRAP
        return RetentionClass.UNCERTIFIED

    @cached_property
    def of_type(self) -> Mapping[_Group, AbstractSet[str]]:
        """UUIDs of all that a RUN holds of a type, certified or not."""
        uuids: dict[_Group, set[str]] = {}
        for run in self.runs:
            for row in run.rows:
                group = _Group(
                    RetentionClass.INTERMEDIATE,
                    run.collection,
                    row.dataset_type,
                )
                of_type = uuids.setdefault(group, set())
                of_type.add(row.uuid)
        return uuids

    def touched(self, group: _Group) -> AbstractSet[str]:
        """Return what would go with the datasets of a group.

        Parameters
        ----------
        group
            One of them.
        """
        match group.retention:
            case RetentionClass.INTERMEDIATE:
                return self.of_type[group]
            case RetentionClass.SHADOWED | RetentionClass.BOOTSTRAP | RetentionClass.UNCERTIFIED:
                holding = self.inventory.holdings[group.collection]
                return {row.uuid for row in holding.rows}
            case RetentionClass.SELECTED | RetentionClass.UNSEARCHED | RetentionClass.LITTER:
                # To remove a collection takes no dataset away.
                return frozenset()


@dataclass(frozen=True)
class _Keeping:
    """What keeps the datasets of one repository."""

    registry: _Registry
    facts: Facts
    now: datetime

    def line(
        self,
        group: _Group,
        uuids: Sequence[str],
        unseen: tuple[str, ...],
    ) -> RetentionLine:
        """Return the line of a group.

        Parameters
        ----------
        group
            The group.
        uuids
            Its datasets.
        unseen
            Places that were not seen.
        """
        inventory = self.registry.inventory
        ticket = self.facts.ticket(group.collection)
        not_before = self.not_before(group.retention, ticket)
        is_early = False
        if not_before:
            is_early = self.now.date() < not_before
        kept: Iterable[Keeper] = ()
        if group.retention is not RetentionClass.SELECTED:
            kept = self.keepers(group, uuids, ticket)
        certifications = 0
        for uuid in uuids:
            names = self.registry.certifying.get(uuid, ())
            certifications += len(names)
        files: int | None = None
        size: int | None = None
        if inventory.files is not None:
            paths, size = inventory.stored(uuids)
            files = len(paths)
        return RetentionLine(
            repository=inventory.address,
            retention=group.retention,
            collection=group.collection,
            dataset_type=group.dataset_type,
            uuids=tuple(sorted(uuids)),
            certifications=certifications,
            files=files,
            bytes=size,
            ticket=ticket,
            kept=_sorted(kept),
            unseen=unseen,
            not_before=not_before,
            is_early=is_early,
        )

    def keepers(
        self,
        group: _Group,
        uuids: Sequence[str],
        ticket: TicketKey | None,
    ) -> Iterator[Keeper]:
        """Yield why the datasets of a group are kept."""
        yield from self.keepers_of_ticket(group.retention, ticket)
        kept = self.registry.uses.kept
        files = self.registry.inventory.files or {}
        for uuid in uuids:
            yield from kept.get(uuid, ())
            stored = files.get(uuid)
            if stored is None:
                continue
            for uri in stored.uris:
                yield from self.keepers_of_file(uri)
        touched = self.registry.touched(group)
        if not touched <= set(uuids):
            yield Keeper(Keeps.WITH_OTHERS, "")

    def keepers_of_ticket(
        self,
        retention: RetentionClass,
        ticket: TicketKey | None,
    ) -> Iterator[Keeper]:
        """Yield why what is of a ticket is kept."""
        if ticket is None:
            return
        facts = self.facts
        keeper = facts.keeper_of.get(ticket)
        if keeper:
            yield keeper
        if retention is not RetentionClass.UNSEARCHED:
            return
        if ticket in facts.adopted and ticket not in facts.listed:
            yield Keeper(Keeps.NOT_LISTED, ticket.name)

    def keepers_of_file(self, uri: str) -> Iterator[Keeper]:
        """Yield which other repositories have a file on record."""
        here = self.registry.inventory.address
        addresses = self.registry.uses.holders.get(uri, ())
        for address in addresses:
            if address != here:
                yield Keeper(Keeps.USED_ELSEWHERE, "", address)

    def not_before(
        self,
        retention: RetentionClass,
        ticket: TicketKey | None,
    ) -> date | None:
        """Return the day before which a line is not offered, if any."""
        keep = self.facts.keep_intermediates
        if keep is None or ticket is None:
            return None
        adopted = self.facts.adopted.get(ticket)
        if adopted is None or retention not in _MADE:
            return None
        return adopted + keep

    def litter_line(
        self,
        run: CollectionName,
        files: Sequence[LitterFile],
        unseen: tuple[str, ...],
    ) -> RetentionLine:
        """Return the line of the litter below the folder of a RUN."""
        ticket = self.facts.ticket(run)
        keepers: set[Keeper] = set()
        of_ticket = self.keepers_of_ticket(RetentionClass.LITTER, ticket)
        keepers.update(of_ticket)
        paths: list[str] = []
        size = 0
        for file in files:
            paths.append(file.uri)
            size += file.bytes
            elsewhere = self.keepers_of_file(file.uri)
            keepers.update(elsewhere)
            # Where nobody tells when a file was written, it may be new.
            changed = file.changed or self.now
            if self.now - changed < STILL_WRITTEN:
                keepers.add(Keeper(Keeps.WRITTEN_LATELY, ""))
        return RetentionLine(
            repository=self.registry.inventory.address,
            retention=RetentionClass.LITTER,
            collection=run,
            dataset_type=None,
            certifications=0,
            files=len(files),
            bytes=size,
            ticket=ticket,
            kept=_sorted(keepers),
            unseen=unseen,
            paths=tuple(sorted(paths)),
        )


def _sorted(keepers: Iterable[Keeper]) -> tuple[Keeper, ...]:
    distinct = set(keepers)
    in_order = sorted(distinct, key=lambda keeper: keeper.order)
    return tuple(in_order)

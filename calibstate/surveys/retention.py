"""Sort what a repository keeps into classes, from what all of them showed.

A dataset that any chain selects at any repository is in use everywhere: the
same UUID is the same calibration.  What is not looked at counts as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from ..lookups.resolve import resolve
from ..model.contents import CollectionType, Holding
from ..model.names import CollectionName, RepositoryAddress, TicketKey
from ..model.retention import (
    Inventory,
    Keeper,
    Keeps,
    LitterFile,
    Output,
    RetentionClass,
    RetentionLine,
)

__all__ = ["Facts", "Uses", "flattened", "reached", "retention_lines", "uses_of"]

STILL_WRITTEN = timedelta(days=7)
"""For how long a file may be that of a batch that still runs: BPS records
what it wrote in the butler only when all is done."""

_DEFECTS = "defects"
"""The dataset type that bootstraps are made for."""

_MADE = frozenset({RetentionClass.INTERMEDIATE, RetentionClass.BOOTSTRAP, RetentionClass.UNCERTIFIED})
"""Classes of what templates wrote and nobody certified."""

Children = Mapping[CollectionName, tuple[CollectionName, ...]]
"""Of chains, in search order."""


@dataclass(frozen=True)
class Facts:
    """What the state tree and Rucio say."""

    selecting: frozenset[CollectionName] = frozenset()
    """Chains that calibrations are searched by: declared ones, and those that
    instruments have by convention."""

    of_tickets: frozenset[CollectionName] = frozenset()
    """Chains of declared tickets, which only group what is certified."""

    declared: Mapping[RepositoryAddress, Children] = field(default_factory=dict)
    """Declared children of chains, by repository."""

    named: tuple[tuple[CollectionName, Keeper], ...] = ()
    """Collections that something names, a chain with all below it."""

    keeper_of: Mapping[TicketKey, Keeper] = field(default_factory=dict)
    """Why all of a ticket is kept."""

    listed: frozenset[TicketKey] = frozenset()
    """Tickets that a chain lists, or that are retired."""

    adopted: Mapping[TicketKey, date | None] = field(default_factory=dict)
    """Adopted tickets, and on which day, as far as that is written down."""

    ticket_of: Mapping[CollectionName, TicketKey] = field(default_factory=dict)
    """Tickets by the collections that they declare."""

    keep_intermediates: timedelta | None = None
    """How long what templates wrote is kept after the adoption."""

    def ticket(self, collection: CollectionName) -> TicketKey | None:
        """Return whose a collection is, by its declaration or its name."""
        if collection in self.ticket_of:
            return self.ticket_of[collection]
        output = Output.of(collection)
        if output is None or output.is_trial:
            return None
        return output.ticket


@dataclass(frozen=True)
class Uses:
    """What is used, over all repositories."""

    selected: frozenset[str]
    """UUIDs of datasets that a chain selects."""

    searched: frozenset[CollectionName]
    """Collections that are searched through a chain."""

    kept: Mapping[str, AbstractSet[Keeper]]
    """Why datasets are kept, by UUID."""

    holders: Mapping[str, AbstractSet[RepositoryAddress]]
    """Repositories that have a file on record, by its URI."""


def flattened(name: CollectionName, chains: Children) -> tuple[CollectionName, ...]:
    """Return what is searched through a collection, as the butler does it.

    Parameters
    ----------
    name
        A chain; of another collection, it alone.
    chains
        Children of all chains.
    """
    leaves: list[CollectionName] = []
    for collection in reached(name, chains):
        if collection not in chains:
            leaves.append(collection)
    return tuple(leaves)


def reached(
    name: CollectionName,
    chains: Children,
    but_through: frozenset[CollectionName] = frozenset(),
) -> tuple[CollectionName, ...]:
    """Return a collection and all below it, depth first, each once.

    Parameters
    ----------
    name
        Where to begin.
    chains
        Children of all chains.
    but_through
        Chains below it that are not entered.
    """
    passed: dict[CollectionName, None] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in passed:
            continue
        passed[current] = None
        if current == name or current not in but_through:
            children = chains.get(current, ())
            waiting.extend(reversed(children))
    return tuple(passed)


def uses_of(inventories: Iterable[Inventory], facts: Facts) -> Uses:
    """Return what is used, from what all repositories showed.

    Parameters
    ----------
    inventories
        Of all repositories.
    facts
        What the state tree and Rucio say.
    """
    shown = tuple(inventories)
    selected: set[str] = set()
    searched: set[CollectionName] = set()
    kept: dict[str, set[Keeper]] = {}
    holders: dict[str, set[RepositoryAddress]] = {}
    for inventory in shown:
        for leaves in _searches(inventory, facts):
            searched.update(leaves)
            # Where a declared collection has not arrived yet, it is searched
            # as another repository has it.
            holdings = _holdings(leaves, inventory, shown)
            resolved = resolve(holdings)
            for winner in resolved.winners:
                selected.add(winner.uuid)
            # The butler refuses to choose, and a person may settle it either
            # way.
            for ambiguity in resolved.ambiguities:
                selected.update(ambiguity.uuids)
        for collection, keeper in _namings(inventory, facts):
            if collection not in inventory.holdings:
                continue
            for row in inventory.holdings[collection].rows:
                keepers = kept.setdefault(row.uuid, set())
                keepers.add(keeper)
        files = inventory.files or {}
        for stored in files.values():
            for uri in stored.uris:
                addresses = holders.setdefault(uri, set())
                addresses.add(inventory.address)
    return Uses(
        frozenset(selected),
        frozenset(searched),
        kept,
        holders,
    )


def _searches(inventory: Inventory, facts: Facts) -> Iterator[tuple[CollectionName, ...]]:
    """Yield what is searched through each chain, as it is and as declared."""
    declared = facts.declared.get(inventory.address, {})
    as_declared = {**inventory.chains, **declared}
    for name in sorted(facts.selecting):
        if name in inventory.chains or name in inventory.holdings:
            yield flattened(name, inventory.chains)
        if name in declared:
            yield flattened(name, as_declared)


def _holdings(
    leaves: Iterable[CollectionName],
    inventory: Inventory,
    others: Iterable[Inventory],
) -> list[Holding]:
    holdings: list[Holding] = []
    for leaf in leaves:
        for place in (inventory, *others):
            if leaf in place.holdings:
                holdings.append(place.holdings[leaf])
                break
    return holdings


def _namings(inventory: Inventory, facts: Facts) -> Iterator[tuple[CollectionName, Keeper]]:
    """Yield the collections that something names, each with what does."""
    for name, keeper in facts.named:
        for collection in reached(name, inventory.chains):
            yield collection, keeper
    for name in inventory.chains:
        # What a template searched stands in its output chain for ever.
        if name in facts.selecting or name in facts.of_tickets or Output.of(name):
            continue
        keeper = Keeper(Keeps.CHAIN, name, inventory.address)
        # Below a chain that moves on, only what it selects counts.
        for collection in reached(name, inventory.chains, facts.selecting):
            yield collection, keeper
    for name, holding in inventory.holdings.items():
        if holding.type is CollectionType.TAGGED:
            yield name, Keeper(Keeps.TAGGED, name, inventory.address)


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
    sorting = _Sorting(inventory, uses, facts, unseen, now)
    lines = [*sorting.lines(), *sorting.litter_lines()]
    lines.sort(key=_order_of_line)
    return tuple(lines)


def _order_of_line(line: RetentionLine) -> tuple[str, CollectionName, str]:
    return line.retention.value, line.collection, line.dataset_type or ""


@dataclass(frozen=True)
class _Group:
    """Which datasets one line is of."""

    retention: RetentionClass
    collection: CollectionName
    dataset_type: str | None = None


@dataclass(frozen=True)
class _Sorting:
    """The datasets of one repository, and how they are sorted."""

    inventory: Inventory
    uses: Uses
    facts: Facts
    unseen: tuple[str, ...]
    now: datetime

    @cached_property
    def certifying(self) -> Mapping[str, Sequence[CollectionName]]:
        """CALIBRATION collections by the UUIDs of what they certify.

        One for each certification, those that are searched first.
        """
        by_uuid: dict[str, list[CollectionName]] = {}
        for holding in sorted(self.inventory.holdings.values(), key=self._order):
            if holding.type is not CollectionType.CALIBRATION:
                continue
            for row in holding.rows:
                names = by_uuid.setdefault(row.uuid, [])
                names.append(holding.collection)
        return by_uuid

    def _order(self, holding: Holding) -> tuple[bool, CollectionName]:
        name = holding.collection
        return name not in self.uses.searched, name

    @cached_property
    def runs(self) -> tuple[Holding, ...]:
        """The RUNs, by name."""
        runs: list[Holding] = []
        for _, holding in sorted(self.inventory.holdings.items()):
            if holding.type is CollectionType.RUN:
                runs.append(holding)
        return tuple(runs)

    @cached_property
    def folders_with_defects(self) -> frozenset[CollectionName]:
        """Folders of tickets and tags of which defects are certified."""
        folders: set[CollectionName] = set()
        for run in self.runs:
            output = Output.of(run.collection)
            if output is None:
                continue
            for row in run.rows:
                if row.dataset_type == _DEFECTS and row.uuid in self.certifying:
                    folders.add(output.folder)
        return frozenset(folders)

    @cached_property
    def group_of(self) -> Mapping[str, _Group]:
        """The group of each dataset by UUID; some are of no class."""
        groups: dict[str, _Group] = {}
        for run in self.runs:
            rest = self._class_of_rest(run)
            for row in run.rows:
                certifying = self.certifying.get(row.uuid)
                collection = run.collection
                if certifying:
                    collection = certifying[0]
                if row.uuid in self.uses.selected:
                    group = _Group(RetentionClass.SELECTED, collection)
                elif collection in self.uses.searched:
                    group = _Group(RetentionClass.SHADOWED, collection)
                elif certifying:
                    group = _Group(RetentionClass.UNSEARCHED, collection)
                elif rest is RetentionClass.INTERMEDIATE:
                    group = _Group(rest, collection, row.dataset_type)
                elif rest:
                    group = _Group(rest, collection)
                else:
                    continue
                groups[row.uuid] = group
        return groups

    def _class_of_rest(self, run: Holding) -> RetentionClass | None:
        """Return the class of what a RUN holds and nobody certified."""
        output = Output.of(run.collection)
        if output is None:
            return None
        has_certified = any(row.uuid in self.certifying for row in run.rows)
        if output.product is None or has_certified:
            return RetentionClass.INTERMEDIATE
        if output.product.is_bootstrap and output.folder in self.folders_with_defects:
            return RetentionClass.BOOTSTRAP
        return RetentionClass.UNCERTIFIED

    @cached_property
    def held(self) -> Mapping[CollectionName, frozenset[str]]:
        """UUIDs in each collection."""
        uuids: dict[CollectionName, frozenset[str]] = {}
        for name, holding in self.inventory.holdings.items():
            uuids[name] = frozenset(row.uuid for row in holding.rows)
        return uuids

    @cached_property
    def by_type(self) -> Mapping[tuple[CollectionName, str], set[str]]:
        """UUIDs in each RUN by dataset type."""
        uuids: dict[tuple[CollectionName, str], set[str]] = {}
        for run in self.runs:
            for row in run.rows:
                of_type = uuids.setdefault((run.collection, row.dataset_type), set())
                of_type.add(row.uuid)
        return uuids

    def lines(self) -> Iterator[RetentionLine]:
        """Yield a line for each group of datasets."""
        groups: dict[_Group, list[str]] = {}
        for uuid, group in self.group_of.items():
            groups.setdefault(group, []).append(uuid)
        for group, uuids in groups.items():
            yield self._line(group, uuids)

    def _line(self, group: _Group, uuids: list[str]) -> RetentionLine:
        ticket = self.facts.ticket(group.collection)
        not_before = self._not_before(group.retention, ticket)
        is_early = not_before is not None and self.now.date() < not_before
        keepers = self._keepers(group, uuids, ticket)
        certifications = 0
        for uuid in uuids:
            certifications += len(self.certifying.get(uuid, ()))
        files, size = self._files(uuids)
        return RetentionLine(
            repository=self.inventory.address,
            retention=group.retention,
            collection=group.collection,
            dataset_type=group.dataset_type,
            uuids=tuple(sorted(uuids)),
            certifications=certifications,
            files=files,
            bytes=size,
            ticket=ticket,
            kept=_sorted(keepers),
            unseen=self.unseen,
            not_before=not_before,
            is_early=is_early,
        )

    def _files(self, uuids: Iterable[str]) -> tuple[int, int] | tuple[None, None]:
        """Return how many files datasets are in, and their bytes."""
        if self.inventory.files is None:
            return None, None
        files: set[str] = set()
        size = 0
        for uuid in uuids:
            stored = self.inventory.files.get(uuid)
            if stored is None:
                continue
            size += stored.bytes
            for uri in stored.uris:
                # The members of a zip file are in one file.
                file, _, _ = uri.partition("#")
                files.add(file)
        return len(files), size

    def _keepers(self, group: _Group, uuids: list[str], ticket: TicketKey | None) -> Iterator[Keeper]:
        """Yield why the datasets of a line are kept."""
        if group.retention is RetentionClass.SELECTED:
            return
        yield from self._keepers_of_ticket(group.retention, ticket)
        files = self.inventory.files or {}
        for uuid in uuids:
            yield from self.uses.kept.get(uuid, ())
            if uuid not in files:
                continue
            for uri in files[uuid].uris:
                yield from self._keepers_of_file(uri)
        if not self._touched(group) <= set(uuids):
            yield Keeper(Keeps.WITH_OTHERS, "")

    def _touched(self, group: _Group) -> AbstractSet[str]:
        """Return what would go with the datasets of a line."""
        match group.retention:
            case RetentionClass.SHADOWED:
                return self.held[group.collection]
            case RetentionClass.INTERMEDIATE:
                dataset_type = group.dataset_type or ""
                return self.by_type[group.collection, dataset_type]
            case RetentionClass.BOOTSTRAP | RetentionClass.UNCERTIFIED:
                return self.held[group.collection]
            case RetentionClass.SELECTED | RetentionClass.UNSEARCHED | RetentionClass.LITTER:
                # To remove a collection takes no dataset away.
                return frozenset()

    def _keepers_of_ticket(self, retention: RetentionClass, ticket: TicketKey | None) -> Iterator[Keeper]:
        if ticket is None:
            return
        if ticket in self.facts.keeper_of:
            yield self.facts.keeper_of[ticket]
        is_waiting = ticket in self.facts.adopted and ticket not in self.facts.listed
        if retention is RetentionClass.UNSEARCHED and is_waiting:
            yield Keeper(Keeps.NOT_LISTED, ticket.name)

    def _keepers_of_file(self, uri: str) -> Iterator[Keeper]:
        for address in self.uses.holders.get(uri, frozenset()):
            if address != self.inventory.address:
                yield Keeper(Keeps.USED_ELSEWHERE, "", address)

    def _not_before(self, retention: RetentionClass, ticket: TicketKey | None) -> date | None:
        """Return the day before which a line is not offered, if any."""
        keep = self.facts.keep_intermediates
        if keep is None or ticket is None or retention not in _MADE:
            return None
        adopted = self.facts.adopted.get(ticket)
        if adopted is None:
            return None
        return adopted + keep

    def litter_lines(self) -> Iterator[RetentionLine]:
        """Yield a line for each RUN below whose folder there is litter."""
        by_run: dict[CollectionName, list[LitterFile]] = {}
        for file in self.inventory.litter:
            files_of_run = by_run.setdefault(file.run, [])
            files_of_run.append(file)
        for run, files in by_run.items():
            ticket = self.facts.ticket(run)
            keepers: set[Keeper] = set()
            keepers.update(self._keepers_of_ticket(RetentionClass.LITTER, ticket))
            size = 0
            for file in files:
                size += file.bytes
                keepers.update(self._keepers_of_file(file.uri))
                if self._is_recent(file):
                    keepers.add(Keeper(Keeps.WRITTEN_LATELY, ""))
            paths = sorted(file.uri for file in files)
            yield RetentionLine(
                repository=self.inventory.address,
                retention=RetentionClass.LITTER,
                collection=run,
                dataset_type=None,
                certifications=0,
                files=len(files),
                bytes=size,
                ticket=ticket,
                kept=_sorted(keepers),
                unseen=self.unseen,
                paths=tuple(paths),
            )

    def _is_recent(self, file: LitterFile) -> bool:
        # Where nobody tells when a file was written, it may be new.
        if file.changed is None:
            return True
        return self.now - file.changed < STILL_WRITTEN


def _sorted(keepers: Iterable[Keeper]) -> tuple[Keeper, ...]:
    distinct = sorted(set(keepers), key=lambda keeper: keeper.order)
    return tuple(distinct)

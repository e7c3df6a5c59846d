"""From what people declare to the resources that are to be at each place.

A ticket becomes a bundle in the archive; where a repository is reached by
Rucio, a dataset there and a rule for each RSE; and in every repository of its
instrument that does not skip it, its collections, its ticket chain, and its
place in the declared chains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..errors import Diagnostic, Where
from ..kinds.bundle import Bundle
from ..kinds.chain import Chain
from ..kinds.collection import Collection
from ..kinds.external import External
from ..kinds.rucio_dataset import RucioDataset
from ..kinds.rucio_rule import RucioRule
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Meaning, Written
from ..model.names import ARCHIVE, RUCIO, Address, RepositoryAddress, TicketKey
from ..model.pins import Pin
from ..model.repositories import Rucio
from ..model.resources import Declared, Need
from ..model.rucio import expected_pfn
from ..model.scope import Scope
from ..model.settings import Bundles, RucioSettings
from ..model.tickets import ApprovalStatus, RucioLabel, Ticket

__all__ = ["Unpinned", "adopted", "chains_at", "expand", "places_of"]


@dataclass(frozen=True)
class Unpinned:
    """Why nobody can tell what a ticket holds."""

    reason: str

    refused: bool = False
    """Whether that is a contradiction, and not only a thing to wait for."""

    told: Diagnostic | None = None
    """The line that contradicts, and what to do, where that is known."""


Pins = Mapping[TicketKey, Pin | Unpinned]


def expand(desired: DesiredState, scope: Scope, pins: Pins | None = None) -> tuple[Declared, ...]:
    """Return every declared resource, in the order in which a ticket travels.

    Parameters
    ----------
    desired
        The whole declared state.
    scope
        The part of it that is asked for.
    pins
        What the tickets hold; without them the result says where to look.
    """
    told = pins or {}
    tickets = adopted(desired, scope)
    repositories = [_Repository(desired, scope, told, a) for a in places_of(desired, scope)]
    return (
        *(_bundle(desired, scope, ticket, told) for ticket in tickets),
        *(declared for ticket in tickets for declared in _by_rucio(desired, scope, ticket, told)),
        *(declared for repository in repositories for declared in repository.resources()),
    )


def chains_at(desired: DesiredState, scope: Scope, address: RepositoryAddress) -> tuple[Chain, ...]:
    """Return the chains that are declared for a repository.

    Parameters
    ----------
    desired
        The whole declared state.
    scope
        The part of it that is asked for.
    address
        The repository.
    """
    resources = (declared.resource for declared in _Repository(desired, scope, {}, address).chains())
    return tuple(resource for resource in resources if isinstance(resource, Chain))


def adopted(desired: DesiredState, scope: Scope) -> list[Written[Ticket]]:
    """Return the adopted tickets that are asked for, by name."""
    return [
        ticket
        for key, ticket in sorted(desired.tickets.items())
        if ticket.noun.approval.status is ApprovalStatus.ADOPTED and scope.has_ticket(key)
    ]


def places_of(desired: DesiredState, scope: Scope) -> list[RepositoryAddress]:
    """Return the repositories that are asked for."""
    return [
        address
        for address in desired.repositories
        if scope.has_repository(address)
        and any(scope.has_instrument(i) for i in desired.repository(address)[1].instruments)
    ]


def _bundle(desired: DesiredState, scope: Scope, written: Written[Ticket], pins: Pins) -> Declared:
    ticket = written.noun
    pin = pins.get(ticket.key)
    trouble, refused, told = "", False, None
    if isinstance(pin, Pin):
        trouble = pin.awaits
    elif pin is not None:
        trouble, refused, told = pin.reason, pin.refused, pin.told
    bundle = Bundle(
        _at(ARCHIVE, "bundle", ticket.name),
        ticket.key,
        pin.fingerprint if isinstance(pin, Pin) else None,
        ticket.leaves,
        ticket.collection,
        desired.origin(ticket.instrument),
        desired.settings.noun.bundles is Bundles.BY_REFERENCE,
        pin.content if isinstance(pin, Pin) else None,
        pin.reading if isinstance(pin, Pin) else None,
        trouble,
        refused,
        told,
        sources=_sources(desired, ticket),
        sealed=ticket.key in desired.seals,
        listed=desired.settings.noun.rucio is not None,
        files=scope.files,
        every_byte=scope.every_byte,
    )
    return Declared(bundle, written.lines.at("ticket"))


def _sources(desired: DesiredState, ticket: Ticket) -> tuple[RepositoryAddress, ...]:
    """Return the repositories that should hold a ticket, the origin first."""
    origin = desired.origin(ticket.instrument)
    others = [address for address in desired.with_instrument(ticket.instrument) if address != origin]
    holding = [address for address in others if not desired.skipped(ticket, address)]
    return (origin, *holding) if origin else tuple(holding)


def _by_rucio(
    desired: DesiredState, scope: Scope, written: Written[Ticket], pins: Pins
) -> Iterator[Declared]:
    """Yield what a ticket is in Rucio: a dataset, and a rule for each RSE."""
    settings, rses = desired.settings.noun.rucio, _rses(desired, scope, written.noun)
    if settings is None or not rses:
        return
    pin = pins.get(written.noun.key)
    dataset = _rucio_dataset(desired, settings, written.noun, pin if isinstance(pin, Pin) else None)
    where = written.lines.at("ticket")
    yield Declared(
        replace(dataset, files=scope.files), where, (Need(_at(ARCHIVE, "bundle", written.noun.name)),)
    )
    for rse in rses:
        rule = RucioRule(
            _rule_address(written.noun, rse),
            written.noun.key,
            dataset.scope,
            dataset.dataset,
            rse,
            fingerprint=dataset.fingerprint,
            bytes_digest=dataset.bytes_digest,
            manifest=dataset.manifest,
        )
        yield Declared(rule, where, (Need(dataset.address),))


def _rses(desired: DesiredState, scope: Scope, ticket: Ticket) -> list[str]:
    """Return the RSEs at which repositories await a ticket, sorted.

    Those that are asked for; and all others, where the origin is, since the
    steps in Rucio belong to the site of the origin.
    """
    origin = desired.origin(ticket.instrument)
    at_origin = origin is not None and scope.has_repository(origin)
    found: set[str] = set()
    for address in desired.with_instrument(ticket.instrument):
        rse = desired.rse_of(address)
        asked = scope.has_repository(address) or (at_origin and not scope.leaves_out(address))
        if rse and asked and not desired.skipped(ticket, address):
            found.add(rse)
    return sorted(found)


def _rucio_dataset(
    desired: DesiredState, settings: RucioSettings, ticket: Ticket, pin: Pin | None
) -> RucioDataset:
    label = (ticket.rucio or RucioLabel()).label
    return RucioDataset(
        _at(RUCIO, "rucio_dataset", ticket.name),
        ticket.key,
        settings.scope,
        settings.dataset_of(ticket.instrument, ticket.ticket, label),
        pin.fingerprint if pin else None,
        ticket.leaves,
        desired.origin(ticket.instrument),
        expected_pfn(settings, "FILE") if settings.rse_root is not None else None,
        names=settings.names,
        bytes_digest=pin.content if pin else None,
        manifest=pin.manifest if pin else None,
    )


def _rule_address(ticket: Ticket, rse: str) -> Address:
    return _at(RUCIO, "rucio_rule", f"{ticket.name}/{rse}")


def _at(place: str, kind: str, name: str) -> Address:
    return Address(place=place, kind=kind, name=name)


@dataclass(frozen=True)
class _Repository:
    """What is declared for one repository."""

    desired: DesiredState
    scope: Scope
    pins: Pins
    address: RepositoryAddress

    def _tickets(self) -> Iterator[Written[Ticket]]:
        instruments = self.desired.repository(self.address)[1].instruments
        for written in adopted(self.desired, self.scope):
            if written.noun.instrument in instruments and not self._skipped(written.noun):
                yield written

    def _skipped(self, ticket: Ticket) -> str | None:
        return self.desired.skipped(ticket, self.address)

    def _pin(self, ticket: Ticket) -> Pin | None:
        pin = self.pins.get(ticket.key)
        return pin if isinstance(pin, Pin) else None

    def _why_unknown(self, ticket: Ticket) -> str:
        """Return why nobody can tell what a ticket holds, if that passes."""
        pin = self.pins.get(ticket.key)
        return pin.reason if isinstance(pin, Unpinned) and not pin.refused else ""

    def _at(self, kind: str, name: str) -> Address:
        return _at(self.address, kind, name)

    def resources(self) -> Iterator[Declared]:
        """Yield what is declared here, in travelling order."""
        yield from self.collections()
        yield from self.externals()
        yield from self.chains()

    def collections(self) -> Iterator[Declared]:
        site, _ = self.desired.repository(self.address)
        route = site.route_of(self.address.partition("/")[2])
        for written in self._tickets():
            ticket = written.noun
            collection = Collection(
                self._at("collection", ticket.name),
                ticket.leaves,
                self._pin(ticket),
                self._why_unknown(ticket),
                prefix=route.prefix if isinstance(route, Rucio) else None,
                files=self.scope.files,
                entrances=ticket.children if self._is_listed(ticket) else (),
            )
            needs = [Need(_at(ARCHIVE, "bundle", ticket.name))]
            needs += [Need(_rule_address(ticket, route.rse))] if isinstance(route, Rucio) else []
            yield Declared(collection, written.lines.at("ticket"), tuple(needs))

    def externals(self) -> Iterator[Declared]:
        for chain in self._declared_chains():
            for index, entry in enumerate(chain.noun.entries):
                if isinstance(entry, ExternalEntry) and self.desired.expects(entry.only, self.address):
                    external = External(self._at("external", entry.external))
                    yield Declared(external, chain.lines.at("entries", index))

    def chains(self) -> Iterator[Declared]:
        for written in self._tickets():
            if written.noun.collection:
                yield self._ticket_chain(written, written.noun.collection)
        yield from (self._declared_chain(chain) for chain in self._declared_chains())

    def _ticket_chain(self, written: Written[Ticket], name: str) -> Declared:
        ticket = written.noun
        pin = self._pin(ticket)
        content = {leaf: {leaf: fp} for leaf, fp in pin.fingerprints.items()} if pin else {}
        chain = Chain(self._at("chain", name), ticket.leaves, content=content, held_here=self._held_here)
        needs = (Need(self._at("collection", ticket.name)), *self._needs_of_origin(ticket))
        return Declared(chain, written.lines.at("collections"), needs)

    def _needs_of_origin(self, ticket: Ticket, child: str | None = None) -> Iterator[Need]:
        """Yield what a chain of the origin needs to search a ticket.

        The origin has the collections before anybody else.  What cannot be
        exported, such as a file that was cut off, should not be searched
        there either.  An archive that is away keeps nothing from a site.
        """
        if self.desired.origin(ticket.instrument) == self.address:
            yield Need(_at(ARCHIVE, "bundle", ticket.name), child, if_seen=True)

    def _declared_chains(self) -> Iterator[Written[ChainFile]]:
        """Yield the chains of the repository, children before parents."""
        done: set[str] = set()

        def visit(chain: Written[ChainFile]) -> Iterator[Written[ChainFile]]:
            if chain.noun.chain in done or not self._has(chain.noun):
                return
            done.add(chain.noun.chain)
            for entry in chain.noun.entries:
                meaning = self._meaning(entry, chain.noun)
                if meaning and meaning.chain:
                    yield from visit(meaning.chain)
            yield chain

        for _, chain in sorted(self.desired.chains.items()):
            if self.scope.has_instrument(chain.noun.instrument):
                yield from visit(chain)

    def _has(self, chain: ChainFile) -> bool:
        return self.desired.has_chain(self.address, chain)

    def _meaning(self, entry: str | ExternalEntry, chain: ChainFile) -> Meaning | None:
        return self.desired.meaning(entry, chain.instrument) if isinstance(entry, str) else None

    def _is_listed(self, ticket: Ticket) -> bool:
        return ticket.key in self._listed

    @cached_property
    def _listed(self) -> frozenset[TicketKey]:
        meanings = (
            self._meaning(entry, chain.noun)
            for chain in self._declared_chains()
            for entry in chain.noun.entries
        )
        return frozenset(m.ticket.noun.key for m in meanings if m and m.ticket)

    @cached_property
    def _listed_by(self) -> Mapping[str, str]:
        """Return the ticket that lists a collection, by collection."""
        tickets = [written.noun for _, written in sorted(self.desired.tickets.items())]
        return {leaf: ticket.ticket for ticket in tickets for leaf in ticket.leaves}

    @cached_property
    def _held_here(self) -> Mapping[str, Mapping[str, str]]:
        """What each collection of the tickets here holds, by ticket."""
        pins = {written.noun.name: self._pin(written.noun) for written in self._tickets()}
        return {name: pin.fingerprints for name, pin in pins.items() if pin}

    def _declared_chain(self, written: Written[ChainFile]) -> Declared:
        draft = _ChainDraft()
        for index, entry in enumerate(written.noun.entries):
            self._draw(entry, written, written.lines.at("entries", index), draft)
        for word, reason in written.noun.retired.items():
            self._retire(word, reason, written.noun, draft)
        chain = Chain(
            self._at("chain", written.noun.chain),
            tuple(draft.children),
            draft.unwanted,
            frozenset(draft.unspoken),
            draft.content,
            self._listed_by,
            held_here=self._held_here,
        )
        return Declared(chain, written.lines.at("chain"), tuple(draft.needs), draft.lines)

    def _draw(
        self, entry: str | ExternalEntry, chain: Written[ChainFile], where: Where, draft: _ChainDraft
    ) -> None:
        """Add to a chain's draft what one of its entries means here."""
        if isinstance(entry, ExternalEntry):
            if self.desired.expects(entry.only, self.address):
                draft.add(entry.external, where, self._at("external", entry.external))
            return
        meaning = self._meaning(entry, chain.noun)
        if meaning is None:
            return  # The cross-check refuses a tree with such an entry.
        if meaning.chain:
            if self._has(meaning.chain.noun):
                draft.add(entry, where, self._at("chain", entry))
        elif meaning.ticket is None:
            return
        elif reason := self._skipped(meaning.ticket.noun):
            draft.take_out(meaning.children, f"skipped here: {reason}")
        else:
            self._draw_ticket(meaning.ticket.noun, meaning.children, where, draft)

    def _draw_ticket(
        self, ticket: Ticket, children: tuple[str, ...], where: Where, draft: _ChainDraft
    ) -> None:
        needs = [self._at("collection", ticket.name)]
        if ticket.collection:
            needs.append(self._at("chain", ticket.collection))
        if not self.scope.has_ticket(ticket.key):
            draft.unspoken.update(children)
        fingerprints = pin.fingerprints if (pin := self._pin(ticket)) else {}
        for child in children:
            draft.add(child, where, *needs)
            draft.needs.extend(self._needs_of_origin(ticket, child))
            draft.content[child] = {
                leaf: fp for leaf, fp in fingerprints.items() if ticket.collection or leaf == child
            }

    def _retire(self, word: str, reason: str, chain: ChainFile, draft: _ChainDraft) -> None:
        meaning = self.desired.meaning(word, chain.instrument)
        children = meaning.children if meaning else (word,)
        if meaning and meaning.ticket and not self.scope.has_ticket(meaning.ticket.noun.key):
            draft.unspoken.update(children)
        else:
            draft.take_out(children, f"retired: {reason}")


@dataclass
class _ChainDraft:
    """A chain while it is put together."""

    children: list[str] = field(default_factory=list)
    unwanted: dict[str, str] = field(default_factory=dict)
    unspoken: set[str] = field(default_factory=set)
    content: dict[str, dict[str, str]] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    lines: dict[str, Where] = field(default_factory=dict)

    def add(self, child: str, where: Where, *needs: Address) -> None:
        self.children.append(child)
        self.lines[child] = where
        self.needs.extend(Need(address, child) for address in needs)

    def take_out(self, children: tuple[str, ...], reason: str) -> None:
        self.unwanted.update(dict.fromkeys(children, reason))

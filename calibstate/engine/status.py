"""Tell how each ticket stands at each repository.

Nothing is compared here: what a plan found to be drift is laid beside what is
declared.  All drift stands in a cell, or beside the tables if it is of no
repository.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..kinds.bundle import Bundle
from ..kinds.chain import Chain
from ..model.chains import ChainFile, ExternalEntry, moved
from ..model.contents import CollectionType
from ..model.desired import DesiredState, Written
from ..model.drift import Drift, What
from ..model.names import ARCHIVE, RUCIO, Address, InstrumentName, RepositoryAddress
from ..model.plans import Plan
from ..model.status import Cell, Column, Row, State, Status, Subject, Table
from ..model.tickets import ApprovalStatus, Ticket
from .expand import places_of
from .observe import View

__all__ = ["status"]

_AS_DRIFT = {
    What.MISSING: State.MISSING,
    What.CHANGED: State.CHANGED,
    What.MISORDERED: State.MISORDERED,
    What.UNWANTED: State.UNWANTED,
    What.EXTRA: State.EXTRA,
    What.UNREACHABLE: State.UNREACHABLE,
    What.PENDING: State.PENDING,
}

_NOT_ADOPTED = {
    ApprovalStatus.PROPOSED: State.PROPOSED,
    ApprovalStatus.FLAGGED: State.FLAGGED,
    ApprovalStatus.REJECTED: State.REJECTED,
}

_STOPPED = {State.MISSING, State.NOT_SEARCHED, State.PENDING, State.ON_HOLD}
"""What may be so because something is refused."""


def status(view: View, plan: Plan) -> Status:
    """Return how it stands with all that is asked for.

    Parameters
    ----------
    view
        What is declared and what was seen.
    plan
        What follows from that; its drift is what is told.
    """
    desired, scope = view.desired, view.scope
    places = places_of(desired, scope)
    instruments = sorted({i for a in places for i in desired.repository(a)[1].instruments})
    tables = [_Table(view, plan, i).table() for i in instruments if scope.has_instrument(i)]
    beside = tuple(drift for drift in plan.drift if drift.target.place not in places)
    return Status(tables=tuple(tables), beside=beside, unseen=plan.unseen)


@dataclass(frozen=True)
class _Key:
    """What a row is about."""

    subject: Subject
    name: str
    """The ticket without its instrument; else the collection."""


@dataclass(frozen=True)
class _Table:
    """The table of one instrument, while it is put together."""

    view: View
    plan: Plan
    instrument: InstrumentName
    drift: dict[tuple[_Key, RepositoryAddress], list[Drift]] = field(default_factory=dict)

    @property
    def desired(self) -> DesiredState:
        return self.view.desired

    def table(self) -> Table:
        """Return the whole of it."""
        for found in self.plan.drift:
            for key in self._about(found):
                self.drift.setdefault((key, found.target.place), []).append(found)
        columns = (
            Column(
                repository=address,
                hold=hold.reason if (hold := self.desired.hold_of(address)) else None,
                unreachable=drift.detail if (drift := self.unseen.get(address)) else None,
            )
            for address in self.places
        )
        return Table(instrument=self.instrument, columns=tuple(columns), rows=tuple(self._rows()))

    @cached_property
    def places(self) -> list[RepositoryAddress]:
        asked = places_of(self.desired, self.view.scope)
        return [a for a in asked if self.instrument in self.desired.repository(a)[1].instruments]

    @cached_property
    def unseen(self) -> Mapping[RepositoryAddress, Drift]:
        return {d.target.place: d for d in self.plan.drift if d.what is What.UNREACHABLE}

    @cached_property
    def chains(self) -> list[Written[ChainFile]]:
        """The instrument's chains, that of its calibrations first."""
        ours = self.desired.chains_of(self.instrument)
        return sorted(ours, key=lambda chain: chain.noun.chain != f"{self.instrument}/calib")

    @cached_property
    def declared(self) -> Mapping[RepositoryAddress, Mapping[str, Chain]]:
        """The instrument's chains as they are to be, by place and name."""
        found: dict[str, dict[str, Chain]] = defaultdict(dict)
        names = {chain.noun.chain for chain in self.chains}
        for declared in self.view.declared:
            if isinstance(chain := declared.resource, Chain) and chain.address.name in names:
                found[chain.address.place][chain.address.name] = chain
        return found

    @cached_property
    def tickets(self) -> Mapping[str, Written[Ticket]]:
        """The tickets that are asked for, by name."""
        ours = self.desired.tickets_of(self.instrument)
        return {t.noun.ticket: t for t in ours if self.view.scope.has_ticket(t.noun.key)}

    @cached_property
    def owners(self) -> Mapping[tuple[str, str], Ticket]:
        """Whose collections and own chain a kind and a name are."""
        tickets = [written.noun for written in self.tickets.values()]
        return {
            **{("collection", ticket.name): ticket for ticket in tickets},
            **{("chain", ticket.collection): ticket for ticket in tickets if ticket.collection},
        }

    @cached_property
    def listed(self) -> Mapping[str, Mapping[_Key, None]]:
        """What the entries of each chain name, in their order."""
        return {chain.noun.chain: dict.fromkeys(self._entries(chain.noun)) for chain in self.chains}

    def _entries(self, chain: ChainFile) -> Iterator[_Key]:
        for entry in chain.entries:
            if isinstance(entry, ExternalEntry):
                yield _Key(Subject.EXTERNAL, entry.external)
            elif meaning := self.desired.meaning(entry, self.instrument):
                yield _key(meaning.ticket.noun) if meaning.ticket else _Key(Subject.CHAIN, entry)

    @cached_property
    def unpinned(self) -> Mapping[str, Bundle]:
        """Tickets of which nobody can tell what they hold, by name."""
        bundles = (d.resource for d in self.view.declared if isinstance(d.resource, Bundle))
        unknown = (b for b in bundles if b.trouble and b.fingerprint is None)
        return {b.ticket[1]: b for b in unknown if b.ticket[0] == self.instrument}

    @cached_property
    def refused(self) -> Mapping[Address, str]:
        return {refusal.target: refusal.reason for refusal in self.plan.refused}

    @cached_property
    def externals(self) -> list[str]:
        entries = [entry for chain in self.chains for entry in chain.noun.entries]
        return list(dict.fromkeys(e.external for e in entries if isinstance(e, ExternalEntry)))

    @cached_property
    def retired(self) -> list[str]:
        """Collections that are retired and belong to no ticket."""
        words = dict.fromkeys(word for chain in self.chains for word in chain.noun.retired)
        return [word for word in words if self.desired.meaning(word, self.instrument) is None]

    @cached_property
    def by_child(self) -> Mapping[str, _Key]:
        """What a child of a chain is."""
        return {
            **{name: _Key(Subject.COLLECTION, name) for name in self.retired},
            **{name: _Key(Subject.EXTERNAL, name) for name in self.externals},
            **{chain.noun.chain: _Key(Subject.CHAIN, chain.noun.chain) for chain in self.chains},
            **{child: _key(t.noun) for t in self.tickets.values() for child in t.noun.children},
        }

    # --- whose drift it is ---

    def _about(self, drift: Drift) -> Iterator[_Key]:
        """Yield the rows that drift at one of our repositories belongs to."""
        if drift.target.place not in self.places:
            return
        kind, name = drift.target.kind, drift.target.name
        owner = self.owners.get((kind, name))
        if kind == "chain" and name in self.declared[drift.target.place]:
            yield from self._in_chain(drift, self.declared[drift.target.place][name])
        elif owner and drift.what is What.EXTRA:
            # What somebody else put into a ticket's own chain.
            yield _Key(Subject.COLLECTION, drift.subject)
        elif owner:
            yield _key(owner)
        elif kind == "external" and name in self.externals:
            yield _Key(Subject.EXTERNAL, name)

    def _in_chain(self, drift: Drift, chain: Chain) -> Iterator[_Key]:
        if drift.subject != chain.address.name:
            yield self.by_child.get(drift.subject, _Key(Subject.COLLECTION, drift.subject))
            return
        yield _Key(Subject.CHAIN, drift.subject)
        live = self.view.observed[chain.address].resource
        if isinstance(live, Chain) and live.type is CollectionType.CHAINED:
            children = moved(live.children, chain.children)
        else:
            children = chain.children
        concerned = (self.by_child.get(child) for child in children)
        yield from dict.fromkeys(key for key in concerned if key and key.subject is not Subject.CHAIN)

    # --- the rows ---

    def _rows(self) -> Iterator[Row]:
        for ticket in self._in_search_order():
            yield self._row(
                _key(ticket), (self._ticket_cell(ticket, a) for a in self.places), ticket.approval.status
            )
        for name in self.externals:
            key = _Key(Subject.EXTERNAL, name)
            yield self._row(key, (self._external_cell(key, a) for a in self.places))
        told = dict.fromkeys(key for key, _ in self.drift)
        chains = [_Key(Subject.CHAIN, chain.noun.chain) for chain in self.chains]
        for key in chains:
            if key in told or any(self._is_refused(key.name, a) for a in self.places):
                yield self._row(key, (self._chain_cell(key, a) for a in self.places))
        retired = (_Key(Subject.COLLECTION, name) for name in self.retired)
        others = sorted((k for k in told if k.subject is Subject.COLLECTION), key=lambda key: key.name)
        for key in dict.fromkeys((*retired, *others)):
            yield self._row(key, (self._collection_cell(key, a) for a in self.places))

    def _row(self, key: _Key, cells: Iterable[Cell], approval: ApprovalStatus | None = None) -> Row:
        return Row(
            name=key.name,
            subject=key.subject,
            approval=approval,
            chains=tuple(name for name, listed in self.listed.items() if key in listed),
            cells=tuple(cells),
        )

    def _in_search_order(self) -> list[Ticket]:
        """Return the tickets: listed ones, others, and retired ones."""
        keys = (key for listed in self.listed.values() for key in listed)
        listed = dict.fromkeys(key.name for key in keys if key.subject is Subject.TICKET)
        words = [word for chain in self.chains for word in chain.noun.retired]
        retired = dict.fromkeys(
            m.ticket.noun.ticket
            for word in words
            if (m := self.desired.meaning(word, self.instrument)) and m.ticket
        )
        others = [name for name in self.tickets if name not in listed and name not in retired]
        ordered = dict.fromkeys((*listed, *others, *retired))
        return [self.tickets[name].noun for name in ordered if name in self.tickets]

    # --- the cells ---

    def _ticket_cell(self, ticket: Ticket, address: RepositoryAddress) -> Cell:
        key = _key(ticket)
        if cell := self._unseen(address):
            return cell
        reasons = self._departures(key, address)
        skipped = self.desired.skipped(ticket, address)
        adopted = ticket.approval.status is ApprovalStatus.ADOPTED
        if adopted and skipped is None:
            if bundle := self.unpinned.get(ticket.ticket):
                reasons.setdefault(State.REFUSED if bundle.refused else State.PENDING, bundle.trouble)
            refusals = (self.refused.get(target) for target in self._stations(ticket, address))
            refusal = next((reason for reason in refusals if reason), None)
            if refusal and _STOPPED & reasons.keys():
                reasons[State.REFUSED] = refusal
        if reasons:
            return self._cell(key, address, reasons)
        if not adopted:
            return Cell(repository=address, state=_NOT_ADOPTED[ticket.approval.status])
        if skipped is not None:
            return Cell(repository=address, state=State.SKIPPED, reason=skipped)
        return self._as_declared(ticket, address)

    def _as_declared(self, ticket: Ticket, address: RepositoryAddress) -> Cell:
        chains = self.declared[address].values()
        if any(child in chain.children for chain in chains for child in ticket.children):
            return Cell(repository=address, state=State.SEARCHED)
        words = {ticket.ticket, *ticket.children}
        ours = (self.desired.chains[name].noun for name in self.declared[address])
        reasons = (reason for chain in ours for word, reason in chain.retired.items() if word in words)
        if (reason := next(reasons, None)) is not None:
            return Cell(repository=address, state=State.RETIRED, reason=reason)
        return Cell(repository=address, state=State.THERE)

    def _external_cell(self, key: _Key, address: RepositoryAddress) -> Cell:
        if cell := self._unseen(address):
            return cell
        if reasons := self._departures(key, address):
            return self._cell(key, address, reasons)
        expected = any(key.name in chain.children for chain in self.declared[address].values())
        return Cell(repository=address, state=State.EXTERNAL if expected else State.ELSEWHERE)

    def _chain_cell(self, key: _Key, address: RepositoryAddress) -> Cell:
        if cell := self._unseen(address):
            return cell
        reasons = self._departures(key, address)
        if refusal := self._is_refused(key.name, address):
            reasons[State.REFUSED] = refusal
        if reasons:
            return self._cell(key, address, reasons)
        chains = self.declared[address]
        if key.name not in chains:
            return Cell(repository=address, state=State.ELSEWHERE)
        inside = any(key.name in chain.children for chain in chains.values())
        return Cell(repository=address, state=State.SEARCHED if inside else State.THERE)

    def _collection_cell(self, key: _Key, address: RepositoryAddress) -> Cell:
        if cell := self._unseen(address):
            return cell
        if reasons := self._departures(key, address):
            return self._cell(key, address, reasons)
        ours = (self.desired.chains[name].noun for name in self.declared[address])
        reason = next((chain.retired[key.name] for chain in ours if key.name in chain.retired), None)
        state = State.ELSEWHERE if reason is None else State.RETIRED
        return Cell(repository=address, state=state, reason=reason or "")

    def _cell(self, key: _Key, address: RepositoryAddress, reasons: Mapping[State, str]) -> Cell:
        state = State.gravest(reasons)
        assert state, "there is a reason"
        drift = tuple(self.drift.get((key, address), ()))
        return Cell(repository=address, state=state, reason=reasons[state], drift=drift)

    def _unseen(self, address: RepositoryAddress) -> Cell | None:
        """Return what can be told of a place that says nothing."""
        drift = self.unseen.get(address)
        if drift is None:
            return None
        return Cell(repository=address, state=State.UNREACHABLE, reason=drift.detail, drift=(drift,))

    def _departures(self, key: _Key, address: RepositoryAddress) -> dict[State, str]:
        """Return what drift comes to, each state with its first reason."""
        found: dict[State, str] = {}
        for drift in self.drift.get((key, address), ()):
            found.setdefault(self._state(drift, key), drift.detail)
        return found

    def _is_held(self, drift: Drift, key: _Key) -> bool:
        """Say whether a repository, a chain or a ticket is left as it is."""
        chain = self.desired.hold_of_chain(drift.target.name) if drift.target.kind == "chain" else None
        ticket = (
            self.desired.hold_of_ticket((self.instrument, key.name))
            if key.subject is Subject.TICKET
            else None
        )
        return bool(self.desired.hold_of(drift.target.place) or chain or ticket)

    def _state(self, drift: Drift, key: _Key) -> State:
        if drift.what is What.PENDING and self._is_held(drift, key):
            return State.ON_HOLD
        in_ours = drift.target.kind == "chain" and drift.target.name in self.desired.chains
        itself = key == _Key(Subject.CHAIN, drift.target.name)
        if in_ours and not itself and drift.what in {What.MISSING, What.CHANGED}:
            # What is not here at all has other drift that says so.
            return State.NOT_SEARCHED
        return _AS_DRIFT[drift.what]

    def _is_refused(self, chain: str, address: RepositoryAddress) -> str | None:
        return self.refused.get(Address(place=address, kind="chain", name=chain))

    def _stations(self, ticket: Ticket, address: RepositoryAddress) -> Iterator[Address]:
        """Yield what a ticket is on its way to a repository."""
        yield Address(place=ARCHIVE, kind="bundle", name=ticket.name)
        yield Address(place=RUCIO, kind="rucio_dataset", name=ticket.name)
        if rse := self.desired.rse_of(address):
            yield Address(place=RUCIO, kind="rucio_rule", name=f"{ticket.name}/{rse}")
        yield Address(place=address, kind="collection", name=ticket.name)
        if ticket.collection:
            yield Address(place=address, kind="chain", name=ticket.collection)


def _key(ticket: Ticket) -> _Key:
    return _Key(Subject.TICKET, ticket.ticket)

"""Say how each ticket stands at each repository.

Nothing is compared here: what a plan says is drift is laid beside what is
declared.  All drift stands in a cell, or beside the tables if it is of no
repository or belongs to no row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..engine.expand import places_of
from ..engine.observe import View
from ..kinds.bundle import Bundle
from ..kinds.chain import Chain
from ..kinds.registry import KINDS
from ..kinds.rows import TableRows
from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import Address, InstrumentName, Place, RepositoryAddress, TicketKey
from ..model.plans import Plan
from ..model.reasons import Reason
from ..model.resources import Resource
from ..model.status import Cell, Column, Row, RowKey, State, Status, Subject, Table
from ..model.tickets import ApprovalStatus, Ticket

__all__ = ["status"]

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
        What follows from that; its drift is what is shown.
    """
    desired, scope = view.desired, view.scope
    places = places_of(desired, scope)
    instruments: set[InstrumentName] = set()
    for address in places:
        _, repository = desired.repository(address)
        instruments.update(repository.instruments)
    tables = []
    # Drift with the same content may stand there twice: each counts.
    in_cells = set()
    for instrument in sorted(instruments):
        if not scope.has_instrument(instrument):
            continue
        builder = _TableBuilder(view, plan, instrument)
        tables.append(builder.table())
        for drift in builder.drift_in_rows:
            in_cells.add(id(drift))
    # A place that says nothing is unreachable in each of its cells.
    unreachable = set()
    for drift in plan.drift:
        if drift.what is What.UNREACHABLE and drift.target.place in places:
            unreachable.add(drift.target.place)
    beside = []
    for drift in plan.drift:
        if id(drift) not in in_cells and drift.target.place not in unreachable:
            beside.append(drift)
    return Status(
        tables=tuple(tables),
        beside=tuple(beside),
        unseen=plan.unseen,
    )


@dataclass(frozen=True)
class _TableBuilder:
    """Lays the drift of one instrument into rows and columns."""

    view: View
    plan: Plan
    instrument: InstrumentName

    drift: dict[tuple[RowKey, RepositoryAddress], list[Drift]] = field(init=False)
    """Drift of each cell."""

    def __post_init__(self) -> None:
        cells: dict[tuple[RowKey, RepositoryAddress], list[Drift]] = {}
        for drift in self.plan.drift:
            for row in self.rows_about(drift):
                cell = cells.setdefault((row, drift.target.place), [])
                cell.append(drift)
        object.__setattr__(self, "drift", cells)

    @property
    def desired(self) -> DesiredState:
        return self.view.desired

    @property
    def drift_in_rows(self) -> Iterator[Drift]:
        """Yield the drift that stands in a cell."""
        for cell in self.drift.values():
            yield from cell

    def table(self) -> Table:
        """Return the whole of it."""
        columns = []
        for address in self.places:
            hold = self.desired.hold_of(address)
            drift = self.unseen.get(address)
            columns.append(
                Column(
                    repository=address,
                    hold=hold.reason if hold else None,
                    unreachable=drift.detail if drift else None,
                )
            )
        return Table(instrument=self.instrument, columns=tuple(columns), rows=tuple(self.rows()))

    @cached_property
    def names(self) -> TableRows:
        return TableRows(self.desired, self.view.scope, self.instrument)

    @cached_property
    def places(self) -> list[RepositoryAddress]:
        having = []
        for address in places_of(self.desired, self.view.scope):
            _, repository = self.desired.repository(address)
            if self.instrument in repository.instruments:
                having.append(address)
        return having

    @cached_property
    def unseen(self) -> Mapping[RepositoryAddress, Drift]:
        by_place = {}
        for drift in self.plan.drift:
            if drift.what is What.UNREACHABLE:
                by_place[drift.target.place] = drift
        return by_place

    @cached_property
    def declared(self) -> Mapping[Address, Resource]:
        """Resources as they are to be."""
        return {declared.address: declared.resource for declared in self.view.declared}

    @cached_property
    def chains(self) -> Mapping[RepositoryAddress, Mapping[str, Chain]]:
        """The instrument's chains as they are to be, by place and name."""
        by_place: dict[Place, dict[str, Chain]] = defaultdict(dict)
        for chain in Chain.among(self.declared.values()):
            address = chain.address
            if address.name in self.names.chain_names:
                by_place[address.place][address.name] = chain
        return by_place

    @cached_property
    def unpinned(self) -> Mapping[str, Reason]:
        """Why nobody can tell what tickets hold, by name."""
        reasons = {}
        for bundle in Bundle.among(self.declared.values()):
            instrument, ticket = bundle.ticket
            if instrument == self.instrument and bundle.trouble and bundle.fingerprint is None:
                reasons[ticket] = bundle.trouble
        return reasons

    @cached_property
    def refused(self) -> Mapping[Address, str]:
        return {refusal.target: refusal.reason for refusal in self.plan.refused}

    # --- whose drift it is ---

    def rows_about(self, drift: Drift) -> Iterator[RowKey]:
        """Yield the rows that drift at one of our repositories belongs to."""
        # A kind knows in which rows its drift stands; others have no row.
        kind = KINDS.get(drift.target.kind)
        if kind is None or drift.target.place not in self.places:
            return
        declared = self.declared.get(drift.target)
        observed = self.view.observed.get(drift.target)
        live = observed.resource if observed else None
        yield from kind.rows(drift, self.names, declared, live)

    # --- the rows ---

    def rows(self) -> Iterator[Row]:
        """Yield tickets, what others make, chains with drift, and the rest."""
        for ticket in self.names.tickets_in_search_order:
            cells = [self.ticket_cell(ticket, address) for address in self.places]
            yield self.row(RowKey.of(ticket), cells, ticket.approval.status)
        for name in self.names.externals:
            key = RowKey(Subject.EXTERNAL, name)
            cells = [self.external_cell(key, address) for address in self.places]
            yield self.row(key, cells)
        with_drift = [key for key, _ in self.drift]
        for chain in self.names.chains:
            key = RowKey(Subject.CHAIN, chain.noun.chain)
            # A chain that is as declared goes without saying.
            if key in with_drift or self.is_refused_somewhere(key.name):
                cells = [self.chain_cell(key, address) for address in self.places]
                yield self.row(key, cells)
        # What no file lists comes last: collections, then declared resources.
        unlisted = []
        for key in dict.fromkeys(with_drift):
            if key.subject in {Subject.COLLECTION, Subject.RESOURCE}:
                unlisted.append(key)
        unlisted.sort(key=lambda key: (key.subject is Subject.RESOURCE, key.name))
        others = [RowKey(Subject.COLLECTION, name) for name in self.names.retired]
        others += unlisted
        for key in dict.fromkeys(others):
            cells = [self.other_cell(key, address) for address in self.places]
            yield self.row(key, cells)

    def is_refused_somewhere(self, chain: str) -> bool:
        return any(self.why_refused(chain, address) for address in self.places)

    def row(self, key: RowKey, cells: Sequence[Cell], approval: ApprovalStatus | None = None) -> Row:
        chains = []
        for name, listed in self.names.listed.items():
            if key in listed:
                chains.append(name)
        return Row(
            name=key.name,
            subject=key.subject,
            approval=approval,
            chains=tuple(chains),
            cells=tuple(cells),
        )

    # --- the cells ---

    def ticket_cell(self, ticket: Ticket, address: RepositoryAddress) -> Cell:
        key = RowKey.of(ticket)
        if cell := self.unseen_cell(address):
            return cell
        reasons = self.departures(key, address)
        skipped = self.desired.skipped(ticket, address)
        adopted = ticket.approval.status is ApprovalStatus.ADOPTED
        # Only what is to be there can be refused there.
        if adopted and skipped is None:
            if trouble := self.unpinned.get(ticket.ticket):
                state = State.REFUSED if trouble.is_refused else State.PENDING
                reasons.setdefault(state, trouble.detail)
            refusal = self.refusal(ticket, address)
            if refusal and _STOPPED & reasons.keys():
                reasons[State.REFUSED] = refusal
        if reasons:
            return self.cell(key, address, reasons)
        if not adopted:
            return Cell(repository=address, state=_NOT_ADOPTED[ticket.approval.status])
        if skipped is not None:
            return Cell(repository=address, state=State.SKIPPED, reason=skipped)
        return self.as_declared(ticket, address)

    def as_declared(self, ticket: Ticket, address: RepositoryAddress) -> Cell:
        chains = self.chains[address].values()
        for chain in chains:
            if not set(ticket.children).isdisjoint(chain.children):
                return Cell(repository=address, state=State.SEARCHED)
        reason = self.why_retired(address, {ticket.ticket, *ticket.children})
        if reason is not None:
            return Cell(repository=address, state=State.RETIRED, reason=reason)
        return Cell(repository=address, state=State.THERE)

    def external_cell(self, key: RowKey, address: RepositoryAddress) -> Cell:
        if cell := self.unseen_cell(address):
            return cell
        if reasons := self.departures(key, address):
            return self.cell(key, address, reasons)
        state = State.ELSEWHERE
        if self.is_child(key.name, address):
            state = State.EXTERNAL
        return Cell(repository=address, state=state)

    def chain_cell(self, key: RowKey, address: RepositoryAddress) -> Cell:
        if cell := self.unseen_cell(address):
            return cell
        reasons = self.departures(key, address)
        if refusal := self.why_refused(key.name, address):
            reasons[State.REFUSED] = refusal
        if reasons:
            return self.cell(key, address, reasons)
        state = State.THERE
        if key.name not in self.chains[address]:
            state = State.ELSEWHERE
        elif self.is_child(key.name, address):
            state = State.SEARCHED
        return Cell(repository=address, state=state)

    def is_child(self, name: str, address: RepositoryAddress) -> bool:
        """Say whether a chain is to search something at a repository."""
        return any(name in chain.children for chain in self.chains[address].values())

    def other_cell(self, key: RowKey, address: RepositoryAddress) -> Cell:
        """Return the cell of what is no ticket, no chain, and not others'."""
        if cell := self.unseen_cell(address):
            return cell
        if reasons := self.departures(key, address):
            return self.cell(key, address, reasons)
        if key.subject is Subject.RESOURCE and self.is_declared(key.name, address):
            return Cell(repository=address, state=State.THERE)
        reason = self.why_retired(address, {key.name})
        state = State.ELSEWHERE if reason is None else State.RETIRED
        return Cell(repository=address, state=state, reason=reason or "")

    def is_declared(self, name: str, address: RepositoryAddress) -> bool:
        return any(target.place == address and target.name == name for target in self.declared)

    def why_retired(self, address: RepositoryAddress, words: Iterable[str]) -> str | None:
        """Return why a chain of a repository has retired one of some words."""
        wanted = set(words)
        for name in self.chains[address]:
            for word, reason in self.desired.chains[name].noun.retired.items():
                if word in wanted:
                    return reason
        return None

    def cell(self, key: RowKey, address: RepositoryAddress, reasons: Mapping[State, str]) -> Cell:
        """Return the cell of what is not as declared: the gravest counts."""
        # What is less grave is among the drift of the cell.
        state = State.gravest(reasons)
        assert state, "there is a reason"
        drift = self.drift.get((key, address), ())
        return Cell(
            repository=address,
            state=state,
            reason=reasons[state],
            drift=tuple(drift),
        )

    def unseen_cell(self, address: RepositoryAddress) -> Cell | None:
        """Return the cell of a place that says nothing."""
        drift = self.unseen.get(address)
        if drift is None:
            return None
        return Cell(
            repository=address,
            state=State.UNREACHABLE,
            reason=drift.detail,
            drift=(drift,),
        )

    def departures(self, key: RowKey, address: RepositoryAddress) -> dict[State, str]:
        """Return what drift comes to, each state with its first reason."""
        reasons: dict[State, str] = {}
        for drift in self.drift.get((key, address), ()):
            reasons.setdefault(self.state_of(drift, key), drift.detail)
        return reasons

    def state_of(self, drift: Drift, key: RowKey) -> State:
        if drift.what is What.PENDING and self.is_held(drift, key):
            return State.ON_HOLD
        return KINDS[drift.target.kind].state(drift, key, self.desired)

    def is_held(self, drift: Drift, key: RowKey) -> bool:
        """Say whether its place, itself or its ticket is on hold."""
        target = drift.target
        kind = KINDS[target.kind]
        if self.desired.hold_of(target.place) or kind.hold(target, self.desired):
            return True
        if key.subject is not Subject.TICKET:
            return False
        ticket = TicketKey(self.instrument, key.name)
        return bool(self.desired.hold_of_ticket(ticket))

    def why_refused(self, chain: str, address: RepositoryAddress) -> str | None:
        return self.refused.get(Chain.at(address, chain))

    def refusal(self, ticket: Ticket, address: RepositoryAddress) -> str | None:
        """Return why a ticket is refused somewhere on its way, if it is."""
        for target, reason in self.refused.items():
            kind = KINDS[target.kind]
            if kind.serves(target, ticket, address, self.desired):
                return reason
        return None

"""Say how each ticket stands at each repository.

Nothing is compared here: what a plan says is drift is laid beside what is
declared.  All drift stands in a cell, or beside the tables if it is of no
repository or belongs to no row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property, partial

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

_STOPPED = {
    State.MISSING,
    State.NOT_SEARCHED,
    State.PENDING,
    State.ON_HOLD,
}
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
    desired = view.desired
    scope = view.scope
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
        place = drift.target.place
        if drift.what is What.UNREACHABLE and place in places:
            unreachable.add(place)
    # Whatever stands in no cell is told beside the tables.
    beside = []
    for drift in plan.drift:
        place = drift.target.place
        if id(drift) in in_cells or place in unreachable:
            continue
        beside.append(drift)
    return Status(
        tables=tuple(tables),
        beside=tuple(beside),
        unseen=plan.unseen,
    )


_Position = tuple[RowKey, RepositoryAddress]
"""Of a cell: its row, and its column."""


@dataclass(frozen=True)
class _TableBuilder:
    """Lays the drift of one instrument into rows and columns."""

    view: View
    plan: Plan
    instrument: InstrumentName

    drift: dict[_Position, list[Drift]] = field(init=False)
    """Drift of each cell."""

    def __post_init__(self) -> None:
        cells: dict[_Position, list[Drift]] = {}
        for drift in self.plan.drift:
            place = drift.target.place
            for row in self.rows_about(drift):
                cell = cells.setdefault((row, place), [])
                cell.append(drift)
        # The dataclass is frozen, so that its cached properties stay true.
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
        desired = self.desired
        for address in self.places:
            hold = desired.hold_of(address)
            reason = None
            if hold:
                reason = hold.reason
            trouble = None
            trouble_here = ""
            unseen = self.unseen.get(address)
            if unseen:
                trouble = unseen.detail
                trouble_here = unseen.told_here
            column = Column(
                repository=address,
                hold=reason,
                unreachable=trouble,
                unreachable_here=trouble_here,
            )
            columns.append(column)
        return Table(
            instrument=self.instrument,
            columns=tuple(columns),
            rows=tuple(self.rows()),
        )

    @cached_property
    def names(self) -> TableRows:
        return TableRows(self.desired, self.view.scope, self.instrument)

    @cached_property
    def places(self) -> list[RepositoryAddress]:
        """The repositories that have the instrument."""
        having = []
        desired = self.desired
        repositories = places_of(desired, self.view.scope)
        for address in repositories:
            _, repository = desired.repository(address)
            if self.instrument in repository.instruments:
                having.append(address)
        # As a change comes to them.
        in_order = desired.in_order_of_waves(having)
        return list(in_order)

    @cached_property
    def unseen(self) -> Mapping[RepositoryAddress, Drift]:
        """That places say nothing, by place."""
        by_place = {}
        for drift in self.plan.drift:
            if drift.what is What.UNREACHABLE:
                place = drift.target.place
                by_place[place] = drift
        return by_place

    @cached_property
    def declared(self) -> Mapping[Address, Resource]:
        """Resources as they are to be."""
        return {declared.address: declared.resource for declared in self.view.declared}

    @cached_property
    def chains(self) -> Mapping[RepositoryAddress, Mapping[str, Chain]]:
        """The instrument's chains as they are to be, by place and name."""
        by_place: dict[Place, dict[str, Chain]] = defaultdict(dict)
        chain_names = self.names.chain_names
        for chain in Chain.among(self.declared.values()):
            name = chain.address.name
            if name in chain_names:
                there = by_place[chain.address.place]
                there[name] = chain
        return by_place

    @cached_property
    def unpinned(self) -> Mapping[str, Reason]:
        """Why nobody can tell what tickets hold, by name."""
        reasons = {}
        for bundle in Bundle.among(self.declared.values()):
            instrument, ticket = bundle.ticket
            if instrument != self.instrument:
                continue
            # With a fingerprint it is known what it holds, whatever ails it.
            if bundle.trouble and bundle.fingerprint is None:
                reasons[ticket] = bundle.trouble
        return reasons

    @cached_property
    def refused(self) -> Mapping[Address, str]:
        return {refusal.target: refusal.reason for refusal in self.plan.refused}

    # --- whose drift it is ---

    def rows_about(self, drift: Drift) -> Iterator[RowKey]:
        """Yield the rows that drift at one of our repositories belongs to."""
        # A kind knows in which rows its drift stands; others have no row.
        target = drift.target
        if target.place not in self.places:
            return
        kind = KINDS.get(target.kind)
        if kind is None:
            return
        declared = self.declared.get(target)
        observed = self.view.observed.get(target)
        live = None
        if observed:
            live = observed.resource
        yield from kind.rows(drift, self.names, declared, live)

    # --- the rows ---

    def rows(self) -> Iterator[Row]:
        """Yield tickets, what others make, chains with drift, and the rest."""
        for ticket in self.names.tickets_in_search_order:
            yield self.row(
                RowKey.of(ticket),
                partial(self.ticket_cell, ticket),
                ticket.approval.status,
            )
        for name in self.names.externals:
            key = RowKey(Subject.EXTERNAL, name)
            yield self.row(key, partial(self.external_cell, key))
        # Drift of one row stands at several places; each row counts once.
        with_drift: dict[RowKey, None] = {}
        for key, _ in self.drift:
            with_drift[key] = None
        for chain in self.names.chains:
            key = RowKey(Subject.CHAIN, chain.noun.chain)
            # A chain that is as declared goes without saying.
            if key in with_drift or self.is_refused_somewhere(key.name):
                yield self.row(key, partial(self.chain_cell, key))
        # What no file lists comes last: collections, then declared resources.
        collections = [RowKey(Subject.COLLECTION, name) for name in self.names.retired]
        resources = []
        for key in sorted(with_drift, key=lambda key: key.name):
            if key.subject is Subject.COLLECTION:
                collections.append(key)
            elif key.subject is Subject.RESOURCE:
                resources.append(key)
        for key in dict.fromkeys([*collections, *resources]):
            yield self.row(key, partial(self.other_cell, key))

    def is_refused_somewhere(self, chain: str) -> bool:
        """Say whether a chain is refused at one of our repositories."""
        refusals = [self.why_refused(chain, address) for address in self.places]
        return any(refusals)

    def row(
        self,
        key: RowKey,
        cell_at: Callable[[RepositoryAddress], Cell],
        approval: ApprovalStatus | None = None,
    ) -> Row:
        """Return the row of one thing, with a cell for each repository."""
        cells = []
        for address in self.places:
            # Of a place that says nothing no row can tell more than that.
            cell = self.unseen_cell(address) or cell_at(address)
            cells.append(cell)
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
        approval = ticket.approval.status
        adopted = approval is ApprovalStatus.ADOPTED
        skipped = self.desired.skipped(ticket, address)
        reasons = self.departures(key, address)
        # Only what is to be there can be refused there.
        if adopted and skipped is None:
            trouble = self.unpinned.get(ticket.ticket)
            if trouble:
                state = State.PENDING
                if trouble.is_refused:
                    state = State.REFUSED
                reasons.setdefault(state, trouble.detail)
            refusal = self.refusal(ticket, address)
            if refusal and _STOPPED & reasons.keys():
                reasons[State.REFUSED] = refusal
        if reasons:
            return self.cell_with_drift(key, address, reasons)
        if not adopted:
            return Cell(repository=address, state=_NOT_ADOPTED[approval])
        if skipped is not None:
            return Cell(
                repository=address,
                state=State.SKIPPED,
                reason=skipped,
            )
        return self.cell_as_declared(ticket, address)

    def cell_as_declared(self, ticket: Ticket, address: RepositoryAddress) -> Cell:
        """Return the cell of a ticket that is wanted, and is there."""
        for child in ticket.children:
            if self.is_child(child, address):
                return Cell(repository=address, state=State.SEARCHED)
        words = {ticket.ticket, *ticket.children}
        reason = self.why_retired(address, words)
        if reason is None:
            return Cell(repository=address, state=State.THERE)
        return Cell(
            repository=address,
            state=State.RETIRED,
            reason=reason,
        )

    def external_cell(self, key: RowKey, address: RepositoryAddress) -> Cell:
        """Return the cell of a collection that others make."""
        reasons = self.departures(key, address)
        if reasons:
            return self.cell_with_drift(key, address, reasons)
        state = State.ELSEWHERE
        if self.is_child(key.name, address):
            state = State.EXTERNAL
        return Cell(repository=address, state=state)

    def chain_cell(self, key: RowKey, address: RepositoryAddress) -> Cell:
        """Return the cell of a chain; what refuses it weighs most."""
        reasons = self.departures(key, address)
        refusal = self.why_refused(key.name, address)
        if refusal:
            reasons[State.REFUSED] = refusal
        if reasons:
            return self.cell_with_drift(key, address, reasons)
        state = State.THERE
        if key.name not in self.chains[address]:
            state = State.ELSEWHERE
        elif self.is_child(key.name, address):
            state = State.SEARCHED
        return Cell(repository=address, state=state)

    def is_child(self, name: str, address: RepositoryAddress) -> bool:
        """Say whether a chain is to search something at a repository."""
        chains = self.chains[address].values()
        return any(name in chain.children for chain in chains)

    def other_cell(self, key: RowKey, address: RepositoryAddress) -> Cell:
        """Return the cell of what is no ticket, no chain, and not others'."""
        reasons = self.departures(key, address)
        if reasons:
            return self.cell_with_drift(key, address, reasons)
        name = key.name
        if key.subject is Subject.RESOURCE and self.is_declared(name, address):
            return Cell(repository=address, state=State.THERE)
        reason = self.why_retired(address, {name})
        if reason is None:
            return Cell(repository=address, state=State.ELSEWHERE, reason="")
        return Cell(
            repository=address,
            state=State.RETIRED,
            reason=reason,
        )

    def is_declared(self, name: str, address: RepositoryAddress) -> bool:
        """Say whether a resource of a name is declared at a repository."""
        names = {target.name for target in self.declared if target.place == address}
        return name in names

    def why_retired(
        self,
        address: RepositoryAddress,
        words: Set[str],
    ) -> str | None:
        """Return why a chain of a repository has retired one of some words."""
        for name in self.chains[address]:
            chain = self.desired.chains[name].noun
            for word in chain.retired:
                if word in words:
                    return chain.retired[word]
        return None

    def cell_with_drift(
        self,
        key: RowKey,
        address: RepositoryAddress,
        reasons: Mapping[State, str],
    ) -> Cell:
        """Return the cell of what is not as declared: the gravest counts."""
        # What is less grave is among the drift of the cell.
        state = State.gravest(reasons)
        assert state, "there is a reason"
        position = (key, address)
        drift = self.drift.get(position, ())
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
        position = (key, address)
        for drift in self.drift.get(position, ()):
            if drift.what is What.PENDING and self.is_held(drift, key):
                # Whatever else is awaited, the hold is what a person can end.
                state = State.ON_HOLD
            else:
                kind = KINDS[drift.target.kind]
                state = kind.state(drift, key, self.desired)
            reasons.setdefault(state, drift.detail)
        return reasons

    def is_held(self, drift: Drift, key: RowKey) -> bool:
        """Say whether its place, itself or its ticket is on hold."""
        target = drift.target
        kind = KINDS[target.kind]
        desired = self.desired
        holds = [
            desired.hold_of(target.place),
            kind.hold(target, desired),
        ]
        if key.subject is Subject.TICKET:
            ticket = TicketKey(self.instrument, key.name)
            holds.append(desired.hold_of_ticket(ticket))
        return any(holds)

    def why_refused(self, chain: str, address: RepositoryAddress) -> str | None:
        """Return why a chain of a repository is refused, if it is."""
        target = Chain.at(address, chain)
        return self.refused.get(target)

    def refusal(self, ticket: Ticket, address: RepositoryAddress) -> str | None:
        """Return why a ticket is refused somewhere on its way, if it is."""
        for target, reason in self.refused.items():
            kind = KINDS[target.kind]
            if kind.serves(target, ticket, address, self.desired):
                return reason
        return None

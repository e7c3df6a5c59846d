"""A chain: which calibrations a repository searches, and in what order.

The first child that holds a calibration for an exposure wins, so a new
ticket is put in front and needs no end date.  A chain is written whole, at
most once in a run, and loses only what a file names as retired or skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace

from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, UnreachableError
from ..model.actions import Action
from ..model.chains import moved
from ..model.desired import DesiredState, Written
from ..model.drift import Drift, What
from ..model.fingerprints import ticket_fingerprint
from ..model.guards import Hold
from ..model.names import Address, CollectionName, Place, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Need, Resource
from ..model.status import RowKey, State, Subject
from ..model.tickets import Ticket
from ..ports.butler import ButlerReader
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .chain_actions import Chain, ChainAction, Entry, PrependToChain, RewriteChain, children_of, common
from .chain_file import needs_of_origin, read_chain_file
from .chain_guards import guards_of_children, guards_of_entrant, guards_of_leaver
from .collection import Collection
from .external import External, chains_below, reached
from .rows import TableRows
from .selection import RepositorySelection, Selection
from .waves import Waves

__all__ = ["Chain", "ChainAction", "ChainKind", "Entry", "PrependToChain", "RewriteChain", "written_order"]


_MOST_NAMED = 3
"""Children that stand elsewhere and are named."""


class ChainKind(Kind[Chain]):
    """Chains of tickets, of calibrations, of defaults."""

    name = "chain"
    actions = (PrependToChain, RewriteChain)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        repository = selection.repositories[place]
        for written in repository.tickets:
            if written.noun.collection:
                yield _ticket_chain(written, written.noun.collection, repository)
        for file in repository.chains:
            here = read_chain_file(file, repository)
            chain = Chain(
                Chain.at(place, file.noun.chain),
                tuple(here.children),
                here.unwanted,
                frozenset(here.unspoken),
                here.content,
                selection.listed_by,
                held_here=repository.fingerprints,
            )
            where = file.lines.at("chain")
            yield Declared(chain, where, tuple(here.needs), here.lines)

    @override
    def observe(
        self,
        targets: Sequence[Chain],
        places: ReadPlaces,
    ) -> Mapping[Address, Chain | None]:
        if not targets:
            return {}
        butler = places.butler(targets[0].address.place)
        collections = butler.collections([target.address.name for target in targets])
        live: dict[Address, Chain | None] = {}
        for target in targets:
            collection = collections.get(target.address.name)
            if target.entry:
                # A step looks at what enters even where it makes the chain.
                chain = Chain(target.address, exists=False)
                if collection:
                    chain = Chain(
                        target.address,
                        collection.children,
                        type=collection.type,
                    )
                live[target.address] = _with_entry(
                    chain,
                    target.entry,
                    butler,
                    places,
                )
            elif collection:
                chain = Chain(
                    target.address,
                    collection.children,
                    type=collection.type,
                )
                live[target.address] = _with_extras(chain, target, butler)
            else:
                live[target.address] = None
        return live

    @override
    def searches(self, live: Chain) -> Sequence[str]:
        return live.children

    @override
    def ticket(
        self,
        target: Address,
        desired: DesiredState,
    ) -> Written[Ticket] | None:
        return desired.ticket_with(target.name)

    @override
    def tickets(
        self,
        action: Action,
        desired: DesiredState,
    ) -> Iterator[Written[Ticket]]:
        for child in action.entrants:
            ticket = desired.ticket_with(child)
            if ticket:
                yield ticket

    @override
    def hold(self, target: Address, desired: DesiredState) -> Hold | None:
        return desired.hold_of_chain(target.name)

    @override
    def is_about(
        self,
        target: Address,
        touched: AbstractSet[str],
        ticket: Ticket,
    ) -> bool:
        names = {target.name, *touched}
        return not names.isdisjoint({*ticket.children, *ticket.leaves})

    @override
    def guards(
        self,
        action: Action,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        assert isinstance(action, ChainAction)
        yield from guards_of_children(action, desired, waves)

    @override
    def guards_of_part(
        self,
        declared: Chain,
        part: str,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        if part in declared.unwanted:
            yield from guards_of_leaver(
                declared.address,
                part,
                desired,
                waves,
            )
        else:
            content = declared.content.get(part, {})
            yield from guards_of_entrant(
                declared.address,
                part,
                content,
                desired,
                waves,
            )

    @override
    def holds_nothing(self, declared: Chain) -> bool:
        return not declared.children

    @override
    def within(self, drift: Drift) -> str:
        if drift.subject == drift.target.name:
            return ""
        return drift.target.name

    @override
    def rows(
        self,
        drift: Drift,
        table: TableRows,
        declared: Chain | None,
        live: Chain | None,
    ) -> Iterator[RowKey]:
        if drift.target.name in table.chain_names:
            if declared:
                yield from _rows_of_chain(drift, table, declared, live)
            return
        ticket = table.ticket_of(self.ticket(drift.target, table.desired))
        if ticket is None:
            return
        if drift.what is What.EXTRA:
            # What somebody else put into a ticket's own chain has its own row.
            yield RowKey(Subject.COLLECTION, drift.subject)
        else:
            yield RowKey.of(ticket)

    @override
    def state(
        self,
        drift: Drift,
        row: RowKey,
        desired: DesiredState,
    ) -> State:
        is_of_itself = row == RowKey(Subject.CHAIN, drift.target.name)
        is_not_searched = drift.what in {What.MISSING, What.CHANGED}
        if drift.target.name in desired.chains and not is_of_itself and is_not_searched:
            # What is not here at all has other drift that says so.
            return State.NOT_SEARCHED
        return super().state(drift, row, desired)

    @override
    def compare(self, declared: Chain, live: Chain | None) -> Iterator[Drift]:
        name = declared.address.name
        if live is None:
            if declared.children:
                yield _drift(
                    declared,
                    What.MISSING,
                    name,
                    "the chain does not exist",
                )
        elif not live.is_chain:
            detail = f"the name is taken by a {live.type.value} collection"
            yield _drift(declared, What.CHANGED, name, detail)
        else:
            yield from _child_drift(declared, live.children)

    @override
    def turnover(self, declared: Chain, live: Chain | None) -> frozenset[str]:
        have: frozenset[str] = frozenset()
        if live:
            have = frozenset(live.children)
        coming = frozenset(declared.children) - have
        going = have & declared.unwanted.keys()
        return coming | going

    @override
    def without(
        self,
        declared: Chain,
        parts: frozenset[str],
        live: Chain | None,
    ) -> Chain:
        have: frozenset[str] = frozenset()
        if live:
            have = frozenset(live.children)
        # What is searched already stays: a chain loses only what a file
        # names as retired or skipped, and not even that before it may go.
        stays = parts & have & declared.unwanted.keys()
        comes = [child for child in declared.children if child in have or child not in parts]
        unwanted = dict(declared.unwanted)
        for child in stays:
            del unwanted[child]
        return replace(
            declared,
            children=tuple(comes),
            unwanted=unwanted,
            unspoken=declared.unspoken | stays,
        )

    @override
    def remedy(self, declared: Chain, live: Chain | None) -> Iterator[Action]:
        have: tuple[str, ...] = ()
        onto: tuple[str, ...] | None = None
        if live:
            if not live.is_chain:
                return
            have = onto = live.children
        after = written_order(declared.children, have, frozenset(declared.unwanted))
        if after == have:
            return
        because = _because(declared, live)
        number_in_front = len(after) - len(have)
        # Where the live order is the end of what is written, nothing moves.
        if not have or after[-len(have) :] == have:
            yield PrependToChain(
                target=declared.address,
                because=because,
                children=after[:number_in_front],
                onto=onto,
            )
        else:
            yield RewriteChain(
                target=declared.address,
                because=because,
                children_before=have,
                children=after,
            )

    @override
    def grounded(
        self,
        action: Action,
        declared: Chain,
        expected: Iterable[Resource],
    ) -> Action:
        assert isinstance(action, ChainAction)
        chains: dict[str, tuple[str, ...]] = {}
        # What was seen below a chain may be what another step is about to
        # change, so what that one brings counts more.
        for resource in expected:
            if isinstance(resource, (Chain, External)):
                chains = {**resource.below, **chains}
            children = children_of(resource)
            if children is not None:
                chains[resource.address.name] = children
        below: dict[str, tuple[str, ...]] = {}
        for name in reached(action.entrants, chains):
            if name in chains:
                below[name] = chains[name]
        entering: dict[str, str] = {}
        # What a declared chain holds that enters as a whole is searched
        # already, or is brought by a step of that chain.
        for child in action.entrants:
            entering.update(declared.content.get(child, {}))
        # The bundles of these say how large the files are.
        tickets: dict[str, str] = {}
        for ticket, fingerprints in declared.held_here.items():
            if not entering.keys().isdisjoint(fingerprints):
                tickets[ticket] = ticket_fingerprint(fingerprints.items())
        ground = {"below": below, "entering": entering, "tickets": tickets}
        return action.model_copy(update=ground)

    @override
    def is_there(self, declared: Chain, live: Chain | None) -> bool:
        return live is not None and live.is_chain

    @override
    def obstacle(self, declared: Chain, live: Chain | None) -> Reason | None:
        if live is None or live.is_chain:
            return None
        detail = f"{declared.address.name} is a {live.type.value} collection, not a chain"
        return Reason.refused(Code.NAME_TAKEN, detail)

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        places.butler(action.target.place).check_change()
        return ()

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, ChainAction)
        butler = places.change_butler(action.target.place)
        _require(action, places)
        butler.set_chain(
            action.target.name,
            action.children_after,
            expected=action.before,
            fence=fence,
        )


def _rows_of_chain(
    drift: Drift,
    table: TableRows,
    declared: Chain,
    live: Chain | None,
) -> Iterator[RowKey]:
    """Yield the rows of what drift of a declared chain is about."""
    if drift.subject != declared.address.name:
        row_of_others = RowKey(Subject.COLLECTION, drift.subject)
        yield table.by_child.get(drift.subject, row_of_others)
        return
    yield RowKey(Subject.CHAIN, drift.subject)
    children: Sequence[str] = declared.children
    if live and live.is_chain:
        # Only those that would move are in another place than declared.
        children = moved(live.children, declared.children)
    rows: dict[RowKey, None] = {}
    for child in children:
        row = table.by_child.get(child)
        if row and row.subject is not Subject.CHAIN:
            rows[row] = None
    yield from rows


def _misordered(declared: Sequence[str], live: Sequence[str]) -> str:
    """Say which children stand elsewhere; of hundreds nobody reads an order.

    Parameters
    ----------
    declared, live
        The same children, in search order.
    """
    elsewhere = moved(live, declared)
    places: list[str] = []
    for child in elsewhere[:_MOST_NAMED]:
        # Only the last one has nothing behind it.
        is_found = "first"
        before = live[: live.index(child)]
        if before:
            is_found = f"behind {before[-1]}"
        belongs = "last"
        after = declared[declared.index(child) + 1 :]
        if after:
            belongs = f"in front of {after[0]}"
        places.append(f"{child} is searched {is_found} and declared {belongs}")
    rest = len(elsewhere) - _MOST_NAMED
    if rest > 0:
        places.append(f"{rest} more stand elsewhere")
    return "; ".join(places)


def _ticket_chain(
    written: Written[Ticket],
    name: CollectionName,
    repository: RepositorySelection,
) -> Declared:
    """Return the ticket collection of a ticket."""
    ticket = written.noun
    content: dict[str, Mapping[str, str]] = {}
    pin = repository.selection.pin(ticket)
    if pin:
        for leaf, fingerprint in pin.fingerprints.items():
            content[leaf] = {leaf: fingerprint}
    chain = Chain(
        Chain.at(repository.address, name),
        ticket.leaves,
        content=content,
        held_here=repository.fingerprints,
    )
    collections = Need(Collection.at(repository.address, ticket))
    needs = (collections, *needs_of_origin(repository, ticket))
    return Declared(chain, written.lines.at("collections"), needs)


def written_order(
    declared: Sequence[str],
    live: Sequence[str],
    unwanted: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Return the order in which a chain is written.

    The declared order, without what is unwanted; each extra directly in front
    of the declared child that it stands in front of live, and last where it
    stands behind all of them.

    Parameters
    ----------
    declared
        Children that are to be searched, in order.
    live
        Children now, in order.
    unwanted
        Children that are not to be searched any more.
    """
    wanted = [child for child in declared if child not in unwanted]
    # Extras wait for the next declared child, which they stay in front of.
    waiting: list[str] = []
    in_front_of: dict[str, list[str]] = {}
    for child in live:
        if child in wanted:
            in_front_of[child] = waiting
            waiting = []
        elif child not in unwanted:
            waiting.append(child)
    ordered: list[str] = []
    for child in wanted:
        ordered.extend(in_front_of.get(child, ()))
        ordered.append(child)
    return (*ordered, *waiting)


def _drift(declared: Chain, what: What, subject: str, detail: str) -> Drift:
    return Drift(
        target=declared.address,
        what=what,
        subject=subject,
        detail=detail,
    )


def _child_drift(declared: Chain, have: Sequence[str]) -> Iterator[Drift]:
    """Yield how the children of a chain are not as declared."""
    for child in declared.children:
        if child not in have:
            yield _drift(
                declared,
                What.MISSING,
                child,
                "declared but not searched",
            )
    # The order is compared of those that are both declared and searched.
    declared_order = common(declared.children, have)
    live_order = common(have, declared.children)
    if declared_order != live_order:
        yield _drift(
            declared,
            What.MISORDERED,
            declared.address.name,
            _misordered(declared_order, live_order),
        )
    for child in have:
        if child in declared.unwanted:
            yield _drift(
                declared,
                What.UNWANTED,
                child,
                declared.unwanted[child],
            )
        elif child not in declared.children and child not in declared.unspoken:
            yield _drift(
                declared,
                What.EXTRA,
                child,
                _extra(declared, child),
            )


def _extra(declared: Chain, child: str) -> str:
    """Say of a child that no chain's file names what is known of it."""
    ticket = declared.listed_by.get(child)
    if ticket is None:
        return "searched, though no file names it; it is kept"
    return (
        f"searched by itself, though no chain's file names it; {ticket} lists it. It is kept: "
        "to take it out, list it under `retired`"
    )


def _because(declared: Chain, live: Chain | None) -> str:
    """Say why a chain is written."""
    if live is None:
        return "the chain does not exist"
    lacking = [child for child in declared.children if child not in live.children]
    leaving = [child for child in live.children if child in declared.unwanted]
    reasons = []
    if lacking:
        reasons.append(f"{_number_of(lacking)} declared and not searched")
    if leaving:
        reasons.append(f"{_number_of(leaving)} searched, but retired or skipped")
    return "; ".join(reasons) or "the live order is not the declared order"


def _number_of(children: Sequence[str]) -> str:
    if len(children) == 1:
        return "1 child is"
    return f"{len(children)} children are"


def _require(action: ChainAction, places: ReadPlaces) -> None:
    """Refuse to search what is not whole here.

    A child enters a chain only after its datasets, validity ranges and files
    were seen, and the chains below it.
    """
    subject = action.subject()
    live = ChainKind().observe([subject], places)[subject.address]
    departures = [str(departure) for departure in action.departures(live)]
    if departures:
        detail = f"{'; '.join(departures)}."
        hint = "Plan again: somebody changed it since."
        raise PlanIsStaleError(Diagnostic("Plan is stale", detail, hint=hint))


def _with_extras(chain: Chain, declared: Chain, butler: ButlerReader) -> Chain:
    """Return a chain with the chains below children that nobody looks at.

    No file names them, or this command leaves them alone.  All others are
    declared themselves, and looked at as such.
    """
    extras: list[str] = []
    for child in chain.children:
        if child not in declared.children or child in declared.unspoken:
            extras.append(child)
    if not extras:
        return chain
    # An observation of before anybody asked does not tell of them.
    with suppress(UnreachableError):
        below = chains_below(butler.collections(extras), butler)
        return replace(chain, below=below)
    return chain


def _with_entry(
    chain: Chain,
    entry: Entry,
    butler: ButlerReader,
    places: ReadPlaces,
) -> Chain:
    """Return a chain with all that begins to be searched."""
    entrants = butler.collections(entry.children)
    chain = replace(
        chain,
        below=chains_below(entrants, butler),
        entrants_there=frozenset(entrants),
    )
    if entry.collections:
        held = butler.holdings(entry.collections, files=entry.collections)
        chain = replace(chain, held=held)
    if entry.tickets:
        chain = replace(chain, sizes=_bundled_sizes(entry.tickets, places))
    return chain


def _bundled_sizes(
    tickets: Mapping[TicketKey, str],
    places: ReadPlaces,
) -> dict[str, int]:
    """Return how large files are, as far as the archive can be seen."""
    sizes: dict[str, int] = {}
    # What a repository holds and the plan says is enough without it.
    with suppress(UnreachableError, InvalidStateError):
        for key, manifests in places.archive().bundles(tickets).items():
            for manifest in manifests:
                if manifest.fingerprint == tickets[key]:
                    sizes.update(manifest.sizes)
    return sizes

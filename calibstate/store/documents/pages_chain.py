"""A chain as declared and as it is live, side by side, as a page has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ...model.drift import What
from ...model.names import CollectionName, InstrumentName, Noun, RepositoryAddress
from ...model.pages import Held, Merge, PageContent
from ...model.status import AS_DRIFT, State
from ...model.timelines import NOTHING, Timeline
from .pages import PageDocument, SeenPart, head, public, seen_part
from .pages_timeline import chain_timeline

__all__ = [
    "ChainColumn",
    "ChainDocument",
    "ChainRow",
    "HeldType",
    "MergePart",
    "chain_document",
    "merge_part",
    "parts_of",
]

_MOST_ON_A_PAGE = 150
"""Rows on one page; of more, the others have pages of their own."""


class ChainColumn(Noun):
    """Repositories that search a chain alike."""

    repositories: tuple[RepositoryAddress, ...]

    is_declared: bool
    """Whether they search it as it is declared."""

    seen: tuple[SeenPart | None, ...]
    """When each of them was seen; null: never."""


class HeldType(Noun):
    """What a child of a chain holds of one dataset type."""

    dataset_type: str

    wins: tuple[str, ...]
    """Filters for which it wins at some moment."""

    never: tuple[str, ...]
    """Filters for which something before it wins always."""


class ChainRow(Noun):
    """A child of a chain: a ticket, or a collection."""

    name: str
    """The ticket; else the collection."""

    is_ticket: bool
    summary: str

    position: int | None
    """Place in the declared search order, from 1; null: it is not declared."""

    states: tuple[str, ...]
    """One for each column: ``searched``, a state, or empty where the child
    concerns nobody there."""

    holds: tuple[HeldType, ...]
    """By dataset type; empty: that is not known, or it holds nothing."""

    differs: bool
    """Whether it is not searched alike everywhere."""


class MergePart(Noun):
    """A commit that says something else."""

    commit: str
    at: str
    """UTC, with ``Z``."""

    title: str
    pull_request: int | None

    people: tuple[str, ...]
    """Who made it; empty where people are not named."""

    problems: int
    """Mistakes that it has."""


class ChainDocument(PageDocument):
    """A declared chain: what is searched, in what order, and what wins."""

    kind: Literal["page-chain"] = "page-chain"

    instrument: InstrumentName
    chain: CollectionName

    hold: str
    """Why it is written nowhere at present; empty: it may."""

    columns: tuple[ChainColumn, ...]
    """Those that search it as declared come first."""

    rows: tuple[ChainRow, ...]
    """In search order, as far as the page shows them."""

    first: int
    """Number of the first of them among all, from 1."""

    of_rows: int
    """How many there are in all."""

    retired: Mapping[str, str]
    """What is not to be searched any more, with the reason."""

    told_by: str
    """Where it is known from what children hold: ``seals``, a repository, or
    empty: it is not known."""

    merges: tuple[MergePart, ...]
    """Who changed it, the newest first."""


def chain_document(content: PageContent, instrument: InstrumentName, chain: CollectionName) -> ChainDocument:
    """Return the document of a chain's page.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Whose.
    chain
        One that is declared.
    """
    assert content.desired, "the chain is declared"
    written = content.desired.chains[chain].noun
    sides = _Sides(content, chain)
    # Repositories that agree stand in one column: a reader compares few.
    columns = sides.columns()
    rows = list(
        _rows(
            content,
            chain,
            sides,
            columns,
        )
    )
    shown = chain_timeline(
        content,
        instrument,
        chain,
    )
    told_by = ""
    if shown:
        told_by = shown.repository or "seals"
        rows = list(
            _with_holds(
                rows,
                content.tickets,
                shown.held,
                shown.timeline,
            )
        )
    for column in columns:
        # Of what is searched there only, no other place tells.
        live = content.live.get(column[0], {}).get(chain)
        if live and any(not row.holds for row in rows):
            there = list(
                _with_holds(
                    rows,
                    content.tickets,
                    live.held,
                    live.timeline,
                )
            )
            rows = [
                row if row.holds else other
                for row, other in zip(
                    rows,
                    there,
                    strict=True,
                )
            ]
    parts: list[ChainColumn] = []
    for column in columns:
        ages = [seen_part(content.ages.get(address)) for address in column]
        is_declared = all(map(sides.is_declared, column))
        parts.append(
            ChainColumn(
                repositories=tuple(column),
                is_declared=is_declared,
                seen=tuple(ages),
            )
        )
    retired: dict[str, str] = {}
    for name, reason in written.retired.items():
        retired[name] = public(reason)
    merges: list[MergePart] = []
    for merge in content.merges:
        if any(change.chain == chain for change in merge.changes.chains):
            merges.append(merge_part(content, merge))
    return ChainDocument.model_validate(
        {
            **head(content),
            "instrument": instrument,
            "chain": chain,
            "hold": public(written.hold or ""),
            "columns": tuple(parts),
            "rows": tuple(rows),
            "first": 1,
            "of_rows": len(rows),
            "retired": retired,
            "told_by": told_by,
            "merges": tuple(merges),
        }
    )


def parts_of(document: ChainDocument) -> Iterator[ChainDocument]:
    """Yield what pages of a chain show; of a short one a single page.

    The first has all that is not searched alike everywhere, and who changed
    the chain.

    Parameters
    ----------
    document
        All of it.
    """
    for begin in range(0, max(document.of_rows, 1), _MOST_ON_A_PAGE):
        rows = document.rows[begin : begin + _MOST_ON_A_PAGE]
        if begin:
            update = {"rows": rows, "first": begin + 1, "merges": ()}
            yield document.model_copy(update=update)
            continue
        differing = [row for row in document.rows[_MOST_ON_A_PAGE:] if row.differs]
        # Where nothing is known of any, they do not stand out.
        rows += tuple(differing[:_MOST_ON_A_PAGE])
        yield document.model_copy(update={"rows": rows})


def merge_part(content: PageContent, merge: Merge) -> MergePart:
    """Return a commit as pages have it."""
    revision = merge.revision
    people: tuple[str, ...] = ()
    if content.wishes.people:
        people = tuple(map(public, revision.authors))
    return MergePart(
        commit=revision.commit,
        at=revision.at,
        title=public(revision.title),
        pull_request=revision.pull_request,
        people=people,
        problems=merge.problems,
    )


class _Sides:
    """A chain as it is declared, and as it is live, at each repository.

    Parameters
    ----------
    content
        All that is known.
    chain
        The chain.
    """

    def __init__(self, content: PageContent, chain: CollectionName) -> None:
        self._content = content
        self._chain = chain
        self._declared: dict[RepositoryAddress, tuple[str, ...]] = {}
        for search in content.declared.get(chain, ()):
            for address in search.repositories:
                self._declared[address] = search.children
        self._pending: dict[RepositoryAddress, set[str]] = {}
        self._departures: dict[tuple[RepositoryAddress, str], State] = {}
        for drift in content.drift:
            place = RepositoryAddress(drift.target.place)
            if drift.what is What.PENDING:
                waiting = self._pending.setdefault(place, set())
                waiting.update((drift.subject, drift.ticket.partition("/")[2]))
            # What a plan calls it is what every command calls it.
            if drift.target.name == chain:
                self._departures[place, drift.subject] = AS_DRIFT[drift.what]

    def live(self, address: RepositoryAddress) -> tuple[str, ...] | None:
        """Return the children that a repository showed; `None`: it did not."""
        live = self._content.live.get(address, {}).get(self._chain)
        if live is None:
            return None
        return live.children

    def is_declared(self, address: RepositoryAddress) -> bool:
        """Say whether a repository searches it as declared."""
        return self.live(address) == self._declared[address]

    def columns(self) -> list[list[RepositoryAddress]]:
        """Return repositories, those that agree together.

        Those that search it as declared come first.
        """
        alike: dict[object, list[RepositoryAddress]] = {}
        departing: dict[object, list[RepositoryAddress]] = {}
        for address, declared in self._declared.items():
            # A look of long ago does not stand beside one of today.
            age = self._content.ages.get(address)
            stale = age is None or age.stale
            waiting = frozenset(self._pending.get(address, ()))
            key = (stale, declared, self.live(address), waiting)
            group = departing
            if self.is_declared(address):
                group = alike
            group.setdefault(key, []).append(address)
        return [*alike.values(), *departing.values()]

    def order(self) -> dict[str, int | None]:
        """Return all children in search order, with their declared places.

        What is searched only somewhere stands behind what it is searched
        behind there.
        """
        order: list[str] = []
        for declared in self._declared.values():
            _merge(order, declared)
        positions = {child: number for number, child in enumerate(order, 1)}
        for address in self._declared:
            _merge(order, self.live(address) or ())
        return {child: positions.get(child) for child in order}

    def state(self, address: RepositoryAddress, child: str) -> str:
        """Return how a child stands at a repository; empty: not at all."""
        is_declared = child in self._declared[address]
        live = self.live(address)
        is_live = live is not None and child in live
        if is_declared and is_live:
            return State.SEARCHED.value
        if not is_declared and not is_live:
            return ""
        departure = self._departures.get((address, child))
        # A chain that does not exist departs as a whole.
        if live is None and departure is None:
            departure = self._departures.get((address, self._chain), State.UNREACHABLE)
        if departure is State.UNREACHABLE:
            return State.UNREACHABLE.value
        ticket = self._content.tickets.get(child, child)
        if ticket in self._pending.get(address, ()):
            return State.PENDING.value
        otherwise = State.EXTRA if is_live else State.MISSING
        state: State = departure or otherwise
        return state.value


def _merge(order: list[str], children: Sequence[str]) -> None:
    """Put children into an order, each behind the one that is before it."""
    index = 0
    for child in children:
        if child in order:
            index = order.index(child) + 1
        else:
            order.insert(index, child)
            index += 1


def _rows(
    content: PageContent,
    chain: str,
    sides: _Sides,
    columns: Sequence[Sequence[RepositoryAddress]],
) -> Iterator[ChainRow]:
    """Yield children in search order, extras where they stand."""
    assert content.desired, "the chain is declared"
    instrument = content.desired.chains[chain].noun.instrument
    for child, position in sides.order().items():
        states = tuple(sides.state(column[0], child) for column in columns)
        # A repository that is not to have it says nothing of it.
        telling = {state for state in states if state}
        summary = ""
        name = content.tickets.get(child, child)
        written = content.desired.ticket_named(name, instrument)
        # A bare ticket stands in chains as several collections.
        is_ticket = written is not None and written.noun.children == (child,)
        if written:
            summary = public(written.noun.summary or "")
        yield ChainRow(
            name=name if is_ticket else child,
            is_ticket=is_ticket,
            summary=summary,
            position=position,
            states=states,
            holds=(),
            differs=telling != {State.SEARCHED.value},
        )


def _with_holds(
    rows: Sequence[ChainRow],
    tickets: Mapping[str, str],
    held: Sequence[Held],
    timeline: Timeline,
) -> Iterator[ChainRow]:
    """Yield rows with what they hold, and where that wins."""
    holds: dict[str, dict[str, dict[str, None]]] = {}
    for each in held:
        # A row is of a ticket, or of one of its collections.
        for name in {tickets.get(each.collection, each.collection), each.collection}:
            filters = holds.setdefault(name, {}).setdefault(each.dataset_type, {})
            filters[each.filter] = None
    # A ticket that wins for one detector at one moment wins somewhere.
    winning: set[tuple[str, str, str]] = set()
    for row in timeline.rows:
        of_row: set[int] = set()
        for interval in row.intervals:
            of_row.add(interval.ticket)
            of_row.update(odd.ticket for odd in interval.odd)
        of_row.discard(NOTHING)
        for ticket in of_row:
            for filter in row.filters or ("",):
                winning.add((timeline.tickets[ticket], row.dataset_type, filter))
    for chain_row in rows:
        types: list[HeldType] = []
        ticket_name = tickets.get(chain_row.name, chain_row.name)
        for dataset_type, filters in sorted(holds.get(chain_row.name, {}).items()):
            wins = [filter for filter in filters if (ticket_name, dataset_type, filter) in winning]
            never = [filter for filter in filters if filter not in wins]
            types.append(
                HeldType(
                    dataset_type=dataset_type,
                    wins=tuple(wins),
                    never=tuple(never),
                )
            )
        yield chain_row.model_copy(update={"holds": tuple(types)})

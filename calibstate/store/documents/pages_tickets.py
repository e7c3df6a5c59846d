"""Tickets against repositories, and one ticket, as pages have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from ...model.approvals import Approved
from ...model.names import ARCHIVE, InstrumentName, Noun, Place, RepositoryAddress, TicketKey
from ...model.pages import PageContent
from ...model.reviews import Reviewed
from ...model.seals import Seal, SealedType
from ...model.status import Cell, State, Subject
from ...model.tickets import Ticket
from .pages import PageDocument, SeenPart, head, public, public_address, repositories_of, seen_part
from .pages_arrivals import Came, Coming, arrivals

__all__ = [
    "HeldPart",
    "SealPart",
    "TicketDocument",
    "TicketPart",
    "TicketPlace",
    "Tickets",
    "TicketsDocument",
    "YearPart",
]

_MOST_ON_A_PAGE = 100
"""Tickets on one page; of more, each year has a page."""


class TicketPlace(Noun):
    """A ticket at one repository."""

    repository: RepositoryAddress

    state: str
    """How it stands there; ``unreachable`` where nobody saw it."""

    stale: bool
    """Whether that was seen too long ago to be relied on."""

    reason: str
    """Why it stands so, where that is known."""

    arrived: str | None
    """When it was brought, as journals tell, or else the butler; null: neither
    does."""

    searched: str | None
    """Since when a chain searches it, as journals tell; null: no journal
    tells."""

    run: str | None
    """The run that had it searched, or brought it; null: none is known."""

    by: str | None
    """Who ran it; null: not known, or people are not named."""

    reviewed: str | None
    """When it was reviewed there last; null: no review was published."""

    passed: bool | None
    """What that review came to; null: there is none."""

    why: str
    """What it found first, where it did not pass."""

    seen: SeenPart | None = None
    """When the repository was seen; null: never."""


class TicketPart(Noun):
    """A ticket: its three tickets, its seal, and where it is."""

    ticket: str
    """The construction ticket."""

    position: int | None
    """Place in the search order, from 1; null: no chain lists it."""

    summary: str
    status: str
    """What the board said."""

    taxicab: str | None
    date: str | None
    """Day of the decision."""

    report: str | None
    note: str
    """Why there is no board's ticket, report or day."""

    deployment: str | None

    seal: Literal["approved", "differs", "none"]
    """How the seal stands to the approval."""

    sealed: str | None
    """Digest of the seal that is there."""

    archived: str | None
    """When it came into the archive, as journals tell; null: not known."""

    chains: tuple[str, ...]
    """Declared chains that list it."""

    retired: str
    """Why it is not to be searched any more; empty: it is not retired."""

    places: tuple[TicketPlace, ...]
    """In the order of the waves."""


class YearPart(Noun):
    """A year of tickets that has a page."""

    year: str
    """The year of the decision; ``undated`` where no day is told."""

    tickets: int


class TicketsDocument(PageDocument):
    """Tickets against repositories, in search order."""

    kind: Literal["page-tickets"] = "page-tickets"

    instrument: InstrumentName

    year: str | None
    """The year that is shown; null: all of them."""

    years: tuple[YearPart, ...]
    """The years that have pages, the newest first; empty: one page has all."""

    repositories: tuple[RepositoryAddress, ...]
    """In the order of the waves."""

    tickets: tuple[TicketPart, ...]


class HeldPart(Noun):
    """What a collection of a ticket holds of one dataset type."""

    collection: str
    """As the ticket names it."""

    dataset_type: str
    datasets: int

    data_ids: tuple[str, ...]
    """For which it holds, as the seal writes it, such as ``detector 0..8``."""

    begin: tuple[str | None, ...]
    """Of each of ``data_ids``, TAI; null: unbounded."""

    end: tuple[str | None, ...]
    """Of each of ``data_ids``, TAI; null: unbounded."""

    runs: tuple[str, ...]
    """RUNs of the datasets, as far as the seal tells."""

    fingerprint: str
    """Of the collection."""


class SealPart(Noun):
    """The seal of a ticket."""

    digest: str
    files: int
    bytes: int

    repository: str
    """Where it was read."""

    at: str
    """When it was read: UTC, with ``Z``."""

    reads: bool
    """Whether it tells how files are read."""


class TicketDocument(PageDocument):
    """A ticket: who decided, what it holds, and where it is."""

    kind: Literal["page-ticket"] = "page-ticket"

    instrument: InstrumentName
    ticket: TicketPart

    file: str
    """Where it is declared, in the tree."""

    skip: Mapping[str, str]
    """Sites and repositories that do not get it, with the reason."""

    hold: str
    """Why nothing is done with it at present; empty: it may."""

    collections: tuple[str, ...]
    """Its collections, in search order; full names."""

    sealed: SealPart | None
    """Null: it has no seal."""

    holds: tuple[HeldPart, ...]
    """By collection in search order, as far as its seal tells."""

    merges: tuple[str, ...]
    """Hex digests of commits that said something else of it, the newest
    first."""


class Tickets:
    """The tickets of an instrument, looked up once for all of its pages.

    Parameters
    ----------
    content
        All that is known.
    instrument
        Whose.
    """

    def __init__(self, content: PageContent, instrument: InstrumentName) -> None:
        self._content = content
        self._instrument = instrument

    @cached_property
    def repositories(self) -> tuple[RepositoryAddress, ...]:
        """Those of the instrument, in the order of the waves."""
        return repositories_of(self._content, self._instrument)

    @cached_property
    def parts(self) -> tuple[TicketPart, ...]:
        """All tickets, in search order; those that no chain lists last."""
        return tuple(self.part(name) for name in self.names)

    @cached_property
    def years(self) -> Mapping[str, tuple[TicketPart, ...]]:
        """Tickets by the year of their decision; empty: one page has all."""
        if len(self.parts) <= _MOST_ON_A_PAGE:
            return {}
        by_year: dict[str, list[TicketPart]] = {}
        for part in self.parts:
            year = "undated"
            if part.date:
                year = part.date[:4]
            by_year.setdefault(year, []).append(part)
        # What has no day is older than all that has one.
        newest_first = sorted(
            by_year,
            key=lambda year: year.replace("undated", ""),
            reverse=True,
        )
        return {year: tuple(by_year[year]) for year in newest_first}

    def document(self, parts: Sequence[TicketPart], year: str | None = None) -> TicketsDocument:
        """Return the document of a page of tickets.

        Parameters
        ----------
        parts
            Those that it shows.
        year
            Which year that is; `None`: none.
        """
        years: list[YearPart] = []
        for name, tickets in self.years.items():
            years.append(YearPart(year=name, tickets=len(tickets)))
        return TicketsDocument.model_validate(
            {
                **head(self._content),
                "instrument": self._instrument,
                "year": year,
                "years": tuple(years),
                "repositories": self.repositories,
                "tickets": tuple(parts),
            }
        )

    def document_of(self, part: TicketPart) -> TicketDocument:
        """Return the document of the page of a ticket.

        Parameters
        ----------
        part
            One of `parts`.
        """
        content = self._content
        assert content.desired, "tickets are declared"
        key = TicketKey(self._instrument, part.ticket)
        written = content.desired.tickets[key]
        ticket = written.noun
        sealed = content.desired.seals.get(key)
        seal: SealPart | None = None
        holds: tuple[HeldPart, ...] = ()
        if sealed:
            seal = _seal_part(sealed.noun)
            holds = tuple(_held(sealed.noun))
        skip: dict[str, str] = {}
        for place, reason in ticket.skip.items():
            skip[place] = public(reason)
        return TicketDocument.model_validate(
            {
                **head(content),
                "instrument": self._instrument,
                "ticket": part,
                "file": written.lines.file,
                "skip": skip,
                "hold": public(ticket.hold or ""),
                "collections": ticket.leaves,
                "sealed": seal,
                "holds": holds,
                "merges": self.merges.get(key, ()),
            }
        )

    # What is looked up once

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All tickets, in search order; those that no table has come last."""
        desired = self._content.desired
        if desired is None:
            return ()
        # The rows of the table are in search order already.
        names: dict[str, None] = {}
        table = self._content.table(self._instrument)
        if table:
            for row in table.rows:
                if row.subject is Subject.TICKET:
                    names[row.name] = None
        for written in desired.tickets_of(self._instrument):
            names[written.noun.ticket] = None
        return tuple(names)

    @cached_property
    def cells(self) -> Mapping[str, Mapping[RepositoryAddress, Cell]]:
        """Cells by ticket and repository."""
        cells: dict[str, dict[RepositoryAddress, Cell]] = {}
        table = self._content.table(self._instrument)
        if table is None:
            return cells
        for row in table.rows:
            if row.subject is Subject.TICKET:
                cells[row.name] = {cell.repository: cell for cell in row.cells}
        return cells

    @cached_property
    def listed(self) -> Mapping[str, tuple[str, ...]]:
        """Declared chains that list a ticket, by ticket."""
        table = self._content.table(self._instrument)
        if table is None:
            return {}
        return {row.name: row.chains for row in table.rows if row.subject is Subject.TICKET}

    @cached_property
    def approvals(self) -> Mapping[TicketKey, Approved]:
        """What was approved, by ticket."""
        return {approved.key: approved for approved in self._content.approvals}

    @cached_property
    def comings(self) -> Mapping[tuple[Place, TicketKey], Coming]:
        """How tickets came to places, as journals tell."""
        assert self._content.desired, "tickets are declared"
        return arrivals(self._content.desired, self._content.runs)

    @cached_property
    def retired(self) -> Mapping[str, str]:
        """Why tickets are retired, by their name or a collection's."""
        assert self._content.desired, "tickets are declared"
        retired: dict[str, str] = {}
        for chain in self._content.desired.chains_of(self._instrument):
            retired.update(chain.noun.retired)
        return retired

    @cached_property
    def merges(self) -> Mapping[TicketKey, tuple[str, ...]]:
        """Commits that said something else of a ticket."""
        merges: dict[TicketKey, list[str]] = {}
        for merge in self._content.merges:
            # It may be changed by its own file, and by a chain that lists it.
            changed: dict[TicketKey, None] = {}
            for ticket in merge.changes.tickets:
                changed[ticket.key] = None
            for chain in merge.changes.chains:
                for name in (*(each.entry for each in chain.entered), *(each.entry for each in chain.left)):
                    changed[TicketKey(chain.instrument, name)] = None
            for key in changed:
                merges.setdefault(key, []).append(merge.revision.commit)
        return {key: tuple(commits) for key, commits in merges.items()}

    def part(self, name: str) -> TicketPart:
        """Return a ticket as pages have it."""
        content = self._content
        assert content.desired, "tickets are declared"
        key = TicketKey(self._instrument, name)
        ticket: Ticket = content.desired.tickets[key].noun
        approval = ticket.approval
        approved = self.approvals.get(key)
        seal: Literal["approved", "differs", "none"] = "none"
        sealed = None
        if approved:
            seal = approved.seal.value
            sealed = approved.sealed
        # The journals keep the archive like any other place.
        in_archive = self.comings.get((ARCHIVE, key), Coming())
        chains = self.listed.get(name, ())
        retired = ""
        for word in (name, *ticket.children):
            retired = retired or self.retired.get(word, "")
        # What one chain has let go of another may still list.
        if chains:
            retired = ""
        return TicketPart(
            ticket=name,
            position=self.positions.get(name) if chains else None,
            summary=public(ticket.summary or ""),
            status=approval.status.value,
            taxicab=approval.taxicab,
            date=approval.date,
            report=public_address(approval.report),
            note=public(approval.note or ""),
            deployment=ticket.deployment,
            seal=seal,
            sealed=sealed,
            archived=_at(in_archive.there),
            chains=chains,
            retired=public(retired),
            places=tuple(self.places(key)),
        )

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Places in the search order, from 1, of tickets that are listed."""
        listed = [name for name in self.names if self.listed.get(name)]
        return {name: number for number, name in enumerate(listed, 1)}

    def places(self, key: TicketKey) -> Iterator[TicketPlace]:
        """Yield how a ticket stands at each repository."""
        cells = self.cells.get(key.ticket, {})
        for address in self.repositories:
            cell = cells.get(address)
            age = self._content.ages.get(address)
            # Of a place that nobody saw a row can tell no more than that.
            state = State.UNREACHABLE
            reason = ""
            if cell and age:
                state = cell.state
                reason = public(cell.reason)
            coming = self.comings.get((address, key), Coming())
            # Whoever had it searched is asked, rather than who brought it.
            newest = coming.searched or coming.there
            by: str | None = None
            if newest and self._content.wishes.people:
                by = newest.who
            review = self.review(address, key)
            yield TicketPlace(
                repository=address,
                state=state.value,
                stale=bool(age and age.stale),
                reason=reason,
                arrived=_at(coming.there) or self.ingested(address, key),
                searched=_at(coming.searched),
                run=newest.run if newest else None,
                by=by,
                reviewed=review.at if review else None,
                passed=review.passed if review else None,
                why=public(review.why) if review else "",
                seen=seen_part(age),
            )

    def ingested(self, address: RepositoryAddress, key: TicketKey) -> str | None:
        """Return when the last of a ticket came, as the butler recorded it."""
        sight = self._content.sights.get(address)
        if sight is None:
            return None
        ticket = sight.tickets.get(key.name)
        if ticket is None or ticket.ingested is None:
            return None
        return ticket.ingested.last

    def review(self, address: RepositoryAddress, key: TicketKey) -> Reviewed | None:
        """Return how a ticket was reviewed there last, if it was."""
        review = self._content.reviews.get(address)
        if review is None:
            return None
        return review.tickets.get(key.name)


def _at(came: Came | None) -> str | None:
    if came is None:
        return None
    return came.at


def _seal_part(seal: Seal) -> SealPart:
    return SealPart(
        digest=seal.digest,
        files=seal.files,
        bytes=seal.bytes,
        repository=seal.sealed_from.repository,
        at=seal.sealed_from.at,
        reads=seal.reading is not None,
    )


def _held(seal: Seal) -> Iterator[HeldPart]:
    """Yield what a seal tells that collections hold."""
    for name, collection in seal.collections.items():
        for dataset_type, held in collection.types.items():
            data_ids, begins, ends = _coverage(held)
            yield HeldPart(
                collection=name,
                dataset_type=dataset_type,
                datasets=held.datasets,
                data_ids=data_ids,
                begin=begins,
                end=ends,
                runs=tuple(sorted(held.runs)),
                fingerprint=collection.fingerprint,
            )


def _coverage(
    held: SealedType,
) -> tuple[tuple[str, ...], tuple[str | None, ...], tuple[str | None, ...]]:
    """Return data IDs in words, and from when until when each holds."""
    data_ids: list[str] = []
    begins: list[str | None] = []
    ends: list[str | None] = []
    for entry in held.coverage:
        words: list[str] = []
        for dimension, value in sorted(entry.items()):
            if dimension in {"begin", "end", "run"}:
                continue
            written = str(value)
            if isinstance(value, list):
                written = " ".join(value)
            words.append(f"{dimension} {written}")
        data_ids.append(", ".join(words))
        begins.append(_bound(entry.get("begin")))
        ends.append(_bound(entry.get("end")))
    return tuple(data_ids), tuple(begins), tuple(ends)


def _bound(value: object) -> str | None:
    if value is None:
        return None
    return str(value)

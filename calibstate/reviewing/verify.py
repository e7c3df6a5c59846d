"""Verify: review what was deployed, repository by repository.

Repositories are looked at side by side, each of them once for all tickets;
one that cannot be seen costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..engine.expand import adopted, places_of
from ..engine.observe import refuse_doubles
from ..engine.side_by_side import side_by_side
from ..errors import RefusedError, UnreachableError
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, RepositoryAddress, TicketKey
from ..model.reviews import Check, Checked, Fault, Finding, PublishedReview, RepositoryReview, Review
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched
from .content import check_content, is_deployed, lacking
from .expect import Expected, expectations
from .files import check_bytes, check_files
from .look_closely import Showed, look_closely
from .lookups import check_lookups
from .publish import to_publish
from .readings import check_reading
from .selection import check_selection

__all__ = ["Extra", "Reviewing", "verify"]

Extra = Callable[[Showed, Sequence[Ticket]], Mapping[TicketKey, Checked]]
"""A further check of the tickets at one repository, all together."""


@dataclass(frozen=True)
class Reviewing:
    """How a review is made."""

    at: str
    """The time in UTC, with ``Z``."""

    version: str
    """Of calibstate."""

    read_files: bool = False
    """Read every file, and compare its checksum."""

    extra: Extra | None = None
    """A further check, made where a ticket is deployed, one repository after
    the other."""

    publish: Callable[[PublishedReview], None] = lambda review: None
    """Told what the waves that come after may rely on, by repository."""

    counted: Callable[[int, int], None] = lambda done, total: None
    """Told how many repositories have been looked at, of how many."""

    watch: Callable[[RepositoryAddress], Watch] = field(default=lambda address: unwatched)
    """Gives what is told of the progress in reading files."""


def verify(
    desired: DesiredState, scope: Scope, places: ReadPlaces, how: Reviewing
) -> list[tuple[Ticket, Review]]:
    """Return the review of each adopted ticket, by instrument and ticket.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is reviewed.
    places
        Where to look.
    how
        How it is made.

    Raises
    ------
    RefusedError
        Two addresses open one and the same butler.
    """
    refuse_doubles(desired, places)
    tickets_of = dict(_tickets_by_repository(desired, scope))
    instruments = sorted({ticket.instrument for tickets in tickets_of.values() for ticket in tickets})
    expected = expectations(desired, instruments, places) if tickets_of else {}
    reviews, unreachable = _look(desired, tickets_of, expected, places, how)
    return [
        (written.noun, _review(desired, written.noun, expected, reviews, unreachable, tickets_of, how))
        for written in adopted(desired, scope)
    ]


_Reviews = dict[tuple[RepositoryAddress, TicketKey], RepositoryReview]


def _tickets_by_repository(
    desired: DesiredState, scope: Scope
) -> Iterator[tuple[RepositoryAddress, list[Ticket]]]:
    """Yield the tickets that each repository should have."""
    for address in places_of(desired, scope):
        instruments = desired.repository(address)[1].instruments
        tickets = [
            written.noun
            for written in adopted(desired, scope)
            if written.noun.instrument in instruments and not desired.skipped(written.noun, address)
        ]
        if tickets:
            yield address, tickets


def _look(
    desired: DesiredState,
    tickets_of: Mapping[RepositoryAddress, list[Ticket]],
    expected: Mapping[TicketKey, Expected],
    places: ReadPlaces,
    how: Reviewing,
) -> tuple[_Reviews, dict[RepositoryAddress, str]]:
    reviews: _Reviews = {}
    unreachable: dict[RepositoryAddress, str] = {}
    repositories: dict[RepositoryAddress, _Repository] = {}
    looks = {
        address: partial(_repository, desired, address, tickets, expected, places, how)
        for address, tickets in tickets_of.items()
    }
    for done, (address, look) in enumerate(side_by_side(looks, places.timeout), 1):
        try:
            repositories[address] = look.result()
        except UnreachableError as error:
            unreachable[address] = error.diagnostics[0].detail
        how.counted(done, len(looks))
    for address, there in sorted(repositories.items()):
        here: dict[TicketKey, RepositoryReview] = {}
        extra = how.extra(there.showed, there.deployed) if how.extra and there.deployed else {}
        for ticket, checks in there.checks:
            more = [extra[ticket.key]] if ticket.key in extra else []
            here[ticket.key] = RepositoryReview.of([*checks, *more])
        reviews.update({(address, key): review for key, review in here.items()})
        how.publish(to_publish(desired, there.showed, expected, here, how.at))
    return reviews, unreachable


@dataclass(frozen=True)
class _Repository:
    """What was found at a repository."""

    showed: Showed
    checks: list[tuple[Ticket, list[Checked]]]
    deployed: list[Ticket]


def _repository(
    desired: DesiredState,
    address: RepositoryAddress,
    tickets: list[Ticket],
    expected: Mapping[TicketKey, Expected],
    places: ReadPlaces,
    how: Reviewing,
) -> _Repository:
    instruments = sorted({ticket.instrument for ticket in tickets})
    showed = look_closely(desired, address, instruments, tickets, expected, places)
    checks = [
        (ticket, list(_checks(expected[ticket.key], showed, places, how)))
        for ticket in tickets
        if is_deployed(expected[ticket.key], showed) or not desired.hold_of_ticket(ticket.key)
    ]
    deployed = [t for t in tickets if is_deployed(expected[t.key], showed) and not expected[t.key].trouble]
    return _Repository(showed, checks, deployed)


def _checks(expected: Expected, showed: Showed, places: ReadPlaces, how: Reviewing) -> Iterator[Checked]:
    """Yield what becomes of each check of one ticket at one repository."""
    if not is_deployed(expected, showed):
        number = len(expected.ticket.leaves)
        detail = f"none of its {number} collections is here" if number > 1 else "its collection is not here"
        yield _failed(Fault.NOT_DEPLOYED, f"not deployed: {detail}")
        return
    if expected.trouble:
        yield _failed(Fault.UNKNOWN, f"nobody can tell what it should hold: {expected.trouble}")
        return
    try:
        content, absent = check_content(expected, showed), lacking(expected, showed)
    except RefusedError as error:
        yield _failed(Fault.UNKNOWN, f"what it should hold cannot be read: {error.diagnostics[0].detail}")
        return
    yield content
    yield check_selection(expected.ticket, showed, absent)
    yield check_lookups(expected.ticket, showed)
    yield check_files(expected, showed)
    if not content.findings and not absent:
        yield check_reading(expected, showed, places.archive())
    if how.read_files:
        yield check_bytes(expected, showed, places.archive(), how.watch(showed.address))


def _failed(what: Fault, detail: str) -> Checked:
    return Checked(Check.CONTENT, {}, (Finding(check=Check.CONTENT, what=what, detail=detail),))


def _review(
    desired: DesiredState,
    ticket: Ticket,
    expected: Mapping[TicketKey, Expected],
    reviews: _Reviews,
    unreachable: Mapping[RepositoryAddress, str],
    tickets_of: Mapping[RepositoryAddress, list[Ticket]],
    how: Reviewing,
) -> Review:
    sealed = desired.seals.get(ticket.key)
    there = {a: reviews[a, ticket.key] for a in sorted(tickets_of) if (a, ticket.key) in reviews}
    unseen: dict[str, str] = {
        a: unreachable[a] for a in sorted(tickets_of) if a in unreachable and ticket in tickets_of[a]
    }
    if ticket.key in expected and (trouble := expected[ticket.key].archive_trouble):
        unseen[ARCHIVE] = trouble
    return Review(
        ticket=ticket.ticket,
        instrument=ticket.instrument,
        seal=sealed.noun.digest if sealed else None,
        at=how.at,
        version=how.version,
        repositories=there,
        unreachable=unseen,
    )

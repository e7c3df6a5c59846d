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
from ..engine.side_by_side import gather
from ..errors import RefusedError
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, RepositoryAddress, TicketKey
from ..model.reviews import Check, Checked, Fault, PublishedReview, RepositoryReview, Review
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..model.verdicts import Verdict
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched
from .checking import Checking
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


Reviews = Mapping[TicketKey, RepositoryReview]
"""What became of tickets at one repository."""


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
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    how: Reviewing,
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
    tickets_of = _tickets_by_repository(desired, scope)
    instruments: set[str] = set()
    for tickets in tickets_of.values():
        instruments.update(ticket.instrument for ticket in tickets)
    expected: Mapping[TicketKey, Expected] = {}
    if tickets_of:
        expected = expectations(desired, sorted(instruments), places)
    verification = _Verification(desired, tickets_of, expected, places, how)
    verification.look()
    reviews: list[tuple[Ticket, Review]] = []
    for written in adopted(desired, scope):
        ticket = written.noun
        review = verification.review(ticket)
        reviews.append((ticket, review))
    return reviews


def _tickets_by_repository(
    desired: DesiredState,
    scope: Scope,
) -> dict[RepositoryAddress, list[Ticket]]:
    """Return the tickets that each repository should have, if any."""
    tickets_of: dict[RepositoryAddress, list[Ticket]] = {}
    tickets = [written.noun for written in adopted(desired, scope)]
    for address in places_of(desired, scope):
        instruments = desired.repository(address)[1].instruments
        for ticket in tickets:
            if ticket.instrument not in instruments:
                continue
            if not desired.skipped(ticket, address):
                tickets_of.setdefault(address, []).append(ticket)
    return tickets_of


@dataclass(frozen=True)
class _Repository:
    """What a look at a repository showed."""

    showed: Showed

    checks: Mapping[TicketKey, Sequence[Checked]]
    """The checks of each ticket that could be made."""

    deployed: Sequence[Ticket]
    """Tickets that can be checked further."""


@dataclass(frozen=True)
class _Verification:
    """A review of tickets, repository by repository."""

    desired: DesiredState

    tickets_of: Mapping[RepositoryAddress, Sequence[Ticket]]
    """Tickets that each repository should have."""

    expected: Mapping[TicketKey, Expected]
    """What the tickets should hold."""

    places: ReadPlaces
    how: Reviewing

    reviews: dict[RepositoryAddress, Reviews] = field(default_factory=dict)
    """Of the tickets at each repository that could be seen."""

    unreachable: dict[RepositoryAddress, str] = field(default_factory=dict)
    """Why the others could not be seen."""

    def look(self) -> None:
        """Look at all repositories side by side, and review the tickets."""
        looks: dict[RepositoryAddress, Callable[[], _Repository]] = {}
        for address, tickets in self.tickets_of.items():
            looks[address] = partial(self.look_at, address, tickets)
        gathered = gather(looks, self.places.timeout, self.how.counted)
        for address, problem in gathered.unreachable.items():
            self.unreachable[address] = problem.detail
        # The further check may run a pipeline, so repositories take turns.
        for address, repository in gathered.results.items():
            reviews = self.reviews_at(repository)
            self.reviews[address] = reviews
            published = to_publish(
                self.desired,
                repository.showed,
                self.expected,
                reviews,
                self.how.at,
            )
            self.how.publish(published)

    def reviews_at(self, repository: _Repository) -> Reviews:
        """Return what becomes of tickets, with the further check of them."""
        extra: Mapping[TicketKey, Checked] = {}
        showed, deployed = repository.showed, repository.deployed
        if self.how.extra and deployed:
            extra = self.how.extra(showed, deployed)
        reviews: dict[TicketKey, RepositoryReview] = {}
        for key, checks in repository.checks.items():
            all_checks = list(checks)
            if key in extra:
                all_checks.append(extra[key])
            reviews[key] = RepositoryReview.of(all_checks)
        return reviews

    def look_at(
        self,
        address: RepositoryAddress,
        tickets: Sequence[Ticket],
    ) -> _Repository:
        """Look at one repository, and check its tickets."""
        instruments = {ticket.instrument for ticket in tickets}
        showed = look_closely(
            self.desired,
            address,
            sorted(instruments),
            tickets,
            self.expected,
            self.places,
        )
        checks: dict[TicketKey, Sequence[Checked]] = {}
        deployed: list[Ticket] = []
        for ticket in tickets:
            key = ticket.key
            expected = self.expected[key]
            is_here = is_deployed(expected, showed)
            # What is held back is not missed where it is not.
            is_held_back = self.desired.hold_of_ticket(key) is not None
            if is_here or not is_held_back:
                checks[key] = list(self.check(expected, showed))
            if is_here and not expected.trouble:
                deployed.append(ticket)
        return _Repository(showed, checks, deployed)

    def check(self, expected: Expected, showed: Showed) -> Iterator[Checked]:
        """Yield what becomes of each check of one ticket at one repository.

        One that could tell nothing after those before it is not made.
        """
        if not is_deployed(expected, showed):
            number = len(expected.ticket.leaves)
            detail = "its collection is not here"
            if number > 1:
                detail = f"none of its {number} collections is here"
            yield _failed(Fault.NOT_DEPLOYED, f"not deployed: {detail}")
            return
        if expected.trouble:
            detail = f"nobody can tell what it should hold: {expected.trouble}"
            yield _failed(Fault.UNKNOWN, detail)
            return
        try:
            content = check_content(expected, showed)
            absent = lacking(expected, showed)
        except RefusedError as error:
            detail = error.diagnostics[0].detail
            yield _failed(Fault.UNKNOWN, f"what it should hold cannot be read: {detail}")
            return
        yield content
        ticket = expected.ticket
        yield check_selection(ticket, showed, absent)
        yield check_lookups(ticket, showed)
        yield check_files(expected, showed)
        # How files are read is sealed for the whole ticket only.
        if not content.findings and not absent:
            archive = self.places.archive()
            yield check_reading(expected, showed, archive)
        # What takes hours comes last.
        if self.how.read_files:
            archive = self.places.archive()
            watch = self.how.watch(showed.address)
            yield check_bytes(expected, showed, archive, watch)

    def review(self, ticket: Ticket) -> Review:
        """Return the review of a ticket at all its repositories."""
        key = ticket.key
        there: dict[RepositoryAddress, RepositoryReview] = {}
        unseen: dict[str, str] = {}
        for address, tickets in sorted(self.tickets_of.items()):
            reviews = self.reviews.get(address, {})
            if key in reviews:
                there[address] = reviews[key]
            if address in self.unreachable and ticket in tickets:
                unseen[address] = self.unreachable[address]
        # Without the archive nobody may know what the ticket should hold.
        expected = self.expected.get(key)
        if expected and expected.archive_trouble:
            unseen[ARCHIVE] = expected.archive_trouble
        seal: str | None = None
        if key in self.desired.seals:
            seal = self.desired.seals[key].noun.digest
        verdicts: Mapping[str, Verdict] | None = None
        if key in self.desired.verdicts:
            verdicts = self.desired.verdicts[key].noun.by_product
        return Review(
            ticket=ticket.ticket,
            instrument=ticket.instrument,
            seal=seal,
            verdicts=verdicts,
            at=self.how.at,
            version=self.how.version,
            repositories=there,
            unreachable=unseen,
        )


def _failed(what: Fault, detail: str) -> Checked:
    """Return a check that fails before anything is compared."""
    checking = Checking(Check.CONTENT)
    checking.add(what, detail)
    return checking.checked()

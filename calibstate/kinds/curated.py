"""Curated calibrations: written once, at the origin, by the stack's command.

``butler write-curated-calibrations`` gives its datasets new UUIDs wherever it
is run, and cannot go on where it was cut.  So it is run at one place, and what
it wrote travels as a bare ticket.  What it should write is known from the
names in the data package; done is what the repository shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, Severity
from ..model.actions import Action, Departure, Standing
from ..model.curated import Curated as CuratedKey
from ..model.desired import DesiredState, Written
from ..model.drift import Drift, What
from ..model.names import Address, CollectionName, Place, RepositoryAddress, TicketKey
from ..model.reasons import Code, Reason
from ..model.resources import Declared, Observed, Resource
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .commanding import require_commands
from .curated_look import look_at_curated
from .curated_state import COMMAND, Curated, fingerprint_of, is_done, package_problem, problem_with
from .departed import Departed
from .selection import Selection

__all__ = [
    "Curated",
    "CuratedKind",
    "WriteCurated",
    "curated_of",
    "declared_curated",
    "spoilt_at",
    "unfinished_at",
]


_SPOILT = {Code.HALF_WRITTEN, Code.CONTENT_DIFFERS, Code.UNDER_WAY}
"""Reasons for which what is there is certainly not what it should be."""


class WriteCurated(Action):
    """Write curated calibrations, by the command of the stack."""

    do: ClassVar[str] = "write-curated"

    ticket: str
    instrument: str
    key: CuratedKey
    """By what they are written."""

    expected: str
    """Fingerprint of what the package says, without UUIDs."""

    number: int
    """How many datasets these are."""

    @override
    def subject(self) -> Curated:
        ticket = TicketKey(self.instrument, self.ticket)
        return Curated(
            self.target,
            ticket,
            self.key,
        )

    @override
    def standing(self, live: Resource | None) -> Standing:
        if not isinstance(live, Curated):
            # It has left its origin, so that somebody has written it.
            return Standing.DONE
        if self._is_done(live):
            return Standing.DONE
        if live.running:
            return Standing.UNDER_WAY
        if any(self.departures(live)):
            return Standing.STALE
        return Standing.READY

    def _is_done(self, live: Curated) -> bool:
        return fingerprint_of(live.held) == self.expected

    @override
    def departures(self, live: Resource | None) -> Iterator[Departure]:
        if not isinstance(live, Curated) or self._is_done(live):
            return
        place = self.target.place
        for name in live.there:
            # The command refuses whatever has the label already.
            yield Departure(
                place,
                name,
                "none of that name",
                "one that is not whole",
            )
        expected = fingerprint_of(live.expected)
        if expected != self.expected:
            yield Departure(
                place,
                self.key.package,
                f"{self.number} calibrations {self.expected}",
                f"{len(live.expected)} calibrations {expected}",
            )
        problem = package_problem(live)
        if problem:
            yield Departure(
                place,
                self.key.package,
                f"revision {self.key.revision}",
                problem.detail,
            )

    @override
    def brings(self) -> frozenset[tuple[str, str]]:
        names = {
            self.target.name,
            self.key.collection,
            self.key.unbounded(self.instrument),
        }
        place = self.target.place
        return frozenset((place, name) for name in names)

    @override
    def summary(self) -> str:
        return f"write {self.number} curated calibrations by butler {COMMAND}"

    @override
    def changes(self) -> Iterator[str]:
        yield f"+ {self.key.collection}, label {self.key.label}"
        # Nobody knows the UUIDs before, so no plan goes on from here.
        yield "  what needs its UUIDs is planned by the next run"


class CuratedKind(Kind[Curated]):
    """Curated calibrations at their origins."""

    name = "curated"
    actions = (WriteCurated,)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for written in selection.repositories[place].tickets:
            if selection.desired.origin(written.noun.instrument) == place:
                yield from declared_curated(written, selection)

    @override
    def observe(
        self,
        targets: Sequence[Curated],
        places: ReadPlaces,
    ) -> Mapping[Address, Curated | None]:
        if not targets:
            return {}
        departed = Departed(targets, places)
        live: dict[Address, Curated | None] = {}
        for target in targets:
            left = departed.how(target)
            live[target.address] = None
            # What has left is final, and costs no look.
            if not left:
                live[target.address] = look_at_curated(replace(target, unseen=departed.unseen), places)
        return live

    @override
    def compare(self, declared: Curated, live: Curated | None) -> Iterator[Drift]:
        if live is None or is_done(live):
            return
        problem = problem_with(live)
        if problem is None:
            yield Drift(
                target=declared.address,
                what=What.MISSING,
                subject=declared.key.collection,
                detail=_nothing_written(live),
            )
            return
        what = What.MISSING
        if live.there:
            what = What.CHANGED
        yield Drift.because_of(
            problem,
            target=declared.address,
            what=what,
            subject=declared.key.collection,
        )

    @override
    def remedy(self, declared: Curated, live: Curated | None) -> Iterator[Action]:
        if live is None or live.is_whole or problem_with(live):
            return
        yield WriteCurated(
            target=declared.address,
            because=_nothing_written(live),
            ticket=declared.ticket.ticket,
            instrument=declared.ticket.instrument,
            key=declared.key,
            expected=fingerprint_of(live.expected),
            number=len(live.expected),
        )

    @override
    def is_there(self, declared: Curated, live: Curated | None) -> bool:
        return live is None or is_done(live)

    @override
    def obstacle(self, declared: Curated, live: Curated | None) -> Reason | None:
        if live is None:
            return None
        return problem_with(live)

    @override
    def foresee(
        self,
        action: Action,
        actions: Sequence[Action],
        places: ReadPlaces,
    ) -> Sequence[Diagnostic]:
        assert isinstance(action, WriteCurated), "kinds carry out their own actions"
        require_commands(
            action.target.place,
            COMMAND,
            places=places,
            hint="Set up the Rubin stack at the origin, then run this again there.",
        )
        return ()

    @override
    def apply(
        self,
        action: Action,
        places: WritePlaces,
        watch: Watch,
        fence: Fence,
    ) -> None:
        assert isinstance(action, WriteCurated), "kinds carry out their own actions"
        key = action.key
        # In one word each, so that no name is taken for an option.
        words = [
            key.class_name,
            f"--collection={key.collection}",
            f"--label={key.label}",
        ]
        ran = places.run_commands(action.target.place).run(COMMAND, words, fence)
        # What it ended with proves nothing: it ends with 0 where the package
        # is not set up, and has written the camera alone.
        subject = action.subject()
        live = self.observe([subject], places)[subject.address]
        if live is None or fingerprint_of(live.held) == action.expected:
            return
        detail = f"butler {COMMAND} ended with {ran.code}: {ran.error or 'it tells of no error'}"
        hint = "Nothing of it was written; run this again once the cause is gone."
        problem = problem_with(live)
        if problem:
            detail = f"{detail}; {problem.detail}"
            hint = problem.hint
        raise CalibstateError(
            Diagnostic(
                "Curated calibrations are not whole",
                f"{detail}.",
                hint=hint,
            )
        )

    @override
    def remarks(self, live: Curated) -> Iterator[Diagnostic]:
        package = live.package
        if package and live.key.revision and package.revision is None:
            yield Diagnostic(
                "Revision of a package not known",
                f"{package.path} is no checkout, so whether it is {live.source} nobody can tell.",
                severity=Severity.NOTE,
            )

    @override
    def sentence(self, declared: Curated) -> str:
        return f"is written by {declared.key.class_name} from {declared.source}"


def declared_curated(written: Written[Ticket], selection: Selection) -> Iterator[Declared]:
    """Yield what a ticket's origin is to write, if its ticket is curated.

    Parameters
    ----------
    written
        The ticket.
    selection
        What is declared.
    """
    origin = selection.maker(written.noun)
    if origin:
        yield from curated_of(written, selection.desired, origin)


def curated_of(
    written: Written[Ticket],
    desired: DesiredState,
    repository: RepositoryAddress,
) -> Iterator[Declared]:
    """Yield what a ticket has written, whether it is adopted or not.

    Parameters
    ----------
    written
        The ticket.
    desired
        All that is declared.
    repository
        Its origin.
    """
    ticket = written.noun
    if ticket.curated is None:
        return
    resource = Curated(
        Curated.at(repository, ticket),
        ticket.key,
        ticket.curated,
        is_sealed=ticket.key in desired.seals,
    )
    yield Declared(resource, written.lines.at("curated"))


def unfinished_at(
    repository: RepositoryAddress,
    ticket: Ticket,
    observed: Mapping[Address, Observed],
) -> Iterator[CollectionName]:
    """Yield the collection of a ticket that is not written yet, or in part.

    Parameters
    ----------
    repository
        Its origin.
    ticket
        The ticket.
    observed
        What was seen.
    """
    looked_at = observed.get(Curated.at(repository, ticket))
    if looked_at is None:
        return
    live = Curated.of(looked_at.resource)
    if live and not is_done(live):
        yield live.key.collection


def spoilt_at(
    repository: RepositoryAddress,
    ticket: Ticket,
    places: ReadPlaces,
) -> Reason | None:
    """Say why nobody should take for final what is written of a ticket.

    What cannot be compared is a person's to judge.

    Parameters
    ----------
    repository
        Its origin.
    ticket
        The ticket.
    places
        Where to look.
    """
    if ticket.curated is None:
        return None
    target = Curated(
        Curated.at(repository, ticket),
        ticket.key,
        ticket.curated,
    )
    # It is looked at as any step would look at it.
    problem = problem_with(look_at_curated(target, places))
    if problem and problem.code in _SPOILT:
        return problem
    return None


def _nothing_written(live: Curated) -> str:
    return f"none of {len(live.expected)} calibrations of {live.source} is written"

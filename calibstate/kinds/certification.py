"""A certification: datasets of one RUN, certified for a range at the origin.

From a RUN by its name, and whole: the first child of a chain may hold one of
three detectors, and what a chain answers behind it is another ticket's.  Done
is what the collection holds, compared row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from typing_extensions import override

from ..errors import Diagnostic, PlanIsStaleError, Severity
from ..model.actions import Action
from ..model.constructed import Constructed
from ..model.contents import Holding
from ..model.desired import DesiredState, Written
from ..model.drift import Drift, What
from ..model.names import Address, CollectionName, Place, RepositoryAddress
from ..model.reasons import Code, Reason, Weight
from ..model.resources import Declared, Observed
from ..model.tickets import Ticket
from ..model.timespans import format_bound, format_range
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from ..ports.records import Fence
from .base import Kind
from .certification_actions import CertifyAction, CertifyDatasets, CertifyDatasetsAgain
from .certification_look import look_closely
from .certified import Certification, blocks, difference, fingerprint_of, is_over, problem_with
from .departed import Departed
from .selection import Selection
from .waves import Waves

__all__ = [
    "Certification",
    "CertificationKind",
    "CertifyDatasets",
    "CertifyDatasetsAgain",
    "certifications_of",
    "declared_certifications",
    "foreseen_at",
    "there_before",
]


class CertificationKind(Kind[Certification]):
    """What origins certify."""

    name = "certification"
    actions = (CertifyDatasets, CertifyDatasetsAgain)

    @override
    def declare(self, selection: Selection, place: Place) -> Iterator[Declared]:
        for written in selection.repositories[place].tickets:
            if selection.desired.origin(written.noun.instrument) == place:
                yield from declared_certifications(written, selection)

    @override
    def observe(
        self,
        targets: Sequence[Certification],
        places: ReadPlaces,
    ) -> Mapping[Address, Certification | None]:
        if not targets:
            return {}
        departed = Departed(targets, places)
        live: dict[Address, Certification | None] = {}
        looked_at: list[Certification] = []
        for target in targets:
            target = replace(
                target,
                left=departed.how(target),
                unseen=departed.unseen,
            )
            live[target.address] = None
            # What has been deployed costs no look.
            if not (target.left and target.until_it_left):
                looked_at.append(target)
        for seen_now in look_closely(looked_at, places):
            live[seen_now.address] = seen_now
        return live

    @override
    def compare(
        self,
        declared: Certification,
        live: Certification | None,
    ) -> Iterator[Drift]:
        if live is None or live.is_done or is_over(live):
            return
        what = What.MISSING
        if live.held or live.taken:
            what = What.CHANGED
        problem = problem_with(live)
        if problem:
            yield Drift.because_of(
                problem,
                target=declared.address,
                what=what,
                subject=declared.collection,
            )
            return
        yield Drift(
            target=declared.address,
            what=what,
            subject=declared.collection,
            detail=difference(live),
        )

    @override
    def remedy(
        self,
        declared: Certification,
        live: Certification | None,
    ) -> Iterator[Action]:
        if live is None or live.is_done or is_over(live) or problem_with(live):
            return
        assert live.source and declared.ticket, "what has datasets has a source"
        begin, end = live.span
        ground = {
            "target": declared.address,
            "because": difference(live),
            "ticket": declared.ticket.ticket,
            "instrument": declared.ticket.instrument,
            "collection": declared.collection,
            "source": live.source,
            "dataset_type": declared.dataset_type,
            "datasets": fingerprint_of(live.datasets),
            "number": len(live.datasets),
            "begin": format_bound(begin),
            "end": format_bound(end),
            "held": fingerprint_of(live.held),
        }
        beyond = live.held - live.wanted
        if beyond:
            yield CertifyDatasetsAgain.model_validate({**ground, "decertifies": blocks(beyond)})
        else:
            yield CertifyDatasets.model_validate(ground)

    @override
    def is_there(self, declared: Certification, live: Certification | None) -> bool:
        return live is None or live.is_done or is_over(live)

    @override
    def obstacle(
        self,
        declared: Certification,
        live: Certification | None,
    ) -> Reason | None:
        if live is None or live.is_done or is_over(live):
            return None
        return problem_with(live)

    @override
    def tickets(
        self,
        action: Action,
        desired: DesiredState,
    ) -> Iterator[Written[Ticket]]:
        assert isinstance(action, CertifyAction), "kinds carry out their own actions"
        if action.key in desired.tickets:
            yield desired.tickets[action.key]

    @override
    def guards(
        self,
        action: Action,
        desired: DesiredState,
        waves: Waves,
    ) -> Iterator[Reason]:
        if isinstance(action, CertifyDatasetsAgain):
            yield Reason(
                Code.RECERTIFY,
                f"{action.collection} would no longer certify {'; '.join(action.decertifies)}; if that is "
                "meant: --allow recertify --because REASON",
                Weight.GUARDED,
            )

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
        assert isinstance(action, CertifyAction), "kinds carry out their own actions"
        subject = action.subject()
        live = self.observe([subject], places)[subject.address]
        departures = [str(departure) for departure in action.departures(live)]
        if departures or live is None:
            detail = f"{'; '.join(departures)}."
            raise PlanIsStaleError(
                Diagnostic(
                    "Plan is stale",
                    detail,
                    hint="Plan again.",
                )
            )
        places.change_butler(action.target.place).certify(
            action.collection,
            sorted(row.uuid for row in live.datasets),
            action.span,
            expected=live.held,
            decertified=action.decertified(live),
            fence=fence,
        )

    @override
    def remarks(self, live: Certification) -> Iterator[Diagnostic]:
        begin, end = live.span
        outside = sorted(span for span in live.ranges if span[0] < begin or span[1] > end)
        # Where the source answers for a longer time, it goes on to do so.
        if not outside or not live.searched_by:
            return
        yield Diagnostic(
            "Range stays open",
            f"{live.collection} is for {format_range(live.span)}, and {live.source} certifies the same "
            f"datasets for {', '.join(format_range(span) for span in outside)}: exposures that are in that "
            f"range alone find them as before through {', '.join(live.searched_by)}.",
            hint=f"To close the range, take {live.source} out of there: name the other collections of its "
            "ticket in a new one, and list the old one under `retired`.",
            severity=Severity.NOTE,
        )

    @override
    def sentence(self, declared: Certification) -> str:
        return f"certifies for {format_range(declared.span)}"


def declared_certifications(
    written: Written[Ticket],
    selection: Selection,
) -> Iterator[Declared]:
    """Yield what a ticket's origin is to certify of what the ticket lists.

    Nothing once it has left the origin: what it holds is final then.

    Parameters
    ----------
    written
        The ticket.
    selection
        What is declared, and what tickets hold as far as that is known.
    """
    ticket = written.noun
    origin = selection.maker(ticket)
    if origin is None:
        return
    for declared in certifications_of(
        written,
        selection.desired,
        origin,
    ):
        assert isinstance(declared.resource, Certification), "it is what they are"
        if declared.resource.collection in ticket.leaves:
            resource = replace(declared.resource, until_it_left=True)
            yield replace(declared, resource=resource)


def foreseen_at(
    repository: RepositoryAddress,
    names: Iterable[CollectionName],
    observed: Mapping[Address, Observed],
) -> Mapping[CollectionName, Holding]:
    """Return what collections will hold once they are certified.

    Parameters
    ----------
    repository
        Where.
    names
        The collections.
    observed
        What was seen of the certifications.
    """
    foreseen: dict[CollectionName, Holding] = {}
    for name in names:
        looked_at = observed.get(Certification.at(repository, name))
        if looked_at is None:
            continue
        certification = Certification.of(looked_at.resource)
        if certification and certification.foreseen:
            foreseen[name] = certification.foreseen
    return foreseen


def there_before(
    collections: Sequence[CollectionName],
    actions: Sequence[Action],
    origin: RepositoryAddress,
) -> tuple[CollectionName, ...]:
    """Return the collections that can be looked at before any action is done.

    Parameters
    ----------
    collections
        Collections of an origin.
    actions
        Actions, some of which certify or ingest there.
    origin
        The origin.
    """
    brought: set[tuple[str, str]] = set()
    for action in actions:
        brought |= action.brings()
    return tuple(name for name in collections if (origin, name) not in brought)


def certifications_of(
    written: Written[Ticket],
    desired: DesiredState,
    repository: RepositoryAddress,
    prefix: str = "",
) -> Iterator[Declared]:
    """Yield all that a ticket certifies, in the order in which it is made.

    Parameters
    ----------
    written
        The ticket.
    desired
        All that is declared.
    repository
        Where it is certified.
    prefix
        What stands before the names of all collections, in a trial.
    """
    ticket = written.noun
    is_sealed = ticket.key in desired.seals
    if ticket.construction:
        constructed = Constructed(ticket, prefix)
        for product in constructed.recipes.values():
            certification = Certification.of_product(
                constructed,
                product,
                repository,
            )
            if certification:
                where = written.lines.at("construction", "certify")
                certification = replace(certification, is_sealed=is_sealed)
                yield Declared(certification, where)
    for index, entry in enumerate(ticket.certify):
        certification = Certification.of_others(
            ticket,
            entry,
            repository,
        )
        certification = replace(
            certification,
            is_sealed=is_sealed,
            searched_by=desired.chains_searching(entry.datasets_of),
        )
        yield Declared(certification, written.lines.at("certify", index))

"""Make the collections of a ticket: show, write as a script, or do it.

There is no state file.  What is done is seen in the repository each time, so
what was cut off is taken up by running it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..constructing.exposures import made_of_others
from ..constructing.look import Standing, look_at_step, look_at_steps
from ..constructing.record import recorded, software_of
from ..constructing.steps import ConstructionStep, Verb, steps_of
from ..constructing.verdicts import verdicts_of
from ..engine.converge import Run, converge
from ..engine.guards import refuse_guarded
from ..engine.hold import Patience
from ..engine.waves import look_at_waves
from ..errors import CalibstateError, Diagnostic, RefusedError, UsageError
from ..factory.past import basis
from ..model.actions import Action
from ..model.constructed import Constructed
from ..model.guards import Allowed
from ..model.names import CollectionName, RepositoryAddress, nearest, spelled
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Step
from ..model.repositories import SiteConstruction
from ..model.results.constructions import ConstructionRecord, ConstructionShown, StepSeen, StepState
from ..model.tickets import Ticket
from ..model.verdicts import TicketVerdicts
from ..store import treefile
from ..store.collectionlist import with_collections
from ..store.verdictfile import with_verdicts
from ..views.printable import printable
from ..views.verdicts import page_of
from .applying import SessionSupervisor, StepProgress
from .savedplans import save_text
from .scoping import ticket_named
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["Constructing", "Running", "construction_of", "record", "report", "script", "show", "write"]


@dataclass(frozen=True)
class Constructing:
    """A ticket whose collections are made, and where."""

    session: Session
    places: Places
    constructed: Constructed
    repository: RepositoryAddress
    steps: tuple[ConstructionStep, ...]

    butler: str
    """Label, URI or path of the repository, as its site's file has it."""

    settings: SiteConstruction
    """What the site says of how it is made."""

    @property
    def ticket(self) -> Ticket:
        """The ticket."""
        return self.constructed.ticket


def construction_of(session: Session, word: str) -> Constructing:
    """Return what is to be made for a ticket.

    Parameters
    ----------
    session
        What the state tree declares.
    word
        The ticket, or ``INSTRUMENT/TICKET``.

    Raises
    ------
    RefusedError
        It has no construction, or its instrument has no origin.
    UsageError
        No such ticket is declared.
    """
    written = ticket_named(session.desired, word)
    ticket = written.noun
    if ticket.construction is None:
        raise RefusedError(
            Diagnostic(
                "Nothing to construct",
                f"{ticket.name} does not say how its collections are made.",
                written.lines.at("ticket"),
                hint="Give it a `construction`; the reference of state files has all its keys.",
            )
        )
    origin = session.desired.origin(ticket.instrument)
    if origin is None:
        raise RefusedError(
            Diagnostic(
                "Nowhere to construct",
                f"No repository is the origin of {ticket.instrument}.",
                written.lines.at("instrument"),
                hint="Give one of them `route: origin` in its site's file.",
            )
        )
    site, repository = session.desired.repository(origin)
    settings = site.construction or SiteConstruction()
    constructed = Constructed(ticket, settings.user_prefix)
    return Constructing(
        session,
        session.places(),
        constructed,
        origin,
        steps_of(constructed, origin),
        repository.butler,
        settings,
    )


def show(constructing: Constructing) -> ConstructionShown:
    """Return the steps of a construction, each as it is seen.

    Parameters
    ----------
    constructing
        What is made.
    """
    with constructing.session.listener.progress("looking at steps"):
        standings = look_at_steps(constructing.steps, constructing.places)
        verdicts = _verdicts(constructing, standings)
        notes = tuple(made_of_others(standings, constructing.places))
    steps = [standing.shown for standing in standings]
    shown = _shown(constructing, steps)
    return replace(shown, verdicts=verdicts, notes=notes)


def _verdicts(constructing: Constructing, standings: Sequence[Standing]) -> TicketVerdicts | None:
    """Return what verifications say, if one of them is there."""
    for standing in standings:
        # Without one all products would be shown as not verified.
        if standing.step.verb is Verb.VERIFY and standing.shown.datasets:
            return verdicts_of(
                constructing.constructed,
                constructing.steps,
                constructing.repository,
                constructing.places,
            )
    return None


def script(constructing: Constructing) -> ConstructionShown:
    """Return a construction without a look, to be written as a script.

    Parameters
    ----------
    constructing
        What is made.
    """
    return _shown(constructing, ())


def record(constructing: Constructing) -> ConstructionRecord:
    """Return what ran to make the collections of a ticket.

    Parameters
    ----------
    constructing
        What is made.
    """
    places = constructing.places
    constructed = constructing.constructed
    with constructing.session.listener.progress("reading what ran"):
        standings = look_at_steps(constructing.steps, places)
        steps = recorded(standings, places)
        reader = places.construction(constructing.repository)
        software = software_of(steps, reader)
        verdicts = verdicts_of(
            constructed,
            constructing.steps,
            constructing.repository,
            places,
        )
    return ConstructionRecord(
        constructing.ticket,
        constructing.repository,
        constructed.variables(constructed.construction.rerun),
        steps,
        software,
        verdicts,
        constructing.session.utc_now(),
    )


def report(constructing: Constructing, folder: Path) -> tuple[Path, ...]:
    """Write pages of what the verifications say, for those who decide.

    cp_verify's own are written where its program is; they tell no verdict, so
    a page of ours is written in any case.

    Parameters
    ----------
    constructing
        What is made.
    folder
        Where they go: a new folder, or an empty one.

    Returns
    -------
    tuple of Path
        The pages to begin with.

    Raises
    ------
    CalibstateError
        The pages cannot be written, or cp_verify's program wrote none.
    UsageError
        There is something in the folder; old pages would stand among new ones.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problem = f"{folder} is not empty; old pages would stand among the new ones."
        raise UsageError(Diagnostic("Folder is not empty", problem, hint="Name another one."))
    places, constructed = constructing.places, constructing.constructed
    with constructing.session.listener.progress("writing pages"):
        standings = look_at_steps(constructing.steps, places)
        verdicts = verdicts_of(constructed, constructing.steps, constructing.repository, places)
        page = folder / "verdicts.md"
        save_text(page, printable("\n".join([*page_of(verdicts), ""])), "Page cannot be written")
        collections = [*_begun(standings, Verb.VERIFY), *_begun(standings, Verb.MAKE)]
        why = places.batches(constructing.repository).pages(collections, folder.absolute())
    if why is None:
        return (page,)
    if why:
        hint = f"{page} has the verdicts."
        raise CalibstateError(Diagnostic("No pages of cp_verify", f"{why}.", hint=hint))
    indices = sorted(folder.rglob("index.html"))
    return (page, *indices[:1])


def _begun(standings: Sequence[Standing], verb: Verb) -> Iterator[CollectionName]:
    """Yield the collections of which there is something."""
    for standing in standings:
        if standing.step.verb is verb and standing.shown.datasets:
            yield standing.shown.collection


def write(constructing: Constructing, shown: ConstructionShown) -> ConstructionShown:
    """Write what was certified into the ticket's file, newest first.

    What its file lists besides, and no product is called so, stays behind it.
    What verifications say is kept beside it, for those who review the ticket;
    not of a trial, of which nothing can be approved.

    Parameters
    ----------
    constructing
        What is made.
    shown
        Its steps, as they were seen.

    Returns
    -------
    ConstructionShown
        The same, with the files that were written; none where they say so
        already.

    Raises
    ------
    RefusedError
        Not everything is certified and searched yet, or the file cannot be
        changed without a loss.
    """
    undone = [step.name for step in shown.steps if step.state is not StepState.DONE]
    certifying = (Verb.CERTIFY.value, Verb.CHAIN.value)
    lacking = [name for name in undone if name.startswith(certifying)]
    if lacking:
        raise RefusedError(
            Diagnostic(
                "Not everything is certified",
                f"Not done are {', '.join(lacking)}; nothing was written.",
                hint=f"Run `calibstate construct {constructing.ticket.name} --run` first.",
            )
        )
    constructed, desired = constructing.constructed, constructing.session.desired
    certified: list[str] = []
    for recipe in constructed.recipes.values():
        name = constructed.certification(recipe)
        if name:
            certified.insert(0, name.removeprefix(f"{constructed.chain}/"))
    products = {_product_in(name) for name in certified}
    others = [name for name in constructing.ticket.collections if _product_in(name) not in products]
    written = desired.tickets[constructing.ticket.key]
    root = Path(desired.root)
    changes = [with_collections(desired, written, [*certified, *others])]
    if shown.verdicts and not shown.prefix:
        changes.append(with_verdicts(root, shown.verdicts))
    changed = [change for change in changes if change]
    treefile.write(root, changed)
    return replace(shown, written=tuple(change.file for change in changed))


def _product_in(collection: str) -> str:
    """Return a collection's name without its iteration: ``DP1/flat-g``."""
    return collection.rpartition(".")[0]


@dataclass
class Running:
    """One run that does the steps of a construction."""

    constructing: Constructing

    show: Callable[[Outcome], None]
    """Told what becomes of each step."""

    ask: Callable[[StepSeen, Sequence[Path]], bool] = lambda step, images: False
    """Asks a person who has looked at images whether to go on."""

    looked: frozenset[str] = frozenset()
    """Products at whose images a person has looked."""

    until: str | None = None
    """The last step that is done; `None`: all of them."""

    lock_timeout: timedelta = timedelta()
    """How long is waited for what others hold."""

    allowed: Allowed = field(default_factory=Allowed)
    """Guards that a person passes."""

    outcomes: list[Outcome] = field(default_factory=list)

    def run(self) -> ConstructionShown:
        """Do one step after the other, until one cannot be done.

        Raises
        ------
        LockedError
            Somebody else works at the origin.
        UsageError
            There is no step of the name at which it is to stop, or no look at
            a product at which somebody has looked.
        """
        steps = self.constructing.steps
        places = self.constructing.places
        last = self._last()
        self._check_looked()
        standings = list(look_at_steps(steps, places, self.looked))
        images: Sequence[Path] = ()
        stopped_before = ""
        for number, step in enumerate(steps):
            if number > last:
                stopped_before = step.name
                break
            if self.constructing.session.stop():
                break
            shown = standings[number].shown
            if shown.state is StepState.DONE:
                continue
            if step.verb is Verb.LOOK:
                images = self._retrieve(step)
                if not self.ask(shown, images):
                    # The first look is where a person goes on, even if what
                    # was before it was done only now.
                    shown = replace(shown, state=StepState.LOOK)
                    standings[number] = Standing(step, shown)
                    break
                shown = replace(shown, state=StepState.DONE)
                standings[number] = Standing(step, shown)
                images = ()
                continue
            # What was done before may have opened it.
            standing = look_at_step(step, places)
            if standing.action:
                standing = self._carry_out(standing)
            standings[number] = standing
            if standing.shown.state is not StepState.DONE:
                break
        every_step = [standing.shown for standing in standings]
        return replace(
            _shown(self.constructing, every_step),
            verdicts=_verdicts(self.constructing, standings),
            notes=tuple(made_of_others(standings, places)),
            outcomes=tuple(self.outcomes),
            has_run=True,
            is_interrupted=self.constructing.session.stop(),
            stopped_before=stopped_before,
            images=tuple(str(image) for image in images),
        )

    def _last(self) -> int:
        """Return the number of the last step that is done."""
        steps = self.constructing.steps
        if self.until is None:
            return len(steps)
        names = [step.name for step in steps]
        if self.until in names:
            return names.index(self.until)
        near = nearest(self.until, names)
        listed = ", ".join(names)
        hint = f"Its steps are: {listed}."
        if near:
            hint = f"Did you mean `{near}`?"
        ticket = self.constructing.ticket
        raise UsageError(
            Diagnostic(
                "No such step",
                f"{spelled(self.until)} is no step of {ticket.name}.",
                hint=hint,
            )
        )

    def _check_looked(self) -> None:
        """Refuse a look that is none of this construction."""
        looks = [step.word for step in self.constructing.steps if step.verb is Verb.LOOK]
        unknown = sorted(self.looked.difference(looks))
        if not unknown:
            return
        hint = "Give the product a `look_at`, or leave --looked out."
        if looks:
            hint = f"Its looks are at: {', '.join(looks)}."
        problem = f"{self.constructing.ticket.name} has no look at {spelled(unknown[0])}."
        raise UsageError(Diagnostic("No such look", problem, hint=hint))

    def _carry_out(self, standing: Standing) -> Standing:
        """Do one step under the origin's lock, and look at it again."""
        assert standing.action, "it can be done"
        constructing = self.constructing
        session = constructing.session
        desired = session.desired
        places = constructing.places
        action: Action = standing.action
        number = constructing.steps.index(standing.step) + 1
        step = Step(str(number), action)
        self._refuse_what_is_final(standing.step)
        waves = look_at_waves(desired, session.scope, places)
        refuse_guarded([step], desired, self.allowed, waves)
        plan = Plan(basis(desired, "", __version__), (step,))
        # A batch may last for hours, and goes on without us.
        places.batches(constructing.repository).leave_when(session.stop)
        bar = StepProgress(session.listener)
        patience = Patience(
            self.lock_timeout,
            session.listener.note,
            session.stop,
            session.stop.sleep,
        )
        run = Run(
            places,
            session.utc_now,
            SessionSupervisor(session, self.allowed, bar),
            patience,
        )
        outcome: Outcome | None = None
        why = f"construct {constructing.ticket.name}"
        for outcome in converge(plan, run, why=why):
            bar.stop()
            if outcome.result is not Result.BEGUN:
                self.outcomes.append(outcome)
            self.show(outcome)
        after = look_at_step(standing.step, places)
        return self._with_causes(after, outcome)

    def _refuse_what_is_final(self, step: ConstructionStep) -> None:
        """Refuse to add to a ticket that is sealed.

        Raises
        ------
        RefusedError
            It is; only verifications may be made of it.
        """
        ticket = self.constructing.ticket
        seal = self.constructing.session.desired.seals.get(ticket.key)
        if seal is None or step.verb is Verb.VERIFY:
            return
        raise RefusedError(
            Diagnostic(
                "Ticket is final",
                f"{ticket.name} is sealed, so what it holds is final; `{step.name}` would add to it.",
                seal.lines.at("ticket"),
                hint="Make it in a ticket of its own.",
            )
        )

    def _with_causes(self, standing: Standing, outcome: Outcome | None) -> Standing:
        """Return a step that was tried, with what went wrong in it."""
        shown = standing.shown
        if shown.state is StepState.DONE or outcome is None:
            return standing
        submission = getattr(standing.action, "submission", None)
        if submission:
            places = self.constructing.places
            runner = places.batches(self.constructing.repository)
            causes = runner.causes(submission)
            shown = replace(shown, causes=tuple(causes))
        return Standing(standing.step, shown, standing.action)

    def _retrieve(self, step: ConstructionStep) -> Sequence[Path]:
        """Fetch the images of a step, for a person to look at."""
        look_at = step.look_at
        assert look_at and step.recipe, "it is a look at a product"
        constructing = self.constructing
        constructed = constructing.constructed
        ticket = constructed.ticket
        where = f"instrument='{ticket.instrument}'"
        if look_at.where:
            where = constructed.where(look_at.where)
        # Beside the submissions, so that a person finds all in one place.
        scratch = constructing.places.batches(constructing.repository).scratch()
        of_ticket = scratch / "calibstate" / ticket.instrument / ticket.ticket
        folder = of_ticket / "images" / step.word
        reader = constructing.places.construction(constructing.repository)
        listener = constructing.session.listener
        with listener.progress(f"fetching {look_at.type}") as watch:
            return reader.retrieve(
                step.collection,
                look_at.type,
                where,
                folder,
                watch,
            )


def _shown(constructing: Constructing, steps: Sequence[StepSeen]) -> ConstructionShown:
    return ConstructionShown(
        constructing.ticket,
        constructing.repository,
        constructing.settings,
        constructing.butler,
        tuple(steps),
    )

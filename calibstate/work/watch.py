"""One turn of a site that keeps itself.

A turn does what a person would do by hand: takes the clone forward, plans,
carries out what the site lets run by itself, reviews and publishes, and says
what is left to a person.  Each part may fail by itself.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapters.loopmemory import remember, remembered
from ..engine.expand import places_of
from ..errors import CalibstateError, Diagnostic, InvalidStateError, LockedError, UsageError
from ..model.names import RepositoryAddress, nearest
from ..model.observations import stamp
from ..model.outcomes import Outcome, Result
from ..model.pages import PageWishes
from ..model.plans import Plan
from ..model.results.watching import LoopSeen, Turned
from ..model.scope import Scope
from ..model.watching import Finding, WatchReason, WatchSettings, WatchState
from ..surveys.unreviewed import Shown, failing, unreviewed
from .attended import findings_of_outcomes, findings_of_plan, steps_let_run, undone
from .following import Branch, follow
from .keeping import is_kept_by_another, keep, loop_of, stands_by_anew, state_after, state_before, tell
from .session import Session
from .telling import Telling

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["WatchWishes", "alive", "longest_pause", "pause_of", "settings_of", "turn"]

_LEASES = 3
"""Pauses after which another loop of the same site is taken for ended."""

_ROUNDS = 5
"""Plans that are carried out in a turn, one after the other, at most."""

_LONGEST = timedelta(hours=1)
"""From one turn to the next at most, however often it went wrong."""

_DOUBLINGS = 6

_A_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class WatchWishes:
    """What a turn does besides."""

    branch: Branch | None = field(default_factory=Branch)
    """What the clone follows; `None`: it stays where it is."""

    pages: Path | None = None
    """Folder of pages; `None`: none are written."""

    page: PageWishes = field(default_factory=PageWishes)
    """How pages are to be made."""

    page_age: timedelta = _A_DAY
    """Age from which pages take a sight for too old."""

    every: timedelta | None = None
    """Time from one turn to the next; `None`: as the site says."""

    turn_limit: timedelta = timedelta(hours=2)
    """How long a turn may take."""


def settings_of(session: Session, site: str) -> WatchSettings:
    """Return what a site lets run by itself.

    Parameters
    ----------
    session
        It says which tree.
    site
        The site.

    Raises
    ------
    UsageError
        There is no such site.
    """
    sites = session.desired.sites
    if site not in sites:
        near = nearest(site, sites)
        raise UsageError(
            Diagnostic(
                "No such site",
                f"{site} is none of {', '.join(sorted(sites))}.",
                hint=f"Did you mean {near}?" if near else "--site says which one, or CALIBSTATE_HERE.",
            )
        )
    return sites[site].noun.watch or WatchSettings()


def pause_of(session: Session, site: str, every: timedelta | None) -> timedelta:
    """Return the time from one turn to the next, as the site says it now.

    Parameters
    ----------
    session
        It says which tree.
    site
        The site.
    every
        What somebody says instead.
    """
    if every is not None:
        return every
    try:
        return settings_of(replace(session), site).pause
    except CalibstateError:
        # The turn tells what is wrong.
        return WatchSettings().pause


def alive(
    session: Session,
    site: str,
    every: timedelta | None,
    turn_limit: timedelta,
) -> LoopSeen:
    """Return how the loop of a site goes on, and whether it does.

    Parameters
    ----------
    session
        It says which tree.
    site
        The site.
    every
        Time from one turn to the next; `None`: as the site says.
    turn_limit
        How long a turn may take.

    Raises
    ------
    UsageError
        There is no such site.
    """
    settings_of(session, site)
    state = session.places().watch(site)
    pause = pause_of(session, site, every)
    troubled = 0
    if state:
        troubled = state.troubled
    # A turn may be under way, and after troubles a loop waits longer.
    most = turn_limit + _LEASES * longest_pause(pause, troubled)
    return LoopSeen(site, state, session.now(), most)


def longest_pause(usual: timedelta, failures: int) -> timedelta:
    """Return the time from one turn to the next after turns that went wrong.

    Parameters
    ----------
    usual
        The time when all goes well.
    failures
        Turns in a row that went wrong.
    """
    pause = usual * (1 << min(failures, _DOUBLINGS))
    return min(pause, max(usual, _LONGEST))


def turn(
    session: Session,
    site: str,
    wishes: WatchWishes,
    telling: Telling,
) -> Turned:
    """Do once what keeps a site as it is declared.

    Parameters
    ----------
    session
        Which tree; and who may end the turn between two steps.
    site
        The site.
    wishes
        What is done besides.
    telling
        How people are told of changes.

    Raises
    ------
    UsageError
        There is no such site.
    """
    return _Turn(session, site, wishes, telling).run()


@dataclass
class _Turn:
    session: Session
    site: str
    wishes: WatchWishes
    telling: Telling

    findings: list[Finding] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """What became of each target, at last."""

    def run(self) -> Turned:
        """Do it, part by part: each may fail by itself."""
        if self.wishes.branch:
            self.findings.extend(follow(self.session, self.wishes.branch))
        # The tree may be another one now.
        session = replace(
            self.session,
            requested=Scope(sites=(self.site,)),
            observed=("published",),
        )
        try:
            settings = settings_of(session, self.site)
        except InvalidStateError as error:
            self.fail(error, WatchReason.UNSOUND, "The tree does not validate")
            return self.without_records(session)
        except UsageError:
            # Who asks for a site that never was has misspelt it.
            if remembered(str(session.root), self.site) is None:
                raise
            message = f"{self.site} is not declared any more, so nothing is kept there."
            self.find(Finding(reason=WatchReason.NOT_DECLARED, message=message))
            return self.without_records(session)
        places = session.places()
        before = state_before(session, places, self.site)
        most = _LEASES * settings.pause.total_seconds()
        if before and is_kept_by_another(session, before, most):
            is_new = stands_by_anew(session, before)
            return Turned(self.site, before, stands_by=True, stands_by_anew=is_new)
        if before:
            self.take(session, places, before)
        plan: Plan | None = None
        # What nobody has merged is carried out by nobody.
        if not any(finding.reason.is_of_the_clone for finding in self.findings):
            plan = self.apply(session, settings)
        self.publish(session)
        if plan:
            self.review(session, plan, places)
        # Pages tell of the loop too; people are told of all that went wrong.
        self.keep(session, places, before)
        self.write_pages()
        state = self.keep(session, places, before, self.telling)
        return Turned(self.site, state, tuple(self.findings), tuple(self.outcomes.values()), before)

    def take(self, session: Session, places: Places, before: WatchState) -> None:
        """Have others stand by for as long as this turn may take."""
        until = session.now() + self.wishes.turn_limit
        mine = {
            "loop": loop_of(session),
            "until": stamp(until),
        }
        # Where it cannot be written is told at the end.
        with suppress(CalibstateError):
            state = before.model_copy(update=mine)
            places.publish_watch(state)

    def without_records(self, session: Session) -> Turned:
        """Tell people where nobody knows of records to keep that in."""
        before = remembered(str(session.root), self.site)
        state = state_after(session, self.site, self.findings, before)
        remember(str(session.root), state)
        if state.unsent:
            remember(str(session.root), tell(session, state, self.telling))
        self.write_pages()
        is_same = before is not None and before.findings == state.findings
        return Turned(self.site, None, tuple(self.findings), is_known=is_same)

    def fail(self, error: CalibstateError, reason: WatchReason, what: str) -> None:
        """Note that a part of the turn failed."""
        if isinstance(error, LockedError):
            reason = WatchReason.LOCKED
        why = error.diagnostics[0].for_anybody.rstrip(".")
        finding = Finding(reason=reason, message=f"{what}: {why}.")
        # It is kept twice in a turn, and may fail twice.
        if finding not in self.findings:
            self.session.listener.report(error.diagnostics)
        self.find(finding)

    def find(self, *findings: Finding) -> None:
        """Note what the turn met, each thing once."""
        for finding in findings:
            if finding not in self.findings:
                self.findings.append(finding)

    def apply(self, session: Session, settings: WatchSettings) -> Plan | None:
        """Carry out what may be; return the plan of what is left."""
        from .apply import carry_out, check, prepare

        try:
            # What was done makes other steps possible.
            for _ in range(_ROUNDS):
                # What others saw is nothing to act by.
                prepared = prepare(replace(session, observed=()))
                plan = prepared.plan
                # Somebody may begin to work in the clone at any time.
                if self.wishes.branch and (plan.basis.dirty or plan.basis.commit is None):
                    message = "Files of the clone were changed in the middle of the turn."
                    self.find(Finding(reason=WatchReason.LOCAL_CHANGES, message=message))
                    return None
                ours = steps_let_run(plan, settings)
                if not ours or session.stop():
                    break
                cut = replace(prepared, plan=replace(plan, steps=tuple(ours)))
                applied = carry_out(cut, lambda outcome: None, excluded=check(cut), only_this=True)
                self.outcomes.update({outcome.target: outcome for outcome in applied.outcomes})
                if not any(outcome.result is Result.DONE for outcome in applied.outcomes):
                    break
        except CalibstateError as error:
            self.fail(error, WatchReason.FAILED, "Nothing could be planned, or carried out")
            return None
        left = tuple(step for step in plan.steps if step not in ours)
        self.find(*findings_of_plan(self.site, plan, left))
        self.find(*findings_of_outcomes(tuple(self.outcomes.values())))
        return replace(plan, steps=left)

    def publish(self, session: Session) -> None:
        """Publish what is there."""
        from .observe import observe

        # By a look of its own: what others saw of it is not published again.
        try:
            written = observe(replace(session, observed=()), publish=True)
        except CalibstateError as error:
            self.fail(error, WatchReason.NOT_PUBLISHED, "What is there was not published")
            return
        for address, problem in written.unreachable.items():
            message = f"{address} could not be seen: {problem.for_anybody.rstrip('.')}."
            self.find(Finding(reason=WatchReason.UNREACHABLE, message=message, about=(address,)))

    def review(self, session: Session, plan: Plan, places: Places) -> None:
        """Review what came, so that the next wave may open."""
        from .verify import verify

        desired = session.desired
        try:
            there: dict[RepositoryAddress, Shown] = {}
            for address in places_of(desired, session.scope):
                there[address] = Shown(places.published_review(address), places.sight(address))
            # What waits for a person would only be told as not deployed.
            waits = undone(desired, plan)
            now = session.now()
            # It does not pass until it is reviewed anew.
            for key in failing(desired, there, waits, now):
                self.find_failing(key.ticket)
            tickets = tuple(key.name for key in unreviewed(desired, there, waits, now))
            if not tickets:
                return
            scope = Scope(sites=(self.site,), tickets=tickets)
            reviewed = verify(replace(session, requested=scope, observed=()), publish=True)
        except CalibstateError as error:
            self.fail(error, WatchReason.NOT_PUBLISHED, "What came was not reviewed")
            return
        for review in reviewed.reviews:
            if not review.passed:
                self.find_failing(review.ticket)

    def find_failing(self, ticket: str) -> None:
        """Note that a ticket does not pass its review."""
        message = f"{ticket} does not pass its review."
        command = f"calibstate verify {ticket} --site {self.site}"
        self.find(Finding(reason=WatchReason.REFUSED, message=message, command=command))

    def keep(
        self,
        session: Session,
        places: Places,
        before: WatchState | None,
        telling: Telling | None = None,
    ) -> WatchState:
        """Keep how the loop goes on, and tell people; those also if it cannot
        be kept.
        """
        state = state_after(session, self.site, self.findings, before)
        pause = longest_pause(pause_of(session, self.site, self.wishes.every), state.troubled)
        until = session.now() + _LEASES * pause
        state = state.model_copy(
            update={
                "until": stamp(until),
            }
        )
        try:
            keep(session, places, state)
        except CalibstateError as error:
            self.fail(error, WatchReason.NOT_PUBLISHED, "How the loop goes on was not written")
            state = state_after(session, self.site, self.findings, before)
            remember(str(session.root), state)
        if telling is None or not state.unsent:
            return state
        state = tell(session, state, telling)
        # Whether it could be written was found, and told, before.
        with suppress(CalibstateError):
            keep(session, places, state)
        return state

    def write_pages(self) -> None:
        """Write pages, if any are wanted."""
        if self.wishes.pages is None:
            return
        from .page import page

        # Of all sites, by what they have published.
        session = replace(self.session, requested=Scope(), observed=("published",))
        try:
            page(session, self.wishes.pages, self.wishes.page, max_age=self.wishes.page_age)
        except CalibstateError as error:
            self.fail(error, WatchReason.PAGE_NOT_WRITTEN, "No pages were written")

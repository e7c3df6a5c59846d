"""One turn of a site that keeps itself.

A turn does what a person would do by hand: takes the clone forward, plans,
carries out what the site lets run by itself, reviews and publishes, and says
what is left to a person.  Each part may fail by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..engine.expand import places_of
from ..errors import CalibstateError, Diagnostic, InvalidStateError, LockedError, UsageError
from ..factory.past import checked_out
from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.names import CollectionName, RepositoryAddress, TicketKey, nearest
from ..model.observations import stamp
from ..model.outcomes import Outcome, Result
from ..model.pages import PageWishes
from ..model.plans import Plan, Step
from ..model.results.watching import LoopSeen, Turned
from ..model.scope import Scope
from ..model.watching import Finding, Notice, Unsent, WatchReason, WatchSettings, WatchState, conditions
from ..surveys.unreviewed import Shown, unreviewed
from .following import Branch, follow
from .session import Session
from .telling import Telling

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["WatchWishes", "alive", "pause_of", "settings_of", "turn"]

_LEASES = 3
"""Pauses after which another loop of the same site is taken for ended."""

_A_DAY = timedelta(hours=24)

_MOST_UNSENT = 50
"""Notices that are kept for later; older ones are dropped."""


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

    Raises
    ------
    UsageError
        There is no such site.
    """
    if every is not None:
        return every
    try:
        return settings_of(replace(session), site).pause
    except InvalidStateError:
        # The turn tells of the mistakes.
        return WatchSettings().pause


def alive(session: Session, site: str, every: timedelta | None) -> LoopSeen:
    """Return how the loop of a site goes on, and whether it does.

    Parameters
    ----------
    session
        It says which tree.
    site
        The site.
    every
        Time from one turn to the next; `None`: as the site says.

    Raises
    ------
    UsageError
        There is no such site.
    """
    settings_of(session, site)
    state = session.places().watch(site)
    return LoopSeen(site, state, session.now(), _LEASES * pause_of(session, site, every))


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
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self) -> Turned:
        """Do it, part by part."""
        if self.wishes.branch:
            self.findings.extend(follow(self.session, self.wishes.branch))
        # The tree may be another one now.
        session = self._fresh(Scope(sites=(self.site,)))
        try:
            settings = settings_of(session, self.site)
        except InvalidStateError as error:
            self._part(error, WatchReason.UNSOUND, "The tree does not validate")
            self._write_pages()
            return Turned(self.site, None, tuple(self.findings), tuple(self.outcomes))
        places = session.places()
        before = self._before(places)
        if before and self._is_anothers(before, settings):
            return Turned(self.site, before, stands_by=True)
        plan = self._apply(session, settings)
        self._publish(session)
        if plan:
            self._review(session, plan, places)
        # Pages tell of the loop too, and so come last; that there are none is
        # told all the same.
        state = self._tell(places, self._state(before))
        if not self._write_pages():
            state = self._tell(places, self._state(before))
        return Turned(self.site, state, tuple(self.findings), tuple(self.outcomes), before=before)

    def _fresh(self, scope: Scope) -> Session:
        """Return a session that reads the tree anew."""
        return replace(self.session, requested=scope, observed=("published",))

    def _part(self, error: CalibstateError, reason: WatchReason, what: str) -> None:
        """Note that a part of the turn failed."""
        self.session.listener.report(error.diagnostics)
        if isinstance(error, LockedError):
            reason = WatchReason.LOCKED
        why = error.diagnostics[0].for_anybody.rstrip(".")
        self._find(reason, f"{what}: {why}.")

    def _find(self, reason: WatchReason, message: str, command: str = "", about: Sequence[str] = ()) -> None:
        places = tuple(RepositoryAddress(place) for place in about if "/" in place)
        finding = Finding(reason=reason, message=message, command=command, about=places)
        if finding not in self.findings:
            self.findings.append(finding)

    # What was before

    def _before(self, places: Places) -> WatchState | None:
        try:
            return places.watch(self.site)
        except CalibstateError as error:
            # What nobody can read is written anew.
            self.session.listener.report(error.diagnostics)
            return None

    def _is_anothers(self, before: WatchState, settings: WatchSettings) -> bool:
        """Say whether another loop keeps the site."""
        if before.loop == self._loop:
            return False
        since = self.session.now() - datetime.fromisoformat(before.at)
        return abs(since) < _LEASES * settings.pause

    @property
    def _loop(self) -> str:
        """Who we are, said so that nobody learns where."""
        from ..adapters.processes import this_process

        us = f"{this_process().machine}\n{this_process().host}\n{self.session.root.resolve()}"
        return hashlib.sha256(us.encode()).hexdigest()[:12]

    # Apply

    def _apply(self, session: Session, settings: WatchSettings) -> Plan | None:
        """Carry out what may be; return what is left."""
        from .apply import carry_out, check, prepare

        try:
            prepared = prepare(session)
            ours = _let_run(prepared.plan, settings)
            left = [step for step in prepared.plan.steps if step not in ours]
            self._tell_plan(prepared.plan, left)
            if ours:
                cut = replace(prepared, plan=replace(prepared.plan, steps=tuple(ours)))
                applied = carry_out(cut, _nobody, excluded=check(cut), only_this=True)
                self.outcomes.extend(applied.outcomes)
        except CalibstateError as error:
            self._part(error, WatchReason.FAILED, "Nothing could be planned, or carried out")
            return None
        self._tell_outcomes()
        return replace(prepared.plan, steps=tuple(left))

    def _tell_plan(self, plan: Plan, left: Sequence[Step]) -> None:
        """Note what a plan leaves to a person, and what it waits for."""
        if left:
            places = list(dict.fromkeys(step.action.target.place for step in left))
            words = "1 step waits" if len(left) == 1 else f"{len(left)} steps wait"
            self._find(
                WatchReason.ASKS_A_PERSON,
                f"{words} for a person at {', '.join(places)}.",
                f"calibstate apply --site {self.site}",
                places,
            )
        for refusal in plan.refused:
            self._find(WatchReason.REFUSED, f"{refusal.target.name}: {refusal.reason}", refusal.hint)
        waiting: list[Drift] = []
        for drift in plan.drift:
            if drift.what is What.UNREACHABLE:
                self._unreachable(drift)
            elif drift.what is What.EXTRA:
                self._find(
                    WatchReason.EXTRA,
                    f"{drift.subject} is searched at {drift.target.place}, and no file names it.",
                    f"calibstate drift --site {self.site}",
                    [drift.target.place],
                )
            elif drift.what is What.PENDING:
                waiting.append(drift)
        self._waits(waiting)
        for met in plan.guards:
            self._find(WatchReason.ON_HOLD, f"{met.guard.value} keeps steps from being done.")

    def _unreachable(self, drift: Drift) -> None:
        place = str(drift.target.place)
        ours = place.partition("/")[0] == self.site
        reason = WatchReason.UNREACHABLE if ours else WatchReason.WAITING
        self._find(reason, f"{place} could not be seen: {drift.detail}", about=[place])

    def _waits(self, waiting: Iterable[Drift]) -> None:
        for drift in waiting:
            self._find(WatchReason.WAITING, drift.waits_for or f"{drift.subject}: {drift.detail}")

    def _tell_outcomes(self) -> None:
        done = [outcome for outcome in self.outcomes if outcome.result is Result.DONE]
        if done:
            words = "1 step was done" if len(done) == 1 else f"{len(done)} steps were done"
            self._find(WatchReason.APPLIED, f"{words}.")
        for outcome in self.outcomes:
            if outcome.result in {Result.STALE, Result.REFUSED}:
                self._find(WatchReason.REFUSED, f"{outcome.action} was not done.")
            elif outcome.result in {Result.FAILED, Result.BEGUN}:
                self._find(WatchReason.FAILED, f"{outcome.action} failed.")
            elif outcome.result in {Result.PENDING, Result.SKIPPED}:
                self._find(WatchReason.WAITING, f"{outcome.action} is still to come.")

    # Publish and review

    def _publish(self, session: Session) -> None:
        from .observe import observe

        try:
            written = observe(replace(session, observed=()), publish=True)
        except CalibstateError as error:
            self._part(error, WatchReason.NOT_PUBLISHED, "What is there was not published")
            return
        for address, problem in written.unreachable.items():
            self._find(
                WatchReason.UNREACHABLE,
                f"{address} could not be seen: {problem.for_anybody}",
                about=[address],
            )

    def _review(self, session: Session, plan: Plan, places: Places) -> None:
        """Review what came, so that the next wave may open."""
        from .verify import verify

        try:
            tickets = sorted(self._unreviewed(session, plan, places))
            if not tickets:
                return
            scope = Scope(sites=(self.site,), tickets=tuple(tickets))
            reviewed = verify(replace(session, requested=scope, observed=()), publish=True)
        except CalibstateError as error:
            self._part(error, WatchReason.NOT_PUBLISHED, "What came was not reviewed")
            return
        for review in reviewed.reviews:
            if not review.passed:
                self._find(
                    WatchReason.REFUSED,
                    f"{review.ticket} does not pass its review.",
                    f"calibstate verify {review.ticket} --site {self.site}",
                )

    def _unreviewed(self, session: Session, plan: Plan, places: Places) -> Iterator[str]:
        """Yield tickets that are as declared, and that nobody reviewed."""
        desired = session.desired
        shown: dict[RepositoryAddress, Shown] = {}
        for address in places_of(desired, session.scope):
            shown[address] = Shown(places.published_review(address), places.sight(address))
        for key in unreviewed(desired, shown, _undone(desired, plan), session.now()):
            yield key.name

    def _write_pages(self) -> bool:
        """Write pages, if any are wanted; say whether that went well."""
        if self.wishes.pages is None:
            return True
        from .page import page

        try:
            session = self._fresh(Scope())
            page(session, self.wishes.pages, self.wishes.page, max_age=self.wishes.page_age)
        except CalibstateError as error:
            self._part(error, WatchReason.PAGE_NOT_WRITTEN, "No pages were written")
            return False
        return True

    # What is left of it

    def _state(self, before: WatchState | None) -> WatchState:
        """Return how it goes on now."""
        at = stamp(self.session.now())
        order = list(WatchReason)
        findings = sorted(self.findings, key=lambda finding: order.index(finding.reason))
        is_troubled = any(finding.reason.often_mends_itself for finding in findings)
        troubled = (before.troubled if before else 0) + 1 if is_troubled else 0
        state = WatchState(
            site=self.site,
            loop=self._loop,
            at=at,
            version=__version__,
            commit=checked_out(str(self.session.root)).commit,
            turns=before.turns + 1 if before else 1,
            troubled=troubled,
            findings=tuple(findings),
            unsent=before.unsent if before else (),
            **conditions(findings, at, troubled, before),
        )
        if not state.is_news(before):
            return state
        unsent = (*state.unsent, Unsent(notice=_notice(state, before)))
        return state.model_copy(update={"unsent": unsent[-_MOST_UNSENT:]})

    def _tell(self, places: Places, state: WatchState) -> WatchState:
        """Write down how it goes on, and tell people what is new."""
        # Before it is sent: who is cut off sends it once more, and under the
        # same name.
        self._keep(places, state)
        if not state.unsent:
            return state
        left: list[Unsent] = []
        for unsent in state.unsent:
            still, problems = self.telling.tell(unsent)
            if still:
                left.append(still)
            self.session.listener.report(problems)
        told = state.model_copy(update={"unsent": tuple(left)})
        self._keep(places, told)
        return told

    def _keep(self, places: Places, state: WatchState) -> None:
        try:
            places.publish_watch(state)
        except CalibstateError as error:
            self._part(error, WatchReason.NOT_PUBLISHED, "How the loop goes on was not written")


def _nobody(outcome: Outcome) -> None:
    """Tell nobody: what came of it is told at the end."""


def _let_run(plan: Plan, settings: WatchSettings) -> Sequence[Step]:
    """Return the steps of a plan that run without a person."""
    let: list[Step] = []
    left: set[str] = set()
    for step in plan.steps:
        if settings.lets(step.action) and left.isdisjoint(step.after):
            let.append(step)
        else:
            # What comes after it would find nothing to stand on.
            left.add(step.id)
    return let


def _undone(desired: DesiredState, plan: Plan) -> frozenset[TicketKey]:
    """Return tickets that are not as declared."""
    undone = {TicketKey.of(drift.ticket) for drift in plan.drift if drift.ticket}
    for step in plan.steps:
        action = step.action
        for name in (*action.entrants, *action.leavers, action.target.name):
            written = desired.ticket_with(CollectionName(name))
            if written:
                undone.add(written.noun.key)
    return frozenset(undone)


def _notice(state: WatchState, before: WatchState | None) -> Notice:
    """Return what people are told of a change."""
    because = state.because
    was = before.word if before else None
    about = "\n".join([state.site, state.at, state.word.value, because.reason.value, because.message])
    return Notice(
        id=hashlib.sha256(about.encode()).hexdigest()[:32],
        site=state.site,
        at=state.at,
        word=state.word,
        was=was,
        reason=because.reason,
        message=because.message,
        commands=state.commands,
    )

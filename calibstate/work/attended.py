"""What a plan leaves to a person, what it waits for, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from ..model.desired import DesiredState
from ..model.drift import Drift, What
from ..model.guards import Guard, GuardMet
from ..model.names import CollectionName, RepositoryAddress, TicketKey
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Step
from ..model.watching import Finding, WatchReason, WatchSettings

__all__ = ["findings_of_outcomes", "findings_of_plan", "steps_let_run", "undone"]


def steps_let_run(plan: Plan, settings: WatchSettings) -> Sequence[Step]:
    """Return the steps of a plan that run without a person.

    Parameters
    ----------
    plan
        All steps.
    settings
        What the site lets run.
    """
    let: list[Step] = []
    left: set[str] = set()
    for step in plan.steps:
        if settings.lets(step.action) and left.isdisjoint(step.after):
            let.append(step)
        else:
            # What comes after it would find nothing to stand on.
            left.add(step.id)
    return let


def findings_of_plan(site: str, plan: Plan, left: Sequence[Step]) -> Iterator[Finding]:
    """Yield what a plan leaves to a person, and what it waits for.

    Parameters
    ----------
    site
        The site that is kept.
    plan
        Its plan.
    left
        Steps that do not run without a person.
    """
    if left:
        places = list(dict.fromkeys(step.action.target.place for step in left))
        words = "1 step waits" if len(left) == 1 else f"{len(left)} steps wait"
        yield Finding(
            reason=WatchReason.ASKS_A_PERSON,
            message=f"{words} for a person at {', '.join(places)}.",
            command=f"calibstate apply --site {site}",
            about=_repositories(places),
        )
    for refusal in plan.refused:
        yield Finding(
            reason=WatchReason.REFUSED,
            message=f"{refusal.target.name}: {refusal.reason}",
            command=refusal.hint,
        )
    for drift in plan.drift:
        yield from _of_drift(site, drift)
    for met in plan.guards:
        yield from _of_guard(site, met)


def _of_guard(site: str, met: GuardMet) -> Iterator[Finding]:
    message = f"{met.place}: {met.reason}"
    if met.guard is Guard.HOLD:
        yield Finding(reason=WatchReason.ON_HOLD, message=message)
    elif met.guard in {Guard.WAVE, Guard.WINDOW}:
        # It opens by itself.
        yield Finding(reason=WatchReason.WAITING, message=message)
    else:
        yield Finding(
            reason=WatchReason.ASKS_A_PERSON,
            message=message,
            command=f"calibstate plan --site {site}",
        )


def _of_drift(site: str, drift: Drift) -> Iterator[Finding]:
    place = drift.target.place
    match drift.what:
        case What.UNREACHABLE:
            # Of another site it is waited for.
            reason = WatchReason.WAITING
            if place.partition("/")[0] == site:
                reason = WatchReason.UNREACHABLE
            yield Finding(
                reason=reason,
                message=f"{place} could not be seen: {drift.detail.rstrip('.')}.",
                about=_repositories([place]),
            )
        case What.EXTRA:
            yield Finding(
                reason=WatchReason.EXTRA,
                message=f"{drift.subject} is searched at {place}, and no file names it.",
                command=f"calibstate drift --site {site}",
                about=_repositories([place]),
            )
        case What.PENDING:
            yield Finding(
                reason=WatchReason.WAITING,
                message=drift.waits_for or f"{drift.subject}: {drift.detail}",
            )
        case What.CHANGED | What.MISORDERED | What.MISSING | What.UNWANTED:
            # A step mends it, or a refusal tells why none does.
            pass


_AFTER = {
    Result.STALE: (WatchReason.REFUSED, "was not done"),
    Result.REFUSED: (WatchReason.REFUSED, "was not done"),
    Result.FAILED: (WatchReason.FAILED, "failed"),
    Result.BEGUN: (WatchReason.FAILED, "was not finished"),
    Result.PENDING: (WatchReason.WAITING, "is still to come"),
    Result.SKIPPED: (WatchReason.WAITING, "is still to come"),
}


def findings_of_outcomes(outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    """Yield what came of steps.

    Parameters
    ----------
    outcomes
        What became of each target, at last.
    """
    number = sum(outcome.result is Result.DONE for outcome in outcomes)
    if number:
        words = f"{number} steps were done."
        if number == 1:
            words = "1 step was done."
        yield Finding(reason=WatchReason.APPLIED, message=words)
    # What was done is told as a number; what was not, one by one.
    for outcome in outcomes:
        if outcome.result in _AFTER:
            reason, words = _AFTER[outcome.result]
            yield Finding(reason=reason, message=f"{outcome.action} {words}.")


def undone(desired: DesiredState, plan: Plan) -> AbstractSet[TicketKey]:
    """Return tickets that are not as declared.

    Parameters
    ----------
    desired
        What is declared.
    plan
        What is left undone.
    """
    keys = {TicketKey.of(drift.ticket) for drift in plan.drift if drift.ticket}
    for step in plan.steps:
        action = step.action
        for name in (*action.entrants, *action.leavers, action.target.name):
            written = desired.ticket_with(CollectionName(name))
            if written:
                keys.add(written.noun.key)
    return keys


def _repositories(places: Iterable[str]) -> tuple[RepositoryAddress, ...]:
    """Return those places that are repositories."""
    return tuple(RepositoryAddress(place) for place in places if "/" in place)

"""Plans, drift and messages as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.text import Text

from ..model.arrivals import Arrival
from ..model.drift import Drift, What
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan, Refusal, Step
from ..model.results.drift import DriftFound
from ..model.results.plans import Applied, PlanMade, SavedPlan
from .messages import at_line, count, indented

__all__ = [
    "applied",
    "arrivals",
    "drift",
    "drift_found",
    "drift_tally",
    "outcome",
    "outcome_lines",
    "outcomes_tally",
    "plan",
    "plan_of",
    "stays",
    "tally",
]


STYLES = {
    What.MISSING: "yellow",
    What.CHANGED: "red",
    What.MISORDERED: "yellow",
    What.UNWANTED: "yellow",
    What.EXTRA: "cyan",
    What.UNREACHABLE: "red",
    What.PENDING: "blue",
}

RESULT_STYLES = {
    Result.BEGUN: "dim",
    Result.DONE: "green",
    Result.PENDING: "blue",
    Result.SKIPPED: "yellow",
    Result.STALE: "yellow",
    Result.REFUSED: "red",
    Result.FAILED: "red",
}

_CHANGE_STYLES = {"+": "green", "-": "red"}

MOST_CHANGES = 6
"""Lines of changes that a step shows before it folds them."""

_FIRST_CHANGES = 3
"""Lines of changes that stand before the fold; the last stands behind it."""

_REMEDIED = {What.MISSING, What.UNWANTED, What.MISORDERED}
"""Drift that steps of a plan close."""

_LEFT_UNDONE = (What.UNREACHABLE, What.CHANGED, What.PENDING, What.EXTRA)
"""Drift that no step closes, in the order of a tally."""


# --- drift ---


def drift(departures: Iterable[Drift]) -> Iterator[Text]:
    """Yield drift, place by place; what is alike is told together."""
    by_place = sorted(departures, key=lambda departure: departure.target.place)
    for place, group in groupby(by_place, key=lambda departure: departure.target.place):
        yield Text(place, "bold")
        for _, alike in groupby(group, key=_likeness):
            yield _drift_line(list(alike))


def drift_found(result: DriftFound) -> Iterator[Text]:
    """Yield the drift that was found, and what it comes to."""
    yield from drift(result.plan.drift)
    yield drift_tally(result.plan.drift)


def drift_tally(departures: Iterable[Drift]) -> Text:
    """Say in a line what drift comes to."""
    sorts = [departure.what for departure in departures]
    counted = []
    for what in What:
        number = sorts.count(what)
        if number:
            counted.append(f"{number} {what.value}")
    if not counted:
        return Text("In sync.", "bold")
    return Text(", ".join(counted) + ".", "bold")


def _likeness(departure: Drift) -> tuple[What, str, str]:
    """Return what drift has in common that is told together."""
    return departure.what, departure.target.kind, departure.detail


def _drift_line(alike: list[Drift], *, with_place: bool = False) -> Text:
    """Return drift of several subjects that is alike, as one entry."""
    # The kinds take a while to import, and most lines are of no drift.
    from ..kinds.registry import within

    first = alike[0]
    line = Text("  ")
    line.append(f"{first.what.value:11} ", STYLES[first.what])
    # The subject of a place that cannot be seen is the place itself.
    if with_place and first.what is not What.UNREACHABLE:
        line.append(f"{first.target.place} ")
    line.append(", ".join(departure.subject for departure in alike))
    chain = within(first)
    if chain:
        line.append(f" in {chain}", "dim")
    detail = first.detail
    if len(alike) == 1:
        detail += at_line(first.declared_at)
    line.append(f"\n              {detail}", "dim")
    return line


# --- plans ---


def plan(planned: Plan) -> Iterator[Text]:
    """Yield the steps of a plan, what stays undone, and what it comes to."""
    names = [step.action.target.name for step in planned.steps]
    wide = max((len(name) for name in names), default=0)
    for place, steps in groupby(planned.steps, key=lambda step: step.action.target.place):
        yield Text(place, "bold")
        for step in steps:
            yield from _step_lines(step, wide)
    yield from stays(planned)
    yield Text(tally(planned), "bold")


def plan_of(result: SavedPlan | PlanMade) -> Iterator[Text]:
    """Yield the plan that a result holds."""
    return plan(result.plan)


def stays(planned: Plan) -> Iterator[Text]:
    """Yield what a plan leaves undone, and why."""
    undone = []
    for departure in planned.drift:
        if departure.what not in _REMEDIED:
            undone.append(departure)
    if undone:
        yield Text("Not mended by this plan", "bold")
    for _, group in groupby(undone, key=lambda departure: departure.target.place):
        for _, alike in groupby(group, key=_likeness):
            yield _drift_line(list(alike), with_place=True)
    if planned.refused:
        yield Text("Refused", "bold red")
    for refusal in planned.refused:
        yield from _refusal_lines(refusal)


def tally(planned: Plan) -> str:
    """Say in a line what a plan comes to."""
    if planned.steps:
        places = {step.action.target.place for step in planned.steps}
        steps = count(len(planned.steps), "step")
        start = f"{steps} at {count(len(places), 'place')}"
    elif planned.drift or planned.refused:
        start = "No steps"
    else:
        start = "In sync: nothing to do"
    counted = [start]
    if planned.refused:
        counted.append(f"{len(planned.refused)} refused")
    sorts = [departure.what for departure in planned.drift]
    for what in _LEFT_UNDONE:
        number = sorts.count(what)
        if number:
            counted.append(f"{number} {what.value}")
    return ", ".join(counted) + "."


def _step_lines(step: Step, wide: int) -> Iterator[Text]:
    """Yield a step, and what it changes, folded where that is long."""
    action = step.action
    line = Text(f"  {step.id:>3}  ")
    line.append(f"{action.do:17}", "green")
    line.append(f" {action.target.name:{wide}}")
    line.append(f"  {action.because}", "dim")
    yield line
    changes = list(action.changes())
    if len(changes) > MOST_CHANGES:
        first = changes[:_FIRST_CHANGES]
        more = len(changes) - _FIRST_CHANGES - 1
        changes = [*first, f"  … {more} more", changes[-1]]
    for change in changes:
        style = _CHANGE_STYLES.get(change[:1], "dim")
        yield Text(f"       {change}", style)


def _refusal_lines(refusal: Refusal) -> Iterator[Text]:
    target = refusal.target
    line = f"  {target.place} {target.name}: {refusal.reason}"
    yield Text(line + at_line(refusal.declared_at))
    if refusal.hint:
        yield Text(f"    {refusal.hint}", "dim")


# --- outcomes ---


def outcomes_tally(outcomes: Iterable[Outcome]) -> Text:
    """Say in a line what a run came to, and how to go on."""
    results = [outcome.result for outcome in outcomes]
    counted = []
    for result in Result:
        number = results.count(result)
        if number:
            counted.append(f"{number} {result.value}")
    sentence = ", ".join(counted) + "."
    return Text(sentence + _how_to_go_on(set(results)), "bold")


def _how_to_go_on(results: set[Result]) -> str:
    undone = results - {Result.DONE}
    if not undone:
        return ""
    # What is skipped only waits for what is under way.
    if Result.PENDING in undone and undone <= {Result.PENDING, Result.SKIPPED}:
        return " What is under way comes by itself: run this again later, or with --wait 30m."
    return " What is not done waits: mend what is told above and run this again."


def applied(result: Applied) -> Iterator[Text | str]:
    """Yield what a run left undone, and what it came to."""
    if result.ended_by is not None:
        return
    latest = result.latest
    first = result.first
    # What the first plan left undone was shown with it.
    if latest.drift != first.drift or latest.refused != first.refused:
        yield from stays(latest)
    if result.outcomes:
        yield outcomes_tally(result.outcomes)
    yield from result.passed.sentences


def outcome(ended: Outcome) -> Text:
    """Return what became of a step."""
    text = Text(f"  {ended.step:>3}  ")
    text.append(f"{ended.result.value:8}", RESULT_STYLES[ended.result])
    text.append(f" {ended.do} {ended.target}")
    if ended.result is not Result.DONE:
        text.append(indented(f"\n{ended.detail}", 7))
    return text


def outcome_lines(ended: Outcome) -> Iterator[Text]:
    """Yield what became of a step; that it was begun is not shown."""
    if ended.result is not Result.BEGUN:
        yield outcome(ended)


def arrivals(counts: Iterable[Arrival]) -> Iterator[str]:
    """Yield how far the files that Rucio carries have come, by RSE."""
    for arrival in counts:
        there = f"{arrival.there} there"
        on_their_way = f"{arrival.on_their_way} on their way"
        yield f"{arrival.rse}: {there}, {on_their_way}, {arrival.stuck} stuck"

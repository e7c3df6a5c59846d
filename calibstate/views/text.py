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
from .messages import count, indented

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

MOST_CHANGES = 6
"""Lines of changes that a step shows before it folds them."""


def drift(found: Iterable[Drift]) -> Iterator[Text]:
    """Yield drift, place by place; what is alike is told together."""
    for place, drifts in groupby(sorted(found, key=lambda d: d.target.place), key=lambda d: d.target.place):
        yield Text(place, "bold")
        for _, alike in groupby(drifts, key=lambda d: (d.what, d.target.kind, d.detail)):
            yield _drift_line(list(alike))


def drift_found(result: DriftFound) -> Iterator[Text]:
    """Yield the drift that was found, and what it comes to."""
    yield from drift(result.plan.drift)
    yield drift_tally(result.plan.drift)


def drift_tally(found: Iterable[Drift]) -> Text:
    """Say in a line what drift comes to."""
    whats = [one.what for one in found]
    told = [f"{whats.count(what)} {what.value}" for what in What if what in whats]
    return Text(", ".join(told) + "." if told else "In sync.", "bold")


def plan(made: Plan) -> Iterator[Text]:
    """Yield the steps of a plan, what stays undone, and what it comes to."""
    wide = max((len(step.action.target.name) for step in made.steps), default=0)
    for place, steps in groupby(made.steps, key=lambda step: step.action.target.place):
        yield Text(place, "bold")
        for step in steps:
            yield from _step_lines(step, wide)
    yield from stays(made)
    yield Text(tally(made), "bold")


def plan_of(result: SavedPlan | PlanMade) -> Iterator[Text]:
    """Yield the plan that a result holds."""
    return plan(result.plan)


def stays(made: Plan) -> Iterator[Text]:
    """Yield what a plan leaves undone, and why."""
    if undone := [d for d in made.drift if d.what not in {What.MISSING, What.UNWANTED, What.MISORDERED}]:
        yield Text("Not mended by this plan", "bold")
        for _, alike in groupby(undone, key=lambda d: (d.target.place, d.what, d.target.kind, d.detail)):
            yield _drift_line(list(alike), place=True)
    if made.refused:
        yield Text("Refused", "bold red")
        for refusal in made.refused:
            yield from _refusal_lines(refusal)


def tally(made: Plan) -> str:
    """Say in a line what a plan comes to."""
    if not made.steps:
        start = "No steps" if made.drift or made.refused else "In sync: nothing to do"
    else:
        places = len({step.action.target.place for step in made.steps})
        start = f"{count(len(made.steps), 'step')} at {count(places, 'place')}"
    rest = [f"{len(made.refused)} refused"] if made.refused else []
    for what in (What.UNREACHABLE, What.CHANGED, What.PENDING, What.EXTRA):
        number = sum(d.what is what for d in made.drift)
        rest += [f"{number} {what.value}"] if number else []
    return ", ".join([start, *rest]) + "."


def outcomes_tally(became: Iterable[Outcome]) -> Text:
    """Say in a line what a run came to, and how to go on."""
    results = [one.result for one in became]
    told = [f"{results.count(result)} {result.value}" for result in Result if result in results]
    return Text(", ".join(told) + "." + _how_to_go_on(set(results)), "bold")


def applied(result: Applied) -> Iterator[Text | str]:
    """Yield what a run left undone, and what it came to."""
    if result.ended_by is not None:
        return
    # What the first plan left undone was shown with it.
    if (result.latest.drift, result.latest.refused) != (result.first.drift, result.first.refused):
        yield from stays(result.latest)
    if result.outcomes:
        yield outcomes_tally(result.outcomes)
    yield from result.passed.sentences


def _how_to_go_on(results: set[Result]) -> str:
    match results - {Result.DONE}:
        case left if not left:
            return ""
        case left if Result.PENDING in left and left <= {Result.PENDING, Result.SKIPPED}:
            return " What is under way comes by itself: run this again later, or with --wait 30m."
        case _:
            return " What is not done waits: mend what is told above and run this again."


def outcome(became: Outcome) -> Text:
    """Return what became of a step."""
    text = Text(f"  {became.step:>3}  ")
    text.append(f"{became.result.value:8}", RESULT_STYLES[became.result])
    return text.append(f" {became.do} {became.target}").append(
        "" if became.result is Result.DONE else indented(f"\n{became.detail}", 7)
    )


def outcome_lines(became: Outcome) -> Iterator[Text]:
    """Yield what became of a step; that it was begun is not shown."""
    if became.result is not Result.BEGUN:
        yield outcome(became)


def arrivals(found: Iterable[Arrival]) -> Iterator[str]:
    """Yield how far the files that Rucio carries have come, by RSE."""
    for one in found:
        yield f"{one.rse}: {one.there} there, {one.on_their_way} on their way, {one.stuck} stuck"


def _step_lines(step: Step, wide: int) -> Iterator[Text]:
    action = step.action
    line = (
        Text(f"  {step.id:>3}  ").append(f"{action.do:17}", "green").append(f" {action.target.name:{wide}}")
    )
    yield line.append(f"  {action.because}", "dim")
    changes = list(action.changes())
    shown = changes if len(changes) <= MOST_CHANGES else [*changes[:3], f"  … {len(changes) - 4} more"]
    for change in [*shown, *(changes[-1:] if shown != changes else [])]:
        yield Text(f"       {change}", {"+": "green", "-": "red"}.get(change[:1], "dim"))


def _refusal_lines(refusal: Refusal) -> Iterator[Text]:
    at = f" ({refusal.declared_at.file}:{refusal.declared_at.line})" if refusal.declared_at else ""
    yield Text(f"  {refusal.target.place} {refusal.target.name}: {refusal.reason}{at}")
    if refusal.hint:
        yield Text(f"    {refusal.hint}", "dim")


def _within(drift: Drift) -> str:
    """Return the chain that drift is in, where its subject is a child."""
    # The kinds take a while to import, and most lines are of no drift.
    from ..kinds.registry import within

    return within(drift)


def _drift_line(alike: list[Drift], *, place: bool = False) -> Text:
    one = alike[0]
    text = Text("  ").append(f"{one.what.value:11} ", STYLES[one.what])
    text.append(f"{one.target.place} " if place and one.what is not What.UNREACHABLE else "")
    text.append(", ".join(other.subject for other in alike))
    inside = _within(one)
    text.append(f" in {inside}" if inside else "", "dim")
    at = f" ({one.declared_at.file}:{one.declared_at.line})" if one.declared_at and len(alike) == 1 else ""
    return text.append(f"\n              {one.detail}{at}", "dim")

"""Plans, drift and messages as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.text import Text

from ..errors import Diagnostic, Severity
from ..model.actions import Action
from ..model.drift import Drift, What
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan

__all__ = ["count", "diagnostic", "drift", "drift_tally", "outcome", "plan", "tally"]

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
    Result.SKIPPED: "yellow",
    Result.STALE: "yellow",
    Result.REFUSED: "red",
    Result.FAILED: "red",
}

SEVERITY_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold blue"}


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 step``, ``2 steps``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def diagnostic(problem: Diagnostic) -> Text:
    """Return a message: what, where, why, and what to do next."""
    text = Text()
    text.append(f"{problem.severity.value}: ", SEVERITY_STYLES[problem.severity])
    text.append(problem.summary, "bold")
    if problem.where:
        text.append(f"\n  {problem.where}", "cyan")
    text.append(f"\n\n  {_indented(problem.detail)}")
    if problem.hint:
        text.append(f"\n\n  {_indented(problem.hint)}")
    return text.append("\n")


def drift(found: Iterable[Drift]) -> Iterator[Text]:
    """Yield drift, place by place."""
    ordered = sorted(found, key=lambda d: d.target.place)
    for place, drifts in groupby(ordered, key=lambda d: d.target.place):
        yield Text(place, "bold")
        for one in drifts:
            yield _drift_line(one)


def drift_tally(found: Iterable[Drift]) -> Text:
    """Say in a line what drift comes to."""
    whats = [one.what for one in found]
    told = [f"{whats.count(what)} {what.value}" for what in What if what in whats]
    return Text(", ".join(told) + "." if told else "In sync.", "bold")


def plan(made: Plan) -> Iterator[Text]:
    """Yield the steps of a plan, what stays undone, and how to go on."""
    for place, steps in groupby(made.steps, key=lambda step: step.action.target.place):
        yield Text(place, "bold")
        for step in steps:
            yield (
                Text(f"  {step.id:>3}  ")
                .append(f"{step.action.do} ", "green")
                .append(step.action.target.name)
            )
            yield Text(f"       {step.action.because}", "dim")
            yield from (Text(f"       {line}", style) for line, style in _changes(step.action))
    stays = [d for d in made.drift if d.what not in {What.MISSING, What.UNWANTED, What.MISORDERED}]
    if stays:
        yield Text("\nNot mended by this plan", "bold")
        yield from (_drift_line(one, place=True) for one in stays)
    if made.refused:
        yield Text("\nRefused", "bold red")
        for refusal in made.refused:
            yield Text(f"  {refusal.target.place} {refusal.target.name}: {refusal.reason}")
    yield Text("\n" + tally(made), "bold")


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


def outcome(became: Outcome) -> Text:
    """Return what became of a step."""
    text = Text(f"  {became.step:>3}  ")
    text.append(f"{became.result.value:8}", RESULT_STYLES[became.result])
    return text.append(f" {became.do} {became.target}").append(
        "" if became.result in {Result.BEGUN, Result.DONE} else f"\n       {became.detail}"
    )


def _indented(prose: str) -> str:
    return prose.replace("\n", "\n  ")


def _drift_line(one: Drift, *, place: bool = False) -> Text:
    text = Text("  ").append(f"{one.what.value:11} ", STYLES[one.what])
    text.append(f"{one.target.place} " if place and one.what is not What.UNREACHABLE else "")
    text.append(one.subject)
    inside = one.target.name if one.target.kind == "chain" and one.subject != one.target.name else ""
    text.append(f" in {inside}" if inside else "", "dim")
    text.append(f"\n              {one.detail}" if one.detail else "", "dim")
    at = f" ({one.declared_at.file}:{one.declared_at.line})" if one.declared_at else ""
    return text.append(at, "dim")


def _changes(action: Action) -> Iterator[tuple[str, str]]:
    """Yield what an action changes within its target, with a style."""
    for line in action.changes():
        yield line, {"+": "green", "-": "red"}.get(line[:1], "dim")

"""Plans, drift and outcomes as Markdown, for a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from ..model.drift import Drift
from ..model.outcomes import Outcome
from ..model.plans import Plan
from .text import tally

__all__ = ["details", "drift", "fenced", "outcome", "plan", "row", "safe"]


def plan(made: Plan) -> Iterator[str]:
    """Yield a plan: its steps, what stays undone, what is refused."""
    yield f"**{tally(made)}**\n"
    if made.steps:
        yield "| step | place | action | target | because | after |"
        yield "|---:|---|---|---|---|---|"
    for step in made.steps:
        action = step.action
        cells = (step.id, action.target.place, action.do, action.target.name, action.because)
        yield row(*cells, ", ".join(step.after))
    for step in made.steps:
        if lines := list(step.action.changes()):
            yield details(f"Step {step.id}: {step.action.target.name}")
            yield fenced(lines, "diff") + "\n</details>"
    if made.drift:
        yield ""
        yield from drift(made.drift)
    for refusal in made.refused:
        at = f" ({refusal.declared_at.file}:{refusal.declared_at.line})" if refusal.declared_at else ""
        yield f"\n> **Refused** {safe(f'{refusal.target}: {refusal.reason}{at}')}"
        if refusal.hint:
            yield f">\n> {safe(refusal.hint)}"


def drift(found: Iterable[Drift]) -> Iterator[str]:
    """Yield drift as a table."""
    rows = list(found)
    if not rows:
        yield "**In sync.**"
        return
    yield "| place | drift | subject | detail | declared at |"
    yield "|---|---|---|---|---|"
    for one in rows:
        at = f"{one.declared_at.file}:{one.declared_at.line}" if one.declared_at else ""
        within = one.target.kind == "chain" and one.subject != one.target.name
        subject = f"{one.subject} in {one.target.name}" if within else one.subject
        yield row(one.target.place, one.what.value, subject, one.detail, at)


def outcome(became: Outcome) -> str:
    """Return what became of a step, as an item of a list."""
    return f"- step {became.step} **{became.result.value}**: {safe(f'{became.do} {became.target}')}"


def row(*cells: str) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(safe(cell) for cell in cells) + " |"


def details(title: str, *, opened: bool = False) -> str:
    """Return the beginning of what is shown when its title is clicked.

    A line that begins with a tag is HTML, where other marks mean something
    than in Markdown.
    """
    said = html.escape(title.replace("\n", " "))
    return f"\n<details{' open' if opened else ''}><summary>{said}</summary>\n"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Return lines as they are, whatever they hold."""
    told = [line.replace("\n", " ") for line in lines]
    longest = max((len(ticks) for line in told for ticks in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *told, fence])


def safe(text: str) -> str:
    """Keep what a name or a message holds from being read as markup."""
    for mark in "\\`*_<>|[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")

"""Plans, drift and outcomes as Markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.drift import Drift
from ..model.outcomes import Outcome
from ..model.plans import Plan
from .text import tally

__all__ = ["drift", "outcome", "plan", "row", "safe"]


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
            yield f"\n<details><summary>Step {step.id}: {safe(step.action.target.name)}</summary>\n"
            yield "```diff\n" + "\n".join(lines) + "\n```\n</details>"
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


def safe(text: str) -> str:
    """Keep what a name or a message holds from being read as markup."""
    for mark in "\\`*_<>|[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")

"""Plans, drift and outcomes as Markdown, for a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from ..model.drift import Drift
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan
from ..model.results.drift import DriftFound
from ..model.results.plans import PlanMade, SavedPlan
from .text import tally

__all__ = [
    "details",
    "drift",
    "drift_found",
    "fenced",
    "outcome",
    "outcome_lines",
    "plan",
    "plan_of",
    "row",
    "safe",
]


_NOTHING = "<!-- -->"
"""What is not shown, and not copied along with the words around it."""

_MARKS = re.compile(r"[\\`*_<>|\[\]&$~]")
"""What Markdown, or GitHub's mathematics, would obey."""

_LINKED = re.compile(
    # That of a dataset is left whole: it is no commit, and is copied.
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|@(?=\w)"
    r"|\#(?=\d)"
    r"|\bGH-(?=\d)"
    r"|\b(?:https?|ftp):(?=//)"
    r"|\b(?:mailto|xmpp):"
    r"|\bwww\."
    # A commit, which may be anybody's; the day of an iteration is none.
    r"|\b(?=[0-9a-f]{7,40}\b)(?![0-9]{8}[a-z]?\b)[0-9a-f]{4}",
    re.IGNORECASE,
)
"""The first part of what GitHub makes a link of; cut there, it is none."""


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


def plan_of(result: SavedPlan | PlanMade) -> Iterator[str]:
    """Yield the plan that a result holds."""
    return plan(result.plan)


def drift(found: Iterable[Drift]) -> Iterator[str]:
    """Yield drift as a table."""
    from ..kinds.registry import within

    rows = list(found)
    if not rows:
        yield "**In sync.**"
        return
    yield "| place | drift | subject | detail | declared at |"
    yield "|---|---|---|---|---|"
    for one in rows:
        at = f"{one.declared_at.file}:{one.declared_at.line}" if one.declared_at else ""
        chain = within(one)
        subject = f"{one.subject} in {chain}" if chain else one.subject
        yield row(one.target.place, one.what.value, subject, one.detail, at)


def drift_found(result: DriftFound) -> Iterator[str]:
    """Yield the drift that was found, as a table."""
    return drift(result.plan.drift)


def outcome_lines(became: Outcome) -> Iterator[str]:
    """Yield what became of a step; that it was begun is not shown."""
    if became.result is not Result.BEGUN:
        yield outcome(became)


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
    said = _NOTHING.join(html.escape(part) for part in _cut(" ".join(title.splitlines())))
    return f"\n<details{' open' if opened else ''}><summary>{said}</summary>\n"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Return lines as they are, whatever they hold."""
    told = [line.replace("\n", " ") for line in lines]
    longest = max((len(ticks) for line in told for ticks in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *told, fence])


def safe(text: str, *, link: str = "") -> str:
    """Keep what a name or a message holds from being read as markup.

    Nobody is called by it, and nothing is linked: no person (``@team``), no
    issue (``#1``), no commit and no address.

    Parameters
    ----------
    text
        Whoever wrote it.
    link
        What stays a link wherever it stands in the text: a commit of ours.
    """
    if link:
        return link.join(safe(part) for part in text.split(link))
    line = " ".join(text.splitlines())
    return _NOTHING.join(_MARKS.sub(r"\\\g<0>", part) for part in _cut(line))


def _cut(text: str) -> Iterator[str]:
    """Yield text in parts, none of which is linked by itself."""
    start = 0
    for found in _LINKED.finditer(text):
        if found["uuid"]:
            continue
        yield text[start : found.end()]
        start = found.end()
    yield text[start:]

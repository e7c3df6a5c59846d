"""Plans, drift and outcomes as Markdown, for a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

from ..model.drift import Drift, LastSeen
from ..model.looked_at import LookedAt
from ..model.names import with_code_points
from ..model.outcomes import Outcome, Result
from ..model.plans import Plan
from ..model.results.drift import DriftFound
from ..model.results.plans import PlanMade, SavedPlan
from ..model.seen import SeenPlaces
from .ages import when_last_seen
from .looked_at import looked_at
from .messages import at_line
from .text import left_undone, tally

__all__ = [
    "details",
    "drift",
    "drift_found",
    "fenced",
    "last_seen",
    "not_seen",
    "outcome",
    "outcome_lines",
    "plan",
    "plan_made",
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


# --- plans, drift and outcomes ---


def plan(planned: Plan, scope: LookedAt | None = None) -> Iterator[str]:
    """Yield a plan: its steps, what stays undone, what is refused.

    Parameters
    ----------
    planned
        The plan.
    scope
        What was looked at for it; said where it is not all.
    """
    yield f"**{tally(planned, scope)}**\n"
    if planned.steps:
        yield "| step | place | action | target | because | after |"
        yield "|---:|---|---|---|---|---|"
    for step in planned.steps:
        action = step.action
        yield row(
            step.id,
            action.target.place,
            action.do,
            action.target.name,
            action.because,
            ", ".join(step.after),
        )
    # What a step changes stands under the table, folded.
    for step in planned.steps:
        changes = list(step.action.changes())
        if changes:
            block = fenced(changes, "diff")
            target = step.action.target
            yield details(f"Step {step.id}: {target.name}")
            yield f"{block}\n</details>"
    # What a step closes is told by the step.
    left = left_undone(planned)
    if left:
        yield ""
        yield from drift(left)
    for refusal in planned.refused:
        words = f"{refusal.target}: {refusal.reason}"
        words += at_line(refusal.declared_at)
        yield f"\n> **Refused** {safe(words)}"
        if refusal.hint:
            yield f">\n> {safe(refusal.hint)}"


def plan_of(result: SavedPlan) -> Iterator[str]:
    """Yield the plan that a result holds."""
    return plan(result.plan)


def plan_made(result: PlanMade) -> Iterator[str]:
    """Yield a plan that follows from a look."""
    yield from plan(result.plan, result.scope)
    yield from last_seen(result.last_seen, result.ages)


def drift(departures: Iterable[Drift]) -> Iterator[str]:
    """Yield drift as a table."""
    # The kinds take a while to import, and most lines are of no drift.
    from ..kinds.registry import within

    rows = list(departures)
    if not rows:
        yield "**In sync.**"
        return
    yield "| place | drift | subject | detail | declared at |"
    yield "|---|---|---|---|---|"
    for departure in rows:
        declared_at = departure.declared_at
        at = ""
        if declared_at:
            at = declared_at.in_line
        subject = with_code_points(departure.subject)
        chain = within(departure)
        if chain:
            subject += f" in {chain}"
        yield row(
            departure.target.place,
            departure.what.value,
            subject,
            departure.detail,
            at,
        )


def drift_found(result: DriftFound) -> Iterator[str]:
    """Yield the drift that was found, as a table, and where if not all."""
    yield from drift(result.plan.drift)
    if result.undeclared:
        yield "\nLive chains that nobody declared:\n"
    for chain in result.undeclared:
        words = safe(f"{chain.chain} is {chain.words}")
        yield f"- {words}: `{chain.command}`"
    yield from last_seen(result.last_seen, result.ages)
    part = looked_at(result.scope)
    if part:
        yield ""
        yield safe(f"Looked at {part}.")


def last_seen(repositories: Iterable[LastSeen], ages: SeenPlaces) -> Iterator[str]:
    """Yield what repositories showed last that were seen too long ago.

    Parameters
    ----------
    repositories
        How they departed then from what is declared today.
    ages
        When that was.
    """
    for repository in repositories:
        address = repository.repository
        when = safe(f"{address} {when_last_seen(ages[address])}:")
        if not repository.drift:
            yield f"\n{when} as declared."
            continue
        yield f"\n{when}\n"
        yield from drift(repository.drift)


def outcome_lines(ended: Outcome) -> Iterator[str]:
    """Yield what became of a step; that it was begun is not shown."""
    if ended.result is not Result.BEGUN:
        yield outcome(ended)


def outcome(ended: Outcome) -> str:
    """Return what became of a step, as an item of a list."""
    step = f"step {ended.step} **{ended.result.value}**"
    action = safe(ended.action)
    return f"- {step}: {action}"


# --- what all tables and texts are written with ---


def row(*cells: str) -> str:
    """Return a row of a table."""
    safely = [safe(cell) for cell in cells]
    return f"| {' | '.join(safely)} |"


def details(title: str, *, opened: bool = False) -> str:
    """Return the beginning of what is shown when its title is clicked.

    A line that begins with a tag is HTML, where other marks mean something
    than in Markdown.
    """
    line = " ".join(title.splitlines())
    summary = _NOTHING.join(html.escape(part) for part in _unlinked(line))
    tag = "details open" if opened else "details"
    return f"\n<{tag}><summary>{summary}</summary>\n"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Return lines as they are, whatever they hold."""
    shown = [line.replace("\n", " ") for line in lines]
    # A fence ends at as many ticks as it begins with: it has one more than
    # any line.
    longest = 2
    for line in shown:
        for ticks in re.findall("`+", line):
            longest = max(longest, len(ticks))
    fence = "`" * (longest + 1)
    return "\n".join([fence + language, *shown, fence])


def not_seen(places: Mapping[str, str]) -> Iterator[str]:
    """Yield a section of what could not be seen, and why; else nothing."""
    if places:
        lines = [f"{place}: {why}" for place, why in places.items()]
        yield "\n## Not seen\n"
        yield fenced(lines, "text")


def safe(text: str, *, link: str = "") -> str:
    """Keep what a name or a message holds from being read as markup.

    Nobody is called by it, and nothing is linked: no person (``@team``), no
    issue (``#1``), no commit and no address.

    Parameters
    ----------
    text
        Words of anybody.
    link
        What stays a link wherever it stands in the text: a commit of ours.
    """
    if link:
        around = [safe(part) for part in text.split(link)]
        return link.join(around)
    line = " ".join(text.splitlines())
    escaped = [_MARKS.sub(r"\\\g<0>", part) for part in _unlinked(line)]
    return _NOTHING.join(escaped)


def _unlinked(text: str) -> Iterator[str]:
    """Yield text in parts, none of which is linked by itself."""
    start = 0
    for link in _LINKED.finditer(text):
        if link["uuid"]:
            continue
        end = link.end()
        yield text[start:end]
        start = end
    yield text[start:]

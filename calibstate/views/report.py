"""A proposal, for the people who review it in a pull request.

What is proposed comes first, in three lines; then a table of verdicts; then
all that stands behind them, folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rich.text import Text

from ..errors import Diagnostic, Severity
from ..model.approvals import Approved, SealState
from ..model.changes import Changes
from ..model.drift import What
from ..model.plans import Plan
from ..model.tickets import ApprovalStatus
from . import approvals as approvals_view
from . import changes as changes_view
from . import impact as impact_view
from . import markdown, text
from .changes import Said
from .folding import Section, fitted, whole
from .markdown import details, row, safe
from .messages import count, diagnostic

__all__ = ["LIMIT", "MARKER", "Proposal", "SitePlan", "as_full_markdown", "as_markdown", "as_text"]

MARKER = "<!-- calibstate report -->"
"""By this a comment is found again, to be updated in place."""

LIMIT = 65_536
"""Characters that GitHub takes in a comment; we count bytes, of which no
character has less than one."""

_IN_SHORT = 3
"""Lines in which the proposal is told."""


@dataclass(frozen=True)
class SitePlan:
    """What a site would do."""

    site: str
    plan: Plan
    digest: str
    """By which it is known on merge."""


@dataclass(frozen=True)
class Proposal:
    """What is told of a change of the declaration."""

    base: str
    """What it is compared with, for people."""

    commit: str
    """Its digest, which stays a link; empty where that is not known."""

    problems: tuple[Diagnostic, ...]
    """Mistakes of the tree and findings of the policy."""

    is_sound: bool = True
    """Whether the tree can be read at all; else nothing else is known."""

    changes: Changes = field(default_factory=Changes)
    approvals: tuple[Approved, ...] = ()
    """Of the tickets that the change is about."""

    impact: impact_view.Report | None = None
    plans: tuple[SitePlan, ...] = ()
    """In the order in which the sites go."""

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """What is proposed."""
        return changes_view.sentences(self.changes)

    def number_of(self, severity: Severity) -> int:
        """Return how many problems weigh so much."""
        return sum(problem.severity is severity for problem in self.problems)


def as_markdown(told: Proposal, limit: int = LIMIT) -> str:
    """Return one comment, cut where it would be too long for one."""
    return fitted(tuple(_sections(told)), limit)


def as_full_markdown(told: Proposal) -> str:
    """Return all of it, however long."""
    return whole(_sections(told))


def as_text(told: Proposal) -> Iterator[Text]:
    """Yield a report for a terminal."""
    yield Text(f"Proposed, compared with {told.base}", "bold")
    yield from changes_view.as_text(told.changes)
    if not told.said:
        yield Text("  nothing is declared otherwise", "dim")
    yield Text("")
    for name, verdict in _verdicts(told):
        yield Text(f"  {name:10}", "bold").append(verdict, "default")
    if told.approvals:
        yield Text("")
        yield from approvals_view.as_text(told.approvals, checked=False)
    for site in told.plans:
        yield Text("")
        yield Text(f"{site.site}  {site.digest}", "bold")
        yield from text.plan(site.plan)
    for problem in told.problems:
        yield Text("")
        yield diagnostic(problem)


def _sections(told: Proposal) -> Iterator[Section]:
    yield Section(tuple(_head(told)), essential=True)
    yield Section(tuple(_policy(told)))
    if not told.is_sound:
        return
    yield Section(tuple(_everything(told)))
    yield Section(tuple(_approvals(told)))
    yield Section(tuple(_impact(told)))
    for site in told.plans:
        yield Section(tuple(_plan(site)))
    yield Section(tuple(_on_merge(told)), essential=True)


def _head(told: Proposal) -> Iterator[str]:
    yield MARKER
    yield "## Calibrations: what is proposed\n"
    if not told.is_sound:
        number = count(told.number_of(Severity.ERROR), "error")
        yield f"**The state tree cannot be read: {number}.** Nothing else is known until that is mended.\n"
        return
    yield from changes_view.as_markdown(told.said[: _IN_SHORT - 1 if len(told.said) > _IN_SHORT else None])
    if (more := len(told.said) - _IN_SHORT + 1) > 1:
        yield f"- and {more} more changes"
    if not told.said:
        yield "- nothing is declared otherwise"
    yield f"\nCompared with {safe(told.base, link=told.commit[:10])}.\n"
    yield "| | |"
    yield "|---|---|"
    for name, verdict in _verdicts(told):
        yield f"| **{name}** | {safe(verdict)} |"


def _verdicts(told: Proposal) -> Iterator[tuple[str, str]]:
    yield "checks", _policy_verdict(told)
    if told.is_sound:
        yield "approval", _approval_verdict(told.approvals)
        yield "lookups", _impact_verdict(told)
        yield "steps", _steps_verdict(told.plans)


def _policy_verdict(told: Proposal) -> str:
    numbers = [(told.number_of(severity), severity.value) for severity in Severity]
    return ", ".join(count(number, word) for number, word in numbers if number) or "nothing to say"


def _approval_verdict(approvals: Sequence[Approved]) -> str:
    if not approvals:
        return "no ticket is concerned"
    adopted = sum(one.status is ApprovalStatus.ADOPTED for one in approvals)
    told = [f"{adopted} of {count(len(approvals), 'ticket')} adopted"]
    differs = [one.ticket for one in approvals if one.seal is SealState.DIFFERS]
    unbound = [one.ticket for one in approvals if one.seal is SealState.NONE]
    told += [f"what is sealed of {', '.join(differs)} is not what was approved"] if differs else []
    told += [f"no content is named as approved for {', '.join(unbound)}"] if unbound else []
    bound = all(one.seal is SealState.APPROVED for one in approvals)
    told += ["each sealed as it was approved"] if bound else []
    return "; ".join(told)


def _impact_verdict(told: Proposal) -> str:
    if told.impact is None:
        return "not known"
    return impact_view.verdict(told.impact)


def _steps_verdict(plans: Sequence[SitePlan]) -> str:
    if not plans:
        return "not planned here: no place was looked at"
    return "; ".join(f"{one.site} {_becomes(one.plan)}" for one in plans)


def _becomes(plan: Plan) -> str:
    if plan.refused:
        return "refused"
    if plan.has(What.UNREACHABLE) and not plan.steps:
        return "not seen"
    waits = ", the rest waits" if plan.has(What.PENDING) and plan.steps else ""
    if plan.steps:
        return count(len(plan.steps), "step") + waits
    return "waits" if plan.has(What.PENDING) else "nothing to do"


def _policy(told: Proposal) -> Iterator[str]:
    if not told.problems:
        return
    yield details(f"Checks: {_policy_verdict(told)}", opened=bool(told.number_of(Severity.ERROR)))
    yield "| | rule | at | what | what to do |"
    yield "|---|---|---|---|---|"
    for one in told.problems:
        at = f"{one.where.path}:{one.where.line}" if one.where else ""
        rule = f"{one.code} {one.summary}".strip()
        yield row(one.severity.value, rule, at, one.detail, one.hint)
    yield "\n</details>"


def _everything(told: Proposal) -> Iterator[str]:
    if len(told.said) <= _IN_SHORT:
        return
    yield details(f"All that is declared otherwise: {len(told.said)}")
    yield from changes_view.as_markdown(told.said)
    yield "\n</details>"


def _approvals(told: Proposal) -> Iterator[str]:
    if not told.approvals:
        return
    yield details(f"Approval: {_approval_verdict(told.approvals)}")
    yield from approvals_view.as_markdown(told.approvals, checked=False)
    yield "\n</details>"


def _impact(told: Proposal) -> Iterator[str]:
    if told.impact is None:
        return
    yield details(f"Lookups: {_impact_verdict(told)}")
    yield from impact_view.as_markdown(told.impact)
    yield "\n</details>"


def _plan(site: SitePlan) -> Iterator[str]:
    yield details(f"Steps at {site.site}: {_becomes(site.plan)}")
    yield from markdown.plan(site.plan)
    yield "\n</details>"


def _on_merge(told: Proposal) -> Iterator[str]:
    if not told.plans:
        return
    yield "\n### On merge\n"
    yield "| site | plan | what happens |"
    yield "|---|---|---|"
    for one in told.plans:
        digest = f"`{one.digest}`" if one.plan.steps else "no steps"
        yield f"| {safe(one.site)} | {digest} | {safe(_happens(one.plan))} |"
    yield (
        "\nEach site plans anew, and applies that plan only if it has the digest that is shown here for the "
        "site; any other is refused, and nothing is written."
    )


def _happens(plan: Plan) -> str:
    if plan.refused:
        return "refused; see the steps"
    if plan.has(What.UNREACHABLE) and not plan.steps:
        return "it was not seen from here; its plan has to be approved when it is"
    if plan.steps:
        return f"{count(len(plan.steps), 'step')} applied"
    if plan.has(What.PENDING):
        return "nothing yet: it waits for another site, and what it plans then is approved then"
    return "nothing"

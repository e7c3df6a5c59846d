"""A proposal, for the people who review it in a pull request.

What is proposed comes first, in three lines; then a table of verdicts; then
all that stands behind them, folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from ..errors import Severity
from ..model.approvals import Approved, SealState
from ..model.drift import What
from ..model.plans import Plan
from ..model.results.proposals import Proposal, SitePlan
from ..model.tickets import ApprovalStatus
from . import approvals as approvals_view
from . import changes as changes_view
from . import impact as impact_view
from . import markdown, text
from .folding import Section, fitted, whole
from .markdown import details, row, safe
from .messages import count, diagnostic

__all__ = ["LIMIT", "MARKER", "as_full_markdown", "as_markdown", "as_text", "lines_of_markdown"]

MARKER = "<!-- calibstate report -->"
"""By this a comment is found again, to be updated in place."""

LIMIT = 65_536
"""Characters that GitHub takes in a comment; we count bytes, of which no
character has less than one."""

_IN_SHORT = 3
"""Lines in which the proposal is proposal."""


def as_markdown(proposal: Proposal, limit: int = LIMIT) -> str:
    """Return one comment, cut where it would be too long for one."""
    return fitted(tuple(_sections(proposal)), limit)


def as_full_markdown(proposal: Proposal) -> str:
    """Return all of it, however long."""
    return whole(_sections(proposal))


def lines_of_markdown(proposal: Proposal) -> Iterator[str]:
    """Yield one comment, line by line."""
    yield from as_markdown(proposal).splitlines()


def as_text(proposal: Proposal) -> Iterator[Text]:
    """Yield a report for a terminal."""
    yield Text(f"Proposed, compared with {proposal.base}", "bold")
    yield from changes_view.as_text(proposal.sentences)
    if not proposal.sentences:
        yield Text("  nothing is declared otherwise", "dim")
    yield Text("")
    for name, verdict in _verdicts(proposal):
        yield Text(f"  {name:10}", "bold").append(verdict, "default")
    if proposal.approvals:
        yield Text("")
        yield from approvals_view.as_text(proposal.approvals, checked=False)
    for site in proposal.plans:
        yield Text("")
        yield Text(f"{site.site}  {site.digest}", "bold")
        yield from text.plan(site.plan)
    for problem in proposal.problems:
        yield Text("")
        yield diagnostic(problem)


def _sections(proposal: Proposal) -> Iterator[Section]:
    yield Section(tuple(_head(proposal)), essential=True)
    yield Section(tuple(_policy(proposal)))
    if not proposal.is_sound:
        return
    yield Section(tuple(_everything(proposal)))
    yield Section(tuple(_approvals(proposal)))
    yield Section(tuple(_impact(proposal)))
    for site in proposal.plans:
        yield Section(tuple(_plan(site)))
    yield Section(tuple(_on_merge(proposal)), essential=True)


def _head(proposal: Proposal) -> Iterator[str]:
    yield MARKER
    yield "## Calibrations: what is proposed\n"
    if not proposal.is_sound:
        number = count(proposal.number_of(Severity.ERROR), "error")
        yield f"**The state tree cannot be read: {number}.** Nothing else is known until that is mended.\n"
        return
    in_short = proposal.sentences
    if len(in_short) > _IN_SHORT:
        in_short = in_short[: _IN_SHORT - 1]
    yield from changes_view.as_markdown(in_short)
    if (more := len(proposal.sentences) - _IN_SHORT + 1) > 1:
        yield f"- and {more} more changes"
    if not proposal.sentences:
        yield "- nothing is declared otherwise"
    yield f"\nCompared with {safe(proposal.base, link=proposal.commit[:10])}.\n"
    yield "| | |"
    yield "|---|---|"
    for name, verdict in _verdicts(proposal):
        yield f"| **{name}** | {safe(verdict)} |"


def _verdicts(proposal: Proposal) -> Iterator[tuple[str, str]]:
    yield "checks", _policy_verdict(proposal)
    if proposal.is_sound:
        yield "approval", _approval_verdict(proposal.approvals)
        yield "lookups", _impact_verdict(proposal)
        yield "steps", _steps_verdict(proposal.plans)


def _policy_verdict(proposal: Proposal) -> str:
    numbers = [(proposal.number_of(severity), severity.value) for severity in Severity]
    return ", ".join(count(number, word) for number, word in numbers if number) or "nothing to say"


def _approval_verdict(approvals: Sequence[Approved]) -> str:
    if not approvals:
        return "no ticket is concerned"
    adopted = sum(one.status is ApprovalStatus.ADOPTED for one in approvals)
    proposal = [f"{adopted} of {count(len(approvals), 'ticket')} adopted"]
    differs = [one.ticket for one in approvals if one.seal is SealState.DIFFERS]
    unbound = [one.ticket for one in approvals if one.seal is SealState.NONE]
    proposal += [f"what is sealed of {', '.join(differs)} is not what was approved"] if differs else []
    proposal += [f"no content is named as approved for {', '.join(unbound)}"] if unbound else []
    bound = all(one.seal is SealState.APPROVED for one in approvals)
    proposal += ["each sealed as it was approved"] if bound else []
    return "; ".join(proposal)


def _impact_verdict(proposal: Proposal) -> str:
    if proposal.impact is None:
        return "not known"
    return impact_view.verdict(proposal.impact)


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


def _policy(proposal: Proposal) -> Iterator[str]:
    if not proposal.problems:
        return
    yield details(f"Checks: {_policy_verdict(proposal)}", opened=bool(proposal.number_of(Severity.ERROR)))
    yield "| | rule | at | what | what to do |"
    yield "|---|---|---|---|---|"
    for one in proposal.problems:
        at = f"{one.where.file}:{one.where.line}" if one.where else ""
        rule = f"{one.code} {one.summary}".strip()
        yield row(one.severity.value, rule, at, one.detail, one.hint)
    yield "\n</details>"


def _everything(proposal: Proposal) -> Iterator[str]:
    if len(proposal.sentences) <= _IN_SHORT:
        return
    yield details(f"All that is declared otherwise: {len(proposal.sentences)}")
    yield from changes_view.as_markdown(proposal.sentences)
    yield "\n</details>"


def _approvals(proposal: Proposal) -> Iterator[str]:
    if not proposal.approvals:
        return
    yield details(f"Approval: {_approval_verdict(proposal.approvals)}")
    yield from approvals_view.as_markdown(proposal.approvals, checked=False)
    yield "\n</details>"


def _impact(proposal: Proposal) -> Iterator[str]:
    if proposal.impact is None:
        return
    yield details(f"Lookups: {_impact_verdict(proposal)}")
    yield from impact_view.as_markdown(proposal.impact)
    yield "\n</details>"


def _plan(site: SitePlan) -> Iterator[str]:
    yield details(f"Steps at {site.site}: {_becomes(site.plan)}")
    yield from markdown.plan(site.plan)
    yield "\n</details>"


def _on_merge(proposal: Proposal) -> Iterator[str]:
    if not proposal.plans:
        return
    yield "\n### On merge\n"
    yield "| site | plan | what happens |"
    yield "|---|---|---|"
    for one in proposal.plans:
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

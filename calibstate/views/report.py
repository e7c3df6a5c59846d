"""A proposal, for the people who review it in a pull request.

What is proposed comes first, in three lines; then a table of verdicts; then
all that stands behind them, folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
from . import impact_summary, markdown, text
from .folding import Section, fitted, whole
from .markdown import details, row, safe
from .messages import count, diagnostic

__all__ = ["LIMIT", "MARKER", "as_full_markdown", "as_markdown", "as_text", "lines_of_markdown"]

MARKER = "<!-- calibstate report -->"
"""What a comment is recognized by, to be updated in place."""

LIMIT = 65_536
"""Characters that GitHub takes in a comment; we count bytes, of which no
character has less than one."""

_IN_SHORT = 3
"""Lines that the proposal has in short."""


_PROBLEMS = ("| | rule | at | what | what to do |", "|---|---|---|---|---|")
_SITES = ("| site | plan | what happens |", "|---|---|---|")


@dataclass(frozen=True)
class _Verdict:
    """What one question about a proposal comes to."""

    question: str
    answer: str


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
    for verdict in _verdicts(proposal):
        yield Text.assemble(
            f"  {verdict.question:10}",
            (verdict.answer, "default"),
            style="bold",
        )
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


# --- the sections of a comment ---


def _sections(proposal: Proposal) -> Iterator[Section]:
    """Yield what a comment consists of.

    The head, and what happens on merge, are never cut; the others share what
    room is left.  Of a tree that cannot be read nothing else is known.
    """
    yield Section(tuple(_head(proposal)), essential=True)
    if proposal.problems:
        title = f"Checks: {_policy_verdict(proposal)}"
        errors = proposal.number_of(Severity.ERROR)
        yield _folded(title, _problem_lines(proposal), opened=bool(errors))
    if not proposal.is_sound:
        return
    # The head has them all, if they are few.
    number = len(proposal.sentences)
    if number > _IN_SHORT:
        title = f"All that is declared otherwise: {number}"
        yield _folded(title, changes_view.as_markdown(proposal.sentences))
    if proposal.approvals:
        title = f"Approval: {_approval_verdict(proposal.approvals)}"
        lines = approvals_view.as_markdown(proposal.approvals, checked=False)
        yield _folded(title, lines)
    if proposal.impact:
        title = f"Lookups: {impact_summary.verdict(proposal.impact)}"
        yield _folded(title, impact_view.as_markdown(proposal.impact))
    for site in proposal.plans:
        title = f"Steps at {site.site}: {_becomes(site.plan)}"
        yield _folded(title, markdown.plan(site.plan))
    if proposal.plans:
        lines = _on_merge(proposal.plans)
        yield Section(tuple(lines), essential=True)


def _folded(title: str, lines: Iterable[str], *, opened: bool = False) -> Section:
    """Return a section that is shown when its title is clicked."""
    head = details(title, opened=opened)
    return Section((head, *lines, "\n</details>"))


def _head(proposal: Proposal) -> Iterator[str]:
    """Yield the proposal in short, and a table of verdicts."""
    yield MARKER
    yield "## Calibrations: what is proposed\n"
    if not proposal.is_sound:
        errors = proposal.number_of(Severity.ERROR)
        number = count(errors, "error")
        yield f"**The state tree cannot be read: {number}.** Nothing else is known until that is mended.\n"
        return
    in_short = proposal.sentences
    more = 0
    if len(in_short) > _IN_SHORT:
        # The last of the lines says how many more there are.
        in_short = in_short[: _IN_SHORT - 1]
        more = len(proposal.sentences) - len(in_short)
    yield from changes_view.as_markdown(in_short)
    if more:
        yield f"- and {more} more changes"
    if not proposal.sentences:
        yield "- nothing is declared otherwise"
    base = safe(proposal.base, link=proposal.commit[:10])
    yield f"\nCompared with {base}.\n"
    yield "| | |"
    yield "|---|---|"
    for verdict in _verdicts(proposal):
        answer = safe(verdict.answer)
        yield f"| **{verdict.question}** | {answer} |"


def _problem_lines(proposal: Proposal) -> Iterator[str]:
    """Yield what the checks say, as a table."""
    yield from _PROBLEMS
    for problem in proposal.problems:
        where = problem.where
        at = ""
        if where:
            at = f"{where.file}:{where.line}"
        rule = f"{problem.code} {problem.summary}"
        yield row(
            problem.severity.value,
            rule.strip(),
            at,
            problem.detail,
            problem.hint,
        )


def _on_merge(plans: Iterable[SitePlan]) -> Iterator[str]:
    """Yield what happens at each site once the proposal is merged."""
    yield "\n### On merge\n"
    yield from _SITES
    for site in plans:
        digest = "no steps"
        if site.plan.steps:
            digest = f"`{site.digest}`"
        happens = safe(_happens(site.plan))
        yield f"| {safe(site.site)} | {digest} | {happens} |"
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
        steps = count(len(plan.steps), "step")
        return f"{steps} applied"
    if plan.has(What.PENDING):
        return "nothing yet: it waits for another site, and what it plans then is approved then"
    return "nothing"


# --- verdicts ---


def _verdicts(proposal: Proposal) -> Iterator[_Verdict]:
    yield _Verdict("checks", _policy_verdict(proposal))
    # Of a tree that cannot be read only the checks have something to say.
    if not proposal.is_sound:
        return
    yield _Verdict("approval", _approval_verdict(proposal.approvals))
    lookups = "not known"
    if proposal.impact is not None:
        lookups = impact_summary.verdict(proposal.impact)
    yield _Verdict("lookups", lookups)
    yield _Verdict("steps", _steps_verdict(proposal.plans))


def _policy_verdict(proposal: Proposal) -> str:
    counted = []
    for severity in Severity:
        number = proposal.number_of(severity)
        if number:
            counted.append(count(number, severity.value))
    return ", ".join(counted) or "nothing to say"


def _approval_verdict(approvals: Sequence[Approved]) -> str:
    """Say how many tickets are adopted, and what of them was approved."""
    if not approvals:
        return "no ticket is concerned"
    adopted = 0
    by_seal: dict[SealState, list[str]] = {}
    for approval in approvals:
        if approval.status is ApprovalStatus.ADOPTED:
            adopted += 1
        tickets = by_seal.setdefault(approval.seal, [])
        tickets.append(approval.ticket)
    tickets_in_all = count(len(approvals), "ticket")
    parts = [f"{adopted} of {tickets_in_all} adopted"]
    if SealState.DIFFERS in by_seal:
        names = ", ".join(by_seal[SealState.DIFFERS])
        parts.append(f"what is sealed of {names} is not what was approved")
    if SealState.NONE in by_seal:
        names = ", ".join(by_seal[SealState.NONE])
        parts.append(f"no content is named as approved for {names}")
    if by_seal.keys() == {SealState.APPROVED}:
        parts.append("each sealed as it was approved")
    return "; ".join(parts)


def _steps_verdict(plans: Sequence[SitePlan]) -> str:
    if not plans:
        return "not planned here: no place was looked at"
    sites = []
    for site in plans:
        sites.append(f"{site.site} {_becomes(site.plan)}")
    return "; ".join(sites)


def _becomes(plan: Plan) -> str:
    """Say what becomes of a plan once the proposal is merged."""
    # What is refused or not seen comes before what could be done.
    is_waiting = plan.has(What.PENDING)
    if plan.refused:
        return "refused"
    if plan.has(What.UNREACHABLE) and not plan.steps:
        return "not seen"
    if plan.steps:
        steps = count(len(plan.steps), "step")
        return f"{steps}, the rest waits" if is_waiting else steps
    return "waits" if is_waiting else "nothing to do"

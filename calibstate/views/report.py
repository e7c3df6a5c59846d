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
from ..model.results.impacts import ImpactReport
from ..model.results.proposals import Proposal, SitePlan
from ..model.tickets import ApprovalStatus
from ..model.verdicts import TicketVerdicts
from . import approvals as approvals_view
from . import changes as changes_view
from . import impact as impact_view
from . import impact_summary, markdown, text
from .findings import messages
from .folding import Section, fitted, whole
from .links import Links
from .markdown import details, safe
from .messages import below, count
from .timelines.markdown import changes_as_markdown
from .verdicts import in_short, lacking_words, products_as_markdown, verdict_lines

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
    title = f"Proposed, compared with {proposal.base}"
    yield Text(title, "bold")
    yield from changes_view.as_text(proposal.sentences)
    if not proposal.sentences:
        yield Text("  nothing is declared otherwise", "dim")
    yield Text("")
    for verdict in _verdicts(proposal):
        question = verdict.question
        yield Text.assemble(
            f"  {question:10}",
            (verdict.answer, "default"),
            style="bold",
        )
    if proposal.approvals:
        yield Text("")
        yield from approvals_view.as_text(proposal.approvals, checked=proposal.is_checked)
        for finding in proposal.of_jira:
            yield below(f"{finding.severity.value}: {finding.detail}")
    for verdicts in proposal.verdicts:
        worst = verdicts.verdict.value
        yield Text("")
        yield Text(f"Verification of {verdicts.ticket}: {worst}", "bold")
        for product in verdicts.products:
            yield from verdict_lines(product)
        if not verdicts.products:
            lacking = lacking_words(verdicts)
            yield below(lacking, "dim")
    for site in proposal.plans:
        # The digest is what an approval of the plan names.
        name = site.site
        digest = site.digest
        yield Text("")
        yield Text(f"{name}  {digest}", "bold")
        yield from text.plan(site.plan)
    for message in messages(proposal.problems, every=True):
        yield Text("")
        yield message


# --- the sections of a comment ---


def _sections(proposal: Proposal) -> Iterator[Section]:
    """Yield what a comment consists of.

    The head, and what happens on merge, are never cut; the others share what
    room is left.  Of a tree that cannot be read nothing else is known.
    """
    links = Links.of(proposal.workspace)
    head = tuple(_head(proposal, links))
    yield Section(head, essential=True)
    if proposal.problems:
        verdict = _policy_verdict(proposal)
        # Errors are open from the start: nobody has to look for them.
        errors = proposal.number_of(Severity.ERROR)
        yield _folded(
            f"Checks: {verdict}",
            _problem_lines(proposal, links),
            opened=bool(errors),
        )
    if not proposal.is_sound:
        return
    # The head has them all, if they are few.
    sentences = proposal.sentences
    number = len(sentences)
    if number > _IN_SHORT:
        title = f"All that is declared otherwise: {number}"
        lines = changes_view.as_markdown(sentences, links)
        yield _folded(title, lines)
    approvals = proposal.approvals
    if approvals:
        verdict = _approval_verdict(approvals)
        lines = _approval_lines(proposal, links)
        yield _folded(f"Approval: {verdict}", lines)
    for verdicts in proposal.verdicts:
        verdict = verdicts.verdict.value
        lines = products_as_markdown(verdicts, links)
        if not verdicts.products:
            lines = iter([lacking_words(verdicts)])
        yield _folded(f"Verification of {verdicts.ticket}: {verdict}", lines)
    yield from _lookups(proposal)
    for site in proposal.plans:
        name = site.site
        becomes = _becomes(site.plan)
        lines = markdown.plan(site.plan)
        yield _folded(f"Steps at {name}: {becomes}", lines)
    if proposal.plans:
        on_merge = tuple(_on_merge(proposal.plans))
        yield Section(on_merge, essential=True)


def _lookups(proposal: Proposal) -> Iterator[Section]:
    """Yield which lookups change, now and once tickets are adopted."""
    impacts: list[tuple[str, ImpactReport]] = []
    if proposal.impact:
        impacts.append(("Lookups", proposal.impact))
    for foreseen in proposal.foreseen:
        impacts.append((f"Lookups once {foreseen.ticket} is adopted", foreseen.impact))
    for title, impact in impacts:
        verdict = impact_summary.verdict(impact)
        lines = impact_view.as_markdown(impact)
        yield _folded(f"{title}: {verdict}", lines)
    changed = list(changes_as_markdown(proposal.timelines, "before"))
    if changed:
        yield _folded("Which ticket wins when, before and after (TAI)", changed)


def _folded(
    title: str,
    lines: Iterable[str],
    *,
    opened: bool = False,
) -> Section:
    """Return a section that is shown when its title is clicked."""
    head = details(title, opened=opened)
    return Section((head, *lines, "\n</details>"))


def _head(proposal: Proposal, links: Links) -> Iterator[str]:
    """Yield the proposal in short, and a table of verdicts."""
    yield MARKER
    yield "## Calibrations: what is proposed\n"
    if not proposal.is_sound:
        errors = proposal.number_of(Severity.ERROR)
        number = count(errors, "error")
        yield f"**The state tree cannot be read: {number}.** Nothing else is known until that is mended.\n"
        return
    sentences = proposal.sentences
    in_short = sentences
    more = 0
    if len(sentences) > _IN_SHORT:
        # The last of the lines says how many more there are.
        in_short = sentences[: _IN_SHORT - 1]
        more = len(sentences) - len(in_short)
    yield from changes_view.as_markdown(in_short, links)
    if more:
        yield f"- and {more} more changes"
    if not sentences:
        yield "- nothing is declared otherwise"
    commit = proposal.commit[:10]
    base = safe(proposal.base, link=commit)
    yield f"\nCompared with {base}.\n"
    yield "| | |"
    yield "|---|---|"
    for verdict in _verdicts(proposal):
        question = verdict.question
        answer = safe(verdict.answer)
        yield f"| **{question}** | {answer} |"


def _approval_lines(proposal: Proposal, links: Links) -> Iterator[str]:
    """Yield the approvals, and what Jira says otherwise."""
    is_checked = proposal.is_checked
    yield from approvals_view.linked_as_markdown(proposal.approvals, links, checked=is_checked)
    if proposal.of_jira:
        yield ""
        yield from approvals_view.findings_as_markdown(proposal.of_jira)


def _problem_lines(proposal: Proposal, links: Links) -> Iterator[str]:
    """Yield what the checks say, as a table."""
    yield from _PROBLEMS
    for problem in proposal.problems:
        code = problem.code
        summary = problem.summary
        # What is no rule has no code.
        rule = f"{code} {summary}"
        severity = safe(problem.severity.value)
        title = safe(rule.strip())
        at = links.line(problem.where)
        detail = links.sentence(problem.detail)
        hint = links.sentence(problem.hint)
        yield f"| {severity} | {title} | {at} | {detail} | {hint} |"


def _on_merge(plans: Iterable[SitePlan]) -> Iterator[str]:
    """Yield what happens at each site once the proposal is merged."""
    yield "\n### On merge\n"
    yield from _SITES
    for site in plans:
        plan = site.plan
        digest = "no steps"
        if plan.steps:
            digest = f"`{site.digest}`"
        name = safe(site.site)
        happens = safe(_happens(plan))
        yield f"| {name} | {digest} | {happens} |"
    yield (
        "\nEach site plans anew, and applies that plan only if it has the digest that is shown here for the "
        "site; any other is refused, and nothing is written."
    )


def _happens(plan: Plan) -> str:
    """Say what a site does once the proposal is merged."""
    if plan.refused:
        return "refused; see the steps"
    if plan.has(What.UNREACHABLE) and not plan.steps:
        return "it was not seen from here; its plan has to be approved when it is"
    if plan.steps:
        steps = count(plan.steps, "step")
        return f"{steps} applied"
    if plan.has(What.PENDING):
        return "nothing yet: it waits for another site, and what it plans then is approved then"
    return "nothing"


# --- verdicts ---


def _verdicts(proposal: Proposal) -> Iterator[_Verdict]:
    """Yield what each of the questions about a proposal comes to."""
    checks = _policy_verdict(proposal)
    yield _Verdict("checks", checks)
    # Of a tree that cannot be read only the checks have something to say.
    if not proposal.is_sound:
        return
    approval = _approval_verdict(proposal.approvals)
    yield _Verdict("approval", approval)
    if proposal.verdicts:
        verification = _verification_verdict(proposal.verdicts)
        yield _Verdict("verdict", verification)
    lookups = "not known"
    if proposal.impact is not None:
        lookups = impact_summary.verdict(proposal.impact)
    yield _Verdict("lookups", lookups)
    # Nothing of what is proposed changes a lookup before it is adopted.
    for foreseen in proposal.foreseen:
        then = impact_summary.verdict(foreseen.impact)
        yield _Verdict("foreseen", f"{foreseen.ticket} in front of {foreseen.chain}: {then}")
    # Without a look at a place there is no plan for it.
    steps = "not planned here: no place was looked at"
    if proposal.plans:
        sites = []
        for site in proposal.plans:
            name = site.site
            becomes = _becomes(site.plan)
            sites.append(f"{name} {becomes}")
        steps = "; ".join(sites)
    yield _Verdict("steps", steps)


def _policy_verdict(proposal: Proposal) -> str:
    """Say how many errors, warnings and notes the checks have."""
    counted = []
    for severity in Severity:
        number = proposal.number_of(severity)
        if number:
            problems = count(number, severity.value)
            counted.append(problems)
    return ", ".join(counted) or "nothing to say"


def _approval_verdict(approvals: Sequence[Approved]) -> str:
    """Say how many tickets are adopted, and what of them was approved."""
    if not approvals:
        return "no ticket is concerned"
    statuses = [approval.status for approval in approvals]
    adopted = statuses.count(ApprovalStatus.ADOPTED)
    tickets = count(approvals, "ticket")
    parts = [f"{adopted} of {tickets} adopted"]
    differing = _sealed(approvals, SealState.DIFFERS)
    if differing:
        parts.append(f"what is sealed of {differing} is not what was approved")
    unnamed = _sealed(approvals, SealState.NONE)
    if unnamed:
        parts.append(f"no content is named as approved for {unnamed}")
    # That each is as it was approved is said only where it is so of all.
    if not differing and not unnamed:
        parts.append("each sealed as it was approved")
    return "; ".join(parts)


def _sealed(approvals: Sequence[Approved], state: SealState) -> str:
    """Name the tickets whose seals stand in one way to their approvals."""
    tickets = [approval.ticket for approval in approvals if approval.seal is state]
    return ", ".join(tickets)


def _verification_verdict(verdicts: Iterable[TicketVerdicts]) -> str:
    """Say what verifications say of each ticket."""
    parts = []
    for kept in verdicts:
        words = in_short(kept.by_product) or kept.verdict.value
        parts.append(f"{kept.ticket} {words}")
    return "; ".join(parts)


def _becomes(plan: Plan) -> str:
    """Say what becomes of a plan once the proposal is merged."""
    # What is refused or not seen comes before what could be done.
    is_waiting = plan.has(What.PENDING)
    if plan.refused:
        return "refused"
    if plan.has(What.UNREACHABLE) and not plan.steps:
        return "not seen"
    if plan.steps:
        steps = count(plan.steps, "step")
        if is_waiting:
            steps += ", the rest waits"
        return steps
    if is_waiting:
        return "waits"
    return "nothing to do"

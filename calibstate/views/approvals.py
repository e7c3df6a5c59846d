"""How it stands with approvals, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from ..errors import Diagnostic
from ..model.approvals import Approved, SealState, Verdict
from ..model.results.tickets import ApprovalsListed
from ..model.tickets import ApprovalStatus
from ..model.verdicts import Verdict as VerificationVerdict
from .links import Links
from .markdown import row, safe
from .messages import at_line, count, counted

__all__ = [
    "as_markdown",
    "as_text",
    "findings_as_markdown",
    "linked_as_markdown",
    "listed_as_markdown",
    "listed_as_text",
    "tally",
]

_COLUMNS = (
    "ticket",
    "status",
    "taxicab",
    "date",
    "seal",
    "deployment",
)

_STYLES = {
    ApprovalStatus.ADOPTED.value: "green",
    ApprovalStatus.FLAGGED.value: "yellow",
    ApprovalStatus.REJECTED.value: "red",
    SealState.APPROVED.value: "green",
    SealState.DIFFERS.value: "red",
    Verdict.AGREES.value: "green",
    Verdict.UNLINKED.value: "yellow",
    Verdict.CONTRADICTS.value: "red",
    Verdict.NOT_CHECKED.value: "yellow",
    VerificationVerdict.PASSED.value: "green",
    VerificationVerdict.KNOWN.value: "yellow",
    VerificationVerdict.FAILED.value: "red",
}


def as_text(
    approvals: Sequence[Approved],
    *,
    checked: bool,
) -> Iterator[Text]:
    """Yield a table of approvals.

    Parameters
    ----------
    approvals
        The approvals.
    checked
        Whether they were to be compared with Jira.
    """
    if not approvals:
        return
    columns = _Columns.of(approvals, checked=checked)
    heads = columns.heads
    rows = [columns.cells(approval) for approval in approvals]
    # Each column is as wide as its widest cell, the head included.
    widths = []
    for column in zip(heads, *rows, strict=True):
        widest = max(column, key=len)
        widths.append(len(widest))
    head = _line(heads, widths)
    head.stylize("bold")
    yield head
    for cells in rows:
        yield _line(cells, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> Text:
    """Return cells in their columns, each in the colour of its word."""
    # The last column is padded as well, and its blanks are cut off.
    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        style = _STYLES.get(cell, "")
        line.append(cell.ljust(width), style)
        line.append("  ")
    line.rstrip()
    return line


def as_markdown(approvals: Sequence[Approved], *, checked: bool) -> Iterator[str]:
    """Yield the same table for a page."""
    columns = _Columns.of(approvals, checked=checked)
    yield row(*columns.heads)
    yield "|" + "---|" * len(columns.heads)
    for approval in approvals:
        yield row(*columns.cells(approval))


def linked_as_markdown(
    approvals: Sequence[Approved],
    links: Links,
    *,
    checked: bool,
) -> Iterator[str]:
    """Yield the same table for a pull request, with links and reports.

    Parameters
    ----------
    approvals
        The approvals.
    links
        Where tickets and reports are.
    checked
        Whether they were to be compared with Jira.
    """
    columns = _Columns.of(approvals, checked=checked)
    heads = (*columns.heads, "report")
    yield row(*heads)
    yield "|" + "---|" * len(heads)
    for approval in approvals:
        cells = dict(zip(columns.heads, columns.cells(approval), strict=True))
        linked = {head: safe(cell) for head, cell in cells.items()}
        ticket = links.ticket(approval.ticket)
        linked["ticket"] = f"{safe(approval.instrument)}/{ticket}"
        linked["taxicab"] = links.ticket(approval.taxicab)
        linked["deployment"] = links.ticket(approval.deployment)
        linked["report"] = links.report(approval.report)
        yield f"| {' | '.join(linked.values())} |"


def listed_as_text(result: ApprovalsListed) -> Iterator[Diagnostic | Text | str]:
    """Yield what was found, a table of approvals, and what it comes to."""
    yield from result.findings
    is_checked = result.is_checked
    yield from as_text(result.approvals, checked=is_checked)
    yield tally(result.approvals, checked=is_checked)


def listed_as_markdown(result: ApprovalsListed) -> Iterator[str]:
    """Yield a table of approvals, what it comes to, and what was found."""
    is_checked = result.is_checked
    total = tally(result.approvals, checked=is_checked)
    yield from as_markdown(result.approvals, checked=is_checked)
    yield ""
    yield f"**{total}**"
    yield ""
    yield from findings_as_markdown(result.findings)


def findings_as_markdown(findings: Iterable[Diagnostic]) -> Iterator[str]:
    """Yield what the comparison found, as a list."""
    for finding in findings:
        severity = finding.severity.value
        summary = finding.summary
        where = at_line(finding.where)
        detail = finding.detail
        words = f"{summary}{where}: {detail}"
        hint = finding.hint
        if hint:
            words += f" {hint}"
        text = safe(words)
        yield f"- **{severity}**: {text}"


def tally(approvals: Sequence[Approved], *, checked: bool) -> str:
    """Return in a line what it comes to."""
    statuses = [approval.status for approval in approvals]
    parts = [count(approvals, "ticket")]
    parts += counted(statuses, ApprovalStatus)
    # A seal that differs is the one thing that somebody has to do at once.
    differing = 0
    for approval in approvals:
        if approval.seal is SealState.DIFFERS:
            differing += 1
    if differing:
        parts.append(f"{differing} with another seal than was approved")
    start = ", ".join(parts)
    if not checked:
        return f"{start}. Not compared with Jira: --check does that."
    verdicts = [approval.jira for approval in approvals]
    compared = []
    for verdict in Verdict:
        number = verdicts.count(verdict)
        if not number:
            continue
        name = verdict.value
        compared.append(f"{name} {number}")
    jira = ", ".join(compared) or "nothing to compare"
    return f"{start}. Jira: {jira}."


@dataclass(frozen=True)
class _Columns:
    """Which columns a table has besides those of each."""

    verdict: bool
    """What verifications say: where a ticket is constructed."""

    jira: bool
    """How Jira compares."""

    @classmethod
    def of(cls, approvals: Iterable[Approved], *, checked: bool) -> _Columns:
        is_verified = any(approval.verdict for approval in approvals)
        return cls(is_verified, checked)

    @property
    def heads(self) -> tuple[str, ...]:
        heads = list(_COLUMNS)
        if self.verdict:
            heads.append("verdict")
        if self.jira:
            heads.append("jira")
        return tuple(heads)

    def cells(self, approval: Approved) -> tuple[str, ...]:
        cells = [
            approval.name,
            approval.status.value,
            approval.taxicab or "-",
            approval.date or "-",
            approval.seal.value,
            approval.deployment or "-",
        ]
        if self.verdict:
            cells.append(approval.verdict.value if approval.verdict else "-")
        if self.jira:
            cells.append(approval.jira.value)
        return tuple(cells)

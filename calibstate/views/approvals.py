"""How it stands with approvals, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from ..errors import Diagnostic
from ..model.approvals import Approved, SealState, Verdict
from ..model.results.tickets import ApprovalsListed
from ..model.tickets import ApprovalStatus
from .markdown import row, safe
from .messages import count

__all__ = ["as_markdown", "as_text", "listed_as_markdown", "listed_as_text", "tally"]

_COLUMNS = ("ticket", "status", "taxicab", "date", "seal", "deployment")

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
}


def as_text(listed: Sequence[Approved], *, checked: bool) -> Iterator[Text]:
    """Yield a table of approvals.

    Parameters
    ----------
    listed
        The approvals.
    checked
        Whether they were to be compared with Jira.
    """
    rows = [_cells(one, checked=checked) for one in listed]
    heads = _heads(checked=checked)
    widths = [max(len(line[column]) for line in (heads, *rows)) for column in range(len(heads))]
    if rows:
        yield Text(
            "  ".join(f"{cell:{wide}}" for cell, wide in zip(heads, widths, strict=True)).rstrip(), "bold"
        )
    for cells in rows:
        line = Text()
        for cell, wide in zip(cells, widths, strict=True):
            line.append(f"{cell:{wide}}", _STYLES.get(cell, "")).append("  ")
        line.rstrip()
        yield line


def as_markdown(listed: Iterable[Approved], *, checked: bool) -> Iterator[str]:
    """Yield the same table for a pull request."""
    heads = _heads(checked=checked)
    yield row(*heads)
    yield "|" + "---|" * len(heads)
    for one in listed:
        yield row(*_cells(one, checked=checked))


def listed_as_text(result: ApprovalsListed) -> Iterator[Diagnostic | Text | str]:
    """Yield what was found, a table of approvals, and what it comes to."""
    yield from result.findings
    yield from as_text(result.approvals, checked=result.is_checked)
    yield tally(result.approvals, checked=result.is_checked)


def listed_as_markdown(result: ApprovalsListed) -> Iterator[str]:
    """Yield a table of approvals, what it comes to, and what was found."""
    yield from as_markdown(result.approvals, checked=result.is_checked)
    yield ""
    yield f"**{tally(result.approvals, checked=result.is_checked)}**"
    yield ""
    yield from findings_as_markdown(result.findings)


def findings_as_markdown(findings: Iterable[Diagnostic]) -> Iterator[str]:
    """Yield what the comparison found, as a list."""
    for one in findings:
        at = f" ({one.where.file}:{one.where.line})" if one.where else ""
        hint = f" {one.hint}" if one.hint else ""
        yield f"- **{one.severity.value}**: {safe(f'{one.summary}{at}: {one.detail}{hint}')}"


def tally(listed: Sequence[Approved], *, checked: bool) -> str:
    """Return in a line what it comes to."""
    statuses = Counter(one.status for one in listed)
    told = [f"{statuses[status]} {status.value}" for status in ApprovalStatus if statuses[status]]
    differing = sum(one.seal is SealState.DIFFERS for one in listed)
    told += [f"{differing} with another seal than was approved"] if differing else []
    start = ", ".join([count(len(listed), "ticket"), *told])
    if not checked:
        return f"{start}. Not compared with Jira: --check does that."
    verdicts = Counter(one.jira for one in listed)
    compared = [f"{verdict.value} {verdicts[verdict]}" for verdict in Verdict if verdicts[verdict]]
    return f"{start}. Jira: {', '.join(compared) or 'nothing to compare'}."


def _heads(*, checked: bool) -> tuple[str, ...]:
    return (*_COLUMNS, "jira") if checked else _COLUMNS


def _cells(one: Approved, *, checked: bool) -> tuple[str, ...]:
    cells = (
        one.name,
        one.status.value,
        one.taxicab or "-",
        one.date or "-",
        one.seal.value,
        one.deployment or "-",
    )
    return (*cells, one.jira.value) if checked else cells

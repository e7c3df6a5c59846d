"""Tickets that are proposed and adopted: what was written, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from ..errors import Diagnostic
from ..model.files import FileChange
from ..model.results.proposing import TicketAdopted, TicketProposed
from ..model.tickets import ApprovalStatus, Ticket
from . import capture as capture_view
from . import changes as changes_view
from . import impact as impact_view
from . import impact_summary
from .links import Links
from .markdown import fenced, row, safe
from .messages import below, count

__all__ = [
    "adopted_as_markdown",
    "adopted_as_text",
    "adoption_message",
    "proposal_message",
    "proposed_as_markdown",
    "proposed_as_text",
]

# --- proposed ---


def proposed_as_text(result: TicketProposed) -> Iterator[Diagnostic | Text | str]:
    """Yield a proposed ticket for a terminal."""
    yield from result.remarks
    yield Text(_title(result), "bold")
    # Within the ticket's own folder by their short names, as files have them.
    folder = f"{result.ticket.collection}/"
    names = [collection.name.removeprefix(folder) for collection in result.collections]
    wide = max(map(len, names))
    for name, collection in zip(names, result.collections, strict=True):
        yield Text.assemble(
            f"  {name:{wide}}  ",
            (collection.holds, "dim"),
        )
    if result.seal:
        yield below(_sealed(result))
    if result.impact:
        yield Text("")
        yield from impact_view.as_text(result.impact)
    yield from _files(result.changes, written=result.written)
    yield Text("")
    for sentence in _next_of_proposal(result):
        yield Text(sentence)


def proposed_as_markdown(result: TicketProposed) -> Iterator[Diagnostic | str]:
    """Yield a proposed ticket for a pull request."""
    yield from result.remarks
    title = safe(_title(result))
    yield f"**{title}**\n"
    yield row("collection", "holds")
    yield "|---|---|"
    for collection in result.collections:
        yield row(collection.name, collection.holds)
    yield ""
    if result.seal:
        yield f"{safe(_sealed(result))}\n"
    if result.impact:
        yield from impact_view.as_markdown(result.impact)
        yield ""
    yield from _files_as_markdown(result.changes, written=result.written)
    for sentence in _next_of_proposal(result):
        yield f"{safe(sentence)}\n"


def proposal_message(result: TicketProposed) -> str:
    """Return the message of the commit that proposes a ticket."""
    ticket = result.ticket
    collections = count(result.collections, "collection")
    lines = [f"Propose {ticket.ticket}", ""]
    if ticket.summary:
        lines += [ticket.summary, ""]
    lines.append(f"As {result.origin} has it: {collections}.")
    if result.seal:
        lines.append(f"Sealed as {result.seal.digest}.")
    if result.impact:
        lines.append(f"Lookups once it is adopted: {impact_summary.verdict(result.impact)}.")
    return "\n".join(lines)


def _title(result: TicketProposed) -> str:
    ticket = result.ticket
    title = f"{ticket.ticket} of {ticket.instrument}, as {result.origin} has it"
    if ticket.summary:
        title += f": {ticket.summary}"
    return title


def _sealed(result: TicketProposed) -> str:
    """Say what was sealed."""
    seal = result.seal
    assert seal, "it is sealed"
    files = count(seal.files, "file")
    return f"sealed: {files}, {seal.bytes} bytes, {seal.digest}"


def _next_of_proposal(result: TicketProposed) -> Iterator[str]:
    """Yield what was written, and what comes next."""
    ticket = result.ticket
    yield from _written(result.changes, result.files, result.branch, result.commit, written=result.written)
    if result.changes and not result.written:
        return
    status = ticket.approval.status
    if status is ApprovalStatus.ADOPTED:
        yield f"{ticket.ticket} is adopted already. Next: calibstate plan."
        return
    if not result.seal:
        yield f"Next: calibstate seal {ticket.name}"
    elif result.commit:
        yield f"Next: git push -u origin {result.branch}, and open a pull request."
    elif result.changes:
        yield "Next: commit them on a branch, push it and open a pull request."
    yield "What its reviewers see: calibstate report --base main"
    taxicab = ticket.approval.taxicab or "TAXICAB-n"
    yield f"When the board has adopted it: calibstate adopt {ticket.name} {taxicab}"


# --- adopted ---


def adopted_as_text(result: TicketAdopted) -> Iterator[Diagnostic | Text | str]:
    """Yield an adopted ticket for a terminal."""
    yield from result.remarks
    yield Text(_decided(result.ticket), "bold")
    yield from changes_view.as_text(result.sentences)
    if result.impact:
        yield Text("")
        yield from impact_view.as_text(result.impact)
    yield from _files(result.changes, written=result.written)
    yield Text("")
    for sentence in _next_of_adoption(result):
        yield Text(sentence)


def adopted_as_markdown(result: TicketAdopted) -> Iterator[Diagnostic | str]:
    """Yield an adopted ticket for a pull request."""
    yield from result.remarks
    title = safe(_decided(result.ticket))
    yield f"**{title}**\n"
    yield from changes_view.as_markdown(result.sentences, Links.to_jira())
    yield ""
    if result.impact:
        yield from impact_view.as_markdown(result.impact)
        yield ""
    yield from _files_as_markdown(result.changes, written=result.written)
    for sentence in _next_of_adoption(result):
        yield f"{safe(sentence)}\n"


def adoption_message(result: TicketAdopted) -> str:
    """Return the message of the commit that writes down a decision."""
    ticket = result.ticket
    approval = ticket.approval
    lines = [f"Adopt {ticket.ticket} by {approval.taxicab}", ""]
    if ticket.summary:
        lines += [ticket.summary, ""]
    lines.append(f"Approved as {approval.seal}.")
    if approval.report:
        lines.append(f"Report: {approval.report}")
    if result.impact:
        lines.append(f"Lookups: {impact_summary.verdict(result.impact)}.")
    return "\n".join(lines)


def _decided(ticket: Ticket) -> str:
    approval = ticket.approval
    decided = f"{ticket.ticket} of {ticket.instrument}: adopted by {approval.taxicab}"
    if approval.date:
        decided += f" on {approval.date}"
    return decided


def _next_of_adoption(result: TicketAdopted) -> Iterator[str]:
    """Yield what was written, and what comes next."""
    files = [change.file for change in result.changes]
    yield from _written(result.changes, files, result.branch, result.commit, written=result.written)
    if result.changes and not result.written:
        return
    if result.commit:
        yield f"Next: git push -u origin {result.branch}, and open a pull request."
    elif result.changes:
        yield "Next: calibstate validate, then commit them and open a pull request."
    yield f"What every site would do: calibstate plan --ticket {result.ticket.name}"


# --- both ---


def _written(
    changes: Sequence[FileChange], committed: Sequence[str], branch: str, commit: str, *, written: bool
) -> Iterator[str]:
    """Yield what became of the files."""
    # A run that is repeated has nothing to change, and may still commit.
    if changes and not written:
        yield "Nothing was written."
    elif commit:
        files = ", ".join(committed)
        yield f"Committed as {commit[:10]} on the branch {branch}: {files}."
    elif not changes:
        yield "Nothing to write: the files say it already."


def _files(changes: Sequence[FileChange], *, written: bool) -> Iterator[Text]:
    """Yield the files, and how they would change if they did not yet."""
    if changes:
        yield Text("")
    for change in changes:
        style = "yellow"
        if change.before is None:
            style = "green"
        yield Text.assemble(
            f"{change.what:8}",
            (change.file, "default"),
            style=style,
        )
    if not written:
        for change in changes:
            yield from capture_view.diff_as_text(change)


def _files_as_markdown(changes: Sequence[FileChange], *, written: bool) -> Iterator[str]:
    """Yield the same as a table, and blocks."""
    if not changes:
        return
    yield row("file", "")
    yield "|---|---|"
    for change in changes:
        yield row(change.file, change.what)
    yield ""
    if not written:
        for change in changes:
            block = fenced(capture_view.diff(change), "diff")
            yield f"{block}\n"

"""Reviews of deployed tickets: for the terminal, and as a record to keep."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..model.results.reviews import TicketsReviewed
from ..model.reviews import CheckResult, Finding, Note, RepositoryReview, Review
from .data_ids import folded
from .markdown import fenced, row

__all__ = ["as_markdown", "as_text", "reviews_as_markdown", "reviews_as_text", "tally"]

_MOST = 20
"""Findings at one repository that are shown before they are folded."""

_MOST_FILES = 3

_ONE = {
    "collections": "collection",
    "certifications": "certification",
    "chains": "chain",
    "ranges": "range",
    "lookups": "lookup",
    "datasets": "dataset",
    "files": "file",
    "bytes": "byte",
    "quanta": "quantum",
    "inputs": "input",
}
"""What is counted, where there is one of it."""


def as_text(review: Review) -> Iterator[Text]:
    """Yield a ticket's review, repository by repository, its tally last."""
    for address, there in review.repositories.items():
        yield Text(f"{review.ticket} at {address}", "bold")
        for result in there.checks:
            line = Text(f"  {result.check.value:9}  ").append(*_word(passed=result.passed))
            counts = _counts(result)
            yield line.append(f"  {counts}", "dim") if counts else line
        for line_of in _finding_lines(review, there):
            yield Text(f"    {line_of}", "red")
        for note in there.notes:
            yield Text(f"    {_note(note, review.instrument)}", "blue")
    for place, why in review.unreachable.items():
        yield Text(f"{review.ticket} at {place}", "bold").append("  could not be seen: ", "red").append(why)
    yield Text(tally(review), "green" if review.passed else "red")


def as_markdown(review: Review) -> Iterator[str]:
    """Yield the record of a ticket's review."""
    yield f"# Review of {review.instrument}/{review.ticket}"
    yield ""
    yield f"**{tally(review)}**"
    yield ""
    yield f"Reviewed at {review.at} by calibstate {review.version}; "
    yield f"seal: {f'`{review.seal}`' if review.seal else 'none'}."
    yield ""
    yield row("repository", "check", "result", "looked at")
    yield "|---|---|---|---|"
    for address, there in review.repositories.items():
        for result in there.checks:
            yield row(address, result.check.value, _word(passed=result.passed)[0], _counts(result))
    for place in review.unreachable:
        yield row(place, "", "not seen", "")
    yield from _remarks(review)


def tally(review: Review) -> str:
    """Return in one line where a ticket passes."""
    passed = sum(there.passed for there in review.repositories.values())
    total = len(review.repositories) + sum("/" in place for place in review.unreachable)
    if not total:
        return f"{review.ticket} belongs to none of these repositories"
    return f"{review.ticket} passes at {passed} of {total} {'repository' if total == 1 else 'repositories'}"


def _remarks(review: Review) -> Iterator[str]:
    for address, there in review.repositories.items():
        lines = [*_finding_lines(review, there), *(_note(note, review.instrument) for note in there.notes)]
        if lines:
            yield f"\n## {address}\n"
            yield fenced(lines, "text")
    if review.unreachable:
        yield "\n## Not seen\n"
        yield fenced((f"{place}: {why}" for place, why in review.unreachable.items()), "text")


def _word(*, passed: bool) -> tuple[str, str]:
    return ("passed", "green") if passed else ("failed", "red")


def _counts(result: CheckResult) -> str:
    counts = result.counts.items()
    return ", ".join(f"{number} {_ONE.get(what, what) if number == 1 else what}" for what, number in counts)


def _finding_lines(review: Review, there: RepositoryReview) -> Iterator[str]:
    for finding in there.findings[:_MOST]:
        yield from _lines(finding, review.instrument)
    if len(there.findings) > _MOST:
        yield f"… and {len(there.findings) - _MOST} more; --format json has all"


def _lines(finding: Finding, instrument: str) -> Iterator[str]:
    """Yield a finding: what it is about, what is wrong, the files."""
    subject = _subject(finding, instrument)
    yield f"{subject}: {finding.detail}" if subject else finding.detail
    if finding.chains:
        yield f"  through {', '.join(finding.chains)}"
    yield from (f"  {file}" for file in finding.files[:_MOST_FILES])
    if len(finding.files) > _MOST_FILES:
        yield f"  … and {len(finding.files) - _MOST_FILES} more files"


def _note(note: Note, instrument: str) -> str:
    about = f"{note.dataset_type} {folded(note.data_ids, instrument)}: " if note.dataset_type else ""
    return f"note: {about}{note.detail}"


def _subject(finding: Finding, instrument: str) -> str:
    if finding.dataset_type is None:
        return finding.collection or ""
    about = f"{finding.dataset_type} {folded(finding.data_ids, instrument)}"
    return about if finding.begin is finding.end is None else f"{about} {_range(finding)}"


def _range(finding: Finding) -> str:
    return f"[{finding.begin or '…'}, {finding.end or '…'})"


def reviews_as_text(result: TicketsReviewed) -> Iterator[Text]:
    """Yield reviews of several tickets, an empty line between them."""
    for number, review in enumerate(result.reviews):
        if number:
            yield Text("")
        yield from as_text(review)


def reviews_as_markdown(result: TicketsReviewed) -> Iterator[str]:
    """Yield the records of several tickets, an empty line behind each."""
    for review in result.reviews:
        yield from as_markdown(review)
        yield ""

"""Reviews of deployed tickets: for the terminal, and as a record to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from ..model.results.reviews import TicketsReviewed
from ..model.reviews import CheckResult, Finding, RepositoryReview, Review
from ..model.verdicts import Verdict
from .data_ids import folded
from .markdown import fenced, not_seen, row, safe
from .messages import below, count, left_out
from .verdicts import in_short

__all__ = ["as_markdown", "as_text", "reviews_as_markdown", "reviews_as_text", "tally"]

_MOST = 20
"""Findings at one repository that are shown before they are folded."""

_MOST_FILES = 3
"""Files of a finding that are shown before the rest is counted."""

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
    ticket = review.ticket
    for address, repository in review.repositories.items():
        yield Text(f"{ticket} at {address}", "bold")
        for result in repository.checks:
            yield _check_line(result)
        for finding in _finding_lines(review, repository):
            yield below(finding, "red", by=4)
        for note in _note_lines(review, repository):
            yield below(note, "blue", by=4)
    for place, why in review.unreachable.items():
        yield Text.assemble(
            f"{ticket} at {place}",
            ("  could not be seen: ", "red"),
            why,
            style="bold",
        )
    verdicts = review.verdicts
    if verdicts is not None:
        verification = _verification(review.ticket, verdicts)
        yield Text(verification)
    style = "red"
    if review.passed:
        style = "green"
    total = tally(review)
    yield Text(total, style)


def as_markdown(review: Review) -> Iterator[str]:
    """Yield the record of a ticket's review."""
    seal = "none"
    if review.seal:
        seal = f"`{review.seal}`"
    instrument = review.instrument
    ticket = review.ticket
    total = tally(review)
    at = review.at
    version = review.version
    yield f"# Review of {instrument}/{ticket}"
    yield ""
    yield f"**{total}**"
    yield ""
    yield f"Reviewed at {at} by calibstate {version}; "
    yield f"seal: {seal}."
    if review.verdicts is not None:
        verification = _verification(ticket, review.verdicts)
        yield ""
        yield safe(f"{verification}.")
    yield ""
    yield row(
        "repository",
        "check",
        "result",
        "looked at",
    )
    yield "|---|---|---|---|"
    for address, repository in review.repositories.items():
        for result in repository.checks:
            yield row(
                address,
                result.check.value,
                _verdict(result),
                _counts(result),
            )
    for place in review.unreachable:
        yield row(place, "", "not seen", "")
    yield from _remarks(review)


def tally(review: Review) -> str:
    """Return in one line where a ticket passes."""
    total = len(review.repositories)
    for place in review.unreachable:
        # Only an address of a repository has a site; the archive has none.
        if "/" in place:
            total += 1
    ticket = review.ticket
    if not total:
        return f"{ticket} belongs to none of these repositories"
    passed = 0
    for repository in review.repositories.values():
        if repository.passed:
            passed += 1
    repositories = count(total, "repository")
    return f"{ticket} passes at {passed} of {repositories}"


def _remarks(review: Review) -> Iterator[str]:
    """Yield what was found at each repository, and what was not seen."""
    for address, repository in review.repositories.items():
        lines = list(_finding_lines(review, repository))
        lines += _note_lines(review, repository)
        if lines:
            yield f"\n## {address}\n"
            yield fenced(lines, "text")
    yield from not_seen(review.unreachable)


def _verification(ticket: str, verdicts: Mapping[str, Verdict]) -> str:
    """Return what the verifications of a ticket said when it was made."""
    words = in_short(verdicts) or Verdict.NONE.value
    return f"{ticket} by cp_verify: {words}"


def _check_line(result: CheckResult) -> Text:
    """Return a check, whether it passed, and what it looked at."""
    check = result.check.value
    style = "red"
    if result.passed:
        style = "green"
    counts = _counts(result)
    if counts:
        counts = f"  {counts}"
    return Text.assemble(
        f"  {check:9}  ",
        (_verdict(result), style),
        (counts, "dim"),
    )


def _verdict(result: CheckResult) -> str:
    if result.passed:
        return "passed"
    return "failed"


def _counts(result: CheckResult) -> str:
    """Return what a check looked at: ``3 chains, 1 range``."""
    counted = []
    for what, number in result.counts.items():
        # Names of counts are plural, as keys of the document.
        noun = what
        if number == 1:
            noun = _ONE.get(what, what)
        counted.append(f"{number} {noun}")
    return ", ".join(counted)


def _finding_lines(review: Review, repository: RepositoryReview) -> Iterator[str]:
    """Yield the findings at a repository, as far as they are shown."""
    # Of what is wrong everywhere alike the first few say enough.
    findings = repository.findings
    for finding in findings[:_MOST]:
        detail = finding.detail
        subject = _subject(finding, review.instrument)
        if subject:
            detail = f"{subject}: {detail}"
        yield detail
        if finding.chains:
            chains = ", ".join(finding.chains)
            yield f"  through {chains}"
        # A few files show where to look; the document has all of them.
        for file in finding.files[:_MOST_FILES]:
            yield f"  {file}"
        more_files = len(finding.files) - _MOST_FILES
        if more_files > 0:
            yield f"  … and {more_files} more files"
    yield from left_out(findings, _MOST)


def _subject(finding: Finding, instrument: str) -> str:
    """Return what a finding is about: a collection, or datasets and when."""
    if finding.dataset_type is None:
        return finding.collection or ""
    dataset_type = finding.dataset_type
    data_ids = folded(finding.data_ids, instrument)
    subject = f"{dataset_type} {data_ids}"
    # What is wrong at any time has no range.
    begin = finding.begin
    end = finding.end
    if begin is None and end is None:
        return subject
    first = begin or "…"
    last = end or "…"
    return f"{subject} [{first}, {last})"


def _note_lines(review: Review, repository: RepositoryReview) -> Iterator[str]:
    """Yield what is worth knowing, though nothing is wrong with it."""
    for note in repository.notes:
        words = note.detail
        dataset_type = note.dataset_type
        if dataset_type:
            data_ids = folded(note.data_ids, review.instrument)
            words = f"{dataset_type} {data_ids}: {words}"
        yield f"note: {words}"


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

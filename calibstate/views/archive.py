"""What a look at the files of the archive showed."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..model.results.reviews import ArchiveReviewed
from ..model.reviews import ArchiveReview, BundleReview, DamageFinding, Fault
from .markdown import fenced, not_seen, row
from .messages import below, count, left_out

__all__ = ["as_markdown", "as_text", "tally"]

_MOST = 20
"""Damaged files of a bundle that are shown."""


def as_text(result: ArchiveReviewed) -> Iterator[Text]:
    """Yield what is damaged, bundle by bundle, the tally last."""
    review = result.review
    for bundle in review.bundles:
        if bundle.findings:
            name = bundle.name
            folder = bundle.folder
            yield Text(f"{name} in {folder}", "bold")
        for finding in _lines(bundle):
            yield below(finding, "red")
    for ticket, why in review.unreadable.items():
        yield Text.assemble(
            ticket,
            ("  its bundles cannot be read: ", "red"),
            why,
            style="bold",
        )
    if review.unreachable:
        yield Text.assemble(
            "The archive could not be seen: ",
            review.unreachable,
            style="red",
        )
    style = "red"
    if review.passed:
        style = "green"
    yield Text(tally(review), style)
    for hint in hints(review):
        yield Text(hint, "blue")


def as_markdown(result: ArchiveReviewed) -> Iterator[str]:
    """Yield the same, to be kept."""
    review = result.review
    yield "# Review of the archive"
    yield ""
    total = tally(review)
    at = review.at
    version = review.version
    yield f"**{total}**"
    yield ""
    yield f"Reviewed at {at} by calibstate {version}."
    # Whole bundles are told by the tally alone.
    damaged = [bundle for bundle in review.bundles if bundle.findings]
    if damaged:
        yield ""
        yield row("ticket", "bundle", "files", "damaged")
        yield "|---|---|---|---|"
    for bundle in damaged:
        number = len(bundle.findings)
        yield row(
            bundle.name,
            bundle.folder,
            str(bundle.files),
            str(number),
        )
    for bundle in damaged:
        yield f"\n## {bundle.folder}\n"
        yield fenced(_lines(bundle), "text")
    unseen = {**review.unreadable}
    if review.unreachable:
        unseen["archive"] = review.unreachable
    yield from not_seen(unseen)


def tally(review: ArchiveReview) -> str:
    """Return in one line how much was looked at, and what is damaged."""
    files = 0
    size = 0
    damaged = 0
    for bundle in review.bundles:
        files += bundle.files
        size += bundle.bytes
        damaged += len(bundle.findings)
    how = "by size"
    if review.every_byte:
        how = "by checksum"
    amount = f"{size} bytes"
    if review.share:
        amount += f", share {review.share}"
    bundles = count(review.bundles, "bundle")
    looked_at = f"{files} files of {bundles} ({amount}) looked at {how}"
    if damaged:
        return f"{looked_at}; {damaged} damaged"
    if not review.passed:
        return f"{looked_at}; not all could be seen"
    return f"{looked_at}; all are as they were exported"


def hints(review: ArchiveReview) -> Iterator[str]:
    """Yield what to do about what is damaged."""
    # A ticket with several bundles has one command for all of them.
    options: dict[str, str] = {}
    for bundle in review.bundles:
        option = _option(bundle.findings)
        name = bundle.name
        # Who reads every byte sees also what has another size.
        if option and options.get(name) != "--archive-bytes":
            options[name] = option
    for name, option in options.items():
        yield f"To restore the files: calibstate apply {option} --ticket {name}"


def _option(findings: tuple[DamageFinding, ...]) -> str | None:
    """Return by which option of ``apply`` the damage is seen."""
    option = None
    for finding in findings:
        if finding.what is Fault.UNREADABLE:
            continue
        # A file of the right size shows its damage only when it is read.
        if finding.right_size:
            return "--archive-bytes"
        option = "--files"
    return option


def _lines(bundle: BundleReview) -> Iterator[str]:
    """Yield the damaged files of a bundle, as far as they are shown."""
    findings = bundle.findings
    for finding in findings[:_MOST]:
        path = finding.path
        detail = finding.detail
        yield f"{path}: {detail}"
    yield from left_out(findings, _MOST)

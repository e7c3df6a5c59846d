"""What a look at the files of the archive showed."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..model.results.reviews import ArchiveReviewed
from ..model.reviews import ArchiveReview, BundleReview, DamageFinding, Fault
from .markdown import fenced, row

__all__ = ["as_markdown", "as_text", "tally"]

_MOST = 20
"""Damaged files of a bundle that are shown."""


def as_text(result: ArchiveReviewed) -> Iterator[Text]:
    """Yield what is damaged, bundle by bundle, the tally last."""
    review = result.review
    for bundle in review.bundles:
        if bundle.findings:
            yield Text(f"{bundle.instrument}/{bundle.ticket} in {bundle.folder}", "bold")
            for line in _lines(bundle):
                yield Text(f"  {line}", "red")
    for ticket, why in review.unreadable.items():
        yield Text(ticket, "bold").append("  its bundles cannot be read: ", "red").append(why)
    if review.unreachable:
        yield Text("The archive could not be seen: ", "red").append(review.unreachable)
    yield Text(tally(review), "green" if review.passed else "red")
    for hint in hints(review):
        yield Text(hint, "blue")


def as_markdown(result: ArchiveReviewed) -> Iterator[str]:
    """Yield the same, to be kept."""
    review = result.review
    yield "# Review of the archive"
    yield ""
    yield f"**{tally(review)}**"
    yield ""
    yield f"Reviewed at {review.at} by calibstate {review.version}."
    damaged = [bundle for bundle in review.bundles if bundle.findings]
    if damaged:
        yield ""
        yield row("ticket", "bundle", "files", "damaged")
        yield "|---|---|---|---|"
    for bundle in damaged:
        name = f"{bundle.instrument}/{bundle.ticket}"
        yield row(name, bundle.folder, str(bundle.files), str(len(bundle.findings)))
    for bundle in damaged:
        yield f"\n## {bundle.folder}\n"
        yield fenced(_lines(bundle), "text")
    unseen = [f"{ticket}: {why}" for ticket, why in review.unreadable.items()]
    if review.unreachable:
        unseen.append(f"archive: {review.unreachable}")
    if unseen:
        yield "\n## Not seen\n"
        yield fenced(unseen, "text")


def tally(review: ArchiveReview) -> str:
    """Return in one line how much was looked at, and what is damaged."""
    files = sum(bundle.files for bundle in review.bundles)
    size = sum(bundle.bytes for bundle in review.bundles)
    damaged = sum(len(bundle.findings) for bundle in review.bundles)
    how = "by checksum" if review.every_byte else "by size"
    share = f", share {review.share}" if review.share else ""
    bundles = "1 bundle" if len(review.bundles) == 1 else f"{len(review.bundles)} bundles"
    looked_at = f"{files} files of {bundles} ({size} bytes{share}) looked at {how}"
    if damaged:
        return f"{looked_at}; {damaged} damaged"
    if not review.passed:
        return f"{looked_at}; not all could be seen"
    return f"{looked_at}; all are as they were exported"


def hints(review: ArchiveReview) -> Iterator[str]:
    """Yield what to do about what is damaged."""
    tickets: dict[str, str] = {}
    for bundle in review.bundles:
        option = _option(bundle.findings)
        name = f"{bundle.instrument}/{bundle.ticket}"
        if option and tickets.get(name) != "--archive-bytes":
            tickets[name] = option
    for name, option in tickets.items():
        yield f"To restore the files: calibstate apply {option} --ticket {name}"


def _option(findings: tuple[DamageFinding, ...]) -> str | None:
    """Return by which option of ``apply`` the damage is seen."""
    damage = [finding for finding in findings if finding.what is not Fault.UNREADABLE]
    if not damage:
        return None
    is_hidden = any(finding.right_size for finding in damage)
    return "--archive-bytes" if is_hidden else "--files"


def _lines(bundle: BundleReview) -> Iterator[str]:
    for finding in bundle.findings[:_MOST]:
        yield f"{finding.path}: {finding.detail}"
    if len(bundle.findings) > _MOST:
        yield f"… and {len(bundle.findings) - _MOST} more; --format json has all"

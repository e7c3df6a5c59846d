"""Who changed a chain, when and in which pull request, the newest first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..errors import Diagnostic
from ..model.results.trees_compared import ChainHistory
from ..model.revisions import Revision
from . import changes as changes_view
from .markdown import safe
from .messages import below, count

__all__ = ["as_markdown", "as_text"]


def as_text(result: ChainHistory) -> Iterator[Text]:
    """Yield the revisions for a terminal."""
    for number, entry in enumerate(result.entries):
        if number:
            yield Text("")
        changed = entry.changed
        revision = changed.revision
        commit = revision.commit[:10]
        authors = _by(revision)
        yield Text.assemble(
            revision.at,
            (f"  {commit}", "yellow"),
            (f"  {authors}", "default"),
            style="bold",
        )
        yield below(revision.title, "dim")
        for mistake in _mistakes(changed.problems):
            yield below(mistake, "red")
        yield from changes_view.as_text(entry.sentences)


def as_markdown(result: ChainHistory) -> Iterator[str]:
    """Yield the revisions for a ticket or a page."""
    for entry in result.entries:
        changed = entry.changed
        revision = changed.revision
        at = revision.at
        commit = revision.commit[:10]
        authors = safe(_by(revision))
        title = safe(revision.title)
        yield f"**{at}** `{commit}` {authors}: {title}\n"
        for mistake in _mistakes(changed.problems):
            words = safe(mistake)
            yield f"- {words}"
        yield from changes_view.as_markdown(entry.sentences)
        yield ""


def _by(revision: Revision) -> str:
    """Return in which pull request, by whom, and merged by whom else."""
    authors = revision.authors
    names = " and ".join(authors)
    words = f"by {names}"
    number = revision.pull_request
    if number:
        words = f"#{number} {words}"
    # Who merges what is their own is not told twice.
    merged_by = revision.merged_by
    if merged_by is None or merged_by in authors:
        return words
    return f"{words}, merged by {merged_by}"


def _mistakes(problems: tuple[Diagnostic, ...]) -> Iterator[str]:
    """Yield that a revision does not validate, if it does not."""
    if not problems:
        return
    # The first is enough: whoever mends it validates again.
    summary = problems[0].summary
    where = problems[0].where
    words = f"does not validate: {summary} ({where})"
    more = len(problems) - 1
    if more:
        number = count(more, "more mistake")
        words += f", and {number}"
    yield words
    yield "what it changes is told of the next sound commit"

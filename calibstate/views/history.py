"""Who changed a chain, when and in which pull request, the newest first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..errors import Diagnostic
from ..model.results.trees_compared import ChainHistory
from ..model.revisions import Revision
from . import changes as changes_view
from .markdown import safe
from .messages import count

__all__ = ["as_markdown", "as_text"]


def as_text(result: ChainHistory) -> Iterator[Text]:
    """Yield the revisions for a terminal."""
    for number, entry in enumerate(result.entries):
        if number:
            yield Text("")
        revision = entry.changed.revision
        yield Text.assemble(
            revision.at,
            (f"  {revision.commit[:10]}", "yellow"),
            (f"  {_by(revision)}", "default"),
            style="bold",
        )
        yield Text(f"  {revision.title}", "dim")
        for mistake in _mistakes(entry.changed.problems):
            yield Text(f"  {mistake}", "red")
        yield from changes_view.as_text(entry.sentences)


def as_markdown(result: ChainHistory) -> Iterator[str]:
    """Yield the revisions for a ticket or a page."""
    for entry in result.entries:
        revision = entry.changed.revision
        commit = revision.commit[:10]
        authors = safe(_by(revision))
        title = safe(revision.title)
        yield f"**{revision.at}** `{commit}` {authors}: {title}\n"
        for mistake in _mistakes(entry.changed.problems):
            yield f"- {safe(mistake)}"
        yield from changes_view.as_markdown(entry.sentences)
        yield ""


def _by(revision: Revision) -> str:
    """Return in which pull request, by whom, and merged by whom else."""
    authors = " and ".join(revision.authors)
    words = f"by {authors}"
    if revision.pull_request:
        words = f"#{revision.pull_request} {words}"
    merged_by = revision.merged_by
    if merged_by is not None and merged_by not in revision.authors:
        words += f", merged by {merged_by}"
    return words


def _mistakes(problems: tuple[Diagnostic, ...]) -> Iterator[str]:
    """Yield that a revision does not validate, if it does not."""
    if not problems:
        return
    first = problems[0]
    words = f"does not validate: {first.summary} ({first.where})"
    more = len(problems) - 1
    if more:
        number = count(more, "more mistake")
        words += f", and {number}"
    yield words
    yield "what it changes is told of the next sound commit"

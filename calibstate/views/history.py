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
        line = Text(revision.at, "bold").append(f"  {revision.commit[:10]}", "yellow")
        yield line.append(f"  {_by(revision)}", "default")
        yield Text(f"  {revision.title}", "dim")
        for mistake in _mistakes(entry.changed.problems):
            yield Text(f"  {mistake}", "red")
        yield from changes_view.as_text(entry.sentences)


def as_markdown(result: ChainHistory) -> Iterator[str]:
    """Yield the revisions for a ticket or a page."""
    for entry in result.entries:
        revision = entry.changed.revision
        yield f"**{revision.at}** `{revision.commit[:10]}` {safe(_by(revision))}: {safe(revision.title)}\n"
        for mistake in _mistakes(entry.changed.problems):
            yield f"- {safe(mistake)}"
        yield from changes_view.as_markdown(entry.sentences)
        yield ""


def _by(revision: Revision) -> str:
    number = f"#{revision.pull_request} " if revision.pull_request else ""
    merged = (
        f", merged by {revision.merged_by}" if revision.merged_by not in {None, *revision.authors} else ""
    )
    return f"{number}by {' and '.join(revision.authors)}{merged}"


def _mistakes(problems: tuple[Diagnostic, ...]) -> Iterator[str]:
    if problems:
        first, more = problems[0], len(problems) - 1
        rest = f", and {count(more, 'more mistake')}" if more else ""
        yield f"does not validate: {first.summary} ({first.where}){rest}"
        yield "what it changes is told of the next sound commit"

"""Who changed a chain, when and in which pull request, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from ..errors import Diagnostic
from ..model.revisions import Changed, Revision
from . import changes as changes_view
from .markdown import safe
from .messages import count

__all__ = ["as_markdown", "as_text"]


def as_text(told: Iterable[Changed]) -> Iterator[Text]:
    """Yield the revisions for a terminal."""
    for number, one in enumerate(told):
        if number:
            yield Text("")
        revision = one.revision
        line = Text(revision.at, "bold").append(f"  {revision.commit[:10]}", "yellow")
        yield line.append(f"  {_by(revision)}", "default")
        yield Text(f"  {revision.title}", "dim")
        yield from (Text(f"  {said}", "red") for said in _mistakes(one.problems))
        yield from changes_view.as_text(one.changes)


def as_markdown(told: Iterable[Changed]) -> Iterator[str]:
    """Yield the revisions for a ticket or a page."""
    for one in told:
        revision = one.revision
        yield f"**{revision.at}** `{revision.commit[:10]}` {safe(_by(revision))}: {safe(revision.title)}\n"
        yield from (f"- {safe(said)}" for said in _mistakes(one.problems))
        yield from changes_view.as_markdown(changes_view.sentences(one.changes))
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

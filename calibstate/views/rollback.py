"""A ticket that is taken out everywhere: what that does, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from ..model.changes import Changes
from ..model.rollbacks import Remaining, Rollback
from . import changes as changes_view
from . import impact as impact_view
from .markdown import row, safe
from .messages import count

__all__ = ["RolledBack", "as_markdown", "as_text"]


@dataclass(frozen=True)
class RolledBack:
    """What is told of a rollback."""

    what: Rollback
    reason: str
    changes: Changes
    impact: impact_view.Report
    remaining: tuple[Remaining, ...]
    files: tuple[str, ...]

    written: bool = False
    branch: str = ""
    """The branch it was committed on; empty: it was not."""

    commit: str = ""


def as_text(told: RolledBack) -> Iterator[Text]:
    """Yield it for a terminal."""
    yield Text(_title(told), "bold")
    yield from changes_view.as_text(told.changes)
    yield Text("")
    yield from impact_view.as_text(told.impact)
    yield Text("")
    yield Text("What becomes of it", "bold")
    for one in told.remaining:
        line = Text(f"  {'unwanted':11} ", "yellow").append(f"{one.repository} ", "default")
        yield line.append(f"{', '.join(one.children)} in {one.chain}; {_then(one)}", "default")
    yield from (Text(f"  {line}") for line in _stays(told))
    yield Text("")
    yield from (Text(line) for line in _next(told))


def as_markdown(told: RolledBack) -> Iterator[str]:
    """Yield it for a pull request."""
    yield f"**{safe(_title(told))}**\n"
    yield from changes_view.as_markdown(changes_view.sentences(told.changes))
    yield ""
    yield from impact_view.as_markdown(told.impact)
    yield "\n| repository | chain | unwanted | then |"
    yield "|---|---|---|---|"
    for one in told.remaining:
        yield row(one.repository, one.chain, ", ".join(one.children), _then(one))
    yield ""
    yield from (f"{safe(line)}\n" for line in (*_stays(told), *_next(told)))


def _title(told: RolledBack) -> str:
    return f"Rollback of {told.what.name} of {told.what.instrument}: {told.reason}"


def _then(one: Remaining) -> str:
    return f"it stays while held: {one.hold}" if one.hold else "the next apply takes it out"


def _stays(told: RolledBack) -> Iterator[str]:
    yield "Its collections, datasets and files stay at every place; nothing is deleted."
    if told.remaining:
        places = count(len({one.repository for one in told.remaining}), "place")
        yield f"A plain `git revert` would not retire it: it would stay searched at {places}, as extra."


def _next(told: RolledBack) -> Iterator[str]:
    files = ", ".join(told.files)
    if not told.written:
        yield f"Nothing was written. It would be: {files}."
    elif told.commit:
        yield f"Committed as {told.commit[:10]} on the branch {told.branch}: {files}."
        yield "Next: push it and open a pull request; apply when it is merged."
    else:
        yield f"Written: {files}."
        yield "Next: commit it and open a pull request; apply when it is merged."

"""A ticket that is taken out everywhere: what that does, and what stays."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..model.results.proposals import RolledBack
from ..model.rollbacks import Remaining
from . import changes as changes_view
from . import impact as impact_view
from .markdown import row, safe
from .messages import count

__all__ = ["as_markdown", "as_text", "commit_message"]


def as_text(result: RolledBack) -> Iterator[Text]:
    """Yield it for a terminal."""
    yield Text(_title(result), "bold")
    yield from changes_view.as_text(result.sentences)
    yield Text("")
    yield from impact_view.as_text(result.impact)
    yield Text("")
    yield Text("What becomes of it", "bold")
    for one in result.remaining:
        line = Text(f"  {'unwanted':11} ", "yellow").append(f"{one.repository} ", "default")
        yield line.append(f"{', '.join(one.children)} in {one.chain}; {_then(one)}", "default")
    yield from (Text(f"  {line}") for line in _stays(result))
    yield Text("")
    yield from (Text(line) for line in _next(result))


def as_markdown(result: RolledBack) -> Iterator[str]:
    """Yield it for a pull request."""
    yield f"**{safe(_title(result))}**\n"
    yield from changes_view.as_markdown(result.sentences)
    yield ""
    yield from impact_view.as_markdown(result.impact)
    yield "\n| repository | chain | unwanted | then |"
    yield "|---|---|---|---|"
    for one in result.remaining:
        yield row(one.repository, one.chain, ", ".join(one.children), _then(one))
    yield ""
    yield from (f"{safe(line)}\n" for line in (*_stays(result), *_next(result)))


def commit_message(result: RolledBack) -> str:
    """Return what the commit of a rollback says."""
    lines = [f"Roll back {result.what.name}", "", result.reason, ""]
    for chain, words in result.what.words.items():
        lines.append(f"Retired in {chain}: {', '.join(words)}.")
    lines.append(f"Lookups: {impact_view.verdict(result.impact)}.")
    return "\n".join(lines)


def _title(result: RolledBack) -> str:
    return f"Rollback of {result.what.name} of {result.what.instrument}: {result.reason}"


def _then(one: Remaining) -> str:
    return f"it stays while held: {one.hold}" if one.hold else "the next apply takes it out"


def _stays(result: RolledBack) -> Iterator[str]:
    yield "Its collections, datasets and files stay at every place; nothing is deleted."
    if result.remaining:
        places = count(len({one.repository for one in result.remaining}), "place")
        yield f"A plain `git revert` would not retire it: it would stay searched at {places}, as extra."


def _next(result: RolledBack) -> Iterator[str]:
    files = ", ".join(result.files)
    if not result.written:
        yield f"Nothing was written. It would be: {files}."
    elif result.commit:
        yield f"Committed as {result.commit[:10]} on the branch {result.branch}: {files}."
        yield "Next: push it and open a pull request; apply when it is merged."
    else:
        yield f"Written: {files}."
        yield "Next: commit it and open a pull request; apply when it is merged."

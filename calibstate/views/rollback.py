"""A ticket that is taken out everywhere: what that does, and what stays."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..model.results.proposals import RolledBack
from ..model.rollbacks import Remaining
from . import changes as changes_view
from . import impact as impact_view
from . import impact_summary
from .links import Links
from .markdown import row, safe
from .messages import below, count

__all__ = ["as_markdown", "as_text", "commit_message"]


def as_text(result: RolledBack) -> Iterator[Text]:
    """Yield a rollback for a terminal."""
    yield Text(_title(result), "bold")
    yield from changes_view.as_text(result.sentences)
    yield Text("")
    yield from impact_view.as_text(result.impact)
    yield Text("")
    yield Text("What becomes of it", "bold")
    for remaining in result.remaining:
        repository = remaining.repository
        chain = remaining.chain
        children = ", ".join(remaining.children)
        then = _then(remaining)
        yield Text.assemble(
            f"  {'unwanted':11} ",
            (f"{repository} ", "default"),
            (f"{children} in {chain}; {then}", "default"),
            style="yellow",
        )
    for sentence in _stays(result):
        yield below(sentence)
    yield Text("")
    for sentence in _next(result):
        yield Text(sentence)


def as_markdown(result: RolledBack) -> Iterator[str]:
    """Yield a rollback for a pull request."""
    title = safe(_title(result))
    yield f"**{title}**\n"
    links = Links.to_jira()
    yield from changes_view.as_markdown(result.sentences, links)
    yield ""
    yield from impact_view.as_markdown(result.impact)
    yield "\n| repository | chain | unwanted | then |"
    yield "|---|---|---|---|"
    for remaining in result.remaining:
        children = ", ".join(remaining.children)
        yield row(
            remaining.repository,
            remaining.chain,
            children,
            _then(remaining),
        )
    yield ""
    for sentence in (*_stays(result), *_next(result)):
        words = links.sentence(sentence)
        yield f"{words}\n"


def commit_message(result: RolledBack) -> str:
    """Return the message of the commit that rolls a ticket back."""
    rollback = result.what
    verdict = impact_summary.verdict(result.impact)
    lines = [
        f"Roll back {rollback.name}",
        "",
        result.reason,
        "",
    ]
    for chain, words in rollback.words.items():
        entries = ", ".join(words)
        lines.append(f"Retired in {chain}: {entries}.")
    lines.append(f"Lookups: {verdict}.")
    return "\n".join(lines)


def _title(result: RolledBack) -> str:
    rollback = result.what
    ticket = rollback.name
    instrument = rollback.instrument
    reason = result.reason
    return f"Rollback of {ticket} of {instrument}: {reason}"


def _then(remaining: Remaining) -> str:
    """Say what becomes of entries that are still searched somewhere."""
    hold = remaining.hold
    if hold:
        return f"it stays while held: {hold}"
    return "the next apply takes it out"


def _stays(result: RolledBack) -> Iterator[str]:
    """Yield what a rollback leaves as it is, and what a revert would."""
    yield "Its collections, datasets and files stay at every place; nothing is deleted."
    # A revert takes the ticket out of the file, and what is not declared is
    # left alone; only what is retired is taken out of live chains.
    repositories = {remaining.repository for remaining in result.remaining}
    if repositories:
        places = count(repositories, "place")
        yield f"A plain `git revert` would not retire it: it would stay searched at {places}, as extra."


def _next(result: RolledBack) -> Iterator[str]:
    """Yield what was written, and what to do with it."""
    files = ", ".join(result.files)
    if not result.written:
        yield f"Nothing was written. It would be: {files}."
        return
    if result.commit:
        commit = result.commit[:10]
        branch = result.branch
        yield f"Committed as {commit} on the branch {branch}: {files}."
        yield "Next: push it and open a pull request; apply when it is merged."
        return
    yield f"Written: {files}."
    yield "Next: commit it and open a pull request; apply when it is merged."

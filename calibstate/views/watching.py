"""How a site keeps itself, for people: what a turn came to, and changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from ..model.observations import duration
from ..model.results.watching import LoopSeen, Turned
from ..model.watching import Notice, WatchState, WatchWord
from .markdown import safe

__all__ = [
    "MARKS",
    "alive_as_markdown",
    "alive_as_text",
    "as_markdown",
    "as_text",
    "subject",
    "text_of",
    "watches",
]

MARKS = {
    WatchWord.READY: "✓",
    WatchWord.RECONCILING: "…",
    WatchWord.STALLED: "!",
}

_STYLES = {
    WatchWord.READY: "green",
    WatchWord.RECONCILING: "cyan",
    WatchWord.STALLED: "bold red",
}


def watches(states: Iterable[WatchState]) -> Iterator[Text]:
    """Yield a line for each loop: how it goes on, why, and since when.

    Parameters
    ----------
    states
        Of sites.
    """
    for state in states:
        word = state.word
        line = Text(f"{state.site} keeps itself: ")
        line.append(f"{MARKS[word]} {word.value}", _STYLES[word])
        line.append(f" since {state.because.since}, last turn {state.at}")
        yield line
        if word is not WatchWord.READY:
            yield Text(f"  {state.because.message}")


def as_text(result: Turned) -> Iterator[Text | str]:
    """Yield what a turn came to; of a quiet one nothing."""
    if result.stands_by:
        if not result.stands_by_anew:
            return
        since = result.state.at if result.state else "now"
        yield f"{result.site} is kept by another loop, whose last turn ended at {since}: nothing was done."
        return
    for outcome in result.outcomes:
        yield f"  {outcome.result.value:8} {outcome.action}"
    if result.state is None:
        if result.is_known:
            return
        yield Text(f"{result.site}: nothing could be done", "bold red")
        for finding in result.findings:
            yield f"  {finding.message}"
        return
    if result.is_news:
        yield from _state(result.state)


def _state(state: WatchState) -> Iterator[Text | str]:
    word = state.word
    line = Text(f"{state.at}  {state.site}  ")
    line.append(f"{MARKS[word]} {word.value}", _STYLES[word])
    line.append(f" since {state.because.since}")
    yield line
    for finding in state.findings:
        yield f"  {finding.message}"
        if finding.command:
            yield Text(f"    {finding.command}", "dim")


def alive_as_text(result: LoopSeen) -> Iterator[Text | str]:
    """Yield whether a loop goes on."""
    if result.state is None:
        yield f"{result.site} has no loop: nothing of it is in its records."
        return
    yield from _state(result.state)
    if not result.is_alive:
        yield Text(f"  Its last turn was {duration(result.age)} ago: it does not go on.", "bold red")


def alive_as_markdown(result: LoopSeen) -> Iterator[str]:
    """Yield whether a loop goes on."""
    for line in alive_as_text(result):
        yield f"{safe(str(line))}  "


def as_markdown(result: Turned) -> Iterator[str]:
    """Yield what a turn came to."""
    for line in as_text(result):
        yield f"{safe(str(line))}  "


def subject(notice: Notice) -> str:
    """Return a change in a line.

    Parameters
    ----------
    notice
        The change.
    """
    mark = MARKS[notice.word]
    if notice.word is WatchWord.STALLED:
        return f"{mark} {notice.site}: a person is asked for ({notice.reason.value})"
    return f"{mark} {notice.site} is {notice.word.value} again"


def text_of(notice: Notice) -> str:
    """Return a change in a few lines, with what to do next.

    Parameters
    ----------
    notice
        The change.
    """
    lines = [notice.message]
    if notice.commands:
        lines.extend(["", "Next:", *(f"  {command}" for command in notice.commands)])
    lines.extend(["", f"{notice.site}, {notice.at}"])
    return "\n".join(lines)

"""What was done, when and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from ..model.outcomes import JournalLine, Result
from ..model.results.runs import RunsListed
from ..model.runs import Ending, PastRun, RunState
from .markdown import row
from .messages import below
from .text import RESULT_STYLES

__all__ = ["as_markdown", "as_text", "listed_as_markdown", "listed_as_text", "run_as_text"]

_STYLES = {
    RunState.DONE: "green",
    RunState.PARTLY: "yellow",
    RunState.PENDING: "blue",
    RunState.REFUSED: "red",
    RunState.FAILED: "red",
    RunState.NOTHING: "dim",
    RunState.GOES_ON: "blue",
    RunState.CUT_OFF: "bold red",
    RunState.UNKNOWN: "yellow",
}
_EXPLAINED = {Result.PENDING, Result.STALE, Result.REFUSED, Result.FAILED}
"""Of which the list tells why; what is skipped only waits for these."""


def listed_as_text(result: RunsListed) -> Iterator[Text]:
    """Yield the runs, the newest first; one that was asked for, whole."""
    if not result.is_whole:
        yield from as_text(result.runs)
        return
    for run in result.runs:
        yield from run_as_text(run)


def listed_as_markdown(result: RunsListed) -> Iterator[str]:
    """Yield the runs as a table."""
    return as_markdown(result.runs)


def as_text(runs: Iterable[PastRun]) -> Iterator[Text]:
    """Yield the runs, the newest first, with what became of their steps."""
    # Of each target only what became of it at last.
    for run in runs:
        yield from _head(run)
        if run.reason == run.end:
            yield from _reason(run)
        explained: set[str] = set()
        for outcome in run.outcomes:
            result = outcome.result
            yield Text.assemble(
                f"    {result.value:8}",
                (f" {outcome.action}", "default"),
                style=RESULT_STYLES[result],
            )
            if result in _EXPLAINED and outcome.detail not in explained:
                explained.add(outcome.detail)
                yield below(outcome.detail, "dim", by=13)
        yield Text("")


def _reason(run: PastRun) -> Iterator[Text]:
    """Yield why a run is not done, where that is known."""
    reason = run.reason
    if reason:
        yield below(reason, "dim", by=4)


def run_as_text(run: PastRun) -> Iterator[Text]:
    """Yield one run, event by event."""
    yield from _head(run)
    for line in run.lines:
        if line.event == "end":
            yield _end(line, run)
        else:
            yield _event(line)
            yield from _searched_since(line)
    unreadable = run.unreadable
    if unreadable:
        yield Text(f"    {unreadable} lines cannot be read", "yellow")
    # What was begun when a run was cut off may be done or not.
    if run.ending is Ending.CUT_OFF:
        for outcome in run.begun:
            yield Text(f"    begun, and no more is told: {outcome.action}", "bold red")
        yield Text("    Run `calibstate apply` again: it looks, and goes on from what is there.")
    if not run.end:
        yield Text(f"    {run.state.value}", _STYLES[run.state])


def as_markdown(runs: Iterable[PastRun]) -> Iterator[str]:
    """Yield the runs as a table."""
    yield row("run", "who", "commit", "steps", "end", "why")
    yield "|---|---|---|---|---|---|"
    for run in runs:
        results = []
        for what, number in sorted(run.tally.items()):
            results.append(f"{number} {what}")
        steps = ", ".join(results) or "none"
        yield row(
            run.id,
            _who(run),
            _commit(run),
            steps,
            run.state.value,
            run.reason,
        )


def _head(run: PastRun) -> Iterator[Text]:
    """Yield which run it is, how it ended, and which guards it ignored."""
    state = run.state
    who = _who(run)
    commit = _commit(run)
    yield Text.assemble(
        run.id,
        (f"  {state.value}", _STYLES[state]),
        (f"  {who}  {commit}", "default"),
        style="bold",
    )
    if run.began is None:
        return
    allowed = run.began.allowed
    if allowed.guards:
        names = [guard.value for guard in allowed.guards]
        guards = ", ".join(names)
        because = allowed.because
        yield Text(f"    allowed {guards}: {because}", "yellow")


def _event(line: JournalLine) -> Text:
    """Return a line of a journal: an outcome, or whatever else happened."""
    at = f"    {line.at}  "
    outcome = line.outcome
    if outcome is None:
        words = f"{line.event}: {line.text}"
        return Text.assemble(at, (words, "default"), style="dim")
    result = outcome.result
    words = f" {outcome.action}"
    # Before a step is begun there is nothing to tell of it.
    if result is not Result.BEGUN:
        words += f": {outcome.detail}"
    return Text.assemble(
        at,
        (f"{result.value:8}", RESULT_STYLES[result]),
        (words, "default"),
        style="dim",
    )


def _searched_since(line: JournalLine) -> Iterator[Text]:
    """Yield what a chain searches, and does not, since a step was done."""
    outcome = line.outcome
    if outcome is None or outcome.result is not Result.DONE:
        return
    for child in outcome.entrants or ():
        yield below(f"+ {child}", "green", by=13)
    for child in outcome.leavers or ():
        yield below(f"- {child}", "red", by=13)


def _end(line: JournalLine, run: PastRun) -> Text:
    """Return the last line of a journal, with what the run came to."""
    state = run.state
    words = line.text
    stopped = ""
    # What ended it by itself says no more than its steps do.
    if words != state.value and words != "done":
        stopped = f" ({words})"
    return Text.assemble(
        f"    {line.at}  end: ",
        (state.value, _STYLES[state]),
        (stopped, "default"),
        style="dim",
    )


def _who(run: PastRun) -> str:
    began = run.began
    if began is None:
        return "somebody"
    who = began.who
    host = began.process.host
    return f"{who} on {host}"


def _commit(run: PastRun) -> str:
    """Return of which commit a run was made, as far as it is known."""
    began = run.began
    if began is None:
        return "no commit"
    if began.commit is None and began.commit_unknown:
        return "commit not known"
    if began.commit is None:
        return "no commit"
    commit = began.commit[:10]
    if began.dirty:
        commit += " and uncommitted changes"
    return commit

"""What was done, when and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from ..model.outcomes import JournalLine, Result
from ..model.results.runs import RunsListed
from ..model.runs import Ending, PastRun
from .markdown import row
from .text import RESULT_STYLES

__all__ = ["as_markdown", "as_text", "listed_as_markdown", "listed_as_text", "run_as_text"]

_STYLES = {
    Ending.ENDED: "green",
    Ending.GOES_ON: "blue",
    Ending.CUT_OFF: "bold red",
    Ending.UNKNOWN: "yellow",
}


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
    for run in runs:
        yield from _head(run)
        for outcome in run.outcomes:
            line = Text(f"    {outcome.result.value:8}", RESULT_STYLES[outcome.result])
            yield line.append(f" {outcome.do} {outcome.target}", "default")
        yield Text("")


def run_as_text(run: PastRun) -> Iterator[Text]:
    """Yield one run, event by event."""
    yield from _head(run)
    for line in run.lines:
        yield _event(line)
    if run.unreadable:
        yield Text(f"    {run.unreadable} lines cannot be read", "yellow")
    for outcome in run.begun if run.ending is Ending.CUT_OFF else ():
        yield Text(f"    begun, and no more is told: {outcome.do} {outcome.target}", "bold red")
    if run.ending is Ending.CUT_OFF:
        yield Text("    Run `calibstate apply` again: it looks, and goes on from what is there.")


def as_markdown(runs: Iterable[PastRun]) -> Iterator[str]:
    """Yield the runs as a table."""
    yield row("run", "who", "commit", "steps", "end")
    yield "|---|---|---|---|---|"
    for run in runs:
        yield row(run.id, _who(run), _commit(run), _tally(run), _end(run))


def _head(run: PastRun) -> Iterator[Text]:
    yield (
        Text(run.id, "bold")
        .append(f"  {_end(run)}", _STYLES[run.ending])
        .append(f"  {_who(run)}  {_commit(run)}", "default")
    )
    if run.began and run.began.allowed.guards:
        guards = ", ".join(guard.value for guard in run.began.allowed.guards)
        yield Text(f"    allowed {guards}: {run.began.allowed.because}", "yellow")


def _event(line: JournalLine) -> Text:
    told = Text(f"    {line.at}  ", "dim")
    if line.outcome is None:
        return told.append(f"{line.event}: {line.text}", "default")
    told.append(f"{line.outcome.result.value:8}", RESULT_STYLES[line.outcome.result])
    detail = f": {line.outcome.detail}" if line.outcome.result is not Result.BEGUN else ""
    return told.append(f" {line.outcome.do} {line.outcome.target}{detail}", "default")


def _end(run: PastRun) -> str:
    return run.end or run.ending.value


def _who(run: PastRun) -> str:
    return f"{run.began.who} on {run.began.process.host}" if run.began else "somebody"


def _commit(run: PastRun) -> str:
    if run.began is None or run.began.commit is None:
        return "commit not known" if run.began and run.began.commit_unknown else "no commit"
    return run.began.commit[:10] + (" and uncommitted changes" if run.began.dirty else "")


def _tally(run: PastRun) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(run.tally.items())) or "none"

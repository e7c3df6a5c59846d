"""How far a construction has come, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from ..model.results.constructions import ConstructionShown, StepSeen, StepState
from ..model.submissions import Cause
from .markdown import row, safe
from .messages import count
from .verdicts import verdict_lines

__all__ = ["as_markdown", "as_text", "fold_data_ids"]

_STYLES = {
    StepState.DONE: "green",
    StepState.READY: "yellow",
    StepState.RUNNING: "blue",
    StepState.LOOK: "magenta",
    StepState.WAITS: "dim",
    StepState.REFUSED: "red",
}

_MOST = 6
"""Data IDs and causes that are shown of one step."""


def as_text(result: ConstructionShown) -> Iterator[Text]:
    """Yield the steps, how each stands, and what comes next."""
    yield Text(f"{result.ticket.name} at {result.repository}", "bold")
    if result.prefix:
        yield Text(f"  a trial: all names begin with {result.prefix}, and nothing of it can be approved")
    wide = max(len(step.name) for step in result.steps)
    for step in result.steps:
        yield _line(step, wide)
        if step.state not in {StepState.DONE, StepState.WAITS}:
            yield from _details(step)
    if result.verdicts:
        for product in result.verdicts.products:
            yield from verdict_lines(product)
    for image in result.images:
        yield Text(f"  look at {image}", "magenta")
    yield Text(_tally(result), "bold")


def _line(step: StepSeen, wide: int) -> Text:
    line = Text("  ")
    line.append(f"{step.state.value:8}", _STYLES[step.state])
    line.append(f"{step.name:{wide}}")
    line.append(f"  {_amount(step)}".rstrip(), "dim")
    return line


def _amount(step: StepSeen) -> str:
    """Say in a few words how much of a step was seen."""
    if not step.expected and not step.exposures:
        return ""
    amount = f"{step.expected - len(step.missing)} of {step.expected}"
    return f"{amount} from {count(step.exposures, 'exposure')}"


def _details(step: StepSeen) -> Iterator[Text]:
    """Yield what is to be known of a step that is not done."""
    yield Text(f"          in {step.collection}", "dim")
    if step.missing and step.datasets:
        yield Text(f"          missing: {fold_data_ids(step.missing)}", "dim")
    for cause in step.causes[:_MOST]:
        yield Text(f"          {_cause(cause)}", "red")
    more = len(step.causes) - _MOST
    if more > 0:
        yield Text(f"          and {count(more, 'more failure')}", "red")
    if step.reason:
        yield Text(f"          {step.reason.detail}", _STYLES[step.state])
    elif step.detail and not step.expected:
        yield Text(f"          {step.detail}", "dim")


def _cause(cause: Cause) -> str:
    return f"{cause.task} {cause.data_id}: {cause.error}"


def _tally(result: ConstructionShown) -> str:
    """Say in a sentence how far it has come, and what comes next."""
    numbers = Counter(step.state for step in result.steps)
    done = numbers[StepState.DONE]
    words = f"{done} of {count(len(result.steps), 'step')} done."
    following = result.next
    if following is None:
        return f"{words} Write `collections` with --write, then seal and propose it."
    match following.state:
        case StepState.LOOK:
            word = following.name.removeprefix("look at ")
            return f"{words} Next a person looks: then go on with --run --looked {word}."
        case StepState.RUNNING:
            return f"{words} A batch runs: {following.name}. Run this again later."
        case StepState.REFUSED:
            return f"{words} {following.name} cannot be done as things stand."
        case _:
            return f"{words} Next: {following.name}."


def as_markdown(result: ConstructionShown) -> Iterator[str]:
    """Yield the same as a table, for a ticket or a pull request."""
    yield f"### Construction of {safe(result.ticket.name)}"
    yield ""
    yield row("step", "state", "datasets", "exposures", "collection")
    yield "|---|---|---|---|---|"
    for step in result.steps:
        datasets = ""
        if step.expected:
            datasets = f"{step.expected - len(step.missing)} of {step.expected}"
        exposures = str(step.exposures) if step.exposures else ""
        yield row(step.name, step.state.value, datasets, exposures, step.collection)
    yield ""
    for step in result.steps:
        if step.reason and step.state is not StepState.WAITS:
            yield f"* {safe(step.name)}: {safe(step.reason.detail)}"
            yield ""
    yield safe(_tally(result))


def fold_data_ids(data_ids: Sequence[str]) -> str:
    """Return data IDs in short: those that differ in one value, together.

    Parameters
    ----------
    data_ids
        As rows have them: ``detector=1,instrument=LSSTComCam``.
    """
    detectors: dict[str, list[str]] = {}
    for data_id in data_ids:
        pairs = [pair for pair in data_id.split(",") if not pair.startswith("instrument=")]
        detector = [pair.removeprefix("detector=") for pair in pairs if pair.startswith("detector=")]
        rest = ", ".join(pair for pair in pairs if not pair.startswith("detector="))
        detectors.setdefault(rest, []).extend(detector)
    parts: list[str] = []
    for rest, numbers in list(detectors.items())[:_MOST]:
        shown = ", ".join(numbers[:_MOST])
        if len(numbers) > _MOST:
            shown = f"{shown} and {len(numbers) - _MOST} more"
        words = f"detector {shown}" if numbers else ""
        parts.append(" ".join(part for part in (rest, words) if part))
    more = len(detectors) - _MOST
    if more > 0:
        parts.append(f"{more} more")
    return "; ".join(parts)

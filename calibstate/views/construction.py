"""How far a construction has come, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from ..model.results.constructions import ConstructionShown, StepSeen, StepState
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

_MARGIN = 10
"""Blanks before what is to be known of a step."""

_MOST = 6
"""Data IDs and causes that are shown of one step."""


def as_text(result: ConstructionShown) -> Iterator[Text]:
    """Yield the steps, how each stands, and what comes next."""
    ticket = result.ticket
    yield Text(f"{ticket.name} at {result.repository}", "bold")
    prefix = result.prefix
    if prefix:
        yield Text(f"  a trial: all names begin with {prefix}, and nothing of it can be approved")
    width = max(len(step.name) for step in result.steps)
    for step in result.steps:
        state = step.state
        line = Text("  ")
        line.append(state.value.ljust(8), _STYLES[state])
        line.append(step.name.ljust(width))
        if step.expected or step.exposures:
            datasets = _datasets(step)
            exposures = count(step.exposures, "exposure")
            line.append(f"  {datasets} from {exposures}", "dim")
        line.rstrip()
        yield line
        # What is done needs no words, and what waits has the same as the
        # step that it waits for.
        if state not in {StepState.DONE, StepState.WAITS}:
            for detail in _details(step):
                detail.pad_left(_MARGIN)
                yield detail
    if result.verdicts:
        for product in result.verdicts.products:
            yield from verdict_lines(product)
    for image in result.images:
        yield Text(f"  look at {image}", "magenta")
    yield Text(_tally(result), "bold")


def _datasets(step: StepSeen) -> str:
    """Return how many datasets of a step are there, of those expected."""
    present = step.expected - len(step.missing)
    return f"{present} of {step.expected}"


def _details(step: StepSeen) -> Iterator[Text]:
    """Yield what is to be known of a step that is not done."""
    yield Text(f"in {step.collection}", "dim")
    # Where nothing was made, all is missing, and need not be listed.
    if step.missing and step.datasets:
        missing = fold_data_ids(step.missing)
        yield Text(f"missing: {missing}", "dim")
    for cause in step.causes[:_MOST]:
        yield Text(f"{cause.task} {cause.data_id}: {cause.error}", "red")
    more = len(step.causes) - _MOST
    if more > 0:
        failures = count(more, "more failure")
        yield Text(f"and {failures}", "red")
    if step.reason:
        yield Text(step.reason.detail, _STYLES[step.state])
    elif step.detail and not step.expected:
        yield Text(step.detail, "dim")


def _tally(result: ConstructionShown) -> str:
    """Return in a sentence how far it has come, and what comes next."""
    states = [step.state for step in result.steps]
    done = states.count(StepState.DONE)
    steps = count(states, "step")
    tally = f"{done} of {steps} done."
    following = result.next
    if following is None and result.is_written:
        return f"{tally} Its file lists what was certified: seal and propose it."
    if following is None:
        return f"{tally} Write `collections` with --write, then seal and propose it."
    name = following.name
    match following.state:
        case StepState.LOOK:
            word = name.removeprefix("look at ")
            return f"{tally} Next a person looks: then go on with --run --looked {word}."
        case StepState.RUNNING:
            return f"{tally} A batch runs: {name}. Run this again later."
        case StepState.REFUSED:
            return f"{tally} {name} cannot be done as things stand."
        case _:
            return f"{tally} Next: {name}."


def as_markdown(result: ConstructionShown) -> Iterator[str]:
    """Yield the same as a table, for a ticket or a pull request."""
    ticket = safe(result.ticket.name)
    yield f"### Construction of {ticket}"
    yield ""
    yield row("step", "state", "datasets", "exposures", "collection")
    yield "|---|---|---|---|---|"
    for step in result.steps:
        datasets = ""
        if step.expected:
            datasets = _datasets(step)
        exposures = str(step.exposures or "")
        state = step.state.value
        yield row(step.name, state, datasets, exposures, step.collection)
    yield ""
    for step in result.steps:
        if step.reason and step.state is not StepState.WAITS:
            name = safe(step.name)
            detail = safe(step.reason.detail)
            yield f"* {name}: {detail}"
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
        numbers = []
        others = []
        for pair in data_id.split(","):
            dimension, _, value = pair.partition("=")
            if dimension == "detector":
                numbers.append(value)
            elif dimension != "instrument":
                others.append(pair)
        rest = ", ".join(others)
        detectors.setdefault(rest, []).extend(numbers)
    parts = []
    groups = list(detectors.items())
    for rest, numbers in groups[:_MOST]:
        words = []
        if rest:
            words.append(rest)
        if numbers:
            shown = ", ".join(numbers[:_MOST])
            words.append(f"detector {shown}")
        more = len(numbers) - _MOST
        if more > 0:
            words.append(f"and {more} more")
        parts.append(" ".join(words))
    more = len(detectors) - _MOST
    if more > 0:
        parts.append(f"{more} more")
    return "; ".join(parts)

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
            yield from _details(step)
    if result.verdicts:
        for product in result.verdicts.products:
            yield from verdict_lines(product)
    for image in result.images:
        yield Text(f"  look at {image}", "magenta")
    tally = _tally(result)
    yield Text(tally, "bold")


def _datasets(step: StepSeen) -> str:
    """Return how many datasets of a step are there, of those expected."""
    expected = step.expected
    present = expected - len(step.missing)
    return f"{present} of {expected}"


def _details(step: StepSeen) -> Iterator[Text]:
    """Yield what is to be known of a step that is not done."""
    margin = " " * 10
    yield Text(f"{margin}in {step.collection}", "dim")
    # Where nothing was made, all is missing, and need not be listed.
    if step.missing and step.datasets:
        missing = fold_data_ids(step.missing)
        yield Text(f"{margin}missing: {missing}", "dim")
    causes = step.causes
    for cause in causes[:_MOST]:
        words = f"{cause.task} {cause.data_id}: {cause.error}"
        yield Text(margin + words, "red")
    more = len(causes) - _MOST
    if more > 0:
        failures = count(more, "more failure")
        yield Text(f"{margin}and {failures}", "red")
    reason = step.reason
    if reason:
        style = _STYLES[step.state]
        yield Text(margin + reason.detail, style)
    elif step.detail and not step.expected:
        yield Text(margin + step.detail, "dim")


def _tally(result: ConstructionShown) -> str:
    """Return in a sentence how far it has come, and what comes next."""
    done = [step for step in result.steps if step.state is StepState.DONE]
    steps = count(len(result.steps), "step")
    tally = f"{len(done)} of {steps} done."
    following = result.next
    if following is None and result.is_written:
        return f"{tally} Its file lists what was certified: seal and propose it."
    if following is None:
        return f"{tally} Write `collections` with --write, then seal and propose it."
    name = following.name
    match following.state:
        case StepState.LOOK:
            word = name.removeprefix("look at ")
            hint = f"Next a person looks: then go on with --run --looked {word}."
        case StepState.RUNNING:
            hint = f"A batch runs: {name}. Run this again later."
        case StepState.REFUSED:
            hint = f"{name} cannot be done as things stand."
        case _:
            hint = f"Next: {name}."
    return f"{tally} {hint}"


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
    tally = _tally(result)
    yield safe(tally)


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

"""What ran to make a ticket's collections, to attach to its ticket."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from ..model.results.constructions import ConstructionRecord, StepRecorded
from .markdown import row, safe
from .messages import count
from .verdicts import verdicts_as_markdown

__all__ = ["as_markdown"]


def as_markdown(result: ConstructionRecord) -> Iterator[str]:
    """Yield the record as Markdown."""
    ticket = safe(result.ticket.name)
    yield f"# Construction of {ticket}"
    yield ""
    yield f"As {result.repository} shows it, read {result.written_at}."
    yield ""
    yield "## What was made"
    yield ""
    yield row("step", "state", "datasets", "exposures found", "used", "first", "last")
    yield "|---|---|---|---|---|---|---|"
    for step in result.steps:
        # A certification selects nothing, and so uses nothing.
        selected = ""
        used = ""
        if step.query:
            selected = str(len(step.selected))
            used = "not known"
        if step.query and step.used is not None:
            used = str(len(step.used))
        yield row(
            step.name,
            step.state.value,
            str(step.datasets),
            selected,
            used,
            step.began or "",
            step.ended or "",
        )
    yield ""
    yield "## How"
    for step in result.steps:
        yield from _how(step)
    yield ""
    yield "## Variables"
    yield ""
    yield "```sh"
    for name, value in result.variables.items():
        yield f"export {name}={shlex.quote(value)}"
    yield "```"
    yield ""
    yield from verdicts_as_markdown(result.verdicts)
    yield ""
    yield "## Software"
    yield ""
    if not result.software:
        yield "No RUN tells."
    for package, version in result.software.items():
        name = safe(package)
        number = safe(version)
        yield f"* {name} {number}"


def _how(step: StepRecorded) -> Iterator[str]:
    """Yield what one step was made of, and by which command."""
    yield ""
    yield f"### {step.name}"
    yield ""
    collection = step.run or step.collection
    yield f"* collection `{collection}`"
    if step.validity:
        certifications = count(step.datasets, "certification")
        yield f"* valid {step.validity}, {certifications}"
    if step.query:
        selected = _listed(step.selected)
        yield f"* selection `{step.query}`"
        yield f"* exposures found: {selected}"
        if step.used is not None and step.used != step.selected:
            used = _listed(step.used)
            yield f"* exposures used: {used}"
    if step.command:
        yield ""
        yield "```sh"
        yield shlex.join(step.command)
        yield "```"


def _listed(exposures: Sequence[int]) -> str:
    shown = ", ".join(str(exposure) for exposure in exposures)
    return shown or "none"

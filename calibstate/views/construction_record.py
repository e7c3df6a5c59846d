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
    yield f"# Construction of {safe(result.ticket.name)}"
    yield ""
    yield f"As {result.repository} shows it, read {result.written_at}."
    yield ""
    yield "## What was made"
    yield ""
    yield row("step", "state", "datasets", "exposures found", "used", "first", "last")
    yield "|---|---|---|---|---|---|---|"
    for step in result.steps:
        yield row(
            step.name,
            step.state.value,
            str(step.datasets),
            str(len(step.selected)) if step.query else "",
            _used(step),
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
        yield f"* {safe(package)} {safe(version)}"


def _how(step: StepRecorded) -> Iterator[str]:
    """Yield what one step was made of, and by which command."""
    yield ""
    yield f"### {step.name}"
    yield ""
    yield f"* collection `{step.run or step.collection}`"
    if step.validity:
        yield f"* valid {step.validity}, {count(step.datasets, 'certification')}"
    if step.query:
        yield f"* selection `{step.query}`"
        yield f"* exposures found: {_listed(step.selected)}"
        if step.used is not None and step.used != step.selected:
            yield f"* exposures used: {_listed(step.used)}"
    if step.command:
        yield ""
        yield "```sh"
        yield shlex.join(step.command)
        yield "```"


def _used(step: StepRecorded) -> str:
    if not step.query:
        return ""
    return str(len(step.used)) if step.used is not None else "not known"


def _listed(exposures: Sequence[int]) -> str:
    shown = ", ".join(str(exposure) for exposure in exposures)
    return shown or "none"

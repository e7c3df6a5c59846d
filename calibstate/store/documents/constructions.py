"""How far the construction of a ticket has come."""

from __future__ import annotations

from typing import Literal

from ...model.names import Noun
from ...model.results.constructions import (
    ConstructionRecord,
    ConstructionShown,
    StepRecorded,
    StepSeen,
)
from ...model.verdicts import ProductVerdict
from .base import FORMAT

__all__ = [
    "ConstructionDocument",
    "ConstructionStepOf",
    "FailedQuantum",
    "RecordDocument",
    "RecordedStep",
    "construction_document",
    "record_document",
]


class FailedQuantum(Noun):
    """Why a quantum made nothing."""

    task: str
    """Label of its task."""

    data_id: str
    """``key=value`` of its dimensions, joined with ``,``."""

    error: str
    """First line of the error."""


class ConstructionStepOf(Noun):
    """A step of a construction, as it was step."""

    step: str
    """What people call it: ``make bias``."""

    collection: str
    """The collection that it is about."""

    state: Literal["done", "to do", "running", "look", "waits", "refused"]
    """How it stands."""

    detail: str
    """What was seen, or why it cannot be done, in words."""

    reason: str
    """Why it is not done and cannot be, in a word; empty: nothing keeps it."""

    made: int
    """Datasets in the newest RUN."""

    expected: int
    """Datasets that the raws of its selection ask for."""

    exposures: int
    """Exposures that its selection finds."""

    missing: tuple[str, ...]
    """Data IDs that are expected and not there."""

    failed: tuple[FailedQuantum, ...]
    """Why they are not, as far as the middleware tells."""


class ConstructionDocument(Noun):
    """How far the construction of a ticket has come."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["construction"] = "construction"

    ticket: str
    """Its ticket."""

    instrument: str
    """Its instrument."""

    repository: str
    """Where it is made."""

    trial: str
    """What stands before all names, in a trial; else empty."""

    done: int
    """Steps that are done."""

    steps: tuple[ConstructionStepOf, ...]
    """In order."""

    verdict: str | None
    """The worst of the verdicts; null: nothing is verified yet."""

    verdicts: tuple[ProductVerdict, ...]
    """What its verifications say, product by product."""

    images: tuple[str, ...]
    """Files that a person has to look at."""


class RecordedStep(Noun):
    """What ran in a step, as the repository tells it."""

    step: str
    """What people call it: ``make bias``."""

    state: Literal["done", "to do", "running", "look", "waits", "refused"]
    """How it stands."""

    collection: str
    """The collection that it is about."""

    run: str | None
    """The RUN that was read; null: it has none."""

    command: tuple[str, ...]
    """What was run, in words; none: it runs nothing, or its template is not
    within reach."""

    query: str
    """Which data it was for."""

    selected: tuple[int, ...]
    """Exposures that its selection finds."""

    used: tuple[int, ...] | None
    """Exposures of which intermediates are there; null: nobody can tell any
    more."""

    datasets: int
    """Datasets that were made, or certified."""

    validity: str
    """Of a certification: its range in TAI."""

    began: str | None
    """When the first dataset came, in UTC."""

    ended: str | None
    """When the last one came, in UTC."""


class RecordDocument(Noun):
    """What ran to make the collections of a ticket."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["construction-record"] = "construction-record"

    ticket: str
    """Its ticket."""

    instrument: str
    """Its instrument."""

    repository: str
    """Where it was made."""

    written_at: str
    """When it was written, in UTC."""

    variables: dict[str, str]
    """Variables of the templates."""

    steps: tuple[RecordedStep, ...]
    """In order."""

    software: dict[str, str]
    """Versions by package, of the RUN that was made last."""

    verdict: str
    """The worst of the verdicts."""

    verdicts: tuple[ProductVerdict, ...]
    """What its verifications say, product by product."""


def record_document(result: ConstructionRecord) -> RecordDocument:
    """Return the document of what ran."""
    steps = [_recorded(step) for step in result.steps]
    return RecordDocument(
        ticket=result.ticket.ticket,
        instrument=result.ticket.instrument,
        repository=result.repository,
        written_at=result.written_at,
        variables=dict(result.variables),
        steps=tuple(steps),
        software=dict(result.software),
        verdict=result.verdicts.verdict.value,
        verdicts=result.verdicts.products,
    )


def construction_document(result: ConstructionShown) -> ConstructionDocument:
    """Return the document of a construction."""
    steps = tuple(_step(step) for step in result.steps)
    done = [step for step in steps if step.state == "done"]
    return ConstructionDocument(
        ticket=result.ticket.ticket,
        instrument=result.ticket.instrument,
        repository=result.repository,
        trial=result.prefix,
        done=len(done),
        steps=steps,
        verdict=result.verdicts.verdict.value if result.verdicts else None,
        verdicts=result.verdicts.products if result.verdicts else (),
        images=result.images,
    )


def _recorded(record: StepRecorded) -> RecordedStep:
    return RecordedStep(
        step=record.name,
        state=record.state.value,
        collection=record.collection,
        run=record.run,
        command=record.command,
        query=record.query,
        selected=record.selected,
        used=record.used,
        datasets=record.datasets,
        validity=record.validity,
        began=record.began,
        ended=record.ended,
    )


def _step(step: StepSeen) -> ConstructionStepOf:
    failed = [
        FailedQuantum(task=cause.task, data_id=cause.data_id, error=cause.error) for cause in step.causes
    ]
    return ConstructionStepOf(
        step=step.name,
        collection=step.collection,
        state=step.state.value,
        detail=step.reason.detail if step.reason else step.detail,
        reason=step.reason.code.value if step.reason else "",
        made=step.datasets,
        expected=step.expected,
        exposures=step.exposures,
        missing=step.missing,
        failed=tuple(failed),
    )

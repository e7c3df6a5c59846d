"""What ran to make a ticket's collections, for its construction ticket.

All of it is read from the repository, so it can be told of what others made
by hand.  Which exposures were *used* is known from the intermediates only,
and so as long as nobody prunes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ..errors import RefusedError
from ..kinds.generation import Generation
from ..kinds.submission import Submitted
from ..model.results.constructions import StepRecorded, StepState
from ..model.timespans import format_range
from ..ports.construction import ConstructionPlaces, ConstructionReader
from .look import Standing
from .steps import Verb

__all__ = ["recorded", "software_of"]


def recorded(standings: Sequence[Standing], places: ConstructionPlaces) -> tuple[StepRecorded, ...]:
    """Return what ran in each step that leaves something.

    Parameters
    ----------
    standings
        All steps, as they were seen.
    places
        Where to look.
    """
    records = []
    for standing in standings:
        if standing.step.verb in {Verb.MAKE, Verb.VERIFY}:
            records.append(_submitted(standing, places))
        elif standing.step.verb is Verb.CERTIFY:
            records.append(_certified(standing, places))
    return tuple(records)


def _submitted(standing: Standing, places: ConstructionPlaces) -> StepRecorded:
    step, shown = standing.step, standing.shown
    reader = places.construction(step.repository)
    resource, live = step.resource, standing.live
    assert isinstance(resource, Submitted) and isinstance(live, Submitted), "a template makes it"
    submission, expected = resource.submission, resource.expected
    assert submission and expected, "it is declared"
    run = live.output.newest
    used: tuple[int, ...] | None = None
    times: tuple[str, str] | None = None
    if run:
        times = reader.registered(run, expected.dataset_type)
        intermediate = step.recipe.product.intermediate if step.recipe else ""
        if intermediate and isinstance(resource, Generation):
            used = tuple(reader.used(run, intermediate)) or None
    runner = places.batches(step.repository)
    command: tuple[str, ...] = ()
    # What ran is told all the same where the templates are elsewhere.
    with suppress(RefusedError):
        command = tuple(runner.command(submission))
    with suppress(RefusedError):
        batch = runner.begun(submission)
        if batch and batch.run == run:
            command = batch.command
    return StepRecorded(
        name=step.name,
        state=shown.state,
        collection=submission.output,
        run=run,
        command=command,
        query=submission.query,
        selected=tuple(reader.exposures(expected.raws, expected.where)),
        used=used,
        datasets=len(live.output.datasets),
        began=times[0] if times else None,
        ended=times[1] if times else None,
    )


def _certified(standing: Standing, places: ConstructionPlaces) -> StepRecorded:
    step = standing.step
    held = places.butler(step.repository).holdings([step.collection])
    rows: Sequence[object] = ()
    ranges: list[str] = []
    if step.collection in held:
        holding = held[step.collection]
        rows = holding.rows
        ranges = sorted({format_range((row.begin, row.end)) for row in holding.rows})
    return StepRecorded(
        name=step.name,
        state=standing.shown.state,
        collection=step.collection,
        datasets=len(rows),
        validity=", ".join(ranges),
    )


def software_of(records: Sequence[StepRecorded], reader: ConstructionReader) -> dict[str, str]:
    """Return the versions that the RUN that was made last was made with.

    Parameters
    ----------
    records
        What ran.
    reader
        The repository.
    """
    runs = [record.run for record in records if record.run and record.state is StepState.DONE]
    if not runs:
        return {}
    return dict(reader.software(runs[-1]))

"""What ran to make a ticket's collections, for its construction ticket.

All of it is read from the repository, so it can be told of what others made
by hand.  Which exposures were *used* is known from the intermediates only,
and so as long as nobody prunes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ..errors import RefusedError, without_secrets
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
        step = standing.step
        name = step.collection
        if step.verb in {Verb.MAKE, Verb.VERIFY}:
            records.append(_submitted(standing, places))
        elif step.verb is Verb.CERTIFY:
            record = StepRecorded(
                name=step.name,
                state=standing.shown.state,
                collection=name,
            )
            butler = places.butler(step.repository)
            holding = butler.holdings([name]).get(name)
            if holding:
                ranges = {format_range((row.begin, row.end)) for row in holding.rows}
                record = replace(
                    record,
                    datasets=len(holding.rows),
                    validity=", ".join(sorted(ranges)),
                )
            records.append(record)
    return tuple(records)


def _submitted(standing: Standing, places: ConstructionPlaces) -> StepRecorded:
    """Return what a template ran, and of what."""
    step = standing.step
    reader = places.construction(step.repository)
    resource = Submitted.of(step.resource)
    live = Submitted.of(standing.live)
    assert resource and live, "a template makes it"
    expected = resource.expected
    assert resource.submission and expected, "it is declared"
    run = live.output.newest
    record = StepRecorded(
        name=step.name,
        state=standing.shown.state,
        collection=resource.submission.output,
        run=run,
        query=resource.submission.query,
        selected=tuple(reader.exposures(expected.raws, expected.where)),
        datasets=len(live.output.datasets),
    )
    # Where nothing was made, no command has run.
    if run is None:
        return record
    runner = places.batches(step.repository)
    command: tuple[str, ...] = ()
    # What ran is told all the same where the templates are elsewhere: by the
    # command that made this RUN, or else by the one that would.
    with suppress(RefusedError):
        command = tuple(runner.command(resource.submission))
    with suppress(RefusedError):
        batch = runner.begun(resource.submission)
        if batch and batch.run == run:
            command = batch.command
    record = replace(record, command=tuple(without_secrets(word) for word in command))
    times = reader.registered(run, expected.dataset_type)
    if times:
        began, ended = times
        record = replace(record, began=began, ended=ended)
    if step.recipe and isinstance(resource, Generation):
        intermediate = step.recipe.product.intermediate
        if intermediate:
            used = tuple(reader.used(run, intermediate))
            record = replace(record, used=used or None)
    return record


def software_of(records: Sequence[StepRecorded], reader: ConstructionReader) -> dict[str, str]:
    """Return the versions that the RUN that was made last was made with.

    Parameters
    ----------
    records
        What ran.
    reader
        The repository.
    """
    for record in reversed(records):
        if record.run and record.state is StepState.DONE:
            software = reader.software(record.run)
            return dict(software)
    return {}

"""The command that writes down what repositories show, for other sites."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from ..errors import CalibstateError, Diagnostic, UnreachableError, UsageError
from ..factory.places import Places, RecordingPlaces
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.observations import Hearsay, Observation
from ..model.scope import Scope
from ..store import observationfile
from ..views.messages import count
from . import screen
from .app import ExitCode, app
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    FilesOption,
    InstrumentOption,
    OnlyHereOption,
    RepositoryOption,
    SiteOption,
    TimeoutOption,
    scope,
)
from .tree import check_scope, load, own

__all__ = ["places_to_look_at"]

PUBLISHED = "published"
"""Stands for what was published, where a file could be named."""


@app.command()
def observe(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", envvar="CALIBSTATE_OUTPUT", help="Write to a file."),
    ] = None,
    publish: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--publish", envvar="CALIBSTATE_PUBLISH", help="Write to `records`, the newest only."),
    ] = False,
    files: FilesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    exclude: ExcludeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Write down what repositories show, for who cannot see them.

    `drift`, `plan` and `fingerprint` read it elsewhere with `--observed`.

    Ends with 0 when all is written, 1 where a repository could not be seen;
    the others are written.

    \b
    Examples:
      calibstate observe --site summit --publish
      calibstate observe --site summit --files -o summit.json
    """
    if not output and not publish:
        raise UsageError(
            Diagnostic("Nowhere to write", "Neither -o FILE nor --publish is given.", hint="Give one.")
        )
    desired, narrowed = load(context), scope(site, repository, instrument, None, exclude, files=files)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = RecordingPlaces(desired, only=only, timeout=timeout)
    observations, unseen = _look(desired, narrowed, places)
    if output and observations:
        _save(output, observations)
    for told in observations if publish else ():
        places.publish(told.address, observationfile.dumps([told]))
    screen.print_lines(_tally(told) for told in observations)
    for address, trouble in unseen.items():
        screen.tell(f"{address} could not be seen: {trouble.detail}")
    raise typer.Exit(ExitCode.ERROR if unseen else ExitCode.DONE)


def places_to_look_at(
    desired: DesiredState,
    observed: Iterable[str] | None,
    max_age: timedelta | None,
    timeout: timedelta,
    *,
    to_act: bool = False,
    only: Collection[RepositoryAddress] | None = None,
    remembers: bool = False,
) -> Places:
    """Return the places, with what ``--observed`` tells of them.

    Parameters
    ----------
    desired
        What is declared.
    observed
        Files of observations, or `PUBLISHED`.
    max_age
        Age from which an observation is too old; `None`: as usual.
    timeout
        How long a place may be silent.
    to_act
        Whether steps follow, so that one that is too old tells nothing.
    only
        The only repositories that are asked; `None`: all places are.
    remembers
        Whether what a database held at the last look may be remembered.

    Raises
    ------
    InvalidStateError
        A file holds no observations.
    UsageError
        A file cannot be read.
    """
    words = list(observed or ())
    given: dict[RepositoryAddress, Observation] = {}
    for told in (told for word in words if word != PUBLISHED for told in _read(Path(word))):
        if told.address not in given or given[told.address].moment < told.moment:
            given[told.address] = told
    _tell_of_strangers(desired, given)
    age = Hearsay.max_age if max_age is None else max_age
    hearsay = Hearsay(given, PUBLISHED in words, age, to_act)
    return Places(desired, hearsay, only, remembers=remembers, timeout=timeout)


def _look(
    desired: DesiredState, narrowed: Scope, places: RecordingPlaces
) -> tuple[list[Observation], dict[RepositoryAddress, Diagnostic]]:
    # With this numpy is imported.
    from ..engine.record import look_for_others

    with screen.progress("looking at") as watch:
        looked = look_for_others(
            desired, narrowed, places, lambda done, total: watch("repositories", done, total)
        )
    observations, unseen = [], {}
    for address, trouble in looked.items():
        try:
            if trouble:
                unseen[address] = trouble
            else:
                observations.append(places.observation(address))
        except UnreachableError as error:
            unseen[address] = error.diagnostics[0]
    return observations, unseen


def _read(path: Path) -> tuple[Observation, ...]:
    try:
        return observationfile.read(path)
    except OSError as error:
        raise UsageError(Diagnostic("File cannot be read", f"{path}: {error.strerror}.")) from None


def _save(path: Path, observations: list[Observation]) -> None:
    try:
        path.write_bytes(observationfile.dumps(observations))
    except OSError as error:
        problem = Diagnostic("Observations cannot be saved", f"{path}: {error.strerror}.")
        raise CalibstateError(problem) from None


def _tell_of_strangers(desired: DesiredState, given: Iterable[RepositoryAddress]) -> None:
    for address in given:
        if address not in desired.repositories:
            screen.tell(f"{address} was observed, but nobody declared it; what was seen there is not used")


def _tally(told: Observation) -> str:
    held = [entry for entry in told.holdings.values() if entry]
    datasets = {uuid for entry in held for _, _, uuid, _, _ in entry.rows}
    return f"{told.address} at {told.at}: {count(len(held), 'collection')}, {count(len(datasets), 'dataset')}"

"""Write down what repositories show, for who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import CalibstateError, Diagnostic, UnreachableError, UsageError
from ..factory.places import RecordingPlaces
from ..model.names import RepositoryAddress, with_code_points
from ..model.observations import Observation
from ..model.results.places_looked_at import ObservationsWritten, ObservedRepository
from ..model.sights import Sight
from ..store import observationfile

# With this numpy is imported.
from ..surveys.record import check_whole, look_for_others
from .session import Session

__all__ = ["observe"]


def observe(session: Session, output: Path | None = None, *, publish: bool = False) -> ObservationsWritten:
    """Look at repositories, and write down what they show.

    Parameters
    ----------
    session
        Which repositories.
    output
        The file that is written.
    publish
        Whether it is written to the records of each repository, too.

    Raises
    ------
    CalibstateError
        The file cannot be written.
    UsageError
        Nobody says where to write, or what would be published is of a part.
    """
    if publish:
        check_whole(session.desired, session.scope, session.narrowed_by)
    elif not output:
        raise UsageError(
            Diagnostic("Nowhere to write", "Neither -o FILE nor --publish is given.", hint="Give one.")
        )
    recording = RecordingPlaces(session.desired, only=session.narrowed.only, timeout=session.timeout)
    places = session.traced(recording)
    with session.counting("looking at", "repositories") as watch:
        troubles = look_for_others(session.desired, session.scope, places, watch)
    session.listener.report(places.slow_looks())
    observations: list[Observation] = []
    sights: list[Sight] = []
    unseen: dict[RepositoryAddress, Diagnostic] = {}
    for address, trouble in troubles.items():
        if trouble:
            unseen[address] = trouble
            continue
        # It may have answered with what cannot be written down.
        try:
            observation = places.observation(address)
            if publish:
                sights.append(places.sight_of(observation))
            observations.append(observation)
        except UnreachableError as error:
            unseen[address] = error.diagnostics[0]
    # An empty file would say that nothing is there.
    if output and observations:
        _save(output, observations)
    if publish:
        _publish(session, places, observations, sights)
    return ObservationsWritten(tuple(map(ObservedRepository.of, observations)), unseen)


def _publish(
    session: Session,
    places: RecordingPlaces,
    observations: Sequence[Observation],
    sights: Sequence[Sight],
) -> None:
    for observation in observations:
        places.publish(observation.address, observationfile.dumps([observation]))
        _publish_exposures(session, places, observation)
    for sight in sights:
        places.publish_sight(sight)


def _publish_exposures(session: Session, places: RecordingPlaces, observation: Observation) -> None:
    """Publish the exposures of a repository; without them all else holds."""
    try:
        exposures = places.exposures_of(observation)
    except UnreachableError as error:
        session.listener.note(f"no exposures of {observation.address} are published: {error.first.detail}")
        return
    places.publish_exposures(exposures)


def _save(output: Path, observations: Sequence[Observation]) -> None:
    try:
        output.write_bytes(observationfile.dumps(observations))
    except OSError as error:
        name = with_code_points(str(output))
        problem = Diagnostic("Observations cannot be saved", f"{name}: {error.strerror}.")
        raise CalibstateError(problem) from None

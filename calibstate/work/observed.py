"""What others observed of repositories that cannot be seen from here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, with_code_points
from ..model.observations import Observation, ObservationsOfOthers
from .listener import Listener

__all__ = ["PUBLISHED", "observations_of"]

PUBLISHED = "published"
"""Stands for what was published, where a file could be named."""


def observations_of(
    words: Sequence[str],
    desired: DesiredState,
    listener: Listener,
    max_age: timedelta | None,
    *,
    by_sights: bool = False,
) -> ObservationsOfOthers:
    """Return the observations that a command was given.

    Parameters
    ----------
    words
        Files of observations, or `PUBLISHED`.
    desired
        What is declared.
    listener
        Told of observed repositories that nobody declared.
    max_age
        Age from which an observation is too old; `None`: as usual.
    by_sights
        Whether sights stand in for observations that take long to read.

    Raises
    ------
    InvalidStateError
        A file holds no observations.
    UsageError
        A file cannot be read.
    """
    # What reads them is imported where there are any.
    from ..store import observationfile

    newest: dict[RepositoryAddress, Observation] = {}
    for word in words:
        if word == PUBLISHED:
            continue
        try:
            observations = observationfile.read(Path(word))
        except OSError as error:
            name = with_code_points(word)
            raise UsageError(Diagnostic("File cannot be read", f"{name}: {error.strerror}.")) from None
        for observation in observations:
            older = newest.get(observation.address)
            if older is None or older.moment < observation.moment:
                newest[observation.address] = observation
    for address in newest:
        if address not in desired.repositories:
            listener.note(f"{address} was observed, but nobody declared it; what was seen there is not used")
    age = ObservationsOfOthers.max_age if max_age is None else max_age
    return ObservationsOfOthers(newest, PUBLISHED in words, by_sights, age)

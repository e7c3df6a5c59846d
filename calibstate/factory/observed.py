"""What others observed of repositories that cannot be seen from here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..errors import CalibstateError, Diagnostic, Severity, UnreachableError
from ..model.names import RepositoryAddress
from ..model.observations import Observation, ObservationsOfOthers, duration
from .addresses import Addresses
from .records import RecordStores

if TYPE_CHECKING:
    from ..adapters.recorded import RecordedButler

__all__ = ["ObservedByOthers", "SeenByOthers"]


class ObservedByOthers:
    """Observations of others, that stand in for repositories out of reach.

    Parameters
    ----------
    observations
        Those that were given, and whether published ones may be read.
    addresses
        Where the repositories are.
    stores
        Where observations are published.
    """

    def __init__(
        self, observations: ObservationsOfOthers, addresses: Addresses, stores: RecordStores
    ) -> None:
        self._observations = observations
        self._addresses = addresses
        self._stores = stores

    def stand_in(self, address: RepositoryAddress, unseen: UnreachableError) -> SeenByOthers:
        """Return a repository as others saw it last.

        Parameters
        ----------
        address
            The repository.
        unseen
            Why it cannot be seen from here.

        Raises
        ------
        UnreachableError
            There is no observation, or none that may be relied on.
        """
        from ..adapters.recorded import RecordedButler

        newest = self._newest(address, unseen)
        if newest.butler != self._addresses.butler_digest(address):
            raise _unseen(unseen, f"the observation of {newest.at} is of another butler; observe again there")
        doubt = self._observations.doubt(newest, datetime.now(UTC))
        if self._observations.to_act and doubt:
            raise _unseen(unseen, f"the observation of {newest.at} {doubt}; observe again there")
        return SeenByOthers(RecordedButler(newest), unseen.diagnostics[0].detail, self._observations)

    def _newest(self, address: RepositoryAddress, unseen: UnreachableError) -> Observation:
        given = self._observations.given.get(address)
        if not self._observations.published:
            if given is None:
                raise unseen
            return given
        try:
            published = self._published(address, unseen)
        except UnreachableError:
            if given is None:
                raise
            return given
        if given is None or given.moment < published.moment:
            return published
        return given

    def _published(self, address: RepositoryAddress, unseen: UnreachableError) -> Observation:
        try:
            published = self._stores.of(address).published(address)
        except UnreachableError:
            raise
        except CalibstateError as error:
            # What one site published must not cost the others theirs.
            raise _unseen(unseen, error.diagnostics[0].detail) from None
        if published is None:
            raise _unseen(unseen, "nobody published an observation of it")
        return published


@dataclass(frozen=True)
class SeenByOthers:
    """A repository as others saw it."""

    butler: RecordedButler
    why: str
    """Why it cannot be seen from here."""
    observations: ObservationsOfOthers

    def note(self, now: datetime, declared: str) -> Diagnostic:
        """Return what a person should know of it.

        Parameters
        ----------
        now
            The time in UTC.
        declared
            Digest of what is declared today.
        """
        observation = self.butler.observation
        age = max(now - observation.moment, timedelta())
        words = f"{observation.address} is told of as it was observed at {observation.at}, "
        words += f"{duration(age)} ago ({self.why})"
        if observation.declared != declared:
            words += "; it was made with another declaration"
        if self.butler.without_files:
            words += f"; the files of {len(self.butler.without_files)} collections were not looked at"
        doubt = self.observations.doubt(observation, now)
        if not doubt:
            return Diagnostic("Seen by others", f"{words}.", severity=Severity.NOTE)
        return Diagnostic(
            "Old observation",
            f"{words}; that {doubt}.",
            hint=f"Observe again there: calibstate observe --repository {observation.address} --publish.",
            severity=Severity.WARNING,
        )


def _unseen(unseen: UnreachableError, why: str) -> UnreachableError:
    """Return the error that a place was not seen, and not observed either."""
    first = unseen.diagnostics[0]
    return UnreachableError(replace(first, detail=f"{first.detail}; {why}"))

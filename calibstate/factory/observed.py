"""What others observed of repositories that cannot be seen from here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..errors import CalibstateError, Diagnostic, Severity, UnreachableError
from ..model.names import RepositoryAddress
from ..model.observations import Observation, ObservationsOfOthers, duration
from ..model.seen import Seen, SeenBy
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
            There is no observation of it.
        """
        from ..adapters.recorded import RecordedButler

        newest = self._newest(address, unseen)
        observation = newest.observation
        if observation.butler != self._addresses.butler_digest(address):
            raise _unseen(
                unseen, f"the observation of {observation.at} is of another butler; observe again there"
            )
        doubt = self._observations.doubt(observation, datetime.now(UTC))
        return SeenByOthers(RecordedButler(observation), newest.by, unseen, doubt or "")

    def _newest(self, address: RepositoryAddress, unseen: UnreachableError) -> _Newest:
        observation = self._observations.given.get(address)
        given = None
        if observation:
            given = _Newest(observation, SeenBy.FILE)
        if not self._observations.published:
            if given is None:
                raise unseen
            return given
        try:
            published = _Newest(self._published(address, unseen), SeenBy.PUBLISHED)
        except UnreachableError:
            if given is None:
                raise
            return given
        if given is None or given.observation.moment < published.observation.moment:
            return published
        return given

    def _published(self, address: RepositoryAddress, unseen: UnreachableError) -> Observation:
        try:
            published = self._stores.of(address).published(address)
        except UnreachableError:
            raise
        except CalibstateError as error:
            # What one site published must not cost the others theirs.
            raise _unseen(unseen, error.first.detail, error.first.for_anybody) from None
        if published is None:
            raise _unseen(unseen, "nobody published an observation of it")
        return published


@dataclass(frozen=True)
class _Newest:
    """The newest observation of a repository."""

    observation: Observation
    by: SeenBy


@dataclass(frozen=True)
class SeenByOthers:
    """A repository as others saw it."""

    butler: RecordedButler
    by: SeenBy

    unseen: UnreachableError
    """Why it cannot be seen from here."""

    doubt: str
    """Why the observation may not be relied on: it *is …*; empty: it may."""

    def relied_on(self) -> RecordedButler:
        """Return what was observed, if that may be relied on.

        Raises
        ------
        UnreachableError
            It is too old, or of the future: the repository counts as
            unreachable, in whatever command.
        """
        if self.doubt:
            raise _unseen(self.unseen, self._why_not_relied_on)
        return self.butler

    @property
    def _why_not_relied_on(self) -> str:
        return f"the observation of {self.butler.observation.at} {self.doubt}; observe again there"

    def seen(self, now: datetime, declared: str) -> Seen:
        """Return when it was seen, and by whom.

        Parameters
        ----------
        now
            The time in UTC.
        declared
            Digest of what is declared today.
        """
        observation = self.butler.observation
        age = now - observation.moment
        why = self.unseen.first.for_anybody
        if self.doubt:
            why += f"; {self._why_not_relied_on}"
        elif observation.declared != declared:
            why += "; it was observed with another declaration"
        return Seen(
            at=observation.at,
            by=self.by,
            age=int(age.total_seconds()),
            stale=bool(self.doubt),
            why=why,
        )

    def note(self, now: datetime, declared: str) -> Diagnostic | None:
        """Return what a person should know of it, where it is relied on.

        Parameters
        ----------
        now
            The time in UTC.
        declared
            Digest of what is declared today.
        """
        if self.doubt:
            return None  # The repository is unreachable, and that is told.
        observation = self.butler.observation
        age = max(now - observation.moment, timedelta())
        words = f"{observation.address} is told of as it was observed at {observation.at}, "
        words += f"{duration(age)} ago ({self.unseen.first.detail})"
        if observation.declared != declared:
            words += "; it was made with another declaration"
        if self.butler.without_files:
            words += f"; the files of {len(self.butler.without_files)} collections were not looked at"
        return Diagnostic("Seen by others", f"{words}.", severity=Severity.NOTE)


def _unseen(unseen: UnreachableError, why: str, public: str = "") -> UnreachableError:
    """Return the error that a place was not seen, and not observed either.

    Parameters
    ----------
    unseen
        Why it was not seen.
    why
        Why it was not observed.
    public
        The same without what tells of a machine, where it does.
    """
    first = unseen.first
    return UnreachableError(
        replace(
            first,
            detail=f"{first.detail}; {why}",
            public=f"{first.for_anybody}; {public or why}",
        )
    )

"""What others observed of repositories that cannot be seen from here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from ..errors import CalibstateError, Diagnostic, Severity, UnreachableError
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.observations import Observation, ObservationHead, ObservationsOfOthers, duration
from ..model.seen import Seen, SeenBy
from ..model.sights import Sight
from .addresses import Addresses
from .once import Once
from .records import RecordStores

if TYPE_CHECKING:
    from ..adapters.recorded import RecordedButler
    from ..adapters.sighted import SealedTickets

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
    desired
        What is declared: its seals tell what sights leave out.
    """

    def __init__(
        self,
        observations: ObservationsOfOthers,
        addresses: Addresses,
        stores: RecordStores,
        desired: DesiredState,
    ) -> None:
        self._observations = observations
        self._addresses = addresses
        self._stores = stores
        self._desired = desired

    @cached_property
    def _sealed(self) -> SealedTickets:
        from ..adapters.sighted import SealedTickets

        return SealedTickets(self._desired)

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
        newest = self._newest(address, unseen)
        head = newest.head
        if head.butler != self._addresses.butler_digest(address):
            raise _unseen(unseen, f"the observation of {head.at} is of another butler; observe again there")
        doubt = self._observations.doubt(head, datetime.now(UTC))
        return SeenByOthers(head, newest.open, newest.sight, newest.by, unseen, doubt or "")

    def _newest(self, address: RepositoryAddress, unseen: UnreachableError) -> _Newest:
        observation = self._observations.given.get(address)
        given = None
        if observation:
            given = _Newest(observation, partial(_recorded, lambda: observation), lambda: None, SeenBy.FILE)
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
        if given is None or given.head.moment < published.head.moment:
            return published
        return given

    def _published(self, address: RepositoryAddress, unseen: UnreachableError) -> _Newest:
        store = self._stores.of(address)
        head = store.published_head(address)
        if head is None:
            # Sites may publish sights alone, and an old file has no head.
            alone = self._alone(address, unseen)
            if alone:
                return alone
            observation = self._read(address, unseen)
            whole = partial(_recorded, lambda: observation)
            return _Newest(observation, whole, lambda: None, SeenBy.PUBLISHED)

        def read() -> Observation:
            return self._read(address, unseen)

        def sight() -> Sight | None:
            sight = store.sight(address)
            if sight and sight.is_of(head):
                return sight
            return None

        def recorded() -> RecordedButler:
            if self._observations.by_sights and not store.is_soon_read(address):
                there = sight()
                # Sights of before did not tell what was listed.
                if there and there.listed is not None:
                    return _sighted(there, self._sealed, read)
            return _recorded(read)

        return _Newest(head, recorded, sight, SeenBy.PUBLISHED)

    def _alone(self, address: RepositoryAddress, unseen: UnreachableError) -> _Newest | None:
        """Return a repository by its sight, where no observation is read."""
        store = self._stores.of(address)
        if not self._observations.by_sights or store.is_soon_read(address):
            return None
        sight = store.sight(address)
        # Sights of before did not tell what was listed.
        if sight is None or sight.listed is None:
            return None
        head = ObservationHead(
            address=sight.address,
            butler=sight.butler,
            at=sight.at,
            version=sight.version,
            declared=sight.declared,
        )
        read = partial(self._read, address, unseen)
        sighted = partial(_sighted, sight, self._sealed, read)
        return _Newest(head, sighted, lambda: sight, SeenBy.PUBLISHED)

    def _read(self, address: RepositoryAddress, unseen: UnreachableError) -> Observation:
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

    head: ObservationHead

    open: Callable[[], RecordedButler]
    """Reads the whole, which takes a while, or its sight, where that does."""

    sight: Callable[[], Sight | None]
    """Reads the sight of the same look; `None`: there is none."""

    by: SeenBy


class SeenByOthers:
    """A repository as others saw it.

    Parameters
    ----------
    head
        Whose the observation is.
    open
        Reads the whole of it, or its sight, where that will do.
    sight
        Reads the sight of the same look; `None`: there is none.
    by
        Who looked.
    unseen
        Why it cannot be seen from here.
    doubt
        Why the observation may not be relied on: it *is …*; empty: it may.
    """

    def __init__(
        self,
        head: ObservationHead,
        open: Callable[[], RecordedButler],
        sight: Callable[[], Sight | None],
        by: SeenBy,
        unseen: UnreachableError,
        doubt: str,
    ) -> None:
        self.head = head
        self.doubt = doubt
        self._open = open
        self._sight = sight
        self._by = by
        self._unseen = unseen
        self._butler: Once[RecordedButler] = Once(self._taken)
        self.is_unreadable = False
        """Whether the observation was to be read, and could not be."""

    def butler(self) -> RecordedButler:
        """Return what was observed.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        try:
            return self._butler.get()
        except UnreachableError:
            self.is_unreadable = True
            raise

    @property
    def is_by_sight(self) -> bool:
        """Whether its rows are read only where nothing else tells."""
        from ..adapters.sighted import SightedButler

        return isinstance(self._butler.opened, SightedButler)

    def _taken(self) -> RecordedButler:
        butler = self._open()
        observation = butler.observation
        if observation.at != self.head.at:
            # Whose it is was read before it was observed again.
            if self.doubt or observation.butler != self.head.butler:
                raise _unseen(self._unseen, "it was observed again meanwhile; ask again")
            self.head = observation
        return butler

    def relied_on(self) -> RecordedButler:
        """Return what was observed, if that may be relied on.

        Raises
        ------
        UnreachableError
            It is too old, or of the future: the repository counts as
            unreachable, in whatever command.
        """
        self.check_relied_on()
        return self.butler()

    def check_relied_on(self) -> None:
        """Refuse what may not be relied on.

        Raises
        ------
        UnreachableError
            It is too old, or of the future.
        """
        if self.doubt:
            raise _unseen(self._unseen, self._why_not_relied_on)

    def sight(self) -> Sight | None:
        """Return what came of what was observed; `None`: only that tells."""
        # What cannot be read as a sight can be read as an observation.
        with suppress(UnreachableError):
            return self._sight()
        return None

    @property
    def _why_not_relied_on(self) -> str:
        return f"the observation of {self.head.at} {self.doubt}; observe again there"

    def seen(self, now: datetime, declared: str) -> Seen:
        """Return when it was seen, and by whom.

        Parameters
        ----------
        now
            The time in UTC.
        declared
            Digest of what is declared today.
        """
        age = now - self.head.moment
        why = self._unseen.first.for_anybody
        if self.doubt:
            why += f"; {self._why_not_relied_on}"
        elif self.head.declared != declared:
            why += "; it was observed with another declaration"
        return Seen(
            at=self.head.at,
            by=self._by,
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
        head = self.head
        age = max(now - head.moment, timedelta())
        words = f"{head.address} is told of as it was observed at {head.at}, "
        words += f"{duration(age)} ago ({self._unseen.first.detail})"
        if head.declared != declared:
            words += "; it was made with another declaration"
        butler = self._butler.opened
        if butler and butler.without_files:
            words += f"; the files of {len(butler.without_files)} collections were not looked at"
        return Diagnostic("Seen by others", f"{words}.", severity=Severity.NOTE)


def _recorded(read: Callable[[], Observation]) -> RecordedButler:
    from ..adapters.recorded import RecordedButler

    return RecordedButler(read())


def _sighted(sight: Sight, sealed: SealedTickets, read: Callable[[], Observation]) -> RecordedButler:
    from ..adapters.sighted import SightedButler

    return SightedButler(sight, sealed, read)


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

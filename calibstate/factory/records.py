"""Stores of records: locks, journals, and what sites publish for others."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import TypeVar

from ..errors import CalibstateError, InvalidStateError, UnreachableError, without_secrets
from ..model.checkups import Examined
from ..model.explanations import Since
from ..model.exposures import ExposuresDocument
from ..model.names import Address, RepositoryAddress
from ..model.observations import CLOCKS_AGREE, Observation, ObservationHead
from ..model.reviews import PublishedReview
from ..model.runs import PastRun, entered
from ..model.sights import Beside, KeptLook, Sight, SightHistory
from ..model.watching import WatchState
from ..ports.places import Records
from ..ports.silence import at_work
from ..store import reviewfile
from . import clock
from .addresses import Addresses
from .asking import Asking, server_of
from .once import Once
from .timely import TimelyJournal, TimelyLocks

__all__ = ["RecordStore", "RecordStores"]

T = TypeVar("T")


class RecordStore:
    """One store of records, in a folder or in a bucket.

    Parameters
    ----------
    uri
        Where it is.
    asking
        How it is asked.
    """

    def __init__(self, uri: str, asking: Asking) -> None:
        self.uri = uri
        self.name = f"the records in {without_secrets(uri)}"
        """What messages call it."""
        self._asking = asking
        self._records = Once(self._open)

    @property
    def server(self) -> str:
        """What answers for it, and perhaps for other stores."""
        return server_of(self.uri)

    def records(self) -> Records:
        """Return its locks, and the journal of this run."""
        return self._records.get()

    def _open(self) -> Records:
        with at_work():
            from ..adapters.locks import open_locks
            from ..adapters.records import open_journal

        in_time = self._asking.in_time(self.name, self.server)
        locks = open_locks(self.uri, timeout=self._asking.timeout)
        journal = open_journal(self.uri, timeout=self._asking.timeout)
        return Records(TimelyLocks(locks, in_time), TimelyJournal(journal, in_time))

    def look(self) -> None:
        """Ask whether it is there.

        Raises
        ------
        UnreachableError
            It says nothing.
        """
        from ..adapters.objectstores import open_store

        self._ask(lambda: open_store(self.uri, self._asking.timeout).look())

    def examine(self) -> Examined:
        """Look whether files can be kept there; nothing is written."""
        with at_work():
            from ..adapters.checkup import examine_store
        with self._asking.silences.asking(self.server, self.uri):
            return examine_store(self.uri, self._asking.timeout)

    def past_runs(self, since: str = "") -> list[PastRun]:
        """Return the runs whose journals it keeps, the newest first.

        Parameters
        ----------
        since
            Leave out what began before, as ``YYYYMMDDTHHMMSSZ``.
        """
        from ..adapters.journals import past_runs

        return self._ask(lambda: list(past_runs(self.uri, since, timeout=self._asking.timeout)))

    def past_run(self, name: str) -> PastRun | None:
        """Return a run by its name; `None`: its journal is not here."""
        from ..adapters.journals import past_run

        return self._ask(partial(past_run, self.uri, name, timeout=self._asking.timeout))

    def entered(self, chain: Address, children: Collection[str]) -> Since:
        """Return since when a child of a chain is searched, by the journals.

        Parameters
        ----------
        chain
            The chain, in a repository.
        children
            Names by which it may stand there.
        """
        from ..adapters.journals import past_runs

        def search() -> Since:
            # The newest runs come first, and often tell; older ones are not
            # read then.
            runs = past_runs(self.uri, timeout=self._asking.timeout)
            return entered(runs, str(chain), children)

        try:
            return self._ask(search)
        except CalibstateError as error:
            return Since(unknown=f"the journals cannot be read: {error.diagnostics[0].detail}")

    def publish(self, address: RepositoryAddress, observation: bytes) -> None:
        """Keep what a repository showed, for those who cannot see it.

        A look that began before the one that is there does not replace it.
        """
        from ..adapters.records import publish
        from ..store import observationfile

        size = observationfile.HEAD
        mine = observationfile.head_of(observation[:size], of=address)

        def is_older_than(begin: bytes) -> bool:
            there = observationfile.head_of(begin, of=address)
            if mine is None or there is None:
                return False
            return mine.moment < there.moment <= clock.now() + CLOCKS_AGREE

        self._ask(
            partial(
                publish,
                self.uri,
                address,
                observation,
                is_older_than,
                size=size,
                timeout=self._asking.timeout,
            )
        )

    def published(self, address: RepositoryAddress) -> Observation | None:
        """Return what was last published of a repository.

        Returns
        -------
        Observation or None
            `None`: nothing was.

        Raises
        ------
        CalibstateError
            It cannot be read.
        """
        from ..adapters.records import published
        from ..store import observationfile

        limit, timeout = observationfile.LARGEST, self._asking.timeout
        with self._asking.silences.asking(self.server, self.name):
            data = published(self.uri, address, limit=limit, timeout=timeout)
        if data is None:
            return None
        (observation,) = observationfile.loads(data, "what was published of it", of=address)
        return observation

    def published_head(self, address: RepositoryAddress) -> ObservationHead | None:
        """Return whose the observation is that was last published.

        Returns
        -------
        ObservationHead or None
            `None`: nothing was, or only the whole of it tells.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        from ..adapters.records import begin_of_published
        from ..store import observationfile

        size, timeout = observationfile.HEAD, self._asking.timeout
        begin = self._ask(partial(begin_of_published, self.uri, address, size=size, timeout=timeout))
        if begin is None:
            return None
        return observationfile.head_of(begin, of=address)

    def is_soon_read(self, address: RepositoryAddress) -> bool:
        """Say whether an observation was published that is soon read.

        Parameters
        ----------
        address
            The repository.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        from ..adapters.records import published
        from ..store import observationfile

        limit, timeout = observationfile.READ_AT_ONCE, self._asking.timeout
        try:
            data = self._ask(partial(published, self.uri, address, limit=limit, timeout=timeout))
        except UnreachableError as error:
            # A store says of what it does not read whole no more than that.
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno == errno.EFBIG:
                return False
            raise
        return data is not None

    def publish_exposures(self, exposures: ExposuresDocument) -> None:
        """Keep which exposures a repository has, night by night."""
        from ..adapters.records import publish_exposures
        from ..store import exposuresfile

        data = exposuresfile.dumps(exposures)
        timeout = self._asking.timeout
        self._ask(partial(publish_exposures, self.uri, exposures.address, data, timeout=timeout))

    def exposures(self, address: RepositoryAddress) -> ExposuresDocument | None:
        """Return which exposures a repository has, night by night.

        Returns
        -------
        ExposuresDocument or None
            `None`: nobody published them.

        Raises
        ------
        UnreachableError
            They cannot be read.
        """
        from ..adapters.records import published_exposures
        from ..store import exposuresfile

        limit, timeout = exposuresfile.LARGEST, self._asking.timeout
        data = self._ask(partial(published_exposures, self.uri, address, limit=limit, timeout=timeout))
        if data is None:
            return None
        try:
            return exposuresfile.loads(data, of=address)
        except InvalidStateError as error:
            raise UnreachableError(*error.diagnostics) from None

    def publish_sight(self, sight: Sight) -> None:
        """Keep what a repository showed, small; for good where it is new."""
        from ..adapters.records import publish_sight
        from ..store import sightfile

        def beside(before: bytes) -> Beside:
            try:
                newest = sightfile.loads(before, of=sight.address)
            except InvalidStateError:
                return Beside.NEW  # Nobody can say what it showed.
            return sight.beside(newest, clock.now())

        self._ask(
            partial(
                publish_sight,
                self.uri,
                sight.address,
                sightfile.dumps(sight),
                sight.moment,
                beside,
                limit=sightfile.LARGEST,
                timeout=self._asking.timeout,
            )
        )

    def sight(self, address: RepositoryAddress, kept: KeptLook | None = None) -> Sight | None:
        """Return a sight of a repository.

        Parameters
        ----------
        address
            The repository.
        kept
            The look of one that is kept; `None`: the newest.

        Returns
        -------
        Sight or None
            `None`: there is none.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        from ..adapters.records import published_sight
        from ..store import sightfile

        limit, timeout = sightfile.LARGEST, self._asking.timeout
        data = self._ask(partial(published_sight, self.uri, address, kept, limit=limit, timeout=timeout))
        if data is None:
            return None
        try:
            return sightfile.loads(data, of=address)
        except InvalidStateError as error:
            # What one site published must not cost the others theirs.
            raise UnreachableError(*error.diagnostics) from None

    def sights(self, address: RepositoryAddress) -> SightHistory:
        """Return what a repository showed whenever that changed.

        Parameters
        ----------
        address
            The repository.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        from ..adapters.records import published_sights

        kept = self._ask(partial(published_sights, self.uri, address, timeout=self._asking.timeout))
        # Whoever asks since when something is so reads one several times.
        read = cache(partial(self.sight, address))
        return SightHistory(address, kept, self.sight(address), read)

    def publish_watch(self, state: WatchState) -> None:
        """Keep how the loop of a site goes on."""
        from ..adapters.records import publish_watch
        from ..store import watchfile

        data, timeout = watchfile.dumps(state), self._asking.timeout
        self._ask(partial(publish_watch, self.uri, state.site, data, timeout=timeout))

    def watch(self, site: str) -> WatchState | None:
        """Return how the loop of a site goes on; `None`: it has none.

        Parameters
        ----------
        site
            Whose loop it is.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        from ..adapters.records import published_watch
        from ..store import watchfile

        limit, timeout = watchfile.LARGEST, self._asking.timeout
        data = self._ask(partial(published_watch, self.uri, site, limit=limit, timeout=timeout))
        try:
            return watchfile.loads(data, site) if data else None
        except InvalidStateError as error:
            raise UnreachableError(*error.diagnostics) from None

    def publish_review(self, review: PublishedReview) -> None:
        """Keep what a review showed, for the waves that come after."""
        from ..adapters.records import publish_review

        def merged_with(before: bytes | None) -> bytes:
            try:
                older = reviewfile.loads(before, review.address) if before else None
            except InvalidStateError:
                older = None  # What nobody can read opens no wave.
            return reviewfile.dumps(review.after(older) if older else review)

        timeout = self._asking.timeout
        self._ask(partial(publish_review, self.uri, review.address, merged_with, timeout=timeout))

    def published_review(self, address: RepositoryAddress) -> PublishedReview | None:
        """Return what was published of reviews of a repository.

        Returns
        -------
        PublishedReview or None
            `None`: nothing was.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        from ..adapters.records import published_review

        in_time = self._asking.in_time(f"what {address} published", self.server)
        try:
            data = in_time(partial(published_review, self.uri, address, timeout=self._asking.timeout))
            return reviewfile.loads(data, address) if data else None
        except InvalidStateError as error:
            raise UnreachableError(*error.diagnostics) from None

    def _ask(self, question: Callable[[], T]) -> T:
        return self._asking.in_time(self.name, self.server)(question)


class RecordStores:
    """The stores of records of all places.

    Parameters
    ----------
    addresses
        Where they are.
    asking
        How they are asked.
    """

    def __init__(self, addresses: Addresses, asking: Asking) -> None:
        self._addresses = addresses
        self._asking = asking
        self._stores: dict[str, RecordStore] = {}

    def of(self, place: str) -> RecordStore:
        """Return the store of a repository, of the archive or of Rucio."""
        return self.at(self._addresses.records(place))

    def at(self, uri: str) -> RecordStore:
        """Return the store at a URI."""
        return self._stores.setdefault(uri, RecordStore(uri, self._asking))

    def of_all(self, places: Collection[str]) -> tuple[RecordStore, ...]:
        """Return the stores of some places, each once."""
        return tuple(dict.fromkeys(self.of(place) for place in places))

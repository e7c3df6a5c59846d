"""All places of a declared state, each of which is a small class of its own.

`Places` only finds the place that a question is for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from typing_extensions import override

from .. import __version__
from ..errors import Diagnostic, InvalidStateError, Severity, UnreachableError
from ..model.checkups import Examined
from ..model.desired import DesiredState
from ..model.explanations import Since
from ..model.exposures import ExposuresDocument, NightOfExposures
from ..model.ingests import FileTable
from ..model.names import ARCHIVE, RUCIO, Address, InstrumentName, RepositoryAddress
from ..model.observations import Observation, ObservationsOfOthers, stamp
from ..model.reviews import PublishedReview
from ..model.revisions import CheckedOut
from ..model.runs import PastRun
from ..model.seen import Seen, SeenPlaces
from ..model.sights import Sight, SightHistory
from ..model.watching import WatchState
from ..ports.archive import ArchiveWriter
from ..ports.butler import ButlerReader, ButlerWriter
from ..ports.commands import ButlerCommands, CommandRunner
from ..ports.construction import BatchRunner, ConstructionReader
from ..ports.daily import DailyRecords
from ..ports.packages import DataPackages
from ..ports.pipelines import PipelineReader, PipelineRunner
from ..ports.places import Records
from ..ports.progress import Watch, unwatched
from ..ports.retention import RetentionReader
from ..ports.rucio import RucioWriter
from ..ports.silence import USUAL_TIMEOUT, Silences
from ..ports.sources import SourceStore
from . import clock, host
from .addresses import Addresses
from .archive import ArchivePlace
from .asking import Asking, not_asked
from .daily import KeptDaily
from .observed import ObservedByOthers
from .records import RecordStore, RecordStores
from .repositories import RepositoryPlace, Settings
from .rucio import RucioPlace
from .sources import SourcePlaces

if TYPE_CHECKING:
    from ..adapters.recorded import RecordingButler
    from ..lookups.sights import Arrivals

__all__ = ["Places", "RecordingPlaces"]


class Places:
    """The real places of a declared state.

    Parameters
    ----------
    desired
        Where the places are, and from where they may be opened.
    observations
        What others observed of repositories, for those that cannot be seen
        from here.
    only
        The repositories of a site that asks nobody but its own places: these,
        and the store of their records; `None`: all places are asked.
    remembers
        Whether what collections hold may be remembered of the last look, where
        a database in a file is as it was then.  Nothing that writes may: what
        a step stands on is read.
    timeout
        How long a place may be silent before it counts as unreachable.
    looks
        Whether repositories and Rucio are looked at; else only the archive and
        the stores of records are asked.
    """

    def __init__(
        self,
        desired: DesiredState,
        observations: ObservationsOfOthers | None = None,
        only: Collection[RepositoryAddress] | None = None,
        *,
        remembers: bool = False,
        timeout: timedelta = USUAL_TIMEOUT,
        looks: bool = True,
    ) -> None:
        self.timeout = timeout
        self._desired = desired
        settings = desired.settings.noun
        self._formatters = settings.formatters
        self._addresses = Addresses(desired)
        self._asking = Asking(timeout, only, looks=looks)
        self._stores = RecordStores(self._addresses, self._asking)
        self._others = ObservedByOthers(
            observations or ObservationsOfOthers(), self._addresses, self._stores, desired
        )
        self._repository_settings = Settings(settings.formatters, remembers)
        self._repositories: dict[RepositoryAddress, RepositoryPlace] = {}
        self._archive = ArchivePlace(self._addresses, self._asking)
        self._rucio = RucioPlace(settings.rucio, self._asking) if settings.rucio else None
        self._watch: Watch = unwatched
        self._as_last_seen = False
        """Whether repositories that were seen too long ago are as then."""
        self._sources = SourcePlaces(self._addresses, self._asking, self._tell)

    @property
    def silences(self) -> Silences:
        """What said nothing in this run."""
        return self._asking.silences

    def _repository(self, address: RepositoryAddress) -> RepositoryPlace:
        place = RepositoryPlace(
            address, self._repository_settings, self._addresses, self._asking, self._others
        )
        return self._repositories.setdefault(address, place)

    # Repositories

    def butler(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, opened for reading, or as others saw it."""
        place = self._repository(address)
        if self._as_last_seen:
            last_seen = place.last_seen()
            if last_seen:
                return last_seen
        return place.reader()

    def sight_instead(self, address: RepositoryAddress) -> Sight | None:
        """Return the sight of the look that stands in for a repository.

        Returns
        -------
        Sight or None
            `None`: the repository is looked at, or what others observed has
            no sight.

        Raises
        ------
        UnreachableError
            Nobody saw it.
        """
        place = self._repository(address)
        if self._as_last_seen and place.seen_too_long_ago():
            return place.sight_last_seen()
        return place.sight()

    def seen_too_long_ago(self) -> tuple[RepositoryAddress, ...]:
        """Return the repositories of which only old observations tell."""
        addresses = sorted(self._repositories)
        return tuple(address for address in addresses if self._repositories[address].seen_too_long_ago())

    def is_by_sight(self, address: RepositoryAddress) -> bool:
        """Say whether a repository was seen by a sight, small.

        Parameters
        ----------
        address
            One that was looked at.
        """
        return self._repository(address).is_by_sight

    def as_last_seen(self) -> Places:
        """Return the same places, those that were seen too long ago as then.

        What they tell is no ground for a state, a step or an exit code.
        """
        places = copy(self)
        places._as_last_seen = True
        return places

    def change_butler(self, address: RepositoryAddress) -> ButlerWriter:
        """Return a repository, opened for writing."""
        return self._repository(address).writer()

    def recover(self, address: RepositoryAddress) -> None:
        """Undo what a killed writer left half done in a repository."""
        self._repository(address).recover()

    def exclude_others(self, address: RepositoryAddress) -> AbstractContextManager[Callable[[], None]]:
        """Keep away also who keeps locks elsewhere, where the database can."""
        return self._repository(address).exclude_others()

    def identity(self, address: RepositoryAddress) -> str:
        """Return what tells one butler from another, without opening it."""
        return self._repository(address).identity()

    def pipelines(self, address: RepositoryAddress) -> PipelineReader:
        """Return a repository in which pipelines are looked at."""
        return self._repository(address).pipelines()

    def run_pipelines(self, address: RepositoryAddress) -> PipelineRunner:
        """Return a repository in which pipelines are run."""
        return self._repository(address).pipeline_runner()

    def construction(self, address: RepositoryAddress) -> ConstructionReader:
        """Return a repository, to look at what was made there."""
        return self._repository(address).construction()

    def retention(self, address: RepositoryAddress) -> RetentionReader:
        """Return a repository as it is now, to look at all that it keeps."""
        return self._repository(address).retention()

    def batches(self, address: RepositoryAddress) -> BatchRunner:
        """Return what runs the templates for a repository."""
        return self._repository(address).batches()

    def daily_records(self, address: RepositoryAddress, instrument: str) -> DailyRecords:
        """Return what is kept of an instrument's daily verification."""
        return KeptDaily(self._addresses.records(address), instrument, self._asking)

    def commands(self, address: RepositoryAddress) -> ButlerCommands:
        """Return the ``butler`` of a site, to see what commands it has."""
        return self._repository(address).commands()

    def packages(self, address: RepositoryAddress) -> DataPackages:
        """Return the packages that are set up for the ``butler`` of a site."""
        return self._repository(address).packages()

    def run_commands(self, address: RepositoryAddress) -> CommandRunner:
        """Return the ``butler`` of a site, to run its commands."""
        return self._repository(address).commands()

    def table(self, name: str) -> FileTable:
        """Return a table of files of the state tree."""
        from ..adapters.filetables import read_table

        return read_table(Path(self._desired.root), name)

    # Stores of readings

    @contextmanager
    def telling(self, watch: Watch) -> Iterator[None]:
        """Have somebody told how many files of readings were opened.

        Parameters
        ----------
        watch
            Told while the context lasts.
        """
        self._watch = watch
        try:
            yield
        finally:
            self._watch = unwatched

    def _tell(self, what: str, done: int, total: int) -> None:
        self._watch(what, done, total)

    def source(self, uri: str) -> SourceStore:
        """Return a store to which instruments write their readings."""
        return self._sources.open(uri)

    # The archive and Rucio

    def archive(self) -> ArchiveWriter:
        """Return the archive."""
        return self._archive.open()

    def change_archive(self) -> ArchiveWriter:
        """Return the archive, to add to."""
        return self._archive.open()

    def rucio(self) -> RucioWriter:
        """Return Rucio."""
        assert self._rucio, "what goes by Rucio is declared with settings only"
        return self._rucio.open()

    def change_rucio(self) -> RucioWriter:
        """Return Rucio, to add to."""
        return self.rucio()

    def shared(self) -> tuple[str, ...]:
        """Return the places that sites share, as far as they are asked."""
        if self._asking.only is not None:
            return ()
        return (ARCHIVE, RUCIO) if self._rucio else (ARCHIVE,)

    # Records

    def records(self, place: str) -> Records:
        """Return where the locks and the journal of a place are kept."""
        return self._stores.of(place).records()

    def stores_of_records(self) -> tuple[str, ...]:
        """Return the stores that keep locks and journals, each once."""
        only = self._asking.only
        places = (ARCHIVE, *self._desired.repositories) if only is None else only
        return tuple(store.uri for store in self._stores.of_all(places))

    def past_runs(self, store: str, since: str) -> list[PastRun]:
        """Return the runs that a store keeps, the newest first.

        Parameters
        ----------
        store
            One of `stores_of_records`.
        since
            Leave out what began before, as ``YYYYMMDDTHHMMSSZ``.
        """
        return self._stores.at(store).past_runs(since)

    def past_run(self, name: str) -> PastRun | None:
        """Return a run by its name; `None`: no store keeps it."""
        for store in self.stores_of_records():
            if run := self._stores.at(store).past_run(name):
                return run
        return None

    def entered(self, chain: Address, children: Collection[str]) -> Since:
        """Return since when a child of a chain is searched, by the journals.

        Parameters
        ----------
        chain
            The chain, in a repository.
        children
            Names by which it may stand there.
        """
        return self._stores.of(chain.place).entered(chain, children)

    def publish(self, address: RepositoryAddress, observation: bytes) -> None:
        """Keep what a repository showed, for those who cannot see it."""
        self._stores.of(address).publish(address, observation)

    def publish_sight(self, sight: Sight) -> None:
        """Keep what a repository showed, small; for good where it is new."""
        self._stores.of(sight.address).publish_sight(sight)

    def sight(self, address: RepositoryAddress) -> Sight | None:
        """Return what a repository showed last, by what was published of it.

        The repository itself is not asked.  Where an older version published
        an observation only, the sight is made of its rows, which takes a
        while.

        Returns
        -------
        Sight or None
            `None`: nothing was published.

        Raises
        ------
        UnreachableError
            It cannot be read, or is of another butler.
        """
        store = self._store_to_read(address)
        sight = store.sight(address)
        if sight is None:
            sight = self._sight_of_observation(store, address)
        if sight:
            self.check_butler(sight)
        return sight

    def check_butler(self, sight: Sight, *others: DesiredState) -> None:
        """Refuse what was seen of another butler than is declared.

        Parameters
        ----------
        sight
            Of a declared repository.
        *others
            What was declared at other times, by which it may be as well.

        Raises
        ------
        UnreachableError
            It is of another butler.
        """
        address = sight.address
        for desired in (self._desired, *others):
            if address not in desired.repositories:
                continue
            if sight.butler == Addresses(desired).butler_digest(address):
                return
        raise UnreachableError(
            Diagnostic(
                "Sight of another butler",
                f"what was published of {address} at {sight.at} is of another butler.",
                hint=f"Observe again there: calibstate observe --repository {address} --publish.",
            )
        )

    def publish_exposures(self, exposures: ExposuresDocument) -> None:
        """Keep which exposures a repository has, night by night."""
        self._stores.of(exposures.address).publish_exposures(exposures)

    def exposures(self, address: RepositoryAddress) -> ExposuresDocument | None:
        """Return which exposures a repository has, by what was published.

        The repository itself is not asked.

        Returns
        -------
        ExposuresDocument or None
            `None`: nobody published them.

        Raises
        ------
        UnreachableError
            They cannot be read, or are of another butler.
        """
        exposures = self._store_to_read(address).exposures(address)
        if exposures and exposures.butler != self._addresses.butler_digest(address):
            raise UnreachableError(
                Diagnostic(
                    "Exposures of another butler",
                    f"the exposures of {address} that were published at {exposures.at} are of another one.",
                    hint=f"Observe again there: calibstate observe --repository {address} --publish.",
                )
            )
        return exposures

    def sights(self, address: RepositoryAddress) -> SightHistory:
        """Return what a repository showed whenever that changed.

        Raises
        ------
        UnreachableError
            It cannot be read.
        """
        return self._store_to_read(address).sights(address)

    def _store_to_read(self, address: RepositoryAddress) -> RecordStore:
        store, only = self._stores.of(address), self._asking.only
        if only is not None and store not in self._stores.of_all(only):
            raise not_asked(f"what {address} published")
        return store

    def _sight_of_observation(self, store: RecordStore, address: RepositoryAddress) -> Sight | None:
        try:
            observation = store.published(address)
        except InvalidStateError as error:
            raise UnreachableError(*error.diagnostics) from None
        if observation is None:
            return None
        return self.sight_of(observation)

    def sight_of(self, observation: Observation) -> Sight:
        """Return what came of what was observed of a repository.

        Parameters
        ----------
        observation
            Of one of the declared repositories.
        """
        return self._made_sight(observation, lambda runs: {})

    def _made_sight(self, observation: Observation, arrivals: Arrivals) -> Sight:
        # With this numpy is imported.
        from ..adapters.recorded import RecordedButler
        from ..lookups.sights import Taken, sight_of

        taken = Taken(
            observation.at,
            observation.version,
            observation.declared,
            observation.butler,
            observation.collections,
            observation.skymaps,
        )
        butler = RecordedButler(observation)
        return sight_of(self._desired, observation.address, butler, taken, arrivals)

    def publish_review(self, review: PublishedReview) -> None:
        """Keep what a review showed, for the waves that come after."""
        self._stores.of(review.address).publish_review(review)

    def published_review(self, address: RepositoryAddress) -> PublishedReview | None:
        """Return what was published of reviews there; `None`: nothing was."""
        return self._store_to_read(address).published_review(address)

    def publish_watch(self, state: WatchState) -> None:
        """Keep how the loop of a site goes on, in its records."""
        self._of_site(state.site).publish_watch(state)

    def watch(self, site: str) -> WatchState | None:
        """Return how the loop of a site goes on; `None`: it has none."""
        return self._of_site(site).watch(site)

    def _of_site(self, site: str) -> RecordStore:
        """Return the records of a site."""
        declared = self._desired.sites[site].noun
        first = next(iter(declared.repositories))
        return self._stores.of(declared.address(first))

    # Looks at the places themselves

    def doors(self, addresses: Collection[RepositoryAddress]) -> dict[str, Callable[[], object]]:
        """Return what asks each store whether it is there, by its name.

        Parameters
        ----------
        addresses
            The repositories that a command looks at or changes; of others
            only the configuration is looked at.
        """
        doors: dict[str, Callable[[], object]] = {}
        for address in self._desired.repositories:
            look = self.butler if address in addresses else self.identity
            doors[address] = partial(look, address)
        doors[ARCHIVE] = lambda: self.archive().bundles(())
        if self._rucio:
            doors[RUCIO] = lambda: self.rucio().account
        # One question is enough for all that one server keeps.
        knocked = {self._archive.server}
        for store in self._stores_to_read(addresses):
            if self._asking.only is not None or store.server not in knocked:
                doors[store.name] = store.look
            knocked.add(store.server)
        return doors

    def _stores_to_read(self, addresses: Collection[RepositoryAddress]) -> tuple[RecordStore, ...]:
        """Return the stores of records that a command may read, each once."""
        if self._asking.only is not None:
            return self._stores.of_all(addresses)
        # Whether a wave is open depends on what the waves before published.
        sites_in_waves = {site for wave in self._desired.settings.noun.waves for site in wave}
        earlier = [a for a in self._desired.repositories if a.site in sites_in_waves]
        return self._stores.of_all([*addresses, *earlier])

    def examine(self, place: str) -> Examined:
        """Look at a place or a store of records; nothing is written."""
        if place == RUCIO and self._rucio:
            return self._rucio.examine()
        if place in self._desired.repositories:
            return self._repository(RepositoryAddress(place)).examine()
        if place == ARCHIVE:
            return self._archive.examine()
        return self._stores.at(place).examine()

    def seen(self, unreachable: Collection[str] = ()) -> SeenPlaces:
        """Return when each repository was seen, and by whom.

        Parameters
        ----------
        unreachable
            Places that said nothing, perhaps in the midst of a look: nobody
            saw those now, whatever they answered before.
        """
        now, declared = clock.now(), self._desired.digest
        places: dict[RepositoryAddress, Seen] = {}
        for address in sorted(self._repositories):
            age = self._repositories[address].seen(now, declared)
            if age is None:
                continue
            if age.is_live and address in unreachable:
                continue
            places[address] = age
        return places

    def relied_on(self) -> tuple[Diagnostic, ...]:
        """Return what a person should know of how places were seen."""
        now, declared = clock.now(), self._desired.digest
        repositories = [self._repositories[address] for address in sorted(self._repositories)]
        notes = [repository.note_of_others(now, declared) for repository in repositories]
        notes += [repository.note_of_server() for repository in repositories]
        return (*(note for note in notes if note), *self.slow_looks())

    def slow_looks(self) -> tuple[Diagnostic, ...]:
        """Return why looks took longer than they might, in details."""
        repositories = [self._repositories[address] for address in sorted(self._repositories)]
        notes = [repository.note_of_slow_looks() for repository in repositories]
        notes.append(self._note_of_slow_index())
        return tuple(note for note in notes if note)

    def _note_of_slow_index(self) -> Diagnostic | None:
        if self._addresses.slow_index is None:
            return None
        return Diagnostic(
            "Read by the butler",
            f"{self._addresses.slow_index}: the labels of repositories are read by the butler, which takes "
            "longer.",
            severity=Severity.DETAIL,
        )

    # This host

    def versions_here(self) -> tuple[str, ...]:
        """Return the versions of what the places are asked with."""
        return host.versions_here()

    def cache(self) -> str:
        """Return where looks are remembered, or why they are not, in words."""
        return host.cache_in_words()

    def checked_out(self) -> CheckedOut:
        """Return from which commit the tree is."""
        return host.checked_out_here(self._desired.root)

    def missing_formatters(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the classes that cannot be imported here, and why."""
        return host.missing_formatters(names, self._formatters)


class RecordingPlaces(Places):
    """The real places; the repositories keep what they answer."""

    @override
    def butler(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, opened for reading, that keeps its answers."""
        return self._recording(address)

    def observation(self, address: RepositoryAddress) -> Observation:
        """Return all that a repository answered.

        Raises
        ------
        UnreachableError
            It gave a name that cannot be written down.
        """
        return self._recording(address).observation(
            address,
            butler=self._addresses.butler_digest(address),
            version=__version__,
            declared=self._desired.digest,
        )

    def exposures_of(self, observation: Observation) -> ExposuresDocument:
        """Return which exposures a repository has that was observed here.

        Raises
        ------
        UnreachableError
            It does not answer any more.
        """
        address = observation.address
        butler = self._recording(address)
        _, repository = self._desired.repository(address)
        nights: dict[InstrumentName, tuple[NightOfExposures, ...]] = {}
        for instrument in sorted(repository.instruments):
            nights[instrument] = tuple(butler.nights(instrument))
        try:
            return ExposuresDocument(
                address=address,
                at=observation.at,
                version=observation.version,
                butler=observation.butler,
                nights=nights,
            )
        except ValidationError:
            detail = f"the exposures of {address} have words or days that cannot be written down"
            raise UnreachableError(Diagnostic("Exposures cannot be written down", detail)) from None

    @override
    def sight_of(self, observation: Observation) -> Sight:
        """Return what came of what was observed here, with arrivals.

        Raises
        ------
        UnreachableError
            It does not answer any more.
        """
        arrivals = self._recording(observation.address).ingested
        return self._made_sight(observation, arrivals)

    def _recording(self, address: RepositoryAddress) -> RecordingButler:
        from ..adapters.recorded import RecordingButler

        began = stamp(clock.now())
        live = super().butler(address)
        return self._recordings.setdefault(address, RecordingButler(live, began))

    @cached_property
    def _recordings(self) -> dict[RepositoryAddress, RecordingButler]:
        return {}

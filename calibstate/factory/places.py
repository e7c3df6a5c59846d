"""Builds places from what is declared."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import override

from .. import __version__
from ..engine.side_by_side import InTime
from ..errors import (
    CalibstateError,
    Diagnostic,
    InvalidStateError,
    NeedsRecoveryError,
    RefusedError,
    Severity,
    UnreachableError,
    without_secrets,
)
from ..model.checkups import Examined
from ..model.desired import DesiredState
from ..model.explanations import Since
from ..model.fingerprints import digest_of_lines
from ..model.history import PastRun, entered
from ..model.names import ARCHIVE, RUCIO, Address, RepositoryAddress
from ..model.observations import Hearsay, Observation, duration, stamp
from ..model.repositories import Site
from ..model.reviews import PublishedReview
from ..model.revisions import CheckedOut
from ..ports.archive import ArchiveWriter
from ..ports.butler import ButlerReader, ButlerWriter
from ..ports.pipelines import PipelineReader, PipelineRunner
from ..ports.places import Records
from ..ports.rucio import RucioWriter
from ..ports.silence import USUAL_TIMEOUT, Silences, at_work
from ..store import reviewfile
from .past import checked_out
from .timely import AskedFirst, TimelyJournal, TimelyLocks

__all__ = ["Places", "RecordingPlaces", "check_middleware", "sites_here"]

_T = TypeVar("_T")


def check_middleware() -> None:
    """Refuse to go on where there is nothing to run pipelines with.

    Raises
    ------
    RefusedError
        ``lsst.pipe.base`` is not installed.
    """
    from ..adapters import pipelines

    pipelines.check_middleware()


class Places:
    """The real places of a declared state.

    Parameters
    ----------
    desired
        Where the places are, and from where they may be opened.
    hearsay
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
    """

    def __init__(
        self,
        desired: DesiredState,
        hearsay: Hearsay | None = None,
        only: Collection[RepositoryAddress] | None = None,
        *,
        remembers: bool = False,
        timeout: timedelta = USUAL_TIMEOUT,
    ) -> None:
        self._desired = desired
        self._hearsay = hearsay or Hearsay()
        self._only = only
        self._remembers = remembers
        self.timeout = timeout
        self.silences = Silences(timeout)
        """What said nothing in this run."""
        self._relied_on: dict[RepositoryAddress, tuple[Any, str]] = {}
        self._opened: dict[tuple[str, str], Any] = {}
        self._opening = threading.Lock()

    def butler(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, opened for reading, or as others saw it."""
        reader: ButlerReader = self._once("read", address, lambda: self._seen(address))
        # What is asked of it from now on counts for it alone: a database that
        # somebody has locked says nothing of the others of its server.
        if address not in self._relied_on:
            self.silences.ask(address, address)
        return reader

    def relied_on(self) -> tuple[Diagnostic, ...]:
        """Return what a person should know of places that others saw."""
        now = datetime.now(UTC)
        relied_on = [self._relied_on[address] for address in sorted(self._relied_on)]
        digest = self._desired.digest
        observed = [_as_told(self._hearsay, butler, why, now, digest) for butler, why in relied_on]
        of_servers = (_of_a_server(address) for address in self._servers())
        return (*observed, *of_servers, *(_by_the_butler(address, why) for address, why in self._aside()))

    def _aside(self) -> list[tuple[RepositoryAddress, str]]:
        """Return the repositories that only the butler can read, and why."""
        readers = {what: opened for (how, what), opened in self._opened.items() if how == "read"}
        aside = {address: getattr(reader, "aside", None) for address, reader in readers.items()}
        return sorted((RepositoryAddress(address), why) for address, why in aside.items() if why)

    def _servers(self) -> list[RepositoryAddress]:
        """Return the repositories that were read through a butler server."""
        readers = {what: opened for (how, what), opened in self._opened.items() if how == "read"}
        servers = [what for what, reader in readers.items() if getattr(reader, "is_server", False)]
        return sorted(map(RepositoryAddress, servers))

    def change_butler(self, address: RepositoryAddress) -> ButlerWriter:
        """Return a repository, opened for writing."""
        from ..adapters.butler import open_writer

        if ("write", address) not in self._opened:
            self._once(
                "write", address, partial(open_writer, self._uri(address), self._formatters, self.timeout)
            )
            # The first writer of a repository makes tables, of which a
            # reader from before it knows nothing.
            self._opened.pop(("read", address), None)
        self.silences.ask(address, address)
        writer: ButlerWriter = self._opened["write", address]
        return writer

    def recover(self, address: RepositoryAddress) -> None:
        """Undo what a killed writer left half done in a repository."""
        from ..adapters.butler import clear_leftovers, recover

        recover(self._uri(address), self.timeout)
        clear_leftovers(self._uri(address), self.timeout)

    def exclude_others(self, address: RepositoryAddress) -> AbstractContextManager[Callable[[], None]]:
        """Keep away also who keeps locks elsewhere, where the database can."""
        from ..adapters.butler import exclude_others

        return exclude_others(self._uri(address), address, self.timeout)

    def identity(self, address: RepositoryAddress) -> str:
        """Return what tells one butler from another, without opening it."""
        from ..adapters.repositories import identity

        return self._in_time(address, lambda: identity(self._uri(address)))

    def archive(self) -> ArchiveWriter:
        """Return the archive."""
        with at_work():
            from ..adapters.archive import Archive

        uri = self._from_root(self._desired.settings.noun.archive)
        asking = partial(self._asking_for_all, _server_of(uri), ARCHIVE)
        in_time = InTime(ARCHIVE, self.silences, _server_of(uri))
        archive: ArchiveWriter = self._once(
            "archive",
            ARCHIVE,
            lambda: AskedFirst(Archive(uri, in_time=in_time, timeout=self.timeout), asking),
        )
        return archive

    change_archive = archive

    def rucio(self) -> RucioWriter:
        """Return Rucio."""
        with at_work():
            from ..adapters.rucio import open_rucio

        settings = self._desired.settings.noun.rucio
        assert settings, "what goes by Rucio is declared with settings only"
        asking = partial(self._asking_for_all, RUCIO, RUCIO)
        with asking():
            rucio: RucioWriter = self._once(
                "rucio", RUCIO, lambda: AskedFirst(open_rucio(settings, timeout=self.timeout), asking)
            )
        return rucio

    change_rucio = rucio

    def pipelines(self, address: RepositoryAddress) -> PipelineReader:
        """Return a repository in which pipelines are looked at."""
        from ..adapters.pipelines import open_pipeline_reader

        reader: PipelineReader = self._once(
            "pipelines", address, lambda: open_pipeline_reader(self._uri(address), self.timeout)
        )
        return reader

    def run_pipelines(self, address: RepositoryAddress) -> PipelineRunner:
        """Return a repository in which pipelines are run."""
        from ..adapters.pipelines import open_pipeline_runner

        runner: PipelineRunner = self._once(
            "run pipelines", address, lambda: open_pipeline_runner(self._uri(address), self.timeout)
        )
        return runner

    def records(self, place: str) -> Records:
        """Return where the locks and the journal of a place are kept."""
        with at_work():
            from ..adapters.locks import open_locks
            from ..adapters.records import open_journal

        uri = self._records_uri(place)

        def timely() -> Records:
            asking = self._asking_records(uri)
            return Records(
                TimelyLocks(open_locks(uri, timeout=self.timeout), asking),
                TimelyJournal(open_journal(uri, timeout=self.timeout), asking),
            )

        made: Records = self._once("records", uri, timely)
        return made

    def doors(self, asked: Collection[RepositoryAddress]) -> dict[str, Callable[[], object]]:
        """Return what asks each store whether it is there, by its name.

        Parameters
        ----------
        asked
            The repositories that a command looks at or changes; of others
            only the configuration is looked at.
        """
        doors: dict[str, Callable[[], object]] = {}
        for address in self._desired.repositories:
            look = self.butler if address in asked else self.identity
            doors[address] = partial(look, address)
        doors[ARCHIVE] = lambda: self.archive().bundles(())
        if self._desired.settings.noun.rucio:
            doors[RUCIO] = lambda: self.rucio().account
        # One question is enough for all that one server keeps.
        knocked = {_server_of(self._from_root(self._desired.settings.noun.archive))}
        for uri in self._stores_to_read(asked):
            if self._only is not None or _server_of(uri) not in knocked:
                doors[_records(uri)] = partial(
                    self._asking_records(uri), partial(_look_at_store, uri, self.timeout)
                )
            knocked.add(_server_of(uri))
        return doors

    def _stores_to_read(self, asked: Collection[RepositoryAddress]) -> list[str]:
        """Return the stores of records that a command may read, each once."""
        waves = {site for wave in self._desired.settings.noun.waves for site in wave}
        earlier = [a for a in self._desired.repositories if a.partition("/")[0] in waves]
        known = asked if self._only is not None else (*asked, *earlier)
        return list(dict.fromkeys(self._records_uri(address) for address in known))

    def shared(self) -> tuple[str, ...]:
        """Return the places that sites share, as far as they are asked."""
        if self._only is not None:
            return ()
        return (ARCHIVE, RUCIO) if self._desired.settings.noun.rucio else (ARCHIVE,)

    def stores_of_records(self) -> tuple[str, ...]:
        """Return the stores that keep locks and journals, each once."""
        places = (ARCHIVE, *self._desired.repositories) if self._only is None else self._only
        return tuple(dict.fromkeys(self._records_uri(place) for place in places))

    @contextmanager
    def _asking_for_all(self, store: str, place: str) -> Iterator[None]:
        """Ask a place that several sites share."""
        if self._only is not None:
            raise _not_asked(place)
        with self.silences.asking(store, place):
            yield

    def _asking_records(self, uri: str, what: str | None = None) -> InTime:
        """Return what asks a store of records.

        Parameters
        ----------
        uri
            The store.
        what
            What messages call it; the records in it unless told.
        """
        return InTime(what or _records(uri), self.silences, _server_of(uri))

    def examine(self, place: str) -> Examined:
        """Look at a place or a store of records; nothing is written."""
        with at_work():
            from ..adapters.checkup import examine_store
            from ..adapters.repositories import open_reader
            from ..adapters.rucio import examine as examine_rucio
        settings = self._desired.settings.noun
        if place == RUCIO and settings.rucio:
            with self.silences.asking(RUCIO, RUCIO):
                return examine_rucio(settings.rucio.scope, self.timeout)
        if place in self._desired.repositories:
            # What was opened a moment ago to plan is not opened again.
            opened: Any = self._opened.get(("read", place))
            if hasattr(opened, "examine"):
                examined: Examined = opened.examine()
                return examined
            with (
                self.silences.asking(place, place),
                closing(open_reader(self._uri(RepositoryAddress(place)), timeout=self.timeout)) as reader,
            ):
                # Nothing was looked at yet, so nothing can have failed.
                reader.probe()
                return reader.examine()
        uri = self._from_root(settings.archive) if place == ARCHIVE else place
        with self.silences.asking(_server_of(uri), place):
            return examine_store(uri, self.timeout)

    def versions_here(self) -> tuple[str, ...]:
        """Return the versions of what the places are asked with."""
        from ..adapters.checkup import versions_here

        return f"calibstate {__version__}", *versions_here()

    def cache(self) -> str:
        """Return where looks are remembered, or why they are not, in words."""
        from ..adapters.repositories import digests_cache

        cache = digests_cache()
        if cache is None:
            return "no look is remembered: neither XDG_CACHE_HOME nor HOME says where"
        if not cache.is_usable:
            return f"no look is remembered: {cache.path} is not a folder of ours alone"
        return f"looks at SQLite are remembered in {cache.path}"

    def checked_out(self) -> CheckedOut:
        """Return from which commit the tree is."""
        from ..adapters.git import why_not_here

        if why := why_not_here():
            return CheckedOut(unknown=why)
        return checked_out(self._desired.root)

    def missing_formatters(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the classes that cannot be imported here, and why."""
        from ..adapters.butler import why_not_usable

        return {name: why for name in sorted(set(names)) if (why := why_not_usable(name, self._formatters))}

    def past_runs(self, store: str, since: str) -> list[PastRun]:
        """Return the runs that a store keeps, the newest first.

        Parameters
        ----------
        store
            One of `stores_of_records`.
        since
            Leave out what began before, as ``YYYYMMDDTHHMMSSZ``.
        """
        from ..adapters.journals import past_runs

        return self._asking_records(store)(lambda: list(past_runs(store, since, timeout=self.timeout)))

    def past_run(self, name: str) -> PastRun | None:
        """Return a run by its name; `None`: no store keeps it."""
        from ..adapters.journals import past_run

        found = (
            self._asking_records(store)(partial(past_run, store, name, timeout=self.timeout))
            for store in self.stores_of_records()
        )
        return next((run for run in found if run), None)

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

        uri = self._records_uri(chain.place)
        try:
            return self._asking_records(uri)(
                lambda: entered(past_runs(uri, timeout=self.timeout), str(chain), children)
            )
        except CalibstateError as error:
            return Since(unknown=f"the journals cannot be read: {error.diagnostics[0].detail}")

    def publish(self, address: RepositoryAddress, observation: bytes) -> None:
        """Keep what a repository showed, for those who cannot see it."""
        from ..adapters.records import publish

        uri = self._records_uri(address)
        self._asking_records(uri)(lambda: publish(uri, address, observation, timeout=self.timeout))

    def publish_review(self, review: PublishedReview) -> None:
        """Keep what a review showed, for the waves that come after."""
        from ..adapters.records import publish_review

        def over(before: bytes | None) -> bytes:
            try:
                older = reviewfile.loads(before, review.address) if before else None
            except InvalidStateError:
                older = None  # What nobody can read opens no wave.
            return reviewfile.dumps(review.after(older) if older else review)

        uri = self._records_uri(review.address)
        self._asking_records(uri)(lambda: publish_review(uri, review.address, over, timeout=self.timeout))

    def published_review(self, address: RepositoryAddress) -> PublishedReview | None:
        """Return what was published of reviews there; `None`: nothing was."""
        from ..adapters.records import published_review

        uri = self._records_uri(address)
        if self._only is not None and uri not in map(self._records_uri, self._only):
            raise _not_asked(f"what {address} published")
        try:
            asking = self._asking_records(uri, f"what {address} published")
            data = asking(lambda: published_review(uri, address, timeout=self.timeout))
            return reviewfile.loads(data, address) if data else None
        except InvalidStateError as error:
            raise UnreachableError(*error.diagnostics) from None

    @property
    def _formatters(self) -> tuple[str, ...]:
        return self._desired.settings.noun.formatters

    def _seen(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, and what others saw of it only if need be."""
        from ..adapters.repositories import digests_cache, open_reader, server_of

        def opened() -> ButlerReader:
            uri = self._uri(address)
            store = server_of(uri)
            with self.silences.asking(store, address):
                in_time = InTime(address, self.silences, store)
                return open_reader(
                    uri,
                    self._formatters,
                    in_time,
                    digests_cache() if self._remembers else None,
                    self.timeout,
                )

        try:
            return self._in_time(address, opened)
        except NeedsRecoveryError:
            raise  # It is within reach, and was changed since anyone saw it.
        except UnreachableError as error:
            unseen = error
        from ..adapters.recorded import RecordedButler

        butler = RecordedButler(self._told(address, unseen))
        self._relied_on[address] = butler, unseen.diagnostics[0].detail
        return butler

    def _in_time(self, address: RepositoryAddress, ask: Callable[[], _T]) -> _T:
        """Ask a repository, unless it said nothing before."""
        if self._only is not None and address not in self._only:
            raise _not_asked(address)
        return InTime(address, self.silences, address)(ask)

    def _told(self, address: RepositoryAddress, unseen: UnreachableError) -> Observation:
        """Return the newest observation of a place.

        Raises
        ------
        UnreachableError
            There is none, or none that may be relied on.
        """
        given = self._hearsay.given.get(address)
        try:
            found = [told for told in (given, self._published(address, unseen)) if told]
        except UnreachableError:
            if given is None:
                raise
            found = [given]
        if not found:
            raise unseen
        newest = max(found, key=lambda told: told.moment)
        if newest.butler != self._butler_digest(address):
            raise _unseen(unseen, f"the observation of {newest.at} is of another butler; observe again there")
        if self._hearsay.to_act and (doubt := self._hearsay.doubt(newest, datetime.now(UTC))):
            raise _unseen(unseen, f"the observation of {newest.at} {doubt}; observe again there")
        return newest

    def _published(self, address: RepositoryAddress, unseen: UnreachableError) -> Observation | None:
        if not self._hearsay.published:
            return None
        from ..adapters.records import published
        from ..store import observationfile

        uri = self._records_uri(address)
        try:
            with self.silences.asking(_server_of(uri), _records(uri)):
                data = published(uri, address, limit=observationfile.LARGEST, timeout=self.timeout)
            if data is None:
                raise _unseen(unseen, "nobody published an observation of it")
            (told,) = observationfile.loads(data, "what was published of it", of=address)
        except UnreachableError:
            raise
        except CalibstateError as error:
            # What one site published must not cost the others theirs.
            raise _unseen(unseen, error.diagnostics[0].detail) from None
        return told

    def _butler_digest(self, address: RepositoryAddress) -> str:
        return digest_of_lines([self._desired.repository(address)[1].butler])

    def _once(self, how: str, what: str, make: Callable[[], Any]) -> Any:
        if (how, what) not in self._opened:
            made = make()
            with self._opening:
                self._opened.setdefault((how, what), made)
        return self._opened[how, what]

    def _uri(self, address: RepositoryAddress) -> str:
        from ..adapters.repositories import resolve

        if address not in self._desired.repositories:
            # Nobody but the writer of a plan file of his own names one.
            raise RefusedError(
                Diagnostic(
                    "Repository is not declared",
                    f"No site declares {address!r}.",
                    hint="Make the plan again with `calibstate plan -o FILE`.",
                )
            )
        site, repository = self._desired.repository(address)
        if _is_local(repository.butler) and not _is_here(site):
            raise UnreachableError(
                Diagnostic(
                    "Repository cannot be seen from here",
                    f"seen only from {site.site}",
                    self._desired.sites[site.site].lines.at("hosts"),
                    hint=f"Run this on one of its hosts, or set CALIBSTATE_HERE={site.site} if this is one.",
                )
            )
        return resolve(repository.butler, str(Path(self._desired.root) / "sites"))

    def _records_uri(self, place: str) -> str:
        site = self._desired.sites.get(place.partition("/")[0])
        if site and site.noun.records:
            return _absolute(site.noun.records, str(Path(self._desired.root) / "sites"))
        return self._from_root(self._desired.settings.noun.records)

    def _from_root(self, uri: str) -> str:
        return _absolute(uri, self._desired.root)


class RecordingPlaces(Places):
    """The real places; the repositories keep what they answer."""

    @override
    def butler(self, address: RepositoryAddress) -> ButlerReader:
        """Return a repository, opened for reading, that keeps its answers."""
        reader: ButlerReader = self._recording(address)
        return reader

    def observation(self, address: RepositoryAddress) -> Observation:
        """Return all that a repository answered.

        Raises
        ------
        UnreachableError
            It gave a name that cannot be written down.
        """
        told: Observation = self._recording(address).observation(
            address,
            butler=self._butler_digest(address),
            version=__version__,
            declared=self._desired.digest,
        )
        return told

    def _recording(self, address: RepositoryAddress) -> Any:
        from ..adapters.recorded import RecordingButler

        began = stamp(datetime.now(UTC))
        live = super().butler(address)
        return self._once("record", address, lambda: RecordingButler(live, began))


def _records(uri: str) -> str:
    """Return what messages call a store of locks and journals."""
    return f"the records in {without_secrets(uri)}"


def _look_at_store(uri: str, timeout: timedelta) -> None:
    from ..adapters.shelves import open_shelf

    open_shelf(uri, timeout).look()


def _server_of(uri: str) -> str:
    """Return what answers for a store of files."""
    with at_work():
        from ..adapters.shelves import server_of
    return server_of(uri)


def _not_asked(place: str) -> UnreachableError:
    detail = f"{place}: it was not asked (--only-here)"
    hint = "Run this without --only-here to have it asked too."
    return UnreachableError(Diagnostic("Place was not asked", detail, hint=hint))


def _unseen(unseen: UnreachableError, why: str) -> UnreachableError:
    """Return the error that a place was not seen, and not told of either."""
    first = unseen.diagnostics[0]
    return UnreachableError(replace(first, detail=f"{first.detail}; {why}"))


def _as_told(hearsay: Hearsay, butler: Any, why: str, now: datetime, declared: str) -> Diagnostic:
    told: Observation = butler.told
    age = max(now - told.moment, timedelta())
    said = f"{told.address} is told of as it was observed at {told.at}, {duration(age)} ago ({why})"
    if told.declared != declared:
        said += "; it was made with another declaration"
    if butler.without_files:
        said += f"; the files of {len(butler.without_files)} collections were not looked at"
    if doubt := hearsay.doubt(told, now):
        return Diagnostic(
            "Old observation",
            f"{said}; that {doubt}.",
            hint=f"Observe again there: calibstate observe --repository {told.address} --publish.",
            severity=Severity.WARNING,
        )
    return Diagnostic("Seen by others", f"{said}.", severity=Severity.NOTE)


def _of_a_server(address: RepositoryAddress) -> Diagnostic:
    return Diagnostic(
        "Read through a server",
        f"{address} is a butler server: whether files are recorded and there is not known, and nothing "
        "can be changed through it.",
        severity=Severity.NOTE,
    )


def _by_the_butler(address: RepositoryAddress, why: str) -> Diagnostic:
    return Diagnostic(
        "Read by the butler",
        f"{address}: {why}. It is read as any other, and takes longer.",
        severity=Severity.DETAIL,
    )


def _is_local(butler: str) -> bool:
    """Say whether a label or a path means something at its site only."""
    if "://" in butler:
        return False
    return butler.startswith("/") or not butler.startswith(".")


def sites_here(desired: DesiredState) -> tuple[str, ...]:
    """Return the sites whose hosts this is one of, or that we are told."""
    return tuple(name for name, site in desired.sites.items() if site.noun.hosts and _is_here(site.noun))


def _is_here(site: Site) -> bool:
    if here := os.environ.get("CALIBSTATE_HERE"):
        return here == site.site or not site.hosts
    names = {socket.gethostname(), socket.getfqdn()}
    return not site.hosts or any(fnmatchcase(name, pattern) for name in names for pattern in site.hosts)


def _absolute(uri: str, folder: str) -> str:
    return uri if "://" in uri else str((Path(folder) / uri).resolve())

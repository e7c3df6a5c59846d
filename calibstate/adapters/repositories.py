"""Repositories to look at, by the quickest way that tells the same.

A plain repository is read from the tables of its registry, over a connection
of ours.  Of any other one, and for any other question, the butler is asked,
whose import takes longer than a whole look at plain ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, UnreachableError, UsageError, without_secrets
from ..model.bundles import Contents
from ..model.checkups import Examined
from ..model.contents import Holding
from ..model.exposures import NightOfExposures
from ..model.settings import RUBIN
from ..model.sights import Ingested
from ..model.timespans import Range
from ..ports.butler import (
    ButlerReader,
    DayOfExposures,
    Export,
    SeenCollection,
    SeenExposure,
    StoredFile,
    TakenExposure,
)
from ..ports.silence import USUAL_TIMEOUT, at_work
from ..store.butlerfile import labels_and_addresses
from .cachefolder import CacheFolder, cache_of_user
from .registry import connections
from .registry.connections import DatabaseError
from .registry.files import with_sizes
from .registry.on_demand import holdings_on_demand
from .registry.plain import NotPlainError, PlainRepository, known_repositories
from .registry.remembered import RememberedDigests
from .registry.tables import Snapshot
from .registry.tried import NotTriedError
from .registry.troubles import first_line, what_a_database_says

if TYPE_CHECKING:
    from .butler import DafButlerReader

__all__ = [
    "RegistryReader",
    "digests_cache",
    "identity",
    "open_reader",
    "repository_index",
    "resolve",
    "server_of",
]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

_Answer = TypeVar("_Answer")

InTime = Callable[[Callable[[], Mapping[str, Holding]]], Mapping[str, Holding]]
"""Asks a place, and waits for it no longer than a place is waited for."""


class RegistryReader(ButlerReader):
    """A plain repository, whose tables are read and whose butler sleeps.

    Parameters
    ----------
    uri
        URI or path of the repository.
    plain
        What is known of it.
    formatters
        Packages whose formatter classes may be imported.
    in_time
        Asks for rows that are fetched later, by whoever needs them.
    cache
        Where digests of collections are remembered; `None`: they are not.
    timeout
        How long its database may be silent.
    """

    def __init__(
        self,
        uri: str,
        plain: PlainRepository,
        formatters: Sequence[str] = RUBIN,
        in_time: InTime = lambda fetch: fetch(),
        cache: CacheFolder | None = None,
        timeout: timedelta = USUAL_TIMEOUT,
    ) -> None:
        self._uri = uri
        self._timeout = timeout
        self._in_time = in_time
        self._cache = cache if isinstance(plain.database, Path) else None
        self._plain = plain
        self._formatters = tuple(formatters)
        self._awake: DafButlerReader | None = None
        self.aside: str | None = None
        """Why the butler answers what tables tell elsewhere; `None`: it does
        not."""

    @property
    def is_server(self) -> bool:
        """Whether it is behind a butler server: no plain one is."""
        return False

    def check(self) -> None:
        """Look whether its tables can be read.

        Raises
        ------
        DatabaseError
            The database does not let us in, or does not answer.
        NotPlainError
            The file of database passwords cannot be used.
        NotTriedError
            These are no tables that are known.
        """
        with connections.snapshot(self._plain, self._timeout):
            pass

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        """Return those of ``names`` that exist, looked at anew."""
        wanted = list(dict.fromkeys(names))
        return self._ask(
            lambda tables: tables.collections(wanted),
            lambda butler: butler.collections(wanted),
        )

    @override
    def names_below(self, folder: str) -> Sequence[str]:
        """Return the names of collections below another name, in order."""
        # Asked once by who looks for something: the butler knows patterns.
        return self._butler.names_below(folder)

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        """Return what collections hold, all read together."""
        wanted = list(dict.fromkeys(names))
        with_files = set(files).intersection(wanted)
        if not with_files:
            return self._ask(
                lambda tables: tables.holdings(wanted, calibrations_only=calibrations_only),
                lambda butler: butler.holdings(wanted, calibrations_only=calibrations_only),
            )
        folder = self._plain.files
        # Where files are is the butler's to tell.
        if folder is None:
            self.aside = "its files are not in its own folder"
        if folder is None or calibrations_only:
            return self._butler.holdings(
                wanted,
                files=with_files,
                calibrations_only=calibrations_only,
            )
        return self._holdings_with_sizes(wanted, with_files, folder)

    def _holdings_with_sizes(
        self,
        wanted: Sequence[str],
        with_files: Collection[str],
        folder: Path,
    ) -> Mapping[str, Holding]:
        """Return what collections hold, having looked at files of some."""

        def by_butler(butler: DafButlerReader) -> Mapping[str, Holding]:
            return butler.holdings(wanted, files=with_files)

        held, records = self._ask(
            lambda tables: (
                tables.holdings(wanted, calibrations_only=False),
                tables.files(list(with_files)),
            ),
            lambda butler: (by_butler(butler), None),
        )
        if records is None:
            return held
        try:
            # The database is let go of before: files may take their time.
            return with_sizes(held, with_files, records, folder)
        except (NotPlainError, OSError) as error:
            # The butler knows other paths too, and tells of what is amiss.
            self.aside = str(error)
            return by_butler(self._butler)

    @override
    def digests(self, names: Iterable[str], *, calibrations_only: bool = False) -> Mapping[str, Holding]:
        """Return what collections hold, with rows that are fetched later."""
        wanted = list(dict.fromkeys(names))

        def fetch(some: Sequence[str]) -> Mapping[str, Holding]:
            return self._in_time(lambda: self.holdings(some, calibrations_only=calibrations_only))

        remembered = None
        if self._cache:
            remembered = RememberedDigests(self._cache, self._plain)

        def look(tables: Snapshot) -> Mapping[str, Holding]:
            if remembered:
                digests = remembered.digests(tables, wanted, calibrations_only=calibrations_only)
            else:
                digests = tables.digests(wanted, calibrations_only=calibrations_only)
            return holdings_on_demand(digests, fetch)

        held = self._ask(
            look,
            lambda butler: butler.digests(wanted, calibrations_only=calibrations_only),
        )
        if remembered:
            remembered.keep()
        return held

    @override
    def ingested(self, names: Iterable[str]) -> Mapping[str, Ingested]:
        """Return when the datasets of collections arrived."""
        wanted = list(dict.fromkeys(names))
        return self._ask(
            lambda tables: tables.ingested(wanted),
            lambda butler: butler.ingested(wanted),
        )

    @override
    def export(
        self, collections: Sequence[str], *, chain: str | None = None, to_read: bool = False
    ) -> Export:
        """Return the description of collections, and where their files are."""
        return self._butler.export(collections, chain=chain, to_read=to_read)

    @override
    def check_change(self) -> None:
        """Look whether anything can be changed here: no server is plain."""

    @override
    def check_export(self, collections: Sequence[str]) -> None:
        """Look whether collections could be exported; no file is read."""
        self._butler.check_export(collections)

    @override
    def objections(self, contents: Contents) -> Sequence[Diagnostic]:
        """Return why a bundle could not be imported, as far as it is told."""
        return self._butler.objections(contents)

    @override
    def described(self, collections: Sequence[str]) -> Contents | None:
        """Return what an export of collections would say of its datasets."""
        return self._butler.described(collections)

    @override
    def stored(self, collections: Sequence[str]) -> Sequence[StoredFile]:
        """Return the datasets of collections, each with its file."""
        return self._butler.stored(collections)

    @override
    def lookup(self, chain: str, dataset_type: str, data_id: str, span: Range) -> str | None:
        """Return the UUID that the butler's own lookup finds."""
        return self._butler.lookup(chain, dataset_type, data_id, span)

    @override
    def looking_up(self) -> AbstractContextManager[None]:
        """Return a span in which many lookups are quicker."""
        return self._butler.looking_up()

    @override
    def runs(self, uuids: Iterable[str]) -> Mapping[str, str]:
        """Return the RUN of each dataset; unknown ones are left out."""
        wanted = list(dict.fromkeys(uuids))
        return self._ask(
            lambda tables: tables.runs(wanted),
            lambda butler: butler.runs(wanted),
        )

    @override
    def detectors(self, instrument: str) -> Mapping[int, str]:
        """Return the full name of each detector."""
        return self._ask(
            lambda tables: tables.detectors(instrument),
            lambda butler: butler.detectors(instrument),
        )

    @override
    def filters(self, instrument: str) -> Mapping[str, str]:
        """Return the band of each physical filter."""
        return self._ask(
            lambda tables: tables.filters(instrument),
            lambda butler: butler.filters(instrument),
        )

    @override
    def instruments(self) -> Sequence[str]:
        """Return the names of all instruments that are registered, sorted."""
        return self._ask(
            lambda tables: tables.instruments(),
            lambda butler: butler.instruments(),
        )

    @override
    def skymaps(self) -> Mapping[str, str]:
        """Return the hash of each registered skymap in hex, by name."""
        return self._ask(
            lambda tables: tables.skymaps(),
            lambda butler: butler.skymaps(),
        )

    @override
    def exposures(self, instrument: str, where: str = "") -> Sequence[SeenExposure]:
        """Return exposures, by number."""
        return self._butler.exposures(instrument, where)

    @override
    def nights(self, instrument: str) -> Sequence[NightOfExposures]:
        """Return how many exposures there are, by observing day and filter."""
        return self._ask(
            lambda tables: tables.nights(instrument),
            lambda butler: butler.nights(instrument),
        )

    @override
    def exposures_by_day(
        self, instrument: str, run: str, dataset_type: str, since: int
    ) -> Mapping[int, DayOfExposures]:
        """Return what a RUN holds for exposures, by their observing days."""
        return self._ask(
            lambda tables: tables.exposures_by_day(instrument, run, dataset_type, since),
            lambda butler: butler.exposures_by_day(instrument, run, dataset_type, since),
        )

    @override
    def exposures_with(self, instrument: str, run: str, dataset_type: str) -> frozenset[int]:
        """Return the exposures that have a dataset of a type in a RUN."""
        return self._ask(
            lambda tables: tables.exposures_with(instrument, run, dataset_type),
            lambda butler: butler.exposures_with(instrument, run, dataset_type),
        )

    @override
    def taken_exposures(self, instrument: str, days: Iterable[int]) -> Sequence[TakenExposure]:
        """Return the exposures of some observing days, by number."""
        wanted = list(dict.fromkeys(days))
        return self._ask(
            lambda tables: tables.taken_exposures(instrument, wanted),
            lambda butler: butler.taken_exposures(instrument, wanted),
        )

    def examine(self) -> Examined:
        """Look whether one can work here; nothing is written.

        Raises
        ------
        UnreachableError
            It does not answer any more.
        """
        return self._butler.examine().slowed(self.aside)

    def probe(self) -> None:
        """Try the quick way of looking; `aside` says why it fails."""
        self._ask(lambda tables: tables.probe(), lambda butler: None)

    def close(self) -> None:
        """Let go of the repository."""
        if self._awake:
            self._awake.close()

    def _ask(
        self,
        tables: Callable[[Snapshot], _Answer],
        butler: Callable[[DafButlerReader], _Answer],
    ) -> _Answer:
        """Ask the tables, and the butler where these cannot tell."""
        try:
            with connections.snapshot(self._plain, self._timeout) as snapshot:
                return tables(snapshot)
        except DatabaseError as error:
            if error.is_waited_for:
                raise _unreachable(self._uri, error, opening=False) from error
            self.aside = _why_not_read(error)
        except (NotPlainError, NotTriedError) as error:
            self.aside = str(error)
        return butler(self._butler)

    @property
    def _butler(self) -> DafButlerReader:
        if self._awake is None:
            self._awake = _ask_butler(self._uri, self._formatters, self._timeout)
        return self._awake


def digests_cache() -> CacheFolder | None:
    """Return where digests of collections are remembered for the user.

    `None`: the environment does not tell where that is.
    """
    return cache_of_user("digests")


def open_reader(
    uri: str,
    formatters: Sequence[str] = RUBIN,
    in_time: InTime = lambda fetch: fetch(),
    cache: CacheFolder | None = None,
    timeout: timedelta = USUAL_TIMEOUT,
) -> RegistryReader | DafButlerReader:
    """Return a repository, opened for reading.

    Parameters
    ----------
    uri
        URI or path of the repository.
    formatters
        Packages whose formatter classes may be imported.
    in_time
        Asks for rows that are fetched later, by whoever needs them.
    cache
        Where digests of collections are remembered; `None`: they are not.
    timeout
        How long its database may be silent.

    Raises
    ------
    NeedsRecoveryError
        A writer was killed and left its database half written.
    UnreachableError
        It cannot be opened from here.
    """
    try:
        reader = RegistryReader(uri, PlainRepository.at(uri), formatters, in_time, cache, timeout)
        reader.check()
    except DatabaseError as error:
        if error.is_waited_for:
            raise _unreachable(uri, error, opening=True) from error
        aside = _why_not_read(error)
    except (NotPlainError, NotTriedError) as error:
        aside = str(error)
    else:
        return reader
    return _ask_butler(uri, formatters, timeout, aside)


def identity(uri: str) -> str:
    """Return what tells one butler from another, however it is addressed.

    The database is not opened.

    Raises
    ------
    UnreachableError
        There is no configuration of a butler.
    """
    try:
        return PlainRepository.at(uri).identity
    except NotPlainError:
        with at_work():
            from . import butler
        return butler.identity(uri)


def server_of(uri: str) -> str:
    """Return what answers for a repository; only its configuration is read.

    All databases of a server answer, or say nothing, together.

    Raises
    ------
    UnreachableError
        There is no configuration of a butler.
    """
    try:
        return PlainRepository.at(uri).server
    except NotPlainError:
        with at_work():
            from . import butler
        return butler.server_of(uri)


def repository_index() -> Mapping[str, str]:
    """Return what the butler's repository index lists: addresses by label.

    Raises
    ------
    CalibstateError
        It cannot be read, or says something else.
    UsageError
        There is none.
    """
    listed = os.environ.get("DAF_BUTLER_REPOSITORIES")
    index = os.environ.get("DAF_BUTLER_REPOSITORY_INDEX")
    if not listed and not index:
        raise UsageError(
            Diagnostic(
                "No repository index",
                "Neither DAF_BUTLER_REPOSITORY_INDEX nor DAF_BUTLER_REPOSITORIES is set.",
                hint="Set one, or name each butler: --site SITE/REPOSITORY=BUTLER.",
            )
        )
    name = "DAF_BUTLER_REPOSITORIES"
    content = (listed or "").encode()
    if index and not listed:
        name = without_secrets(index)
        with at_work():
            from .butler import read_whole
        content = read_whole(index)
    labels = labels_and_addresses(content)
    if labels is None:
        raise CalibstateError(
            Diagnostic(
                "Not a repository index",
                f"{name} says something else than labels and their addresses.",
                hint="It is YAML or JSON: a label, `:`, and an address in each line.",
            )
        )
    if not labels:
        raise UsageError(
            Diagnostic(
                "Repository index is empty",
                f"{name} lists no repository.",
                hint="Name each butler: --site SITE/REPOSITORY=BUTLER.",
            )
        )
    return labels


def resolve(butler: str, relative_to: str, slowed: Callable[[str], object] = lambda why: None) -> str:
    """Return the URI or absolute path that a site file means.

    Parameters
    ----------
    butler
        A label of the butler's repository index, a URI or a path.
    relative_to
        Folder at which a relative path starts.
    slowed
        Told why the butler has to read the index, where it has to.

    Raises
    ------
    UnreachableError
        It looks like a label, and the index does not know it.
    """
    try:
        labels = known_repositories()
    except NotPlainError as error:
        slowed(str(error))
        with at_work():
            from .butler import known_labels
        labels = known_labels()
    if butler in labels:
        return labels[butler]
    if "://" in butler or (_SCHEME.match(butler) and "/" in butler):
        return butler
    # A label has none of these.
    if "/" in butler or ":" in butler or butler.startswith("."):
        path = Path(relative_to).absolute() / butler
        return str(Path(os.path.normpath(path)))
    with at_work():
        from .butler import unknown_label
    raise unknown_label(butler)


def _ask_butler(
    uri: str, formatters: Sequence[str], timeout: timedelta, not_plain: str | None = None
) -> DafButlerReader:
    with at_work():
        from . import butler
    return butler.open_reader(uri, formatters, timeout, not_plain)


def _why_not_read(error: DatabaseError) -> str:
    return f"its tables cannot be read without the butler: {first_line(error.cause)}"


def _unreachable(uri: str, error: DatabaseError, *, opening: bool) -> UnreachableError:
    """Return what the butler would say of a database that was waited for."""
    summary = "Repository does not answer"
    if opening:
        summary = "Repository cannot be opened"
    trouble = what_a_database_says(error.cause)
    detail = f"{without_secrets(uri)}: {trouble.detail}."
    return UnreachableError(Diagnostic(summary, detail, hint=trouble.hint, public=trouble.public))

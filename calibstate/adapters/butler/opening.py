"""Finding and opening butlers.

A butler that cannot be opened is unreachable, never empty, and is not made
by the attempt: a writeable open of a lost SQLite file would create one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from lsst.daf.butler import Butler, ButlerConfig, ButlerRepoIndex, ButlerUserError
from lsst.daf.butler.registry import RegistryConfig, RegistryError  # type: ignore[attr-defined]
from lsst.resources import ResourcePath
from lsst.utils.db_auth import DbAuthError
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ...errors import (
    Diagnostic,
    NeedsRecoveryError,
    RefusedError,
    UnreachableError,
    keep_secret,
    without_secrets,
)
from ...model.names import spelled
from ...ports.silence import USUAL_TIMEOUT
from ...store.yamlerrors import YAMLError
from ..lazy import lazy
from ..registry.plain import name_of_server
from ..registry.troubles import ASK, CHECK, first_line, what_a_database_says
from .engines import limit_engine, limited_url

__all__ = [
    "NO_CHANGES",
    "Repository",
    "identity",
    "known_labels",
    "read_whole",
    "recover",
    "server_of",
    "unknown_label",
]

_TROUBLES = (
    SQLAlchemyError,
    OSError,
    BotoCoreError,
    ClientError,
    DbAuthError,
    ButlerUserError,
    RegistryError,
)
"""What a butler raises while it is asked."""

_OPENING_TROUBLES = (
    *_TROUBLES,
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    YAMLError,
)
"""What a configuration or a schema that does not fit may raise besides."""


@dataclass(frozen=True)
class Repository:
    """A butler repository by its address."""

    uri: str
    """URI or path of its folder or its ``butler.yaml``."""

    timeout: timedelta = USUAL_TIMEOUT
    """How long it may be silent."""

    @property
    def name(self) -> str:
        """What messages call it: its address without passwords."""
        return without_secrets(self.uri)

    @lazy
    def config(self) -> ButlerConfig:
        """Its configuration, with the defaults of this environment."""
        with self._opening():
            stamp = _stamp(self.uri)
            return ButlerConfig(_configuration(self.uri, stamp))

    @lazy
    def registry(self) -> URL | None:
        """Where its database is; `None` behind a butler server."""
        if "remote_butler" in self.config:
            return None
        with self._opening():
            url = self._registry.connectionString
        keep_secret(url.password)
        return url

    @lazy
    def _registry(self) -> RegistryConfig:
        registry = RegistryConfig(self.config)
        registry.replaceRoot(self.config.get("root", self.config.configDir))
        return registry

    @property
    def is_server(self) -> bool:
        """Whether it is behind a butler server, and is only to be read."""
        return self.registry is None

    @property
    def namespace(self) -> str | None:
        """Schema of its tables; `None`: the database's usual one."""
        return self._registry.get("namespace")

    @property
    def database(self) -> Path | None:
        """Its database file, where that is SQLite."""
        url = self.registry
        if url is None or url.get_backend_name() != "sqlite" or not url.database:
            return None
        return Path(url.database).resolve()

    @property
    def identity(self) -> str:
        """What tells one butler from another, however it is addressed."""
        url = self.registry
        if url is None:
            return f"server {str(self.config['remote_butler', 'url']).rstrip('/')}"
        if self.database:
            return f"sqlite {self.database}"
        # A password with an "@" in it is cut at the wrong place.
        host = (url.host or str(url.query.get("host", ""))).rpartition("@")[2]
        # "public" is the schema that PostgreSQL uses where none is named.
        namespace = self.config.get(("registry", "namespace")) or "public"
        return f"{name_of_server(host, url.port)}/{url.database or ''} {namespace}"

    def open(self, *, writeable: bool) -> Butler:
        """Return the butler.

        Raises
        ------
        NeedsRecoveryError
            A writer was killed; a reader cannot undo what it left.
        UnreachableError
            It cannot be opened from here.
        """
        if self.is_server:
            if writeable:
                self.check_change()
            return self._behind_a_server()
        self._look_for_database(writeable=writeable)
        with self._opening():
            # By this configuration the butler waits only so long.
            config = ButlerConfig(self.config)
            url = str(config["registry", "db"])
            config["registry", "db"] = limited_url(url, self.timeout)
            return Butler.from_config(config, writeable=writeable)

    def engine(self, **settings: str) -> Engine:
        """Return what connects to its database, to look only.

        SQLite opens no file for writing then; with other databases each
        transaction has to be told.

        Parameters
        ----------
        **settings
            Of the connection.
        """
        url = self._registry.connectionString.update_query_dict(settings)
        engine = self._registry.getDatabaseClass().makeEngine(url, writeable=False)
        limit_engine(engine, self.timeout)
        return engine

    def _behind_a_server(self) -> Butler:
        """Return a butler that asks a server."""
        with self._opening():
            try:
                return Butler.from_config(self.config, writeable=False)
            except ImportError as error:
                raise _unreachable(
                    f"{self.name}: it is a butler server, and what asks one is not installed: {error}.",
                    "Install it with `pip install 'lsst-daf-butler[remote]'`.",
                ) from error

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Raise troubles of the butler as errors of our own.

        Raises
        ------
        UnreachableError
            The butler did not answer.
        """
        try:
            yield
        except _TROUBLES as error:
            raise self._unreachable(error, "Repository does not answer") from error
        except RuntimeError as error:
            # What asks a server is installed where there is one only, and so
            # is the class of its errors.
            if not self.is_server:
                raise
            raise self._unreachable(error, "Repository does not answer") from error

    def check_change(self) -> None:
        """Look whether anything can be changed there, from wherever.

        Raises
        ------
        RefusedError
            It is behind a server.
        """
        if not self.is_server:
            return
        raise RefusedError(
            Diagnostic(
                "Butler server cannot be changed",
                f"{self.name}: {NO_CHANGES}.",
                hint="Where calibrations go to, give the repository itself as `butler` in the site's file.",
            )
        )

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Raise troubles while it is opened as errors of our own."""
        place = Path(self.name)
        if "://" not in self.name and place.exists() and not (place.is_dir() or place.is_file()):
            # A device may be read without end.
            raise _unreachable(f"{self.name}: it is no folder and no file, so no butler repository.", CHECK)
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            missing = "it does not exist"
            if "://" not in self.name and Path(self.name).is_dir():
                missing = "it is a folder without butler.yaml, so no butler repository"
            raise _unreachable(f"{self.name}: {missing}.", CHECK) from error
        except _OPENING_TROUBLES as error:
            raise self._unreachable(error, "Repository cannot be opened") from error

    def _look_for_database(self, *, writeable: bool) -> None:
        """Look whether its database file may be opened, where it is one.

        Raises
        ------
        UnreachableError
            It does not exist, or may not be opened.
        """
        file = self.database
        if file is None:
            return
        if not file.exists():
            raise _unreachable(f"{self.name}: its database {file} does not exist.", _RESTORE)
        modes = {"read": os.R_OK}
        if writeable:
            modes["write"] = os.W_OK
        by_effective_ids = os.access in os.supports_effective_ids
        for verb, mode in modes.items():
            if not os.access(file, mode, effective_ids=by_effective_ids):
                raise _unreachable(f"{self.name}: no permission to {verb} {file}.", ASK)

    def _unreachable(self, error: BaseException, summary: str) -> UnreachableError:
        """Return what to raise where the butler, or its database, raised."""
        if self._was_left_by_a_killed_writer(error):
            return NeedsRecoveryError(
                Diagnostic(
                    "Repository needs recovery",
                    f"{self.name}: a writer was killed and left its database half written; "
                    "it cannot be read before that is undone.",
                    hint="Run `calibstate apply`; it undoes that before it looks.",
                )
            )
        if isinstance(error, DBAPIError) and error.orig is not None:
            trouble = what_a_database_says(error.orig)
            detail = f"{self.name}: {trouble.detail}."
            return _unreachable(detail, trouble.hint, summary, trouble.public)
        detail, hint = _detail_and_hint(error)
        return _unreachable(f"{self.name}: {detail}.", hint, summary)

    def _was_left_by_a_killed_writer(self, error: BaseException) -> bool:
        """Say whether SQLite must roll a journal back, which no reader may."""
        if not isinstance(error, DBAPIError) or not isinstance(error.orig, sqlite3.Error):
            return False
        file = self.database
        code = error.orig.sqlite_errorname
        if file is None or not code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            return False
        for ending in ("-journal", "-wal"):
            journal = file.with_name(file.name + ending)
            if journal.exists() and journal.stat().st_size > 0:
                return True
        return False


@lru_cache(maxsize=128)
def _configuration(uri: str, stamp: tuple[object, ...]) -> ButlerConfig:
    """Return a configuration; a dozen files of defaults are read for one."""
    return ButlerConfig(ResourcePath(uri, forceDirectory=None))


def _stamp(uri: str) -> tuple[object, ...]:
    """Return what differs once a configuration may be another one."""
    path = ResourcePath(uri, forceDirectory=None)
    if not path.isLocal:
        # Whether it was changed is not known before it is read.
        return (object(),)
    file = Path(path.ospath)
    if file.is_dir():
        file = file / "butler.yaml"
    status = file.stat()
    defaults = os.environ.get("DAF_BUTLER_CONFIG_PATH")
    return status.st_ino, status.st_mtime_ns, status.st_size, defaults


def known_labels() -> dict[str, str]:
    """Return the URI of each label of the butler's repository index."""
    return {label: str(Butler.get_repo_uri(label)) for label in Butler.get_known_repos()}


def unknown_label(butler: str) -> UnreachableError:
    """Return the error that something is no label, nor a URI or a path.

    Parameters
    ----------
    butler
        What a site file says.
    """
    labels = Butler.get_known_repos()
    if labels:
        names = ", ".join(sorted(labels))
        detail = f"{spelled(butler)} is no label of the repository index, which knows {names}."
    else:
        why = without_secrets(ButlerRepoIndex.get_failure_reason())
        detail = f"{spelled(butler)} is a label, and there is no repository index: {why}"
    return _unreachable(detail, "A path begins with `./` or `/`.", "Unknown repository label")


def read_whole(uri: str) -> bytes:
    """Return what is at an address.

    Parameters
    ----------
    uri
        A path, or a URI that ``lsst.resources`` knows.

    Raises
    ------
    UnreachableError
        It cannot be read from here.
    """
    try:
        return ResourcePath(uri).read()
    except _OPENING_TROUBLES as error:
        raise _unreachable(
            f"{without_secrets(uri)}: {first_line(error)}",
            "Correct the address, or the access to it.",
            "Repository index cannot be read",
        ) from error


def identity(uri: str) -> str:
    """Return what tells one butler from another, however it is addressed.

    The database is not opened.

    Raises
    ------
    UnreachableError
        There is no configuration of a butler.
    """
    return Repository(uri).identity


def server_of(uri: str) -> str:
    """Return what answers for a repository; only its configuration is read.

    All databases of a server answer, or say nothing, together.

    Raises
    ------
    UnreachableError
        There is no configuration of a butler.
    """
    repository = Repository(uri)
    if repository.database or repository.registry is None:
        return repository.identity
    return repository.identity.partition("/")[0]


def recover(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> None:
    """Undo what a killed writer left half done.

    SQLite does so when it is opened for writing; other databases have done
    it by themselves.

    Parameters
    ----------
    uri
        URI or path of the repository.
    timeout
        How long it may be silent.

    Raises
    ------
    UnreachableError
        It cannot be opened for writing.
    """
    repository = Repository(uri, timeout)
    if repository.database:
        repository.open(writeable=True).close()


_RESTORE = "Nothing is known of what it holds. Bring the file back, or correct the address."
NO_CHANGES = "it is a butler server, which can be read and not be changed"
"""Why nothing is written to a repository behind a server."""


def _unreachable(
    detail: str,
    hint: str,
    summary: str = "Repository cannot be opened",
    public: str = "",
) -> UnreachableError:
    return UnreachableError(Diagnostic(summary, detail, hint=hint, public=public))


def _detail_and_hint(error: BaseException) -> tuple[str, str]:
    """Return what is wrong and what to do."""
    line = first_line(error.orig if isinstance(error, DBAPIError) else error)
    match error:
        case PermissionError():
            file = error.filename or "it"
            return f"no permission to read {file}", ASK
        case DbAuthError():
            return f"the file of database passwords cannot be used: {line}", ASK
        case BotoCoreError() | ClientError():
            return f"the object store refuses: {line}", CHECK
        case _:
            class_ = type(error).__name__
            return f"it does not work as a butler ({class_}): {line}", CHECK

"""Repositories that are plain enough to be read without the butler.

A plain one has a ``butler.yaml`` in a folder of this machine that says all
there is to say, a registry in SQLite or PostgreSQL, and one datastore of
files.  Of any other one nothing is told here but why it is not plain.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ...errors import keep_secret
from ...store.butlerfile import read_butler_file, read_repository_index
from ..local import path_of, uri_of
from .tried import DATASTORE, TRIED

__all__ = [
    "NotPlainError",
    "PlainRepository",
    "PostgresAddress",
    "known_repositories",
    "name_of_server",
]

_ROOT = "<butlerRoot>"
_LOOPBACK = {"localhost", "::1", "127.0.0.1"}

_USUAL_PORT = 5432
"""On which PostgreSQL listens."""

_POSTGRES = re.compile(
    r"postgresql://((?P<user>[^:@/?]*)(:(?P<password>[^@/?]*))?@)?"
    r"(?P<host>[A-Za-z0-9.-]+)(:(?P<port>[0-9]+))?/(?P<database>[^/?@]+)"
)

_SECTIONS = {
    "": {"datastore", "registry", "storageClasses", "repo_transfer_formats"},
    "datastore": {
        "checksum",
        "cls",
        "composites",
        "constraints",
        "create",
        "formatters",
        "name",
        "records",
        "root",
        "templates",
        "trust_get_request",
    },
    "datastore.records": {"table"},
    "registry": {"db", "managers", "namespace"},
}
"""Keys of each section that change nothing of how tables are read, or that
are known here."""


_NAMING_PASSWORDS = ("LSST_DB_AUTH", "LSST_DB_AUTH_CREDENTIALS")
"""Variables that say where passwords of databases are."""


class NotPlainError(Exception):
    """A repository has to be read by the butler; its text says why."""


@dataclass(frozen=True)
class PostgresAddress:
    """Where a database of PostgreSQL is."""

    host: str
    port: int
    database: str
    user: str | None
    password: str | None

    def with_secret(self) -> PostgresAddress:
        """Return the same with what the file of database passwords tells.

        Raises
        ------
        NotPlainError
            That file cannot be used.
        """
        usual = Path("~/.lsst/db-auth.yaml").expanduser()
        is_named = any(os.environ.get(name) for name in _NAMING_PASSWORDS)
        if not is_named and not usual.exists():
            return self
        passwords = _module_of_passwords()
        try:
            user, password = passwords.DbAuth().getAuth(
                "postgresql",
                self.user,
                self.host,
                self.port,
                self.database,
            )
        except passwords.DbAuthNotFoundError:
            return self
        except passwords.DbAuthError as error:
            # For whatever reason: the butler says which.
            raise NotPlainError("the file of database passwords cannot be used") from error
        keep_secret(password)
        return replace(self, user=user, password=password)


@dataclass(frozen=True)
class PlainRepository:
    """A plain repository, by what its configuration says."""

    database: Path | PostgresAddress
    """A file of SQLite, or where PostgreSQL keeps it."""

    namespace: str | None
    """Schema of its tables; `None`: the usual one."""

    records: str
    """Table of the datastore's records."""

    files: Path | None = None
    """Folder of the datastore; `None` where only the butler tells what is
    in it."""

    @property
    def identity(self) -> str:
        """What tells one butler from another, however it is addressed."""
        if isinstance(self.database, Path):
            return f"sqlite {self.database}"
        # "public" is the schema that PostgreSQL uses where none is named.
        return f"{self.server}/{self.database.database} {self.namespace or 'public'}"

    @property
    def server(self) -> str:
        """What answers for it, and perhaps for others."""
        if isinstance(self.database, Path):
            return self.identity
        return name_of_server(self.database.host, self.database.port)

    @classmethod
    def at(cls, uri: str) -> PlainRepository:
        """Return the repository at an address, if it is plain.

        Parameters
        ----------
        uri
            URI or path of its folder or its ``butler.yaml``.

        Raises
        ------
        NotPlainError
            The butler has to read it.
        """
        if os.environ.get("DAF_BUTLER_CONFIG_PATH"):
            raise NotPlainError("DAF_BUTLER_CONFIG_PATH is set")
        if not uri.startswith(("/", "file:///")):
            raise NotPlainError("its address is no path")
        file = Path(path_of(uri))
        if file.is_dir():
            file = file / "butler.yaml"
        try:
            configuration = read_butler_file(file)
        except OSError as error:
            raise NotPlainError(f"{file.name} cannot be read") from error
        if configuration is None:
            raise NotPlainError(f"{file.name} says more than values")
        _check_keys(configuration)
        folder = file.parent
        datastore = configuration["datastore"]
        registry = configuration["registry"]
        # Where it trusts what it is asked for, it has files without a record.
        has_only_recorded = datastore.get("root") == _ROOT and not datastore.get("trust_get_request")
        return cls(
            _database(registry["db"], folder),
            registry.get("namespace"),
            datastore["records"]["table"],
            folder if has_only_recorded else None,
        )


def name_of_server(host: str, port: int | None) -> str:
    """Return what tells one server of PostgreSQL from another.

    Parameters
    ----------
    host
        As somebody wrote it.
    port
        `None`: the usual one.
    """
    here = "localhost" if host.lower() in _LOOPBACK else host.lower()
    return f"postgresql {here}:{port or _USUAL_PORT}"


def known_repositories() -> Mapping[str, str]:
    """Return the URI of each label of the butler's repository index.

    Raises
    ------
    NotPlainError
        The butler has to read the index.
    """
    if os.environ.get("DAF_BUTLER_REPOSITORIES"):
        raise NotPlainError("DAF_BUTLER_REPOSITORIES is set")
    index = os.environ.get("DAF_BUTLER_REPOSITORY_INDEX")
    if not index:
        return {}
    try:
        addresses = read_repository_index(Path(index)) if index.startswith("/") else None
    except OSError:
        addresses = None
    if addresses is None:
        raise NotPlainError("the repository index says more than labels and addresses")
    repositories: dict[str, str] = {}
    for label, address in addresses.items():
        # Told as the butler tells it: a path becomes a URI.
        if "://" in address:
            repositories[label] = address
        elif address.startswith("/"):
            repositories[label] = uri_of(address, is_folder=address.endswith("/"))
        else:
            raise NotPlainError("the repository index has addresses that depend on the folder")
    return repositories


def _check_keys(configuration: Mapping[str, Any]) -> None:
    """Look whether a configuration says only what is known here.

    Raises
    ------
    NotPlainError
        It says something else.
    """
    # Whatever is not known here may change how tables are read.
    for section, allowed in _SECTIONS.items():
        keys = map(str, _section(configuration, section))
        unknown = sorted(set(keys) - allowed)
        if unknown:
            key = ".".join(filter(None, [section, unknown[0]]))
            raise NotPlainError(f"butler.yaml says {key}")
    datastore = configuration["datastore"]
    registry = configuration["registry"]
    if datastore.get("cls") != DATASTORE:
        raise NotPlainError("its datastore is not a single one of files")
    texts = (
        datastore["records"].get("table"),
        registry.get("db"),
        registry.get("namespace", ""),
    )
    if not all(isinstance(text, str) for text in texts):
        raise NotPlainError("butler.yaml leaves something to be known from elsewhere")
    managers = registry.get("managers", {})
    for name, (tried_class, _) in TRIED.items():
        class_ = managers.get(name)
        # butler.yaml may name it by the package that its module is in.
        if class_ is not None and _last_word(class_) != _last_word(tried_class):
            raise NotPlainError(f"its {name} are managed by another class")


def _section(configuration: Mapping[str, Any], name: str) -> Mapping[Any, Any]:
    """Return a section of a configuration; without a name all of it.

    Raises
    ------
    NotPlainError
        It is not there, or is no section.
    """
    part: Any = configuration
    for key in name.split(".") if name else ():
        part = part.get(key)
        if not isinstance(part, dict):
            raise NotPlainError(f"butler.yaml does not say what {name} is")
    return part  # type: ignore[no-any-return]


def _last_word(class_: object) -> str:
    return str(class_).rpartition(".")[2]


def _database(url: str, folder: Path) -> Path | PostgresAddress:
    """Return where a database is, by its URL in the file of a repository.

    Raises
    ------
    NotPlainError
        The URL says more than that.
    """
    file = url.removeprefix("sqlite:///")
    if file != url:
        file = file.replace(_ROOT, str(folder))
        if not file.startswith("/") or "?" in file or "%" in file:
            raise NotPlainError("the address of its database is no plain path")
        return Path(file).resolve()
    parts = _POSTGRES.fullmatch(url)
    if not parts:
        raise NotPlainError("the address of its database has parts that are not known")
    user = unquote(parts["user"] or "") or None
    password = unquote(parts["password"] or "") or None
    keep_secret(password)
    port = int(parts["port"] or _USUAL_PORT)
    return PostgresAddress(
        host=parts["host"],
        port=port,
        database=parts["database"],
        user=user,
        password=password,
    )


def _module_of_passwords() -> Any:
    """Return ``lsst.utils.db_auth`` without the package around it.

    What that imports takes longer than a look.
    """
    package = importlib.util.find_spec("lsst.utils")
    if package is None or package.origin is None:
        raise NotPlainError("lsst.utils is not where it was")
    file = Path(package.origin).with_name("db_auth.py")
    spec = importlib.util.spec_from_file_location("calibstate_db_auth", file)
    if spec is None or spec.loader is None:
        raise NotPlainError("lsst.utils.db_auth is not where it was")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (OSError, ImportError) as error:
        raise NotPlainError("lsst.utils.db_auth is not where it was") from error
    return module

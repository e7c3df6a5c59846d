"""A look whether one can work at a repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler
from sqlalchemy import text
from sqlalchemy.engine import Connection

from ...errors import RefusedError
from ...model.checkups import Examined
from ..checkup import may_write, room_at
from ..registry.tried import TRIED
from .datastore import first_writable
from .opening import NO_CHANGES, Repository

__all__ = ["examine"]

_WRITTEN = ("collection", "collection_chain", "dataset")
"""Tables that nothing is deployed without."""


def examine(repository: Repository, butler: Butler) -> Examined:
    """Look whether one can work at a repository; nothing is written.

    Parameters
    ----------
    repository, butler
        The repository, opened for reading.

    Raises
    ------
    UnreachableError
        It does not answer any more.
    """
    dimensions = butler.dimensions
    universe = f"dimensions {dimensions.namespace} {dimensions.version}"
    read = f"{repository.name} can be read"
    if repository.is_server:
        read = f"{read}; it does not tell of files"
        return Examined(
            read=read,
            may_write=False,
            write=NO_CHANGES,
            versions=(universe,),
        )
    with repository.asking():
        try:
            root = first_writable(butler, repository.name).root
        except RefusedError as error:
            # No file can be put there, so nothing else is worth a look.
            why = error.diagnostics[0].detail.rstrip(".")
            return Examined(
                read=read,
                may_write=False,
                write=why,
                versions=(universe,),
            )
        engine = repository.engine()
        try:
            with engine.connect() as connection, connection.begin():
                database = _Database(connection, repository)
                offset = database.offset()
                versions, doubts = database.versions()
                allowed, why = database.may_write()
        finally:
            engine.dispose()
    files = Path(root.ospath) if root.isLocal else None
    if allowed:
        if files is None:
            why = f"{why}; its files were not tried"
        else:
            allowed, why = may_write(files)
    return Examined(
        read=read,
        may_write=allowed,
        write=why,
        versions=(universe, *versions),
        doubts=doubts,
        offset=offset,
        room=None if files is None else room_at(files),
    )


@dataclass(frozen=True)
class _Database:
    """The database of a repository, in a transaction."""

    connection: Connection
    repository: Repository

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        return self.connection.dialect.name == "postgresql"

    @property
    def schema(self) -> str:
        """What names of tables begin with in a statement."""
        namespace = self.repository.namespace
        return f'"{namespace}".' if namespace else ""

    def value(self, statement: str, **values: str) -> Any:
        """Return the one value that a statement selects."""
        return self.connection.execute(text(statement), values).scalar_one()

    def offset(self) -> timedelta | None:
        """Return how far its clock is ahead of ours; `None`: it has none."""
        if not self.is_postgres:
            return None
        before = datetime.now(UTC)
        of_database: datetime = self.value("SELECT clock_timestamp()")
        # It told the time in the middle, as far as we can know.
        took = datetime.now(UTC) - before
        return of_database - before - took / 2

    def versions(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the versions of the schema, and those that nobody tried."""
        # The description of the dimensions is long, and is not needed.
        rows = self.connection.execute(
            text(
                f"SELECT name, value FROM {self.schema}butler_attributes "
                "WHERE name <> 'config:dimensions.json'"
            )
        )
        attributes: dict[str, str] = {}
        for name, value in rows:
            attributes[name] = value
        versions: list[str] = []
        doubts: list[str] = []
        for manager, tried in TRIED.items():
            class_ = attributes.get(f"config:registry.managers.{manager}")
            version = attributes.get(f"version:{class_}")
            versions.append(f"{manager} {version}")
            if (class_, version) != tried:
                doubts.append(
                    f"{manager} {version} ({class_}) was not tried; it is read through the butler, slowly"
                )
        if self.is_postgres:
            version = self.value("SHOW server_version")
            versions.append(f"PostgreSQL {version}")
        return tuple(versions), tuple(doubts)

    def may_write(self) -> tuple[bool, str]:
        """Say whether it may be written, and by whom or why not."""
        file = self.repository.database
        if file:
            allowed, why = may_write(file)
            # SQLite puts its journal beside it.
            return may_write(file.parent) if allowed else (allowed, why)
        lacking: list[str] = []
        for table in _WRITTEN:
            is_allowed = self.value(
                "SELECT has_table_privilege(:name, 'INSERT') AND has_table_privilege(:name, 'UPDATE')",
                name=f"{self.schema}{table}",
            )
            if not is_allowed:
                lacking.append(table)
        user = self.value("SELECT current_user")
        if lacking:
            tables = ", ".join(lacking)
            return False, f"the role {user} may not write {tables}"
        return True, f"the role {user} may write"

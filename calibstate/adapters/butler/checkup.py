"""What a repository tells of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lsst.daf.butler import Butler
from sqlalchemy import text
from sqlalchemy.engine import Connection

from ...errors import RefusedError
from ...model.checkups import Examined
from ..checkup import may_write, room_at
from ..registry.tables import TRIED
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
    if repository.is_server:
        universe = f"dimensions {butler.dimensions.namespace} {butler.dimensions.version}"
        read = f"{repository.name} can be read; it does not tell of files"
        return Examined(read, may_write=False, write=NO_CHANGES, versions=(universe,))
    with repository.asking():
        universe = f"dimensions {butler.dimensions.namespace} {butler.dimensions.version}"
        try:
            root = first_writable(butler, repository.name).root
        except RefusedError as error:
            return _without_files(repository, universe, error)
        files = Path(root.ospath) if root.isLocal else None
        engine = repository.engine()
        try:
            with engine.connect() as connection, connection.begin():
                offset = _offset(connection)
                versions, doubts = _versions(connection, repository.namespace)
                allowed, why = _may_write(connection, repository)
        finally:
            engine.dispose()
    if allowed and files:
        allowed, why = may_write(files)
    return Examined(
        f"{repository.name} can be read",
        allowed,
        why if files or not allowed else f"{why}; its files were not tried",
        (universe, *versions),
        doubts,
        offset,
        room_at(files) if files else None,
    )


def _without_files(repository: Repository, universe: str, error: RefusedError) -> Examined:
    """Tell of a repository that no file can be put into."""
    why = error.diagnostics[0].detail.rstrip(".")
    return Examined(f"{repository.name} can be read", may_write=False, write=why, versions=(universe,))


def _may_write(connection: Connection, repository: Repository) -> tuple[bool, str]:
    if file := repository.database:
        allowed, why = may_write(file)
        # SQLite puts its journal beside it.
        return may_write(file.parent) if allowed else (allowed, why)
    inside = f'"{repository.namespace}".' if repository.namespace else ""
    lacking = [
        table
        for table in _WRITTEN
        if not connection.execute(
            text("SELECT has_table_privilege(:name, 'INSERT') AND has_table_privilege(:name, 'UPDATE')"),
            {"name": f"{inside}{table}"},
        ).scalar_one()
    ]
    user = connection.execute(text("SELECT current_user")).scalar_one()
    if lacking:
        return False, f"the role {user} may not write {', '.join(lacking)}"
    return True, f"the role {user} may write"


def _offset(connection: Connection) -> timedelta | None:
    if connection.dialect.name != "postgresql":
        return None  # It has no clock but ours.
    before = datetime.now(UTC)
    of_database: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return of_database - before - (datetime.now(UTC) - before) / 2


def _versions(connection: Connection, namespace: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the versions of the schema, and those that nobody tried."""
    inside = f'"{namespace}".' if namespace else ""
    statement = f"SELECT name, value FROM {inside}butler_attributes WHERE name <> 'config:dimensions.json'"
    attributes = {name: value for name, value in connection.execute(text(statement))}
    versions, doubts = [], []
    for manager, tried in TRIED.items():
        class_ = attributes.get(f"config:registry.managers.{manager}")
        version = attributes.get(f"version:{class_}")
        versions.append(f"{manager} {version}")
        if (class_, version) != tried:
            doubts.append(
                f"{manager} {version} ({class_}) was not tried; it is read through the butler, slowly"
            )
    if connection.dialect.name == "postgresql":
        versions.append(f"PostgreSQL {connection.execute(text('SHOW server_version')).scalar_one()}")
    return tuple(versions), tuple(doubts)

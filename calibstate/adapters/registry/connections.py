"""Connections to the database of a plain repository, to look only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...ports.silence import at_work, heard
from .patience import connecting, milliseconds, statement_begins
from .plain import PlainRepository, PostgresAddress
from .tables import Connection, Snapshot
from .troubles import is_silence

__all__ = ["DatabaseError", "snapshot"]


class DatabaseError(Exception):
    """A database gave an error, which is the cause of this one."""

    def __init__(self, cause: Exception, *, is_waited_for: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.is_waited_for = is_waited_for
        """Whether it may have been waited for: it is not asked once more."""


@contextmanager
def snapshot(repository: PlainRepository) -> Iterator[Snapshot]:
    """Hold on to one state of a database; nothing can be written.

    Parameters
    ----------
    repository
        Whose.

    Raises
    ------
    DatabaseError
        The database does not let us in, or does not answer.
    NotPlainError
        The file of database passwords cannot be used.
    NotTriedError
        These are no tables that are known.
    """
    database = repository.database
    opened = _in_file(database) if isinstance(database, Path) else _in_postgres(database)
    with opened as connection:
        yield Snapshot(connection, repository.namespace, repository.records)


@contextmanager
def _in_file(file: Path) -> Iterator[Connection]:
    statement_begins()
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as opened:
            opened.isolation_level = None
            opened.execute(f"PRAGMA busy_timeout = {milliseconds()}")
            opened.execute("BEGIN")
            yield _Open(opened, is_postgres=False)
    except sqlite3.Error as error:
        raise DatabaseError(error, is_waited_for=is_silence(error)) from error


@contextmanager
def _in_postgres(address: PostgresAddress) -> Iterator[Connection]:
    with at_work():
        import psycopg
    there = address.with_secret()
    statement_begins()
    try:
        with psycopg.connect(
            host=there.host,
            port=there.port,
            dbname=there.database,
            user=there.user,
            password=there.password,
            autocommit=True,
            **connecting(),
        ) as opened:
            heard()
            connection = _Open(opened, is_postgres=True)
            opened.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            opened.execute(f"SET LOCAL statement_timeout = {milliseconds()}".encode())
            opened.execute(f"SET LOCAL lock_timeout = {milliseconds()}".encode())
            yield connection
    except psycopg.Error as error:
        # Whoever could not be reached, or said nothing, is not asked again.
        raise DatabaseError(error, is_waited_for=isinstance(error, psycopg.OperationalError)) from error


@dataclass(frozen=True)
class _Open:
    """An open connection of ``sqlite3`` or ``psycopg``."""

    opened: Any
    is_postgres: bool

    def select(self, statement: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        return list(self._execute(statement, values).fetchall())

    def columns(self, table: str) -> list[str]:
        return [column[0] for column in self._execute(f"SELECT * FROM {table} LIMIT 0").description]

    def _execute(self, statement: str, values: Sequence[str] = ()) -> Any:
        statement_begins()
        cursor = self.opened.execute(statement, tuple(values))
        heard()
        return cursor

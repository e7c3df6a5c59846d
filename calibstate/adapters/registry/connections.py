"""Connections to the database of a plain repository, to look only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...ports.silence import USUAL_TIMEOUT, at_work, heard
from .patience import connecting, milliseconds, seconds_to_connect, wait_begins
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
def snapshot(
    repository: PlainRepository,
    timeout: timedelta = USUAL_TIMEOUT,
) -> Iterator[Snapshot]:
    """Hold on to one state of a database; nothing can be written.

    Parameters
    ----------
    repository
        Whose.
    timeout
        How long the database may be silent.

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
    if isinstance(database, Path):
        connecting_to_it = _in_file(database, timeout)
    else:
        connecting_to_it = _in_postgres(database, timeout)
    with connecting_to_it as connection:
        yield Snapshot(connection, repository.namespace, repository.records)


@contextmanager
def _in_file(file: Path, timeout: timedelta) -> Iterator[Connection]:
    """Open a database of SQLite, in a transaction."""
    uri = f"file:{quote(str(file))}?mode=ro"
    wait_begins(timeout.total_seconds())
    try:
        with closing(sqlite3.connect(uri, uri=True)) as opened:
            # Else the module begins and ends transactions by itself.
            opened.isolation_level = None
            opened.execute(f"PRAGMA busy_timeout = {milliseconds(timeout)}")
            opened.execute("BEGIN")
            yield _Open(opened, timeout, is_postgres=False)
    except sqlite3.Error as error:
        raise DatabaseError(error, is_waited_for=is_silence(error)) from error


@contextmanager
def _in_postgres(
    address: PostgresAddress,
    timeout: timedelta,
) -> Iterator[Connection]:
    """Open a database of PostgreSQL, in a transaction."""
    with at_work():
        import psycopg
    there = address.with_secret()
    wait_begins(seconds_to_connect(timeout))
    try:
        with psycopg.connect(
            host=there.host,
            port=there.port,
            dbname=there.database,
            user=there.user,
            password=there.password,
            autocommit=True,
            **connecting(timeout),
        ) as opened:
            heard()
            connection = _Open(opened, timeout, is_postgres=True)
            limit = milliseconds(timeout)
            # The limits hold for one transaction only: a pooler (pgbouncer)
            # may give the connection to somebody else after it.
            opened.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            opened.execute(f"SET LOCAL statement_timeout = {limit}".encode())
            opened.execute(f"SET LOCAL lock_timeout = {limit}".encode())
            yield connection
    except psycopg.Error as error:
        # Whoever could not be reached, or said nothing, is not asked again.
        raise DatabaseError(error, is_waited_for=isinstance(error, psycopg.OperationalError)) from error


@dataclass(frozen=True)
class _Open:
    """An open connection of ``sqlite3`` or ``psycopg``."""

    opened: Any
    timeout: timedelta
    is_postgres: bool

    def select(
        self,
        statement: str,
        values: Sequence[str] = (),
    ) -> list[tuple[Any, ...]]:
        return list(self._execute(statement, values).fetchall())

    def columns(self, table: str) -> list[str]:
        cursor = self._execute(f"SELECT * FROM {table} LIMIT 0")
        return [column[0] for column in cursor.description]

    def _execute(self, statement: str, values: Sequence[str] = ()) -> Any:
        wait_begins(self.timeout.total_seconds())
        cursor = self.opened.execute(statement, tuple(values))
        heard()
        return cursor

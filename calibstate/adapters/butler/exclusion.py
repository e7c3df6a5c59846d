"""Keep other writers away by the database itself.

Two calibstates whose `records` are not the same do not see each other's
locks.  On PostgreSQL they meet at an advisory lock, which concerns nobody
else and is gone with its connection, however that ends.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from ...errors import Diagnostic, LockedError
from ...model.observations import stamp
from ...ports.silence import USUAL_TIMEOUT
from .opening import Repository

__all__ = ["exclude_others"]

_ALIVE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""So that a connection that nothing comes through any more is known soon."""

_HALF = 0xFFFFFFFF
"""Bits of one half of a key."""

_HOLDER = """
    SELECT l.pid, a.usename, a.application_name
    FROM pg_locks l JOIN pg_database d ON d.oid = l.database LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()
      AND l.classid::bigint = :high AND l.objid::bigint = :low AND l.objsubid = 1
"""


@contextmanager
def exclude_others(
    uri: str,
    place: str,
    timeout: timedelta = USUAL_TIMEOUT,
) -> Iterator[Callable[[], None]]:
    """Keep other calibstates away from a repository on PostgreSQL.

    SQLite has nothing of the kind; there its transactions must do.

    Parameters
    ----------
    uri
        URI or path of the repository.
    place
        What messages call it.
    timeout
        How long its database may be silent.

    Yields
    ------
    Callable
        Raises `LockedError` if they are kept away no more.

    Raises
    ------
    LockedError
        Another one writes there.
    UnreachableError
        Its database does not answer.
    """
    repository = Repository(uri, timeout)
    url = repository.registry
    if url is None or url.get_backend_name() != "postgresql":
        yield lambda: None
        return
    with repository.asking():
        # What the URL says of these is what somebody wanted.
        settings = {name: value for name, value in _ALIVE.items() if name not in url.query}
        engine = repository.engine(**settings)
        connection = engine.connect().execution_options(isolation_level="READ COMMITTED")
    lock = _Lock(connection, place)
    try:
        with repository.asking():
            lock.take(repository.namespace)
        yield lock.check
    finally:
        # One that is broken has let go already.
        with suppress(SQLAlchemyError):
            connection.close()
        engine.dispose()


@dataclass(frozen=True)
class _Lock:
    """An advisory lock, which its connection holds for as long as it lives."""

    connection: Connection
    place: str

    def take(self, namespace: str | None) -> None:
        """Take the lock of a schema; `None`: of the usual one.

        Raises
        ------
        LockedError
            Somebody else has it.
        """
        now = stamp(datetime.now(UTC))
        # PostgreSQL keeps 63 bytes; a long name of a host is what may be cut.
        name = f"calibstate since {now} pid {os.getpid()} on {socket.gethostname()}"
        # Of a session, and not of a transaction, the lock would be left behind
        # in a pooler (pgbouncer) that gives each transaction another
        # connection.  Idle at READ COMMITTED, a transaction keeps nothing from
        # being cleared, if its last statement had no parameters: else that one
        # stays open.
        self.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        self.execute("SELECT set_config('application_name', :name, true)", name=name)
        database, schema = self.execute("SELECT current_database(), current_schema()").one()
        key = _key(database, namespace or schema)
        is_taken = self.execute(f"SELECT pg_try_advisory_xact_lock({key})").scalar_one()
        if is_taken:
            return
        # PostgreSQL shows a key in two halves.
        high, low = key >> 32 & _HALF, key & _HALF
        holder = self.execute(_HOLDER, high=high, low=low).first()
        raise _locked(self.place, holder)

    def check(self) -> None:
        """Look whether the connection, and so the lock, is still there.

        Raises
        ------
        LockedError
            It is not.
        """
        try:
            self.execute("SELECT 1")
        except SQLAlchemyError as error:
            raise LockedError(
                Diagnostic(
                    "Lock was lost",
                    f"The connection that kept others away from the database of {self.place} broke, so "
                    "somebody else may write there by now. Nothing more is written.",
                    hint="What was done stands. Run again to go on.",
                )
            ) from error

    def execute(self, statement: str, **values: str | int) -> Any:
        """Send a statement, with parameters only where there are values."""
        return self.connection.execute(text(statement), values or None)


def _key(database: str, schema: str) -> int:
    """Return a key that all versions of us derive alike: of 64 bits."""
    source = f"calibstate {database} {schema}"
    digest = hashlib.sha256(source.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _locked(place: str, holder: Any) -> LockedError:
    """Return the error that somebody else writes to a place.

    Parameters
    ----------
    place
        What messages call it.
    holder
        Process, user and application that have the lock; `None`: not known.
    """
    who = "It has just ended, or who it is may not be read."
    end = ""
    if holder:
        pid, user, name = holder
        application = name or "it gives no name"
        # A terminal shows what others wrote, and obeys nothing of it.
        characters = [c if c.isprintable() else "?" for c in f"{application}, user {user}"]
        title = "".join(characters)
        who = f"It is {title}, process {pid} of the server."
        end = f" If its host is gone for good, end it there: SELECT pg_terminate_backend({pid})"
    return LockedError(
        Diagnostic(
            "Place is locked",
            f"Another calibstate, which keeps its `records` elsewhere, writes to the database of {place}. "
            f"{who}",
            hint="Wait until that run has ended, then run again. Its lock is gone with it; whoever shares a "
            f"repository had better share `records` too.{end}",
        ),
        holder=" ".join(map(str, holder or ())),
    )

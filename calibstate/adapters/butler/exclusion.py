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

_HOLDER = """
    SELECT l.pid, a.usename, a.application_name
    FROM pg_locks l JOIN pg_database d ON d.oid = l.database LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()
      AND l.classid::bigint = :high AND l.objid::bigint = :low AND l.objsubid = 1
"""


@contextmanager
def exclude_others(uri: str, place: str, timeout: timedelta = USUAL_TIMEOUT) -> Iterator[Callable[[], None]]:
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
        engine = repository.engine(**{name: value for name, value in _ALIVE.items() if name not in url.query})
        connection = engine.connect().execution_options(isolation_level="READ COMMITTED")
    try:
        with repository.asking():
            _take(connection, repository.namespace, place)
        yield lambda: _check(connection, place)
    finally:
        # One that is broken has let go already.
        with suppress(SQLAlchemyError):
            connection.close()
        engine.dispose()


def _take(connection: Connection, namespace: str | None, place: str) -> None:
    # Of a session, and not of a transaction, the lock would be left behind in
    # a pooler (pgbouncer) that gives each transaction another connection.
    # Idle at READ COMMITTED, a transaction keeps nothing from being cleared,
    # if its last statement had no parameters: else that one stays open.
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    connection.execute(text("SELECT set_config('application_name', :name, true)"), {"name": _name()})
    database, schema = connection.execute(text("SELECT current_database(), current_schema()")).one()
    key = _key(database, namespace or schema)
    if connection.execute(text(f"SELECT pg_try_advisory_xact_lock({key})")).scalar_one():
        return
    halves = {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}
    raise _locked(place, connection.execute(text(_HOLDER), halves).first())


def _check(connection: Connection, place: str) -> None:
    try:
        connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise LockedError(
            Diagnostic(
                "Lock was lost",
                f"The connection that kept others away from the database of {place} broke, so somebody "
                "else may write there by now. Nothing more is written.",
                hint="What was done stands. Run again to go on.",
            )
        ) from error


def _key(database: str, schema: str) -> int:
    """Return a key that all versions of us derive alike: of 64 bits."""
    digest = hashlib.sha256(f"calibstate {database} {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _name() -> str:
    # PostgreSQL keeps 63 bytes; a long name of a host is what may be cut.
    return f"calibstate since {stamp(datetime.now(UTC))} pid {os.getpid()} on {socket.gethostname()}"


def _locked(place: str, holder: Any) -> LockedError:
    who, end = "It has just ended, or who it is may not be read.", ""
    if holder:
        pid, user, name = holder
        title = f"{name or 'it gives no name'}, user {user}"
        # A terminal shows what others wrote, and obeys nothing of it.
        shown = "".join(c if c.isprintable() else "?" for c in title)
        who = f"It is {shown}, process {pid} of the server."
        end = f" If its host is gone for good, end it there: SELECT pg_terminate_backend({pid})"
    return LockedError(
        Diagnostic(
            "Place is locked",
            f"Another calibstate, which keeps its `records` elsewhere, writes to the database of {place}. "
            f"{who}",
            hint="Wait until that run has ended, then run again. Its lock is gone with it; whoever shares a "
            f"repository had better share `records` too.{end}",
        ),
        holder=" ".join(str(part) for part in holder or ()),
    )

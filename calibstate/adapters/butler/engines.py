"""Time limits on the engines that we open, and on no other.

The butler makes its engines itself, without a word on patience: PostgreSQL is
waited for without end, and SQLite for five minutes that no signal ends.  What
it is told is only a URL.  SQLAlchemy lets a URL name a plugin, which is given
the engine that is made of it; so our limit travels in the URL of a repository
that we open, and engines of others in the same process stay as they are.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, Connection, CreateEnginePlugin, Engine
from typing_extensions import override

from ...ports.silence import heard
from ..registry.patience import connecting, milliseconds, seconds_to_connect, wait_begins

__all__ = ["EngineLimit", "limit_engine", "limited_url"]

_PLUGIN = "calibstate"
_TIMEOUT = "calibstate_timeout"
"""Where a URL says how many seconds are waited."""


class EngineLimit(CreateEnginePlugin):
    """Limits the engine that is made of a URL by `limited_url`."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        self._timeout = timedelta(seconds=float(str(url.query[_TIMEOUT])))

    @override
    def update_url(self, url: URL) -> URL:
        # The database is told nothing of it.
        return url.difference_update_query([_TIMEOUT])

    @override
    def engine_created(self, engine: Engine) -> None:
        limit_engine(engine, self._timeout)


# SQLAlchemy looks for plugins by name.  A URL that does not name this one has
# nothing to do with it.
plugins.register(_PLUGIN, __name__, EngineLimit.__name__)


def limited_url(url: str, timeout: timedelta) -> str:
    """Return the URL of a database, of which a limited engine is made.

    Parameters
    ----------
    url
        The URL, as ``butler.yaml`` has it.
    timeout
        How long the database may be silent.
    """
    query = urlencode({"plugin": _PLUGIN, _TIMEOUT: timeout.total_seconds()})
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}{query}"


def limit_engine(engine: Engine, timeout: timedelta) -> None:
    """Have all connections of an engine wait no longer than that.

    Parameters
    ----------
    engine
        One that we opened.
    timeout
        How long its database may be silent.
    """
    seconds = timeout.total_seconds()

    def begin_to_wait(*_: Any) -> None:
        wait_begins(seconds)

    def note_answer(*_: Any) -> None:
        heard()

    if engine.dialect.name == "postgresql":
        _limit_postgres(engine, timeout)
    elif engine.dialect.name == "sqlite":

        def limit_waiting_for_a_file(
            connection: Any,
            record: Any,
            proxy: Any,
        ) -> None:
            if isinstance(connection, sqlite3.Connection):
                limit = milliseconds(timeout)
                connection.execute(f"PRAGMA busy_timeout = {limit}")

        event.listen(engine, "checkout", limit_waiting_for_a_file)
    event.listen(engine, "before_cursor_execute", begin_to_wait)
    event.listen(engine, "after_cursor_execute", note_answer)


def _limit_postgres(engine: Engine, timeout: timedelta) -> None:
    def limit_connecting(
        dialect: Any,
        record: Any,
        arguments: list[Any],
        settings: dict[str, Any],
    ) -> None:
        for name, value in connecting(timeout).items():
            settings.setdefault(name, value)
        wait_begins(seconds_to_connect(timeout))

    def limit_statements(connection: Connection) -> None:
        # For one transaction only: a pooler (pgbouncer) may give the
        # connection to somebody else after it, and takes no options when it
        # is opened.
        limit = milliseconds(timeout)
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {limit}")

    event.listen(engine, "do_connect", limit_connecting)
    event.listen(engine, "begin", limit_statements)

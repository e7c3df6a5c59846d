"""Errors of databases, and what a person does about them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from ...errors import without_secrets
from .patience import last_wait

__all__ = ["ASK", "CHECK", "DatabaseTrouble", "first_line", "is_silence", "what_a_database_says"]

ASK = "Ask its owner for access, or run this as somebody who has it."
CHECK = "Check `butler` in the site's file, and that the place can be reached from here."

_PATIENCE = (
    "Nothing is known of what it holds. Try again when nobody else works on it, or wait longer "
    "with --timeout."
)
_ITS_LIMIT = (
    "Ask its administrators for a longer `statement_timeout` or `lock_timeout` of this role; --timeout "
    "is ours, and longer."
)
_MAKE_ROOM = "Make room where its database is, and run this again."

_BY_CODE = (
    ("SQLITE_FULL", "its disk is full", _MAKE_ROOM),
    ("SQLITE_IOERR", "its disk fails", "See to the disk that its database is on."),
    ("SQLITE_CORRUPT", "its database is damaged", "Bring its database back from a copy."),
    ("SQLITE_READONLY", "its database may not be written", ASK),
    ("SQLITE_PERM", "its database may not be used", ASK),
    ("53100", "its disk is full", _MAKE_ROOM),
    ("53", "its server has no room for this", "Wait until others have ended, and run this again."),
    ("25006", "its database may not be written", "Ask its administrators to let it be written."),
    ("42501", "its database does not let us", ASK),
)
"""What a code of SQLite or of PostgreSQL begins with, and what that means."""

_ENDED_BY_TIME = {
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
    "55P03",  # lock_not_available: lock_timeout has passed
    "57014",  # query_canceled: statement_timeout has passed
    "57P05",  # idle_session_timeout
}
"""Codes of PostgreSQL (SQLSTATE) by which it ends what takes too long."""


class DatabaseTrouble(NamedTuple):
    """What is wrong with a database."""

    public: str
    """In words that tell nothing of a machine."""

    line: str
    """What its module says, which may name hosts and files."""

    hint: str
    """What to do."""

    @property
    def detail(self) -> str:
        """All that is known, for who works here."""
        return f"{self.public}: {self.line}"


def what_a_database_says(error: BaseException) -> DatabaseTrouble:
    """Return what is wrong with a database, and what to do.

    Parameters
    ----------
    error
        What its module raised (``sqlite3``, ``psycopg``).
    """
    line = first_line(error)
    if is_silence(error):
        wait = last_wait()
        if wait and not wait.took_all:
            # Our limit is ours alone; that of its administrators is not.
            return DatabaseTrouble("its database ends what takes longer than it allows", line, _ITS_LIMIT)
        how_long = f"within {wait.seconds:g} s" if wait else "in time"
        return DatabaseTrouble(f"it did not answer {how_long}", line, _PATIENCE)
    code = _code(error)
    for begin, what, hint in _BY_CODE:
        if code.startswith(begin):
            return DatabaseTrouble(what, line, hint)
    return DatabaseTrouble("its database does not answer", line, CHECK)


def is_silence(error: BaseException) -> bool:
    """Say whether a database was waited for, and did not answer."""
    code = _code(error)
    if isinstance(error, sqlite3.Error):
        return code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    if code:
        return code in _ENDED_BY_TIME
    # The client's own errors have no code: a server that does not let us in,
    # or that nothing comes from any more, is known by the time that it took.
    wait = last_wait()
    return wait is not None and wait.took_all


def first_line(error: BaseException | None) -> str:
    """Return the first words of an error, without passwords."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return without_secrets(lines[0] if lines else type(error).__name__).rstrip(".")


def _code(error: BaseException) -> str:
    """Return the code of an error, by whichever name its module has it."""
    for name in ("sqlite_errorname", "sqlstate", "pgcode"):
        if code := getattr(error, name, None):
            return str(code)
    return ""

"""Break a lock that a person names, and keep who did so."""

from __future__ import annotations

from collections.abc import Callable

from ..model.outcomes import Began, JournalLine
from ..ports.places import Records

__all__ = ["unlock"]


def unlock(
    place: str,
    id: str | None,
    records: Records,
    *,
    now: Callable[[], str],
    began: Callable[[], Began],
) -> str:
    """Break the lock of a place, and say what became of it.

    Parameters
    ----------
    place
        A repository, the archive or Rucio.
    id
        Id of the lock; `None`: who holds it is asked only.
    records
        Where its lock is, and the journal that keeps this.
    now
        The time in UTC, with ``Z``.
    began
        Says who breaks it.

    Raises
    ------
    LockedError
        Another lock is there, or its holder lives on this host.
    UnreachableError
        The store does not answer.
    """
    journal = records.journal
    notices: list[str] = []

    def about_to(words: str) -> None:
        # The journal tells who does it before it is done.
        if not notices:
            journal.write(
                JournalLine(
                    at=now(),
                    event="run",
                    text="unlock",
                    began=began(),
                )
            )
        notices.append(words)
        journal.write(JournalLine(at=now(), event="unlock", text=words))

    broken = records.locks.unlock(place, id, about_to)
    if notices:
        end = f"{place} was given back meanwhile"
        if broken:
            end = f"the lock of {place} is broken"
        journal.write(JournalLine(at=now(), event="end", text=end))
    if not broken:
        return f"{place} is not locked"
    return notices[-1]

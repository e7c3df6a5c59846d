"""Break the lock of a run that is surely no more."""

from __future__ import annotations

from ..engine.unlock import unlock as break_lock
from ..factory.past import began
from ..model.guards import Allowed
from ..model.names import ARCHIVE, RUCIO
from ..model.results.places_looked_at import LockBroken
from .scoping import undeclared
from .session import Session

__all__ = ["unlock"]


def unlock(session: Session, place: str, id: str | None = None) -> LockBroken:
    """Break the lock of a place, and return what became of it.

    Parameters
    ----------
    session
        It says what is declared.
    place
        A repository, the archive or Rucio.
    id
        Id of the lock; `None`: who holds it is asked only.

    Raises
    ------
    LockedError
        Another lock is there, or its holder lives on this host.
    UsageError
        Nobody declared such a place.
    """
    desired = session.desired
    declared = (*desired.repositories, ARCHIVE, RUCIO)
    if place not in declared:
        raise undeclared("place", place, declared)
    records = session.places().records(place)
    sentence = break_lock(place, id, records, now=session.utc_now, began=lambda: began(desired, Allowed()))
    return LockBroken(sentence)

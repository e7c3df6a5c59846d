"""Break the lock of a run that is surely no more."""

from __future__ import annotations

from ..engine.unlock import unlock as break_lock
from ..factory.past import began
from ..model.guards import Allowed
from ..model.names import ARCHIVE, RUCIO
from ..model.results.places_looked_at import LockBroken
from .daily import lock_of, repository_of
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
        A repository, the archive or Rucio; or ``daily/INSTRUMENT``, which is
        held while exposures are verified.
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
    daily = {lock_of(instrument): instrument for instrument in desired.own.get("daily", {})}
    declared = (*desired.repositories, ARCHIVE, RUCIO, *daily)
    if place not in declared:
        raise undeclared("place", place, declared)
    keeper = place
    if place in daily:
        # It lies beside what is kept of the days.
        keeper = repository_of(desired, daily[place])
    records = session.places().records(keeper)
    sentence = break_lock(place, id, records, now=session.utc_now, began=lambda: began(desired, Allowed()))
    return LockBroken(sentence)

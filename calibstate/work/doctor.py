"""Tell whether one can work with the places from here."""

from __future__ import annotations

from ..model.checkups import Health
from ..model.results.places_looked_at import Checkup
from ..surveys.doctor import doctor as examine
from .session import Session

__all__ = ["doctor"]


def doctor(session: Session) -> Checkup:
    """Return what a look at each place showed; nothing is written."""
    places = session.places()
    with session.counting("looking at", "places") as watch:
        checks = examine(session.desired, session.scope, places, watch)
    away = {check.place for check in checks if check.check == "read" and check.health is Health.FAILED}
    return Checkup(tuple(checks), places.seen(away))

"""Asking who is there, before anybody is waited for one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.expand import places_of
from ..engine.knock import knock
from ..factory.places import Places
from ..model.desired import DesiredState
from ..model.scope import Scope
from . import screen

__all__ = ["ask_who_is_there"]


def ask_who_is_there(desired: DesiredState, narrowed: Scope, places: Places) -> None:
    """Ask all that a command will need, and show who says nothing.

    Parameters
    ----------
    desired, narrowed
        What is declared, and the part that is asked for.
    places
        The places; they remember who said nothing.
    """
    with screen.progress("asking") as watch:

        def seen(done: int, total: int, awaited: Sequence[str]) -> None:
            silent = f"; waiting for {', '.join(awaited)}" if awaited else ""
            watch(f"places{silent}", done, total)

        knock(places.doors(places_of(desired, narrowed)), places.timeout, seen)

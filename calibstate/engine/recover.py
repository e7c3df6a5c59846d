"""Undo what killed runs left half done, before anything is planned.

After a writer of a SQLite repository was killed, reading it fails until
somebody opens it for writing once.  A killed run leaves its locks too, which
would stop runs on other hosts, and files that nobody will ask for.  All that
is cleared under the lock of the place, so that a run which still goes on is
not mistaken for a dead one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from functools import partial

from ..errors import NeedsRecoveryError, UnreachableError
from ..model.names import ARCHIVE, RUCIO, Place
from ..ports.places import WritePlaces
from .hold import Holds, Patience
from .side_by_side import side_by_side

__all__ = ["recover"]


def recover(
    addresses: Iterable[Place],
    places: WritePlaces,
    patience: Patience | None = None,
) -> Iterator[str]:
    """Recover the places that need it.

    Parameters
    ----------
    addresses
        Repositories, the archive and Rucio.
    places
        Where they are.
    patience
        How long is waited for what others hold.

    Yields
    ------
    str
        What a person should know of it.

    Raises
    ------
    LockedError
        Another run works on one of them.
    """
    questions = {address: partial(_left_by_killed, address, places) for address in addresses}
    answers = dict(side_by_side(questions, places.timeout))
    for address in questions:
        try:
            left = answers[address].result()
            if left is None:
                continue
            # Only when the place is given back is anything told.
            notices: list[str] = []
            with Holds(places, notices.append, patience) as holds:
                holds.take(address, "recovery")
                if address == ARCHIVE:
                    places.change_archive().clear_leftovers()
                elif address != RUCIO:
                    places.recover(address)
        except UnreachableError:
            continue  # It is told when it is looked at.
        yield from notices
        if left is _Left.HALF_WRITTEN:
            yield f"{address}: recovered from a writer that was killed"


class _Left(Enum):
    """What a killed run left at a place."""

    HALF_WRITTEN = "half written"
    LOCK = "lock"


def _left_by_killed(address: Place, places: WritePlaces) -> _Left | None:
    """Return what a killed run left at a place; `None`: nothing."""
    # Reading a half-written repository fails, so opening it tells.
    if address not in {ARCHIVE, RUCIO}:
        try:
            places.butler(address)
        except NeedsRecoveryError:
            return _Left.HALF_WRITTEN
    if places.records(address).locks.is_abandoned(address):
        return _Left.LOCK
    return None

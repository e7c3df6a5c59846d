"""Undo what killed writers left half done, before anything is planned.

After a writer of a SQLite repository was killed, reading it fails until
somebody opens it for writing once.  That is done under the lock of the place,
so that a writer which still runs is not mistaken for a dead one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import NeedsRecoveryError, UnreachableError
from ..ports.places import Records, WritePlaces

__all__ = ["recover"]


def recover(addresses: Iterable[str], places: WritePlaces, records: Callable[[str], Records]) -> list[str]:
    """Recover the repositories that need it, and return their addresses.

    Raises
    ------
    LockedError
        Another run works on one of them.
    """
    return [address for address in addresses if _recovered(address, places, records)]


def _recovered(address: str, places: WritePlaces, records: Callable[[str], Records]) -> bool:
    try:
        places.butler(address)
    except NeedsRecoveryError:
        with records(address).locks.hold(address, why="recovery"):
            places.recover(address)
        return True
    except UnreachableError:
        return False  # It is told when it is looked at.
    return False

"""Undo what killed runs left half done, before anything is planned.

After a writer of a SQLite repository was killed, reading it fails until
somebody opens it for writing once.  A killed run leaves its locks too, which
would stop runs on other hosts, and files that nobody will ask for.  All that
is cleared under the lock of the place, so that a run which still goes on is
not mistaken for a dead one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ..errors import NeedsRecoveryError, UnreachableError
from ..model.names import ARCHIVE, RUCIO, Place
from ..ports.places import WritePlaces
from .hold import Holds, Patience
from .side_by_side import side_by_side

__all__ = ["recover"]


def recover(
    addresses: Iterable[Place], places: WritePlaces, patience: Patience | None = None
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
    asked = {address: partial(_needs_recovery, address, places) for address in addresses}
    found = dict(side_by_side(asked, places.timeout))
    for address in asked:
        try:
            if (half_written := found[address].result()) is not None:
                yield from _recover(address, places, patience, half_written=half_written)
        except UnreachableError:
            continue  # It is told when it is looked at.


def _needs_recovery(address: Place, places: WritePlaces) -> bool | None:
    """Say whether a place is half written; `None`: nothing is to be done."""
    half_written = address not in {ARCHIVE, RUCIO} and _is_half_written(address, places)
    return half_written or (False if places.records(address).locks.is_abandoned(address) else None)


def _recover(
    address: Place, places: WritePlaces, patience: Patience | None, *, half_written: bool
) -> Iterator[str]:
    words: list[str] = []
    with Holds(places, words.append, patience) as holds:
        holds.take(address, "recovery")
        if address not in {ARCHIVE, RUCIO}:
            places.recover(address)
        elif address == ARCHIVE:
            places.change_archive().clear_leftovers()
    yield from words
    if half_written:
        yield f"{address}: recovered from a writer that was killed"


def _is_half_written(address: Place, places: WritePlaces) -> bool:
    try:
        places.butler(address)
    except NeedsRecoveryError:
        return True
    return False

"""Look at the other repositories of an instrument while one is captured.

What one repository has is declared for all.  So a new ticket is to be skipped
wherever it is not, and that is known only by looking there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

from ..engine.side_by_side import side_by_side
from ..errors import UnreachableError
from ..model.names import RepositoryAddress
from .comparison import Comparison, collections_in_files, declared_chains
from .live import Live, look
from .once import PlacesToLookAt

__all__ = ["look_at_others"]


def look_at_others(
    comparison: Comparison,
    places: PlacesToLookAt,
    counted: Callable[[int, int], None],
) -> None:
    """Add to a comparison what other repositories show, if it matters.

    One that cannot be seen is noted.

    Parameters
    ----------
    comparison
        What was captured so far.
    places
        Where to look.
    counted
        Told how many repositories have been looked at, of how many; the one
        that is captured is among them.
    """
    desired = comparison.desired
    instrument = comparison.wanted.instrument
    names = collections_in_files(desired, instrument)
    for ticket in comparison.reached:
        names.update(ticket.leaves, ticket.children)
    read = comparison.to_compare
    looks: dict[RepositoryAddress, Callable[[], Live]] = {}
    for address in comparison.others_that_matter:
        chains = declared_chains(desired, instrument, address)
        looks[address] = partial(_look_at, places, address, chains, names, read)
    lives: dict[RepositoryAddress, Live] = {}
    # The repository that is captured has been looked at already.
    counter = count(2)
    for address, future in side_by_side(looks, places.timeout):
        try:
            lives[address] = future.result()
        except UnreachableError as error:
            comparison.unseen[address] = error.first
        counted(next(counter), len(looks) + 1)
    # They end in any order.
    comparison.others.update(sorted(lives.items()))
    comparison.unseen = dict(sorted(comparison.unseen.items()))


def _look_at(
    places: PlacesToLookAt,
    address: RepositoryAddress,
    chains: tuple[str, ...],
    names: set[str],
    read: set[str],
) -> Live:
    # The repository is opened here, beside the others, since that takes long.
    butler = places.butler(address)
    # Whatever is to be compared is a ticket's.
    return look(butler, address, chains, names, of_tickets=read, read=read)

"""Live chains that nobody declared.

A repository may have thousands of chains, most of them somebody's own.  So
only those are asked for that calibrations are searched by: the usual ones of
its instruments, and those that files declare for other repositories.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..kinds.selection import places_of
from ..model.chains import usual_chains
from ..model.contents import CollectionType
from ..model.desired import DesiredState
from ..model.drift import UndeclaredChain
from ..model.names import CollectionName, InstrumentName, Place, RepositoryAddress
from ..model.scope import Scope
from ..ports.places import ReadPlaces

__all__ = ["UndeclaredChains", "chains_to_ask_for"]


class UndeclaredChains:
    """What is asked of repositories about chains that nobody declared there.

    Parameters
    ----------
    desired
        The whole declared state.
    scope
        The part of it that is asked for; of a ticket nothing is asked here.
    """

    def __init__(self, desired: DesiredState, scope: Scope) -> None:
        self._desired = desired
        self._wanted: dict[Place, Mapping[CollectionName, InstrumentName]] = {}
        """Instruments of the chains that are asked for, by name."""
        self._live: dict[Place, list[CollectionName]] = {}
        """Those that are searched."""
        if scope.tickets:
            return
        for address in places_of(desired, scope):
            self._wanted[address] = chains_to_ask_for(
                address,
                desired,
                scope,
            )

    def names(self, place: Place) -> tuple[CollectionName, ...]:
        """Return the chains that a place is asked for."""
        return tuple(self._wanted.get(place, ()))

    def look(self, place: Place, places: ReadPlaces) -> None:
        """Look which of them are there.

        Raises
        ------
        UnreachableError
            The repository cannot be seen.
        """
        names = self.names(place)
        if not names:
            # Most have all declared, and are asked nothing.
            return
        butler = places.butler(place)
        searched: list[CollectionName] = []
        for name, collection in butler.collections(names).items():
            is_chain = collection.type is CollectionType.CHAINED
            is_bare = collection.type is CollectionType.CALIBRATION
            # Through an empty chain nothing is found.
            if is_bare or (is_chain and collection.children):
                searched.append(name)
        self._live[place] = searched

    @property
    def found_live(self) -> tuple[UndeclaredChain, ...]:
        """The chains that are live and not declared there, by name."""
        where: dict[CollectionName, list[RepositoryAddress]] = {}
        instrument_of: dict[CollectionName, InstrumentName] = {}
        # Repositories were looked at side by side, in any order.
        for place in sorted(self._live):
            address = RepositoryAddress(place)
            instrument_of.update(self._wanted[place])
            for name in self._live[place]:
                repositories = where.setdefault(name, [])
                repositories.append(address)
        undeclared: list[UndeclaredChain] = []
        for name in sorted(where):
            declared_for: tuple[str, ...] = ()
            declared = self._desired.chains.get(name)
            if declared:
                declared_for = declared.noun.only
            undeclared.append(
                UndeclaredChain(
                    chain=name,
                    instrument=instrument_of[name],
                    repositories=tuple(where[name]),
                    declared_for=declared_for,
                )
            )
        return tuple(undeclared)


def chains_to_ask_for(
    address: RepositoryAddress,
    desired: DesiredState,
    scope: Scope,
) -> Mapping[CollectionName, InstrumentName]:
    """Return the chains that may be live where nobody declared them.

    Parameters
    ----------
    address
        The repository.
    desired
        The whole declared state.
    scope
        The part of it that is asked for.

    Returns
    -------
    dict
        The instrument of each chain, by its name.
    """
    _, repository = desired.repository(address)
    names: dict[CollectionName, InstrumentName] = {}
    for instrument in repository.instruments:
        if not scope.has_instrument(instrument):
            continue
        for name in usual_chains(instrument):
            names[name] = instrument
        for written in desired.chains_of(instrument):
            names[written.noun.chain] = instrument
    for written in desired.chains.values():
        # What others make is declared, too, as that.
        for external in written.noun.external:
            names.pop(external, None)
        if desired.has_chain(address, written.noun):
            names.pop(written.noun.chain, None)
    return names

"""From what people declare to the resources that are to be at each place.

Each kind declares its own.  Those of the archive and of Rucio come first,
ticket by ticket, then those of the repositories, one after the other.
"""

from __future__ import annotations

from itertools import groupby

from ..kinds.chain import Chain, ChainKind
from ..kinds.registry import KINDS
from ..kinds.selection import Selection, adopted, places_of
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.pins import Pins
from ..model.resources import Declared
from ..model.scope import Scope

__all__ = ["adopted", "chains_at", "expand", "places_of"]


def expand(
    desired: DesiredState,
    scope: Scope,
    pins: Pins | None = None,
) -> tuple[Declared, ...]:
    """Return every declared resource, in the order in which a ticket travels.

    Parameters
    ----------
    desired
        The whole declared state.
    scope
        The part of it that is asked for.
    pins
        What the tickets hold; without them the result says where to look.
    """
    selection = Selection(desired, scope, pins or {})
    declared: list[Declared] = []
    # Kinds stand in travelling order: those of a shared place follow each
    # other, and so do those of repositories, which have no place of theirs.
    for place, group in groupby(KINDS.values(), key=lambda kind: kind.place):
        kinds = list(group)
        if place is None:
            for address in selection.repositories:
                for kind in kinds:
                    declared.extend(kind.declare(selection, address))
            continue
        shared: list[Declared] = []
        for kind in kinds:
            shared.extend(kind.declare(selection, place))
        # What one ticket becomes there stands together.
        shared.sort(key=lambda resource: resource.address.name.split("/"))
        declared.extend(shared)
    return tuple(declared)


def chains_at(
    desired: DesiredState,
    scope: Scope,
    address: RepositoryAddress,
) -> tuple[Chain, ...]:
    """Return the chains that are declared for a repository.

    Parameters
    ----------
    desired
        The whole declared state.
    scope
        The part of it that is asked for.
    address
        The repository.
    """
    selection = Selection(desired, scope)
    if address not in selection.repositories:
        return ()
    chains = ChainKind().declare(selection, address)
    return tuple(Chain.among(declared.resource for declared in chains))

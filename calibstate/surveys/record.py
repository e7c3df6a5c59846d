"""Look at repositories for those who cannot see them.

They are asked what drift and fingerprint would ask; and so that a change of
the declaration need not wait for another look, also of tickets that are
not adopted yet, or skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from ..engine.expand import expand, places_of
from ..engine.observe import look_at, refuse_doubles
from ..engine.side_by_side import side_by_side
from ..errors import Diagnostic, UnreachableError
from ..lookups.fingerprint import look_at_chains
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus
from ..ports.places import ReadPlaces

__all__ = ["look_for_others"]


def look_for_others(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Mapping[RepositoryAddress, Diagnostic | None]:
    """Ask repositories all that others may want to know.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look; they keep what they answer.
    progress
        Is called with how many repositories have been looked at, of how many.

    Returns
    -------
    dict
        The repositories that were asked for, each with the reason why it
        could not be seen, if so.

    Raises
    ------
    RefusedError
        Two addresses open one and the same butler.
    """
    refuse_doubles(desired, places)
    foreseen = _foreseen(desired)
    trouble: dict[RepositoryAddress, Diagnostic | None] = {}
    looks = {}
    for address in places_of(desired, scope):
        trouble[address] = None
        looks[address] = partial(_look, foreseen, scope, places, address)
    for done, (address, look) in enumerate(side_by_side(looks, places.timeout), 1):
        try:
            trouble[address] = look.result()
        except UnreachableError as error:
            trouble[address] = error.first
        progress(done, len(looks))
    chains = look_at_chains(desired, scope, places)
    return {**trouble, **chains.unreachable}


def _look(
    desired: DesiredState, scope: Scope, places: ReadPlaces, address: RepositoryAddress
) -> Diagnostic | None:
    """Look at a repository; return why it cannot be seen, if so."""
    # Of this repository alone; other places are asked for by themselves.
    here = replace(scope, sites=(), repositories=(address,))
    everything = expand(desired, here)
    wanted = [declared for declared in everything if declared.address.place == address]
    for observed in look_at(wanted, places):
        if observed.trouble:
            return observed.trouble
    return None


def _foreseen(desired: DesiredState) -> DesiredState:
    """Return the state with every ticket adopted, and wanted everywhere."""
    tickets = {}
    for key, written in desired.tickets.items():
        ticket = written.noun
        approval = ticket.approval.model_copy(update={"status": ApprovalStatus.ADOPTED})
        ticket = ticket.model_copy(update={"approval": approval, "skip": {}})
        tickets[key] = replace(written, noun=ticket)
    return replace(desired, tickets=tickets)

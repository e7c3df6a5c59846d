"""Look at repositories for those who cannot see them.

They are asked what drift and fingerprint would ask; and so that a change of
the declaration need not wait for another look, also of tickets that are
not adopted yet, or skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..engine.expand import expand, places_of
from ..engine.observe import look_at, refuse_doubles
from ..engine.side_by_side import side_by_side
from ..errors import Diagnostic, UnreachableError, UsageError
from ..lookups.fingerprint import look_at_chains
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.resources import Declared
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus
from ..ports.places import ReadPlaces

__all__ = ["check_whole", "look_for_others"]


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


def check_whole(
    desired: DesiredState,
    scope: Scope,
    narrowed_by: Sequence[str],
) -> None:
    """Refuse to look at a part of a repository, for others.

    What tells of a part would take the place of what tells of all of it, and
    others would not know of the rest any more.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    narrowed_by
        Options by which it was narrowed.

    Raises
    ------
    UsageError
        Of a repository not all that is declared would be looked at.
    """
    foreseen = _foreseen(desired)
    in_part: list[str] = []
    for address in places_of(desired, scope):
        everything = _wanted(
            foreseen,
            Scope(files=scope.files),
            address,
        )
        wanted = _wanted(
            foreseen,
            scope,
            address,
        )
        if len(wanted) < len(everything):
            in_part.append(address)
    if not in_part:
        return
    repositories = ", ".join(in_part)
    options = ", ".join(narrowed_by)
    raise UsageError(
        Diagnostic(
            "Only a part would be published",
            f"{repositories} would be looked at in part only, by {options or 'what was asked for'}; and "
            "what is published stands for all of a repository.",
            hint="Publish without that, or write the part to a file: -o FILE.",
        )
    )


def _look(
    desired: DesiredState, scope: Scope, places: ReadPlaces, address: RepositoryAddress
) -> Diagnostic | None:
    """Look at a repository; return why it cannot be seen, if so."""
    wanted = _wanted(desired, scope, address)
    for observed in look_at(wanted, places):
        if observed.trouble:
            return observed.trouble
    return None


def _wanted(desired: DesiredState, scope: Scope, address: RepositoryAddress) -> list[Declared]:
    """Return what is asked of a repository alone."""
    # Other places are asked for by themselves.
    here = replace(
        scope,
        sites=(),
        repositories=(address,),
    )
    wanted: list[Declared] = []
    for declared in expand(desired, here):
        if declared.address.place == address:
            wanted.append(declared)
    return wanted


def _foreseen(desired: DesiredState) -> DesiredState:
    """Return the state with every ticket adopted, and wanted everywhere."""
    tickets = {}
    for key, written in desired.tickets.items():
        ticket = written.noun
        approval = ticket.approval.model_copy(update={"status": ApprovalStatus.ADOPTED})
        ticket = ticket.model_copy(update={"approval": approval, "skip": {}})
        tickets[key] = replace(written, noun=ticket)
    return replace(desired, tickets=tickets)

"""What of a plan would be refused, as far as that is known without writing.

A step is refused where it cannot be right: files that cannot be exported, a
class that cannot be imported, a detector that is another one.  Whoever plans
is told so, and nothing of that ticket is begun.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ..errors import Diagnostic, RefusedError, Severity, UnreachableError
from ..kinds.registry import KINDS
from ..model.bundles import Contents
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, TicketKey
from ..model.plans import Plan
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..ports.butler import ButlerReader
from ..ports.places import ReadPlaces
from .expand import adopted

__all__ = ["NONE", "Foreseen", "foresee", "objections_at", "to_be_exported"]


@dataclass(frozen=True)
class Foreseen:
    """What was found of the steps of a plan before any of them is begun."""

    refused: Mapping[tuple[str, str], Diagnostic] = field(default_factory=dict)
    """Why steps would be refused, by their actions' names and targets."""

    notes: tuple[Diagnostic, ...] = ()
    """What a person should know, and what refuses nothing."""


NONE = Foreseen()
"""Nothing is foreseen."""


def foresee(plan: Plan, places: ReadPlaces) -> Foreseen:
    """Look which steps of a plan would be refused; nothing is written.

    Parameters
    ----------
    plan
        The plan.
    places
        Where to look.  Of one that cannot be seen, or of which others told,
        nothing is foreseen.
    """
    actions = [step.action for step in plan.steps]
    refused: dict[tuple[str, str], Diagnostic] = {}
    notes: dict[Diagnostic, None] = {}
    for action in actions:
        target = action.target
        kind = KINDS[target.kind]
        try:
            diagnostics = kind.foresee(action, actions, places)
        except UnreachableError:
            continue
        except RefusedError as error:
            diagnostics = error.diagnostics
        errors: list[Diagnostic] = []
        for diagnostic in diagnostics:
            if diagnostic.severity is Severity.ERROR:
                errors.append(diagnostic)
                continue
            # What refuses nothing is a note, with the place that it is about.
            detail = f"{target.place}: {diagnostic.detail}"
            note = replace(diagnostic, detail=detail)
            notes[note] = None
        if errors:
            # A step is refused once: by the first, which tells the others.
            first, *others = errors
            detail = first.detail
            for other in others:
                detail += f" Also: {other.summary}: {other.detail}"
            refused[action.do, str(target)] = replace(first, detail=detail)
    return Foreseen(refused, tuple(notes))


def to_be_exported(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    origin: RepositoryAddress,
    bundled: Collection[TicketKey],
) -> Mapping[TicketKey, Contents | None]:
    """Return what the bundles of an origin's tickets will say.

    Who looks at several repositories side by side asks this first: what is
    open of the origin answers one at a time.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    origin
        The repository that they are exported from.
    bundled
        Tickets that have a bundle, and are not asked for.

    Returns
    -------
    dict
        Of tickets that the origin has whole; `None`: nobody can tell.

    Raises
    ------
    UnreachableError
        The origin cannot be seen.
    """
    contents: dict[TicketKey, Contents | None] = {}
    for written in adopted(desired, scope):
        ticket = written.noun
        if ticket.key in bundled or desired.origin(ticket.instrument) != origin:
            continue
        butler = places.butler(origin)
        # What cannot be exported is told of the origin itself.
        with suppress(RefusedError):
            if _is_there(ticket, butler):
                contents[ticket.key] = butler.described(ticket.leaves)
    return contents


def objections_at(
    desired: DesiredState,
    scope: Scope,
    places: ReadPlaces,
    address: RepositoryAddress,
    bundled: Collection[TicketKey],
    contents: Mapping[TicketKey, Contents | None],
) -> Mapping[Diagnostic, list[str]]:
    """Return what a repository would refuse of its tickets.

    Of its own tickets, if it is an origin, that they cannot be exported; of
    others', that they cannot be imported.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    places
        Where to look.
    address
        The repository.
    bundled
        Tickets that have a bundle.
    contents
        What the bundles of tickets say, or will say; `None`: it is damaged.

    Returns
    -------
    dict
        Tickets, by what is said of them.

    Raises
    ------
    UnreachableError
        A place that is needed for it cannot be seen.
    """
    _, repository = desired.repository(address)
    objections: dict[Diagnostic, list[str]] = {}
    for written in adopted(desired, scope):
        ticket = written.noun
        if ticket.instrument not in repository.instruments:
            continue
        origin = desired.origin(ticket.instrument)
        diagnostics: Sequence[Diagnostic] = ()
        try:
            if address == origin:
                # What is in a bundle was exported, and need not be again.
                butler = places.butler(origin)
                if ticket.key not in bundled and _is_there(ticket, butler):
                    butler.check_export(ticket.leaves)
            else:
                butler = places.butler(address)
                butler.check_change()
                arriving = contents.get(ticket.key)
                if arriving:
                    diagnostics = butler.objections(arriving)
        except RefusedError as error:
            diagnostics = error.diagnostics
        for diagnostic in diagnostics:
            names = objections.setdefault(diagnostic, [])
            names.append(ticket.name)
    return objections


def _is_there(ticket: Ticket, butler: ButlerReader) -> bool:
    collections = butler.collections(ticket.leaves)
    return set(ticket.leaves) <= collections.keys()

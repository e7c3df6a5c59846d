"""Certify what is complete of a ticket, and search it by its ticket chain.

It is planned, shown, agreed to and carried out as ``apply`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from ..constructing.certifying import images_to_look_at, look_at_certifications
from ..engine.observe import View
from ..engine.plan import NOTHING
from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState, Written
from ..model.guards import Allowed
from ..model.names import RepositoryAddress
from ..model.outcomes import Outcome
from ..model.results.plans import Applied
from ..model.scope import Scope
from ..model.tickets import Ticket
from .apply import Prepared, carry_out, check
from .apply import prepare as prepare_plan
from .scoping import ticket_named
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["certify", "prepare"]


def certify(
    session: Session,
    ticket: str,
    show: Callable[[Outcome], None],
    allowed: Allowed = NOTHING,
) -> Applied:
    """Certify what is complete of a ticket, without asking anybody.

    Parameters
    ----------
    session, ticket, allowed
        As for `prepare`.
    show
        Told what becomes of each target, as soon as that is known.

    Raises
    ------
    CalibstateError
        As of `prepare`; or it cannot be carried out.
    """
    prepared = prepare(session, ticket, allowed)
    return carry_out(prepared, show, excluded=check(prepared))


def prepare(
    session: Session,
    ticket: str,
    allowed: Allowed = NOTHING,
    lock_timeout: timedelta = timedelta(),
) -> Prepared:
    """Return a plan that certifies what is complete of a ticket.

    Parameters
    ----------
    session
        It says which tree.
    ticket
        ``TICKET`` or ``INSTRUMENT/TICKET``.
    allowed
        Guards that a person passes.
    lock_timeout
        How long is waited, in all, for what others hold.

    Raises
    ------
    UsageError
        There is no such ticket, it certifies nothing, or its instrument has
        no origin.
    """
    desired = session.desired
    written = ticket_named(desired, ticket)
    origin = _origin(written, desired)
    session = replace(session, requested=Scope(repositories=(origin,)))
    remarks: list[Diagnostic] = []
    look_at = partial(_look, written, origin, remarks)
    prepared = prepare_plan(session, None, allowed, lock_timeout, look_at)
    images = images_to_look_at(
        prepared.plan,
        written,
        origin,
        desired,
    )
    remarks.extend(images)
    remarks.extend(prepared.remarks)
    return replace(prepared, remarks=tuple(remarks))


def _look(
    written: Written[Ticket],
    origin: RepositoryAddress,
    remarks: list[Diagnostic],
    session: Session,
    places: Places,
) -> View:
    with session.counting("looking at", "places") as watch:
        watch(0, 1)
        view = look_at_certifications(written, session.desired, origin, places)
    remarks.extend(view.notes)
    return view


def _origin(written: Written[Ticket], desired: DesiredState) -> RepositoryAddress:
    """Return where a ticket is certified."""
    ticket = written.noun
    if not (ticket.construction or ticket.certify or ticket.curated):
        raise UsageError(
            Diagnostic(
                "Nothing to certify",
                f"{ticket.ticket} says neither how its collections are made nor what it certifies.",
                written.lines.at("ticket"),
                hint="Give `construction`, or `certify: [{as: …, datasets_of: …, begin: …, end: …}]`.",
            )
        )
    origin = desired.origin(ticket.instrument)
    if origin is None:
        raise UsageError(
            Diagnostic(
                "Instrument without an origin",
                f"No repository is the origin of {ticket.instrument}, so none of it is certified.",
                hint="Give the repository where calibrations are made `route: origin`.",
            )
        )
    return origin

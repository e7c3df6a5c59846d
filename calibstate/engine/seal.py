"""Make the seal of a ticket: read it at its origin, to the last byte."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Diagnostic, RefusedError, Where
from ..kinds.collection import tell_rows
from ..model.contents import Holding
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.seals import MOST_DATA_IDS, Seal, SealedFrom, seal_of
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces
from ..ports.progress import Watch, unwatched

__all__ = ["make_seal"]


def make_seal(
    ticket: Ticket,
    desired: DesiredState,
    places: ReadPlaces,
    now: str,
    watch: Watch = unwatched,
    *,
    address: RepositoryAddress | None = None,
) -> Seal:
    """Return what a ticket contains, at its origin unless told.

    The one that is there already is returned, if it says the same.

    Parameters
    ----------
    ticket
        The ticket, approved or not.
    desired
        The whole declared state.
    places
        Where to look.
    now
        The time in UTC, with ``Z``.
    watch
        Told of progress in files, each of which is read.
    address
        Where it is read, if not at its origin: a ticket of old may be
        elsewhere only.

    Raises
    ------
    RefusedError
        The origin does not hold what the ticket lists, or more than a seal
        may tell of; or the ticket was sealed with another content before.
    """
    origin = address or desired.origin(ticket.instrument)
    assert origin, "a tree whose instrument has no origin does not validate"
    butler = places.butler(origin)
    held = _whole(ticket, origin, butler.holdings(ticket.leaves))
    export = butler.export(ticket.leaves, chain=ticket.collection)
    described = places.archive().describe(
        ticket.key, ticket.leaves, export, exported_from=origin, watch=watch
    )
    runs = butler.runs(row.uuid for holding in held.values() for row in holding.rows)
    made = seal_of(described, held, runs, SealedFrom(repository=origin, at=now))
    before = desired.seals.get(ticket.key)
    if before is None:
        return made
    if before.noun.digest != made.digest:
        raise _sealed_otherwise(ticket, before.noun, made, origin)
    again = made.model_copy(update={"sealed_from": before.noun.sealed_from})
    # Seals of before they told of RUNs get them.
    if before.noun not in (again, again.without_runs()):
        raise _edited(ticket, before.lines.at("ticket"))
    return again


def _whole(ticket: Ticket, origin: str, held: Mapping[str, Holding]) -> Mapping[str, Holding]:
    if lacking := [name for name in ticket.leaves if name not in held or not held[name].rows]:
        raise RefusedError(
            Diagnostic(
                "Ticket is not at its origin",
                f"{origin} holds nothing in {', '.join(lacking)}.",
                hint="Certify it there first, or correct what the ticket lists.",
            )
        )
    if empty := [row for name in ticket.leaves for row in held[name].rows if row.begin >= row.end]:
        raise RefusedError(
            Diagnostic(
                "Certification ends before it begins",
                f"{origin}: {tell_rows(empty)}. No exposure would ever find it.",
                hint="Decertify it there.",
            )
        )
    if (rows := sum(len(held[name].rows) for name in ticket.leaves)) > MOST_DATA_IDS:
        raise RefusedError(
            Diagnostic(
                "Ticket is too large to be sealed",
                f"{origin} holds {rows:,} certifications of {ticket.name}; a seal may tell of "
                f"{MOST_DATA_IDS:,}.",
                hint="Declare it as several tickets.",
            )
        )
    return held


def _edited(ticket: Ticket, where: Where) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "Seal was edited",
            f"The seal of {ticket.name} has the right digest, and says of its content what is not so.",
            where,
            "Take it back from Git, or remove it and seal the ticket anew: the digest will be the same.",
        )
    )


def _sealed_otherwise(ticket: Ticket, before: Seal, made: Seal, origin: str) -> RefusedError:
    what = "datasets or ranges" if made.fingerprint != before.fingerprint else "bytes"
    return RefusedError(
        Diagnostic(
            "Sealed before, with another content",
            f"{ticket.name} was sealed on {before.sealed_from.at} as {before.digest}; {origin} now has other "
            f"{what}, which would be {made.digest}. What a ticket holds is final.",
            hint="Bring the origin back, or declare a new ticket in front of it. If nobody approved the seal "
            "and nothing was deployed, remove its file and seal it anew.",
        )
    )

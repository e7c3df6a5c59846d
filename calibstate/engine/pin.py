"""Tell what each ticket holds: from its seal, its bundle, else its origin.

What a ticket holds is final once it has left the origin, so a bundle weighs
more than what the origin shows now; and what was sealed was approved, so it
weighs more than both.

The seal is in the tree, so a sealed ticket is known whoever is away.  Only
whether it can be brought to where it is not yet has to be seen elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ..errors import UnreachableError
from ..kinds.bundle import Bundle
from ..kinds.collection import Collection
from ..kinds.whole import tell_rows
from ..model.approvals import approved_otherwise
from ..model.bundles import Manifest
from ..model.contents import Holding
from ..model.desired import DesiredState, Written
from ..model.names import ARCHIVE, Address, Place, TicketKey
from ..model.pins import Pin
from ..model.reasons import Code, Reason
from ..model.resources import Observed
from ..model.scope import Scope
from ..model.seals import Seal
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces
from .expand import adopted
from .side_by_side import in_time

__all__ = ["pin_tickets"]


def pin_tickets(
    desired: DesiredState,
    scope: Scope,
    observed: Mapping[Address, Observed],
    places: ReadPlaces,
) -> dict[TicketKey, Pin | Reason]:
    """Return what each adopted ticket holds, or why nobody can tell.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    observed
        What the places showed.
    places
        Whose archive is asked for the rows of a bundle when they are needed.
    """
    return {
        written.noun.key: _pin(
            written,
            desired.seals.get(written.noun.key),
            desired.origin(written.noun.instrument),
            observed,
            places,
        )
        for written in adopted(desired, scope)
    }


def _pin(
    written: Written[Ticket],
    sealed: Written[Seal] | None,
    origin: Place | None,
    observed: Mapping[Address, Observed],
    places: ReadPlaces,
) -> Pin | Reason:
    ticket = written.noun
    if told := approved_otherwise(written, sealed):
        return Reason.of(Code.APPROVED_OTHERWISE, told)
    seen = observed[Bundle.at(ticket)]
    if seen.trouble:
        return _from_seal_alone(sealed, Reason.unseen(ARCHIVE, "the archive could not be seen"))
    bundle = Bundle.of(seen.resource)
    if bundle and bundle.trouble:
        return bundle.trouble
    if sealed:
        return _from_seal(sealed, bundle, _from_origin(ticket, origin, observed), places)
    if bundle:
        return _from_bundle(ticket, bundle.manifests[0], places)
    return _from_origin(ticket, origin, observed)


def _from_seal_alone(sealed: Written[Seal] | None, awaits: Reason) -> Pin | Reason:
    """Return what was sealed, where nobody can bring it at present.

    Parameters
    ----------
    sealed
        The seal; without one nobody can tell what the ticket holds.
    awaits
        Why nobody can bring it.
    """
    if sealed is None:
        return awaits
    seal = sealed.noun
    return Pin(seal.fingerprints, "its seal", content=seal.content, seal=seal, awaits=awaits)


def _from_seal(
    sealed: Written[Seal], bundle: Bundle | None, at_origin: Pin | Reason, places: ReadPlaces
) -> Pin | Reason:
    """Return what was sealed, with whom to get it from."""
    seal = sealed.noun
    manifests = bundle.manifests if bundle else ()
    if manifest := next((m for m in manifests if seal.fits(m)), None):
        return Pin(
            seal.fingerprints,
            "its seal",
            cache(lambda: _rows(manifest, places)),
            manifest,
            seal.content,
            seal,
        )
    if altered := next((m for m in manifests if m.fingerprint == seal.fingerprint), None):
        difference = altered.reading.differs_from(seal.reading) if altered.reading else ""
        return Reason.refused(
            Code.BUNDLE_ALTERED,
            f"its bundle {altered.folder} has the sealed datasets with other {difference or 'bytes'}; "
            "move that bundle away, and it is made anew from the origin",
        )
    if isinstance(at_origin, Reason):
        return at_origin if at_origin.is_refused else _from_seal_alone(sealed, at_origin)
    if at_origin.fingerprint != seal.fingerprint:
        others = f", and none of {len(manifests)} in the archive fits" if manifests else ""
        return Reason.refused(
            Code.ORIGIN_CHANGED,
            f"{at_origin.witness} no longer holds what was sealed ({at_origin.fingerprint[:19]}…, "
            f"sealed {seal.fingerprint[:19]}…){others}; bring the origin back, or declare a new ticket",
        )
    return Pin(seal.fingerprints, "its seal", at_origin.rows, content=seal.content, seal=seal)


def _from_bundle(ticket: Ticket, manifest: Manifest, places: ReadPlaces) -> Pin | Reason:
    if tuple(manifest.fingerprints) != ticket.leaves:
        return Reason.refused(
            Code.BUNDLE_OF_OTHERS,
            f"{ticket.ticket} was exported with other collections ({', '.join(manifest.fingerprints)}); "
            "what a ticket holds is final, so declare a new ticket in front of it",
        )

    return Pin(manifest.fingerprints, "its bundle", cache(lambda: _rows(manifest, places)), manifest)


def _rows(manifest: Manifest, places: ReadPlaces) -> Mapping[str, Holding]:
    """Read a bundle; a large one takes seconds."""
    contents = in_time(ARCHIVE, lambda: places.archive().contents(manifest), places.timeout)
    return {name: contents.holding(name) for name in manifest.fingerprints}


def _from_origin(ticket: Ticket, origin: Place | None, observed: Mapping[Address, Observed]) -> Pin | Reason:
    seen = observed.get(Collection.at(origin or Place(""), ticket))
    if seen is None:
        site = origin.site if origin else ""
        detail = f"its origin {origin} has to export it first: calibstate apply --site {site}"
        return Reason.awaited(Code.NOT_EXPORTED, detail)
    if seen.trouble:
        return Reason.unseen(origin or "", f"its origin {origin} could not be seen")
    live = Collection.of(seen.resource)
    held = live.held if live else {}
    if lacking := [name for name in ticket.leaves if name not in held or not held[name].rows]:
        return Reason.awaited(
            Code.ORIGIN_LACKS, f"its origin {origin} does not hold {', '.join(lacking)} yet"
        )
    try:
        empty = [row for name in ticket.leaves for row in held[name].rows if row.begin >= row.end]
    except UnreachableError as error:
        detail = f"its origin {origin} could not be seen: {error.first.detail}"
        return Reason.unseen(origin or "", detail)
    if empty:
        return Reason.refused(
            Code.ORIGIN_INVALID,
            f"its origin {origin} has a certification that begins after it ends: {tell_rows(empty)}; "
            "decertify it there",
        )
    fingerprints = {name: held[name].fingerprint for name in ticket.leaves}
    return Pin(fingerprints, f"its origin {origin}", lambda: held)

"""Tell what each ticket holds: from its seal, its bundle, else its origin.

What a ticket holds is final once it has left the origin, so a bundle weighs
more than what the origin shows now; and what was sealed was approved, so it
weighs more than both.

The seal is in the tree, so a sealed ticket is known whoever is away.  Only
whether it can be brought to where it is not yet has to be seen elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from ..errors import UnreachableError
from ..kinds.bundle import Bundle
from ..kinds.certification import foreseen_at
from ..kinds.collection import Collection
from ..kinds.curated import unfinished_at
from ..kinds.ingest import with_ingested
from ..kinds.whole import tell_rows
from ..model.approvals import approved_otherwise
from ..model.bundles import Manifest
from ..model.contents import Holding, Row
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
    pins: dict[TicketKey, Pin | Reason] = {}
    for written in adopted(desired, scope):
        ticket = written.noun
        pins[ticket.key] = _pin(
            written,
            desired,
            observed,
            places,
        )
    return pins


def _pin(
    written: Written[Ticket],
    desired: DesiredState,
    observed: Mapping[Address, Observed],
    places: ReadPlaces,
) -> Pin | Reason:
    """Return what a ticket holds, from what weighs most."""
    ticket = written.noun
    sealed = desired.seals.get(ticket.key)
    objection = approved_otherwise(written, sealed)
    if objection:
        return Reason.of(Code.APPROVED_OTHERWISE, objection)
    in_archive = observed[Bundle.at(ticket)]
    if in_archive.trouble:
        unseen = Reason.unseen(ARCHIVE, "the archive could not be seen")
        return _from_seal_alone(sealed, unseen)
    bundle = Bundle.of(in_archive.resource)
    if bundle and bundle.trouble:
        return bundle.trouble
    if sealed:
        manifests: Sequence[Manifest] = ()
        if bundle:
            manifests = bundle.manifests
        at_origin = _from_origin(ticket, desired, observed)
        return _from_seal(sealed, manifests, at_origin, places)
    if bundle is None:
        return _from_origin(ticket, desired, observed)
    # Without a seal the newest bundle counts, unless it is of others.
    newest = bundle.manifests[0]
    if tuple(newest.fingerprints) != ticket.leaves:
        return Reason.refused(
            Code.BUNDLE_OF_OTHERS,
            f"{ticket.ticket} was exported with other collections ({', '.join(newest.fingerprints)}); "
            "what a ticket holds is final, so declare a new ticket in front of it",
        )
    rows = _rows_of(newest, places)
    return Pin(newest.fingerprints, "its bundle", rows, newest)


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
    return Pin(
        seal.fingerprints,
        "its seal",
        content=seal.content,
        seal=seal,
        awaits=awaits,
    )


def _from_seal(
    sealed: Written[Seal],
    manifests: Sequence[Manifest],
    at_origin: Pin | Reason,
    places: ReadPlaces,
) -> Pin | Reason:
    """Return what was sealed, with whom to get it from."""
    seal = sealed.noun
    for manifest in manifests:
        if seal.fits(manifest):
            return Pin(
                seal.fingerprints,
                "its seal",
                _rows_of(manifest, places),
                manifest,
                seal.content,
                seal,
            )
    # One of the same datasets was exported with what nobody approved.
    for manifest in manifests:
        if manifest.fingerprint != seal.fingerprint:
            continue
        difference = ""
        if manifest.reading:
            difference = manifest.reading.differs_from(seal.reading)
        return Reason.refused(
            Code.BUNDLE_ALTERED,
            f"its bundle {manifest.folder} has the sealed datasets with other {difference or 'bytes'}; "
            "move that bundle away, and it is made anew from the origin",
        )
    if isinstance(at_origin, Reason):
        if at_origin.is_refused:
            return at_origin
        return _from_seal_alone(sealed, at_origin)
    if at_origin.fingerprint != seal.fingerprint:
        others = ""
        if manifests:
            others = f", and none of {len(manifests)} in the archive fits"
        return Reason.refused(
            Code.ORIGIN_CHANGED,
            f"{at_origin.witness} no longer holds what was sealed ({at_origin.fingerprint[:19]}…, "
            f"sealed {seal.fingerprint[:19]}…){others}; bring the origin back, or declare a new ticket",
        )
    return Pin(
        seal.fingerprints,
        "its seal",
        at_origin.rows,
        content=seal.content,
        seal=seal,
    )


def _rows_of(
    manifest: Manifest,
    places: ReadPlaces,
) -> Callable[[], Mapping[str, Holding]]:
    """Return what reads a bundle, once; a large one takes seconds."""

    @cache
    def rows() -> Mapping[str, Holding]:
        # The archive itself may be slow to open.
        contents = in_time(
            ARCHIVE,
            lambda: places.archive().contents(manifest),
            places.timeout,
        )
        return {name: contents.holding(name) for name in manifest.fingerprints}

    return rows


def _from_origin(
    ticket: Ticket,
    desired: DesiredState,
    observed: Mapping[Address, Observed],
) -> Pin | Reason:
    """Return what the origin holds, which may still change."""
    origin = desired.origin(ticket.instrument)
    place = origin or Place("")
    if origin and desired.skipped(ticket, origin) is not None:
        # It is not looked for there, whether the origin holds it or not.
        return Reason.awaited(Code.ORIGIN_LACKS, f"its origin {origin} skips it, and exports nothing of it")
    at_origin = observed.get(Collection.at(place, ticket))
    if at_origin is None:
        # The origin belongs to a site that was not asked for.
        detail = f"its origin {origin} has to export it first: calibstate apply --site {place.site}"
        return Reason.awaited(Code.NOT_EXPORTED, detail)
    if at_origin.trouble:
        return Reason.unseen(place, f"its origin {origin} could not be seen")
    held = _held_at(place, ticket, Collection.of(at_origin.resource), observed)
    lacking = [name for name in ticket.leaves if name not in held or not held[name].rows]
    if lacking:
        detail = f"its origin {origin} does not hold {', '.join(lacking)} yet"
        return Reason.awaited(Code.ORIGIN_LACKS, detail)
    # A range that ends before it begins would be refused at every import.
    empty: list[Row] = []
    sealed = desired.seals.get(ticket.key)
    try:
        for name in ticket.leaves:
            holding = held[name]
            # What is as it was sealed need not be fetched row by row.
            if _is_sealed_without_empty(holding, sealed):
                continue
            empty.extend(row for row in holding.rows if row.begin >= row.end)
    except UnreachableError as error:
        detail = f"its origin {origin} could not be seen: {error.first.detail}"
        return Reason.unseen(place, detail)
    if empty:
        return Reason.refused(
            Code.ORIGIN_INVALID,
            f"its origin {origin} has a certification that begins after it ends: {tell_rows(empty)}; "
            "decertify it there",
        )
    fingerprints = {name: held[name].fingerprint for name in ticket.leaves}
    return Pin(fingerprints, f"its origin {origin}", lambda: held)


def _is_sealed_without_empty(holding: Holding, sealed: Written[Seal] | None) -> bool:
    """Say whether a collection is as it was sealed, without EMPTY ranges.

    Parameters
    ----------
    holding
        What it holds.
    sealed
        The seal of its ticket; `None`: there is none.
    """
    if sealed is None:
        return False
    seal = sealed.noun
    fingerprint = seal.fingerprints.get(holding.collection)
    if fingerprint != holding.fingerprint:
        return False
    is_empty = False
    blocks = seal.blocks[holding.collection]
    for block in blocks:
        # An EMPTY range ends before it begins.
        if block.begin >= block.end:
            is_empty = True
    return not is_empty


def _held_at(
    origin: Place,
    ticket: Ticket,
    live: Collection | None,
    observed: Mapping[Address, Observed],
) -> dict[str, Holding]:
    """Return what the origin holds of a ticket, or is about to hold.

    What it certifies and ingests is known before it is done.
    """
    held: dict[str, Holding] = {}
    if live:
        held.update(live.held)
    if ticket.construction or ticket.certify:
        held.update(foreseen_at(origin, ticket.leaves, observed))
    if ticket.ingest:
        held = with_ingested(held, origin, ticket, observed)
    # What a command writes is all of it, or nobody's.
    for name in unfinished_at(origin, ticket, observed):
        held.pop(name, None)
    return held

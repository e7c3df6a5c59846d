"""Tell what each ticket holds: from its bundle, else from its origin.

What a ticket holds is final once it has left the origin, so a bundle weighs
more than what the origin shows now.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ..kinds.bundle import Bundle
from ..kinds.collection import Collection, tell_rows
from ..model.bundles import Manifest
from ..model.contents import Holding
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, Address, TicketKey
from ..model.pins import Pin
from ..model.resources import Observed
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..ports.archive import ArchiveReader
from .expand import Unpinned, adopted

__all__ = ["pin_tickets"]


def pin_tickets(
    desired: DesiredState,
    scope: Scope,
    observed: Mapping[Address, Observed],
    archive: ArchiveReader,
) -> dict[TicketKey, Pin | Unpinned]:
    """Return what each adopted ticket holds, or why nobody can tell.

    Parameters
    ----------
    desired, scope
        What is declared, and the part that is asked for.
    observed
        What the places showed.
    archive
        Asked for the rows of a bundle when they are needed.
    """
    return {
        written.noun.key: _pin(written.noun, desired.origin(written.noun.instrument), observed, archive)
        for written in adopted(desired, scope)
    }


def _pin(
    ticket: Ticket, origin: str | None, observed: Mapping[Address, Observed], archive: ArchiveReader
) -> Pin | Unpinned:
    seen = observed[Address(place=ARCHIVE, kind="bundle", name=ticket.name)]
    if seen.trouble:
        return Unpinned("the archive could not be seen")
    if isinstance(seen.resource, Bundle):
        if seen.resource.trouble:
            return Unpinned(seen.resource.trouble, refused=True)
        return _from_bundle(ticket, seen.resource.manifests[0], archive)
    return _from_origin(ticket, origin, observed)


def _from_bundle(ticket: Ticket, manifest: Manifest, archive: ArchiveReader) -> Pin | Unpinned:
    if tuple(manifest.fingerprints) != ticket.leaves:
        return Unpinned(
            f"{ticket.ticket} was exported with other collections ({', '.join(manifest.fingerprints)}); "
            "what a ticket holds is final, so declare a new ticket in front of it",
            refused=True,
        )

    @cache  # A large bundle takes seconds to read.
    def rows() -> Mapping[str, Holding]:
        contents = archive.contents(manifest)
        return {name: contents.holding(name) for name in manifest.fingerprints}

    return Pin(manifest.fingerprints, "its bundle", rows, manifest)


def _from_origin(ticket: Ticket, origin: str | None, observed: Mapping[Address, Observed]) -> Pin | Unpinned:
    seen = observed.get(Address(place=origin or "", kind="collection", name=ticket.name))
    if seen is None:
        site = (origin or "").partition("/")[0]
        return Unpinned(f"its origin {origin} has to export it first: calibstate apply --site {site}")
    if seen.trouble:
        return Unpinned(f"its origin {origin} could not be seen")
    live = seen.resource
    held = live.held if isinstance(live, Collection) else {}
    if lacking := [name for name in ticket.leaves if name not in held or not held[name].rows]:
        return Unpinned(f"its origin {origin} does not hold {', '.join(lacking)} yet")
    if empty := [row for name in ticket.leaves for row in held[name].rows if row.begin >= row.end]:
        return Unpinned(
            f"its origin {origin} has a certification that begins after it ends: {tell_rows(empty)}; "
            "decertify it there",
            refused=True,
        )
    fingerprints = {name: held[name].fingerprint for name in ticket.leaves}
    return Pin(fingerprints, f"its origin {origin}", lambda: held)

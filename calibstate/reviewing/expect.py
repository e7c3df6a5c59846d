"""What a ticket should hold wherever it is, as far as anyone can tell.

Known as for a plan, from its seal, its bundle, else its origin; but for a
review the seal is enough, even where neither bundle nor origin can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..engine.expand import adopted, expand
from ..engine.observe import look_at
from ..engine.pin import pin_tickets
from ..errors import RefusedError
from ..kinds.bundle import Bundle
from ..kinds.collection import Collection
from ..model.approvals import SealState, seal_state
from ..model.bundles import Manifest
from ..model.contents import CollectionType, Holding, Row
from ..model.desired import DesiredState
from ..model.names import ARCHIVE, Address, TicketKey
from ..model.pins import Pin
from ..model.reasons import Reason
from ..model.resources import Declared, Observed
from ..model.scope import Scope
from ..model.seals import Seal, sealed_rows
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces

__all__ = ["Expected", "expectations"]


@dataclass(frozen=True)
class Expected:
    """What a ticket should hold."""

    ticket: Ticket

    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Of its collections, in search order; empty where nobody can tell."""

    witness: str = ""
    """Who says so, for people."""

    seal: Seal | None = None
    pin: Pin | None = None
    """What is known for a plan; `None` where that is refused, or nothing."""

    trouble: str = ""
    """Why nobody can tell."""

    archive_trouble: str = ""
    """Why the archive could not be seen, if that is why."""

    @property
    def manifest(self) -> Manifest | None:
        """Its bundle, where there is one."""
        return self.pin.manifest if self.pin else None

    def rows(self, name: str, live: Holding | None) -> tuple[Row, ...]:
        """Return what one of its collections should hold.

        Parameters
        ----------
        name
            The collection.
        live
            What it holds, whose UUIDs are taken over where only data IDs and
            ranges are known; a row that is not there has none then.
        """
        if live is not None and live.fingerprint == self.fingerprints[name]:
            return tuple(live.rows)
        live_rows = live.rows if live else ()
        try:
            if self.pin:
                return self.pin.expected_rows(name, live_rows)
        except RefusedError:
            if self.seal is None:
                raise
        # Without a bundle, or with a damaged one, the seal says enough.
        assert self.seal, "without a seal there is a pin"
        return sealed_rows(self.seal, name, live_rows)

    def type_of(self, name: str) -> CollectionType | None:
        """Return the type of one of its collections, where it is known."""
        return self.pin.expected_type(name) if self.pin else None


def expectations(
    desired: DesiredState, instruments: Iterable[str], places: ReadPlaces
) -> dict[TicketKey, Expected]:
    """Return what each adopted ticket of some instruments should hold.

    Parameters
    ----------
    desired
        The whole declared state.
    instruments
        The instruments.
    places
        Where to look.
    """
    scope = Scope(instruments=tuple(instruments))
    declared = expand(desired, scope)
    # Files are compared with what manifests say of them.
    archived: list[Declared] = []
    for resource in declared:
        bundle = Bundle.of(resource.resource)
        if bundle:
            listed = replace(bundle, listed=True)
            archived.append(replace(resource, resource=listed))
    observed = {o.address: o for o in look_at(archived, places)} if archived else {}
    observed |= _at_origins(desired, scope, declared, observed, places)
    pins = pin_tickets(desired, scope, observed, places)
    trouble = next((o.trouble.detail for o in observed.values() if o.trouble and _is_archive(o)), "")
    return {
        written.noun.key: _expected(desired, written.noun, pins[written.noun.key], trouble)
        for written in adopted(desired, scope)
    }


def _at_origins(
    desired: DesiredState,
    scope: Scope,
    declared: Iterable[Declared],
    observed: Mapping[Address, Observed],
    places: ReadPlaces,
) -> dict[Address, Observed]:
    """Look at the origins of tickets that were neither sealed nor archived."""
    alone = {
        written.noun.name
        for written in adopted(desired, scope)
        if written.noun.key not in desired.seals and _has_no_bundle(observed, written.noun)
    }
    wanted: dict[str, list[Declared]] = {}
    for resource in declared:
        collection = Collection.of(resource.resource)
        place, name = resource.address.place, resource.address.name
        is_origin = place == desired.origin(name.partition("/")[0])
        if collection and name in alone and is_origin:
            # No entrances: its files are nothing to us.
            without_entrances = replace(collection, entrances=())
            bare = replace(resource, resource=without_entrances)
            wanted.setdefault(place, []).append(bare)
    return {o.address: o for there in wanted.values() for o in look_at(there, places)}


def _has_no_bundle(observed: Mapping[Address, Observed], ticket: Ticket) -> bool:
    there = observed[Bundle.at(ticket)]
    bundle = Bundle.of(there.resource)
    # Where nobody could look, there may be one.
    return there.trouble is None and not (bundle and bundle.manifests)


def _is_archive(observed: Observed) -> bool:
    return observed.address.place == ARCHIVE


def _expected(desired: DesiredState, ticket: Ticket, pin: Pin | Reason, trouble: str) -> Expected:
    written = desired.seals.get(ticket.key)
    seal = written.noun if written else None
    if isinstance(pin, Pin):
        return Expected(ticket, pin.fingerprints, pin.witness, seal, pin)
    if seal and seal_state(ticket, seal) is not SealState.DIFFERS:
        return Expected(ticket, seal.fingerprints, "its seal", seal)
    return Expected(ticket, seal=seal, trouble=pin.detail, archive_trouble=trouble)

"""What a ticket should hold wherever it is, as far as anyone can tell.

Known as for a plan, from its seal, its bundle, else its origin; but for a
review the seal is enough, even where neither bundle nor origin can be seen.
"""

from __future__ import annotations

from collections import defaultdict
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

    @classmethod
    def of(
        cls,
        ticket: Ticket,
        seal: Seal | None,
        pin: Pin | Reason,
        archive_trouble: str,
    ) -> Expected:
        """Return what a ticket should hold.

        Parameters
        ----------
        ticket
            The ticket.
        seal
            Its seal, if it has one.
        pin
            What is known for a plan, or why nothing is.
        archive_trouble
            Why the archive could not be seen, if so.
        """
        if isinstance(pin, Pin):
            return cls(ticket, pin.fingerprints, pin.witness, seal, pin)
        # A plan needs the bundle or the origin as well, a review does not.
        if seal and seal_state(ticket, seal) is not SealState.DIFFERS:
            return cls(ticket, seal.fingerprints, "its seal", seal)
        return cls(ticket, seal=seal, trouble=pin.detail, archive_trouble=archive_trouble)

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
    desired: DesiredState,
    instruments: Iterable[str],
    places: ReadPlaces,
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
    observed = _by_address(archived, places)
    observed |= _at_origins(desired, scope, declared, observed, places)
    pins = pin_tickets(desired, scope, observed, places)
    archive_trouble = ""
    for there in observed.values():
        if there.trouble and there.address.place == ARCHIVE:
            archive_trouble = there.trouble.detail
            break
    expected: dict[TicketKey, Expected] = {}
    for written in adopted(desired, scope):
        ticket = written.noun
        key = ticket.key
        seal: Seal | None = None
        if key in desired.seals:
            seal = desired.seals[key].noun
        expected[key] = Expected.of(ticket, seal, pins[key], archive_trouble)
    return expected


def _by_address(resources: list[Declared], places: ReadPlaces) -> dict[Address, Observed]:
    """Look at resources of one place."""
    if not resources:
        return {}
    return {there.address: there for there in look_at(resources, places)}


def _at_origins(
    desired: DesiredState,
    scope: Scope,
    declared: Iterable[Declared],
    observed: Mapping[Address, Observed],
    places: ReadPlaces,
) -> dict[Address, Observed]:
    """Look at the origins of tickets that were neither sealed nor archived.

    Parameters
    ----------
    desired, scope
        What is declared, and the instruments.
    declared
        Resources of all places.
    observed
        What the archive showed.
    places
        Where to look.
    """
    alone: set[str] = set()
    for written in adopted(desired, scope):
        ticket = written.noun
        if ticket.key in desired.seals:
            continue
        archive = observed[Bundle.at(ticket)]
        # Where nobody could look, there may be a bundle.
        if archive.trouble:
            continue
        bundle = Bundle.of(archive.resource)
        is_archived = bundle and bundle.manifests
        if not is_archived:
            alone.add(ticket.name)
    wanted: defaultdict[str, list[Declared]] = defaultdict(list)
    for resource in declared:
        collection = Collection.of(resource.resource)
        place = resource.address.place
        name = resource.address.name
        instrument, _, _ = name.partition("/")
        is_origin = place == desired.origin(instrument)
        if collection and name in alone and is_origin:
            # No entrances: its files are nothing to us.
            without_entrances = replace(collection, entrances=())
            bare = replace(resource, resource=without_entrances)
            wanted[place].append(bare)
    at_origins: dict[Address, Observed] = {}
    for resources in wanted.values():
        at_origins |= _by_address(resources, places)
    return at_origins

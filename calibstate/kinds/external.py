"""An external: a collection that others make.

Raws, reference catalogs, skymaps and models stand in a defaults chain beside
the calibrations.  They are expected to exist, never made and never removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from typing_extensions import override

from ..errors import UnreachableError
from ..model.actions import Action
from ..model.contents import CollectionType, Holding
from ..model.drift import Drift, What
from ..model.names import Address
from ..model.resources import Obstacle, Resource
from ..ports.places import ReadPlaces, WritePlaces
from ..ports.progress import Watch
from .base import Kind

__all__ = ["External", "ExternalKind"]


@dataclass(frozen=True)
class External(Resource):
    """A collection of any type that others make."""

    calibrations: int = 0
    """Observed: certifications in it, if it is a CALIBRATION collection."""


class ExternalKind(Kind[External]):
    """Collections that others make."""

    name = "external"
    actions = ()

    @override
    def observe(self, targets: Sequence[External], places: ReadPlaces) -> Mapping[Address, External | None]:
        if not targets:
            return {}
        butler = places.butler(targets[0].address.place)
        seen = butler.collections(t.address.name for t in targets)
        names = [name for name, there in seen.items() if there.type is CollectionType.CALIBRATION]
        held: Mapping[str, Holding] = {}
        # An observation of others may be from before they were looked at.
        with suppress(UnreachableError):
            held = butler.holdings(names, calibrations_only=True) if names else {}
        live: dict[Address, External | None] = {}
        for target in targets:
            name = target.address.name
            count = len(held[name].rows) if name in held else 0
            live[target.address] = replace(target, calibrations=count) if name in seen else None
        return live

    @override
    def compare(self, declared: External, live: External | None) -> Iterator[Drift]:
        if live is None:
            yield Drift(
                target=declared.address,
                what=What.MISSING,
                subject=declared.address.name,
                detail="others make this collection, and it does not exist; no step mends that",
            )

    @override
    def remedy(self, declared: External, live: External | None) -> Iterator[Action]:
        yield from ()

    @override
    def is_there(self, declared: External, live: External | None) -> bool:
        return live is not None

    @override
    def obstacle(self, declared: External, live: External | None) -> Obstacle | None:
        return None if live else Obstacle(f"{declared.address.name} does not exist; others make it")

    @override
    def apply(self, action: Action, places: WritePlaces, watch: Watch) -> None:
        raise AssertionError("nothing is ever done to an external collection")

"""Looking at what is certified, at what was made, and whether it has left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from ..errors import InvalidStateError, UnreachableError
from ..model.contents import CollectionType, Holding, Row
from ..model.names import CollectionName, TicketKey
from ..model.submissions import SeenOutput
from ..model.timespans import UNBOUNDED, Range
from ..ports.butler import ButlerReader
from ..ports.construction import ConstructionPlaces
from ..ports.places import ReadPlaces
from .certified import Certification

__all__ = ["Departed", "look_closely"]


class Departed:
    """Which tickets have left their origin: sealed, or in the archive."""

    def __init__(self, targets: Sequence[Certification], places: ReadPlaces) -> None:
        self.unseen = ""
        """Why the archive does not tell."""
        self._bundled: set[TicketKey] = set()
        keys = {target.ticket for target in targets if target.ticket and not target.is_sealed}
        try:
            for key, manifests in places.archive().bundles(keys).items():
                if manifests:
                    self._bundled.add(key)
        except InvalidStateError:
            # A bundle that cannot be read was a bundle once.
            self._bundled.update(keys)
        except UnreachableError as error:
            self.unseen = error.first.detail.rstrip(".")

    def how(self, target: Certification) -> str:
        """Say how a ticket has left its origin; empty: it has not."""
        if target.is_sealed:
            return "its ticket is sealed"
        if target.ticket in self._bundled:
            return "its ticket is in the archive"
        return ""


def look_closely(
    targets: Sequence[Certification],
    places: ReadPlaces,
) -> Iterator[Certification]:
    """Look at collections, and at what is to be certified into them."""
    if not targets:
        return
    place = targets[0].address.place
    butler = places.butler(place)
    outputs = _outputs(targets, places)
    names: list[CollectionName] = []
    for target in targets:
        names.append(target.collection)
        if target.source and not target.output:
            names.append(target.source)
    there = butler.collections(names)
    held = butler.holdings(names, calibrations_only=True)
    for target in targets:
        collection = there.get(target.collection)
        taken = None
        if collection and collection.type is not CollectionType.CALIBRATION:
            taken = collection.type
        elif collection:
            target = replace(target, held=frozenset(held[target.collection].rows))
        target = replace(target, taken=taken)
        if target.output:
            target = _with_product(target, outputs[target.output.output])
        elif target.source and target.source in held:
            target = _with_datasets(target, held[target.source])
        if target.but_for and target.generated.missing and target.output:
            target = replace(target, detectors=butler.detectors(target.output.instrument))
        yield _with_others(target, butler)


def _outputs(
    targets: Sequence[Certification],
    places: ReadPlaces,
) -> Mapping[str, SeenOutput]:
    """Look at what has been made of products."""
    expected = [target.output for target in targets if target.output]
    if not expected:
        return {}
    # Only places where calibrations are made are asked for these.
    making = cast(ConstructionPlaces, places)
    return making.construction(targets[0].address.place).outputs(expected)


def _with_product(target: Certification, output: SeenOutput) -> Certification:
    assert target.dataset_type, "a product has a type"
    datasets = frozenset(
        Row(
            target.dataset_type,
            data_id,
            uuid,
            *UNBOUNDED,
        )
        for data_id, uuid in output.datasets.items()
    )
    return replace(
        target,
        generated=output,
        source=output.newest,
        datasets=datasets,
    )


def _with_datasets(target: Certification, holding: Holding) -> Certification:
    begin, end = UNBOUNDED
    datasets: set[Row] = set()
    ranges: set[Range] = set()
    for row in holding.rows:
        if target.dataset_type in {None, row.dataset_type}:
            datasets.add(row._replace(begin=begin, end=end))
            ranges.add((row.begin, row.end))
    return replace(
        target,
        datasets=frozenset(datasets),
        ranges=frozenset(ranges),
    )


def _with_others(target: Certification, butler: ButlerReader) -> Certification:
    """Tell the RUNs of what is certified and is of another source."""
    uuids = {row.uuid for row in target.datasets}
    others = sorted({row.uuid for row in target.held if row.uuid not in uuids})
    if not others:
        return target
    return replace(target, runs=butler.runs(others))

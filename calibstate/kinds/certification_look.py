"""Looking at what is certified, and at what was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import cast

from ..errors import UnreachableError
from ..model.contents import CollectionType, Holding, Row
from ..model.names import CollectionName
from ..model.submissions import ExpectedOutput, SeenOutput
from ..model.timespans import UNBOUNDED, Range
from ..ports.construction import ConstructionPlaces
from ..ports.places import ReadPlaces
from .certified import Certification

__all__ = ["look_closely"]


def look_closely(
    targets: Sequence[Certification],
    places: ReadPlaces,
) -> Iterator[Certification]:
    """Look at collections, and at what is to be certified into them."""
    if targets:
        shown = _Shown(targets, places)
        for target in targets:
            yield shown.of(target)


class _Shown:
    """What one place shows of all that is certified there."""

    def __init__(
        self,
        targets: Sequence[Certification],
        places: ReadPlaces,
    ) -> None:
        self._butler = places.butler(targets[0].address.place)
        self._outputs: Mapping[str, SeenOutput] = {}
        self._hidden = ""
        try:
            self._outputs = _outputs(targets, places)
        except UnreachableError as error:
            # Where others observed it nobody can tell what was made.
            self._hidden = error.first.detail.rstrip(".")
        names: list[CollectionName] = []
        for target in targets:
            names.append(target.collection)
            if target.source and not target.output:
                names.append(target.source)
        self._there = self._butler.collections(names)
        self._held = self._butler.holdings(names, calibrations_only=True)

    def of(self, target: Certification) -> Certification:
        """Return a certification as it is there."""
        collection = self._there.get(target.collection)
        taken = None
        if collection and collection.type is not CollectionType.CALIBRATION:
            taken = collection.type
        elif collection:
            held = frozenset(self._held[target.collection].rows)
            target = replace(target, held=held)
        target = replace(target, taken=taken)
        if target.output:
            target = self._with_product(target, target.output)
        elif target.source and target.source in self._held:
            target = _with_datasets(target, self._held[target.source])
        return self._with_runs(target)

    def _with_product(
        self,
        target: Certification,
        expected: ExpectedOutput,
    ) -> Certification:
        if self._hidden:
            return replace(target, hidden=self._hidden)
        target = _with_output(target, self._outputs[expected.output])
        if not target.but_for or not target.generated.missing:
            return target
        detectors = self._butler.detectors(expected.instrument)
        return replace(target, detectors=detectors)

    def _with_runs(self, target: Certification) -> Certification:
        """Tell the RUNs of what is certified and is of another source."""
        uuids = {row.uuid for row in target.datasets}
        others = sorted({row.uuid for row in target.held if row.uuid not in uuids})
        # They are told to people, and decide nothing.
        with suppress(UnreachableError):
            if others:
                return replace(target, runs=self._butler.runs(others))
        return target


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


def _with_output(target: Certification, output: SeenOutput) -> Certification:
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

"""Looking at what is written of curated calibrations, and at the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from string import ascii_lowercase
from typing import NamedTuple

from ..errors import UnreachableError
from ..model.contents import CollectionType, Row, format_data_id
from ..model.curated import CURATED_TYPES, CuratedFile
from ..model.names import CollectionName
from ..model.timespans import UNBOUNDED, UNBOUNDED_END
from ..ports.butler import ButlerReader
from ..ports.places import ReadPlaces
from .curated_state import COMMAND, Curated, package_problem

__all__ = ["look_at_curated"]


def look_at_curated(target: Curated, places: ReadPlaces) -> Curated:
    """Look at what is written of a ticket, and at what should be."""
    butler = places.butler(target.address.place)
    collection = target.key.collection
    holdings = butler.holdings([collection], calibrations_only=True)
    if collection in holdings:
        target = replace(
            target,
            held=_without_uuids(holdings[collection].rows),
        )
    target = _with_package(target, places, butler)
    # By their names: RUNs that hold nothing are told by no dataset.
    collections = butler.collections(_names_of(target))
    taken = None
    if collection in collections:
        taken = collections[collection].type
    if taken is CollectionType.CALIBRATION:
        taken = None
    target = replace(
        target,
        there=tuple(sorted(collections)),
        taken=taken,
    )
    # Another label is proposed only to who has to take one.
    if not target.there or target.is_whole or package_problem(target):
        return target
    return replace(
        target,
        next_label=_free_label(target, butler),
    )


def _names_of(target: Curated) -> list[CollectionName]:
    """Return the collection and the RUNs that are written, by name."""
    instrument = target.ticket.instrument
    key = target.key
    names = {key.collection, key.unbounded(instrument)}
    if target.package:
        for file in target.package.files:
            run = key.dated(instrument, file.date)
            names.add(run)
    return sorted(names)


def _with_package(
    target: Curated,
    places: ReadPlaces,
    butler: ButlerReader,
) -> Curated:
    """Tell what the package says, as far as that can be seen from here."""
    place = target.address.place
    key = target.key
    assert key.camera_folder, "who has none is refused when the file is read"
    try:
        # Whoever is told of a place by others is stopped here: what is set up
        # on this host says nothing of that one.
        reading = _Reading(butler, target.ticket.instrument)
        commands = places.commands(place)
        target = replace(
            target,
            running=commands.under_way(COMMAND),
        )
        packages = places.packages(place)
        package = packages.look(key.package, key.camera_folder)
        if package is None:
            return target
        expected = frozenset(reading.rows(package.files))
    except UnreachableError as error:
        hidden = error.first.detail.rstrip(".")
        return replace(target, hidden=hidden)
    return replace(
        target,
        package=package,
        expected=expected,
        strange=tuple(sorted(reading.strange)),
    )


class _Reading:
    """How the files of a package are read for an instrument."""

    def __init__(self, butler: ButlerReader, instrument: str) -> None:
        self.strange: set[str] = set()
        """Folders that mean no detector or filter."""
        self._instrument = instrument
        # Folders are called after both in lower case.
        detectors: dict[str, int | str] = {}
        for number, name in butler.detectors(instrument).items():
            detectors[name.lower()] = number
        filters: dict[str, int | str] = {}
        for name in butler.filters(instrument):
            folder = name.lower().replace(" ", "_")
            filters[folder] = name
        self._values = {"detector": detectors, "physical_filter": filters}

    def rows(self, files: Iterable[CuratedFile]) -> Iterator[Row]:
        """Yield what will be certified, without UUIDs."""
        camera = format_data_id({"instrument": self._instrument})
        yield Row("camera", camera, "", *UNBOUNDED)
        begins: dict[_Folder, set[int]] = {}
        for file in files:
            folder = _Folder(file.dataset_type, file.folders)
            moments = begins.setdefault(folder, set())
            moments.add(file.begin)
        for folder, moments in begins.items():
            data_id = self._data_id(folder)
            if data_id is None:
                continue
            # Each is valid until the next one of its folder is.
            bounds = [*sorted(moments), UNBOUNDED_END]
            for begin, end in pairwise(bounds):
                yield Row(
                    folder.dataset_type,
                    data_id,
                    "",
                    begin,
                    end,
                )

    def _data_id(self, folder: _Folder) -> str | None:
        """Return the data ID of a folder; `None`: nobody knows it."""
        required: dict[str, int | str] = {"instrument": self._instrument}
        dimensions = CURATED_TYPES[folder.dataset_type]
        for dimension, name in zip(dimensions, folder.names, strict=True):
            value = self._values[dimension].get(name)
            if value is None:
                self.strange.add(f"{dimension} {name}")
                return None
            required[dimension] = value
        return format_data_id(required)


class _Folder(NamedTuple):
    """A folder of files that follow each other."""

    dataset_type: str
    names: tuple[str, ...]
    """Names below that of the type."""


def _free_label(target: Curated, butler: ButlerReader) -> str:
    """Return the first of some labels under which nothing stands yet."""
    instrument, ticket = target.ticket
    # The RUN of the camera is what a refused run leaves, and the first that
    # any run makes.
    for letter in ascii_lowercase:
        label = f"{ticket}{letter}"
        name = f"{instrument}/calib/{label}"
        names = [name, f"{name}/unbounded"]
        if label == target.key.label:
            continue
        if not butler.collections(names):
            return label
    return ""


def _without_uuids(rows: Iterable[Row]) -> frozenset[Row]:
    return frozenset(row._replace(uuid="") for row in rows)

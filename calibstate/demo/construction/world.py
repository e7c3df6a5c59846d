"""Builds an origin as it was before DM-48520: raws, and older calibrations.

The exposures are those that DMTN-222 section 7 selects, a few of each; the
collections to start from are those that it names.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.table import Table
from astropy.time import Time
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from ..world import AMPLIFIERS, DETECTORS, FILTERS, INSTRUMENT, make_butler
from .amplifiers import SIZE, Image, spread, table_of
from .instrument import LsstComCam
from .pipelines import write_pipelines
from .products import PRODUCTS, SECTION_7, start_from
from .tasks import BY_DETECTOR, BY_DETECTOR_AND_FILTER, BY_EXPOSURE_AND_DETECTOR, IMAGE, TABLE
from .templates import link_templates, write_templates
from .ticket import TICKET, VERIFIED, certified_collections, ticket_document

__all__ = ["RAWS", "SECTION_7", "SMALL", "ConstructionWorld", "Exposure", "add_raws", "drift", "make_world"]

RAWS = f"{INSTRUMENT}/raw/all"

SMALL = ("bias_bootstrap", "dark_bootstrap", "flat_bootstrap", "defects", "bias", "flat_g")
"""What shows every sort of step in the shortest time."""

INSTRUMENT_CLASS = f"{LsstComCam.__module__}.{LsstComCam.__qualname__}"

_NOON = 12 * 3600
"""Seconds after which an observing day begins."""


@dataclass(frozen=True)
class Exposure:
    """One exposure, which every detector has a raw of."""

    day: int
    """Observing day, such as 20241208."""

    number: int
    """Its number on that day."""

    kind: str
    """Type of observation: bias, dark, flat or science."""

    band: str = "r"

    reason: str = ""
    """Why it was taken; empty: for its kind."""

    program: str = "BLOCK-T1"

    @property
    def id(self) -> int:
        """Return the number that data IDs have."""
        return self.day * 100000 + self.number


@dataclass(frozen=True)
class ConstructionWorld:
    """A repository to construct in, with all that a construction names."""

    repository: Path
    cp_pipe: Path
    """What ``CP_PIPE_DIR`` is to be."""

    cp_verify: Path
    """What ``CP_VERIFY_DIR`` is to be."""

    instrument: str
    detectors: int
    """Detectors that have raws, numbered from 0."""

    raws: str
    """Collection of the raws."""

    start_from: tuple[str, ...]
    """Collections of older calibrations, in the order of searching."""

    products: tuple[str, ...]
    """What the ticket makes, in order."""

    ticket: str
    """Number of the ticket."""

    document: str
    """Text of the ticket's file, which has no `collections` yet."""

    collections: tuple[str, ...]
    """What the construction certifies, the newest first."""


def make_world(
    folder: Path,
    *,
    detectors: int = 2,
    each: int = 2,
    products: Sequence[str] = SECTION_7,
    templates: Path | None = None,
    look_at: bool = False,
    database: str | None = None,
) -> ConstructionWorld:
    """Build a repository to construct in, in seconds.

    Parameters
    ----------
    folder
        Made by this.
    detectors
        How many detectors have raws.
    each
        How many exposures each selection finds.
    products
        What the ticket makes, in order: all of section 7, or `SMALL`, or
        names of `PRODUCTS`.
    templates
        Folder of the real templates, ``cp_pipe_bps`` and ``cp_verify_bps``;
        without it, others are written that say the same.
    look_at
        The ticket has a person look where section 7 has.
    database
        SQLAlchemy URL of a database that is empty; without it, SQLite.

    Returns
    -------
    world
        What was built; nothing is constructed in it yet.
    """
    folder = folder.resolve()
    cp_pipe, cp_verify = folder / "cp_pipe", folder / "cp_verify"
    write_pipelines(cp_pipe, cp_verify)
    if templates:
        link_templates(cp_pipe, cp_verify, templates)
    else:
        write_templates(cp_pipe, cp_verify)
    older = start_from(products)
    repository = folder / "repo"
    with make_butler(repository, repository, INSTRUMENT_CLASS, database) as butler:
        add_raws(butler, _exposures(products, each), detectors)
        _add_older(butler, older)
    return ConstructionWorld(
        repository=repository,
        cp_pipe=cp_pipe,
        cp_verify=cp_verify,
        instrument=INSTRUMENT,
        detectors=detectors,
        raws=RAWS,
        start_from=tuple(older),
        products=tuple(products),
        ticket=TICKET,
        document=ticket_document(products, older, RAWS, each=each, look_at=look_at),
        collections=certified_collections(products),
    )


def _exposures(products: Sequence[str], each: int) -> Iterator[Exposure]:
    """Yield the exposures that are made calibrations of, and verified."""
    # Products may share raws: an exposure is taken once.
    for raws in sorted({PRODUCTS[name].raws for name in products} - {""}):
        first = _FIRST[raws]
        for number in range(first.number, first.number + each):
            yield Exposure(first.day, number, first.kind, first.band, first.reason, first.program)
    bands = [name.removeprefix("flat_") for name in products if PRODUCTS[name].dataset_type == "flat"]
    for kind, numbers in VERIFIED.items():
        for place, number in enumerate(numbers[:each]):
            day, sequence = divmod(number, 100000)
            # What is seen through a filter needs a flat of it.
            band = bands[place % len(bands)] if kind == "science" and bands else "r"
            yield Exposure(day, sequence, kind, band)


_FIRST = {
    "bias": Exposure(20241208, 696, "bias"),
    "dark": Exposure(20241208, 750, "dark"),
    "flat_bootstrap": Exposure(20240806, 1, "flat", program="BLOCK-T68"),
    "ptc": Exposure(20240806, 200, "flat", reason="comcam_ptc", program="BLOCK-T68"),
    "flat_u": Exposure(20241110, 44, "flat", "u"),
    "flat_g": Exposure(20241126, 21, "flat", "g"),
    "flat_r": Exposure(20241111, 17, "flat", "r"),
    "flat_i": Exposure(20241120, 41, "flat", "i"),
    "flat_z": Exposure(20241112, 28, "flat", "z"),
    "flat_y": Exposure(20241119, 21, "flat", "y"),
}
"""First exposure that each selection of section 7 finds."""


def add_raws(butler: Butler, exposures: Iterable[Exposure], detectors: int) -> None:
    """Add exposures to a repository, and a raw of each for each detector.

    Parameters
    ----------
    butler
        Repository, open for writing.
    exposures
        They must not be there yet.
    detectors
        How many detectors have raws.
    """
    taken = list(exposures)
    insert = butler.registry.insertDimensionData
    days = sorted({exposure.day for exposure in taken})
    for day in days:
        span = Timespan.from_day_obs(day, offset=_NOON)
        insert("day_obs", {"instrument": INSTRUMENT, "id": day, "timespan": span}, skip_existing=True)
    records = [_record(exposure) for exposure in taken]
    insert("group", *({"instrument": INSTRUMENT, "name": record["group"]} for record in records))
    insert("exposure", *records)
    raw = DatasetType("raw", BY_EXPOSURE_AND_DETECTOR, IMAGE, universe=butler.dimensions)
    butler.registry.registerDatasetType(raw)
    butler.collections.register(RAWS)
    with butler.transaction():
        for exposure in taken:
            for detector in range(detectors):
                image = _image(exposure, detector)
                butler.put(
                    image, raw, run=RAWS, instrument=INSTRUMENT, exposure=exposure.id, detector=detector
                )


def _record(exposure: Exposure) -> dict[str, Any]:
    """Return the dimension record of an exposure."""
    day = str(exposure.day)
    # Ten seconds apart from the evening on, in the order of their numbers.
    evening = Time(f"{day[:4]}-{day[4:6]}-{day[6:]}T23:00:00", scale="tai")
    begin = evening + exposure.number * 10 * units.s
    return {
        "instrument": INSTRUMENT,
        "id": exposure.id,
        "obs_id": f"CC_O_{exposure.day}_{exposure.number:06d}",
        "day_obs": exposure.day,
        "group": f"{exposure.kind}-{exposure.id}#1",
        "physical_filter": FILTERS[exposure.band],
        "seq_num": exposure.number,
        "seq_start": exposure.number,
        "seq_end": exposure.number,
        "exposure_time": 5.0,
        "dark_time": 5.1,
        "observation_type": exposure.kind,
        "observation_reason": exposure.reason or exposure.kind,
        "target_name": "none",
        "science_program": exposure.program,
        "has_simulated": True,
        "can_see_sky": exposure.kind == "science",
        "timespan": Timespan(begin, begin + 5 * units.s),
    }


_LEVELS = {"bias": 100, "dark": 110, "flat": 1110, "science": 510}
"""Counts of a raw, by its kind: bias and dark are in all that follow."""


def _image(exposure: Exposure, detector: int) -> Image:
    """Return the pixels of a raw, the same wherever it is made."""
    # Of a seed of its own, so that it matters not what else is made.
    random = np.random.default_rng((exposure.id, detector))
    image = random.normal(_LEVELS[exposure.kind] + detector, 1.0, (SIZE, SIZE))
    # One pixel is hot, and becomes a defect.
    image[3, detector] += 200
    return image.round(3)


def _add_older(butler: Butler, older: Mapping[str, str]) -> None:
    """Certify older calibrations without an end, to start from."""
    for collection, name in older.items():
        # By detector, and a flat by filter, too.
        dimensions: tuple[str, ...] = BY_DETECTOR
        filters: list[dict[str, str]] = [{}]
        if name == "flat":
            dimensions = BY_DETECTOR_AND_FILTER
            filters = [{"physical_filter": value} for value in FILTERS.values()]
        dataset_type = DatasetType(name, dimensions, TABLE, universe=butler.dimensions, isCalibration=True)
        butler.registry.registerDatasetType(dataset_type)
        run = f"{collection}/run"
        butler.collections.register(run)
        refs = []
        for detector, filter_ in product(range(DETECTORS), filters):
            data_id = {"instrument": INSTRUMENT, "detector": detector, **filter_}
            ref = butler.put(_older_table(name, detector), dataset_type, data_id, run=run)
            refs.append(ref)
        butler.collections.register(collection, CollectionType.CALIBRATION)
        butler.registry.certify(collection, refs, Timespan(None, None))


def _older_table(name: str, detector: int) -> Table:
    """Return a calibration that fits the raws, as far as it changes them."""
    if name == "defects":
        return Table({"y": [3], "x": [detector]})
    levels = {"bias": _LEVELS["bias"] + detector, "dark": _LEVELS["dark"] - _LEVELS["bias"]}
    return table_of([levels.get(name, 1)] * len(AMPLIFIERS))


def drift(
    world: ConstructionWorld, exposure: int, detector: int, *, by: float = 20.0, amplifier: str = "C07"
) -> None:
    """Move the level of one amplifier in a raw, so that no test passes it.

    Parameters
    ----------
    world
        Where the raw is.
    exposure, detector
        Which raw.
    by
        How many counts it is off.
    amplifier
        Name of the amplifier.
    """
    # One amplifier only, so that it is seen which.
    offsets = np.array([by if name == amplifier else 0.0 for name in AMPLIFIERS])
    with Butler.from_config(str(world.repository)) as butler:
        place = butler.getURI(
            "raw", instrument=world.instrument, exposure=exposure, detector=detector, collections=world.raws
        )
    # The butler knows the size of what it has put, and no checksum.
    file = Path(place.ospath)
    image = pickle.loads(file.read_bytes())
    file.write_bytes(pickle.dumps(image + spread(offsets), protocol=-1))

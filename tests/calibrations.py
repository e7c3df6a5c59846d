"""What the worlds of the tests are made of; no butler is needed to know it.

The same RUN, dataset type and data ID have the same UUID, path and bytes
everywhere, in real repositories and in those in memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from calibstate.model.timespans import UNBOUNDED, Range, parse_tai

INSTRUMENT = "LSSTComCam"
DETECTORS = 4
FILTERS = {"g_01": "g", "r_03": "r"}

DataId = Mapping[str, int | str]

YAML_FORMATTER = "lsst.daf.butler.formatters.yaml.YamlFormatter"
"""A formatter class that every butler has."""
STAND_IN = "tests.stand_ins.formatters.OpaqueFormatter"
"""A formatter class that only the tests have."""
FORMATTERS = ("lsst", "tests")
"""Packages whose formatter classes the worlds of the tests allow."""
STACK_FORMATTER = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
"""A formatter class that only a Rubin stack has."""

TYPES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "bias": (("instrument", "detector"), "ExposureF", True),
    "dark": (("instrument", "detector"), "ExposureF", True),
    "flat": (("instrument", "detector", "physical_filter"), "ExposureF", True),
    "defects": (("instrument", "detector"), "Defects", True),
    "ptc": (("instrument", "detector"), "PhotonTransferCurveDataset", True),
    "camera": (("instrument",), "Camera", True),
    "verifyBiasStats": (("instrument", "detector"), "StructuredDataDict", False),
}
"""Dimensions, storage class and whether a calibration, by dataset type."""

SINCE_2024: Range = (parse_tai("2024-01-01T00:00:00"), UNBOUNDED[1])
IN_2024: Range = (parse_tai("2024-01-01T00:00:00"), parse_tai("2025-01-01T00:00:00"))
IN_2025: Range = (parse_tai("2025-01-01T00:00:00"), parse_tai("2026-01-01T00:00:00"))

_NAMESPACE = uuid.UUID("5a3f0f5e-0c1d-4a44-9d1e-77b1ab6ad001")


def instrument_record(instrument: str) -> dict[str, int | str]:
    """Return the dimension record of an instrument."""
    return {
        "name": instrument,
        "class_name": f"tests.stand_ins.{instrument}",
        "detector_max": 256,
        "exposure_max": 7050123199999,
        "visit_max": 7050123199999,
        "visit_system": 2,
    }


def filter_records(instrument: str) -> list[dict[str, int | str]]:
    """Return the dimension records of an instrument's filters."""
    return [{"instrument": instrument, "name": name, "band": band} for name, band in FILTERS.items()]


def detector_record(instrument: str, number: int) -> dict[str, int | str]:
    """Return the dimension record of a detector."""
    raft, sensor = divmod(number, 9)
    name = f"S{sensor // 3}{sensor % 3}"
    return {
        "instrument": instrument,
        "id": number,
        "full_name": f"R{raft:02d}_{name}",
        "name_in_raft": name,
        "raft": f"R{raft:02d}",
        "purpose": "SCIENCE",
    }


def exposure_number(day_obs: int, seq: int) -> int:
    """Return the number of an exposure of an observing day."""
    return day_obs * 100_000 + seq


def exposure_span(day_obs: int, seq: int) -> Range:
    """Return when an exposure is taken: 15 of every 30 s from 23:00 TAI."""
    year, month, day = str(day_obs)[:4], str(day_obs)[4:6], str(day_obs)[6:]
    begin = parse_tai(f"{year}-{month}-{day}T23:00:00") + (seq - 1) * 30_000_000_000
    return begin, begin + 15_000_000_000


def data_ids(dataset_type: str, instrument: str, detectors: Iterable[int]) -> list[dict[str, int | str]]:
    """Return all data IDs of a dataset type, sorted."""
    found: list[dict[str, int | str]] = [{"instrument": instrument}]
    dimensions, _, _ = TYPES[dataset_type]
    if "detector" in dimensions:
        found = [{**data_id, "detector": number} for data_id in found for number in sorted(detectors)]
    if "physical_filter" in dimensions:
        found = [{**data_id, "physical_filter": name} for data_id in found for name in FILTERS]
    return found


def dataset_uuid(run: str, dataset_type: str, data_id: DataId) -> uuid.UUID:
    """Return the UUID that a dataset has at every place."""
    values = ",".join(f"{key}={data_id[key]}" for key in sorted(data_id))
    return uuid.uuid5(_NAMESPACE, f"{run}/{dataset_type}/{values}")


def datastore_path(run: str, dataset_type: str, data_id: DataId) -> str:
    """Return the path that a butler gives the file of a dataset."""
    instrument, detector = str(data_id["instrument"]), data_id.get("detector")
    filters = [FILTERS[name], name] if (name := str(data_id.get("physical_filter", ""))) else []
    sensor = [] if detector is None else [str(detector_record(instrument, int(detector))["full_name"])]
    file = "_".join([dataset_type, instrument, *filters, *sensor, run.replace("/", "_").replace(".", "_")])
    return "/".join([run, dataset_type, *filters, f"{file}.fits"])


def content(dataset_type: str, uuid_: uuid.UUID) -> bytes:
    """Return the bytes of a dataset's file: a FITS file without data."""
    cards = [
        f"SIMPLE  = {'T':>20}",
        f"BITPIX  = {8:>20}",
        f"NAXIS   = {0:>20}",
        f"OBSTYPE = '{dataset_type:<8}'",
        f"UUID    = '{uuid_}'",
        "END",
    ]
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode()

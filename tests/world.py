"""Small real repositories, made fast and without a Rubin stack.

The same call makes the same datasets at every place: UUIDs and bytes follow
from RUN, dataset type and data ID.  Files are real (one FITS header unit) and
lie where a butler would put them.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lsst.daf.butler import (
    Butler,
    Config,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    FileDataset,
    Timespan,
)
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.timespans import UNBOUNDED, Range, parse_tai

INSTRUMENT = "LSSTComCam"
DETECTORS = 4
FILTERS = {"g_01": "g", "r_03": "r"}

YAML_FORMATTER = "lsst.daf.butler.formatters.yaml.YamlFormatter"
"""A formatter class that every butler has."""
STAND_IN = "tests.stand_ins.formatters.OpaqueFormatter"
"""A formatter class that only the tests have."""

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


def make_repo(
    path: Path | str,
    instrument: str = INSTRUMENT,
    *,
    db: str | None = None,
    namespace: str | None = None,
    datastore_root: str | None = None,
    detectors: int = DETECTORS,
) -> Butler:
    """Make a repository that knows an instrument; it is open for writing.

    Parameters
    ----------
    path
        Folder of ``butler.yaml``, made by this.
    instrument
        Instrument whose detectors and filters are registered.
    db
        SQLAlchemy URL of the registry; SQLite in the folder without it.
    namespace
        Schema of a PostgreSQL database.
    datastore_root
        URI of the datastore; the folder without it.
    detectors
        Number of detectors of the instrument.
    """
    config = Config()
    if db:
        config["registry", "db"] = db
    if namespace:
        config["registry", "namespace"] = namespace
    if datastore_root:
        config["datastore", "root"] = datastore_root
    Path(path).mkdir(parents=True, exist_ok=True)
    Butler.makeRepo(str(path), config, forceConfigRoot=datastore_root is None)
    butler = Butler.from_config(str(path), writeable=True)
    add_instrument(butler, instrument, detectors=detectors)
    return butler


def clone(source: Path | str, target: Path | str) -> Path:
    """Copy a closed SQLite repository; quicker than making one anew."""
    shutil.copytree(source, target)
    return Path(target)


def add_instrument(butler: Butler, instrument: str, *, detectors: int = DETECTORS) -> None:
    """Register an instrument with its filters and detectors."""
    insert = butler.registry.insertDimensionData
    with butler.transaction():
        insert(
            "instrument",
            {
                "name": instrument,
                "class_name": f"tests.stand_ins.{instrument}",
                "detector_max": 256,
                "exposure_max": 7050123199999,
                "visit_max": 7050123199999,
                "visit_system": 2,
            },
        )
        insert(
            "physical_filter", *({"instrument": instrument, "name": f, "band": b} for f, b in FILTERS.items())
        )
        insert("detector", *(_detector(instrument, number) for number in range(detectors)))


def add_type(butler: Butler, name: str) -> DatasetType:
    """Register one of `TYPES`, where it is not yet."""
    dimensions, storage_class, is_calibration = TYPES[name]
    dataset_type = DatasetType(
        name, butler.dimensions.conform(dimensions), storage_class, isCalibration=is_calibration
    )
    butler.registry.registerDatasetType(dataset_type)
    return dataset_type


def add_run(
    butler: Butler,
    run: str,
    dataset_type: str,
    *,
    instrument: str = INSTRUMENT,
    detectors: Iterable[int] | None = None,
    formatter: str = YAML_FORMATTER,
) -> list[DatasetRef]:
    """Store one dataset per data ID in a RUN, certified nowhere."""
    type_ = add_type(butler, dataset_type)
    butler.collections.register(run)
    refs = [
        DatasetRef(type_, data_id, run=run, id=dataset_uuid(run, dataset_type, data_id))
        for data_id in _data_ids(butler, type_, instrument, detectors)
    ]
    root = butler.get_datastore_roots()[butler.get_datastore_names()[0]]
    assert root is not None
    files = []
    for ref in refs:
        path = datastore_path(ref)
        file = root.join(path)
        file.parent().mkdir()
        file.write(content(ref))
        files.append(FileDataset(path, [ref], formatter=formatter))
    butler.ingest(*files, transfer=None)
    return refs


def add_calibration(
    butler: Butler,
    collection: str,
    dataset_type: str,
    *ranges: Range,
    run: str | None = None,
    instrument: str = INSTRUMENT,
    detectors: Iterable[int] | None = None,
    formatter: str = YAML_FORMATTER,
) -> list[DatasetRef]:
    """Store datasets and certify each of them for every one of ``ranges``.

    Parameters
    ----------
    butler
        Where.
    collection
        The CALIBRATION collection, made if need be.
    dataset_type
        One of `TYPES`.
    *ranges
        Validity ranges, `EMPTY` included; unbounded without any.
    run
        RUN of the datasets; ``COLLECTION.run`` without it.
    instrument, detectors
        Which data IDs; all detectors of the repository by default.
    formatter
        Name of the formatter class of the files.
    """
    refs = add_run(
        butler,
        run or f"{collection}.run",
        dataset_type,
        instrument=instrument,
        detectors=detectors,
        formatter=formatter,
    )
    butler.collections.register(
        collection, CollectionType.CALIBRATION, doc=f"{dataset_type} calibrations of {collection}"
    )
    for span in ranges or (UNBOUNDED,):
        butler.registry.certify(collection, refs, timespan(span))
    return refs


def add_ticket(
    butler: Butler,
    instrument: str,
    ticket: str,
    leaves: Mapping[str, Sequence[str | Range]],
    *,
    chain: bool = True,
    top: str | None = None,
) -> tuple[str, ...]:
    """Make a ticket's CALIBRATION collections and its chain.

    Parameters
    ----------
    butler
        Where.
    instrument, ticket
        The ticket; its collections are ``INSTRUMENT/calib/TICKET/LEAF``.
    leaves
        Dataset type and ranges of each collection, in search order.
    chain
        Make the ticket collection too.
    top
        A chain to put the ticket in front of, made if need be.

    Returns
    -------
    tuple of str
        Full names of the collections, in search order.
    """
    base = f"{instrument}/calib/{ticket}"
    for leaf, (dataset_type, *ranges) in leaves.items():
        assert isinstance(dataset_type, str)
        spans = [span for span in ranges if isinstance(span, tuple)]
        add_calibration(butler, f"{base}/{leaf}", dataset_type, *spans, instrument=instrument)
    names = tuple(f"{base}/{leaf}" for leaf in leaves)
    if chain:
        add_chain(butler, base, names, doc=f"Calibrations of {ticket}")
    if top:
        butler.collections.register(top, CollectionType.CHAINED, doc="Recommended calibrations")
        butler.collections.prepend_chain(top, base if chain else names)
    return names


def add_chain(butler: Butler, name: str, children: Iterable[str], *, doc: str | None = None) -> None:
    """Make a CHAINED collection, or give it these children."""
    butler.collections.register(name, CollectionType.CHAINED, doc=doc)
    butler.collections.redefine_chain(name, list(children))


def timespan(span: Range) -> Timespan:
    """Return the butler's timespan of a range in nanoseconds of TAI."""
    if span[0] >= span[1]:
        return Timespan.makeEmpty()
    return Timespan(None, None, _nsec=span)


def dataset_uuid(run: str, dataset_type: str, data_id: DataCoordinate) -> uuid.UUID:
    """Return the UUID that a dataset has at every place."""
    values = ",".join(f"{k}={v}" for k, v in sorted(data_id.required.items()))
    return uuid.uuid5(_NAMESPACE, f"{run}/{dataset_type}/{values}")


def content(ref: DatasetRef) -> bytes:
    """Return the bytes of a dataset's file: a FITS file without data."""
    cards = [
        f"SIMPLE  = {'T':>20}",
        f"BITPIX  = {8:>20}",
        f"NAXIS   = {0:>20}",
        f"OBSTYPE = '{ref.datasetType.name:<8}'",
        f"UUID    = '{ref.id}'",
        "END",
    ]
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode()


def datastore_path(ref: DatasetRef) -> str:
    """Return the path of a dataset's file in the datastore."""
    name = ref.datasetType.name
    values = "_".join(str(v) for v in ref.dataId.required_values)
    return f"{ref.run}/{name}/{name}_{values}_{ref.run.replace('/', '_')}.fits"


def _detector(instrument: str, number: int) -> dict[str, str | int]:
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


def _data_ids(
    butler: Butler, dataset_type: DatasetType, instrument: str, detectors: Iterable[int] | None
) -> list[DataCoordinate]:
    found = butler.query_data_ids(dataset_type.dimensions, instrument=instrument, explain=False)
    wanted = None if detectors is None else set(detectors)
    return sorted(d for d in found if wanted is None or d.get("detector") in wanted)

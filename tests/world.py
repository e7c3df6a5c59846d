"""Small real repositories, made fast and without a Rubin stack.

The same call makes the same datasets at every place: UUIDs and bytes follow
from RUN, dataset type and data ID.  Files are real (one FITS header unit) and
lie where a butler would put them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, Config, DataCoordinate, DatasetRef, DatasetType, FileDataset, Timespan
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.model.timespans import UNBOUNDED, Range
from tests.calibrations import DETECTORS as DETECTORS
from tests.calibrations import FILTERS as FILTERS
from tests.calibrations import IN_2024 as IN_2024
from tests.calibrations import IN_2025 as IN_2025
from tests.calibrations import INSTRUMENT as INSTRUMENT
from tests.calibrations import SINCE_2024 as SINCE_2024
from tests.calibrations import STAND_IN as STAND_IN
from tests.calibrations import TYPES as TYPES
from tests.calibrations import YAML_FORMATTER as YAML_FORMATTER
from tests.calibrations import (
    content,
    data_ids,
    dataset_uuid,
    datastore_path,
    detector_record,
    exposure_number,
    exposure_span,
    filter_records,
    instrument_record,
)

_NOON = 12 * 3600
"""Seconds after which an observing day begins."""


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
        insert("instrument", instrument_record(instrument))
        insert("physical_filter", *filter_records(instrument))
        insert("detector", *(detector_record(instrument, number) for number in range(detectors)))


def add_exposures(
    butler: Butler,
    day_obs: int,
    *seqs: int,
    instrument: str = INSTRUMENT,
    physical_filter: str = "g_01",
    **more: Any,
) -> list[int]:
    """Record exposures of an observing day, without any data.

    Parameters
    ----------
    butler
        Where.
    day_obs
        The day, ``YYYYMMDD``.
    *seqs
        Their numbers within the day; the first without any.
    instrument, physical_filter
        What they were taken with.
    **more
        Other fields of their records.

    Returns
    -------
    list of int
        Their numbers; `~tests.calibrations.exposure_span` tells when.
    """
    insert = butler.registry.insertDimensionData
    night = {
        "instrument": instrument,
        "id": day_obs,
        "timespan": Timespan.from_day_obs(day_obs, offset=_NOON),
    }
    with butler.transaction():
        insert("day_obs", night, skip_existing=True)
        for seq in seqs or (1,):
            fields = {**exposure_record(day_obs, seq, instrument, physical_filter), **more}
            insert("group", {"instrument": instrument, "name": fields["group"]}, skip_existing=True)
            insert("exposure", fields, skip_existing=True)
    return [exposure_number(day_obs, seq) for seq in seqs or (1,)]


def exposure_record(day_obs: int, seq: int, instrument: str, physical_filter: str) -> dict[str, Any]:
    """Return the dimension record of an exposure."""
    return {
        "instrument": instrument,
        "id": exposure_number(day_obs, seq),
        "obs_id": f"MC_O_{day_obs}_{seq:06d}",
        "day_obs": day_obs,
        "group": f"{day_obs}_{seq}",
        "physical_filter": physical_filter,
        **dict.fromkeys(("seq_num", "seq_start", "seq_end"), seq),
        "exposure_time": 15.0,
        "dark_time": 15.1,
        "observation_type": "science",
        "observation_reason": "science",
        "target_name": "field",
        "science_program": "none",
        **dict.fromkeys(("tracking_ra", "tracking_dec", "sky_angle", "azimuth"), 0.0),
        "zenith_angle": 10.0,
        "has_simulated": False,
        "can_see_sky": True,
        "timespan": timespan(exposure_span(day_obs, seq)),
    }


def add_reading(butler: Butler, run: str, dataset_type: str, exposure: int) -> None:
    """Store a dataset of an exposure in a RUN."""
    type_ = DatasetType(
        dataset_type, butler.dimensions.conform(["instrument", "exposure"]), "StructuredDataDict"
    )
    butler.registry.registerDatasetType(type_)
    butler.collections.register(run)
    butler.put({}, type_, instrument=INSTRUMENT, exposure=exposure, run=run)


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
    padding: bytes = b"",
) -> list[DatasetRef]:
    """Store one dataset per data ID in a RUN, certified nowhere."""
    type_ = add_type(butler, dataset_type)
    butler.collections.register(run)
    (root,) = butler.get_datastore_roots().values()
    assert root is not None
    files = []
    for data_id in data_ids(dataset_type, instrument, _detectors(butler, instrument, detectors)):
        coordinate = DataCoordinate.standardize(data_id, dimensions=type_.dimensions)
        ref = DatasetRef(type_, coordinate, run=run, id=dataset_uuid(run, dataset_type, data_id))
        path = datastore_path(run, dataset_type, data_id)
        file = root.join(path)
        file.parent().mkdir()
        file.write(content(dataset_type, ref.id) + padding)
        files.append(FileDataset(path, [ref], formatter=formatter))
    butler.ingest(*files, transfer=None)
    return [ref for file in files for ref in file.refs]


def add_calibration(
    butler: Butler,
    collection: str,
    dataset_type: str,
    *ranges: Range,
    run: str | None = None,
    instrument: str = INSTRUMENT,
    detectors: Iterable[int] | None = None,
    formatter: str = YAML_FORMATTER,
    padding: bytes = b"",
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
    padding
        Bytes at the end of each file.
    """
    refs = add_run(
        butler,
        run or f"{collection}.run",
        dataset_type,
        instrument=instrument,
        detectors=detectors,
        formatter=formatter,
        padding=padding,
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


def add_skymap(butler: Butler, name: str, hash_: str) -> None:
    """Register a skymap by its record alone, as far as its hash goes."""
    record = {"skymap": name, "hash": bytes.fromhex(hash_), "tract_max": 1}
    butler.registry.insertDimensionData("skymap", {**record, "patch_nx_max": 1, "patch_ny_max": 1})


def add_chain(butler: Butler, name: str, children: Iterable[str], *, doc: str | None = None) -> None:
    """Make a CHAINED collection, or give it these children."""
    butler.collections.register(name, CollectionType.CHAINED, doc=doc)
    butler.collections.redefine_chain(name, list(children))


def timespan(span: Range) -> Timespan:
    """Return the butler's timespan of a range in nanoseconds of TAI."""
    if span[0] >= span[1]:
        return Timespan.makeEmpty()
    return Timespan(None, None, _nsec=span)


def _detectors(butler: Butler, instrument: str, wanted: Iterable[int] | None) -> list[int]:
    if wanted is not None:
        return list(wanted)
    found = butler.query_dimension_records("detector", instrument=instrument, explain=False)
    return [record.id for record in found]

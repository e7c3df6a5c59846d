"""Builds the demonstration: four repositories, an archive, a state tree.

The declaration is the observatory's own LSSTComCam chain.  The datasets are
real to the butler, with real files; small tables of amplifiers stand in for
images, so that ``butler.get`` works without a Rubin stack.

Where a Rucio carries, the origin has its files at a storage element, and the
older tickets come to the sites as any ticket does: who builds deploys them.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

from ..model.chains import ExternalEntry
from ..model.desired import DesiredState
from ..model.tickets import Ticket
from ..model.timespans import UNBOUNDED_END, parse_tai
from .rucio.site import ORIGIN, SCOPE, RucioSite

__all__ = [
    "AMPLIFIERS",
    "CALIB",
    "CARRIED",
    "DETECTORS",
    "FILTERS",
    "INSTRUMENT",
    "REPOSITORIES",
    "Carrier",
    "Demo",
    "build",
    "declare_newest",
    "detector_name",
    "instrument_records",
    "make_butler",
]

INSTRUMENT = "LSSTComCam"
INSTRUMENT_CLASS = "lsst.obs.lsst.LsstComCam"
CALIB = "LSSTComCam/calib"
DEFAULTS = "LSSTComCam/DP1/defaults"
DETECTORS = 9
FILTERS = {"u": "u_02", "g": "g_01", "r": "r_03", "i": "i_06", "z": "z_03", "y": "y_04"}
REPOSITORIES = ("usdf/main", "usdf/embargo", "summit/LSSTComCam", "bts/LSSTComCam")
CARRIED = {"summit/LSSTComCam": "SUMMIT_CALIB_DISK", "bts/LSSTComCam": "BASE_CALIB_DISK"}
"""RSE of each repository that Rucio can carry to."""

NEWEST = 2
"""Tickets that the summit and the base test stand do not have yet."""

BY_FILTER = {"flat", "illuminationCorrection"}
AMPLIFIERS = tuple(f"C{row}{column}" for row in (1, 0) for column in range(8))
FORMATTER = "lsst.daf.butler.formatters.astropyTable.AstropyTableFormatter"
EXTRA = "u/observer/flat-r-test"
_NAMESPACE = uuid.UUID("6f7f0a5a-5a64-4b0e-8d8e-0e6a1c9f1c11")


@dataclass(frozen=True)
class Carrier:
    """The Rucio that carries to the summit and the base test stand."""

    site: RucioSite
    scope: str = SCOPE

    def storage(self, rse: str) -> Path:
        """Return where a storage element has the files of the scope."""
        return self.site.storage(rse, self.scope)


@dataclass(frozen=True)
class Demo:
    """Where the demonstration is."""

    folder: Path

    carrier: Carrier | None = None
    """`None`: everything is copied."""

    @property
    def state(self) -> Path:
        """Root of the state tree."""
        return self.folder / "state"

    def repository(self, address: str) -> Path:
        """Return the folder of a repository."""
        return self.folder / "repo" / address.replace("/", "-")


def build(
    folder: Path, declared: DesiredState, watch: Callable[[int, int], None], carrier: Carrier | None = None
) -> Demo:
    """Build everything in a new folder.

    Parameters
    ----------
    folder
        Made by this.
    declared
        The observatory's own declaration.
    watch
        Is called with how many tickets are made, and of how many.
    carrier
        With it the summit and the base test stand are empty yet, and only the
        older tickets declared.  Once those are deployed, `declare_newest`
        completes it.
    """
    demo = Demo(folder.resolve(), carrier)
    archive = folder / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    archive.mkdir()
    tickets = _oldest_first(declared)
    if carrier:
        _write_state(demo, declared, without=tickets[-NEWEST:])
    _make_origin(demo, tickets, declared, watch)
    if not carrier:
        declare_newest(demo, declared)
    return demo


def declare_newest(demo: Demo, declared: DesiredState) -> None:
    """Declare all tickets; and somebody has changed a chain by hand."""
    _write_state(demo, declared)
    _by_hand(demo.repository("bts/LSSTComCam"))


def _write_state(demo: Demo, declared: DesiredState, without: Sequence[Ticket] = ()) -> None:
    """Write the state tree, as it was before some tickets were declared."""
    root = Path(declared.root)
    sites = demo.state / "sites"
    # Of what the observatory declares, one chain of calibrations and its
    # tickets; the catalogues and models beside it are what others make here.
    files = [declared.chains[CALIB].lines.file]
    for ticket in _oldest_first(declared):
        files.append(declared.tickets[ticket.key].lines.file)
    for file in files:
        (demo.state / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, demo.state / file)
    for ticket in without:
        _take_out(demo, ticket)
    _write_defaults(demo, declared)
    settings = ["version: 1", "archive: ../archive", "records: ../records"]
    if demo.carrier:
        origin = demo.carrier.site.rses[ORIGIN]
        settings += [
            "rucio:",
            f"  scope: {demo.carrier.scope}",
            f"  origin_rse: {origin.name}",
            f"  rse_root: {origin.folder}",
            f"  dtn_url: {origin.url}",
        ]
    _write_lines(demo.state / "calibstate.yaml", settings)
    sites.mkdir(exist_ok=True)
    for address in REPOSITORIES:
        site, _, _ = address.partition("/")
        _write_lines(sites / f"{site}.yaml", _site(demo, site))


def _write_defaults(demo: Demo, declared: DesiredState) -> None:
    """Write the chain that holds that of the calibrations."""
    lines = [
        "# yaml-language-server: $schema=../../schemas/chain.json",
        "#",
        "# What DP1 was processed with, as published in RTN-103.",
        f"chain: {DEFAULTS}",
        f"instrument: {INSTRUMENT}",
        "only: [usdf/main]",
        "entries:",
    ]
    for name in _in_defaults(declared):
        entry = f"external: {name}"
        if name == CALIB:
            entry = name
        lines.append(f"  - {entry}")
    _write_lines(demo.state / "chains" / "LSSTComCam-DP1.yaml", lines)


def _in_defaults(declared: DesiredState) -> list[str]:
    """Return the children of that chain, in search order."""
    names: list[str] = []
    for entry in declared.chains[DEFAULTS].noun.entries:
        if isinstance(entry, ExternalEntry):
            names.append(entry.external)
        else:
            names.append(entry)
    return names


def _take_out(demo: Demo, ticket: Ticket) -> None:
    """Take a ticket out of the declaration, as before anyone wrote it."""
    folder = demo.state / "tickets" / ticket.instrument
    file = folder / f"{ticket.ticket}.yaml"
    file.unlink()
    entry = f"- {ticket.ticket}"
    chains = demo.state / "chains"
    for file in chains.glob("*.yaml"):
        lines = file.read_text().splitlines()
        kept = [line for line in lines if entry not in line]
        _write_lines(file, kept)


def _write_lines(file: Path, lines: Sequence[str]) -> None:
    text = "\n".join(lines)
    file.write_text(f"{text}\n")


def _site(demo: Demo, site: str) -> list[str]:
    """Return the file of a site, line by line."""
    lines = [f"site: {site}", "route: copy", "repositories:"]
    for address in REPOSITORIES:
        owner, _, name = address.partition("/")
        if owner == site:
            lines += [
                f"  {name}:",
                f"    butler: ../../repo/{owner}-{name}",
                f"    instruments: [{INSTRUMENT}]",
                *_route(demo, address),
            ]
    return lines


def _route(demo: Demo, address: str) -> list[str]:
    """Return how a repository is reached, where not as its site says."""
    if address == "usdf/main":
        return ["    route: origin"]
    if demo.carrier is None or address not in CARRIED:
        return []
    rse = CARRIED[address]
    return [
        "    route:",
        "      by: rucio",
        f"      rse: {rse}",
        f"      prefix: {demo.carrier.storage(rse)}",
    ]


def _make_origin(
    demo: Demo, tickets: Sequence[Ticket], declared: DesiredState, watch: Callable[[int, int], None]
) -> None:
    """Make the origin ticket by ticket, and the others."""
    main = demo.repository("usdf/main")
    store = main
    if demo.carrier:
        store = demo.carrier.storage(ORIGIN)
    butler = make_butler(main, store)
    first_of_newest = len(tickets) + 1 - NEWEST
    for number, ticket in enumerate(tickets, 1):
        # The sites have what the origin had before the newest tickets.
        if number == first_of_newest:
            _make_sites(demo)
        _add_ticket(butler, ticket)
        watch(number, len(tickets))
    root = _datastore_root(butler)
    _make_embargo(demo, Path(root))
    _add_defaults(butler, declared)
    butler.close()


def _make_sites(demo: Demo) -> None:
    """Make the sites: copies of the origin's past, or empty."""
    for address in CARRIED:
        folder = demo.repository(address)
        if demo.carrier:
            make_butler(folder, folder).close()
        else:
            shutil.copytree(demo.repository("usdf/main"), folder)


def _make_embargo(demo: Demo, store: Path) -> None:
    """Make a copy of the origin with files of its own."""
    main = demo.repository("usdf/main")
    embargo = demo.repository("usdf/embargo")
    if store != main:
        Butler.makeRepo(str(embargo))
        shutil.copy(main / "gen3.sqlite3", embargo)
    shutil.copytree(store, embargo, dirs_exist_ok=True)


def _oldest_first(declared: DesiredState) -> list[Ticket]:
    tickets: list[Ticket] = []
    for entry in declared.chains[CALIB].noun.entries:
        if not isinstance(entry, str):
            continue
        meaning = declared.meaning(entry, INSTRUMENT)
        if meaning is None or meaning.ticket is None:
            continue
        # A bare ticket has an entry for each of its collections.
        ticket = meaning.ticket.noun
        if ticket not in tickets:
            tickets.append(ticket)
    tickets.reverse()
    return tickets


def make_butler(
    folder: Path, store: Path, instrument_class: str = INSTRUMENT_CLASS, database: str | None = None
) -> Butler:
    """Make a repository that has its files in a folder of any place.

    Parameters
    ----------
    folder
        Folder of the repository, made by this.
    store
        Folder of its files.
    instrument_class
        Python class that the instrument's record names.
    database
        SQLAlchemy URL of a database that is empty; without it, SQLite in the
        folder.

    Returns
    -------
    butler
        It is open for writing, and has an empty chain of calibrations.
    """
    folder.mkdir(parents=True)
    config = Config()
    if database:
        config["registry", "db"] = database
    if store != folder:
        config["datastore", "root"] = str(store)
    Butler.makeRepo(str(folder), config, forceConfigRoot=store == folder)
    butler = Butler.from_config(str(folder), writeable=True)
    for element, record in instrument_records(instrument_class):
        butler.registry.insertDimensionData(element, record)
    butler.collections.register(CALIB, CollectionType.CHAINED)
    return butler


def instrument_records(instrument_class: str) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Yield the records of the instrument, its filters and its detectors."""
    yield (
        "instrument",
        {
            "name": INSTRUMENT,
            "class_name": instrument_class,
            "detector_max": 1000,
            "exposure_max": 7050123199999,
            "visit_max": 7050123199999,
            "visit_system": 2,
        },
    )
    for band, name in FILTERS.items():
        yield (
            "physical_filter",
            {
                "instrument": INSTRUMENT,
                "name": name,
                "band": band,
            },
        )
    for number in range(DETECTORS):
        slot = _slot(number)
        yield (
            "detector",
            {
                "instrument": INSTRUMENT,
                "id": number,
                "purpose": "SCIENCE",
                "full_name": detector_name(number),
                "raft": "R22",
                "name_in_raft": slot,
            },
        )


def detector_name(number: int) -> str:
    """Return the full name of a detector, such as R22_S11."""
    return f"R22_{_slot(number)}"


def _slot(number: int) -> str:
    # ComCam is one raft of three by three.
    return f"S{number // 3}{number % 3}"


def _add_ticket(butler: Butler, ticket: Ticket) -> None:
    """Make, certify and chain a ticket, as DMTN-222 section 7 does by hand."""
    for leaf in ticket.leaves:
        if leaf.endswith("/unbounded"):
            _ingest(butler, "camera", None, leaf)
        else:
            _certify(butler, leaf)
    collections = butler.collections
    if ticket.collection:
        collections.register(
            ticket.collection,
            CollectionType.CHAINED,
            doc=ticket.summary,
        )
        collections.redefine_chain(ticket.collection, ticket.leaves)
    collections.prepend_chain(CALIB, ticket.children)


def _certify(butler: Butler, leaf: str) -> None:
    """Make the datasets of a collection, ``…/TYPE-BAND.RERUN``, in it."""
    base, _, last = leaf.rpartition("/")
    name, _, rerun = last.partition(".")
    type_name, _, band = name.partition("-")
    if not rerun:
        # A bare collection: what the observatory curates.
        base = leaf
        type_name = "crosstalk"
        rerun = "19700101a"
    task = f"{type_name}Gen"
    if band:
        task += f"-{band}"
    only = None
    if band not in {"", "all"}:
        only = band
    refs = _ingest(butler, type_name, only, f"{base}/{task}.{rerun}")
    # They are valid from the day of the rerun on.
    begin = 0
    day = re.match(r"(\d{4})(\d\d)(\d\d)", rerun)
    if day:
        begin = parse_tai("{}-{}-{}T00:00:00".format(*day.groups()))
    span = Timespan(None, None, _nsec=(begin, UNBOUNDED_END))
    butler.collections.register(leaf, CollectionType.CALIBRATION)
    butler.registry.certify(leaf, refs, span)


def _ingest(butler: Butler, type_name: str, band: str | None, run: str) -> list[DatasetRef]:
    """Make datasets of a type, with files in the butler's own datastore."""
    dataset_type = _dataset_type(butler, type_name)
    root = _datastore_root(butler)
    folder = Path(root) / run / type_name
    folder.mkdir(parents=True, exist_ok=True)
    butler.collections.register(run)
    datasets = []
    refs = []
    for data_id in _data_ids(dataset_type, band):
        # The same demonstration has the same identifiers wherever it is made.
        key = f"{run} {type_name} {data_id}"
        identifier = uuid.uuid5(_NAMESPACE, key)
        ref = DatasetRef(
            dataset_type,
            data_id,
            run=run,
            id=identifier,
        )
        values = "_".join(str(value) for value in data_id.required_values)
        path = folder / f"{type_name}_{values}.ecsv"
        path.write_text(_table(key, identifier))
        dataset = FileDataset(str(path), [ref], formatter=FORMATTER)
        datasets.append(dataset)
        refs.append(ref)
    butler.ingest(*datasets, transfer=None)
    return refs


def _datastore_root(butler: Butler) -> str:
    (root,) = butler.get_datastore_roots().values()
    assert root is not None
    return root.ospath


def _dataset_type(butler: Butler, name: str) -> DatasetType:
    """Register a type of datasets: by detector, and by filter where it is."""
    dimensions = ["instrument"]
    if name != "camera":
        dimensions.append("detector")
    if name in BY_FILTER:
        dimensions.append("physical_filter")
    dataset_type = DatasetType(
        name,
        dimensions,
        "AstropyTable",
        universe=butler.dimensions,
        isCalibration=True,
    )
    butler.registry.registerDatasetType(dataset_type)
    return dataset_type


def _data_ids(dataset_type: DatasetType, only: str | None) -> Iterator[DataCoordinate]:
    """Yield the data IDs of a type, in one band or in all."""
    dimensions = dataset_type.dimensions
    filters: list[dict[str, str | int]] = []
    for band, name in FILTERS.items():
        if only in {None, band}:
            filters.append({"physical_filter": name, "band": band})
    # A type that has no such dimension has one data ID where others have many.
    if "physical_filter" not in dimensions:
        filters = [{}]
    detectors: list[dict[str, str | int]] = [{}]
    if "detector" in dimensions:
        detectors = [{"detector": number} for number in range(DETECTORS)]
    for filter_ in filters:
        for detector in detectors:
            values = {"instrument": INSTRUMENT, **filter_, **detector}
            yield DataCoordinate.standardize(values, dimensions=dimensions)


def _table(key: str, seed: uuid.UUID) -> str:
    """Return a table of one value an amplifier, as ECSV."""
    lines = []
    for name, value in zip(AMPLIFIERS, seed.bytes, strict=True):
        lines.append(f"{name} {value / 100:.2f}")
    rows = "\n".join(lines)
    return (
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: amplifier, datatype: string}\n"
        f'# - {{name: value, datatype: float64}}\n# meta: {{of: "{key}"}}\n# schema: astropy-2.0\n'
        f"amplifier value\n{rows}\n"
    )


def _add_defaults(butler: Butler, declared: DesiredState) -> None:
    """Make the defaults chain of the origin, and what others make in it."""
    collections = butler.collections
    children = _in_defaults(declared)
    for name in children:
        if name == CALIB:
            continue
        sort = CollectionType.RUN
        if "/raw/" in name:
            sort = CollectionType.TAGGED
        collections.register(name, sort)
    collections.register(DEFAULTS, CollectionType.CHAINED)
    collections.redefine_chain(DEFAULTS, children)


def _by_hand(folder: Path) -> None:
    """Put a test flat into the middle of the chain, as somebody once did."""
    butler = Butler.from_config(str(folder), writeable=True)
    collections = butler.collections
    refs = _ingest(butler, "flat", "r", f"{EXTRA}/run")
    collections.register(EXTRA, CollectionType.CALIBRATION)
    butler.registry.certify(EXTRA, refs, Timespan(None, None))
    chain = collections.get_info(CALIB)
    children = list(chain.children)
    children.insert(2, EXTRA)
    collections.redefine_chain(CALIB, children)
    butler.close()

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
from collections.abc import Callable, Iterable, Iterator, Sequence
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

from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.tickets import Ticket
from ..model.timespans import UNBOUNDED_END, parse_tai
from .rucio.site import ORIGIN, SCOPE, RucioSite

__all__ = ["CARRIED", "REPOSITORIES", "Carrier", "Demo", "build", "declare_newest"]

INSTRUMENT = "LSSTComCam"
CALIB = "LSSTComCam/calib"
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
        Told how many tickets are made, and of how many.
    carrier
        With it the summit and the base test stand are empty yet, and only the
        older tickets declared.  Once those are deployed, `declare_newest`
        completes it.
    """
    demo = Demo(folder.resolve(), carrier)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "archive").mkdir()
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
    for part in ("tickets", "chains"):
        shutil.copytree(Path(declared.root) / part, demo.state / part, dirs_exist_ok=True)
    for ticket in without:
        _forget(demo, ticket)
    (demo.state / "sites").mkdir(exist_ok=True)
    (demo.state / "calibstate.yaml").write_text(_settings(demo))
    for site in dict.fromkeys(address.partition("/")[0] for address in REPOSITORIES):
        (demo.state / "sites" / f"{site}.yaml").write_text(_site(demo, site))


def _forget(demo: Demo, ticket: Ticket) -> None:
    """Take a ticket out of the declaration, as before anyone wrote it."""
    (demo.state / "tickets" / ticket.instrument / f"{ticket.ticket}.yaml").unlink()
    for file in (demo.state / "chains").glob("*.yaml"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if f"- {ticket.ticket}" not in line))


def _settings(demo: Demo) -> str:
    lines = ["version: 1", "archive: ../archive", "records: ../records"]
    if demo.carrier:
        origin = demo.carrier.site.rses[ORIGIN]
        lines += [
            "rucio:",
            f"  scope: {demo.carrier.scope}",
            f"  origin_rse: {origin.name}",
            f"  rse_root: {origin.folder}",
            f"  dtn_url: {origin.url}",
        ]
    return "\n".join(lines) + "\n"


def _site(demo: Demo, site: str) -> str:
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
    return "\n".join(lines) + "\n"


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
    main, carrier = demo.repository("usdf/main"), demo.carrier
    butler = _make_butler(main, carrier.storage(ORIGIN) if carrier else main)
    for number, ticket in enumerate(tickets, 1):
        if number == len(tickets) + 1 - NEWEST:
            _make_sites(demo)
        _add_ticket(butler, ticket)
        watch(number, len(tickets))
    _make_embargo(demo, Path(_datastore_root(butler)))
    _add_defaults(butler, declared)
    butler.close()


def _make_sites(demo: Demo) -> None:
    """Make the sites: copies of the origin's past, or empty."""
    for address in CARRIED:
        folder = demo.repository(address)
        if demo.carrier:
            _make_butler(folder, folder).close()
        else:
            shutil.copytree(demo.repository("usdf/main"), folder)


def _make_embargo(demo: Demo, store: Path) -> None:
    """Make a copy of the origin with files of its own."""
    main, embargo = demo.repository("usdf/main"), demo.repository("usdf/embargo")
    if store != main:
        Butler.makeRepo(str(embargo))
        shutil.copy(main / "gen3.sqlite3", embargo)
    shutil.copytree(store, embargo, dirs_exist_ok=True)


def _oldest_first(declared: DesiredState) -> list[Ticket]:
    tickets: list[Ticket] = []
    for entry in declared.chains[CALIB].noun.entries:
        meaning = declared.meaning(entry, INSTRUMENT) if isinstance(entry, str) else None
        if meaning and meaning.ticket and meaning.ticket.noun not in tickets:
            tickets.append(meaning.ticket.noun)
    return tickets[::-1]


def _make_butler(folder: Path, store: Path) -> Butler:
    """Make a repository that has its files in a folder of any place."""
    folder.mkdir(parents=True)
    config = Config()
    if store != folder:
        config["datastore", "root"] = str(store)
    Butler.makeRepo(str(folder), config, forceConfigRoot=store == folder)
    butler = Butler.from_config(str(folder), writeable=True)
    insert = butler.registry.insertDimensionData
    insert(
        "instrument",
        {
            "name": INSTRUMENT,
            "class_name": "lsst.obs.lsst.LsstComCam",
            "detector_max": 1000,
            "exposure_max": 7050123199999,
            "visit_max": 7050123199999,
            "visit_system": 2,
        },
    )
    insert("physical_filter", *({"instrument": INSTRUMENT, "name": f, "band": b} for b, f in FILTERS.items()))
    insert("detector", *(_detector(number) for number in range(DETECTORS)))
    butler.collections.register(CALIB, CollectionType.CHAINED)
    return butler


def _detector(number: int) -> dict[str, object]:
    slot = f"S{number // 3}{number % 3}"
    names = {"full_name": f"R22_{slot}", "raft": "R22", "name_in_raft": slot}
    return {"instrument": INSTRUMENT, "id": number, "purpose": "SCIENCE", **names}


def _add_ticket(butler: Butler, ticket: Ticket) -> None:
    """Make, certify and chain a ticket, as DMTN-222 section 7 does by hand."""
    for leaf in ticket.leaves:
        if leaf.endswith("/unbounded"):
            _ingest(butler, "camera", None, leaf)
        else:
            _certify(butler, leaf)
    if ticket.collection:
        butler.collections.register(ticket.collection, CollectionType.CHAINED, doc=ticket.summary)
        butler.collections.redefine_chain(ticket.collection, ticket.leaves)
    butler.collections.prepend_chain(CALIB, ticket.children)


def _certify(butler: Butler, leaf: str) -> None:
    base, _, last = leaf.rpartition("/")
    name, _, rerun = last.partition(".")
    type_name, _, band = name.partition("-")
    if not rerun:  # A bare collection: what the observatory curates.
        base, type_name, rerun = leaf, "crosstalk", "19700101a"
    run = f"{base}/{type_name}Gen{'-' + band if band else ''}.{rerun}"
    refs = _ingest(butler, type_name, None if band in {"", "all"} else band, run)
    day = re.match(r"(\d{4})(\d\d)(\d\d)", rerun)
    begin = parse_tai("{}-{}-{}T00:00:00".format(*day.groups())) if day else 0
    butler.collections.register(leaf, CollectionType.CALIBRATION)
    butler.registry.certify(leaf, refs, Timespan(None, None, _nsec=(begin, UNBOUNDED_END)))


def _ingest(butler: Butler, type_name: str, band: str | None, run: str) -> list[DatasetRef]:
    type_ = _dataset_type(butler, type_name)
    root = _datastore_root(butler)
    butler.collections.register(run)
    datasets = []
    for data_id in _data_ids(type_, band):
        key = f"{run} {type_name} {data_id}"
        ref = DatasetRef(type_, data_id, run=run, id=uuid.uuid5(_NAMESPACE, key))
        values = "_".join(str(value) for value in data_id.required_values)
        path = Path(root) / run / type_name / f"{type_name}_{values}.ecsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_table(key, ref.id))
        datasets.append(FileDataset(str(path), [ref], formatter=FORMATTER))
    butler.ingest(*datasets, transfer=None)
    return [ref for dataset in datasets for ref in dataset.refs]


def _datastore_root(butler: Butler) -> str:
    root = next(iter(butler.get_datastore_roots().values()))
    assert root is not None
    return root.ospath


def _dataset_type(butler: Butler, name: str) -> DatasetType:
    dimensions = ["instrument"]
    dimensions += ["detector"] if name != "camera" else []
    dimensions += ["physical_filter"] if name in BY_FILTER else []
    type_ = DatasetType(name, dimensions, "AstropyTable", universe=butler.dimensions, isCalibration=True)
    butler.registry.registerDatasetType(type_)
    return type_


def _data_ids(type_: DatasetType, band: str | None) -> Iterator[DataCoordinate]:
    bands: Iterable[str] = [band] if band else FILTERS
    filters: Sequence[dict[str, str]] = [{}]
    if "physical_filter" in type_.dimensions:
        filters = [{"physical_filter": FILTERS[b], "band": b} for b in bands]
    detectors = [{"detector": n} for n in range(DETECTORS)] if "detector" in type_.dimensions else [{}]
    for one in filters:
        for detector in detectors:
            yield DataCoordinate.standardize(
                {"instrument": INSTRUMENT, **one, **detector}, dimensions=type_.dimensions
            )


def _table(key: str, seed: uuid.UUID) -> str:
    """Return a table of one value an amplifier, as ECSV."""
    values = seed.bytes
    rows = "\n".join(f"{name} {value / 100:.2f}" for name, value in zip(AMPLIFIERS, values, strict=True))
    return (
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: amplifier, datatype: string}\n"
        f"# - {{name: value, datatype: float64}}\n# meta: {{of: '{key}'}}\n# schema: astropy-2.0\n"
        f"amplifier value\n{rows}\n"
    )


def _add_defaults(butler: Butler, declared: DesiredState) -> None:
    """Make the defaults chains of the origin, and what others make in them."""
    for written in declared.chains_of(INSTRUMENT):
        chain: ChainFile = written.noun
        if chain.chain == CALIB or not declared.expects(chain.only, RepositoryAddress("usdf/main")):
            continue
        names = [entry.external if isinstance(entry, ExternalEntry) else entry for entry in chain.entries]
        for entry in chain.entries:
            if isinstance(entry, ExternalEntry):
                raws = "/raw/" in entry.external
                butler.collections.register(
                    entry.external, CollectionType.TAGGED if raws else CollectionType.RUN
                )
        butler.collections.register(chain.chain, CollectionType.CHAINED)
        butler.collections.redefine_chain(chain.chain, names)


def _by_hand(folder: Path) -> None:
    """Put a test flat into the middle of the chain, as somebody once did."""
    butler = Butler.from_config(str(folder), writeable=True)
    refs = _ingest(butler, "flat", "r", f"{EXTRA}/run")
    butler.collections.register(EXTRA, CollectionType.CALIBRATION)
    butler.registry.certify(EXTRA, refs, Timespan(None, None))
    children = list(butler.collections.get_info(CALIB).children)
    butler.collections.redefine_chain(CALIB, [*children[:2], EXTRA, *children[2:]])
    butler.close()

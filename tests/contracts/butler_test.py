"""What every butler promises: one in memory, on SQLite, on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from uuid import UUID

import pytest

from calibstate.adapters.butler import DafButlerReader, open_writer
from calibstate.adapters.repositories import RegistryReader, open_reader
from calibstate.errors import (
    Diagnostic,
    LockedError,
    PlanIsStaleError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from calibstate.model.bundles import StoredDataset
from calibstate.model.contents import CollectionType, Row
from calibstate.model.exposures import NightOfExposures
from calibstate.model.observations import stamp
from calibstate.model.timespans import EMPTY, UNBOUNDED, Range, parse_tai
from calibstate.ports.butler import (
    ButlerReader,
    ButlerWriter,
    ImportCount,
    SeenCollection,
    SeenExposure,
    TakenExposure,
)
from calibstate.store.bundle import read_contents
from tests import world
from tests.bundles import BundleFolder, bundle_from
from tests.calibrations import (
    FORMATTERS,
    IN_2024,
    IN_2025,
    SINCE_2024,
    STACK_FORMATTER,
    DataId,
    exposure_span,
)
from tests.fakes.butler import MemoryButler
from tests.hands import RealHands
from tests.readers import BUTLER, REGISTRY, TABLES, open_reader_by
from tests.services.postgres import Postgres

CALIB = "LSSTComCam/calib"
TICKET = f"{CALIB}/DM-1"
BIAS, FLAT, VERIFY = f"{TICKET}/bias.a", f"{TICKET}/flat.a", f"{TICKET}/verify"
LEAVES = (BIAS, FLAT, VERIFY)

Hands = MemoryButler | RealHands


@dataclass
class Place:
    """A repository, as calibstate has it and as others have it."""

    butler: ButlerWriter
    open_reader: Callable[[], ButlerReader]
    hands: Hands

    @cached_property
    def reader(self) -> ButlerReader:
        return self.open_reader()

    def state(self) -> object:
        """Return all that an import could change."""
        seen = self.butler.collections([*LEAVES, f"{BIAS}.run", f"{FLAT}.run", TICKET, CALIB])
        held = self.butler.holdings(seen, files=seen)
        return seen, {name: (sorted(h.rows), h.unrecorded, h.sizes) for name, h in held.items()}


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sqlite") / "repository"
    world.make_repo(folder).close()
    return folder


@pytest.fixture(scope="session")
def empty_postgres(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Postgres]:
    folder = tmp_path_factory.mktemp("postgres") / "repository"
    server = postgres.another()
    world.make_repo(folder, db=server.url, namespace="butler").close()
    return folder, server


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A repository that knows the instrument and holds nothing."""
    database, _, way = request.param.partition(", by ")
    if request.param == "fake":
        fake = MemoryButler()
        yield Place(fake, lambda: fake, fake)
        return
    folder = tmp_path / "repository"
    if database == "sqlite":
        world.clone(request.getfixturevalue("empty_sqlite"), folder)
    else:
        template, server = request.getfixturevalue("empty_postgres")
        world.clone(template, folder)
        config = folder / "butler.yaml"
        config.write_text(config.read_text().replace(server.url, server.copy().url))
    writer, hands = open_writer(str(folder), FORMATTERS), RealHands(str(folder))
    readers: list[DafButlerReader | RegistryReader] = []

    def opened() -> ButlerReader:
        readers.append(open_reader_by(way, str(folder)) if way else open_reader(str(folder)))
        return readers[-1]

    yield Place(writer, opened, hands)
    for butler in (writer, *readers):
        butler.close()
    if "butler" in vars(hands):
        hands.butler.close()


WAYS = (REGISTRY, TABLES, BUTLER)
_in_every_way = pytest.mark.parametrize(
    "place",
    ["fake", *(f"{database}, by {way}" for database in ("sqlite", "postgres") for way in WAYS)],
    indirect=True,
)


def in_every_way(test: Callable[..., None]) -> Callable[..., None]:
    """Read from tables, in two ways, or ask the butler; by day some of these.

    Which ones differs from test to test.
    """
    sampled: Callable[..., None] = pytest.mark.matrix(3)(_in_every_way(test))
    return sampled


@pytest.fixture
def hands(place: Place) -> Hands:
    return place.hands


@pytest.fixture
def butler(place: Place) -> ButlerWriter:
    return place.butler


@pytest.fixture
def bundle(tmp_path: Path) -> BundleFolder:
    """A ticket: certified for ever, certified twice, and a bare RUN."""
    origin = MemoryButler("origin")
    origin.add_calibration(BIAS, "bias", SINCE_2024)
    origin.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    origin.add_run(VERIFY, "verifyBiasStats")
    origin.add_run(VERIFY, "dark", detectors=[0, 1])
    return bundle_from(origin, tmp_path / "bundle", LEAVES, uris=origin.uris)


def do(place: Place, bundle: BundleFolder, in_place: str | None = None) -> ImportCount:
    return place.butler.import_bundle(bundle.manifest, bundle.contents, bundle.source, in_place=in_place)


def bias(bundle: BundleFolder) -> str:
    """Return the UUID of the bias of detector 0."""
    return next(r.uuid for r in bundle.contents.holding(BIAS).rows if r.data_id.startswith("detector=0,"))


# Looking


def test_collections_that_exist_are_told_with_their_children_in_order(
    butler: ButlerWriter, hands: Hands
) -> None:
    hands.add_calibration(BIAS, "bias")
    hands.add_run(VERIFY, "verifyBiasStats")
    hands.add_chain(TICKET, [VERIFY, BIAS])
    hands.add_chain(CALIB, [TICKET])

    assert butler.collections([CALIB, "no/such", BIAS, TICKET, VERIFY]) == {
        CALIB: SeenCollection(CALIB, CollectionType.CHAINED, (TICKET,)),
        BIAS: SeenCollection(BIAS, CollectionType.CALIBRATION),
        TICKET: SeenCollection(TICKET, CollectionType.CHAINED, (VERIFY, BIAS)),
        VERIFY: SeenCollection(VERIFY, CollectionType.RUN),
    }


@in_every_way
def test_names_below_another_are_told_in_order_and_no_others(place: Place, hands: Hands) -> None:
    hands.add_calibration(FLAT, "flat")
    hands.add_calibration(BIAS, "bias")
    hands.add_chain(TICKET, [BIAS])
    hands.add_chain(f"{TICKET}1", [FLAT])
    hands.add_chain("u/someone/DM-1", [BIAS])

    below = place.reader.names_below(TICKET)

    assert below == [BIAS, f"{BIAS}.run", FLAT, f"{FLAT}.run"]
    assert place.reader.names_below("u/nobody") == []


@in_every_way
def test_what_is_told_by_a_digest_is_what_the_rows_come_to(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_calibration(FLAT, "flat", IN_2024, IN_2025, EMPTY)
    hands.add_run(VERIFY, "verifyBiasStats")
    hands.add_empty(f"{BIAS}.b", CollectionType.CALIBRATION)
    hands.add_chain(TICKET, [VERIFY, BIAS])
    hands.forget(next(row.uuid for row in place.reader.holdings([BIAS])[BIAS].rows))
    names = [BIAS, "no/such", FLAT, TICKET, VERIFY, f"{BIAS}.b", f"{FLAT}.run"]
    for calibrations_only in (False, True):
        held = place.reader.holdings(names, calibrations_only=calibrations_only)
        digests = place.reader.digests(names, calibrations_only=calibrations_only)
        assert digests.keys() == held.keys()
        for name, holding in held.items():
            told = digests[name]
            assert told.type is holding.type
            assert told.fingerprint == holding.fingerprint
            assert len(told.rows) == len(holding.rows)
            assert told.unrecorded == holding.unrecorded
            assert sorted(told.rows) == sorted(holding.rows)
            assert (told.sizes, told.recorded) == ({}, {})
    assert len(place.reader.digests([BIAS])[BIAS].unrecorded) == 1


@in_every_way
def test_rows_that_changed_since_their_digest_was_told_are_not_taken_for_it(
    place: Place, hands: Hands
) -> None:
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_run(VERIFY, "verifyBiasStats")
    digests = place.reader.digests([BIAS, VERIFY])
    was_read_at_once = isinstance(digests[BIAS].rows, tuple)

    hands.decertify(BIAS, next(iter(place.reader.holdings([BIAS])[BIAS].rows)).uuid)

    assert len(digests[VERIFY].rows) == len(list(digests[VERIFY].rows))
    if was_read_at_once:
        assert digests[BIAS].fingerprint != place.reader.digests([BIAS])[BIAS].fingerprint
    else:
        with pytest.raises(UnreachableError, match="was changed by others while it was looked at"):
            list(digests[BIAS].rows)


@in_every_way
def test_every_look_sees_what_others_did_meanwhile(place: Place, hands: Hands) -> None:
    hands.add_run(VERIFY, "verifyBiasStats")
    assert place.reader.collections([CALIB, BIAS]) == {}
    assert set(place.reader.holdings([BIAS, VERIFY])) == {VERIFY}
    uuids = hands.add_calibration(BIAS, "bias")
    hands.add_chain(CALIB, [BIAS])

    assert place.reader.collections([CALIB])[CALIB].children == (BIAS,)
    assert {row.uuid for row in place.reader.holdings([BIAS])[BIAS].rows} == set(uuids)

    hands.add_chain(CALIB, [f"{BIAS}.run", BIAS])
    assert place.reader.collections([CALIB])[CALIB].children == (f"{BIAS}.run", BIAS)


@in_every_way
def test_certifications_are_told_with_type_data_id_uuid_and_range(place: Place, hands: Hands) -> None:
    first, *_ = hands.add_calibration(FLAT, "flat", IN_2024, IN_2025)

    rows = place.reader.holdings([FLAT])[FLAT].rows
    assert [row for row in sorted(rows) if row.uuid == first] == [
        Row("flat", "detector=0,instrument=LSSTComCam,physical_filter=g_01", first, *IN_2024),
        Row("flat", "detector=0,instrument=LSSTComCam,physical_filter=g_01", first, *IN_2025),
    ]
    assert len(rows) == 4 * 2 * 2


@in_every_way
def test_unbounded_and_empty_ranges_are_told_as_they_are(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias")
    hands.add_calibration(FLAT, "dark", EMPTY)

    held = place.reader.holdings([BIAS, FLAT])
    assert {(row.begin, row.end) for row in held[BIAS].rows} == {UNBOUNDED}
    assert {(row.begin, row.end) for row in held[FLAT].rows} == {EMPTY}


@in_every_way
def test_a_run_holds_all_of_its_dataset_types_without_bounds(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias", IN_2024, run=VERIFY)
    hands.add_run(VERIFY, "verifyBiasStats", detectors=[1])

    held = place.reader.holdings([VERIFY])[VERIFY]
    assert held.type is CollectionType.RUN
    assert sorted(row.dataset_type for row in held.rows) == ["bias"] * 4 + ["verifyBiasStats"]
    assert {(row.begin, row.end) for row in held.rows} == {UNBOUNDED}


@in_every_way
def test_a_tagged_collection_holds_its_members_without_bounds(place: Place, hands: Hands) -> None:
    uuids = hands.add_run(VERIFY, "bias")
    hands.add_tagged("LSSTComCam/tagged", VERIFY)

    held = place.reader.holdings(["LSSTComCam/tagged"])["LSSTComCam/tagged"]
    assert held.type is CollectionType.TAGGED
    assert {(row.uuid, row.begin, row.end) for row in held.rows} == {(uuid, *UNBOUNDED) for uuid in uuids}


@in_every_way
def test_absent_and_chained_collections_have_no_holding_and_empty_ones_have_no_rows(
    place: Place, hands: Hands
) -> None:
    hands.add_empty(BIAS, CollectionType.CALIBRATION)
    hands.add_empty(VERIFY, CollectionType.RUN)
    hands.add_chain(TICKET, [BIAS])

    held = place.reader.holdings([BIAS, "no/such", TICKET, VERIFY])
    assert {name: holding.rows for name, holding in held.items()} == {BIAS: (), VERIFY: ()}


@in_every_way
def test_datasets_without_a_record_in_the_datastore_are_told(place: Place, hands: Hands) -> None:
    first, *_ = hands.add_calibration(BIAS, "bias")
    hands.forget(first)

    held = place.reader.holdings([BIAS, f"{BIAS}.run"])
    assert held[BIAS].unrecorded == {first}
    assert held[f"{BIAS}.run"].unrecorded == {first}


@in_every_way
def test_what_is_no_calibration_is_left_out_where_only_calibrations_are_asked_for(
    place: Place, hands: Hands
) -> None:
    biases = hands.add_calibration(BIAS, "bias", IN_2024, run=VERIFY)
    others = hands.add_run(VERIFY, "verifyBiasStats")
    for uuid in (biases[0], others[0]):
        hands.forget(uuid)
    hands.add_tagged("LSSTComCam/tagged", VERIFY)
    hands.add_run("LSSTComCam/raw", "verifyBiasStats")

    names = [BIAS, VERIFY, "LSSTComCam/tagged", "LSSTComCam/raw"]
    held = place.reader.holdings(names, calibrations_only=True)
    assert {name: {row.uuid for row in holding.rows} for name, holding in held.items()} == {
        BIAS: set(biases),
        VERIFY: set(biases),
        "LSSTComCam/tagged": set(biases),
        "LSSTComCam/raw": set(),
    }
    assert not any(holding.unrecorded for holding in held.values()), "nobody asked the datastore"
    assert len(place.reader.holdings([VERIFY])[VERIFY].rows) == len(biases + others)


@in_every_way
def test_files_are_looked_at_where_that_is_asked_for_only(
    place: Place, hands: Hands, bundle: BundleFolder
) -> None:
    do(place, bundle)
    lost, altered = sorted(row.uuid for row in bundle.contents.holding(BIAS).rows)[:2]
    hands.write_file(bundle.path_of(lost), None)
    hands.write_file(bundle.path_of(altered), b"short")

    held = place.reader.holdings([BIAS, FLAT], files=[BIAS])
    assert {u: s for u, s in held[BIAS].sizes.items() if s != 2880} == {lost: None, altered: 5}
    assert len(held[BIAS].sizes) == 4
    assert held[FLAT].sizes == {}
    assert held[BIAS].unrecorded == frozenset()


# Looking up

G_01 = "detector=1,instrument=LSSTComCam,physical_filter=g_01"
DETECTOR_1 = "detector=1,instrument=LSSTComCam"
BEGIN, END = IN_2024


def in_which(place: Place, dataset_type: str, moment: int, data_id: str = DETECTOR_1) -> str | None:
    """Return the RUN of what is found at a moment in the chain."""
    found = place.reader.lookup(CALIB, dataset_type, data_id, (moment, moment + 1))
    return place.reader.runs([found])[found] if found else None


def test_a_lookup_finds_the_first_collection_with_a_range_that_holds_the_moment(
    place: Place, hands: Hands
) -> None:
    hands.add_calibration(f"{BIAS}.new", "bias", IN_2024)
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_chain(CALIB, [f"{BIAS}.new", BIAS])

    moments = (BEGIN - 1, BEGIN, BEGIN + 1, END - 1, END, END + 1)
    new, old = f"{BIAS}.new.run", f"{BIAS}.run"
    assert [in_which(place, "bias", moment) for moment in moments] == [None, new, new, new, old, old]


def test_a_lookup_goes_through_nested_chains_in_their_order(place: Place, hands: Hands) -> None:
    hands.add_calibration(FLAT, "flat")
    hands.add_run("front", "bias")
    hands.add_calibration(BIAS, "bias")
    hands.add_calibration(f"{BIAS}.last", "bias")
    hands.add_chain(TICKET, [FLAT, BIAS])
    hands.add_chain(CALIB, [TICKET, "front", BIAS, f"{BIAS}.last"])

    assert in_which(place, "bias", BEGIN) == f"{BIAS}.run"
    assert in_which(place, "flat", BEGIN, G_01) == f"{FLAT}.run"
    hands.add_chain(CALIB, ["front", TICKET])
    assert in_which(place, "bias", BEGIN) == "front"


def test_a_lookup_through_any_collection_finds_what_it_holds(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias", IN_2024)
    hands.add_run(VERIFY, "verifyBiasStats")
    hands.add_tagged("tagged", f"{BIAS}.run")

    before = (BEGIN - 1, BEGIN)
    uuid = place.reader.lookup(BIAS, "bias", DETECTOR_1, IN_2024)
    assert uuid in {row.uuid for row in place.reader.holdings([BIAS])[BIAS].rows}
    assert place.reader.lookup(BIAS, "bias", DETECTOR_1, before) is None
    for unbounded in (f"{BIAS}.run", "tagged"):
        assert place.reader.lookup(unbounded, "bias", DETECTOR_1, before) == uuid
    assert place.reader.lookup(VERIFY, "verifyBiasStats", DETECTOR_1, before) is not None


def test_a_lookup_never_finds_an_empty_range_nor_for_one(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias", EMPTY)
    hands.add_calibration(f"{TICKET}/dark", "dark")
    assert place.reader.lookup(BIAS, "bias", DETECTOR_1, (BEGIN, UNBOUNDED[1])) is None
    assert place.reader.lookup(BIAS, "bias", DETECTOR_1, UNBOUNDED), "of no range, says the butler"
    assert place.reader.lookup(f"{TICKET}/dark", "dark", DETECTOR_1, UNBOUNDED) is not None
    for span in (EMPTY, (BEGIN, BEGIN)):
        assert place.reader.lookup(f"{TICKET}/dark", "dark", DETECTOR_1, span) is None


UNKNOWN = (
    (CALIB, "dark", DETECTOR_1),
    (CALIB, "no such type", DETECTOR_1),
    (CALIB, "noSuchType", DETECTOR_1),
    ("no/such", "flat", G_01),
    ("LSSTComCam/*", "flat", G_01),
    (VERIFY, "flat", G_01),
    (CALIB, "flat", G_01.replace("g_01", "z_20")),
    (CALIB, "flat", G_01.replace("LSSTComCam", "LATISS")),
    (CALIB, "flat", G_01.replace("detector=1", "detector=77")),
    (CALIB, "flat", G_01.replace("detector=1", "detector=R22_S11")),
    (CALIB, "flat", G_01.replace("detector=1", "detector=1000000000000000000000")),
)
"""Chain, dataset type and data ID, one of which is not there."""


def test_a_lookup_of_what_is_not_there_or_not_known_finds_nothing(place: Place, hands: Hands) -> None:
    hands.add_calibration(FLAT, "flat")
    hands.add_run("other", "dark")
    hands.add_empty(VERIFY, CollectionType.CALIBRATION)
    hands.add_chain(CALIB, [FLAT, VERIFY])
    assert place.reader.lookup(CALIB, "flat", G_01, UNBOUNDED) is not None
    assert [place.reader.lookup(*asked, UNBOUNDED) for asked in UNKNOWN] == [None] * len(UNKNOWN)


def test_a_lookup_leaves_alone_what_the_dataset_type_does_not_ask_for(place: Place, hands: Hands) -> None:
    hands.add_calibration(FLAT, "flat")
    told = place.reader.lookup(FLAT, "flat", G_01, UNBOUNDED)
    assert told is not None
    for more in ("band=r", "exposure=2024110700001", "day_obs=20241107"):
        assert place.reader.lookup(FLAT, "flat", f"{G_01},{more}", UNBOUNDED) == told


def test_a_lookup_without_what_the_dataset_type_asks_for_is_a_mistake(place: Place, hands: Hands) -> None:
    hands.add_calibration(FLAT, "flat")
    for lacking in ("", "detector=1", "detector=1,instrument=LSSTComCam,band=g"):
        with pytest.raises(UsageError, match="Data ID does not fit"):
            place.reader.lookup(FLAT, "flat", lacking, UNBOUNDED)


def test_a_lookup_that_finds_several_in_one_collection_is_refused(place: Place, hands: Hands) -> None:
    hands.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    hands.add_calibration(BIAS, "flat", IN_2025)
    hands.add_chain(CALIB, [BIAS, FLAT])

    with pytest.raises(RefusedError, match="Lookup is ambiguous"):
        place.reader.lookup(FLAT, "flat", G_01, UNBOUNDED)
    assert place.reader.lookup(CALIB, "flat", G_01, UNBOUNDED), "one in the collection that is searched first"
    assert place.reader.lookup(FLAT, "flat", G_01, IN_2024)


def test_a_lookup_sees_what_others_did_meanwhile(place: Place, hands: Hands) -> None:
    assert place.reader.lookup(CALIB, "bias", DETECTOR_1, UNBOUNDED) is None
    hands.add_calibration(BIAS, "bias")
    hands.add_chain(CALIB, [BIAS])
    assert in_which(place, "bias", BEGIN) == f"{BIAS}.run"
    hands.add_run("front", "bias")
    hands.add_chain(CALIB, ["front", BIAS])
    assert in_which(place, "bias", BEGIN) == "front"


def test_many_lookups_find_what_each_would_by_itself(place: Place, hands: Hands) -> None:
    hands.add_calibration(f"{BIAS}.new", "bias", IN_2024)
    hands.add_calibration(BIAS, "bias", SINCE_2024)
    hands.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    hands.add_run("other", "dark")
    hands.add_empty(VERIFY, CollectionType.CALIBRATION)
    hands.add_chain(TICKET, [f"{BIAS}.new", VERIFY])
    hands.add_chain(CALIB, [TICKET, BIAS, FLAT])
    moments = (BEGIN - 1, BEGIN, END - 1, END)

    by_itself = [in_which(place, "bias", moment) for moment in moments]
    with place.reader.looking_up(), place.reader.looking_up():
        assert [in_which(place, "bias", moment) for moment in moments] == by_itself
        assert [place.reader.lookup(*asked, UNBOUNDED) for asked in UNKNOWN] == [None] * len(UNKNOWN)
        with pytest.raises(RefusedError, match="Lookup is ambiguous"):
            place.reader.lookup(CALIB, "flat", G_01, UNBOUNDED)
        assert place.reader.lookup(CALIB, "flat", G_01, IN_2025)
    # Behind it, what others did is seen again.
    hands.add_chain(CALIB, ["other", BIAS])
    assert in_which(place, "bias", BEGIN) == f"{BIAS}.run"


@in_every_way
def test_runs_are_told_of_datasets_that_are_there(place: Place, hands: Hands) -> None:
    biases, darks = hands.add_run("one", "bias"), hands.add_run("two", "dark")
    unknown = ["4d0f5e0c-0c1d-4a44-9d1e-77b1ab6ad001", "no uuid"]

    assert place.reader.runs([biases[0], *unknown, darks[1], biases[0]]) == {
        biases[0]: "one",
        darks[1]: "two",
    }
    assert place.reader.runs([]) == {}


@in_every_way
def test_moments_at_which_datasets_arrived_are_told_by_collection(place: Place, hands: Hands) -> None:
    began = stamp(datetime.now(UTC))
    hands.add_run("one", "bias")
    hands.add_empty("two", CollectionType.RUN)
    hands.add_calibration(f"{CALIB}/a", "dark", run="three")
    ended = stamp(datetime.now(UTC))
    many = [f"no/run/{number}" for number in range(600)]

    ingested = place.reader.ingested(["one", "two", "three", f"{CALIB}/a", "one", *many])

    assert set(ingested) == {"one", "three", f"{CALIB}/a"}
    for arrival in ingested.values():
        assert began <= arrival.first <= arrival.last <= ended
    assert place.reader.ingested([]) == {}


@in_every_way
def test_runs_of_thousands_of_datasets_are_told(place: Place, hands: Hands) -> None:
    biases = hands.add_run("one", "bias")
    many = [f"4d0f5e0c-0c1d-4a44-9d1e-{number:012x}" for number in range(2500)]
    assert place.reader.runs([*many, *biases]) == dict.fromkeys(biases, "one")


@in_every_way
def test_detectors_are_told_by_their_full_names(place: Place) -> None:
    assert place.reader.detectors("LSSTComCam") == {0: "R00_S00", 1: "R00_S01", 2: "R00_S02", 3: "R00_S10"}
    assert place.reader.detectors("LATISS") == {}


@in_every_way
def test_filters_are_told_with_their_bands(place: Place) -> None:
    assert place.reader.filters("LSSTComCam") == {"g_01": "g", "r_03": "r"}
    assert place.reader.filters("LATISS") == {}


@in_every_way
def test_instruments_are_told_by_name(place: Place) -> None:
    assert list(place.reader.instruments()) == ["LSSTComCam"]


@in_every_way
def test_skymaps_are_told_by_their_hashes(place: Place, hands: Hands) -> None:
    assert place.reader.skymaps() == {}

    hands.add_skymap("cells", "ab" * 20)
    hands.add_skymap("rings", "01" * 20)

    assert place.reader.skymaps() == {"cells": "ab" * 20, "rings": "01" * 20}


def test_exposures_are_told_by_number_with_what_a_lookup_needs(place: Place, hands: Hands) -> None:
    assert list(place.reader.exposures("LSSTComCam")) == []
    red = hands.add_exposure(20241108, 2, "r_03")
    first = hands.add_exposure(20241107)
    hands.add_exposure(20241108, 1)

    told = place.reader.exposures("LSSTComCam")
    assert [exposure.exposure for exposure in told] == [first, red - 1, red]
    known = {"instrument": "LSSTComCam", "exposure": "2024110800002", "physical_filter": "r_03", "band": "r"}
    assert told[-1] == SeenExposure(
        red,
        20241108,
        known,
        parse_tai("2024-11-08T23:00:30"),
        parse_tai("2024-11-08T23:00:45"),
    )
    assert list(place.reader.exposures("LATISS")) == []


def test_exposures_are_told_as_they_are_asked_for(place: Place, hands: Hands) -> None:
    hands.add_exposure(20241107)
    for seq, name in enumerate(("g_01", "r_03", "g_01"), 1):
        hands.add_exposure(20241108, seq, name)

    def told(where: str) -> list[int]:
        return [one.exposure - 2024110800000 for one in place.reader.exposures("LSSTComCam", where)]

    assert told("day_obs = 20241108") == [1, 2, 3]
    assert told("day_obs = 20241108 AND physical_filter = 'r_03'") == [2]
    assert told("exposure = 2024110800003") == [3]
    assert told("day_obs = 20241109") == told("physical_filter = 'z_20'") == []


def test_an_exposure_with_too_large_a_number_is_not_there_or_a_mistake(place: Place, hands: Hands) -> None:
    hands.add_exposure(20241107)
    with suppress(UsageError):
        assert list(place.reader.exposures("LSSTComCam", f"exposure = {10**23}")) == []


def test_an_expression_that_is_not_understood_is_a_mistake(place: Place) -> None:
    for where in ("day_obs = ", "night = 3", "exposure.wind = 1", "((", "1", "bias > 3"):
        with pytest.raises(UsageError, match="Expression is not understood"):
            place.reader.exposures("LSSTComCam", where)


@in_every_way
def test_what_a_run_holds_for_exposures_is_told_by_day(place: Place, hands: Hands) -> None:
    first = hands.add_exposure(20250607, 1, observation_type="flat")
    hands.add_exposure(20250607, 2, observation_type="flat")
    second = hands.add_exposure(20250608, 1, observation_type="bias")
    hands.add_exposure(20250609, 1, observation_type="bias")
    for exposure in (first, second):
        hands.add_reading("readings", "photodiode", exposure)
    hands.add_reading("others", "photodiode", first)
    hands.add_reading("readings", "shutterMotionProfileOpen", first)

    def told(run: str, dataset_type: str, since: int) -> dict[int, tuple[int, int]]:
        days = place.reader.exposures_by_day("LSSTComCam", run, dataset_type, since)
        return {day: (one.datasets, one.flats_without) for day, one in days.items()}

    all_days = {20250607: (1, 1), 20250608: (1, 0), 20250609: (0, 0)}
    assert told("readings", "photodiode", 20250607) == all_days
    assert told("readings", "photodiode", 20250608) == {20250608: (1, 0), 20250609: (0, 0)}
    none = {20250607: (0, 2), 20250608: (0, 0), 20250609: (0, 0)}
    assert told("no/such/run", "photodiode", 20250607) == none
    assert told("readings", "noSuchType", 20250607) == none
    assert dict(place.reader.exposures_by_day("LATISS", "readings", "photodiode", 20250607)) == {}

    assert place.reader.exposures_with("LSSTComCam", "readings", "photodiode") == {first, second}
    assert place.reader.exposures_with("LSSTComCam", "others", "photodiode") == {first}
    for nothing in (("LSSTComCam", "no/such/run", "photodiode"), ("LSSTComCam", "readings", "noSuchType")):
        assert place.reader.exposures_with(*nothing) == frozenset()
    assert place.reader.exposures_with("LATISS", "readings", "photodiode") == frozenset()


@in_every_way
def test_exposures_are_counted_by_night_and_filter(place: Place, hands: Hands) -> None:
    hands.add_exposure(20250608, 3, "r_03")
    hands.add_exposure(20250608, 1)
    hands.add_exposure(20250608, 2)
    hands.add_exposure(20250607, 1)

    first, _ = exposure_span(20250608, 1)
    _, last = exposure_span(20250608, 2)
    assert list(place.reader.nights("LSSTComCam")) == [
        NightOfExposures(20250607, "g_01", "g", 1, *exposure_span(20250607, 1)),
        NightOfExposures(20250608, "g_01", "g", 2, first, last),
        NightOfExposures(20250608, "r_03", "r", 1, *exposure_span(20250608, 3)),
    ]
    assert list(place.reader.nights("LATISS")) == []


@in_every_way
def test_exposures_of_days_are_told_by_what_readings_call_them(place: Place, hands: Hands) -> None:
    last = hands.add_exposure(20250608, 1, observation_type="flat", group="2025-06-08T20#1")
    hands.add_exposure(20250607, 2)
    hands.add_exposure(20250609)

    told = place.reader.taken_exposures("LSSTComCam", [20250608, 20250607])

    assert list(told) == [
        TakenExposure(2025060700002, 20250607, "MC_O_20250607_000002", "20250607_2", is_flat=False),
        TakenExposure(last, 20250608, "MC_O_20250608_000001", "2025-06-08T20#1", is_flat=True),
    ]
    assert list(place.reader.taken_exposures("LSSTComCam", [])) == []
    assert list(place.reader.taken_exposures("LATISS", [20250608])) == []


# Exporting


def test_an_export_has_the_certified_datasets_of_a_collection_and_no_others_of_their_run(
    place: Place, hands: Hands
) -> None:
    certified = hands.add_calibration(BIAS, "bias", IN_2024)
    hands.add_run(f"{BIAS}.run", "verifyBiasStats")

    contents = read_contents(place.reader.export([BIAS]).text)
    assert {d.uuid for d in contents.datasets} == set(certified)
    assert contents.holding(BIAS).fingerprint == place.reader.holdings([BIAS])[BIAS].fingerprint
    assert set(contents.collections) == {BIAS, f"{BIAS}.run"}


def test_an_export_of_a_bare_run_has_all_of_its_datasets(place: Place, hands: Hands) -> None:
    uuids = hands.add_run(VERIFY, "verifyBiasStats") + hands.add_run(VERIFY, "bias")

    export = place.reader.export([VERIFY])
    contents = read_contents(export.text)
    assert {d.uuid for d in contents.datasets} == set(uuids)
    assert contents.holding(VERIFY).fingerprint == place.reader.holdings([VERIFY])[VERIFY].fingerprint
    assert len(export.files) == len({file.path for file in export.files}) == 8


def test_an_export_keeps_every_kind_of_range(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias", EMPTY)
    hands.add_calibration(FLAT, "flat", IN_2024, IN_2025)
    hands.add_calibration(f"{TICKET}/dark", "dark")

    names = [BIAS, FLAT, f"{TICKET}/dark"]
    contents, held = read_contents(place.reader.export(names).text), place.reader.holdings(names)
    assert {n: sorted(contents.holding(n).rows) for n in names} == {n: sorted(held[n].rows) for n in names}


def test_an_export_describes_the_chain_that_is_asked_for_and_no_other(place: Place, hands: Hands) -> None:
    hands.add_calibration(BIAS, "bias")
    hands.add_run(VERIFY, "verifyBiasStats")
    hands.add_chain(TICKET, [BIAS])
    hands.add_chain(CALIB, [TICKET])

    def chains(chain: str | None) -> dict[str, tuple[str, ...]]:
        contents = read_contents(place.reader.export([VERIFY, BIAS], chain=chain).text)
        return {n: c for n, (t, _, c) in contents.collections.items() if t is CollectionType.CHAINED}

    assert chains(None) == {}
    assert chains(TICKET) == {TICKET: (VERIFY, BIAS)}
    assert chains("not/there/yet") == {"not/there/yet": (VERIFY, BIAS)}


@pytest.mark.parametrize("name", ["no/such", TICKET])
def test_an_export_of_what_holds_no_datasets_of_its_own_is_refused(
    place: Place, hands: Hands, name: str
) -> None:
    hands.add_calibration(BIAS, "bias")
    hands.add_chain(TICKET, [BIAS])
    with pytest.raises(RefusedError, match=name):
        place.reader.export([BIAS, name])


def test_an_export_of_datasets_without_a_record_is_refused(place: Place, hands: Hands) -> None:
    first, *_ = hands.add_calibration(BIAS, "bias")
    hands.forget(first)
    with pytest.raises(RefusedError, match="not in the datastore"):
        place.reader.export([BIAS])


# Telling others


def test_every_dataset_is_told_with_its_file_and_its_reference(place: Place, hands: Hands) -> None:
    certified = hands.add_calibration(BIAS, "bias", IN_2024, IN_2025)
    hands.add_run(f"{BIAS}.run", "flat")
    bare = hands.add_run(VERIFY, "verifyBiasStats")
    told = place.reader.stored([BIAS, VERIFY])

    assert sorted(stored.uuid for stored in told) == sorted([*certified, *bare])
    assert sorted(s.uri for s in told) == sorted(f.uri for f in place.reader.export([BIAS, VERIFY]).files)
    sidecars = [json.loads(stored.sidecar) for stored in told]
    assert [sidecar["id"] for sidecar in sidecars] == [stored.uuid for stored in told]
    assert {sidecar["datasetType"]["name"] for sidecar in sidecars} == {"bias", "verifyBiasStats"}
    assert all("detector" in sidecar["dataId"]["records"] for sidecar in sidecars)
    assert place.reader.stored([]) == []


@pytest.mark.parametrize("name", ["no/such", TICKET])
def test_what_holds_no_datasets_of_its_own_is_not_told(place: Place, hands: Hands, name: str) -> None:
    hands.add_calibration(BIAS, "bias")
    hands.add_chain(TICKET, [BIAS])
    with pytest.raises(RefusedError, match=name):
        place.reader.stored([BIAS, name])


def test_datasets_without_a_record_are_not_told(place: Place, hands: Hands) -> None:
    first, *_ = hands.add_calibration(BIAS, "bias")
    hands.forget(first)
    with pytest.raises(RefusedError, match="not in the datastore"):
        place.reader.stored([BIAS])


# Chains


@pytest.fixture
def children(hands: Hands) -> tuple[str, str, str]:
    names = ("a", "b", "c")
    for name in names:
        hands.add_empty(name, CollectionType.RUN)
    return names


def test_a_chain_that_does_not_exist_is_made_with_its_children(
    butler: ButlerWriter, children: tuple[str, ...]
) -> None:
    butler.set_chain(CALIB, ["b", "a"], expected=None)
    assert butler.collections([CALIB])[CALIB] == SeenCollection(CALIB, CollectionType.CHAINED, ("b", "a"))


def test_a_chain_is_given_other_children_in_any_order(
    butler: ButlerWriter, hands: Hands, children: tuple[str, ...]
) -> None:
    hands.add_chain(CALIB, ["a", "b"])
    butler.set_chain(CALIB, ["c", "b", "a"], expected=["a", "b"])
    assert butler.collections([CALIB])[CALIB].children == ("c", "b", "a")
    butler.set_chain(CALIB, ["b"], expected=("c", "b", "a"))
    assert butler.collections([CALIB])[CALIB].children == ("b",)


@pytest.mark.parametrize("expected", [None, ["a"], ["b", "a"], ["a", "b", "c"], []])
@pytest.mark.matrix
def test_a_chain_that_is_not_as_expected_stays_as_it_is(
    butler: ButlerWriter, hands: Hands, children: tuple[str, ...], expected: list[str] | None
) -> None:
    hands.add_chain(CALIB, ["a", "b"])
    with pytest.raises(PlanIsStaleError):
        butler.set_chain(CALIB, ["c"], expected=expected)
    assert butler.collections([CALIB])[CALIB].children == ("a", "b")


def test_a_chain_that_is_gone_is_not_made_again(butler: ButlerWriter, children: tuple[str, ...]) -> None:
    with pytest.raises(PlanIsStaleError):
        butler.set_chain(CALIB, ["c"], expected=["a"])
    assert butler.collections([CALIB]) == {}


def test_a_chain_of_a_child_that_does_not_exist_is_refused(
    butler: ButlerWriter, hands: Hands, children: tuple[str, ...]
) -> None:
    hands.add_chain(CALIB, ["a"])
    with pytest.raises(RefusedError, match="no/such"):
        butler.set_chain(CALIB, ["no/such", "a"], expected=["a"])
    with pytest.raises(RefusedError, match="no/such"):
        butler.set_chain("new", ["a", "no/such"], expected=None)
    assert butler.collections([CALIB, "new"]) == {
        CALIB: SeenCollection(CALIB, CollectionType.CHAINED, ("a",))
    }


def test_a_chain_that_would_hold_itself_is_refused(
    butler: ButlerWriter, hands: Hands, children: tuple[str, ...]
) -> None:
    hands.add_chain(TICKET, ["a"])
    hands.add_chain(CALIB, [TICKET])
    for name, chain in ((TICKET, [CALIB, "a"]), (TICKET, [TICKET])):
        with pytest.raises(RefusedError, match="hold itself"):
            butler.set_chain(name, chain, expected=["a"])
    assert butler.collections([TICKET])[TICKET].children == ("a",)


@pytest.mark.parametrize("expected", [None, [], ["b"]])
@pytest.mark.matrix
def test_a_name_that_is_taken_by_another_type_is_refused(
    butler: ButlerWriter, children: tuple[str, ...], expected: list[str] | None
) -> None:
    with pytest.raises(RefusedError) as refused:
        butler.set_chain("a", ["b"], expected=expected)
    assert not isinstance(refused.value, PlanIsStaleError)
    assert butler.collections(["a"])["a"].type is CollectionType.RUN


# Certifying


def dark_of(hands: Hands, detectors: tuple[int, ...] = (0, 1, 2)) -> list[str]:
    return hands.add_run(f"{BIAS}.gen", "dark", detectors=detectors)


def rows_of(butler: ButlerReader, name: str = BIAS) -> list[Row]:
    held = butler.holdings([name])
    return sorted(held[name].rows) if name in held else []


def test_datasets_are_certified_for_a_range_into_a_collection_that_is_made(
    place: Place, hands: Hands
) -> None:
    uuids = dark_of(hands)
    assert place.butler.certify(BIAS, uuids, IN_2024) == 3
    assert place.butler.collections([BIAS])[BIAS].type is CollectionType.CALIBRATION
    assert {(row.uuid, row.begin, row.end) for row in rows_of(place.reader)} == {
        (uuid, *IN_2024) for uuid in uuids
    }


def test_what_is_certified_already_is_not_certified_again(butler: ButlerWriter, hands: Hands) -> None:
    uuids = dark_of(hands)
    butler.certify(BIAS, uuids, UNBOUNDED)
    rows = rows_of(butler)
    for expected in ([], rows):
        assert butler.certify(BIAS, uuids, UNBOUNDED, expected=expected, fence=never) == 0
    assert rows_of(butler) == rows


def never() -> None:
    raise AssertionError("nothing was to be written")


def test_more_is_certified_into_what_is_as_expected(butler: ButlerWriter, hands: Hands) -> None:
    first, *others = dark_of(hands)
    butler.certify(BIAS, [first], IN_2024)
    assert butler.certify(BIAS, [first, *others], IN_2024, expected=rows_of(butler)) == 2
    assert butler.certify(BIAS, [first], IN_2025, expected=rows_of(butler)) == 1
    assert len(rows_of(butler)) == 4


def test_what_others_certified_meanwhile_stays_as_it_is(butler: ButlerWriter, hands: Hands) -> None:
    first, second, third = dark_of(hands)
    butler.certify(BIAS, [first], IN_2024)
    rows = rows_of(butler)
    for expected, uuids in (([], [second]), (rows[:0], [first, second])):
        with pytest.raises(PlanIsStaleError, match=BIAS):
            butler.certify(BIAS, uuids, IN_2024, expected=expected, fence=never)
    gone = rows[0]._replace(uuid=third)
    with pytest.raises(PlanIsStaleError, match=BIAS):
        butler.certify(BIAS, [second], IN_2024, expected=[*rows, gone], fence=never)
    assert rows_of(butler) == rows


def test_datasets_are_certified_for_another_range_in_place_of_exactly_these_rows(
    butler: ButlerWriter, hands: Hands
) -> None:
    first, second, third = dark_of(hands)
    butler.certify(BIAS, [first, second, third], IN_2024)
    butler.certify(BIAS, [first], IN_2025, expected=rows_of(butler))
    rows = rows_of(butler)
    in_2025 = [row for row in rows if (row.begin, row.end) == IN_2025]
    gone = [row for row in rows if row.uuid == second]
    assert butler.certify(BIAS, [second], SINCE_2024, expected=rows, decertified=gone) == 1
    assert {(row.uuid, row.begin, row.end) for row in rows_of(butler)} == {
        (first, *IN_2024),
        (second, *SINCE_2024),
        (third, *IN_2024),
        *((row.uuid, *IN_2025) for row in in_2025),
    }


@pytest.mark.parametrize("answers", [[], [None]])
def test_nothing_is_decertified_where_it_is_cut_off_before_it_is_certified_again(
    place: Place, hands: Hands, answers: list[None]
) -> None:
    uuids = dark_of(hands)
    place.butler.certify(BIAS, uuids, IN_2024)
    rows = rows_of(place.reader)

    def fence() -> None:
        # Asked before it is decertified, and before it is certified again.
        if not answers:
            raise LockedError(Diagnostic("Place is held no more", "cut off"))
        answers.pop()

    with pytest.raises(LockedError, match="cut off"):
        place.butler.certify(BIAS, uuids, UNBOUNDED, expected=rows, decertified=rows, fence=fence)
    assert not answers
    assert rows_of(place.reader) == rows
    assert place.butler.certify(BIAS, uuids, UNBOUNDED, expected=rows, decertified=rows) == 3


def test_nothing_is_made_where_the_first_certification_is_cut_off(place: Place, hands: Hands) -> None:
    uuids = dark_of(hands)
    with pytest.raises(AssertionError):
        place.butler.certify(BIAS, uuids, IN_2024, fence=never)
    assert place.reader.collections([BIAS]) == {}


def test_two_datasets_are_never_valid_at_once_for_one_data_id(butler: ButlerWriter, hands: Hands) -> None:
    first, *_ = dark_of(hands)
    other, *_ = hands.add_run(f"{BIAS}.other", "dark", detectors=[0])
    butler.certify(BIAS, [first], IN_2024)
    rows = rows_of(butler)
    for uuid in (other, first):
        with pytest.raises(RefusedError, match=r"(?s)conflict.*detector=0,instrument=LSSTComCam"):
            butler.certify(BIAS, [uuid], SINCE_2024, expected=rows, fence=never)
    assert rows_of(butler) == rows
    assert butler.certify(BIAS, [other], IN_2025, expected=rows) == 1, "ranges may touch"
    with pytest.raises(RefusedError, match="conflict"):
        butler.certify(FLAT, [first, other], IN_2024, fence=never)
    assert FLAT not in butler.collections([FLAT])


def test_what_cannot_be_certified_is_refused_and_nothing_is_made(butler: ButlerWriter, hands: Hands) -> None:
    uuids = dark_of(hands)
    others = hands.add_run(f"{BIAS}.gen", "verifyBiasStats")
    no_such = str(UUID(int=1))
    refusals: tuple[tuple[list[str], Range, str], ...] = (
        (uuids, EMPTY, "ends before it begins"),
        (uuids, (5, 5), "ends before it begins"),
        ([*uuids, no_such], IN_2024, f"(?s)not there.*{no_such}|not there"),
        ([], IN_2024, "not there"),
        ([*uuids, others[0]], IN_2024, "no calibration"),
    )
    for datasets, span, words in refusals:
        with pytest.raises(RefusedError, match=words):
            butler.certify(BIAS, datasets, span, fence=never)
    assert butler.collections([BIAS]) == {}


@pytest.mark.parametrize("type_", [CollectionType.RUN, CollectionType.CHAINED, CollectionType.TAGGED])
@pytest.mark.matrix
def test_nothing_is_certified_into_a_collection_of_another_type(
    butler: ButlerWriter, hands: Hands, type_: CollectionType
) -> None:
    uuids = dark_of(hands)
    hands.add_empty(BIAS, type_)
    with pytest.raises(RefusedError, match=f"(?s)another type.*{type_.value}"):
        butler.certify(BIAS, uuids, IN_2024, fence=never)


@pytest.mark.parametrize("span", [IN_2025, SINCE_2024], ids=["beside", "in conflict"])
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_what_others_certify_between_the_look_and_the_write_undoes_the_write(
    place: Place, hands: Hands, span: Range
) -> None:
    first, second, _ = dark_of(hands)
    place.butler.certify(BIAS, [first], IN_2024)
    rows = rows_of(place.reader)
    others = iter([lambda: hands.certify_by_hand(BIAS, second, span), lambda: None])
    with pytest.raises(PlanIsStaleError, match="have changed"):
        place.butler.certify(BIAS, [second], IN_2024, expected=rows, fence=lambda: next(others)())
    assert {(row.uuid, row.begin, row.end) for row in rows_of(place.reader)} == {
        (first, *IN_2024),
        (second, *span),
    }


def test_an_empty_range_that_is_there_is_not_taken_for_decertified(
    butler: ButlerWriter, hands: Hands
) -> None:
    uuids = hands.add_calibration(BIAS, "bias", EMPTY)
    rows = rows_of(butler)
    with pytest.raises(RefusedError, match="cannot be undone"):
        butler.certify(BIAS, uuids, IN_2024, expected=rows, decertified=rows, fence=never)
    assert rows_of(butler) == rows


# Importing


def test_an_import_brings_all_that_the_bundle_holds(place: Place, bundle: BundleFolder) -> None:
    assert do(place, bundle) == ImportCount(placed=18, recorded=18, certified=20)

    held = place.butler.holdings(LEAVES, files=LEAVES)
    for name in LEAVES:
        told = bundle.contents.holding(name)
        assert (held[name].type, held[name].fingerprint) == (told.type, told.fingerprint)
        assert set(held[name].sizes.values()) == {2880}
        assert not held[name].unrecorded
    for file in bundle.manifest.files:
        assert place.hands.read_file(file.path) == (bundle.folder / file.path).read_bytes()


def test_an_import_brings_the_instrument_to_a_repository_that_has_none(
    request: pytest.FixtureRequest, tmp_path: Path, bundle: BundleFolder
) -> None:
    world.make_repo(tmp_path / "bare", detectors=0).close()
    for butler in (MemoryButler(instrument=None), open_writer(str(tmp_path / "bare"), FORMATTERS)):
        butler.import_bundle(bundle.manifest, bundle.contents, bundle.source)
        held = butler.holdings(LEAVES)
        assert [held[n].fingerprint for n in LEAVES] == list(bundle.manifest.fingerprints.values())


def test_an_import_tells_of_its_progress(place: Place, bundle: BundleFolder) -> None:
    told: list[tuple[str, int, int]] = []
    place.butler.import_bundle(
        bundle.manifest, bundle.contents, bundle.source, watch=lambda *said: told.append(said)
    )
    assert_every_file_is_told(told, bundle)


def assert_every_file_is_told(told: list[tuple[str, int, int]], bundle: BundleFolder) -> None:
    """Look whether a watch was told of each file, and of all bytes."""
    size = sum(file.size for file in bundle.manifest.files)
    assert [said for said in told if said[0] == "files"] == [("files", n, 18) for n in range(1, 19)]
    counts = [done for what, done, total in told if (what, total) == ("bytes", size)]
    assert counts == sorted(counts)
    assert counts[-1] == size
    assert len(told) == 18 + len(counts)


def test_files_that_were_there_are_read_before_others_are_placed(place: Place, bundle: BundleFolder) -> None:
    for file in bundle.manifest.files[:7]:
        place.hands.write_file(file.path, (bundle.folder / file.path).read_bytes())
    told: list[tuple[str, int, int]] = []
    place.butler.import_bundle(
        bundle.manifest, bundle.contents, bundle.source, watch=lambda *said: told.append(said)
    )
    assert_every_file_is_told(told, bundle)


def test_a_second_import_changes_nothing(place: Place, bundle: BundleFolder) -> None:
    do(place, bundle)
    before = place.state()
    assert do(place, bundle) == ImportCount(0, 0, 0)
    assert place.state() == before


def test_an_import_makes_no_chain_and_leaves_those_there_alone(place: Place, bundle: BundleFolder) -> None:
    do(place, bundle)
    assert place.butler.collections([TICKET, CALIB]) == {}
    place.hands.add_chain(TICKET, [VERIFY])
    place.hands.decertify(BIAS, bias(bundle))
    assert do(place, bundle).certified == 1
    assert place.butler.collections([TICKET])[TICKET].children == (VERIFY,)


def _lose_file(hands: Hands, bundle: BundleFolder) -> None:
    hands.write_file(bundle.path_of(bias(bundle)), None)


def _lose_record(hands: Hands, bundle: BundleFolder) -> None:
    hands.forget(bias(bundle))


def _lose_certification(hands: Hands, bundle: BundleFolder) -> None:
    hands.decertify(BIAS, bias(bundle))


def _lose_one_range_of_two(hands: Hands, bundle: BundleFolder) -> None:
    hands.decertify(FLAT, bundle.contents.holding(FLAT).rows[0].uuid, IN_2025)


def _lose_run(hands: Hands, bundle: BundleFolder) -> None:
    hands.remove(f"{BIAS}.run")


def _lose_collection(hands: Hands, bundle: BundleFolder) -> None:
    hands.remove(FLAT)


@pytest.mark.parametrize(
    ("lose", "count"),
    [
        (_lose_file, (1, 0, 0)),
        (_lose_record, (1, 1, 0)),
        (_lose_certification, (0, 0, 1)),
        (_lose_one_range_of_two, (0, 0, 1)),
        (_lose_run, (4, 4, 4)),
        (_lose_collection, (0, 0, 16)),
    ],
)
@pytest.mark.matrix
def test_what_was_lost_is_brought_back_and_nothing_else(
    place: Place,
    bundle: BundleFolder,
    lose: Callable[[Hands, BundleFolder], None],
    count: tuple[int, int, int],
) -> None:
    do(place, bundle)
    before = place.state()
    lose(place.hands, bundle)
    assert do(place, bundle) == ImportCount(*count)
    assert place.state() == before


def test_an_import_that_was_cut_off_is_completed(place: Place, bundle: BundleFolder) -> None:
    for file in bundle.manifest.files[:7]:
        place.hands.write_file(file.path, (bundle.folder / file.path).read_bytes())
    place.hands.add_empty(f"{BIAS}.run", CollectionType.RUN)
    place.hands.add_empty(FLAT, CollectionType.CALIBRATION)
    assert do(place, bundle) == ImportCount(placed=11, recorded=18, certified=20)
    assert place.butler.holdings([FLAT])[FLAT].fingerprint == bundle.manifest.fingerprints[FLAT]


# Refusing to import


Lose = Callable[[Hands, BundleFolder], None]
Spoil = Callable[[Place, BundleFolder], BundleFolder]


def with_datasets(bundle: BundleFolder, change: Callable[[StoredDataset], StoredDataset]) -> BundleFolder:
    datasets = tuple(change(d) for d in bundle.contents.datasets)
    return replace(bundle, contents=replace(bundle.contents, datasets=datasets))


def with_ranges(bundle: BundleFolder, span: Range) -> BundleFolder:
    uuids = tuple(row.uuid for row in bundle.contents.holding(BIAS).rows)
    certifications = {**bundle.contents.certifications, BIAS: ((span, uuids),)}
    return replace(bundle, contents=replace(bundle.contents, certifications=certifications))


def _another_run(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    return with_datasets(bundle, lambda d: replace(d, run=VERIFY) if d.uuid == bias(bundle) else d)


def _another_data_id(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    other: DataId = {"instrument": "LSSTComCam", "detector": 3}
    return with_datasets(bundle, lambda d: replace(d, data_id=other) if d.uuid == bias(bundle) else d)


def _another_type_of_dataset(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    return with_datasets(bundle, lambda d: replace(d, dataset_type="dark") if d.uuid == bias(bundle) else d)


def _another_uuid(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    other = str(UUID(int=1))
    changed = with_datasets(bundle, lambda d: replace(d, uuid=other) if d.uuid == bias(bundle) else d)
    return replace(changed, contents=replace(changed.contents, certifications={}))


def _another_storage_class(place: Place, bundle: BundleFolder) -> BundleFolder:
    place.hands.redefine_type("bias", "Defects")
    return bundle


def _not_a_calibration(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    dimensions, storage_class, _ = bundle.contents.dataset_types["bias"]
    types = {**bundle.contents.dataset_types, "bias": (dimensions, storage_class, False)}
    return replace(bundle, contents=replace(bundle.contents, dataset_types=types))


def _another_detector(place: Place, bundle: BundleFolder) -> BundleFolder:
    place.hands.change_detector(2, purpose="GUIDER")
    return bundle


def _a_run_of_that_name(place: Place, bundle: BundleFolder) -> BundleFolder:
    place.hands.add_empty(BIAS, CollectionType.RUN)
    return bundle


def _a_chain_of_that_name(place: Place, bundle: BundleFolder) -> BundleFolder:
    place.hands.add_chain(VERIFY, [])
    return bundle


def _another_dataset_for_that_time(place: Place, bundle: BundleFolder) -> BundleFolder:
    place.hands.add_calibration(BIAS, "bias", IN_2025, run="another/run")
    return bundle


def _another_range_for_that_dataset(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    return with_ranges(bundle, IN_2025)


def _a_range_that_ends_before_it_begins(place: Place, bundle: BundleFolder) -> BundleFolder:
    return with_ranges(bundle, EMPTY)


def _a_number_too_large_for_a_database(place: Place, bundle: BundleFolder) -> BundleFolder:
    def enlarged(dataset: StoredDataset) -> StoredDataset:
        return replace(dataset, data_id={**dataset.data_id, "detector": 10**23})

    return with_datasets(bundle, lambda d: enlarged(d) if d.uuid == bias(bundle) else d)


def _a_missing_file(place: Place, bundle: BundleFolder) -> BundleFolder:
    bundle.file_of(bias(bundle)).unlink()
    return bundle


def _a_shortened_file(place: Place, bundle: BundleFolder) -> BundleFolder:
    bundle.file_of(bias(bundle)).write_bytes(b"short")
    return bundle


def _an_altered_file(place: Place, bundle: BundleFolder) -> BundleFolder:
    bundle.file_of(bias(bundle)).write_bytes(b"x" * 2880)
    return bundle


def _an_altered_recorded_file(place: Place, bundle: BundleFolder) -> BundleFolder:
    do(place, bundle)
    place.hands.write_file(bundle.path_of(bias(bundle)), b"short")
    return bundle


def _a_file_in_the_way(place: Place, bundle: BundleFolder) -> BundleFolder:
    place.hands.write_file(bundle.path_of(bias(bundle)), b"x" * 2880)
    return bundle


def _a_formatter_of_the_stack(place: Place, bundle: BundleFolder) -> BundleFolder:
    return with_datasets(bundle, lambda d: replace(d, formatter=STACK_FORMATTER))


def _files_elsewhere(place: Place, bundle: BundleFolder) -> BundleFolder:
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"by_reference": True}))


@pytest.mark.parametrize(
    ("spoil", "summary"),
    [
        (_another_run, "UUID means another dataset"),
        (_another_data_id, "UUID means another dataset"),
        (_another_type_of_dataset, "UUID means another dataset"),
        (_another_uuid, "Dataset has another UUID"),
        (_another_storage_class, "Dataset type differs"),
        (_not_a_calibration, "Dataset type differs"),
        (_another_detector, "Dimension record differs"),
        (_a_run_of_that_name, "Collection has another type"),
        (_a_chain_of_that_name, "Collection has another type"),
        (_another_dataset_for_that_time, "Validity ranges overlap"),
        (_another_range_for_that_dataset, "Validity ranges overlap"),
        (_a_range_that_ends_before_it_begins, "Validity range ends before it begins"),
        (_a_number_too_large_for_a_database, "Value does not fit the database"),
        (_a_missing_file, "File of the bundle is missing"),
        (_a_shortened_file, "File of the bundle was altered"),
        (_an_altered_file, "File of the bundle was altered"),
        (_an_altered_recorded_file, "Recorded file was altered"),
        (_a_file_in_the_way, "A file is in the way"),
        (_a_formatter_of_the_stack, "Formatter class cannot be imported"),
        (_files_elsewhere, "Bundle has no files"),
    ],
)
@pytest.mark.matrix
def test_a_bundle_that_does_not_fit_is_refused_before_anything_is_written(
    place: Place, bundle: BundleFolder, spoil: Spoil, summary: str
) -> None:
    spoiled = spoil(place, bundle)
    before = place.state(), [place.hands.read_file(file.path) for file in bundle.manifest.files]

    with pytest.raises(RefusedError) as refused:
        do(place, spoiled)

    assert summary in {diagnostic.summary for diagnostic in refused.value.diagnostics}
    assert (place.state(), [place.hands.read_file(f.path) for f in bundle.manifest.files]) == before


def test_all_that_does_not_fit_is_told_at_once(place: Place, bundle: BundleFolder) -> None:
    for spoil in (_another_detector, _a_chain_of_that_name, _a_missing_file, _another_storage_class):
        spoil(place, bundle)
    with pytest.raises(RefusedError) as refused:
        do(place, _a_range_that_ends_before_it_begins(place, bundle))
    assert {
        "Dimension record differs",
        "Collection has another type",
        "File of the bundle is missing",
        "Dataset type differs",
        "Validity range ends before it begins",
    } <= {diagnostic.summary for diagnostic in refused.value.diagnostics}


def test_a_bundle_is_taken_once_it_was_mended(place: Place, bundle: BundleFolder) -> None:
    right = bundle.file_of(bias(bundle)).read_bytes()
    with pytest.raises(RefusedError):
        do(place, _an_altered_file(place, bundle))
    bundle.file_of(bias(bundle)).write_bytes(right)
    assert do(place, bundle).recorded == 18


# Recording in place


@pytest.fixture
def rse(tmp_path: Path) -> str:
    """The folder of a transfer service, with none of its files yet."""
    return (tmp_path / "rse").as_uri()


@pytest.fixture
def arrived(place: Place, bundle: BundleFolder, rse: str) -> str:
    """The folder of a transfer service that has brought the bundle."""
    for file in bundle.manifest.files:
        place.hands.write_file(f"{rse}/{file.path}", (bundle.folder / file.path).read_bytes())
    return rse


def bytes_at(place: Place, bundle: BundleFolder, *folders: str) -> list[bytes | None]:
    """Return the bytes of a bundle's files in the datastore and elsewhere."""
    paths = [file.path for file in bundle.manifest.files]
    return [place.hands.read_file(p) for p in (*paths, *(f"{f}/{p}" for f in folders for p in paths))]


def uris_of(place: Place) -> set[str]:
    return {file.uri for file in place.butler.export(LEAVES).files}


def test_files_that_others_brought_are_recorded_where_they_are(
    place: Place, bundle: BundleFolder, arrived: str
) -> None:
    before = bytes_at(place, bundle, arrived)
    assert do(place, bundle, arrived) == ImportCount(placed=0, recorded=18, certified=20)

    assert uris_of(place) == {f"{arrived}/{file.path}" for file in bundle.manifest.files}
    held = place.butler.holdings(LEAVES, files=LEAVES)
    for name in LEAVES:
        assert held[name].fingerprint == bundle.manifest.fingerprints[name]
        assert set(held[name].sizes.values()) == {2880}
        assert not held[name].unrecorded
    assert bytes_at(place, bundle, arrived) == before
    assert bytes_at(place, bundle) == [None] * 18


def test_a_bundle_by_reference_is_recorded_in_place_without_its_source(
    place: Place, bundle: BundleFolder, arrived: str
) -> None:
    elsewhere = replace(_files_elsewhere(place, bundle), folder=bundle.folder / "not" / "there")
    assert do(place, elsewhere, arrived) == ImportCount(0, 18, 20)


def test_recording_in_place_tells_of_the_files_that_it_reads(
    place: Place, bundle: BundleFolder, arrived: str
) -> None:
    told: list[tuple[str, int, int]] = []
    for _ in range(2):
        place.butler.import_bundle(
            bundle.manifest,
            bundle.contents,
            bundle.source,
            in_place=arrived,
            watch=lambda *said: told.append(said),
        )
    assert_every_file_is_told(told, bundle)


def test_a_second_recording_in_place_changes_nothing(
    place: Place, bundle: BundleFolder, arrived: str
) -> None:
    do(place, bundle, arrived)
    before = place.state(), uris_of(place), bytes_at(place, bundle, arrived)
    assert do(place, bundle, arrived) == ImportCount(0, 0, 0)
    assert (place.state(), uris_of(place), bytes_at(place, bundle, arrived)) == before


@pytest.mark.parametrize(
    ("lose", "count"),
    [
        (_lose_record, (0, 1, 0)),
        (_lose_certification, (0, 0, 1)),
        (_lose_one_range_of_two, (0, 0, 1)),
        (_lose_run, (0, 4, 4)),
        (_lose_collection, (0, 0, 16)),
    ],
)
@pytest.mark.matrix
def test_records_that_were_lost_are_brought_back_in_place(
    place: Place, bundle: BundleFolder, arrived: str, lose: Lose, count: tuple[int, int, int]
) -> None:
    do(place, bundle, arrived)
    before = place.state(), uris_of(place)
    lose(place.hands, bundle)
    assert do(place, bundle, arrived) == ImportCount(*count)
    assert (place.state(), uris_of(place)) == before


def test_what_was_copied_into_the_datastore_is_accepted_as_it_is(
    place: Place, bundle: BundleFolder, rse: str
) -> None:
    do(place, bundle)
    before = place.state(), uris_of(place)
    place.hands.decertify(BIAS, bias(bundle))
    assert do(place, bundle, rse) == ImportCount(0, 0, 1)
    assert (place.state(), uris_of(place)) == before


def test_what_is_recorded_in_another_folder_is_accepted_as_it_is(
    place: Place, bundle: BundleFolder, arrived: str
) -> None:
    do(place, bundle, arrived)
    before = place.state(), uris_of(place)
    assert do(place, bundle, f"{arrived}-of-another-site") == ImportCount(0, 0, 0)
    assert (place.state(), uris_of(place)) == before


def test_only_what_nobody_recorded_is_recorded_in_place(
    place: Place, bundle: BundleFolder, arrived: str
) -> None:
    do(place, bundle)
    place.hands.forget(bias(bundle))
    assert do(place, bundle, arrived) == ImportCount(0, 1, 0)
    assert {uri for uri in uris_of(place) if uri.startswith(arrived)} == {
        f"{arrived}/{bundle.path_of(bias(bundle))}"
    }


SpoilArrived = Callable[[Place, BundleFolder, str], BundleFolder]


def _not_there(place: Place, bundle: BundleFolder, rse: str) -> BundleFolder:
    place.hands.write_file(f"{rse}/{bundle.path_of(bias(bundle))}", None)
    return bundle


def _cut_short(place: Place, bundle: BundleFolder, rse: str) -> BundleFolder:
    place.hands.write_file(f"{rse}/{bundle.path_of(bias(bundle))}", b"short")
    return bundle


def _other_bytes(place: Place, bundle: BundleFolder, rse: str) -> BundleFolder:
    place.hands.write_file(f"{rse}/{bundle.path_of(bias(bundle))}", b"x" * 2880)
    return bundle


def _recorded_and_gone(place: Place, bundle: BundleFolder, rse: str) -> BundleFolder:
    do(place, bundle, rse)
    return _not_there(place, bundle, rse)


def _recorded_and_cut_short(place: Place, bundle: BundleFolder, rse: str) -> BundleFolder:
    do(place, bundle, rse)
    return _cut_short(place, bundle, rse)


def _copied_and_gone(place: Place, bundle: BundleFolder, rse: str) -> BundleFolder:
    do(place, bundle)
    _lose_file(place.hands, bundle)
    return bundle


@pytest.mark.parametrize(
    ("spoil", "summary"),
    [
        (_not_there, "File has not arrived"),
        (_cut_short, "Arrived file is damaged"),
        (_other_bytes, "Arrived file is damaged"),
        (_recorded_and_gone, "Recorded file is gone"),
        (_recorded_and_cut_short, "Recorded file was altered"),
        (_copied_and_gone, "Recorded file is gone"),
    ],
)
@pytest.mark.matrix
def test_files_that_are_not_as_they_must_be_are_neither_recorded_nor_placed(
    place: Place, bundle: BundleFolder, arrived: str, spoil: SpoilArrived, summary: str
) -> None:
    spoiled = spoil(place, bundle, arrived)
    assert refused_in_place(place, spoiled, arrived) == {summary}


@pytest.mark.parametrize(
    ("spoil", "summary"),
    [
        (_another_run, "UUID means another dataset"),
        (_another_data_id, "UUID means another dataset"),
        (_another_type_of_dataset, "UUID means another dataset"),
        (_another_uuid, "Dataset has another UUID"),
        (_another_detector, "Dimension record differs"),
        (_another_dataset_for_that_time, "Validity ranges overlap"),
        (_a_formatter_of_the_stack, "Formatter class cannot be imported"),
    ],
)
@pytest.mark.matrix
def test_a_bundle_that_does_not_fit_is_not_recorded_in_place(
    place: Place, bundle: BundleFolder, arrived: str, spoil: Spoil, summary: str
) -> None:
    spoiled = spoil(place, bundle)
    assert summary in refused_in_place(place, spoiled, arrived)


def refused_in_place(place: Place, bundle: BundleFolder, rse: str) -> set[str]:
    """Return why a bundle is refused, once nothing was written."""
    before = place.state(), bytes_at(place, bundle, rse)
    with pytest.raises(RefusedError) as refused:
        do(place, bundle, rse)
    assert (place.state(), bytes_at(place, bundle, rse)) == before
    return {diagnostic.summary for diagnostic in refused.value.diagnostics}


def test_files_are_recorded_once_they_have_arrived(place: Place, bundle: BundleFolder, rse: str) -> None:
    for file in bundle.manifest.files:
        with pytest.raises(RefusedError, match="File has not arrived"):
            do(place, bundle, rse)
        place.hands.write_file(f"{rse}/{file.path}", (bundle.folder / file.path).read_bytes())
    assert do(place, bundle, rse) == ImportCount(0, 18, 20)

"""What is effective through a live chain is what the butler finds."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, DatasetRef
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType,
    ConflictingDefinitionError,
)
from typing_extensions import override

from calibstate.adapters.repositories import open_reader
from calibstate.lookups.effective import effective, flatten
from calibstate.model.contents import CollectionType as Type
from calibstate.model.contents import Holding
from calibstate.model.effective import Resolved
from calibstate.model.timespans import EMPTY, UNBOUNDED, UNBOUNDED_END, Range
from calibstate.ports.butler import ButlerReader, SeenCollection
from tests import real_files, world
from tests.calibrations import IN_2024, IN_2025, INSTRUMENT
from tests.fakes.butler import MemoryButler
from tests.lookups import AMBIGUOUS, Asked, associations, everything, look_up
from tests.real_files import DECAM, HSC, OLD, REAL_FILES, RealFile

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"

LOOKED_UP = 300
"""How many times the butler is asked about a chain, unless all is asked."""


# --- flattening ---


class CountingButler(MemoryButler):
    """Tells how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    @override
    def collections(self, names: Iterable[str]) -> Mapping[str, SeenCollection]:
        self.asked.append("collections")
        return super().collections(names)

    @override
    def holdings(
        self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
    ) -> Mapping[str, Holding]:
        before = list(self.asked)
        held = super().holdings(names, files=files, calibrations_only=calibrations_only)
        self.asked = [*before, "holdings"]  # What it asks itself is its own affair.
        return held


@pytest.fixture
def memory() -> CountingButler:
    """Four collections, none of them in a chain."""
    butler = CountingButler()
    for name in "abcd":
        butler.add_empty(name, Type.CALIBRATION)
    return butler


def test_a_chain_is_flattened_depth_first(memory: CountingButler) -> None:
    memory.add_chain("inner", ["b", "c"])
    memory.add_chain("outer", ["a", "inner", "d"])
    assert flatten(memory, "outer") == ("a", "b", "c", "d")


def test_a_collection_is_searched_where_it_is_reached_first(memory: CountingButler) -> None:
    memory.add_chain("inner", ["b", "c"])
    memory.add_chain("outer", ["c", "inner", "d", "b", "inner", "a"])
    assert flatten(memory, "outer") == ("c", "b", "d", "a")


def test_a_repository_is_asked_once_for_each_level(memory: CountingButler) -> None:
    memory.add_chain("deep", ["d"])
    memory.add_chain("inner", ["b", "deep", "a"])
    memory.add_chain("other", ["c", "deep"])
    memory.add_chain("outer", ["a", "inner", "other", "b"])
    effective(memory, "outer")
    assert memory.asked == ["collections"] * 4 + ["holdings"]


def test_a_collection_that_is_no_chain_is_all_that_is_searched(memory: CountingButler) -> None:
    assert flatten(memory, "a") == ("a",)


def test_through_what_is_not_there_nothing_is_effective(memory: CountingButler) -> None:
    memory.add_chain("empty", [])
    for name in ("empty", "absent"):
        assert flatten(memory, name) == ()
        assert effective(memory, name) == Resolved(())


def test_a_circle_ends_where_it_closes(memory: CountingButler) -> None:
    memory.add_chain("inner", ["b", "outer", "c"])
    memory.add_chain("outer", ["a", "inner", "d"])
    assert flatten(memory, "outer") == ("a", "b", "c", "d")


def test_many_ways_to_one_chain_are_one(memory: CountingButler) -> None:
    memory.add_chain("level0", ["a"])
    for level in range(1, 60):
        memory.add_chain(f"twin{level}", [f"level{level - 1}"])
        memory.add_chain(f"level{level}", [f"level{level - 1}", f"twin{level}"])
    assert flatten(memory, "level59") == ("a",)


# --- a live chain ---


def test_only_calibrations_are_resolved(memory: CountingButler) -> None:
    memory.add_run("raw", "verifyBiasStats")
    memory.add_calibration("bias", "bias", IN_2024)
    memory.add_chain("defaults", ["raw", "bias"])
    assert {w.dataset_type for w in effective(memory, "defaults").winners} == {"bias"}


def test_a_new_ticket_in_front_ends_the_older_one(memory: CountingButler) -> None:
    (old, *_) = memory.add_calibration("DM-1", "camera", IN_2024)
    (new, *_) = memory.add_calibration("DM-2", "camera", (IN_2024[0] + 5, IN_2025[1]))
    memory.add_chain("calib", ["DM-2", "DM-1"])
    found = [(w.uuid, w.begin, w.end) for w in effective(memory, "calib").winners]
    assert found == [(old, IN_2024[0], IN_2024[0] + 5), (new, IN_2024[0] + 5, IN_2025[1])]


# --- the butler's own look-ups ---


def hold(butler: Butler, chain: str, resolved: Resolved, asked: Iterable[tuple[Asked, int]]) -> int:
    """Hold what is said to be effective to what the butler finds.

    Returns
    -------
    int
        How many look-ups found something.
    """
    found = 0
    with butler.registry.caching_context():
        for one, moment in asked:
            winner = resolved.at(one.dataset_type, one.text, moment)
            expected = look_up(butler, one, chain, moment)
            assert (winner.uuid if winner else None) == expected, f"{one} at {moment}"
            found += expected is not None
    return found


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Keep the repositories of real files that were made."""
    folder = tmp_path_factory.mktemp("real")

    class Loaded(dict[str, Path]):
        def __missing__(self, name: str) -> Path:
            (real,) = (real for real in REAL_FILES if real.name == name)
            real_files.load(real, folder / name)
            self[name] = folder / name
            return self[name]

    return Loaded()


CHAINS = [
    (HSC, "HSC/calib"),
    (HSC, "HSC/defaults"),
    (DECAM, "DECam/calib"),
    (DECAM, "DECam/defaults"),
    (OLD, "HSC/calib"),
]
"""What the exports bring; that of `OLD` has no chains."""


@pytest.mark.parametrize(("real", "chain"), CHAINS, ids=[f"{real.name} {chain}" for real, chain in CHAINS])
@pytest.mark.matrix(1)
def test_every_look_up_in_a_real_chain_finds_what_is_effective(
    loaded: Mapping[str, Path], real: RealFile, chain: str
) -> None:
    reader = open_reader(str(loaded[real.name]))
    resolved = effective(reader, chain)
    assert resolved.ambiguities == ()
    with Butler.from_config(str(loaded[real.name])) as butler:
        asked = [(one, moment) for one in everything(butler) for moment in one.moments()]
        assert len(asked) > 3 * real.certifications
        if not ALL and len(asked) > LOOKED_UP:
            asked = Random(chain).sample(asked, LOOKED_UP)
        assert hold(butler, chain, resolved, asked) > len(asked) / 10
        assert resolved.fingerprint == independent_fingerprint(butler, chain)
    reader.close()


def independent_fingerprint(butler: Butler, chain: str) -> str:
    """Return an effective fingerprint, written anew from its definition."""
    infos = butler.collections.query_info(chain, flatten_chains=True, include_chains=False)
    ranks = {info.name: rank for rank, info in reversed(list(enumerate(infos)))}
    held = defaultdict(list)
    for name, ref, (begin, end) in associations(butler):
        if name in ranks:
            data_id = ",".join(f"{key}={ref.dataId[key]}" for key in sorted(ref.dataId.required))
            held[ref.datasetType.name, data_id].append((ranks[name], begin, end, str(ref.id)))
    lines = []
    for (dataset_type, data_id), rows in held.items():
        edges = sorted({edge for row in rows for edge in row[1:3]})
        pieces: list[tuple[int, str | None, int]] = []
        for begin, end in pairwise(edges):
            uuid = min((row for row in rows if row[1] <= begin < row[2]), default=(None,))[-1]
            pieces += [
                (pieces.pop()[0], uuid, end) if pieces and pieces[-1][1] == uuid else (begin, uuid, end)
            ]
        for begin, uuid, end in (piece for piece in pieces if piece[1]):
            span = f"{'-' if begin == 0 else begin}\t{'-' if end == 4102444800000000000 else end}"
            lines.append(f"{dataset_type}\t{data_id}\t{uuid}\t{span}\n")
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


# --- chains that nobody would make ---

TYPES = ("bias", "dark")
DETECTORS = 2
RUNS = ("run0", "run1", "run2")
PARTIAL = "partial"
"""A RUN with one type and one detector, and what is no calibration."""


@dataclass
class Workshop:
    """A repository in which chains are made, each under names of its own."""

    butler: Butler
    reader: ButlerReader
    refs: Mapping[tuple[str, str, int], DatasetRef]
    """By RUN, dataset type and detector."""
    names: Iterator[int] = field(default_factory=count)

    def new_name(self) -> str:
        return f"made/{next(self.names)}"

    def pick(self, run: str, dataset_type: str, detectors: Iterable[int]) -> list[DatasetRef]:
        return [self.refs[run, dataset_type, detector] for detector in detectors]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    butler = world.make_repo(folder, detectors=DETECTORS)
    refs = {}
    for run in RUNS:
        for name in TYPES:
            for ref in world.add_run(butler, run, name):
                refs[run, name, int(ref.dataId["detector"])] = ref
    world.add_run(butler, PARTIAL, "bias", detectors=[0])
    world.add_run(butler, PARTIAL, "verifyBiasStats")
    reader = open_reader(str(folder))
    yield Workshop(butler, reader, refs)
    reader.close()
    butler.close()


@dataclass(frozen=True)
class Calibration:
    """Certifications: RUN, dataset type, detectors, range."""

    certified: tuple[tuple[str, str, tuple[int, ...], Range], ...]

    def make(self, there: Workshop) -> str:
        name = there.new_name()
        there.butler.collections.register(name, CollectionType.CALIBRATION)
        for run, dataset_type, detectors, span in self.certified:
            try:
                there.butler.registry.certify(
                    name, there.pick(run, dataset_type, detectors), world.timespan(span)
                )
            except ConflictingDefinitionError:
                continue  # The butler lets nothing overlap.
        return name


@dataclass(frozen=True)
class Tagged:
    """RUN, dataset type and detectors."""

    tagged: tuple[tuple[str, str, tuple[int, ...]], ...]

    def make(self, there: Workshop) -> str:
        name = there.new_name()
        there.butler.collections.register(name, CollectionType.TAGGED)
        refs = [ref for one in self.tagged for ref in there.pick(*one)]
        meant = {(ref.datasetType.name, ref.dataId): ref for ref in refs}
        there.butler.registry.associate(name, meant.values())
        return name


@dataclass(frozen=True)
class Run:
    name: str

    def make(self, there: Workshop) -> str:
        return self.name


Leaf = Calibration | Tagged | Run
Tree = int | Sequence["Tree"]
"""Numbers of leaves, and chains of such."""

runs = st.sampled_from(RUNS)
types = st.sampled_from(TYPES)
detectors = st.sampled_from([(0,), (1,), (0, 1), (0, 1)])
spans = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9))
    .filter(lambda span: span[0] != span[1])
    .map(sorted)
    .map(tuple),
    st.sampled_from([UNBOUNDED, EMPTY, (5, UNBOUNDED_END), (UNBOUNDED[0], 5)]),
)
certified = st.lists(st.tuples(runs, types, detectors, spans), max_size=5).map(tuple)
tagged = st.lists(st.tuples(runs, types, detectors), max_size=3).map(tuple)
leaves_ = st.one_of(
    st.builds(Calibration, certified),
    st.builds(Calibration, certified),
    st.builds(Calibration, certified),
    st.builds(Tagged, tagged),
    st.builds(Run, st.sampled_from([*RUNS, PARTIAL])),
)
trees = st.recursive(st.integers(0, 3), lambda inner: st.lists(inner, max_size=4), max_leaves=6)


def make_chain(there: Workshop, names: Sequence[str], tree: Tree) -> str:
    if isinstance(tree, int):
        return names[tree % len(names)]
    chain = there.new_name()
    world.add_chain(there.butler, chain, dict.fromkeys(make_chain(there, names, one) for one in tree))
    return chain


@settings(
    max_examples=300 if ALL else 8,
    # All examples share the repository, and make collections of their own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(leaves=st.lists(leaves_, min_size=2, max_size=4), tree=trees)
def test_every_look_up_in_any_chain_finds_what_is_effective(
    workshop: Workshop, leaves: list[Leaf], tree: Tree
) -> None:
    chain = make_chain(workshop, [leaf.make(workshop) for leaf in leaves], [tree])
    resolved = effective(workshop.reader, chain)
    assert resolved.ambiguities == ()
    edges = {
        edge for one in leaves if isinstance(one, Calibration) for row in one.certified for edge in row[3]
    }
    asked = [
        Asked(name, {"instrument": INSTRUMENT, "detector": number}, edges)
        for name in TYPES
        for number in range(DETECTORS)
    ]
    hold(workshop.butler, chain, resolved, [(one, moment) for one in asked for moment in one.moments()])


def test_the_fingerprint_of_a_chain_is_that_of_its_definition(workshop: Workshop) -> None:
    leaves: list[Leaf] = [
        Calibration(
            (("run0", "bias", (0, 1), (3, 7)), ("run1", "bias", (0,), (7, 9)), ("run0", "dark", (1,), EMPTY))
        ),
        Tagged((("run1", "dark", (0,)),)),
        Calibration((("run0", "bias", (0, 1), (5, 8)), ("run2", "dark", (0, 1), UNBOUNDED))),
        Run("run2"),
    ]
    chain = make_chain(workshop, [leaf.make(workshop) for leaf in leaves], [0, [1, 2], [0, 3]])
    resolved = effective(workshop.reader, chain)
    assert len(resolved.winners) > 8
    assert resolved.fingerprint == independent_fingerprint(workshop.butler, chain)


# --- what the butler calls ambiguous ---


def test_what_is_told_as_ambiguous_is_what_the_butler_does_not_choose(tmp_path: Path) -> None:
    butler = world.make_repo(tmp_path)
    world.add_calibration(butler, "front", "bias", (14, 17))
    world.add_calibration(butler, "calib", "bias", (10, 20), run="old")
    world.add_calibration(butler, "calib", "bias", (20, 30), run="new")
    world.add_chain(butler, "chain", ["front", "calib"])
    butler.close()
    widen(tmp_path, 20, 12)
    reader = open_reader(str(tmp_path))
    resolved = effective(reader, "chain")
    with Butler.from_config(str(tmp_path)) as butler:
        for one in everything(butler):
            (told,) = (
                a for a in resolved.ambiguities if (a.dataset_type, a.data_id) == (one.dataset_type, one.text)
            )
            assert (told.collection, told.begin, told.end) == ("calib", 12, 20)
            for moment in one.moments():
                winner = resolved.at(one.dataset_type, one.text, moment)
                doubtful = (
                    winner is not None and winner.collection == "calib" and told.begin <= moment < told.end
                )
                expected = look_up(butler, one, "chain", moment)
                assert expected == (AMBIGUOUS if doubtful else winner and winner.uuid)
    reader.close()


def widen(folder: Path, begin: int, earlier: int) -> None:
    """Let certifications begin earlier, past the butler, which refuses."""
    connection = sqlite3.connect(folder / "gen3.sqlite3")
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'dataset_calibs_%'"
    for (table,) in connection.execute(named).fetchall():
        connection.execute(
            f"UPDATE {table} SET timespan_begin = ? WHERE timespan_begin = ?", (earlier, begin)
        )
    connection.commit()
    connection.close()

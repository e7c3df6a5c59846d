"""An explanation names the dataset that the butler finds, and all reasons."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler

from calibstate.adapters.repositories import open_reader
from calibstate.errors import RefusedError
from calibstate.lookups.effective import flatten
from calibstate.lookups.explaining.search import explain_search
from calibstate.lookups.resolve import resolve
from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.explanations import Explanation, Outcome, Why
from calibstate.model.timespans import EMPTY, UNBOUNDED, UNBOUNDED_END, Range
from calibstate.ports.butler import ButlerReader
from tests import real_files, world
from tests.lookups import Asked, everything
from tests.real_files import HSC

ALL = os.environ.get("CALIBSTATE_TEST_ALL") == "1"
LOOKED_UP = 250
"""How many times a butler is asked, unless all is asked."""

ONE = "detector=1,instrument=LSSTComCam"
TWO = "detector=2,instrument=LSSTComCam"
NOW = (20, 21)


def leaf(name: str, *ranges: Range, uuids: str = "", data_id: str = ONE) -> Holding:
    """Return a collection with biases; each is called as it or as told."""
    named = uuids or name * len(ranges)
    rows = tuple(Row("bias", data_id, u, *span) for u, span in zip(named, ranges, strict=True))
    return Holding(name, CollectionType.CALIBRATION, rows)


def explained(*leaves: Holding, span: Range = NOW, data_id: str = ONE) -> Explanation:
    return explain_search("calib", leaves, "bias", data_id, span)


def reasons(explanation: Explanation) -> dict[str, str]:
    """Return the reasons by collection; of several in one, the last."""
    return {one.collection: one.detail for one in explanation.candidates}


def test_every_candidate_has_its_reason() -> None:
    told = explained(
        leaf("a", (30, 40)),
        leaf("b", (10, 20)),
        leaf("c", EMPTY),
        leaf("d", data_id=TWO),
        leaf("e", (20, 21)),
        leaf("f", UNBOUNDED),
        leaf("g", (0, 20)),
        leaf("h", (21, 30)),
    )
    assert told.outcome is Outcome.FOUND
    assert told.winner and told.winner.row.uuid == "e"
    assert {one.collection: one.why for one in told.candidates} == {
        "a": Why.NOT_YET,
        "b": Why.ENDED,
        "c": Why.EMPTY,
        "e": Why.WINS,
        "f": Why.LATER,
        "g": Why.ENDED,
        "h": Why.NOT_YET,
    }
    assert [one.rank for one in told.candidates] == [0, 1, 2, 4, 5, 6, 7]
    assert told.without == ((3, "d"),)


def test_the_reasons_are_told_with_their_times() -> None:
    second = 1_000_000_000
    told = explained(leaf("a", (3 * second, 4 * second)), leaf("b", (second, 2 * second)), leaf("c", EMPTY))
    assert reasons(told) == {
        "a": "valid only from 1970-01-01T00:00:03",
        "b": "valid only from 1970-01-01T00:00:01",
        "c": "its range is empty",
    }
    later = explained(
        leaf("a", (3 * second, 4 * second)), leaf("b", UNBOUNDED), span=(4 * second, 4 * second + 1)
    )
    assert reasons(later) == {"a": "ended 1970-01-01T00:00:04", "b": "wins"}


def test_what_overlaps_within_the_collection_that_decides_is_ambiguous() -> None:
    told = explained(leaf("a", (0, 30), (15, 40), (50, 60), uuids="PQR"), leaf("b", UNBOUNDED))
    assert told.outcome is Outcome.AMBIGUOUS
    assert told.winner is None
    assert {one.row.uuid: one.why for one in told.candidates} == {
        "P": Why.AMBIGUOUS,
        "Q": Why.AMBIGUOUS,
        "R": Why.NOT_YET,
        "b": Why.BEHIND,
    }


def test_what_overlaps_behind_the_winner_is_only_searched_later() -> None:
    told = explained(leaf("a", (0, 30)), leaf("b", (0, 30), (15, 40), uuids="PQ"))
    assert told.winner and told.winner.collection == "a"
    assert {one.why for one in told.candidates[1:]} == {Why.LATER}


def test_an_exposure_gets_what_is_searched_first_of_all_that_it_overlaps() -> None:
    told = explained(leaf("a", (25, 40)), leaf("b", (0, 25)), span=(10, 30))
    assert told.winner and told.winner.collection == "a"
    assert [one.why for one in told.candidates] == [Why.WINS, Why.LATER]


def test_an_exposure_across_two_ranges_of_one_collection_is_ambiguous() -> None:
    """Also where they are of one dataset: the butler refuses to choose."""
    for uuids in ("PP", "PQ"):
        told = explained(leaf("a", (0, 20), (20, 40), uuids=uuids), span=(15, 25))
        assert told.outcome is Outcome.AMBIGUOUS


def test_a_dataset_that_wins_through_two_collections_wins_through_the_one_that_is_valid() -> None:
    told = explained(leaf("a", (30, 40), uuids="P"), leaf("b", (20, 30), uuids="P"))
    assert told.winner and told.winner.collection == "b"


def test_where_nothing_is_valid_the_nearest_range_is_told() -> None:
    before, after = leaf("a", (0, 15)), leaf("b", (24, 30))
    told = explained(before, after, leaf("c", EMPTY))
    assert told.outcome is Outcome.NOTHING
    assert told.nearest and told.nearest.collection == "b"
    assert (near := explained(before, leaf("b", (29, 30))).nearest) and near.collection == "a"
    assert explained(leaf("c", EMPTY)).nearest is None
    assert explained(leaf("d", UNBOUNDED)).nearest is None, "only where nothing is found"


def test_where_nothing_is_there_for_the_data_id_it_is_told_for_which_there_is() -> None:
    def flat(detector: int, name: str) -> Row:
        return Row("flat", f"detector={detector},instrument=I,physical_filter={name}", "F", *UNBOUNDED)

    rows = [
        *(flat(detector, "g_01") for detector in (0, 2, 10)),
        flat(10, "r_03"),
        Row("bias", ONE, "B", *UNBOUNDED),
    ]
    leaves = [Holding("a", CollectionType.RUN, tuple(rows))]

    def known(dataset_type: str, data_id: str) -> Mapping[str, tuple[str, ...]]:
        return explain_search("calib", leaves, dataset_type, data_id, NOW).alternatives

    assert known("flat", "detector=10,instrument=I,physical_filter=z") == {
        "physical_filter": ("g_01", "r_03")
    }
    assert known("flat", "detector=2,instrument=I,physical_filter=r_03") == {
        "detector": ("10",),
        "physical_filter": ("g_01",),
    }
    assert known("flat", "detector=3,instrument=I,physical_filter=z") == {
        "detector": ("0", "2", "10"),
        "physical_filter": ("g_01", "r_03"),
    }
    assert known("dark", ONE) == {"dataset_type": ("bias", "flat")}
    assert known("bias", ONE) == {}, "there is one"


def test_where_nothing_is_searched_nothing_is_found() -> None:
    told = explained()
    assert (told.outcome, told.searched, told.alternatives, told.nearest) == (Outcome.NOTHING, (), {}, None)


moments = st.integers(0, 12)
ranges = st.one_of(st.tuples(moments, moments), st.just(UNBOUNDED))


@given(
    held=st.lists(st.lists(st.tuples(st.sampled_from("PQR"), ranges), max_size=3), max_size=4),
    moment=moments,
)
@settings(max_examples=2000 if ALL else 50)
def test_the_winner_of_a_moment_is_the_one_that_is_effective(
    held: list[list[tuple[str, Range]]], moment: int
) -> None:
    leaves = [
        leaf(str(number), *(span for _, span in rows), uuids="".join(uuid for uuid, _ in rows))
        for number, rows in enumerate(held)
    ]
    told, resolved = explained(*leaves, span=(moment, moment + 1)), resolve(leaves)
    effective = resolved.at("bias", ONE, moment)
    if told.outcome is Outcome.AMBIGUOUS:
        (collection,) = {one.collection for one in told.candidates if one.why is Why.AMBIGUOUS}
        assert any(a.collection == collection and a.begin <= moment < a.end for a in resolved.ambiguities)
        assert effective
    else:
        assert (told.winner and told.winner.row.uuid) == (effective and effective.uuid)
        if told.winner:
            assert told.winner.row.begin <= moment < told.winner.row.end
    assert len(told.candidates) == sum(len(rows) for rows in held)


# --- held against the butler ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with ranges of all sorts in a nested chain."""
    folder = tmp_path_factory.mktemp("explain") / "repository"
    day = 86_400_000_000_000
    begin, end = world.IN_2024
    with world.make_repo(folder, detectors=2) as butler:
        world.add_calibration(butler, "new", "bias", (begin + day, begin + 2 * day), (begin + 3 * day, end))
        world.add_calibration(butler, "new2", "flat", (begin, begin + day), (begin + day, begin + 2 * day))
        world.add_calibration(butler, "empty", "bias", EMPTY)
        world.add_calibration(butler, "old", "bias", world.IN_2024, world.IN_2025)
        world.add_calibration(butler, "old2", "flat", world.SINCE_2024)
        world.add_calibration(butler, "old2", "camera", (0, end), run="old2.camera")
        world.add_run(butler, "bare", "dark")
        world.add_run(butler, "last", "bias", detectors=[1])
        world.add_chain(butler, "ticket", ["new", "new2", "empty"])
        world.add_chain(butler, "calib", ["ticket", "bare", "old", "old2", "ticket", "last"])
    return folder


def hold(butler: ButlerReader, chain: str, asked: Iterable[tuple[Asked, Range]]) -> dict[Outcome, int]:
    """Hold explanations against the butler's lookups; count outcomes."""
    searched = flatten(butler, chain)
    held = butler.holdings(searched, calibrations_only=True)
    leaves = [held[name] for name in searched]
    outcomes = dict.fromkeys(Outcome, 0)
    for one, span in asked:
        told = explain_search(chain, leaves, one.dataset_type, one.text, span)
        outcomes[told.outcome] += 1
        try:
            found = butler.lookup(chain, one.dataset_type, one.text, span)
            assert (told.winner and told.winner.row.uuid) == found, (one, span)
        except RefusedError:
            assert told.outcome is Outcome.AMBIGUOUS, (one, span)
        else:
            assert told.outcome is not Outcome.AMBIGUOUS, (one, span)
    return outcomes


def spans(asked: Iterable[Asked]) -> Iterator[tuple[Asked, Range]]:
    """Yield each edge of each data ID and its neighbours, and exposures."""
    for one in asked:
        for moment in one.moments():
            yield one, (moment, moment + 1)
        for edge in one.edges:
            if 10 < edge < UNBOUNDED_END - 10:
                yield from ((one, (edge - 9, edge + 6)), (one, (edge - 9, edge)), (one, (edge, edge + 6)))


def sample(asked: Iterable[tuple[Asked, Range]]) -> list[tuple[Asked, Range]]:
    whole = list(asked)
    return whole if ALL or len(whole) <= LOOKED_UP else Random(5).sample(whole, LOOKED_UP)


def test_a_winner_is_what_the_butler_finds_at_every_edge(folder: Path) -> None:
    with Butler.from_config(str(folder)) as butler:
        asked = everything(butler)
    assert {one.dataset_type for one in asked} == {"bias", "camera", "dark", "flat"}
    with closing(open_reader(str(folder))) as reader:
        outcomes = hold(reader, "calib", sample(spans(asked)))
    assert all(outcomes[outcome] > 2 for outcome in (Outcome.FOUND, Outcome.NOTHING, Outcome.AMBIGUOUS))


def test_a_winner_is_what_the_butler_finds_in_a_real_file(tmp_path: Path) -> None:
    real_files.load(HSC, tmp_path / "hsc")
    with Butler.from_config(str(tmp_path / "hsc")) as butler:
        asked = everything(butler)
    with closing(open_reader(str(tmp_path / "hsc"))) as reader:
        outcomes = hold(reader, HSC.top, sample(spans(asked)))
    assert outcomes[Outcome.FOUND] > 50

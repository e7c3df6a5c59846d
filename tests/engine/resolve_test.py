"""Resolving: the first collection that has a dataset for a moment wins."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.lookups.resolve import candidates, resolve
from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.effective import Ambiguity, Effective, Resolved
from calibstate.model.timespans import EMPTY, UNBOUNDED, UNBOUNDED_BEGIN, UNBOUNDED_END, Range

ONE = "detector=1,instrument=LSSTComCam"
TWO = "detector=2,instrument=LSSTComCam"

thorough = settings(max_examples=5000 if os.environ.get("CALIBSTATE_TEST_ALL") == "1" else 50)


def leaf(name: str, *rows: tuple[str, Range] | Row) -> Holding:
    """Return a collection with biases of detector 1, or with other rows."""
    whole = tuple(row if isinstance(row, Row) else Row("bias", ONE, row[0], *row[1]) for row in rows)
    return Holding(name, CollectionType.CALIBRATION, whole)


def run(name: str, *uuids: str) -> Holding:
    rows = tuple(Row("bias", ONE, uuid, *UNBOUNDED) for uuid in uuids)
    return Holding(name, CollectionType.RUN, rows)


def won(resolved: Resolved) -> list[tuple[str, int, int, str]]:
    """Return who wins when, and through what; of one data ID."""
    return [(w.uuid, w.begin, w.end, w.collection) for w in resolved.winners]


# --- who wins ---


def test_nothing_is_effective_where_nothing_is_searched() -> None:
    assert resolve([]) == Resolved(())
    assert resolve([leaf("a")]) == Resolved(())


def test_the_collection_in_front_wins_and_splits_what_lies_behind() -> None:
    resolved = resolve([leaf("a", ("A", (10, 20))), leaf("b", ("B", (0, 30)))])
    assert won(resolved) == [("B", 0, 10, "b"), ("A", 10, 20, "a"), ("B", 20, 30, "b")]


def test_what_lies_behind_fills_only_the_gaps() -> None:
    front = leaf("a", ("A", (10, 20)), ("C", (30, 40)))
    resolved = resolve([front, leaf("b", ("B", (15, 35)))])
    assert won(resolved) == [("A", 10, 20, "a"), ("B", 20, 30, "b"), ("C", 30, 40, "a")]


def test_gaps_stay_gaps() -> None:
    resolved = resolve([leaf("a", ("A", (10, 20))), leaf("b", ("B", (30, 40)))])
    assert won(resolved) == [("A", 10, 20, "a"), ("B", 30, 40, "b")]
    assert resolved.at("bias", ONE, 25) is None


def test_a_run_wins_at_its_place_for_all_time() -> None:
    resolved = resolve([leaf("a", ("A", (10, 20))), run("run", "R"), leaf("b", ("B", UNBOUNDED))])
    assert won(resolved) == [
        ("R", UNBOUNDED_BEGIN, 10, "run"),
        ("A", 10, 20, "a"),
        ("R", 20, UNBOUNDED_END, "run"),
    ]


@pytest.mark.parametrize("empty", [EMPTY, (20, 10), (10, 10)])
def test_an_empty_range_never_wins(empty: Range) -> None:
    assert won(resolve([leaf("a", ("A", empty)), leaf("b", ("B", (0, 30)))])) == [("B", 0, 30, "b")]
    assert resolve([leaf("a", ("A", empty))]) == Resolved(())


def test_a_collection_that_comes_again_counts_where_it_comes_first() -> None:
    first, second = leaf("a", ("A", (0, 30))), leaf("b", ("B", (0, 40)))
    assert won(resolve([first, second, first])) == won(resolve([first, second]))
    assert won(resolve([second, first, second])) == [("B", 0, 40, "b")]


def test_data_ids_and_types_do_not_hide_each_other() -> None:
    rows = [
        Row(name, data_id, f"{name} {data_id}", 0, 10) for name in ("bias", "dark") for data_id in (ONE, TWO)
    ]
    resolved = resolve([leaf("a", rows[3]), leaf("b", rows[2], rows[0]), leaf("c", rows[1])])
    assert [(w.dataset_type, w.data_id, w.uuid) for w in resolved.winners] == [row[:3] for row in rows]


# --- ranges of one dataset that touch ---


def test_touching_ranges_of_one_dataset_are_one() -> None:
    resolved = resolve([leaf("a", ("A", (20, 30)), ("A", (10, 20)))])
    assert won(resolved) == [("A", 10, 30, "a")]
    assert resolved.ambiguities == ()


def test_touching_ranges_of_two_datasets_are_two() -> None:
    assert len(resolve([leaf("a", ("A", (10, 20)), ("B", (20, 30)))]).winners) == 2


def test_ranges_of_one_dataset_with_a_gap_are_two() -> None:
    assert len(resolve([leaf("a", ("A", (10, 20)), ("A", (21, 30)))]).winners) == 2


def test_one_dataset_through_two_collections_is_named_by_the_first_searched() -> None:
    resolved = resolve([leaf("a", ("A", (10, 20))), leaf("b", ("A", (0, 30)))])
    assert won(resolved) == [("A", 0, 30, "a")]
    resolved = resolve([leaf("x", ("X", (20, 30))), leaf("b", ("A", (0, 10))), leaf("a", ("A", (5, 50)))])
    assert won(resolved) == [("A", 0, 20, "b"), ("X", 20, 30, "x"), ("A", 30, 50, "a")]


def test_where_it_is_asked_for_each_range_names_the_collection_that_decides_it() -> None:
    leaves = [leaf("a", ("A b", (10, 20)), ("A b", (20, 25))), leaf("b", ("A b", (0, 30)), ("A", (30, 40)))]
    assert won(resolve(leaves, across=False)) == [
        ("A b", 0, 10, "b"),
        ("A b", 10, 25, "a"),
        ("A b", 25, 30, "b"),
        ("A", 30, 40, "b"),
    ]


def test_one_dataset_of_two_data_ids_stays_with_each() -> None:
    resolved = resolve([leaf("a", Row("bias", ONE, "A", 0, 10), Row("bias", TWO, "A", 10, 20))])
    assert len(resolved.winners) == 2


# --- looking up ---


def test_a_look_up_finds_the_range_with_the_moment_in_it() -> None:
    resolved = resolve([leaf("a", ("A", (10, 20)), ("B", (20, 30)), Row("bias", TWO, "C", 0, 99))])
    assert [
        getattr(resolved.at("bias", ONE, moment), "uuid", None) for moment in (9, 10, 19, 20, 29, 30)
    ] == [
        None,
        "A",
        "A",
        "B",
        "B",
        None,
    ]
    assert resolved.at("bias", TWO, 50) == Effective("bias", TWO, 0, 99, "C", "a")
    assert resolved.at("dark", ONE, 15) is None
    assert resolved.at("bias", "detector=3,instrument=LSSTComCam", 15) is None
    assert resolved.at("a type before all", ONE, 15) is None


def test_candidates_are_all_rows_of_a_data_id_in_search_order() -> None:
    leaves = [
        leaf(
            "a", ("C", (30, 40)), ("A", (10, 20)), Row("bias", TWO, "X", 0, 99), Row("dark", ONE, "Y", 0, 99)
        ),
        leaf("b"),
        leaf("a", ("again", UNBOUNDED)),
        leaf("c", ("E", EMPTY)),
        run("run", "R"),
    ]
    found = [(c.rank, c.collection, c.row.uuid) for c in candidates(leaves, "bias", ONE)]
    assert found == [(0, "a", "A"), (0, "a", "C"), (2, "c", "E"), (3, "run", "R")]


# --- ambiguities ---


def test_an_overlap_in_one_collection_is_told_with_both_datasets() -> None:
    resolved = resolve([leaf("a", ("B", (15, 30)), ("A", (10, 20)))])
    assert resolved.ambiguities == (Ambiguity("a", "bias", ONE, ("A", "B"), 15, 20),)
    assert won(resolved) == [("A", 10, 20, "a"), ("B", 20, 30, "a")]


def test_a_range_in_another_is_told() -> None:
    resolved = resolve([leaf("a", ("A", (10, 50)), ("B", (20, 30)), ("C", (40, 45)), ("D", (50, 60)))])
    assert resolved.ambiguities == (
        Ambiguity("a", "bias", ONE, ("A", "B"), 20, 30),
        Ambiguity("a", "bias", ONE, ("A", "C"), 40, 45),
    )
    assert won(resolved) == [("A", 10, 50, "a"), ("D", 50, 60, "a")]


def test_of_equal_ranges_the_lesser_uuid_is_preferred() -> None:
    other = Row("bias", TWO, "0", 10, 20)
    for rows in ([("A", (10, 20)), ("B", (10, 20))], [("B", (10, 20)), ("A", (10, 20))]):
        resolved = resolve([leaf("a", *rows, other)])
        assert resolved.ambiguities == (Ambiguity("a", "bias", ONE, ("A", "B"), 10, 20),)
        assert won(resolved)[0] == ("A", 10, 20, "a")


def test_of_ranges_that_begin_together_the_shorter_is_preferred() -> None:
    resolved = resolve([leaf("a", ("A", (10, 30)), ("B", (10, 20)))])
    assert won(resolved) == [("B", 10, 20, "a"), ("A", 20, 30, "a")]


def test_three_that_overlap_are_told_by_pairs() -> None:
    resolved = resolve([leaf("a", ("A", (0, 10)), ("B", (2, 4)), ("C", (3, 20)))])
    told = [(a.uuids, a.begin, a.end) for a in resolved.ambiguities]
    assert told == [(("A", "B"), 2, 4), (("A", "C"), 3, 10), (("B", "C"), 3, 4)]


def test_one_dataset_that_overlaps_itself_is_told() -> None:
    resolved = resolve([leaf("a", ("A", (10, 20)), ("A", (15, 30)))])
    assert resolved.ambiguities == (Ambiguity("a", "bias", ONE, ("A", "A"), 15, 20),)
    assert won(resolved) == [("A", 10, 30, "a")]


def test_an_ambiguity_that_is_hidden_is_told() -> None:
    resolved = resolve([run("run", "R"), leaf("a", ("A", (10, 20)), ("B", (15, 30)))])
    assert len(resolved.ambiguities) == 1
    assert won(resolved) == [("R", *UNBOUNDED, "run")]


def test_what_only_touches_or_lies_in_other_collections_is_not_ambiguous() -> None:
    leaves = [
        leaf(
            "a", ("A", (10, 20)), ("B", (20, 30)), ("E", EMPTY), ("F", (15, 12)), Row("bias", TWO, "C", 0, 99)
        ),
        leaf("b", ("B", (10, 20)), Row("dark", ONE, "D", 0, 99)),
    ]
    assert resolve(leaves).ambiguities == ()


# --- the effective fingerprint ---

CHAIN = (leaf("a", ("A", (10, 20))), leaf("b", ("B", (0, 30)), Row("bias", TWO, "C", 0, 99)), run("run", "R"))


def fingerprint(*leaves: Holding) -> str:
    return resolve(leaves).fingerprint


def test_the_fingerprint_is_that_of_the_lines_that_are_promised() -> None:
    lines = [
        f"bias\t{ONE}\tA\t10\t20\n",
        f"bias\t{ONE}\tB\t-\t10\n",  # 0 is where the butler's time begins.
        f"bias\t{ONE}\tB\t20\t30\n",
        f"bias\t{ONE}\tR\t30\t-\n",
        f"bias\t{TWO}\tC\t-\t99\n",
    ]
    assert fingerprint(*CHAIN) == f"sha256:{hashlib.sha256(''.join(sorted(lines)).encode()).hexdigest()}"
    assert fingerprint() == f"sha256:{hashlib.sha256(b'').hexdigest()}"


@pytest.mark.parametrize(
    "front",
    [
        leaf("a", ("A", (10, 21))),
        leaf("a", ("A", (11, 20))),
        leaf("a", ("a", (10, 20))),
        leaf("a", Row("bias", TWO, "A", 10, 20)),
        leaf("a", Row("dark", ONE, "A", 10, 20)),
        leaf("a"),
    ],
    ids=["end", "begin", "UUID", "data ID", "type", "absence"],
)
def test_the_fingerprint_changes_by_the_least_of_a_change(front: Holding) -> None:
    assert fingerprint(front, *CHAIN[1:]) != fingerprint(*CHAIN)


def test_the_fingerprint_changes_by_an_order_that_matters() -> None:
    assert fingerprint(CHAIN[1], CHAIN[0], CHAIN[2]) != fingerprint(*CHAIN)


def test_the_fingerprint_knows_no_names_of_collections() -> None:
    renamed = [Holding(f"other/{one.collection}", one.type, one.rows) for one in CHAIN]
    assert fingerprint(*renamed) == fingerprint(*CHAIN)


def test_the_fingerprint_knows_no_order_that_does_not_matter() -> None:
    apart = [leaf("a", ("A", (10, 20))), leaf("b", ("B", (20, 30))), leaf("c", Row("bias", TWO, "C", 0, 99))]
    assert {fingerprint(*order) for order in permutations(apart)} == {fingerprint(*apart)}


def test_the_fingerprint_does_not_see_how_a_range_was_made() -> None:
    split = leaf("a", ("A", (10, 13)), ("A", (13, 20)))
    assert fingerprint(split, *CHAIN[1:]) == fingerprint(*CHAIN)
    whole, behind = leaf("a", ("A", (10, 20))), leaf("b", ("A", (5, 30)))
    assert fingerprint(whole, behind) == fingerprint(leaf("a", ("A", (5, 30))))


def test_the_fingerprint_does_not_see_what_never_wins() -> None:
    hidden = leaf("hidden", ("X", (12, 18)), ("Y", EMPTY))
    assert fingerprint(CHAIN[0], hidden, *CHAIN[1:]) == fingerprint(*CHAIN)


# --- against a painter ---


@st.composite
def worlds(draw: st.DrawFn) -> list[Holding]:
    """Draw what is searched: few data IDs and datasets, so that they meet."""
    spans = st.one_of(st.tuples(st.integers(1, 12), st.integers(1, 12)), st.just(UNBOUNDED), st.just(EMPTY))
    rows = st.builds(
        lambda name, data_id, uuid, span: Row(name, data_id, f"{name} {data_id} {uuid}", *span),
        st.sampled_from(["bias", "bias", "bias", "dark"]),
        st.sampled_from([ONE, ONE, TWO]),
        st.integers(0, 3),
        spans,
    )
    leaves = st.builds(leaf, st.sampled_from("abcd"))
    drawn = draw(st.lists(st.tuples(leaves, st.lists(rows, max_size=8)), max_size=5))
    # Several data IDs have the same ranges, as those of a camera do.
    return [
        Holding(one.collection, one.type, tuple(twins(tuple(some)) if draw(st.booleans()) else some))
        for one, some in drawn
    ]


def twins(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        for data_id in (row.data_id, f"{row.data_id},twin=1"):
            yield row._replace(data_id=data_id, uuid=f"{row.dataset_type} {data_id} {row.uuid[-1]}")


def paint(leaves: Sequence[Holding]) -> dict[tuple[str, str], list[tuple[int, int, str]]]:
    """Return the winners, found moment by moment with nothing clever."""
    rows = [row for one in leaves for row in one.rows]
    edges = sorted({edge for row in rows for edge in (row.begin, row.end)})
    painted: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for dataset_type, data_id in {row[:2] for row in rows}:
        for begin, end in pairwise(edges):
            if winner := winner_at(leaves, dataset_type, data_id, begin):
                painted.setdefault((dataset_type, data_id), []).append((begin, end, winner))
    return painted


def winner_at(leaves: Sequence[Holding], dataset_type: str, data_id: str, moment: int) -> str | None:
    searched: set[str] = set()
    for one in leaves:
        if one.collection in searched:
            continue
        searched.add(one.collection)
        has = [
            (row.begin, row.end, row.uuid)
            for row in one.rows
            if (row.dataset_type, row.data_id) == (dataset_type, data_id) and row.begin <= moment < row.end
        ]
        if has:
            return min(has)[2]
    return None


@thorough
@given(worlds())
def test_the_winners_are_those_of_a_painter(leaves: list[Holding]) -> None:
    resolved = resolve(leaves)
    painted = paint(leaves)
    assert {w[:2] for w in resolved.winners} == painted.keys()
    for (dataset_type, data_id), pieces in painted.items():
        mine = [w for w in resolved.winners if w[:2] == (dataset_type, data_id)]
        for begin, end, uuid in pieces:
            assert [w.uuid for w in mine if w.begin <= begin and end <= w.end] == [uuid]
        assert sum(w.end - w.begin for w in mine) == sum(end - begin for begin, end, _ in pieces)


@thorough
@given(worlds())
def test_winners_are_sorted_apart_and_joined(leaves: list[Holding]) -> None:
    winners = resolve(leaves).winners
    assert list(winners) == sorted(winners)
    assert all(w.begin < w.end for w in winners)
    for one, two in pairwise(winners):
        if one[:2] == two[:2]:
            assert one.end < two.begin or (one.end == two.begin and one.uuid != two.uuid)


@thorough
@given(worlds())
def test_a_winner_names_a_collection_through_which_it_wins(leaves: list[Holding]) -> None:
    first: dict[str, Holding] = {}
    for one in leaves:
        first.setdefault(one.collection, one)
    for w in resolve(leaves).winners:
        held = first[w.collection].rows
        assert any(row[:3] == (w.dataset_type, w.data_id, w.uuid) and row.begin < w.end for row in held)


@thorough
@given(worlds())
def test_ambiguities_are_all_pairs_that_overlap(leaves: list[Holding]) -> None:
    expected = []
    for one in {one.collection: one for one in reversed(leaves)}.values():
        rows = sorted(one.rows, key=lambda row: (row.begin, row.end, row.uuid))
        for place, row in enumerate(rows):
            for other in rows[place + 1 :]:
                begin, end = max(row.begin, other.begin), min(row.end, other.end)
                if row[:2] == other[:2] and begin < end:
                    uuids = (row.uuid, other.uuid)
                    expected.append(Ambiguity(one.collection, *row[:2], uuids, begin, end))
    found = resolve(leaves).ambiguities
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


@thorough
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(leaves: list[Holding], random: Random) -> None:
    shuffled = [
        Holding(one.collection, one.type, tuple(random.sample(one.rows, len(one.rows)))) for one in leaves
    ]
    assert resolve(shuffled) == resolve(leaves)

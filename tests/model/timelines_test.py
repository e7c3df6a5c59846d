"""The fold is exact: it tells what the resolver tells, for every data ID."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.lookups.folded import Folded
from calibstate.lookups.resolve import resolve
from calibstate.model.contents import CollectionType, Holding, Row, format_data_id
from calibstate.model.number_ranges import as_ranges, ranges_in
from calibstate.model.timelinecompare import rows_by_filter, with_same_detectors
from calibstate.model.timelinedocument import TimelineEntry
from calibstate.model.timelines import NOTHING, filter_and_detector, fold
from calibstate.model.timespans import UNBOUNDED_END
from calibstate.store.timelinetable import TimelineTable

MOMENTS = (0, 10, 20, 30, 40, 50, UNBOUNDED_END)
DETECTORS = range(5)
FILTERS = ("g_01", "r_03")


def row(dataset_type, detector, filter, begin, end, uuid):
    data_id = {"instrument": "LSSTCam", "detector": detector}
    if filter:
        data_id["physical_filter"] = filter
    return Row(dataset_type, format_data_id(data_id), uuid, begin, end)


@st.composite
def chains(draw):
    leaves = []
    for number in range(draw(st.integers(0, 5))):
        rows = []
        for _ in range(draw(st.integers(0, 6))):
            begin, end = sorted(draw(st.lists(st.sampled_from(MOMENTS), min_size=2, max_size=2, unique=True)))
            dataset_type = draw(st.sampled_from(("bias", "flat")))
            filters = FILTERS if dataset_type == "flat" else ("",)
            filter = draw(st.sampled_from(filters))
            # A dataset may be certified again, for another time.
            dataset = draw(st.sampled_from((f"{number}-{begin}", "again")))
            for detector in draw(st.sets(st.sampled_from(DETECTORS), min_size=1)):
                rows.append(row(dataset_type, detector, filter, begin, end, f"{dataset}-{detector}-{filter}"))
        leaves.append(Holding(f"ticket{number}/biasGen.{number}", CollectionType.CALIBRATION, tuple(rows)))
    return leaves


def first_with(leaves, dataset_type, data_id, moment):
    """Return the first collection that has a dataset for a moment, as the
    butler searches.
    """
    for leaf in leaves:
        for each in leaf.rows:
            if each[:2] == (dataset_type, data_id) and each.begin <= moment < each.end:
                return leaf.collection
    return None


@given(chains())
@settings(max_examples=150, deadline=None)
def test_that_a_timeline_tells_for_every_detector_what_the_resolver_tells(leaves):
    resolved = resolve(leaves)
    # Two collections share a ticket, and one belongs to none.
    tickets = {leaf.collection: f"DM-{index // 2 + 9}" for index, leaf in enumerate(leaves[:4])}
    timeline = fold(resolved, tickets)
    written = TimelineEntry.of(timeline)
    assert TimelineEntry.model_validate_json(written.model_dump_json()).timeline() == timeline
    table = TimelineTable.of(timeline).model_dump_json()
    assert TimelineTable.model_validate_json(table).timeline(timeline.fingerprint) == timeline
    for dataset_type, filters in (("bias", ("",)), ("flat", FILTERS)):
        for filter in filters:
            rows = [
                each
                for each in timeline.rows
                if each.dataset_type == dataset_type and (not filter or filter in each.filters)
            ]
            assert len(rows) <= 1
            for detector in DETECTORS:
                data_id = row(dataset_type, detector, filter, 0, 1, "").data_id
                for moment in (0, 5, 10, 15, 25, 30, 35, 49, 50, UNBOUNDED_END - 1):
                    collection = first_with(leaves, dataset_type, data_id, moment)
                    wanted = tickets.get(collection, collection)
                    assert (wanted is None) == (resolved.at(dataset_type, data_id, moment) is None)
                    told = rows[0].at(moment, detector) if rows else NOTHING
                    assert (timeline.tickets[told] if told != NOTHING else None) == wanted


@given(chains())
@settings(max_examples=50, deadline=None)
def test_that_neighbours_differ_and_most_detectors_have_the_ticket_of_an_interval(leaves):
    for each in fold(resolve(leaves), {}).rows:
        for interval, later in zip(each.intervals, each.intervals[1:], strict=False):
            assert interval.end == later.begin
            assert interval[2:] != later[2:]
        for interval in each.intervals:
            odd = [sum(map(len, ranges_in(odd.detectors))) for odd in interval.odd]
            assert all(number <= each.number_of_detectors - sum(odd) for number in odd)
        assert each.intervals[0].ticket != NOTHING or each.intervals[0].odd


def test_that_of_two_tickets_with_one_dataset_each_wins_for_its_own_time():
    """As where a ticket certifies anew what another one has."""
    leaves = [
        Holding("a", CollectionType.CALIBRATION, (row("bias", 0, "", 10, 20, "the same"),)),
        Holding("b", CollectionType.CALIBRATION, (row("bias", 0, "", 0, 50, "the same"),)),
    ]
    resolved = resolve(leaves)
    timeline = fold(resolved, {"a": "DM-2", "b": "DM-1"})
    (bias,) = timeline.rows
    assert [(each.begin, each.end, timeline.tickets[each.ticket]) for each in bias.intervals] == [
        (0, 10, "DM-1"),
        (10, 20, "DM-2"),
        (20, 50, "DM-1"),
    ]
    # Lookups get one dataset all the time.
    assert [each[2:5] for each in resolved.winners] == [(0, 50, "the same")]
    assert resolved.selected == {"a", "b"}


def test_that_filters_which_agree_are_one_row():
    rows = [row("flat", 0, filter, 0, 10, f"u{filter}") for filter in ("g", "r")]
    rows.append(row("flat", 0, "i", 0, 20, "ui"))
    leaf = Holding("LSSTCam/calib/DM-1/flatGen.1", CollectionType.CALIBRATION, tuple(rows))
    timeline = fold(resolve([leaf]), {leaf.collection: "DM-1"})
    assert [each.filters for each in timeline.rows] == [("g", "r"), ("i",)]


def test_that_tickets_are_in_the_order_of_their_numbers():
    leaves = [
        Holding(f"c{number}", CollectionType.CALIBRATION, (row(f"type{number}", 0, "", 0, 10, f"u{number}"),))
        for number in (10, 9, 100)
    ]
    timeline = fold(resolve(leaves), {f"c{number}": f"DM-{number}" for number in (10, 9, 100)})
    assert timeline.tickets == ("DM-9", "DM-10", "DM-100")


@given(st.sets(st.integers(0, 300)))
def test_that_numbers_come_back(numbers):
    text = as_ranges(numbers)
    assert [number for each in ranges_in(text) for number in each] == sorted(numbers)


@given(chains(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_that_what_is_folded_once_for_all_that_is_alike_is_what_is_folded_row_by_row(leaves, only_flats):
    # By a seal, datasets of one RUN differ by their data IDs only.
    sealed = []
    for leaf in leaves:
        rows = tuple(each._replace(uuid=f"{leaf.collection}.run") for each in leaf.rows)
        sealed.append(replace(leaf, rows=rows))
    types = ("flat",) if only_flats else ()
    wanted = [
        replace(leaf, rows=tuple(row for row in leaf.rows if not types or row.dataset_type in types))
        for leaf in sealed
    ]
    tickets = {leaf.collection: f"DM-{index // 2 + 9}" for index, leaf in enumerate(leaves[:4])}
    resolved = resolve(wanted)
    folded = Folded.of([(leaf.collection, leaf) for leaf in sealed], tickets, types)
    assert folded.timeline == replace(fold(resolved, tickets), fingerprint="")
    assert folded.selected == resolved.selected
    held = {
        (leaf.collection, row.dataset_type, filter_and_detector(row.data_id)[0], row.begin, row.end)
        for leaf in wanted
        for row in leaf.rows
    }
    assert set(folded.held) == held


def test_that_a_filter_which_lacks_a_detector_of_the_others_tells_so():
    rows = [row("flat", 0, "g", 0, 10, "u")]
    rows += [row("flat", detector, "r", 0, 10, f"r{detector}") for detector in (0, 1, 2)]
    leaf = Holding("a", CollectionType.CALIBRATION, tuple(rows))
    of_g, of_r = fold(resolve([leaf]), {"a": "DM-1"}).rows
    assert (of_g.detectors, of_r.detectors) == ("0..2", "0..2")
    assert [(each.ticket, each.odd) for each in of_r.intervals] == [(0, ())]
    assert [(each.ticket, each.odd) for each in of_g.intervals] == [(NOTHING, ((0, "0"),))]


@given(chains(), chains())
@settings(max_examples=100, deadline=None)
def test_that_rows_of_the_same_detectors_tell_what_they_told(leaves, others):
    a, b = fold(resolve(leaves), {}), fold(resolve(others), {})
    rows_of_b = rows_by_filter(b)
    for key, row_of_a in rows_by_filter(a).items():
        if key not in rows_of_b:
            continue
        pair = (row_of_a, rows_of_b[key])
        same = with_same_detectors(*pair)
        assert same[0] and same[1] and same[0].detectors == same[1].detectors
        for before, after in zip(pair, same, strict=True):
            assert after
            for detector in DETECTORS:
                for moment in (0, 5, 15, 25, 35, 49):
                    assert after.at(moment, detector) == before.at(moment, detector)

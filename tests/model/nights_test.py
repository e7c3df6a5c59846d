"""What is told of a span is what the timeline tells of each of its moments."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.lookups.resolve import resolve
from calibstate.model.nights import SelectedRow, While, clipped, observing_day, selected
from calibstate.model.number_ranges import ranges_in
from calibstate.model.timelines import NOTHING, fold
from tests.model.timelines_test import DETECTORS, chains


def holds(detectors, detector):
    return any(detector in numbers for numbers in ranges_in(detectors))


def ticket_of(row, selection, detector):
    """Return what a selection says that a detector gets."""
    if not holds(row.detectors, detector):
        return None
    for odd in selection.odd:
        if holds(odd.detectors, detector):
            return odd.ticket
    return selection.ticket


@given(chains(), st.integers(0, 55), st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_that_every_moment_of_a_span_is_told_as_the_timeline_has_it(leaves, begin, lasts):
    resolved = resolve(leaves)
    timeline = fold(resolved, {})
    end = begin + lasts
    rows = selected(timeline, (begin, end))
    told: dict[tuple[str, str], SelectedRow] = {}
    for row in rows:
        assert row.selections[0].begin == begin
        assert row.selections[-1].end == end
        for selection, later in zip(row.selections, row.selections[1:], strict=False):
            assert selection.end == later.begin
            assert selection[2:] != later[2:]
        for filter in row.filters or ("",):
            # Each type and filter stands once.
            assert told.setdefault((row.dataset_type, filter), row) is row
    for of_timeline in timeline.rows:
        for filter in of_timeline.filters or ("",):
            row = told.pop((of_timeline.dataset_type, filter))
            for moment in range(begin, end):
                (selection,) = [each for each in row.selections if each.begin <= moment < each.end]
                for detector in DETECTORS:
                    wanted = of_timeline.at(moment, detector)
                    name = None if wanted == NOTHING else timeline.tickets[wanted]
                    assert ticket_of(row, selection, detector) == name
    assert not told


@given(chains(), st.integers(0, 55), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_that_clipping_changes_no_lookup_within(leaves, begin, lasts):
    resolved = resolve(leaves)
    end = begin + lasts
    within = clipped(resolved, (begin, end))
    for winner in resolved.winners:
        for moment in range(0, 60):
            wanted = resolved.at(winner.dataset_type, winner.data_id, moment)
            found = within.at(winner.dataset_type, winner.data_id, moment)
            if begin <= moment < end:
                assert (found and found.uuid) == (wanted and wanted.uuid)
            else:
                assert found is None


def test_an_observing_day_is_the_date_of_tai_less_twelve_hours() -> None:
    when = While.of_night(date(2024, 11, 10))
    assert when.night == 20241110
    assert when.end - when.begin == 86_400_000_000_000
    # 37 seconds before noon of UTC it is noon of TAI.
    assert observing_day(datetime(2024, 11, 10, 11, 59, 22, tzinfo=UTC)) == date(2024, 11, 9)
    assert observing_day(datetime(2024, 11, 10, 11, 59, 23, tzinfo=UTC)) == date(2024, 11, 10)


@pytest.mark.parametrize("year", [1969, 2100])
def test_a_night_that_the_butler_cannot_count_is_refused(year: int) -> None:
    with pytest.raises(ValueError, match="where the butler counts"):
        While.of_night(date(year, 1, 1))

"""What is drawn as one bar hides nothing that is not named in it."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from calibstate.model.timelines import NOTHING, Interval, Timeline, TimelineRow
from calibstate.views.timelines.marks import few_enough, marks_of
from calibstate.views.timelines.span import Span
from calibstate.views.timelines.svg import Drawing

DAY = 86400 * 10**9


@st.composite
def rows(draw: st.DrawFn) -> tuple[Interval, ...]:
    intervals: list[Interval] = []
    begin = draw(st.integers(0, 50)) * DAY
    for _ in range(draw(st.integers(1, 80))):
        end = begin + draw(st.integers(1, 60)) * DAY
        ticket = draw(st.integers(NOTHING, 9))
        if not intervals or intervals[-1].ticket != ticket:
            intervals.append(Interval(begin, end, ticket))
            begin = end
    return tuple(intervals)


def span_of(intervals):
    return Span(intervals[0].begin, intervals[-1].end)


@given(rows(), st.sampled_from((0.0, 0.001, 0.01, 0.1)))
@settings(deadline=None)
def test_whatever_wins_is_in_one_mark_and_a_gap_in_none(intervals, share):
    span = span_of(intervals)
    marks = list(marks_of(intervals, span, share))
    drawn = [interval for mark in marks for interval in mark.intervals]
    assert drawn == [interval for interval in intervals if interval.ticket != NOTHING]
    for mark in marks:
        # One follows on the other, and what can be seen stands alone.
        for before, after in zip(mark.intervals, mark.intervals[1:], strict=False):
            assert before.end == after.begin
        if len(mark.intervals) > 1:
            widest = max(span.share(each.end) - span.share(each.begin) for each in mark.intervals)
            assert widest < share
            assert span.share(mark.end) - span.share(mark.begin) < 2 * share


@given(rows(), st.integers(20, 100))
@settings(deadline=None)
def test_there_are_as_few_marks_as_a_page_bears_but_for_gaps(intervals, most):
    filled = tuple(each._replace(ticket=max(each.ticket, 0)) for each in intervals)
    span = span_of(filled)
    share = few_enough([filled], span, most)
    assert len(list(marks_of(filled, span, share))) <= most


def test_nothing_is_joined_across_a_change():
    intervals = tuple(Interval(day * DAY, (day + 1) * DAY, day % 7) for day in range(100))
    marks = marks_of(intervals, span_of(intervals), 0.1, {50 * DAY})
    assert 50 * DAY in {mark.begin for mark in marks}


def test_a_bar_of_several_tickets_names_them_and_is_found_by_each():
    intervals = tuple(Interval(day * DAY, (day + 1) * DAY, day % 6) for day in range(600))
    row = TimelineRow("bias", (), "0..8", intervals)
    timeline = Timeline("", tuple(f"DM-{number}" for number in range(6)), (row,))
    drawing = Drawing.of(timeline).with_at_most(150, timeline)
    svg = drawing.bars(row, timeline)
    assert drawing.joins
    assert svg.count("<rect") <= 150
    tickets = re.findall(r'data-t="([^"]+)"><title>([^<]+)<', svg)
    assert {name for names, _ in tickets for name in names.split("|")} == set(timeline.tickets)
    for names, title in tickets:
        first, *_, last = names.split("|")
        assert title.startswith(f"{first} … {last}, {len(names.split('|'))} tickets: ")
    # Whoever looks for one of them finds it.
    marked = replace(drawing, on="DM-3").bars(row, timeline)
    assert marked.count(' on"') == sum("DM-3" in names.split("|") for names, _ in tickets)

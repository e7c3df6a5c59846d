"""Timelines as a picture: SVG that fits any width.

Nothing has a style of its own but in `embed`: the page's stylesheet knows the
classes.  So the page needs no inline style, and its policy can forbid it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from itertools import pairwise
from textwrap import wrap

from ...model.impacts import Effect
from ...model.number_ranges import ranges_in
from ...model.results.timelines import ChainTimeline, TimelinesDrawn
from ...model.timelines import NOTHING, Interval, Standing, Timeline, TimelineRow
from ..printable import printable
from .marks import Mark, few_enough, marks_of
from .ordinal import side_by_side
from .span import Span, Tick, span_of
from .tints import tints_of
from .untold import heading, told_once, untold
from .words import (
    bar_label,
    in_words,
    interval_in_words,
    moment,
    number_of,
    row_label,
    several_in_words,
    ticket_name,
)

__all__ = ["BEFORE_AND_AFTER", "SIDE_BY_SIDE", "Change", "Drawing", "Row", "as_svg", "changes", "embed"]

_HIGH = 15
"""Pixels of a bar."""

_TOP = 2
"""Pixels above it."""

_LINE = 18
"""Pixels from one bar to the next."""

_SECOND = 1_000_000_000
"""Nanoseconds."""

_LETTER = 6.6
"""Pixels of a letter of a label, of those that take most."""

_WIDTHS = (("l1", 320), ("l2", 640), ("z2", 1280), ("z5", 3200), ("z10", 6400))
"""Classes of labels, each with the least width in pixels of a picture in which
they are shown: on a telephone, on a screen, and zoomed 2, 5 and 10 times."""


BEFORE_AND_AFTER = {
    Effect.LOST: "✗ lost",
    Effect.REVERTED: "↶ reverted",
    Effect.REPLACED: "→ replaced",
    Effect.NEWLY_COVERED: "+ newly covered",
    Effect.SAME_CONTENT: "= same content",
}
"""Of a pair of which one comes after the other."""

SIDE_BY_SIDE = {
    Effect.LOST: "✗ only above",
    Effect.REVERTED: "≠ differs",
    Effect.REPLACED: "≠ differs",
    Effect.NEWLY_COVERED: "+ only below",
    Effect.SAME_CONTENT: "= same content",
}
"""Of a pair of two places: nothing was lost there, and nothing came."""


@dataclass(frozen=True)
class Change:
    """A span in which something else wins than before."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI."""

    effect: Effect
    """What becomes of lookups; of several the gravest."""

    before: Interval | None
    after: Interval | None


@dataclass(frozen=True)
class Drawing:
    """Timelines that are shown together: same span, same tints."""

    span: Span
    tints: Mapping[str, int]

    words: Mapping[Effect, str]
    """What stands below a pair where something else wins."""

    join_below: float = 0
    """Share of the width below which neighbours become one mark."""

    on: str = ""
    """The ticket whose bars are marked; empty: none is."""

    @classmethod
    def of(cls, *timelines: Timeline, words: Mapping[Effect, str] | None = None) -> Drawing:
        """Return a drawing of some timelines, wide enough for all.

        Parameters
        ----------
        timelines
            What is drawn.
        words
            What stands below pairs; those of before and after unless told.
        """
        return cls(span_of(timelines), tints_of(timelines), words or BEFORE_AND_AFTER)

    def within(self, span: Span) -> Drawing:
        """Return it for another span of time, with the same tints."""
        return replace(self, span=span)

    def with_at_most(self, marks: int, *timelines: Timeline) -> Drawing:
        """Return it with neighbours drawn as one, where they are very many.

        Parameters
        ----------
        marks
            How many there should be in all rows; what is found for nobody is
            never joined, so there may be more.
        timelines
            What is drawn.
        """
        rows = [row.intervals for timeline in timelines for row in timeline.rows]
        return replace(self, join_below=few_enough(rows, self.span, marks))

    @property
    def joins(self) -> bool:
        """Whether a bar may stand for several tickets."""
        return self.join_below > 0

    @cached_property
    def _ticks(self) -> Sequence[Tick]:
        # All rows have the same.
        return tuple(self.span.ticks())

    def axis(self) -> str:
        """Return the axis: where months or years begin."""
        parts = [*self._lines(_HIGH)]
        for index, tick in enumerate(self._ticks):
            kind = "ax"
            # A narrow picture has room for every second one.
            if index % 2:
                kind = "ax opt"
            x = self.span.percent(tick.moment)
            parts.append(f'<text class="{kind}" x="{x}" dx="3" y="11">{escape(tick.label)}</text>')
        body = "".join(parts)
        # Whoever reads the page by script knows which moment is where.
        span = f'data-from="{self.span.begin // _SECOND}" data-until="{self.span.end // _SECOND}"'
        return f'<svg width="100%" height="{_HIGH}" {span}>{body}</svg>'

    def bars(self, row: TimelineRow, timeline: Timeline) -> str:
        """Return a row: a bar for each interval, dots where nothing is found.

        Parameters
        ----------
        row
            The row.
        timeline
            Whose it is.
        """
        body = "".join([*self._lines(_LINE + 1), *self._bars(row.intervals, timeline, _TOP)])
        label = escape(f"{row_label(row)}. {in_words(timeline, row.intervals[:_SPOKEN])}")
        return f'<svg role="img" aria-label="{label}" width="100%" height="{_LINE + 1}">{body}</svg>'

    def pair(
        self,
        before: TimelineRow | None,
        after: TimelineRow | None,
        timelines: tuple[Timeline, Timeline],
        names: tuple[str, str],
    ) -> str:
        """Return a row before and after a change, and what becomes of it.

        Parameters
        ----------
        before, after
            The row; `None`: there is none.
        timelines
            Whose they are.
        names
            What the two are called.
        """
        changing = changes(before, after, timelines)
        parts = [*self._lines(3 * _LINE + 4)]
        spoken: list[str] = []
        for index, row in enumerate((before, after)):
            timeline = timelines[index]
            intervals: Sequence[Interval] = ()
            if row:
                intervals = row.intervals
            y = _TOP + index * _LINE
            parts.append("<g>")
            if index:
                cut = list(_cut(intervals, changing))
                parts.extend(self._bars(cut, timeline, y, changed=changing))
            else:
                parts.extend(self._bars(intervals, timeline, y))
            parts.append("</g>")
            spoken.append(f"{names[index]}: {in_words(timeline, intervals[:_SPOKEN]) or 'nothing'}")
        for change in changing:
            parts.append(self._bracket(change, timelines))
        label = escape(". ".join(spoken))
        body = "".join(parts)
        return f'<svg role="img" aria-label="{label}" width="100%" height="{3 * _LINE + 4}">{body}</svg>'

    def why(self, row: TimelineRow, timeline: Timeline, stack: Sequence[Standing]) -> str:
        """Return why a row wins where it wins: each certification a line.

        Parameters
        ----------
        row
            What a lookup gets; it stands below the lines.
        timeline
            Whose it is.
        stack
            What is certified, in search order.
        """
        high = 11
        bottom = len(stack) * high + 4
        parts = [*self._lines(bottom + _LINE + 1)]
        for index, standing in enumerate(stack):
            y = index * high + 8
            parts.append(self._standing(standing, y))
        parts.extend(self._bars(row.intervals, timeline, bottom + _TOP))
        spoken = [f"{standing.ticket} {'wins' if standing.wins else 'never wins'}" for standing in stack]
        label = escape(f"{row_label(row)}. {'. '.join(spoken)}")
        height = bottom + _LINE + 1
        return f'<svg role="img" aria-label="{label}" width="100%" height="{height}">{"".join(parts)}</svg>'

    def _standing(self, standing: Standing, y: int) -> str:
        kind = "cert"
        if not standing.wins:
            kind = "cert never"
        parts = [f'<g class="{kind}" data-t="{escape(printable(standing.ticket))}">']
        ranges = ", ".join(f"{moment(begin)} → {moment(end)}" for begin, end in standing.ranges)
        words = "wins" if standing.wins else "never wins"
        parts.append(
            f"<title>{escape(f'{printable(standing.ticket)}, certified {ranges} TAI: {words}')}</title>"
        )
        for begin, end in standing.ranges:
            x1, x2 = self.span.percent(begin), self.span.percent(end)
            parts.append(f'<line class="cand" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>')
        for begin, end in standing.wins:
            x1, x2 = self.span.percent(begin), self.span.percent(end)
            parts.append(f'<line class="win" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>')
        first = min((begin for begin, _ in standing.ranges), default=self.span.begin)
        x = self.span.percent(first)
        label = bar_label(standing.ticket)
        if not standing.wins:
            label += " never"
        # Left of its line, and right of its begin where there is no room.
        anchor, shift = "end", -4
        if self.span.share(first) * _WIDTHS[0][1] < len(label) * _LETTER + 8:
            anchor, shift = "start", 4
        place = f'x="{x}" dx="{shift}" y="{y + 3}" text-anchor="{anchor}"'
        parts.append(f'<text class="who" {place}>{escape(label)}</text></g>')
        return "".join(parts)

    def _lines(self, height: int) -> Iterator[str]:
        for tick in self._ticks:
            x = self.span.percent(tick.moment)
            kind = "yr" if tick.is_year else "mo"
            yield f'<line class="{kind}" x1="{x}" x2="{x}" y1="0" y2="{height}"/>'

    def _bars(
        self,
        intervals: Sequence[Interval],
        timeline: Timeline,
        y: int,
        *,
        changed: Sequence[Change] | None = None,
    ) -> Iterator[str]:
        """Yield bars; where `changed` is given, all else is outlined only."""
        yield from self._gaps(intervals, y)
        # What changes and what stays are never one bar.
        apart: list[int] = []
        for change in changed or ():
            apart += (change.begin, change.end)
        for mark in marks_of(intervals, self.span, self.join_below, frozenset(apart)):
            is_same = changed is not None and not any(
                change.begin <= mark.begin and mark.end <= change.end for change in changed
            )
            if len(mark.intervals) > 1:
                yield self._several(mark, timeline, y, is_same=is_same)
                continue
            (interval,) = mark.intervals
            yield self._bar(interval, timeline, y, is_same=is_same)

    def _several(self, mark: Mark, timeline: Timeline, y: int, *, is_same: bool) -> str:
        """Return one bar for several tickets, too short to be told apart."""
        # In their order, each once.
        names: dict[str, None] = {}
        for interval in mark.intervals:
            names[timeline.tickets[interval.ticket]] = None
        classes = ["seg", "many", f"t{self.tints.get(next(iter(names)), 0)}"]
        if self.on in names:
            classes.append("on")
        if is_same:
            classes.append("same")
        words = several_in_words(timeline, mark.intervals)
        spelled = "|".join(escape(printable(name)) for name in names)
        parts = [self._rectangle(classes, spelled, words, mark.begin, mark.end, y)]
        if any(interval.odd for interval in mark.intervals):
            parts.append(self._edge(mark.begin, mark.end, y))
        parts.append("</g>")
        return "".join(parts)

    def _edge(self, begin: int, end: int, y: int) -> str:
        """Return what says that something else wins for some detectors."""
        edge = y + _HIGH - 1
        x1, x2 = self.span.percent(begin), self.span.percent(end)
        return f'<line class="edge" x1="{x1}" x2="{x2}" y1="{edge}" y2="{edge}"/>'

    def _rectangle(self, classes: Sequence[str], names: str, words: str, begin: int, end: int, y: int) -> str:
        """Return the beginning of a bar: what it says, and where it is."""
        x = self.span.percent(begin)
        width = self.span.width(begin, end)
        # What is written of a bar once is its title: all else is drawn.
        return (
            f'<g class="{" ".join(classes)}" data-t="{names}"><title>{escape(words)}</title>'
            f'<rect x="{x}" width="{width}" y="{y}" height="{_HIGH}"/>'
            # A white line parts neighbours of one tint.
            f'<line class="cut" x1="{x}" x2="{x}" y1="{y}" y2="{y + _HIGH}"/>'
        )

    def _bar(self, interval: Interval, timeline: Timeline, y: int, *, is_same: bool) -> str:
        # Whoever reads the page by script knows a bar by its ticket.
        classes = ["seg"]
        name = ""
        if interval.ticket == NOTHING:
            classes.append("none")
        else:
            name = timeline.tickets[interval.ticket]
            classes.append(f"t{self.tints.get(name, 0)}")
        if interval.odd:
            classes.append("odd")
        if name and name == self.on:
            classes.append("on")
        if is_same:
            classes.append("same")
        x = self.span.percent(interval.begin)
        words = interval_in_words(timeline, interval)
        spelled = escape(printable(name))
        parts = [self._rectangle(classes, spelled, words, interval.begin, interval.end, y)]
        if interval.odd:
            parts.append(self._edge(interval.begin, interval.end, y))
        if not is_same:
            parts.append(self._label(interval, name, x, y))
        parts.append("</g>")
        return "".join(parts)

    def _label(self, interval: Interval, name: str, x: str, y: int) -> str:
        """Return the label of a bar; empty where it never has the room."""
        label = bar_label(name)
        if interval.odd:
            number = sum(number_of(odd.detectors) for odd in interval.odd)
            # How many are odd is seen without pointing at it.
            label = f"{label} +{number}".strip()
        share = self.span.share(interval.end) - self.span.share(interval.begin)
        needed = len(label) * _LETTER + 8
        for kind, width in _WIDTHS:
            if share * width >= needed:
                return f'<text class="{kind}" x="{x}" dx="4" y="{y + 11}">{escape(label)}</text>'
        return ""

    def _gaps(self, intervals: Sequence[Interval], y: int) -> Iterator[str]:
        gaps: list[tuple[int, int]] = []
        if not intervals:
            # A row that one side lacks finds nothing at all.
            gaps.append((self.span.begin, self.span.end))
        else:
            gaps.append((self.span.begin, intervals[0].begin))
            gaps.extend(each[:2] for each in intervals if each.ticket == NOTHING)
            gaps.append((intervals[-1].end, self.span.end))
        middle = y + _HIGH / 2
        for begin, end in gaps:
            begin, end = max(begin, self.span.begin), min(end, self.span.end)
            if begin >= end:
                continue
            x1, x2 = self.span.percent(begin), self.span.percent(end)
            words = f"nothing is found: {moment(begin)} → {moment(end)} TAI"
            if begin == self.span.begin:
                words = f"nothing is found before {moment(end)} TAI"
            if end == self.span.end:
                words = f"nothing is found from {moment(begin)} TAI on"
            yield f'<g class="gap"><title>{escape(words)}</title>'
            yield f'<line x1="{x1}" x2="{x2}" y1="{middle:g}" y2="{middle:g}"/></g>'

    def _bracket(self, change: Change, timelines: tuple[Timeline, Timeline]) -> str:
        x1, x2 = self.span.percent(change.begin), self.span.percent(change.end)
        y = 2 * _LINE + 6
        effect = change.effect
        kind = effect.value.replace(" ", "-")
        old, new = "nothing", "nothing"
        if change.before:
            old = ticket_name(timelines[0], change.before.ticket)
        if change.after:
            new = ticket_name(timelines[1], change.after.ticket)
        mark, _, word = self.words[effect].partition(" ")
        words = f"{word}: {old} → {new}, {moment(change.begin)} → {moment(change.end)} TAI"
        parts = [f'<g class="chg {kind}"><title>{escape(words)}</title>']
        parts.append(f'<line x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>')
        # However short it is, its begin is a mark that can be seen.
        parts.append(f'<line class="mark" x1="{x1}" x2="{x1}" y1="{y - 4}" y2="{y + 1}"/>')
        parts.append(f'<line x1="{x2}" x2="{x2}" y1="{y - 4}" y2="{y}"/>')
        # Below its begin, and left of its end where there is no room.
        place = f'x="{x1}" dx="2"'
        if (1 - self.span.share(change.begin)) * _WIDTHS[0][1] < (len(word) + 2) * _LETTER + 8:
            place = f'x="{x2}" dx="-2" text-anchor="end"'
        parts.append(f'<text {place} y="{y + 12}">{mark} {escape(word)}</text></g>')
        return "".join(parts)


_SPOKEN = 12
"""Intervals that are read out; the table has all."""


def changes(
    before: TimelineRow | None, after: TimelineRow | None, timelines: tuple[Timeline, Timeline]
) -> list[Change]:
    """Return where something else wins for any detector, joined.

    Parameters
    ----------
    before, after
        The row; `None`: there is none.
    timelines
        Whose they are.
    """
    edges: set[int] = set()
    for row in (before, after):
        if row:
            for interval in row.intervals:
                edges.update(interval[:2])
    searched = frozenset(timelines[0].tickets)
    changing: list[Change] = []
    for begin, end in pairwise(sorted(edges)):
        old = before.interval(begin) if before else None
        new = after.interval(begin) if after else None
        if _named(old, timelines[0]) == _named(new, timelines[1]):
            continue
        wins = (_wins(before, old, timelines[0]), _wins(after, new, timelines[1]))
        effect = _effect(*wins, searched)
        # The same may be told in other words.
        if effect is None:
            continue
        change = Change(begin, end, effect, old, new)
        if changing and changing[-1].end == begin and changing[-1].effect is effect:
            change = replace(changing.pop(), end=end)
        changing.append(change)
    return changing


def _named(interval: Interval | None, timeline: Timeline) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what wins, by names: two timelines number their tickets apart."""
    if interval is None:
        return "", ()
    odd = tuple((_name(timeline, each.ticket), each.detectors) for each in interval.odd)
    return _name(timeline, interval.ticket), odd


def _name(timeline: Timeline, ticket: int) -> str:
    if ticket == NOTHING:
        return ""
    return timeline.tickets[ticket]


def _wins(row: TimelineRow | None, interval: Interval | None, timeline: Timeline) -> Mapping[int, str]:
    """Return what wins for each detector; one that knows none is 0."""
    if row is None or interval is None:
        return {}
    wins: dict[int, str] = {}
    most = _name(timeline, interval.ticket)
    for numbers in ranges_in(row.detectors or "0"):
        for number in numbers:
            wins[number] = most
    for odd in interval.odd:
        ticket = _name(timeline, odd.ticket)
        for numbers in ranges_in(odd.detectors):
            for number in numbers:
                wins[number] = ticket
    return wins


def _effect(before: Mapping[int, str], after: Mapping[int, str], searched: frozenset[str]) -> Effect | None:
    """Return what becomes of most lookups that change, as `impact` calls it.

    `None`: none changes.
    """
    changed: Counter[tuple[str, str]] = Counter()
    for detector in sorted({*before, *after}):
        old, new = before.get(detector, ""), after.get(detector, "")
        if old != new:
            changed[old, new] += 1
    if not changed:
        return None
    # A picture has one word.
    ((old, new), _) = changed.most_common(1)[0]
    if not new:
        return Effect.LOST
    if not old:
        return Effect.NEWLY_COVERED
    if new in searched:
        return Effect.REVERTED
    return Effect.REPLACED


def _cut(intervals: Iterable[Interval], changing: Sequence[Change]) -> Iterator[Interval]:
    """Yield intervals, cut where a change begins or ends."""
    edges = sorted({edge for change in changing for edge in (change.begin, change.end)})
    for interval in intervals:
        begin = interval.begin
        for edge in edges:
            if begin < edge < interval.end:
                yield interval._replace(begin=begin, end=edge)
                begin = edge
        yield interval._replace(begin=begin)


_STYLE = """
svg{font:11px "DejaVu Sans","Noto Sans",system-ui,sans-serif;background:#fff;color:#1b1b1b}
text{fill:currentColor}.mo{stroke:#d8d8d8}.yr{stroke:#8a8a8a}.t0 rect{fill:#c3d3e3}.t1 rect{fill:#e3eaf1}
.t2 rect{fill:#a9c0d6}.none rect{fill:none}.cut{stroke:#fff;stroke-width:2}.edge{stroke:#1b1b1b}
.gap line{stroke:#8a8a8a;stroke-dasharray:2 4}.same rect{fill:none;stroke:#d8d8d8}
.same .cut,.z2,.z5,.z10{display:none}
.chg line{stroke:#a8380a;stroke-width:1.5}.chg .mark{stroke-width:3}.chg text{fill:#a8380a;font-weight:700}
.chg.reverted line{stroke:#0b4f9c}.chg.reverted text{fill:#0b4f9c}
@media (prefers-color-scheme:dark){svg{background:#15181b;color:#e8e8e8}.mo{stroke:#34393f}
.t0 rect{fill:#33506b}.t1 rect{fill:#22354a}.t2 rect{fill:#43688a}.cut{stroke:#15181b}.edge{stroke:#e8e8e8}
.same rect{stroke:#34393f}.chg line{stroke:#ff9a6b}.chg text{fill:#ff9a6b}
.chg.reverted line{stroke:#8fc1ff}.chg.reverted text{fill:#8fc1ff}}
""".strip()

_WIDE = 960
"""Pixels of a picture that stands by itself."""

_LABELS = 200
"""Pixels of its labels."""


_LETTERS = 138
"""Letters of a line that goes from one edge to the other."""


@dataclass(frozen=True)
class Row:
    """A row of a picture that stands by itself."""

    words: str
    """Its label, or a line of text."""

    high: int
    """Pixels that it takes."""

    picture: str = '<svg width="100%" height="1"></svg>'
    """As `Drawing` draws it."""

    is_bold: bool = True


def embed(rows: Sequence[Row], drawing: Drawing, title: str) -> str:
    """Return a picture that stands by itself, and follows dark mode.

    Parameters
    ----------
    rows
        What is shown, from the top.
    drawing
        Whose axis stands above them.
    title
        What the picture is of.
    """
    width = _WIDE - _LABELS
    parts: list[str] = []
    y = 4
    axis = drawing.axis().replace("<svg ", f'<svg x="{_LABELS}" y="{y}" ').replace("100%", str(width), 1)
    parts.append(axis)
    y += _LINE
    for row in rows:
        weight = ' font-weight="600"' if row.is_bold else ""
        parts.append(f'<text x="4" y="{y + 13}"{weight}>{escape(row.words)}</text>')
        placed = row.picture.replace("<svg ", f'<svg x="{_LABELS}" y="{y}" ', 1)
        parts.append(placed.replace('width="100%"', f'width="{width}"', 1))
        y += row.high
    height = y + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{height}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<rect width="100%" height="100%" fill="none"/>{"".join(parts)}</svg>\n'
    )


def as_svg(result: TimelinesDrawn) -> Iterator[str]:
    """Yield a picture of timelines that stands by itself."""
    shown: list[Timeline] = []
    for chain in result.chains:
        shown.append(chain.timeline)
        if chain.before:
            shown.append(chain.before)
    drawing = Drawing.of(*shown)
    rows: list[Row] = []
    for words, chain, same in told_once((heading(chain), chain) for chain in result.chains):
        rows.extend(_above(words, chain, same))
        if same:
            continue
        if chain.before is None or result.base is None:
            for row in chain.timeline.rows:
                rows.append(Row(row_label(row), _LINE + 1, drawing.bars(row, chain.timeline)))
            continue
        timelines = (chain.before, chain.timeline)
        for dataset_type, filter, old, new in side_by_side(*timelines):
            label = f"{dataset_type} {filter}".strip()
            if changes(old, new, timelines):
                picture = drawing.pair(old, new, timelines, (result.base, "now"))
                rows.append(Row(label, 3 * _LINE + 6, picture))
    # Who meets the picture alone learns what it is of.
    title = f"Which ticket wins when: {result.of}"
    if result.base is not None:
        title += f", compared with {result.base}"
    yield embed(rows, drawing, title).rstrip("\n")


def _above(words: str, chain: ChainTimeline, same: str) -> Iterator[Row]:
    """Yield what stands above the rows of a chain, or in their place."""
    for line in wrap(words, _LETTERS):
        yield Row(line, _LINE + 6)
    # A picture goes where nobody reads what stood beside it.
    sentences = (same,) if same else untold(chain)
    for sentence in sentences:
        for line in wrap(sentence, _LETTERS):
            yield Row(line, _LINE, is_bold=False)

"""What a change does, for the people who review it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from rich.text import Text

from ..model.impacts import Affected, Change, Effect, Via
from ..model.results.impacts import ImpactReport
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound
from .data_ids import folded
from .impact_blocks import Block, PlacedChange, StepsAt, blocks
from .impact_summary import STYLES, reach, summary
from .markdown import details, row, safe
from .messages import below, count, counted
from .touched import touched_by

__all__ = ["as_markdown", "as_text"]

_WIDE = 15
"""Width of the words that a summary begins its lines with."""

_MOST_EXPOSURES = 3
"""Exposures with failing lookups that are named."""


def as_text(report: ImpactReport) -> Iterator[Text]:
    """Yield a report for a terminal."""
    title = _title(report)
    yield Text(title, "bold")
    for entry in summary(report):
        label = entry.label.ljust(_WIDE)
        yield Text.assemble(
            "  ",
            (label, entry.style),
            (entry.text, "default"),
        )
    impact = report.impact
    for block in blocks(impact.chains):
        # What was done to the chains stands above what follows from it.
        for steps in block.steps:
            yield Text("")
            yield Text(steps.where, "bold")
            yield from _step_lines("+", "green", steps.entered)
            yield from _step_lines("-", "red", steps.left)
            yield from _step_lines("~", "yellow", steps.moved)
        # They are of all these chains, not of the last one alone.
        if len(block.steps) > 1:
            yield Text("")
            yield Text("Lookups through these chains", "bold")
        for placed in block.changes[: report.most]:
            yield from _change_lines(report, block, placed)
        rest = _not_shown(report, block)
        if rest:
            yield below(rest, "dim")
    if impact.exposures:
        yield from _exposure_lines(impact.exposures)


def as_markdown(report: ImpactReport) -> Iterator[str]:
    """Yield a report for a pull request."""
    # The commit may be a link, and is the only one: all else is by anybody.
    commit = report.commit[:10]
    title = safe(_title(report), link=commit)
    yield f"**{title}**\n"
    for entry in summary(report):
        label = entry.label
        text = safe(entry.text)
        yield f"- **{label}** {text}"
    for block in blocks(report.impact.chains):
        for steps in block.steps:
            yield ""
            yield _steps_in_a_line(steps)
        if block.changes:
            yield from _change_table(report, block)
    nights = report.nights
    if not nights:
        return
    yield "\n| observing day | exposures that change |\n|---|---:|"
    for night, number in nights.items():
        day = str(night)
        exposures = str(number)
        yield row(day, exposures)


def _title(report: ImpactReport) -> str:
    changed = report.of
    base = report.base
    title = f"Impact of {changed}, compared with {base}"
    live = report.live
    if live:
        title += f"; seen at {live}"
    return title


# --- chains and their changes ---


def _steps_in_a_line(steps: StepsAt) -> str:
    """Say what was done to chains, as Markdown."""
    marked = {
        "+": steps.entered,
        "-": steps.left,
        "~": steps.moved,
    }
    words = []
    for mark, names in marked.items():
        for name in names:
            words.append(f"`{mark} {name}`")
    what = " ".join(words) or "by a chain within it"
    return f"{safe(steps.where)}: {what}"


def _step_lines(
    mark: str,
    style: str,
    names: Iterable[str],
) -> Iterator[Text]:
    """Yield what enters a chain, leaves it, or moves within it."""
    for name in names:
        yield Text(f"  {mark} {name}", style)


def _change_lines(
    report: ImpactReport,
    block: Block,
    placed: PlacedChange,
) -> Iterator[Text]:
    """Yield which lookups change, where, when, and what they find."""
    change = placed.change
    effect = change.effect
    dataset_type = change.dataset_type
    data_ids = folded(
        change.data_ids,
        block.instrument,
        report.detectors,
    )
    yield Text.assemble(
        "  ",
        (effect.value, STYLES[effect]),
        (f"  {dataset_type}  {data_ids}", "default"),
    )
    when = _range(change)
    direction = reach(report, [change])
    before = _via(change.before)
    after = _via(change.after)
    if placed.where:
        yield Text(f"    where   {placed.where}")
    yield Text(f"    {when}, {direction}")
    yield Text(f"    before  {before}", "dim")
    yield Text(f"    after   {after}")
    touched = touched_by(report, placed)
    if touched:
        yield Text(f"    exposures {touched}")


def _change_table(report: ImpactReport, block: Block) -> Iterator[str]:
    """Yield the changes of some chains, folded under how many there are."""
    changes = block.changes
    effects = [placed.change.effect for placed in changes]
    numbers = counted(effects, Effect)
    title = ", ".join(numbers)
    yield details(title)
    columns = ["lookups", "becomes", "range (TAI)", "reaches", "before", "after"]
    # Where all is the same everywhere, nobody has to read where it is so.
    differs = any(placed.where for placed in changes)
    if differs:
        columns.insert(2, "where")
    if report.touched:
        columns.append("exposures")
    yield row(*columns)
    yield "|" + "---|" * len(columns)
    # The gravest come first, so that what is cut off weighs least.
    for placed in changes[: report.most]:
        cells = _cells(report, block, placed.change)
        if differs:
            cells.insert(2, placed.where or "all")
        if report.touched:
            cells.append(touched_by(report, placed))
        yield row(*cells)
    rest = _not_shown(report, block)
    if rest:
        yield f"\n{rest}"
    yield "\n</details>"


def _cells(
    report: ImpactReport,
    block: Block,
    change: Change,
) -> list[str]:
    """Return the cells of a change in a table."""
    data_ids = folded(
        change.data_ids,
        block.instrument,
        report.detectors,
    )
    direction = reach(report, [change])
    return [
        f"{change.dataset_type} {data_ids}",
        change.effect.value,
        _range(change),
        direction,
        _via(change.before),
        _via(change.after),
    ]


def _not_shown(report: ImpactReport, block: Block) -> str:
    """Say how many changes are not shown; empty: all are."""
    more = len(block.changes) - report.most
    if more <= 0:
        return ""
    number = count(more, "change")
    return f"… and {number} more; --format json has all"


def _range(change: Change) -> str:
    """Say when lookups change, in TAI."""
    begin = format_bound(change.begin)
    end = format_bound(change.end)
    has_begin = change.begin != UNBOUNDED_BEGIN
    has_end = change.end != UNBOUNDED_END
    if has_begin and has_end:
        return f"from {begin} until {end}"
    if has_begin:
        return f"from {begin} on"
    if has_end:
        return f"until {end}"
    return "at all times"


def _via(via: Via | None) -> str:
    """Return the collection in which a lookup finds what it gets."""
    if via is None:
        return "nothing"
    return via.collection


# --- the exposures ---


def _exposure_lines(exposures: Sequence[Affected]) -> Iterator[Text]:
    """Yield which exposures would be calibrated otherwise, by night."""
    number_of_exposures = len(exposures)
    number = count(number_of_exposures, "exposure")
    yield Text("")
    yield Text(f"{number} would be calibrated otherwise", "bold")
    # Worse than another calibration is none: such exposures fail to process.
    failing = [exposure for exposure in exposures if exposure.ambiguous]
    if failing:
        sentence = _failing(failing)
        yield below(sentence, "red")
    # Exposures are in order, so that those of a night stand together.
    by_night = groupby(exposures, key=attrgetter("day_obs"))
    for night, group in by_night:
        total = 0
        numbers: Counter[str] = Counter()
        for exposure in group:
            total += 1
            numbers.update(exposure.dataset_types)
        parts = []
        for dataset_type in sorted(numbers):
            number_of_type = numbers[dataset_type]
            parts.append(f"{dataset_type} {number_of_type}")
        types = ", ".join(parts)
        yield Text(f"  {night}  {total} ({types})")


def _failing(exposures: Sequence[Affected]) -> str:
    """Say which lookups fail for exposures across a seam."""
    dataset_types: set[str] = set()
    for exposure in exposures:
        dataset_types.update(exposure.ambiguous)
    types = ", ".join(sorted(dataset_types))
    # A few numbers are enough to look one of them up.
    shown = []
    for exposure in exposures[:_MOST_EXPOSURES]:
        number_of_exposure = str(exposure.exposure)
        shown.append(number_of_exposure)
    if len(exposures) > _MOST_EXPOSURES:
        shown.append("…")
    numbers = ", ".join(shown)
    number = count(exposures, "exposure")
    return (
        f"lookups of {types} fail for {number} ({numbers}): each "
        "reaches into two certifications of one collection, and the butler refuses to choose"
    )

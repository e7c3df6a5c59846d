"""What a change does, for the people who review it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.text import Text

from ..model.impacts import Affected, ChainImpact, Change, Effect, Via
from ..model.results.impacts import ImpactReport
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound
from .data_ids import folded
from .impact_summary import STYLES, reach, summary
from .markdown import details, row, safe
from .messages import count, counted

__all__ = ["as_markdown", "as_text"]

_WIDE = 15
"""Width of the words that a summary begins its lines with."""

_MOST_EXPOSURES = 3
"""Exposures with failing lookups that are named."""


def as_text(report: ImpactReport) -> Iterator[Text]:
    """Yield a report for a terminal."""
    yield Text(_title(report), "bold")
    for entry in summary(report):
        label = entry.label.ljust(_WIDE)
        yield Text.assemble(
            "  ",
            (label, entry.style),
            (entry.text, "default"),
        )
    for chain in report.impact.chains:
        yield Text("")
        yield Text(_where(chain), "bold")
        yield from _step_lines("+", "green", chain.entered)
        yield from _step_lines("-", "red", chain.left)
        yield from _step_lines("~", "yellow", chain.moved)
        for change in chain.changes[: report.most]:
            yield from _change_lines(report, chain, change)
        rest = _not_shown(report, chain)
        if rest:
            yield Text(f"  {rest}", "dim")
    if report.impact.exposures:
        yield from _exposure_lines(report.impact.exposures)


def as_markdown(report: ImpactReport) -> Iterator[str]:
    """Yield a report for a pull request."""
    title = _title(report)
    title = safe(title, link=report.commit[:10])
    yield f"**{title}**\n"
    for entry in summary(report):
        text = safe(entry.text)
        yield f"- **{entry.label}** {text}"
    for chain in report.impact.chains:
        where = safe(_where(chain))
        steps = [f"`+ {name}`" for name in chain.entered]
        steps += [f"`- {name}`" for name in chain.left]
        steps += [f"`~ {name}`" for name in chain.moved]
        what = " ".join(steps) or "by a chain within it"
        yield ""
        yield f"{where}: {what}"
        if chain.changes:
            yield from _change_table(report, chain)
    nights = report.nights
    if nights:
        yield "\n| observing day | exposures that change |\n|---|---:|"
        for night, number in nights.items():
            yield row(str(night), str(number))


def _title(report: ImpactReport) -> str:
    title = f"Impact of {report.of}, compared with {report.base}"
    if report.live:
        title += f"; seen at {report.live}"
    return title


# --- a chain and its changes ---


def _where(chain: ChainImpact) -> str:
    """Name the chains that change alike, each with its repositories."""
    by_name: dict[str, list[str]] = {}
    for address, name in chain.chains:
        addresses = by_name.setdefault(name, [])
        addresses.append(address)
    places = []
    for name, addresses in by_name.items():
        repositories = ", ".join(addresses)
        places.append(f"{name} at {repositories}")
    return "; ".join(places)


def _step_lines(mark: str, style: str, names: Iterable[str]) -> Iterator[Text]:
    """Yield what enters a chain, leaves it, or moves within it."""
    for name in names:
        yield Text(f"  {mark} {name}", style)


def _change_lines(report: ImpactReport, chain: ChainImpact, change: Change) -> Iterator[Text]:
    """Yield which lookups change, when, and what they find."""
    effect = change.effect
    data_ids = folded(change.data_ids, chain.instrument, report.detectors)
    yield Text.assemble(
        "  ",
        (effect.value, STYLES[effect]),
        (f"  {change.dataset_type}  {data_ids}", "default"),
    )
    when = _range(change)
    direction = reach(report, [change])
    before = _via(change.before)
    after = _via(change.after)
    yield Text(f"    {when}, {direction}")
    yield Text(f"    before  {before}", "dim")
    yield Text(f"    after   {after}")


def _change_table(report: ImpactReport, chain: ChainImpact) -> Iterator[str]:
    """Yield the changes of a chain, folded under how many there are."""
    numbers = counted(
        (change.effect for change in chain.changes),
        Effect,
    )
    yield details(", ".join(numbers))
    yield "| lookups | becomes | range (TAI) | reaches | before | after |"
    yield "|---|---|---|---|---|---|"
    for change in chain.changes[: report.most]:
        data_ids = folded(change.data_ids, chain.instrument, report.detectors)
        yield row(
            f"{change.dataset_type} {data_ids}",
            change.effect.value,
            _range(change),
            reach(report, [change]),
            _via(change.before),
            _via(change.after),
        )
    rest = _not_shown(report, chain)
    if rest:
        yield f"\n{rest}"
    yield "\n</details>"


def _not_shown(report: ImpactReport, chain: ChainImpact) -> str:
    """Say how many changes are not shown; empty: all are."""
    more = len(chain.changes) - report.most
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
    if via is None:
        return "nothing"
    return via.collection


# --- the exposures ---


def _exposure_lines(exposures: Sequence[Affected]) -> Iterator[Text]:
    """Yield which exposures would be calibrated otherwise, by night."""
    number = count(len(exposures), "exposure")
    yield Text("")
    yield Text(f"{number} would be calibrated otherwise", "bold")
    failing = [exposure for exposure in exposures if exposure.ambiguous]
    if failing:
        sentence = _failing(failing)
        yield Text(f"  {sentence}", "red")
    for night, group in groupby(exposures, key=lambda exposure: exposure.day_obs):
        of_the_night = list(group)
        numbers: Counter[str] = Counter()
        for exposure in of_the_night:
            numbers.update(exposure.dataset_types)
        parts = []
        for dataset_type in sorted(numbers):
            number_of_type = numbers[dataset_type]
            parts.append(f"{dataset_type} {number_of_type}")
        types = ", ".join(parts)
        yield Text(f"  {night}  {len(of_the_night)} ({types})")


def _failing(exposures: Sequence[Affected]) -> str:
    """Say which lookups fail for exposures across a seam."""
    dataset_types: set[str] = set()
    for exposure in exposures:
        dataset_types.update(exposure.ambiguous)
    types = ", ".join(sorted(dataset_types))
    shown = []
    for exposure in exposures[:_MOST_EXPOSURES]:
        shown.append(str(exposure.exposure))
    if len(exposures) > _MOST_EXPOSURES:
        shown.append("…")
    numbers = ", ".join(shown)
    number = count(len(exposures), "exposure")
    return (
        f"lookups of {types} fail for {number} ({numbers}): each "
        "reaches into two certifications of one collection, and the butler refuses to choose"
    )

"""What a change does, for the people who review it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

from ..model.impacts import Affected, ChainImpact, Change, Effect, Impact, Shadowed, Unknown, Via
from ..model.results.impacts import ImpactReport
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound
from .data_ids import folded
from .markdown import details, row, safe
from .messages import at_line, count

__all__ = ["as_markdown", "as_text", "verdict"]

_STYLES = {
    Effect.LOST: "bold red",
    Effect.REVERTED: "yellow",
    Effect.REPLACED: "cyan",
    Effect.NEWLY_COVERED: "green",
}
_MEANING = {
    Effect.LOST: "nothing is found any more",
    Effect.REVERTED: "an older one is found, that was searched behind it",
    Effect.REPLACED: "one that was not searched before is found instead",
    Effect.NEWLY_COVERED: "nothing was found before",
}
_PAST = "into the past"
_FUTURE = "only in the future"
_WIDE = 15
"""Width of the words that a summary begins its lines with."""

_SHOWN_EXPOSURES = 3
"""Exposures with failing lookups that are named."""


@dataclass(frozen=True)
class _SummaryLine:
    """A line of the summary."""

    label: str
    style: str
    text: str


def as_text(report: ImpactReport) -> Iterator[Text]:
    """Yield a report for a terminal."""
    yield Text(_title(report), "bold")
    for entry in _summary(report):
        line = Text("  ")
        line.append(f"{entry.label:{_WIDE}}", entry.style)
        line.append(entry.text, "default")
        yield line
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
    title = safe(_title(report), link=report.commit[:10])
    yield f"**{title}**\n"
    for entry in _summary(report):
        yield f"- **{entry.label}** {safe(entry.text)}"
    for chain in report.impact.chains:
        yield ""
        yield f"{safe(_where(chain))}: {_steps(chain)}"
        if chain.changes:
            yield from _change_table(report, chain)
    nights = report.nights
    if nights:
        yield "\n| observing day | exposures that change |\n|---|---:|"
        for night, number in nights.items():
            yield row(str(night), str(number))


def verdict(report: ImpactReport) -> str:
    """Say in a line what a change does."""
    changes = report.impact.changes
    sentences = []
    for effect in Effect:
        alike = _having(effect, changes)
        if alike:
            sentences.append(f"{effect.value}: {_types(alike)}")
    unknown = set()
    for collection in _unknowns(report.impact):
        if collection.moved:
            unknown.add(collection.ticket or collection.collection)
    if unknown:
        names = ", ".join(sorted(unknown))
        sentences.append(f"not known what {names} changes")
    if changes:
        sentences.append(_reach(report, changes))
        # Of what is taken for empty nobody knows what it would have answered.
        if _taken_for_empty(report):
            sentences.append("not all is known")
    return "; ".join(sentences) or "no lookup changes"


def _title(report: ImpactReport) -> str:
    title = f"Impact of {report.of}, compared with {report.base}"
    if report.live:
        title += f"; seen at {report.live}"
    return title


# --- the summary ---


def _summary(report: ImpactReport) -> Iterator[_SummaryLine]:
    """Yield the few lines that come first."""
    impact = report.impact
    # What is not known comes first: it may be graver than all that is.
    yield from _unknown_lines(report)
    if not impact.changes:
        yield _SummaryLine("nothing", "green", _no_change(impact))
    for effect in Effect:
        alike = _having(effect, impact.changes)
        if alike:
            text = f"{_types(alike)}: {_MEANING[effect]}"
            yield _SummaryLine(effect.value, _STYLES[effect], text)
    if impact.changes:
        yield _reach_in_words(report)
    for shadowed in _shadowed_by_ticket(impact):
        yield _SummaryLine("shadowed", "yellow", _never(shadowed))
    for address in impact.gone:
        text = f"{address} any more; what is there stays as it is"
        yield _SummaryLine("not declared", "dim", text)
    empty = _taken_for_empty(report)
    if empty:
        yield _SummaryLine("not known", "dim", empty)


def _unknown_lines(report: ImpactReport) -> Iterator[_SummaryLine]:
    """Yield what nobody can tell from here, though it matters."""
    tickets = set()
    collections = []
    for unknown in _unknowns(report.impact):
        if unknown.moved and unknown.ticket:
            tickets.add(unknown.ticket)
        elif unknown.moved:
            collections.append(unknown.collection)
    for ticket in sorted(tickets):
        if report.live:
            advice = f"it is not at {report.live}, and not sealed"
        else:
            advice = f"seal it (calibstate seal {ticket}), or look where it is with --live SITE/REPOSITORY"
        yield _SummaryLine("unknown", "bold magenta", f"what {ticket} changes; {advice}")
    for collection in collections:
        if report.live:
            advice = f"it is not at {report.live}"
        else:
            advice = "others make it: look where it is with --live SITE/REPOSITORY"
        yield _SummaryLine("unknown", "bold magenta", f"what {collection} changes; {advice}")


def _no_change(impact: Impact) -> str:
    """Say that each lookup finds what it found, as far as is known."""
    sentence = "no lookup changes"
    for chain in impact.chains:
        if chain.entered or chain.left or chain.moved:
            sentence = "what is searched changes, but no lookup does"
    sentence += ": each finds what it found"
    if any(unknown.moved for unknown in _unknowns(impact)):
        sentence += ", as far as is known"
    return sentence


def _reach_in_words(report: ImpactReport) -> _SummaryLine:
    """Say whether what was observed already is calibrated otherwise."""
    changes = report.impact.changes
    until = format_bound(report.observed_until)
    if not report.reaches_back(changes):
        text = f"only: what was observed until {until} stays as it is"
        return _SummaryLine("in the future", "green", text)
    since = format_bound(min(change.begin for change in changes))
    which = f"from {since} " if since else ""
    text = f"what was observed {which}until {until} is calibrated otherwise"
    return _SummaryLine(_PAST, "bold yellow", text)


def _shadowed_by_ticket(impact: Impact) -> Iterator[list[Shadowed]]:
    """Yield what can never win any more, that of a ticket together."""
    # A collection may be shadowed in several chains, and is named once.
    by_name = {}
    for chain in impact.chains:
        for shadowed in chain.shadowed:
            by_name[shadowed.ticket, shadowed.collection] = shadowed
    ordered = [by_name[name] for name in sorted(by_name)]
    for _, alike in groupby(ordered, key=lambda shadowed: shadowed.ticket):
        yield list(alike)


def _never(shadowed: list[Shadowed]) -> str:
    """Say that a ticket, or collections of it, can never win any more."""
    first = shadowed[0]
    names = first.ticket
    if not first.whole:
        names = ", ".join(collection.collection for collection in shadowed)
    return f"{names} can never win any more{at_line(first.where)}"


def _unknowns(impact: Impact) -> list[Unknown]:
    """Return the collections whose content is not known, each once."""
    unknowns: set[Unknown] = set()
    for chain in impact.chains:
        unknowns.update(chain.unknown)
    return sorted(unknowns)


def _taken_for_empty(report: ImpactReport) -> str:
    """Say which collections were taken for empty, or nothing."""
    tickets = set()
    others = set()
    for unknown in _unknowns(report.impact):
        # What moves is told by itself: nothing is known of what that does.
        if unknown.moved:
            continue
        if unknown.ticket:
            tickets.add(unknown.ticket)
        else:
            others.add(unknown.collection)
    parts = []
    if tickets:
        names = ", ".join(sorted(tickets))
        parts.append(f"of {names} (not sealed)")
    if others:
        number = count(len(others), "collection")
        parts.append(f"of {number} that others make")
    if not parts:
        return ""
    return f"what lookups find by means {' and '.join(parts)}"


# --- a chain and its changes ---


def _where(chain: ChainImpact) -> str:
    """Name the chains that change alike, each with its repositories."""
    by_name: dict[str, list[str]] = {}
    for address, name in chain.chains:
        by_name.setdefault(name, []).append(address)
    places = []
    for name, addresses in by_name.items():
        places.append(f"{name} at {', '.join(addresses)}")
    return "; ".join(places)


def _step_lines(mark: str, style: str, names: Iterable[str]) -> Iterator[Text]:
    for name in names:
        yield Text(f"  {mark} {name}", style)


def _steps(chain: ChainImpact) -> str:
    """Return what enters, leaves and moves, in a line of Markdown."""
    steps = [f"`+ {name}`" for name in chain.entered]
    steps += [f"`- {name}`" for name in chain.left]
    steps += [f"`~ {name}`" for name in chain.moved]
    return " ".join(steps) or "by a chain within it"


def _change_lines(report: ImpactReport, chain: ChainImpact, change: Change) -> Iterator[Text]:
    data_ids = folded(change.data_ids, chain.instrument, report.detectors)
    line = Text("  ")
    line.append(change.effect.value, _STYLES[change.effect])
    line.append(f"  {change.dataset_type}  {data_ids}", "default")
    yield line
    reach = _reach(report, [change])
    yield Text(f"    {_range(change)}, {reach}")
    yield Text(f"    before  {_via(change.before)}", "dim")
    yield Text(f"    after   {_via(change.after)}")


def _change_table(report: ImpactReport, chain: ChainImpact) -> Iterator[str]:
    """Yield the changes of a chain, folded under how many there are."""
    numbers = Counter(change.effect for change in chain.changes)
    counted = []
    for effect in Effect:
        if effect in numbers:
            counted.append(f"{numbers[effect]} {effect.value}")
    yield details(", ".join(counted))
    yield "| lookups | becomes | range (TAI) | reaches | before | after |"
    yield "|---|---|---|---|---|---|"
    for change in chain.changes[: report.most]:
        data_ids = folded(change.data_ids, chain.instrument, report.detectors)
        yield row(
            f"{change.dataset_type} {data_ids}",
            change.effect.value,
            _range(change),
            _reach(report, [change]),
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


def _having(effect: Effect, changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.effect is effect]


def _reach(report: ImpactReport, changes: Iterable[Change]) -> str:
    if report.reaches_back(changes):
        return _PAST
    return _FUTURE


def _types(changes: Iterable[Change]) -> str:
    """Count the data IDs of each dataset type."""
    by_type: dict[str, set[str]] = {}
    for change in changes:
        data_ids = by_type.setdefault(change.dataset_type, set())
        data_ids.update(change.data_ids)
    counted = []
    for dataset_type in sorted(by_type):
        number = len(by_type[dataset_type])
        counted.append(f"{dataset_type} for {count(number, 'data ID')}")
    return ", ".join(counted)


def _range(change: Change) -> str:
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
        yield Text(f"  {_failing(failing)}", "red")
    for night, group in groupby(exposures, key=lambda exposure: exposure.day_obs):
        of_the_night = list(group)
        numbers: Counter[str] = Counter()
        for exposure in of_the_night:
            numbers.update(exposure.dataset_types)
        counted = []
        for dataset_type in sorted(numbers):
            counted.append(f"{dataset_type} {numbers[dataset_type]}")
        yield Text(f"  {night}  {len(of_the_night)} ({', '.join(counted)})")


def _failing(exposures: Sequence[Affected]) -> str:
    """Say which lookups fail for exposures across a seam."""
    types: set[str] = set()
    for exposure in exposures:
        types.update(exposure.ambiguous)
    names = [str(exposure.exposure) for exposure in exposures[:_SHOWN_EXPOSURES]]
    if len(exposures) > _SHOWN_EXPOSURES:
        names.append("…")
    number = count(len(exposures), "exposure")
    return (
        f"lookups of {', '.join(sorted(types))} fail for {number} ({', '.join(names)}): each "
        "reaches into two certifications of one collection, and the butler refuses to choose"
    )

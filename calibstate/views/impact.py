"""What a change does, for the people who review it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.text import Text

from ..model.impacts import Affected, ChainImpact, Change, Effect, Impact, Shadowed, Unknown, Via
from ..model.results.impacts import ImpactReport
from ..model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END, format_bound
from .data_ids import folded
from .markdown import details, row, safe
from .messages import count

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


class _Said(NamedTuple):
    """A line of the summary."""

    word: str
    style: str
    rest: str


def as_text(report: ImpactReport) -> Iterator[Text]:
    """Yield a report for a terminal."""
    yield Text(_title(report), "bold")
    for said in _summary(report):
        yield Text("  ").append(f"{said.word:{_WIDE}}", said.style).append(said.rest, "default")
    for chain in report.impact.chains:
        yield Text("")
        yield from _chain(report, chain)
    yield from _exposures(report)


def as_markdown(report: ImpactReport) -> Iterator[str]:
    """Yield a report for a pull request."""
    yield f"**{safe(_title(report), link=report.commit[:10])}**\n"
    yield from (f"- **{said.word}** {safe(said.rest)}" for said in _summary(report))
    for chain in report.impact.chains:
        yield ""
        yield f"{safe(_where(chain))}: {_steps(chain)}"
        if chain.changes:
            yield details(_counted(chain.changes))
            yield "| lookups | becomes | range (TAI) | reaches | before | after |"
            yield "|---|---|---|---|---|---|"
            for change in chain.changes[: report.most]:
                yield row(
                    f"{change.dataset_type} {folded(change.data_ids, chain.instrument, report.detectors)}",
                    change.effect.value,
                    _range(change),
                    _reach(report, [change]),
                    _via(change.before),
                    _via(change.after),
                )
            yield from (f"\n{line.plain.strip()}" for line in _rest(report, chain))
            yield "\n</details>"
    if nights := report.nights:
        yield "\n| observing day | exposures that change |\n|---|---:|"
        yield from (row(str(night), str(number)) for night, number in nights.items())


def verdict(report: ImpactReport) -> str:
    """Say in a line what a change does."""
    changes = report.impact.changes
    by_effect = {effect: [change for change in changes if change.effect is effect] for effect in Effect}
    told = [f"{effect.value}: {_types(found)}" for effect, found in by_effect.items() if found]
    unknown = sorted({one.ticket or one.collection for one in _unknowns(report.impact) if one.moved})
    told += [f"not known what {', '.join(unknown)} changes"] if unknown else []
    told += [_reach(report, changes)] if changes else []
    # Of what is taken for empty nobody knows what it would have answered.
    told += ["not all is known"] if changes and _taken_for_empty(report) else []
    return "; ".join(told) or "no lookup changes"


def _title(report: ImpactReport) -> str:
    seen = f"; seen at {report.live}" if report.live else ""
    return f"Impact of {report.of}, compared with {report.base}{seen}"


def _summary(report: ImpactReport) -> Iterator[_Said]:
    """Yield the few lines that come first."""
    told = report.impact
    yield from _unknown(report)
    if not told.changes:
        moved = any(chain.entered or chain.left or chain.moved for chain in told.chains)
        but = "what is searched changes, but no lookup does" if moved else "no lookup changes"
        known = ", as far as is known" if any(one.moved for one in _unknowns(told)) else ""
        yield _Said("nothing", "green", f"{but}: each finds what it found{known}")
    for effect in Effect:
        changes = [change for change in told.changes if change.effect is effect]
        if changes:
            yield _Said(effect.value, _STYLES[effect], f"{_types(changes)}: {_MEANING[effect]}")
    if told.changes:
        yield _reach_in_words(report)
    for _, shadowed in groupby(_shadowed(told), key=lambda one: one.ticket):
        yield _Said("shadowed", "yellow", _never(list(shadowed)))
    for address in told.gone:
        yield _Said("not declared", "dim", f"{address} any more; what is there stays as it is")
    if stays := _taken_for_empty(report):
        yield _Said("not known", "dim", stays)


def _reach_in_words(report: ImpactReport) -> _Said:
    """Say whether what was observed already is calibrated otherwise."""
    begins = [change.begin for change in report.impact.changes]
    until = format_bound(report.observed_until)
    if not report.reaches_back(report.impact.changes):
        return _Said("in the future", "green", f"only: what was observed until {until} stays as it is")
    since = format_bound(min(begins))
    which = f"from {since} " if since else ""
    return _Said(_PAST, "bold yellow", f"what was observed {which}until {until} is calibrated otherwise")


def _reach(report: ImpactReport, changes: Iterable[Change]) -> str:
    return _PAST if report.reaches_back(changes) else _FUTURE


def _types(changes: Iterable[Change]) -> str:
    """Count the data IDs of each dataset type."""
    by_type: dict[str, set[str]] = {}
    for change in changes:
        by_type.setdefault(change.dataset_type, set()).update(change.data_ids)
    return ", ".join(f"{name} for {count(len(ids), 'data ID')}" for name, ids in sorted(by_type.items()))


def _counted(changes: Iterable[Change]) -> str:
    numbers = Counter(change.effect for change in changes)
    return ", ".join(f"{numbers[effect]} {effect.value}" for effect in Effect if effect in numbers)


def _shadowed(told: Impact) -> list[Shadowed]:
    found = {(one.ticket, one.collection): one for chain in told.chains for one in chain.shadowed}
    return [found[key] for key in sorted(found)]


def _never(shadowed: list[Shadowed]) -> str:
    first = shadowed[0]
    where = f" ({first.where.file}:{first.where.line})" if first.where else ""
    names = ", ".join(one.collection for one in shadowed)
    return f"{first.ticket if first.whole else names} can never win any more{where}"


def _unknown(report: ImpactReport) -> Iterator[_Said]:
    """Yield what nobody can tell from here, though it matters."""
    moved = [one for one in _unknowns(report.impact) if one.moved]
    for ticket in sorted({one.ticket for one in moved if one.ticket}):
        yield _Said("unknown", "bold magenta", f"what {ticket} changes; {_how_to_know(report, ticket)}")
    for name in (one.collection for one in moved if not one.ticket):
        yield _Said("unknown", "bold magenta", f"what {name} changes; {_how_to_know(report, '')}")


def _unknowns(told: Impact) -> list[Unknown]:
    return sorted({one for chain in told.chains for one in chain.unknown})


def _how_to_know(report: ImpactReport, ticket: str) -> str:
    if report.live:
        return f"it is not at {report.live}" + (", and not sealed" if ticket else "")
    ask = "look where it is with --live SITE/REPOSITORY"
    return f"seal it (calibstate seal {ticket}), or {ask}" if ticket else f"others make it: {ask}"


def _taken_for_empty(report: ImpactReport) -> str:
    found = [one for one in _unknowns(report.impact) if not one.moved]
    tickets = sorted({one.ticket for one in found if one.ticket})
    others = len({one.collection for one in found if not one.ticket})
    told = [f"of {', '.join(tickets)} (not sealed)"] if tickets else []
    told += [f"of {count(others, 'collection')} that others make"] if others else []
    return f"what lookups find by means {' and '.join(told)}" if told else ""


def _chain(report: ImpactReport, chain: ChainImpact) -> Iterator[Text]:
    yield Text(_where(chain), "bold")
    steps = (("+", "green", chain.entered), ("-", "red", chain.left), ("~", "yellow", chain.moved))
    for mark, style, names in steps:
        yield from (Text(f"  {mark} {name}", style) for name in names)
    for change in chain.changes[: report.most]:
        yield from _change(report, chain, change)
    yield from _rest(report, chain)


def _steps(chain: ChainImpact) -> str:
    marked = (("+", chain.entered), ("-", chain.left), ("~", chain.moved))
    return " ".join(f"`{mark} {name}`" for mark, names in marked for name in names) or "by a chain within it"


def _where(chain: ChainImpact) -> str:
    by_name: dict[str, list[str]] = {}
    for address, name in chain.chains:
        by_name.setdefault(name, []).append(address)
    return "; ".join(f"{name} at {', '.join(addresses)}" for name, addresses in by_name.items())


def _change(report: ImpactReport, chain: ChainImpact, change: Change) -> Iterator[Text]:
    data_ids = folded(change.data_ids, chain.instrument, report.detectors)
    line = Text("  ").append(change.effect.value, _STYLES[change.effect])
    yield line.append(f"  {change.dataset_type}  {data_ids}", "default")
    yield Text(f"    {_range(change)}, {_reach(report, [change])}")
    yield Text(f"    before  {_via(change.before)}", "dim")
    yield Text(f"    after   {_via(change.after)}")


def _rest(report: ImpactReport, chain: ChainImpact) -> Iterator[Text]:
    if (more := len(chain.changes) - report.most) > 0:
        yield Text(f"  … and {count(more, 'change')} more; --format json has all", "dim")


def _range(change: Change) -> str:
    begin, end = format_bound(change.begin), format_bound(change.end)
    match change.begin != UNBOUNDED_BEGIN, change.end != UNBOUNDED_END:
        case True, True:
            return f"from {begin} until {end}"
        case True, False:
            return f"from {begin} on"
        case False, True:
            return f"until {end}"
        case _:
            return "at all times"


def _via(via: Via | None) -> str:
    return via.collection if via else "nothing"


def _failing(exposures: Sequence[Affected]) -> str:
    """Say which lookups fail for exposures across a seam."""
    types = sorted({type_ for one in exposures for type_ in one.ambiguous})
    shown = ", ".join(str(one.exposure) for one in exposures[:3])
    rest = ", …" if len(exposures) > 3 else ""
    return (
        f"lookups of {', '.join(types)} fail for {count(len(exposures), 'exposure')} ({shown}{rest}): each "
        "reaches into two certifications of one collection, and the butler refuses to choose"
    )


def _exposures(report: ImpactReport) -> Iterator[Text]:
    exposures = report.impact.exposures
    if not exposures:
        return
    yield Text("")
    yield Text(f"{count(len(exposures), 'exposure')} would be calibrated otherwise", "bold")
    if failing := [one for one in exposures if one.ambiguous]:
        yield Text(f"  {_failing(failing)}", "red")
    for night, found in groupby(exposures, key=lambda one: one.day_obs):
        told = list(found)
        types = Counter(name for one in told for name in one.dataset_types)
        said = ", ".join(f"{name} {number}" for name, number in sorted(types.items()))
        yield Text(f"  {night}  {len(told)} ({said})")

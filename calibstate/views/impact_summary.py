"""What a change does in a few lines, and in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..model.impacts import Change, Effect, Impact, Shadowed, Unknown
from ..model.results.impacts import ImpactReport
from ..model.timespans import format_bound
from .messages import at_line, count
from .touched import counted_lines, unknown_lines

__all__ = ["STYLES", "SummaryLine", "reach", "summary", "verdict"]

STYLES = {
    Effect.LOST: "bold red",
    Effect.REVERTED: "yellow",
    Effect.REPLACED: "cyan",
    Effect.NEWLY_COVERED: "green",
    Effect.SAME_CONTENT: "dim",
}
_MEANING = {
    Effect.LOST: "nothing is found any more",
    Effect.REVERTED: "an older one is found, that was searched behind it",
    Effect.REPLACED: "one that was not searched before is found instead",
    Effect.NEWLY_COVERED: "nothing was found before",
    Effect.SAME_CONTENT: "another dataset is found, with the same bytes under another UUID",
}
_PAST = "into the past"
_FUTURE = "only in the future"


@dataclass(frozen=True)
class SummaryLine:
    """A line of the summary."""

    label: str
    style: str
    text: str


def verdict(report: ImpactReport) -> str:
    """Say in a line what a change does."""
    changes = report.impact.changes
    sentences = []
    for effect in Effect:
        alike = _having(effect, changes)
        if alike:
            types = _types(alike)
            sentences.append(f"{effect.value}: {types}")
    unknown = set()
    for collection in _unknowns(report.impact):
        if collection.moved:
            unknown.add(collection.ticket or collection.collection)
    if unknown:
        names = ", ".join(sorted(unknown))
        sentences.append(f"not known what {names} changes")
    if changes:
        sentences.append(reach(report, report.impact.changes_of_content))
        # Of what is taken for empty nobody knows what it would have answered.
        if _taken_for_empty(report):
            sentences.append("not all is known")
    return "; ".join(sentences) or "no lookup changes"


def reach(report: ImpactReport, changes: Iterable[Change]) -> str:
    """Say whether changes concern what was observed already."""
    if report.reaches_back(changes):
        return _PAST
    return _FUTURE


def summary(report: ImpactReport) -> Iterator[SummaryLine]:
    """Yield the few lines that come first."""
    impact = report.impact
    # What is not known comes first: it may be graver than all that is.
    yield from _unknown_lines(report)
    yield from _change_lines(report)
    yield from _exposure_lines(report)
    for shadowed in _shadowed_by_ticket(impact):
        first = shadowed[0]
        names = first.ticket
        if not first.whole:
            names = ", ".join(collection.collection for collection in shadowed)
        where = at_line(first.where)
        yield SummaryLine(
            label="shadowed",
            style="yellow",
            text=f"{names} can never win any more{where}",
        )
    for address in impact.gone:
        yield SummaryLine(
            label="not declared",
            style="dim",
            text=f"{address} any more; what is there stays as it is",
        )
    empty = _taken_for_empty(report)
    if empty:
        yield SummaryLine(
            label="not known",
            style="dim",
            text=empty,
        )


def _unknown_lines(report: ImpactReport) -> Iterator[SummaryLine]:
    """Yield what nobody can tell from here, though it matters."""
    tickets = set()
    collections = []
    for unknown in _unknowns(report.impact):
        if unknown.moved and unknown.ticket:
            tickets.add(unknown.ticket)
        elif unknown.moved:
            collections.append(unknown.collection)
    for ticket in sorted(tickets):
        advice = f"seal it (calibstate seal {ticket}), or look where it is with --live SITE/REPOSITORY"
        if report.live:
            advice = f"it is not at {report.live}, and not sealed"
        yield SummaryLine(
            label="unknown",
            style="bold magenta",
            text=f"what {ticket} changes; {advice}",
        )
    for collection in collections:
        advice = "others make it: look where it is with --live SITE/REPOSITORY"
        if report.live:
            advice = f"it is not at {report.live}"
        yield SummaryLine(
            label="unknown",
            style="bold magenta",
            text=f"what {collection} changes; {advice}",
        )


def _change_lines(report: ImpactReport) -> Iterator[SummaryLine]:
    """Yield what lookups find otherwise, the gravest first."""
    changes = report.impact.changes
    if not changes:
        yield SummaryLine(
            label="nothing",
            style="green",
            text=_no_change(report.impact),
        )
        return
    for effect in Effect:
        alike = _having(effect, changes)
        if alike:
            types = _types(alike)
            yield SummaryLine(
                label=effect.value,
                style=STYLES[effect],
                text=f"{types}: {_MEANING[effect]}",
            )
    changes = report.impact.changes_of_content
    if not changes:
        return
    until = format_bound(report.observed_until)
    if not report.reaches_back(changes):
        yield SummaryLine(
            label="in the future",
            style="green",
            text=f"only: what was observed until {until} stays as it is",
        )
        return
    first = min(change.begin for change in changes)
    since = format_bound(first)
    observed = "what was observed"
    if since:
        observed += f" from {since}"
    yield SummaryLine(
        label=_PAST,
        style="bold yellow",
        text=f"{observed} until {until} is calibrated otherwise",
    )


def _exposure_lines(report: ImpactReport) -> Iterator[SummaryLine]:
    """Yield how many exposures are concerned, where somebody asked."""
    if report.touched is None:
        return
    for line in counted_lines(report.touched):
        yield SummaryLine(
            label="exposures",
            style="yellow",
            text=line,
        )
    for line in unknown_lines(report.touched):
        yield SummaryLine(
            label="not known",
            style="dim",
            text=line,
        )


def _no_change(impact: Impact) -> str:
    """Say that each lookup finds what it found, as far as is known."""
    sentence = "no lookup changes"
    for chain in impact.chains:
        if chain.entered or chain.left or chain.moved:
            sentence = "what is searched changes, but no lookup does"
    sentence += ": each finds what it found"
    for unknown in _unknowns(impact):
        if unknown.moved:
            return f"{sentence}, as far as is known"
    return sentence


def _having(effect: Effect, changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.effect is effect]


def _types(changes: Iterable[Change]) -> str:
    """Count the data IDs of each dataset type."""
    by_type: dict[str, set[str]] = {}
    for change in changes:
        data_ids = by_type.setdefault(change.dataset_type, set())
        data_ids.update(change.data_ids)
    counted = []
    for dataset_type in sorted(by_type):
        number = len(by_type[dataset_type])
        data_ids_in_all = count(number, "data ID")
        counted.append(f"{dataset_type} for {data_ids_in_all}")
    return ", ".join(counted)


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


def _unknowns(impact: Impact) -> list[Unknown]:
    """Return the collections whose content is not known, each once."""
    unknowns: set[Unknown] = set()
    for chain in impact.chains:
        unknowns.update(chain.unknown)
    return sorted(unknowns)


def _searched_by(impact: Impact) -> str:
    """Say which chains search what others make, where not all of them do."""
    names = set()
    searching = set()
    for chain in impact.chains:
        for (_, name), unknowns in zip(chain.chains, chain.unknown_in, strict=True):
            names.add(name)
            if any(not unknown.moved and not unknown.ticket for unknown in unknowns):
                searching.add(name)
    if searching == names:
        return ""
    words = ", ".join(sorted(searching))
    return f", searched by {words}"


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
        number = count(others, "collection")
        parts.append(f"of {number} that others make{_searched_by(report.impact)}")
    if not parts:
        return ""
    which = " and ".join(parts)
    return f"what lookups find by means {which}"

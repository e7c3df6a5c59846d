"""What lookups get for a while, for people: one screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from ..model.differences import Difference, Selected
from ..model.nights import SelectedRow, Selection, While
from ..model.results.lookups import EffectiveFound, SelectsOtherwise, WhatLookupsGet
from ..model.timespans import format_moment, format_range
from .ages import when_last_seen
from .data_ids import folded
from .markdown import row, safe
from .messages import below, count, left_out

__all__ = ["as_markdown", "as_text"]

_NOTHING = "nothing"

_MOST = 20
"""Differences of two repositories that are shown before they are folded."""

_COLUMNS = ("lookups", "filters", "detectors", "ticket", "odd detectors")
_RULER = "|---|---|---|---|---|"


def as_text(result: EffectiveFound) -> Iterator[Text | str]:
    """Yield where repositories differ, then what lookups get."""
    yield Text(_title(result.when), "bold")
    for otherwise in result.differences:
        heading, *lines = _difference_lines(otherwise, result.when)
        yield Text(heading, "bold yellow")
        for line in lines:
            yield below(line)
    for line in _absent(result):
        yield Text(line, "bold yellow")
    for heading, effective in _tables(result):
        yield Text("")
        yield Text(heading, "bold")
        yield from _table(effective, result.when)
        yield Text(_tally(effective), "bold")
    if not result.effective:
        yield Text(_none_found(result), "yellow")


def as_markdown(result: EffectiveFound) -> Iterator[str]:
    """Yield the same as tables."""
    yield f"**{safe(_title(result.when))}**"
    for otherwise in result.differences:
        heading, *lines = _difference_lines(otherwise, result.when)
        yield f"\n**{safe(heading)}**\n"
        for line in lines:
            yield f"- {safe(line)}"
    for line in _absent(result):
        yield f"\n**{safe(line)}**"
    for heading, effective in _tables(result):
        yield f"\n### {safe(heading)}\n"
        yield row(*_COLUMNS)
        yield _RULER
        for line_of_table in _lines(effective.rows, result.when):
            yield row(*line_of_table.cells)
        yield f"\n{safe(_tally(effective))}"
    if not result.effective:
        yield f"\n{safe(_none_found(result))}"


def _title(when: While) -> str:
    begin = format_moment(when.begin)
    if when.night is None:
        return f"What lookups get at {begin} (TAI)"
    end = format_moment(when.end)
    return f"What lookups get on the night of {when.night}: {begin} to {end} (TAI)"


def _heading(effective: WhatLookupsGet) -> str:
    """Name the chains, and the repositories that select the same by them."""
    chains = ", ".join(effective.chains)
    repositories = ", ".join(effective.repositories)
    return f"{chains} at {repositories}"


def _tables(result: EffectiveFound) -> Iterator[tuple[str, WhatLookupsGet]]:
    """Yield what is told in a table each, with its heading."""
    for effective in result.effective:
        yield _heading(effective), effective
    for effective in result.last_seen:
        words = {when_last_seen(result.ages[address]) for address in effective.repositories}
        yield f"{_heading(effective)} {'; '.join(sorted(words))}", effective


def _none_found(result: EffectiveFound) -> str:
    if result.unreachable:
        return "Nothing is known: no repository that is asked for could be seen."
    return "No lookup finds anything: the chains hold no calibrations."


def _absent(result: EffectiveFound) -> Iterator[str]:
    for address, chain in result.absent:
        yield f"{address} has no {chain}, though it is declared there"


# --- what lookups get ---


@dataclass(frozen=True)
class _Line:
    """A line of the table: a row, or a later part of its time."""

    cells: tuple[str, str, str, str, str]

    has_gap: bool


def _lines(rows: Iterable[SelectedRow], when: While) -> Iterator[_Line]:
    for of_type in rows:
        filters = ", ".join(of_type.filters)
        names = (of_type.dataset_type, filters, of_type.detectors)
        for selection in of_type.selections:
            ticket = selection.ticket or _NOTHING
            # What changes within the night says from when on it is so.
            if selection.begin != when.begin:
                ticket = f"{ticket} from {format_moment(selection.begin)}"
            yield _Line((*names, ticket, _odd(selection)), selection.has_gap)
            # The next part is of the same row.
            names = ("", "", "")


def _odd(selection: Selection) -> str:
    """Name the detectors for which something else is found."""
    parts = []
    for odd in selection.odd:
        ticket = odd.ticket or _NOTHING
        parts.append(f"{odd.detectors}: {ticket}")
    return "; ".join(parts)


def _table(effective: WhatLookupsGet, when: While) -> Iterator[Text]:
    """Yield a table whose columns are as wide as their widest cells."""
    lines = list(_lines(effective.rows, when))
    widths = [0, 0, 0, 0]
    for line in lines:
        for column, width in enumerate(widths):
            widths[column] = max(width, len(line.cells[column]))
    for line in lines:
        dataset_type, filters, detectors, ticket, odd = line.cells
        style = "bold red" if line.has_gap else "green"
        shown = Text.assemble(
            f"  {dataset_type:{widths[0]}}  {filters:{widths[1]}}  ",
            (f"{detectors:{widths[2]}}  ", "dim"),
            (f"{ticket:{widths[3]}}", style),
        )
        if odd:
            shown.append(f"  {odd}", "yellow")
        shown.rstrip()
        yield shown


def _tally(effective: WhatLookupsGet) -> str:
    """Say how many rows there are, and what is to be noticed of them."""
    gaps = 0
    odd = 0
    changing = 0
    for of_type in effective.rows:
        gaps += any(selection.has_gap for selection in of_type.selections)
        odd += any(selection.odd for selection in of_type.selections)
        changing += len(of_type.selections) > 1
    parts = []
    if gaps:
        parts.append(f"{gaps} with gaps")
    if odd:
        parts.append(f"{odd} with odd detectors")
    if changing:
        parts.append(f"{changing} that change meanwhile")
    rows = count(effective.rows, "row")
    notable = ", ".join(parts) or "no gaps, the same for all detectors"
    return f"{rows}: {notable}."


# --- where repositories differ ---


def _difference_lines(otherwise: SelectsOtherwise, when: While) -> Iterator[str]:
    chains = ", ".join(otherwise.chains)
    repository = otherwise.repository
    reference = otherwise.reference
    yield f"{repository} selects otherwise than {reference} by {chains}"
    for difference in otherwise.differences[:_MOST]:
        yield _difference(difference, otherwise, when)
    yield from left_out(otherwise.differences, _MOST)


def _difference(difference: Difference, otherwise: SelectsOtherwise, when: While) -> str:
    data_ids = folded(difference.data_ids, otherwise.instrument)
    lookups = f"{difference.dataset_type} {data_ids}"
    span = (difference.begin, difference.end)
    # What is so all the time needs no range.
    if span != when.span:
        lookups = f"{lookups} {format_range(span)}"
    there = _found(difference.other, otherwise.tickets)
    here = _found(difference.first, otherwise.tickets)
    if there == here:
        return f"{lookups}: other datasets of {here}"
    if not difference.first:
        return f"{lookups}: {there}, and {otherwise.reference} finds nothing"
    return f"{lookups}: {there}, not {here}"


def _found(datasets: frozenset[Selected], tickets: Mapping[str, str]) -> str:
    names: Sequence[str] = sorted({tickets[dataset.collection] for dataset in datasets})
    return ", ".join(names) or _NOTHING

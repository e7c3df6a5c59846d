"""Files for machines: metrics, badges, a status, and what is searched.

Metrics are in the Prometheus text format; node_exporter's textfile collector
refuses a file that has timestamps beside values, so moments are gauges.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os.path import commonprefix

from markupsafe import escape

from ...model.names import InstrumentName
from ...model.pages import IN_SYNC, PageContent, Standing
from ...model.status import DEPARTURES, State
from ...model.watching import WatchWord
from ...store.documents.base import plain
from ...store.documents.pages import public
from ...store.documents.pages_about import about_document, status_page
from ...store.documents.pages_overview import letters
from ..printable import printable
from .addresses import (
    chain_address,
    commit_address,
    instrument_address,
    page_of,
    run_address,
    segment,
    ticket_address,
)
from .page import Page

__all__ = ["METRICS", "SEARCH", "about_pages", "badges", "metrics", "searched", "status_file"]

METRICS = "metrics.prom"
SEARCH = "search.js"
_OPENMETRICS = "openmetrics"
_SHORT = 10


def about_pages(content: PageContent) -> Iterator[Page]:
    """Yield the page of what all is made of.

    Parameters
    ----------
    content
        All that is known.
    """
    links = (("metrics", METRICS), ("status", "status.json"))
    yield Page("about/", "About these pages", about_document(content), None, "about", {}, links)


def status_file(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield how all repositories stand, as a small document.

    Parameters
    ----------
    content
        All that is known.
    """
    text = json.dumps(plain(status_page(content)), sort_keys=True, indent=1, ensure_ascii=False)
    yield "status.json", f"{text}\n".encode()


# Metrics


@dataclass
class _Gauge:
    """A metric, and its values by their labels."""

    name: str
    means: str
    lines: list[str] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """Add a value."""
        words: list[str] = []
        for name, text in labels.items():
            words.append(f'{name}="{_label(text)}"')
        braces = f"{{{','.join(words)}}}" if words else ""
        self.lines.append(f"{self.name}{braces} {value:.15g}")


def metrics(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield how it stands, as gauges for Prometheus.

    Parameters
    ----------
    content
        All that is known.
    """
    lines: list[str] = []
    for gauge in _gauges(content):
        if not gauge.lines:
            continue
        lines.append(f"# HELP {gauge.name} {gauge.means}")
        lines.append(f"# TYPE {gauge.name} gauge")
        lines.extend(gauge.lines)
    if content.wishes.metrics == _OPENMETRICS:
        lines.append("# EOF")
    text = "".join(f"{line}\n" for line in lines)
    yield METRICS, text.encode()


def _gauges(content: PageContent) -> Sequence[_Gauge]:
    seen_at = _Gauge("calibstate_seen_timestamp_seconds", "When the repository was seen last.")
    for address, age in sorted(content.ages.items()):
        seen_at.add(_seconds(age.at), repository=address)
    drift = _Gauge("calibstate_drift", "What is not as declared, or not known, as seen last.")
    in_sync = _Gauge("calibstate_in_sync", "1 where live is as declared, by a sight that is not too old.")
    same = _Gauge("calibstate_same_as_origin", "1 where lookups select the same as at the origin.")
    failed = _Gauge("calibstate_reviews_failed", "Tickets that do not pass their newest review.")
    for standing in content.standings:
        labels = {"repository": str(standing.repository), "instrument": str(standing.instrument)}
        for what, number in _departures(content, standing).items():
            drift.add(number, **labels, what=what)
        in_sync.add(int(standing.word == IN_SYNC), **labels)
        if standing.repository in content.reviews:
            failed.add(_failing(content, standing), **labels)
    for instrument in content.instruments:
        origin = content.desired.origin(instrument) if content.desired else None
        letter_of = letters(content, instrument)
        if origin is None or origin not in letter_of:
            continue
        for address, letter in letter_of.items():
            # Of what was seen too long ago nobody knows that by now.
            if content.is_stale(address) or content.is_stale(origin):
                continue
            is_same = letter == letter_of[origin]
            same.add(int(is_same), repository=address, instrument=instrument)
    ran = _Gauge("calibstate_run_timestamp_seconds", "When the newest run began.")
    moments = [run.at for run in content.runs if run.at]
    if moments:
        ran.add(_seconds(max(moments)))
    of_pages = _Gauge("calibstate_page_timestamp_seconds", "When these pages were made.")
    of_pages.add(_seconds(content.at))
    return (seen_at, drift, in_sync, same, failed, ran, *_of_loops(content), *_of_daily(content), of_pages)


def _of_loops(content: PageContent) -> Sequence[_Gauge]:
    """Return how the loops of sites go on."""
    loop = _Gauge("calibstate_loop", "1 for how the loop of a site goes on: ready, reconciling or stalled.")
    turned = _Gauge("calibstate_loop_timestamp_seconds", "When the last turn of a site's loop ended.")
    for state in content.watches:
        for word in WatchWord:
            loop.add(int(state.word is word), site=state.site, state=word.value)
        turned.add(_seconds(state.at), site=state.site)
    return (loop, turned)


def _of_daily(content: PageContent) -> Sequence[_Gauge]:
    """Return how the newest night of each instrument was verified."""
    alarms = _Gauge("calibstate_daily_alarms", "Alarms of the newest night that was verified.")
    verified = _Gauge("calibstate_daily_exposures", "Exposures of that night that were verified.")
    failed = _Gauge("calibstate_daily_failures", "Exposures of that night in which a test failed.")
    night = _Gauge("calibstate_daily_night_timestamp_seconds", "When that observing day began, at noon UTC.")
    for instrument, kept in content.daily.items():
        newest = kept.records[-1]
        alarms.add(len(kept.alarms), instrument=instrument)
        verified.add(len(newest.results), instrument=instrument)
        failed.add(sum(result.has_failed for result in newest.results), instrument=instrument)
        began = datetime.strptime(f"{newest.day}12+0000", "%Y%m%d%H%z")
        night.add(began.timestamp(), instrument=instrument)
    return (alarms, verified, failed, night)


def _failing(content: PageContent, standing: Standing) -> int:
    """Return how many tickets do not pass their newest review."""
    failing = 0
    for name, reviewed in content.reviews[standing.repository].tickets.items():
        if name.startswith(f"{standing.instrument}/") and not reviewed.passed:
            failing += 1
    return failing


def _departures(content: PageContent, standing: Standing) -> Mapping[str, int]:
    """Return cells of the table that are not as declared, by every state."""
    number_of: Counter[str] = Counter()
    table = content.table(standing.instrument)
    if table is None:
        return {}
    for index, column in enumerate(table.columns):
        if column.repository != standing.repository:
            continue
        for row in table.rows:
            number_of[row.cells[index].state.value] += 1
    # An alarm needs the value that ends it, and of a place that nobody saw it
    # is not known whether anything departs.
    departures: dict[str, int] = {}
    for state in (State.UNREACHABLE, *DEPARTURES):
        departures[state.value] = number_of[state.value]
    # Too old is unreachable, whatever was seen then.
    if content.is_stale(standing.repository):
        departures = dict.fromkeys(departures, 0)
        departures[State.UNREACHABLE.value] = sum(number_of.values())
    return departures


def _label(text: str) -> str:
    shown = printable(text)
    return shown.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _seconds(moment: str) -> float:
    return round(datetime.fromisoformat(moment).timestamp(), 3)


# Badges

_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"
aria-label="{words}">
<title>{words}</title>
<rect width="{left}" height="20" fill="#444"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">
<text x="6" y="14">{name}</text><text x="{at}" y="14">{said}</text></g></svg>
"""

_GOOD, _BAD, _LOST = "#2f5d34", "#a8380a", "#5a3d8a"
_LETTER = 7
"""Pixels that a letter takes at most."""


def badges(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield a picture for each site: how it stood, on which day.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        by_site: dict[str, list[Standing]] = {}
        for standing in content.standings:
            if standing.instrument == instrument:
                by_site.setdefault(standing.repository.site, []).append(standing)
        for site, there in by_site.items():
            yield _badge_file(instrument, site), _badge(site, there).encode()


def _badge_file(instrument: InstrumentName, site: str) -> str:
    return f"badge/{segment(instrument)}/{segment(site)}.svg"


def _badge(site: str, there: Sequence[Standing]) -> str:
    """Return the picture of a site: the gravest word of its repositories."""
    gravest = max(there, key=lambda standing: _gravity(standing.word))
    # The repository that was seen longest ago says for what day it is so.
    moments = [standing.age.at for standing in there if standing.age]
    words = gravest.word
    if moments and gravest.word != State.UNREACHABLE.value:
        words = f"{gravest.word} {min(moments)[:10]}"
    colour = _BAD
    if gravest.word == IN_SYNC:
        colour = _GOOD
    elif gravest.word == State.UNREACHABLE.value:
        colour = _LOST
    name = printable(site)
    left = 12 + _LETTER * len(name)
    right = 12 + _LETTER * len(words)
    return _BADGE.format(
        width=left + right,
        left=left,
        right=right,
        at=left + 6,
        colour=colour,
        name=escape(name),
        said=escape(words),
        words=escape(f"{name}: {words}"),
    )


def _gravity(word: str) -> int:
    if word == IN_SYNC:
        return 0
    # Whoever says nothing may hide the worst.
    return 2 if word == State.UNREACHABLE.value else 1


# Search


def searched(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield what the search box looks through: a name and a page a line.

    It is a script, since pages that are opened from the disk may read nothing
    else.

    Parameters
    ----------
    content
        All that is known.
    """
    lines: list[str] = []
    for target in _targets(content):
        text = json.dumps(target.entry, ensure_ascii=True, separators=(",", ":"))
        # Nothing in it may end a script, wherever it is put.
        lines.append(text.replace("<", "\\u003c"))
    yield SEARCH, ("window.calibstateSearch = [\n" + ",\n".join(lines) + "\n];\n").encode()


@dataclass(frozen=True)
class _Target:
    """A page that is searched for."""

    name: str
    words: str
    """Beside the name; they are searched, too."""

    address: str
    collections: Sequence[str] = ()
    """What else leads there."""

    @property
    def entry(self) -> Sequence[object]:
        """How the script has it."""
        entry: list[object] = [printable(self.name), printable(self.words), page_of(self.address)]
        if self.collections:
            # Names of one ticket begin alike; ten years of them would be long.
            start = commonprefix(self.collections)  # noqa: RUF071 - letters are meant
            entry.append(printable(start))
            entry.append([printable(name[len(start) :]) for name in self.collections])
        return entry


def _targets(content: PageContent) -> Iterator[_Target]:
    for instrument in content.instruments:
        yield _Target(instrument, "overview", instrument_address(instrument))
        yield from _chains_of(content, instrument)
        yield from _tickets_of(content, instrument)
    for run in content.runs:
        yield _Target(run.id, "run", run_address(run.id))
    for merge in content.merges:
        commit = merge.revision.commit
        words = f"commit {public(merge.revision.title)}"
        yield _Target(commit[:_SHORT], words, commit_address(commit))


def _chains_of(content: PageContent, instrument: InstrumentName) -> Iterator[_Target]:
    if content.desired is None:
        return
    for written in content.desired.chains_of(instrument):
        chain = written.noun.chain
        yield _Target(chain, "chain", chain_address(instrument, chain))


def _tickets_of(content: PageContent, instrument: InstrumentName) -> Iterator[_Target]:
    if content.desired is None:
        return
    collections: dict[str, list[str]] = {}
    for collection, ticket in sorted(content.tickets.items()):
        if collection.startswith(f"{instrument}/"):
            collections.setdefault(ticket, []).append(collection)
    for key, written in sorted(content.desired.tickets.items()):
        if key.instrument != instrument:
            continue
        approval = written.noun.approval
        words = f"{public(written.noun.summary or '')} {approval.taxicab or ''}".strip()
        address = ticket_address(instrument, key.ticket)
        yield _Target(key.ticket, words, address, collections.get(key.ticket, ()))

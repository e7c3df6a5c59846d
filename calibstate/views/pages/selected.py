"""Timelines as scripts, which pages load when somebody asks for a moment.

A page on a disk may read nothing but scripts.  Each is called by what it
holds, so that equal timelines are one file, and a file never changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

from ...model.names import InstrumentName
from ...model.pages import PageContent
from ...model.timelines import Timeline, TimelineRow
from ...model.timespans import UNBOUNDED
from ...store.documents.pages_choices import choices
from ...store.documents.pages_timeline import chain_timeline
from ..printable import printable
from ..timelines.words import moment
from .addresses import instrument_address

__all__ = ["selected_file", "selected_files"]

_DIGEST = 16


def selected_file(instrument: InstrumentName, timeline: Timeline) -> str:
    """Return where the script of a timeline is, from the root.

    Parameters
    ----------
    instrument
        Whose.
    timeline
        What it holds.
    """
    name, _ = _named(timeline)
    return f"{instrument_address(instrument)}selected/{name}.js"


def selected_files(content: PageContent) -> Iterator[tuple[str, bytes]]:
    """Yield the scripts of all timelines that pages load.

    Parameters
    ----------
    content
        All that is known.
    """
    for instrument in content.instruments:
        timelines = [choice.timeline for choice in choices(content, instrument)]
        shown = chain_timeline(content, instrument)
        if shown:
            timelines.append(shown.timeline)
        # Most of them are the same.
        scripts = dict(_script(instrument, timeline) for timeline in timelines)
        yield from scripts.items()


def _script(instrument: InstrumentName, timeline: Timeline) -> tuple[str, bytes]:
    name, text = _named(timeline)
    script = f"(window.calibstateSelected ??= {{}})[{json.dumps(name)}] = {text};\n"
    return selected_file(instrument, timeline), script.encode()


def _named(timeline: Timeline) -> tuple[str, str]:
    """Return a timeline as text, and what that is called."""
    data = {
        "fingerprint": timeline.fingerprint,
        "tickets": [printable(name) for name in timeline.tickets],
        "rows": [_row(row) for row in timeline.rows],
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    # Nothing in it may end a script, wherever it is put.
    text = text.replace("<", "\\u003c")
    return sha256(text.encode()).hexdigest()[:_DIGEST], text


def _row(row: TimelineRow) -> dict[str, object]:
    odd: dict[int, object] = {}
    for index, interval in enumerate(row.intervals):
        if interval.odd:
            odd[index] = interval.odd
    return {
        "type": printable(row.dataset_type),
        "filters": [printable(name) for name in row.filters],
        "detectors": row.detectors,
        # Each ends where the next begins.
        "begin": "|".join(_bound(interval.begin) for interval in row.intervals),
        "end": _bound(row.intervals[-1].end),
        "ticket": [interval.ticket for interval in row.intervals],
        "odd": odd,
    }


def _bound(bound: int) -> str:
    """Return a bound, short: ``20241107``, or with what follows the day.

    As text it sorts as in time; empty is unbounded.
    """
    if bound in UNBOUNDED:
        return ""
    return moment(bound).replace("-", "")

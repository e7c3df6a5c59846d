"""Which ticket wins when, through chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import InstrumentName, Noun, RepositoryAddress
from ...model.results.timelines import ChainTimeline, TimelinesDrawn
from ...model.seen import Seen
from ...model.timelinedocument import RowEntry, TimelineEntry
from .base import FORMAT

__all__ = ["ChainTimelineEntry", "RowEntry", "TimelineDocument", "TimelineEntry", "timeline_document"]


class ChainTimelineEntry(Noun):
    """Which ticket wins when through one chain."""

    chain: str
    instrument: InstrumentName

    repositories: tuple[RepositoryAddress, ...]
    """Where it is so, in the order of waves."""

    timeline: TimelineEntry

    before: TimelineEntry | None = None
    """What won at the base; null: nothing is compared."""

    unsealed: tuple[str, ...] = ()
    """Tickets that are searched, and of which nobody can tell what they hold,
    since they have no seal."""

    external: tuple[str, ...] = ()
    """Collections that are searched and that others make: no seal tells what
    they hold."""


class TimelineDocument(Noun):
    """Which ticket wins when, through chains."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["timeline"] = "timeline"

    of: str
    """What is shown: a revision, the working tree, or ``live``."""

    base: str | None
    """What is compared with; null: nothing is."""

    chains: tuple[ChainTimelineEntry, ...]
    unreachable: Mapping[RepositoryAddress, str] = {}
    """Why repositories could not be seen, by address."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address; empty where none
    was looked at."""

    last_seen: tuple[ChainTimelineEntry, ...] = ()
    """At repositories that were seen too long ago: as it was then."""


def timeline_document(result: TimelinesDrawn) -> TimelineDocument:
    """Return the document of timelines."""
    unreachable: dict[RepositoryAddress, str] = {}
    for address, trouble in result.unreachable.items():
        unreachable[address] = trouble.for_anybody
    return TimelineDocument(
        of=result.of,
        base=result.base,
        chains=tuple(map(_entry, result.chains)),
        unreachable=unreachable,
        seen=result.ages,
        last_seen=tuple(map(_entry, result.last_seen)),
    )


def _entry(chain: ChainTimeline) -> ChainTimelineEntry:
    # Nothing is compared where no base was named.
    before: TimelineEntry | None = None
    if chain.before:
        before = TimelineEntry.of(chain.before)
    return ChainTimelineEntry(
        chain=chain.chain,
        instrument=chain.instrument,
        repositories=chain.repositories,
        timeline=TimelineEntry.of(chain.timeline),
        before=before,
        unsealed=chain.unsealed,
        external=chain.external,
    )

"""Which ticket wins when, through chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from ...errors import Diagnostic, ExitCode
from ..names import RepositoryAddress
from ..seen import SeenPlaces
from ..timelines import Timeline
from .base import CommandResult, Footnote, failed_if, unseen_notes

__all__ = ["ChainTimeline", "TimelinesDrawn"]


@dataclass(frozen=True)
class ChainTimeline:
    """Which ticket wins when through one chain."""

    chain: str
    instrument: str

    repositories: tuple[RepositoryAddress, ...]
    """Where it is so, in the order of waves."""

    timeline: Timeline

    before: Timeline | None = None
    """What won at the revision that is compared with; `None`: none is."""

    unsealed: tuple[str, ...] = ()
    """Tickets that are searched, and of which nobody can tell what they hold,
    since they have no seal."""

    external: tuple[str, ...] = ()
    """Collections that are searched and that others make: no seal tells what
    they hold."""


@dataclass(frozen=True)
class TimelinesDrawn(CommandResult):
    """Timelines of chains, as declared or live."""

    chains: tuple[ChainTimeline, ...]
    """By name of the chain; one that is not alike everywhere comes again."""

    of: str
    """What is shown, for people: ``the working tree``, ``v1.2``, ``live``."""

    base: str | None = None
    """What is compared with, for people; `None`: nothing is."""

    types: tuple[str, ...] = ()
    """Dataset types that were asked for; empty: all."""

    unreachable: Mapping[RepositoryAddress, Diagnostic] = field(default_factory=dict)
    """Why repositories could not be seen."""

    ages: SeenPlaces = field(default_factory=dict)
    """When each repository was seen, and by whom; empty: none was looked
    at."""

    last_seen: tuple[ChainTimeline, ...] = ()
    """At repositories that were seen too long ago: as it was then."""

    @property
    @override
    def exit_code(self) -> ExitCode:
        return failed_if(self.unreachable)

    @property
    @override
    def footnotes(self) -> tuple[Footnote, ...]:
        return unseen_notes(self.unreachable)

"""A session: what every use case works with, made once per command.

It is told where the state tree is, what is asked for, and who listens; it
reads the tree when that is first needed, and opens places as they were asked
for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import Diagnostic
from ..kinds.table import own_folders
from ..model.desired import DesiredState
from ..model.looked_at import LookedAt
from ..model.scope import Scope
from ..ports.requests import Requests
from ..ports.silence import USUAL_TIMEOUT
from ..store import statefile
from .listener import Listener, Stop, Unheard, Unstoppable
from .scoping import Narrowed, check_scope, only_here

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["Session"]

P = TypeVar("P", bound="Places")


@dataclass
class Session:
    """What a use case works with."""

    folder: Path | None = None
    """Root of the state tree as it was given; else it is looked for."""

    requested: Scope = field(default_factory=Scope)
    """What was asked for, as it was given."""

    listener: Listener = field(default_factory=Unheard)
    """Who is told what happens before there is a result."""

    stop: Stop = field(default_factory=Unstoppable)
    """Whether somebody wants it to stop."""

    only_here: bool = False
    """Whether nobody but a site's own places is asked."""

    observed: tuple[str, ...] = ()
    """Files of observations of places that cannot be seen from here, or
    ``published``."""

    max_age: timedelta | None = None
    """Age from which an observation is too old; `None`: as usual."""

    looks: bool = True
    """Whether repositories and Rucio are looked at."""

    by_sights: bool = False
    """Whether sights stand in for observations that take long to read."""

    remembers: bool = False
    """Whether what a database held at the last look may be remembered."""

    timeout: timedelta = USUAL_TIMEOUT
    """How long a place may be silent."""

    narrowed_by: tuple[str, ...] = ()
    """Options and variables of the environment by which it was narrowed."""

    requests: Requests | None = None
    """Who is told of each request to a place; `None`: nobody."""

    memo: statefile.Memo = field(default_factory=dict)
    """Files of the state tree that were read already, at any revision."""

    @cached_property
    def root(self) -> Path:
        """Root of the state tree.

        Raises
        ------
        UsageError
            There is none.
        """
        return statefile.find_root(self.folder)

    @cached_property
    def desired(self) -> DesiredState:
        """What the state tree declares.

        Raises
        ------
        InvalidStateError
            With everything that is wrong.
        """
        desired, _ = self.read()
        return desired

    def read(self) -> tuple[DesiredState, tuple[Diagnostic, ...]]:
        """Return what the state tree declares, and what there is to remark.

        Raises
        ------
        InvalidStateError
            With everything that is wrong.
        """
        return statefile.load(self.root, self.memo, own_folders())

    @cached_property
    def narrowed(self) -> Narrowed:
        """What is looked at, all of it declared.

        Raises
        ------
        UsageError
            Something that was asked for is not declared.
        """
        check_scope(self.desired, self.requested)
        if self.only_here:
            return only_here(self.desired, self.requested)
        return Narrowed(self.requested)

    @property
    def scope(self) -> Scope:
        """The part of what is declared that is looked at."""
        return self.narrowed.scope

    @property
    def looked_at(self) -> LookedAt:
        """The part of what is declared that is looked at, in numbers."""
        from ..engine.expand import places_of

        desired, scope = self.desired, self.scope
        repositories = places_of(desired, scope)
        instruments: set[str] = set()
        for address in repositories:
            _, repository = desired.repository(address)
            instruments.update(repository.instruments)
        tickets = 0
        for key in desired.tickets:
            if key.instrument in instruments and scope.has_ticket(key):
                tickets += 1
        in_order = desired.in_order_of_waves(repositories)
        return LookedAt(
            repositories=in_order,
            of_repositories=len(desired.repositories),
            tickets=tickets,
            of_tickets=len(desired.tickets),
            narrowed_by=self.narrowed_by,
        )

    @contextmanager
    def counting(self, what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
        """Show how many of something are done, while the context lasts.

        Parameters
        ----------
        what
            The work.
        unit
            What is counted.
        """
        with self.listener.progress(what) as watch:
            yield partial(watch, unit)

    def places(self) -> Places:
        """Return the places, with what others observed of them.

        Raises
        ------
        InvalidStateError
            A file holds no observations.
        UsageError
            A file cannot be read.
        """
        # A command that asks no place imports nothing for it.
        from ..factory.places import Places
        from .observed import observations_of

        only = self.narrowed.only
        observations = observations_of(
            self.observed,
            self.desired,
            self.listener,
            self.max_age,
            by_sights=self.by_sights,
        )
        places = Places(
            self.desired,
            observations,
            only,
            remembers=self.remembers,
            timeout=self.timeout,
            looks=self.looks,
        )
        return self.traced(places)

    def traced(self, places: P) -> P:
        """Return places each request to which is told of, if anybody listens.

        Parameters
        ----------
        places
            The real ones.
        """
        if self.requests is None:
            return places
        from ..factory.traced import traced_places

        return traced_places(places, self.requests)

    def today(self) -> date:
        """Return the day in UTC."""
        return datetime.now(UTC).date()

    def now(self) -> datetime:
        """Return the time in UTC."""
        from ..factory.clock import now

        return now()

    def utc_now(self) -> str:
        """Return the time in UTC, to the millisecond, with ``Z``."""
        from ..factory.clock import utc_now

        return utc_now()

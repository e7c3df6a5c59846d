"""What pages tell: all that is known of a tree and of its repositories.

It is gathered once, from sources each of which may fail by itself, and every
page is made of it.  Nothing here is meant for one page only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ..errors import Diagnostic
from .approvals import Approved
from .changes import Changes
from .dailyrecords import Alarm, DailyRecord
from .desired import DesiredState
from .drift import Drift
from .names import CollectionName, InstrumentName, RepositoryAddress
from .observations import Moment
from .reviews import PublishedReview
from .revisions import Revision
from .runs import PastRun
from .seen import Seen
from .sights import Sight
from .status import Status, Table
from .timelines import Timeline
from .watching import WatchState

__all__ = [
    "IN_SYNC",
    "DailyNights",
    "DeclaredSearch",
    "DeclaredThen",
    "Held",
    "LiveChain",
    "Merge",
    "PageContent",
    "PageWishes",
    "SearchTurn",
    "SelectedThen",
    "Standing",
    "Task",
    "TaskSort",
    "Unread",
]

IN_SYNC = "in sync"
"""How a repository stands where live is as declared."""


@dataclass(frozen=True)
class PageWishes:
    """How pages are to be made."""

    url: str = ""
    """Where they will be found; empty: nobody knows."""

    jira: str = ""
    """What stands in front of ``/browse/TICKET``; empty: tickets are not
    linked."""

    docs: str = ""
    """Where the documentation is published; empty: it is not linked."""

    people: bool = True
    """Whether people are named."""

    live: bool = False
    """Whether repositories were looked at just now."""

    metrics: str = "prometheus"
    """Text format of the metrics: ``prometheus`` or ``openmetrics``."""


@dataclass(frozen=True)
class Unread:
    """A source that could not be read."""

    source: str
    """What it is, for people; it names neither hosts nor paths."""

    problems: tuple[Diagnostic, ...]
    """Why; it may name hosts and paths, so only its fixed words are shown on a
    page."""


@dataclass(frozen=True)
class Merge:
    """A commit of the main branch that says something else."""

    revision: Revision
    changes: Changes

    problems: int = 0
    """Mistakes that it has; what it says is told of the next sound one."""


class Held(NamedTuple):
    """For what a collection has calibrations, and for how long."""

    collection: CollectionName
    dataset_type: str

    filter: str
    """As rows of a `Timeline` have it; empty: the type knows none."""

    begin: int
    """Nanoseconds of TAI."""

    end: int
    """Nanoseconds of TAI, after the begin."""


@dataclass(frozen=True)
class LiveChain:
    """A declared chain, as a repository was seen to have it."""

    children: tuple[CollectionName, ...]
    """In search order."""

    searched: tuple[CollectionName, ...]
    """The chain flattened, in search order."""

    selected: frozenset[CollectionName]
    """Those that decide a lookup anywhere."""

    timeline: Timeline
    """Which ticket wins when."""

    held: tuple[Held, ...] = ()
    """What collections hold, in search order; empty: that is not known."""

    @property
    def fingerprint(self) -> str:
        """The effective fingerprint."""
        return self.timeline.fingerprint


@dataclass(frozen=True)
class DeclaredSearch:
    """What a declared chain searches, at repositories where that is the same.

    What its collections hold is told by seals alone.
    """

    repositories: tuple[RepositoryAddress, ...]
    """In the order of the waves."""

    children: tuple[CollectionName, ...]
    """In search order."""

    searched: tuple[CollectionName, ...]
    """The chain flattened, in search order."""

    selected: frozenset[CollectionName]
    """Those that decide a lookup anywhere."""

    unsealed: frozenset[CollectionName]
    """Those of which no seal tells what they hold."""

    timeline: Timeline
    """Which ticket wins when, as far as seals tell."""

    held: tuple[Held, ...] = ()
    """What collections hold, in search order, as far as seals tell."""


@dataclass(frozen=True)
class SelectedThen:
    """What a chain selected by a revision, as far as its seals tell."""

    timeline: Timeline
    """Which ticket wins when."""

    unsealed: int
    """Collections of which no seal tells what they hold."""

    repository: RepositoryAddress
    """Where that was so."""

    certifications: int = 0
    """How many certifications it was resolved from."""


@dataclass(frozen=True)
class DeclaredThen:
    """What was effective by a revision, as far as its seals tell."""

    revision: Revision

    chains: Mapping[CollectionName, SelectedThen]
    """By name, at the repository that today is as most are; only chains that
    pages of their instrument are about first."""


@dataclass(frozen=True)
class DailyNights:
    """What is kept of the verification of an instrument's last nights."""

    records: tuple[DailyRecord, ...]
    """One for each night, the oldest first."""

    alarms: tuple[Alarm, ...]
    """Those of the newest night."""


class TaskSort(Enum):
    """What sort of thing a person must do; the most urgent first."""

    # In this order: what keeps the others from being told comes first.
    TREE = "tree"
    SEAL = "seal"
    LOOK = "look"
    DEPLOY = "deploy"
    EXTRA = "extra"
    REVIEW = "review"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Task:
    """Something that a person must do."""

    sort: TaskSort
    instrument: InstrumentName

    about: str
    """The repository; else the ticket, or the archive."""

    words: str
    """What is the matter, and what is to be done, after what it is about."""

    command: str = ""
    """What does it, where a command does."""

    repository: RepositoryAddress | None = None
    """Where, if it is at one repository."""


@dataclass(frozen=True)
class Standing:
    """How one repository stands, with one instrument."""

    instrument: InstrumentName
    repository: RepositoryAddress

    wave: int
    """Which wave it belongs to, from 1; 0: it waits for nobody."""

    is_origin: bool
    """Whether calibrations of the instrument are made there."""

    word: str
    """`IN_SYNC`, or the word of the gravest `State`; too old counts as
    unreachable."""

    why: tuple[str, ...]
    """What departs from what is declared, in sentences, without paths: where
    it is unreachable, what was seen last."""

    age: Seen | None = None
    """When it was seen; `None`: nobody saw it."""


@dataclass(frozen=True)
class SearchTurn:
    """A repository began, or ceased, to search a chain as it was declared."""

    repository: RepositoryAddress
    instrument: InstrumentName
    chain: CollectionName

    at: Moment
    """When that was seen first, in UTC."""

    is_as_declared: bool
    """Whether it was so from then on."""

    lacking: tuple[CollectionName, ...]
    """Declared children that were not searched."""

    besides: tuple[CollectionName, ...]
    """Children that were searched and not declared."""


@dataclass(frozen=True)
class PageContent:
    """All that pages tell."""

    at: Moment
    """When it was gathered, in UTC: ages are counted from here."""

    version: str
    """Of calibstate."""

    wishes: PageWishes

    desired: DesiredState | None
    """What is declared; `None`: no revision of the tree is sound."""

    instruments: tuple[InstrumentName, ...] = ()
    """Those that are shown, sorted."""

    commit: str | None = None
    """Hex digest of the commit that it was made from."""

    dirty: bool = False
    """Whether the tree says something that the commit does not."""

    unsound: tuple[Diagnostic, ...] = ()
    """Mistakes of the tree as it is: what is declared is told as of the newest
    sound revision."""

    status: Status | None = None
    """`None`: it could not be told."""

    drift: tuple[Drift, ...] = ()
    """All that departs from what is declared."""

    standings: tuple[Standing, ...] = ()
    """By instrument, then in the order of the waves."""

    tasks: tuple[Task, ...] = ()
    """What a person must do; the most urgent first."""

    approvals: tuple[Approved, ...] = ()
    """By instrument and ticket."""

    merges: tuple[Merge, ...] = ()
    """The newest first."""

    runs: tuple[PastRun, ...] = ()
    """The newest first."""

    reviews: Mapping[RepositoryAddress, PublishedReview] = field(default_factory=dict)
    """What was published of them, by address."""

    watches: tuple[WatchState, ...] = ()
    """How the loops of sites go on, by site; of those that have one."""

    ages: Mapping[RepositoryAddress, Seen] = field(default_factory=dict)
    """When each repository was seen; those that nobody saw are left out."""

    sights: Mapping[RepositoryAddress, Sight] = field(default_factory=dict)
    """What was published of repositories, small, at the very moments at which
    they were seen; a page knows it only where somebody published it."""

    live: Mapping[RepositoryAddress, Mapping[CollectionName, LiveChain]] = field(default_factory=dict)
    """Declared chains as they were seen, by address and name; a chain that
    does not exist is left out."""

    declared: Mapping[CollectionName, tuple[DeclaredSearch, ...]] = field(default_factory=dict)
    """What declared chains search, by name; those searches first that most
    repositories have."""

    before: Mapping[CollectionName, tuple[DeclaredSearch, ...]] = field(default_factory=dict)
    """The same at the revision that it is compared with."""

    base: str = ""
    """That revision, for people; empty: it is compared with none."""

    revisions: tuple[DeclaredThen, ...] = ()
    """What was effective by the newest merges, the newest first."""

    kept: Mapping[RepositoryAddress, tuple[Sight, ...]] = field(default_factory=dict)
    """What repositories showed, whenever that changed, by address, the newest
    first; of very many only the newest."""

    turns: tuple[SearchTurn, ...] = ()
    """When they began or ceased to search as declared, as far as ``kept``
    tells; by repository."""

    tickets: Mapping[CollectionName, str] = field(default_factory=dict)
    """Ticket of each of its collections, and of what stands for it in a
    chain."""

    daily: Mapping[InstrumentName, DailyNights] = field(default_factory=dict)
    """What verifications of the last nights say, of instruments that have
    any."""

    unread: tuple[Unread, ...] = ()
    """What could not be read."""

    def is_stale(self, address: RepositoryAddress) -> bool:
        """Return whether a repository was not seen, or too long ago."""
        age = self.ages.get(address)
        return age is None or age.stale

    def table(self, instrument: InstrumentName) -> Table | None:
        """Return how it stands with an instrument; `None`: nobody tells."""
        if self.status is None:
            return None
        for table in self.status.tables:
            if table.instrument == instrument:
                return table
        return None

"""What a repository keeps, and what of it nobody needs any more.

Nothing here deletes anything, and nothing that reads it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum

from .contents import Holding
from .names import CollectionName, RepositoryAddress, TicketKey
from .products import PRODUCTS, VERIFIED, Product, Verified

__all__ = [
    "Children",
    "Facts",
    "Inventory",
    "Keeper",
    "Keeps",
    "LineState",
    "LitterFile",
    "Output",
    "RetentionClass",
    "RetentionLine",
    "StoredAs",
    "Uses",
]


class RetentionClass(Enum):
    """What datasets are to the chains: a letter, and what that means."""

    means: str
    """For people: what is in it."""

    loses: str
    """For people: what is lost with it."""

    def __new__(cls, letter: str, means: str, loses: str) -> RetentionClass:
        """Make a class whose value is its letter."""
        member = object.__new__(cls)
        member._value_ = letter
        member.means = means
        member.loses = loses
        return member

    SELECTED = (
        "A",
        "selected by a chain, for some exposure",
        "lookups find another calibration, or none",
    )

    SHADOWED = (
        "B",
        "certified and searched, but others win always and everywhere",
        "what a rollback of the winners would select",
    )

    UNSEARCHED = (
        "C",
        "certified in collections that no chain searches",
        "the certifications; who searches the collection by its name finds nothing",
    )

    INTERMEDIATE = (
        "D",
        "made on the way, or by a verification, and certified nowhere",
        "the record of which exposures and software were used, which `construct --record` writes down, "
        "and what a verdict was read from",
    )

    BOOTSTRAP = (
        "E",
        "bootstraps whose defects are certified",
        "the defects cannot be made again from the same bootstraps",
    )

    LITTER = (
        "F",
        "files below the folder of a RUN that no dataset has",
        "nothing that the butler can read; a batch that still runs would lose its output",
    )

    UNCERTIFIED = (
        "G",
        "RUNs of a construction of which nothing was certified",
        "what was made; it can only be made again",
    )


class Keeps(Enum):
    """Why something is kept, whatever its class: a word, and a sentence."""

    means: str
    """For people, without the name."""

    def __new__(cls, word: str, means: str) -> Keeps:
        """Make a reason whose value is its word."""
        member = object.__new__(cls)
        member._value_ = word
        member.means = means
        return member

    START_FROM = ("start-from", "a construction starts from it")
    SEAL = ("seal", "it is sealed")
    CHAIN = ("chain", "a chain that no file declares names it")
    TAGGED = ("tagged", "it is in a TAGGED collection")
    RULE = ("rule", "a rule of another account in Rucio keeps it")
    RECERTIFIED = ("recertified", "a ticket certifies its datasets again")
    NOT_ADOPTED = ("not-adopted", "its ticket is not adopted yet")
    NOT_LISTED = ("not-listed", "its ticket is adopted, and in no chain yet")
    UNDER_CONSTRUCTION = ("under-construction", "its ticket is still being made")
    USED_ELSEWHERE = ("used-elsewhere", "another repository has the same file on record")
    WITH_OTHERS = ("with-others", "others beside it are in use, and would go with it")
    WRITTEN_LATELY = ("written-lately", "it was written lately, and a batch may still run")


@dataclass(frozen=True)
class Keeper:
    """What keeps something, by its name."""

    by: Keeps
    name: str
    """A chain, collection, ticket or account; empty: the reason says all."""

    repository: str = ""
    """Where that is; empty: in the state tree, in Rucio, or beside it."""

    @property
    def order(self) -> tuple[str, str, str]:
        """What keepers are sorted by."""
        return self.by.value, self.name, self.repository


class LineState(Enum):
    """Whether somebody might clean it up."""

    OFFERED = "offered"
    """Nothing that we can see needs it."""

    LATER = "later"
    """Not before a day that the state tree sets."""

    KEPT = "kept"
    """Something names it."""

    NOT_KNOWN = "not-known"
    """A place could not be seen."""

    IN_USE = "in-use"
    """A chain selects it."""


Children = Mapping[CollectionName, tuple[CollectionName, ...]]
"""Of chains, in search order."""

_NAME = re.compile(
    r"(?P<prefix>u/[^/]+/)?(?P<instrument>[^/]+)/calib/(?P<ticket>[^/]+)/(?P<tag>[^/]+)"
    r"/(?P<output>[A-Za-z_-]+)\.(?P<rerun>[0-9]{8}[a-z]{1,2})(?P<run>/[^/]+)?"
)

_PRODUCT_OF: Mapping[str, Product] = {product.output: product for product in PRODUCTS.values()}
_VERIFIED_OF: Mapping[str, Verified] = {verified.output: verified for verified in VERIFIED.values()}


@dataclass(frozen=True)
class Output:
    """What a template of cp_pipe or cp_verify wrote, by its name.

    The names are those of section 2 of DMTN-222.
    """

    folder: CollectionName
    """What all names of its ticket and tag begin with."""

    ticket: TicketKey

    is_trial: bool
    """Whether it is below somebody's own prefix."""

    product: Product | None
    """`None`: it is a verification."""

    @classmethod
    def of(cls, name: CollectionName) -> Output | None:
        """Return what a collection is; `None`: the output of no template.

        Parameters
        ----------
        name
            A RUN, or the chain over the RUNs.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        stem = match["output"]
        if stem not in _PRODUCT_OF and stem not in _VERIFIED_OF:
            return None
        prefix = match["prefix"] or ""
        ticket = TicketKey(match["instrument"], match["ticket"])
        folder = f"{prefix}{ticket.instrument}/calib/{ticket.ticket}/{match['tag']}"
        return cls(folder, ticket, bool(prefix), _PRODUCT_OF.get(stem))


@dataclass(frozen=True)
class StoredAs:
    """In which files a dataset is."""

    uris: tuple[str, ...]
    """Where they really are, whatever links lead there; with a fragment within
    a zip file."""

    bytes: int
    """Their sizes together."""


@dataclass(frozen=True)
class LitterFile:
    """A file below the folder of a RUN that no dataset has."""

    run: CollectionName
    uri: str
    bytes: int

    changed: datetime | None
    """When it was written, UTC; `None`: that is not told."""


@dataclass(frozen=True)
class Inventory:
    """What one repository keeps of calibrations."""

    address: RepositoryAddress

    chains: Children = field(default_factory=dict)
    """Children of its chains, in search order."""

    holdings: Mapping[CollectionName, Holding] = field(default_factory=dict)
    """RUNs of calibrations, and what CALIBRATION and TAGGED collections hold
    of the dataset types in them."""

    files: Mapping[str, StoredAs] | None = field(default_factory=dict)
    """Files of the datasets in the RUNs, by UUID; `None`: that is not told."""

    litter: tuple[LitterFile, ...] = ()

    is_whole: bool = True
    """Whether all of it was looked at; else only what declared chains search,
    as somebody published it."""

    def stored(self, uuids: Iterable[str]) -> tuple[frozenset[str], int]:
        """Return in which files datasets are, and their bytes.

        Parameters
        ----------
        uuids
            The datasets; those without a file on record are left out.
        """
        files = self.files or {}
        paths: set[str] = set()
        size = 0
        for uuid in uuids:
            if uuid not in files:
                continue
            size += files[uuid].bytes
            for uri in files[uuid].uris:
                # The members of a zip file are in one file.
                path, _, _ = uri.partition("#")
                paths.add(path)
        return frozenset(paths), size


@dataclass(frozen=True)
class Facts:
    """What the state tree and Rucio say."""

    selecting: frozenset[CollectionName] = frozenset()
    """Chains that calibrations are searched by: declared ones, and those that
    instruments have by convention."""

    of_tickets: frozenset[CollectionName] = frozenset()
    """Chains of declared tickets, which only group what is certified."""

    declared: Mapping[RepositoryAddress, Children] = field(default_factory=dict)
    """Declared children of chains, by repository."""

    named: tuple[tuple[CollectionName, Keeper], ...] = ()
    """Collections that something names, a chain with all below it."""

    keeper_of: Mapping[TicketKey, Keeper] = field(default_factory=dict)
    """Why all of a ticket is kept."""

    listed: frozenset[TicketKey] = frozenset()
    """Tickets that a chain lists, or that are retired."""

    adopted: Mapping[TicketKey, date | None] = field(default_factory=dict)
    """Adopted tickets, and on which day, as far as that is written down."""

    ticket_of: Mapping[CollectionName, TicketKey] = field(default_factory=dict)
    """Tickets by the collections that they declare."""

    tickets: frozenset[TicketKey] = frozenset()
    """Declared tickets."""

    keep_intermediates: timedelta | None = None
    """How long what templates wrote is kept after the adoption."""

    def ticket(self, collection: CollectionName) -> TicketKey | None:
        """Return whose a collection is, by its declaration or its name."""
        if collection in self.ticket_of:
            return self.ticket_of[collection]
        # What is made of a ticket is not in its file before all is made.
        instrument, _, rest = collection.partition("/calib/")
        word, _, _ = rest.partition("/")
        key = TicketKey(instrument, word)
        if key in self.tickets:
            return key
        output = Output.of(collection)
        if output is None or output.is_trial:
            return None
        return output.ticket


@dataclass(frozen=True)
class Uses:
    """What is used, over all repositories."""

    selected: AbstractSet[str]
    """UUIDs of datasets that a chain selects."""

    searched: AbstractSet[CollectionName]
    """Collections that are searched through a chain."""

    kept: Mapping[str, AbstractSet[Keeper]]
    """Why datasets are kept, by UUID."""

    holders: Mapping[str, AbstractSet[RepositoryAddress]]
    """Repositories that have a file on record, by its URI."""


@dataclass(frozen=True)
class RetentionLine:
    """Datasets of one class that one command would remove."""

    repository: RepositoryAddress
    retention: RetentionClass
    """Its class."""

    collection: CollectionName
    """The CALIBRATION collection (A to C) or the RUN."""

    dataset_type: str | None
    """`None`: all that the collection has."""

    certifications: int
    """Of its datasets, in whatever collection."""

    files: int | None
    """`None`: the repository does not tell."""

    bytes: int | None
    """As the datastore recorded them; `None`: the repository does not tell."""

    ticket: TicketKey | None = None
    """Whose it is, by its name."""

    kept: tuple[Keeper, ...] = ()
    """Why it is kept."""

    unseen: tuple[str, ...] = ()
    """Places that were not seen, so that its class is not known."""

    not_before: date | None = None
    """Day before which it is not offered; `None`: nothing sets one."""

    is_early: bool = False
    """Whether that day is still to come."""

    uuids: tuple[str, ...] = field(default=(), repr=False)
    """Its datasets, sorted."""

    paths: tuple[str, ...] = ()
    """URIs of litter."""

    @property
    def datasets(self) -> int:
        """How many datasets it is of."""
        return len(self.uuids)

    @property
    def order(self) -> tuple[str, CollectionName, str]:
        """What lines are sorted by."""
        return self.retention.value, self.collection, self.dataset_type or ""

    @property
    def state(self) -> LineState:
        """Whether somebody might clean it up."""
        if self.retention is RetentionClass.SELECTED:
            return LineState.IN_USE
        if self.unseen:
            return LineState.NOT_KNOWN
        if self.kept:
            return LineState.KEPT
        if self.is_early:
            return LineState.LATER
        return LineState.OFFERED

    @property
    def command(self) -> tuple[str, ...]:
        """What a person would use, as words; empty: no command does it.

        The repository is ``$REPO``.
        """
        types: tuple[str, ...] = ()
        if self.dataset_type:
            types = (self.dataset_type,)
        return self.command_for(types)

    def command_for(self, dataset_types: Iterable[str]) -> tuple[str, ...]:
        """Return the command for several lines of one RUN.

        Parameters
        ----------
        dataset_types
            Theirs.
        """
        if self.state not in {LineState.OFFERED, LineState.LATER}:
            return ()
        name = self.collection
        match self.retention:
            case RetentionClass.UNSEARCHED:
                # The datasets stay in their RUNs, and are looked at again.
                return ("butler", "remove-collections", "$REPO", name)
            case RetentionClass.INTERMEDIATE:
                types = ",".join(dataset_types)
                prune = ("butler", "prune-datasets", "$REPO", name)
                return (*prune, "--datasets", types, "--purge", name)
            case RetentionClass.BOOTSTRAP | RetentionClass.UNCERTIFIED:
                return ("butler", "remove-runs", "$REPO", name)
            case RetentionClass.SELECTED | RetentionClass.SHADOWED | RetentionClass.LITTER:
                return ()

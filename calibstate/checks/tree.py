"""What the files of a state tree say, each for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..errors import Where
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, KeyPath, Lines, Written
from ..model.forms import Form
from ..model.names import InstrumentName, Noun
from ..model.repositories import Site
from ..model.seals import Seal
from ..model.settings import Settings
from ..model.tickets import Ticket
from ..model.verdicts import TicketVerdicts

__all__ = ["Claim", "Extent", "Tree", "Unread"]

_STAND_IN = Written(
    Settings(version=1, archive="unread", records="unread"),
    Lines("calibstate.yaml"),
)
"""Settings in place of those that cannot be read."""


@dataclass(frozen=True)
class Unread:
    """What files that could not be read may have declared."""

    words: frozenset[str] = frozenset()
    """Sites, tickets, collections and chains that they seem to name."""

    sites: bool = False
    """Whether a site's file is among them."""

    collections: bool = False
    """Whether they may have named any collection or chain."""

    def may_mean(self, word: str) -> bool:
        """Return whether a word may be theirs, so that it is not unknown."""
        if word in self.words or word.partition("/")[0] in self.words:
            return True
        return self.collections and "/" in word


class Claim(NamedTuple):
    """What one file says that a collection is.

    They come in tens of thousands, so they are plain tuples.
    """

    name: str
    """The collection."""

    meaning: str
    """What it is, in words."""

    lines: Lines
    path: KeyPath
    """What says so in its file."""

    is_value: bool = False
    """Whether that is the value, and not its key."""

    @property
    def where(self) -> Where:
        """The line."""
        # Of tens of thousands, few are looked up.
        if self.is_value:
            return self.lines.value_at(*self.path)
        return self.lines.at(*self.path)


@dataclass(frozen=True)
class Extent:
    """For how much a seal says that one dataset type stands, and does."""

    collection: str
    dataset_type: str

    lines: Lines
    """Of the seal."""

    sealed: int
    """How many datasets the seal says there are."""

    covered: int | None
    """For how many data IDs its coverage stands; `None`: it cannot be read."""

    problem: str = ""
    """Why it cannot."""

    @property
    def where(self) -> Where:
        """The line of its coverage."""
        return self.lines.at("collections", self.collection, "types", self.dataset_type, "coverage")


@dataclass(frozen=True)
class Tree:
    """What the files of a state tree say, each for itself."""

    root: str
    """Absolute path of the tree."""

    settings: Written[Settings] | None
    """``calibstate.yaml``; `None` where it could not be read."""

    sites: Sequence[Written[Site]]
    """By file, as are the others."""

    tickets: Sequence[Written[Ticket]]
    """All tickets."""

    chains: Sequence[Written[ChainFile]]
    """All chains."""

    unread: Unread = Unread()
    """What is missing because a file could not be read."""

    seals: Sequence[Written[Seal]] = ()
    """All seals."""

    own: Mapping[Form, Sequence[Written[Noun]]] = field(default_factory=dict)
    """What kinds declare by files of their own, by form."""

    beside: Mapping[str, Written[Noun] | None] = field(default_factory=dict)
    """What the files say that stand beside those, by file; `None`: it could
    not be read."""

    besides: tuple[str, ...] = ()
    """What else is at its root, but for what is hidden and for readers."""

    verdicts: Sequence[Written[TicketVerdicts]] = ()
    """What verifications say of tickets."""

    @cached_property
    def desired(self) -> DesiredState:
        """All of it together; of what is declared twice, the first."""
        # Backwards, so that the first overwrites the others.
        own: dict[str, dict[str, Written[Noun]]] = {}
        for form, files in self.own.items():
            by_name = own.setdefault(form.folder, {})
            for written in reversed(files):
                name = form.name_of(written.noun)
                by_name[name] = written
        return DesiredState(
            root=self.root,
            settings=self.settings or _STAND_IN,
            sites={site.noun.site: site for site in reversed(self.sites)},
            tickets={ticket.noun.key: ticket for ticket in reversed(self.tickets)},
            chains={chain.noun.chain: chain for chain in reversed(self.chains)},
            seals={seal.noun.key: seal for seal in reversed(self.seals)},
            verdicts={kept.noun.key: kept for kept in reversed(self.verdicts)},
            own=own,
            beside=self.beside,
            forms=tuple(self.own),
            besides=self.besides,
        )

    @cached_property
    def places(self) -> frozenset[str]:
        """Sites and addresses of repositories."""
        sites = frozenset(self.desired.sites)
        repositories = frozenset(self.desired.repositories)
        return sites | repositories

    @cached_property
    def instruments(self) -> frozenset[InstrumentName]:
        """Instruments that a repository has."""
        instruments: set[InstrumentName] = set()
        for site in self.sites:
            for repository in site.noun.repositories.values():
                instruments.update(repository.instruments)
        return frozenset(instruments)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Collections that the files declare, in the order of the files."""
        claims = []
        for written in self.tickets:
            ticket = written.noun
            lines = written.lines
            if ticket.collection:
                claim = Claim(
                    name=ticket.collection,
                    meaning=f"the ticket collection of {ticket.name}",
                    lines=lines,
                    path=("ticket",),
                )
                claims.append(claim)
            key = "bare" if ticket.bare else "collections"
            meaning = f"a collection of {ticket.name}"
            for index, leaf in enumerate(ticket.leaves):
                claim = Claim(leaf, meaning, lines, (key, index))
                claims.append(claim)
        for chain in self.chains:
            claim = Claim(
                name=chain.noun.chain,
                meaning="a declared chain",
                lines=chain.lines,
                path=("chain",),
                is_value=True,
            )
            claims.append(claim)
        return tuple(claims)

    @cached_property
    def claimed_again(self) -> tuple[tuple[Claim, Claim], ...]:
        """Claims to a name that is taken, each with the first one."""
        # Nearly always there are none, among ten thousand names.
        names = [chain.noun.chain for chain in self.chains]
        for written in self.tickets:
            ticket = written.noun
            names += ticket.leaves
            if ticket.collection:
                names.append(ticket.collection)
        if len(frozenset(names)) == len(names):
            return ()
        first: dict[str, Claim] = {}
        again: list[tuple[Claim, Claim]] = []
        for claim in self.claims:
            earlier = first.setdefault(claim.name, claim)
            if earlier is not claim:
                again.append((claim, earlier))
        return tuple(again)

    @cached_property
    def claimed(self) -> Mapping[str, Claim]:
        """What the files say that each collection is; the last of several."""
        return {claim.name: claim for claim in self.claims}

    @cached_property
    def parts_of_tickets(self) -> Mapping[str, Ticket]:
        """Collections that are deployed only as part of a ticket.

        Looked up by entries that mean nothing, of which there may be many.
        """
        parts: dict[str, Ticket] = {}
        for written in self.tickets:
            ticket = written.noun
            if ticket.collection:
                for name in (ticket.collection, *ticket.leaves):
                    parts.setdefault(name, ticket)
        return parts

    @cached_property
    def extents(self) -> tuple[tuple[Extent, ...], ...]:
        """What the coverages of each seal stand for, in the order of seals.

        Empty for a seal of which there is nothing to say.
        """
        extents: list[tuple[Extent, ...]] = []
        for written in self.seals:
            of_seal: tuple[Extent, ...] = ()
            if not written.noun.covers_what_it_says:
                of_seal = tuple(_extents_of(written))
            extents.append(of_seal)
        return tuple(extents)

    @cached_property
    def externals(self) -> frozenset[str]:
        """Collections of others that chains list."""
        # They are words that a chain may retire, too.
        externals: set[str] = set()
        for chain in self.chains:
            for entry in chain.noun.entries:
                if isinstance(entry, ExternalEntry):
                    externals.add(entry.external)
        return frozenset(externals)

    @cached_property
    def chains_below(self) -> Mapping[str, set[str]]:
        """Names of the declared chains that each declared chain lists."""
        below: dict[str, set[str]] = {}
        for name, written in self.desired.chains.items():
            chain = written.noun
            inner: set[str] = set()
            for entry in chain.entries:
                # What is external is nobody's chain here.
                if not isinstance(entry, str):
                    continue
                meaning = self.desired.meaning(entry, chain.instrument)
                if meaning and meaning.chain:
                    inner.add(meaning.chain.noun.chain)
            below[name] = inner
        return below

    def children(self, entry: str | ExternalEntry, instrument: InstrumentName) -> tuple[str, ...]:
        """Return the collections that an entry of a chain stands for.

        Parameters
        ----------
        entry
            The entry; one that means nothing stands for itself.
        instrument
            Instrument of the chain.
        """
        if isinstance(entry, ExternalEntry):
            return (entry.external,)
        meaning = self.desired.meaning(entry, instrument)
        return meaning.children if meaning else (entry,)

    def listed(self, chain: Written[ChainFile]) -> Sequence[tuple[str, Where]]:
        """Return the collections that a chain lists, with the line of each."""
        return self._listed[chain.lines.file]

    @cached_property
    def _listed(self) -> Mapping[str, Sequence[tuple[str, Where]]]:
        """The same by file of the chain; several rules go through it."""
        listed: dict[str, list[tuple[str, Where]]] = {}
        for chain in self.chains:
            children = listed.setdefault(chain.lines.file, [])
            for index, entry in enumerate(chain.noun.entries):
                where = chain.lines.at("entries", index)
                for child in self.children(entry, chain.noun.instrument):
                    children.append((child, where))
        return listed


def _extents_of(written: Written[Seal]) -> Iterator[Extent]:
    for name, sealed in written.noun.collections.items():
        for dataset_type, contents in sealed.types.items():
            problem = ""
            covered = None
            try:
                covered = contents.extent
            except ValueError as error:
                problem = str(error)
            yield Extent(
                collection=name,
                dataset_type=dataset_type,
                lines=written.lines,
                sealed=contents.datasets,
                covered=covered,
                problem=problem,
            )

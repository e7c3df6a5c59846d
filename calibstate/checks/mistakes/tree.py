"""What the files of a state tree say, each for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...errors import Diagnostic, Where
from ...model.chains import ChainFile
from ...model.desired import DesiredState, Lines, Written
from ...model.forms import Form
from ...model.names import InstrumentName, Noun
from ...model.repositories import Site
from ...model.seals import Seal
from ...model.settings import Settings
from ...model.tickets import Ticket

__all__ = ["Checks", "Claim", "Tree", "Unread", "claims_of"]

_STAND_IN = Written(Settings(version=1, archive="unread", records="unread"), Lines("calibstate.yaml"))


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


@dataclass(frozen=True)
class Claim:
    """What one file says that a collection is."""

    what: str
    """In words."""

    where: Where
    """The line."""


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

    besides: tuple[str, ...] = ()
    """What else is at its root, but for what is hidden and for readers."""

    @cached_property
    def desired(self) -> DesiredState:
        """All of it together; of what is declared twice, the first."""
        return DesiredState(
            root=self.root,
            settings=self.settings or _STAND_IN,
            sites={s.noun.site: s for s in reversed(self.sites)},
            tickets={t.noun.key: t for t in reversed(self.tickets)},
            chains={c.noun.chain: c for c in reversed(self.chains)},
            seals={s.noun.key: s for s in reversed(self.seals)},
            own={
                form.folder: {form.name_of(one.noun): one for one in reversed(files)}
                for form, files in self.own.items()
            },
            forms=tuple(self.own),
            besides=self.besides,
        )

    @cached_property
    def places(self) -> frozenset[str]:
        """Sites and addresses of repositories."""
        return frozenset(self.desired.sites) | frozenset(self.desired.repositories)

    @cached_property
    def instruments(self) -> frozenset[InstrumentName]:
        """Instruments that a repository has."""
        sites = (site.noun for site in self.sites)
        return frozenset(i for s in sites for r in s.repositories.values() for i in r.instruments)

    @cached_property
    def claims(self) -> Mapping[str, Claim]:
        """Collections that the files declare, and as what."""
        return dict(claims_of(self))


def claims_of(tree: Tree) -> Iterator[tuple[str, Claim]]:
    """Give the name of each collection that the files declare."""
    for written in tree.tickets:
        ticket, lines = written.noun, written.lines
        if ticket.collection and not ticket.bare:
            yield ticket.collection, Claim(f"the ticket collection of {ticket.name}", lines.at("ticket"))
        key = "bare" if ticket.bare else "collections"
        for index, leaf in enumerate(ticket.leaves):
            yield leaf, Claim(f"a collection of {ticket.name}", lines.at(key, index))
    for chain in tree.chains:
        yield chain.noun.chain, Claim("a declared chain", chain.lines.value_at("chain"))


Checks = tuple[Callable[[Tree], Iterator[Diagnostic]], ...]
"""Each tells everything in which files do not agree in one respect."""

"""What chains search before a change, and after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...model.chains import moved
from ...model.names import RepositoryAddress
from ...model.scope import Scope
from .sides import Sides
from .sight import Children

__all__ = ["Search", "SearchChange", "Steps", "search_changes"]

Below = Callable[[str], tuple[str, ...]]
"""Tells what is searched through a collection that nobody declared."""


@dataclass(frozen=True)
class Steps:
    """How one order becomes another."""

    entered: tuple[str, ...]
    """What is in the later one only."""

    left: tuple[str, ...]
    """What is in the earlier one only."""

    moved: tuple[str, ...]
    """What changes its place among what stays."""

    @classmethod
    def between(cls, before: Sequence[str], after: Sequence[str]) -> Steps:
        """Return the steps from one order to another."""
        in_before = frozenset(before)
        in_after = frozenset(after)
        entered = [name for name in after if name not in in_before]
        left = [name for name in before if name not in in_after]
        return cls(
            tuple(entered),
            tuple(left),
            tuple(moved(before, after)),
        )

    @property
    def names(self) -> frozenset[str]:
        """Whatever enters, leaves or moves."""
        names = (*self.entered, *self.left, *self.moved)
        return frozenset(names)


@dataclass(frozen=True)
class Search:
    """A chain by one of the declarations."""

    children: tuple[str, ...]
    """Its children, in search order."""

    leaves: tuple[str, ...]
    """All collections that are searched through it, in order; no chains."""


@dataclass(frozen=True)
class SearchChange:
    """A chain by both declarations.

    Chains of several repositories that search the same are equal, and are
    compared once.
    """

    instrument: str
    before: Search
    after: Search


def search_changes(
    address: RepositoryAddress,
    scope: Scope,
    sides: Sides,
) -> dict[str, SearchChange]:
    """Return the declared chains of a repository, by name.

    Parameters
    ----------
    address
        The repository.
    scope
        The instruments that are asked for.
    sides
        The two declarations.
    """
    chains_before = sides.before.chains(address, scope)
    chains_after = sides.after.chains(address, scope)
    # What either declaration names is no extra of the other.
    named: defaultdict[str, set[str]] = defaultdict(set)
    for chain in (*chains_before, *chains_after):
        name = chain.address.name
        named[name].update(chain.children, chain.unwanted)
    sight = sides.after.sight
    before = sight.children(chains_before, named)
    after = sight.children(chains_after, named)
    files = {
        **sides.before.chain_files,
        **sides.after.chain_files,
    }
    changes: dict[str, SearchChange] = {}
    names = before.keys() | after.keys()
    for name in sorted(names):
        # Collections of tickets are chains too, and have no such file.
        if name in files:
            changes[name] = SearchChange(
                files[name].noun.instrument,
                before=_search(name, before, sight.below),
                after=_search(name, after, sight.below),
            )
    return changes


def _search(
    name: str,
    children: Children,
    below: Below,
) -> Search:
    own_children = children.get(name, ())
    leaves = _leaves(name, children, below, reached={name})
    return Search(tuple(own_children), tuple(leaves))


def _leaves(
    name: str,
    children: Children,
    below: Below,
    reached: set[str],
) -> Iterator[str]:
    """Yield what is searched through a chain and was not reached yet.

    Depth first, as the butler searches.
    """
    for child in children.get(name, ()):
        if child not in children:
            for leaf in below(child):
                if leaf not in reached:
                    reached.add(leaf)
                    yield leaf
        elif child not in reached:
            reached.add(child)
            yield from _leaves(child, children, below, reached)

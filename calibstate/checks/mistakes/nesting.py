"""Whether chains within chains come to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...errors import Diagnostic
from ...model.chains import ChainFile
from .tree import Checks, Tree

__all__ = ["CHECKS", "MAX_NESTING"]

MAX_NESTING = 50
"""Declared chains within each other; real ones have two."""


def _nesting(tree: Tree) -> Iterator[Diagnostic]:
    below = {name: _chains_below(tree, chain.noun) for name, chain in tree.desired.chains.items()}
    depths = _depths(below)
    # Chains that are in a circle, or hold one, have no depth.
    left = {name: inner for name, inner in below.items() if name not in depths}
    while left:
        circle = _a_circle(left)
        yield _in_a_circle(tree, circle)
        left = _without(left, circle)
    if depths and max(depths.values()) > MAX_NESTING:
        name = max(sorted(depths), key=depths.__getitem__)
        detail = f"{name} holds more than {MAX_NESTING} chains, each within the one before."
        yield Diagnostic("Chains nested too deeply", detail, tree.desired.chains[name].lines.at("entries"))


def _chains_below(tree: Tree, chain: ChainFile) -> set[str]:
    words = (entry for entry in chain.entries if isinstance(entry, str))
    meanings = (tree.desired.meaning(word, chain.instrument) for word in words)
    return {meaning.chain.noun.chain for meaning in meanings if meaning and meaning.chain}


def _depths(below: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how many levels of chains each chain holds.

    Worked out from the bottom, since chains may be nested deeper than
    Python's stack.
    """
    above: dict[str, list[str]] = {name: [] for name in below}
    for name, inner in below.items():
        for one in inner:
            above[one].append(name)
    waiting = {name: len(inner) for name, inner in below.items()}
    ready = [name for name, number in waiting.items() if number == 0]
    depths = dict.fromkeys(ready, 0)
    for name in ready:
        for outer in above[name]:
            depths[outer] = max(depths.get(outer, 0), depths[name] + 1)
            waiting[outer] -= 1
            if waiting[outer] == 0:
                ready.append(outer)
    return {name: depths[name] for name in ready}


def _a_circle(below: Mapping[str, set[str]]) -> list[str]:
    """Return one circle of chains, all of which lead into one."""
    path = [min(below)]
    while (inner := min(i for i in below[path[-1]] if i in below)) not in path:
        path.append(inner)
    return path[path.index(inner) :]


def _without(below: Mapping[str, set[str]], circle: Sequence[str]) -> dict[str, set[str]]:
    """Return what leads into a circle still, without one of them."""
    rest = {name: inner.difference(circle) & below.keys() for name, inner in below.items()}
    depths = _depths({name: inner for name, inner in rest.items() if name not in circle})
    return {name: inner for name, inner in rest.items() if name not in circle and name not in depths}


def _in_a_circle(tree: Tree, circle: Sequence[str]) -> Diagnostic:
    chain = tree.desired.chains[circle[0]]
    entry = chain.noun.entries.index(circle[1 % len(circle)])
    told = (*circle, circle[0]) if len(circle) < 10 else (*circle[:9], "…")
    detail = f"{' → '.join(told)}: a search would never end."
    return Diagnostic("Circle of chains", detail, chain.lines.at("entries", entry), "Take one of them out.")


CHECKS: Checks = (_nesting,)
"""What is looked at here."""

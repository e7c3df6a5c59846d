"""Whether chains within chains come to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..rule import Finding, mistake
from ..tree import Tree

__all__ = ["MAX_NESTING"]

MAX_NESTING = 50
"""Declared chains within each other; real ones have two."""


@mistake("Circle of chains")
def circles(tree: Tree) -> Iterator[Finding]:
    """Find circles of chains, each once."""
    below = _chains_below(tree)
    depths = _depths(below)
    # Chains that are in a circle, or hold one, have no depth.
    left = {name: inner for name, inner in below.items() if name not in depths}
    while left:
        circle = _a_circle(left)
        chain = tree.desired.chains[circle[0]]
        # A circle of one leads to itself.
        entry = chain.noun.entries.index(circle[1 % len(circle)])
        shown = [*circle, circle[0]]
        if len(circle) >= 10:
            shown = [*circle[:9], "…"]
        yield Finding(
            where=chain.lines.at("entries", entry),
            detail=f"{' → '.join(shown)}: a search would never end.",
            hint="Take one of them out.",
        )
        left = _without(left, circle)


@mistake("Chains nested too deeply")
def nested_too_deeply(tree: Tree) -> Iterator[Finding]:
    """Find the chain that holds more levels of chains than may be."""
    depths = _depths(_chains_below(tree))
    if not depths or max(depths.values()) <= MAX_NESTING:
        return
    name = max(sorted(depths), key=lambda chain: depths[chain])
    yield Finding(
        where=tree.desired.chains[name].lines.at("entries"),
        detail=f"{name} holds more than {MAX_NESTING} chains, each within the one before.",
    )


def _chains_below(tree: Tree) -> dict[str, set[str]]:
    """Return which declared chains each chain lists."""
    below: dict[str, set[str]] = {}
    for name, chain in tree.desired.chains.items():
        inner = below[name] = set()
        for entry in chain.noun.entries:
            if isinstance(entry, str):
                meaning = tree.desired.meaning(entry, chain.noun.instrument)
                if meaning and meaning.chain:
                    inner.add(meaning.chain.noun.chain)
    return below


def _depths(below: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how many levels of chains each chain holds.

    Worked out from the bottom, since chains may be nested deeper than
    Python's stack.
    """
    above: dict[str, list[str]] = {name: [] for name in below}
    for outer, inner in below.items():
        for name in inner:
            above[name].append(outer)
    # A chain is ready once the depths of all that it holds are settled; the
    # list grows while it is gone through.
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
    while True:
        inner = min(name for name in below[path[-1]] if name in below)
        if inner in path:
            # What led there is no part of the circle.
            return path[path.index(inner) :]
        path.append(inner)


def _without(below: Mapping[str, set[str]], circle: Sequence[str]) -> dict[str, set[str]]:
    """Return what leads into a circle still, without one of them."""
    rest = {name: inner.difference(circle) & below.keys() for name, inner in below.items()}
    for name in circle:
        del rest[name]
    depths = _depths(rest)
    return {name: inner for name, inner in rest.items() if name not in depths}

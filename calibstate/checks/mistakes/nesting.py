"""Whether chains within chains come to an end."""

from __future__ import annotations

from collections.abc import Mapping

from ..rule import Finding, Findings, mistake
from ..tree import Tree

__all__ = ["MAX_NESTING"]

Below = Mapping[str, set[str]]
"""Chains by name, with the names of those that each lists."""

MAX_NESTING = 50
"""Declared chains within each other; real ones have two."""


@mistake("Circle of chains")
def circles(tree: Tree) -> Findings:
    """Find circles of chains, each once."""
    left = _without_depth(tree.chains_below)
    while left:
        circle = _a_circle(left)
        first = circle[0]
        chain = tree.desired.chains[first]
        closed = [*circle, first]
        # A circle of one leads to itself.
        following = closed[1]
        entry = chain.noun.entries.index(following)
        shown = closed
        if len(circle) >= 10:
            # Nobody reads a circle of a thousand in one line.
            shown = [*circle[:9], "…"]
        path = " → ".join(shown)
        yield Finding(
            where=chain.lines.at("entries", entry),
            detail=f"{path}: a search would never end.",
            hint="Take one of them out.",
        )
        # What led into this circle may hold another one.
        rest = {}
        for name, inner in left.items():
            if name not in circle:
                rest[name] = inner.difference(circle)
        left = _without_depth(rest)


@mistake("Chains nested too deeply")
def nested_too_deeply(tree: Tree) -> Findings:
    """Find the chain that holds more levels of chains than may be."""
    depths = _depths(tree.chains_below)
    deepest = max(depths.values(), default=0)
    if deepest <= MAX_NESTING:
        return
    # Of several, the first by name.
    name = min(name for name, depth in depths.items() if depth == deepest)
    chain = tree.desired.chains[name]
    yield Finding(
        where=chain.lines.at("entries"),
        detail=f"{name} holds more than {MAX_NESTING} chains, each within the one before.",
    )


def _without_depth(below: Below) -> Below:
    """Return the chains that are in a circle, or hold one, and lead on."""
    depths = _depths(below)
    rest = {}
    for name, inner in below.items():
        if name not in depths:
            rest[name] = inner.difference(depths)
    return rest


def _depths(below: Below) -> Mapping[str, int]:
    """Return how many levels of chains each chain holds.

    Chains that are in a circle, or hold one, have no depth.  Worked out from
    the bottom, since chains may be nested deeper than Python's stack.
    """
    # The other way round: the chains that list each one.
    above: dict[str, list[str]] = {name: [] for name in below}
    for outer, inner in below.items():
        for name in inner:
            above[name].append(outer)
    # A chain is ready once the depths of all that it holds are settled; the
    # list grows while it is gone through.
    waiting_for = {}
    ready = []
    for name, inner in below.items():
        waiting_for[name] = len(inner)
        if not inner:
            ready.append(name)
    levels = dict.fromkeys(below, 0)
    for name in ready:
        level = levels[name] + 1
        for outer in above[name]:
            levels[outer] = max(levels[outer], level)
            waiting_for[outer] -= 1
            if not waiting_for[outer]:
                ready.append(outer)
    # In a circle each chain waits for another one, so none gets ready.
    return {name: levels[name] for name in ready}


def _a_circle(below: Below) -> list[str]:
    """Return one circle of chains, all of which lead into one."""
    path: list[str] = []
    name = min(below)
    while name not in path:
        path.append(name)
        # Whichever is taken, it leads on: the smallest, so that the same tree
        # is told in the same words.
        name = min(below[name])
    # What led there is no part of the circle.
    return path[path.index(name) :]

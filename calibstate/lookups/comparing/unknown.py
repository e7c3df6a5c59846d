"""What nobody can tell from here, and could change what is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ...model.impacts import Sources, Unknown
from .searches import SearchChange, Steps

__all__ = ["unknown"]


def unknown(
    search: SearchChange,
    before: Sources,
    after: Sources,
    tickets: Mapping[str, str],
    *,
    falls_through: bool,
) -> Iterator[Unknown]:
    """Yield what is not known and could change what is told.

    It changes its place, or is searched before what does.  Behind it, what
    others make counts only where a lookup finds nothing else any more.

    Parameters
    ----------
    search
        What a chain searches before and after.
    before, after
        Who tells what is searched.
    tickets
        The ticket of each collection that has one.
    falls_through
        Whether a lookup finds nothing any more.
    """
    source_before = dict(before)
    source_after = dict(after)
    steps = Steps.between(
        search.before.leaves,
        search.after.leaves,
    )
    moved = steps.names
    changing = set(moved)
    for leaf, source in source_before.items():
        if leaf in source_after and source != source_after[leaf]:
            changing.add(leaf)
    # A lookup that reaches what changes has passed all that is before it.
    reached = {
        *_up_to(changing, search.before.leaves),
        *_up_to(changing, search.after.leaves),
    }
    untold: dict[str, None] = {}
    for leaf in search.before.leaves:
        if leaf not in source_before:
            untold[leaf] = None
    for leaf in search.after.leaves:
        if leaf not in source_after:
            untold[leaf] = None
    for leaf in untold:
        ticket = tickets.get(leaf, "")
        counts_behind = ticket or falls_through
        if leaf in reached or (reached and counts_behind):
            yield Unknown(leaf, ticket, leaf in moved)


def _up_to(last: Collection[str], order: Sequence[str]) -> Sequence[str]:
    """Return what is searched until the last of some was."""
    length = 0
    for number, leaf in enumerate(order, 1):
        if leaf in last:
            length = number
    return order[:length]

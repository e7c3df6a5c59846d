"""Who changed a chain, when, and what: read from its declarations in time.

A commit with mistakes says nothing that can be relied on; what changed there
is shown at the next sound one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.changes import Changes
from ..model.desired import DesiredState
from ..model.revisions import Changed, Then
from ..model.scope import Scope
from .changes import changes_of_chain
from .scoped import narrowed

__all__ = ["history"]


def history(line: Iterable[Then], chain: str, ticket: str | None = None) -> Iterator[Changed]:
    """Yield the revisions that say something else of a chain.

    Parameters
    ----------
    line
        What was declared in time, the newest first.
    chain
        The chain.
    ticket
        Only what is about this one; ``TICKET`` or ``INSTRUMENT/TICKET``.

    Yields
    ------
    Changed
        The newest first; those with mistakes among them.
    """
    scope = Scope()
    if ticket:
        scope = Scope(tickets=(ticket,))
    newer: Then | None = None
    unsound: list[Changed] = []
    for then in line:
        if then.problems:
            changed = Changed(then.revision, Changes(), then.problems)
            unsound.append(changed)
            continue
        # What a sound one changed is known once the next older one is seen;
        # the unsound ones lie between the two.
        if newer:
            yield from _changed(newer, then.desired, chain, scope)
        yield from unsound
        newer = then
        unsound = []
    if newer:
        yield from _changed(newer, None, chain, scope)
    yield from unsound


def _changed(then: Then, before: DesiredState | None, chain: str, scope: Scope) -> Iterator[Changed]:
    """Yield what a revision says otherwise than the one before, if any."""
    changes = changes_of_chain(before, then.desired, chain)
    if scope.tickets:
        changes = narrowed(changes, scope, before, then.desired)
    if changes:
        yield Changed(then.revision, changes)

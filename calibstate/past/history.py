"""Who changed a chain, when, and what: told from its declarations in time.

A commit with mistakes says nothing that can be relied on; what changed there
is told of the next sound one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.changes import Changes
from ..model.desired import DesiredState
from ..model.revisions import Changed, Then
from ..model.scope import Scope
from .changes import changes_of_chain, narrowed

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
    scope = Scope(tickets=(ticket,) if ticket else ())
    newer: Then | None = None
    unsound: list[Changed] = []
    for then in line:
        if then.problems:
            unsound.append(Changed(then.revision, Changes(), then.problems))
            continue
        if newer:
            yield from _told(newer, then.desired, chain, scope)
        yield from unsound
        newer, unsound = then, []
    if newer:
        yield from _told(newer, None, chain, scope)
    yield from unsound


def _told(then: Then, before: DesiredState | None, chain: str, scope: Scope) -> Iterator[Changed]:
    found = changes_of_chain(before, then.desired, chain)
    if scope.tickets:
        found = narrowed(found, scope, before, then.desired)
    if found:
        yield Changed(then.revision, found)

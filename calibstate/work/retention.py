"""Tell what repositories keep, and what of it nobody needs any more."""

from __future__ import annotations

from ..engine.expand import places_of
from ..model.names import RepositoryAddress
from ..model.results.retention import RetentionTold
from ..model.retention import RetentionLine
from ..surveys.retention import retention_lines
from ..surveys.retention_facts import facts_of
from ..surveys.retention_look import look_at_inventories
from ..surveys.retention_uses import uses_of
from .session import Session

__all__ = ["retention"]


def retention(session: Session) -> RetentionTold:
    """Return what repositories keep, by class; nothing is deleted.

    All declared repositories are looked at, whatever is asked for: what one
    of them selects is in use at all.

    Parameters
    ----------
    session
        Of which repositories people are told.
    """
    desired = session.desired
    places = session.places()
    with session.counting("looking at", "repositories") as watch:
        looked = look_at_inventories(desired, places, watch)
    session.listener.report(places.relied_on())
    facts = facts_of(desired, looked.rules)
    uses = uses_of(looked.inventories.values(), facts)
    unseen = tuple(sorted(looked.unreachable))
    now = session.now()
    # People are told of what they asked for, by what all places showed.
    lines: dict[RepositoryAddress, tuple[RetentionLine, ...]] = {}
    butlers: dict[RepositoryAddress, str] = {}
    for address in places_of(desired, session.scope):
        inventory = looked.inventories.get(address)
        if inventory is None or not inventory.is_whole:
            continue
        lines[address] = retention_lines(inventory, uses, facts, unseen, now)
        _, repository = desired.repository(address)
        butlers[address] = repository.butler
    published: list[RepositoryAddress] = []
    for address, inventory in looked.inventories.items():
        if not inventory.is_whole:
            published.append(address)
    return RetentionTold(
        lines,
        butlers,
        tuple(sorted(published)),
        looked.unreachable,
        places.seen(looked.unreachable),
    )

"""What keeps a chain from being written, or one child from coming or going.

A child that is stopped stays out, or in, while the chain is written with the
others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..model.desired import DesiredState
from ..model.names import Address, CollectionName
from ..model.reasons import Code, Reason, Weight
from .chain_actions import ChainAction
from .guarding import hold_of_child, waiting
from .waves import Waves

__all__ = ["guards_of_children", "guards_of_entrant", "guards_of_leaver"]


def guards_of_children(
    action: ChainAction,
    desired: DesiredState,
    waves: Waves,
) -> Iterator[Reason]:
    """Yield what keeps children from coming, going or moving.

    Parameters
    ----------
    action
        What would be written.
    desired
        What is declared, guards and holds included.
    waves
        What the waves before have published.
    """
    chain = action.target
    for child in action.entrants:
        content = _content(action, child, desired)
        yield from guards_of_entrant(chain, child, content, desired, waves)
    for child in action.leavers:
        yield from guards_of_leaver(chain, child, desired, waves)
    # What stays and is overtaken answers less than before.
    for child in sorted(action.overtaken):
        hold = hold_of_child(child, desired)
        if hold:
            detail = f"it would give {child} another place, and {hold.detail}"
            yield replace(hold, detail=detail)
    if action.overtaken:
        yield from waiting(waves.order_waits(chain, action.children_after))
    # However good the reasons: so many at once may be a slip.
    most = desired.settings.noun.guards.chain_changes
    if action.displaced > most:
        yield Reason(
            Code.CHAIN_CHANGES,
            f"it would take out or move {action.displaced} children, more than the {most} that "
            "`guards` allows; if that is meant: --allow chain_changes --because REASON",
            Weight.GUARDED,
        )


def guards_of_entrant(
    chain: Address,
    child: CollectionName,
    content: Mapping[str, str],
    desired: DesiredState,
    waves: Waves,
) -> Iterator[Reason]:
    """Yield what keeps a child from entering a chain.

    Parameters
    ----------
    chain
        The chain.
    child
        The child.
    content
        Fingerprint of each of its collections, where it is a ticket.
    desired, waves
        As for `guards_of_children`.
    """
    hold = hold_of_child(child, desired)
    if hold:
        yield hold
    if chain.name in desired.chains:
        yield from waiting(waves.entry_waits(chain, child, content))


def guards_of_leaver(
    chain: Address,
    child: CollectionName,
    desired: DesiredState,
    waves: Waves,
) -> Iterator[Reason]:
    """Yield what keeps a child from leaving a chain."""
    hold = hold_of_child(child, desired)
    if hold:
        yield hold
    yield from waiting(waves.exit_waits(chain, child))


def _content(
    action: ChainAction,
    child: CollectionName,
    desired: DesiredState,
) -> Mapping[str, str]:
    """Return the fingerprints that a child's collections must have."""
    leaves: Sequence[CollectionName] = (child,)
    ticket = desired.ticket_with(child)
    if ticket and ticket.noun.collection:
        # A ticket collection brings all collections of its ticket.
        leaves = ticket.noun.leaves
    return {leaf: digest for leaf, digest in action.entering.items() if leaf in leaves}

"""What a sight answers, so that no rows have to be read.

It answers only what its observation would answer in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.contents import CollectionType
from ..model.desired import DesiredState
from ..model.fingerprints import collection_fingerprint
from ..model.results.lookups import ChainFingerprint
from ..model.sights import Sight, SightOfChain
from ..model.tickets import Ticket
from ..model.timelines import Timeline

__all__ = ["prints_of_sight", "timelines_of_sight"]

_EMPTY = collection_fingerprint(())
"""Of a collection that holds nothing."""


def timelines_of_sight(
    desired: DesiredState,
    sight: Sight,
    names: Sequence[str],
) -> Mapping[str, Timeline] | None:
    """Return which ticket wins when, by a sight.

    Parameters
    ----------
    desired
        What is declared.
    sight
        What was published of a repository.
    names
        Declared chains.

    Returns
    -------
    mapping or None
        By chain; one that does not exist is left out.  `None`: only the
        observation tells.
    """
    if not _tells(desired, sight, names):
        return None
    timelines: dict[str, Timeline] = {}
    for name in names:
        chain = sight.chains[name]
        if chain:
            timelines[name] = chain.timeline
    return timelines


def prints_of_sight(
    desired: DesiredState,
    sight: Sight,
    names: Sequence[str],
) -> Mapping[str, ChainFingerprint] | None:
    """Return the fingerprints of chains, by a sight.

    Parameters
    ----------
    desired
        What is declared.
    sight
        What was published of a repository.
    names
        Declared chains.

    Returns
    -------
    mapping or None
        By chain; one that does not exist is left out.  `None`: only the
        observation tells.
    """
    if not _tells(desired, sight, names):
        return None
    collections = _Collections(desired, sight)
    prints: dict[str, ChainFingerprint] = {}
    for name in names:
        chain = sight.chains[name]
        if chain:
            fingerprints = collections.searched_through(chain)
            prints[name] = ChainFingerprint(chain.effective, fingerprints)
    return prints


def _tells(desired: DesiredState, sight: Sight, names: Sequence[str]) -> bool:
    # With another declaration tickets may have had other collections, or were
    # not asked for.
    if sight.declared != desired.digest:
        return False
    # Of a collection that was tagged by hand the sight counts all datasets.
    for collection in sight.others.values():
        if collection.type is CollectionType.TAGGED:
            return False
    return all(name in sight.chains for name in names)


class _Collections:
    """Fingerprints of the collections of a repository.

    Parameters
    ----------
    desired
        What is declared; the sight was made with it.
    sight
        What was published.
    """

    def __init__(self, desired: DesiredState, sight: Sight) -> None:
        self._tickets: dict[str, Ticket] = {}
        self._fingerprints: dict[str, str] = {}
        for name, collection in sight.others.items():
            self._fingerprints[name] = collection.fingerprint
        for key, written in desired.tickets.items():
            ticket = written.noun
            # By hand somebody may have made a collection of that very name.
            if ticket.collection and ticket.collection not in sight.others:
                self._tickets[ticket.collection] = ticket
            seal = desired.seals.get(key)
            live = sight.tickets.get(ticket.name)
            if seal is None or live is None or live.fingerprint != seal.noun.fingerprint:
                continue
            # As it was sealed, it is told by its seal alone.
            self._fingerprints |= seal.noun.fingerprints

    def searched_through(self, chain: SightOfChain) -> Mapping[str, str]:
        """Return those that are searched and hold something, in order."""
        fingerprints: dict[str, str] = {}
        for name in chain.searched:
            leaves: Sequence[str] = (name,)
            if name in self._tickets:
                leaves = self._tickets[name].leaves
            for leaf in leaves:
                fingerprint = self._fingerprints.get(leaf, _EMPTY)
                if fingerprint != _EMPTY:
                    fingerprints[leaf] = fingerprint
        return fingerprints

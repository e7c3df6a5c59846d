"""What stands above a timeline: its chain, and what is not known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.results.timelines import ChainTimeline

__all__ = ["heading", "told_once", "untold"]


def told_once(chains: Iterable[ChainTimeline]) -> Iterator[tuple[ChainTimeline, str]]:
    """Yield each chain, and what tells of its timeline already.

    A chain within a chain often selects the same as that.

    Parameters
    ----------
    chains
        In the order in which they are told.

    Yields
    ------
    tuple
        The chain, and a sentence that stands for its timeline; empty: it is
        the first that has such a one.
    """
    first: dict[tuple[object, object], str] = {}
    for chain in chains:
        same = first.setdefault((chain.timeline, chain.before), chain.chain)
        yield chain, "" if same == chain.chain else f"The same as {same}."


def heading(chain: ChainTimeline) -> str:
    """Return a chain, and where it is so."""
    places = ", ".join(chain.repositories)
    if not places:
        return chain.chain
    return f"{chain.chain} at {places}"


def untold(chain: ChainTimeline) -> Iterator[str]:
    """Yield what is searched, and of which nobody can tell what it holds."""
    if chain.unsealed:
        # A seal would tell, so who can make one is not left to guess.
        names = ", ".join(chain.unsealed)
        yield f"Not told here, since no seal says what they hold: {names}."
    if chain.external:
        names = ", ".join(chain.external)
        yield f"Not told here, since others make them: {names}."

"""What stands above a timeline: its chain, and what is not known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.results.timelines import ChainTimeline, TimelinesDrawn
from ..ages import when_last_seen

__all__ = ["heading", "headings", "same_tickets", "told_once", "untold"]


def told_once(chains: Iterable[tuple[str, ChainTimeline]]) -> Iterator[tuple[str, ChainTimeline, str]]:
    """Yield each chain, and what tells of its timeline already.

    A chain within a chain often selects the same as that.

    Parameters
    ----------
    chains
        In the order in which they are told, each with what stands above it.

    Yields
    ------
    tuple
        The same, and a sentence that stands for the timeline; empty: it is
        the first that has such a one.
    """
    first: dict[tuple[object, object], str] = {}
    for words, chain in chains:
        same = first.setdefault((chain.timeline, chain.before), chain.chain)
        yield words, chain, "" if same == chain.chain else f"The same as {same}."


def heading(chain: ChainTimeline) -> str:
    """Return a chain, and where it is so."""
    places = ", ".join(chain.repositories)
    if not places:
        return chain.chain
    return f"{chain.chain} at {places}"


def headings(result: TimelinesDrawn) -> Iterator[tuple[str, ChainTimeline]]:
    """Yield each chain with its heading, those that were seen last at the end.

    Parameters
    ----------
    result
        What was drawn.
    """
    for chain in result.chains:
        yield heading(chain), chain
    for chain in result.last_seen:
        (address,) = chain.repositories
        when = when_last_seen(result.ages[address])
        yield f"{heading(chain)} {when}", chain


def same_tickets(base: str) -> str:
    """Return what is told of a chain that changed, and no ticket's time did.

    Parameters
    ----------
    base
        What is compared with, for people.
    """
    return f"The same tickets win, always. Which datasets are others: calibstate impact {base}"


def untold(chain: ChainTimeline) -> Iterator[str]:
    """Yield what is searched, and of which nobody can tell what it holds."""
    if chain.unsealed:
        # A seal would tell, so who can make one is not left to guess.
        names = ", ".join(chain.unsealed)
        yield f"Not told here, since no seal says what they hold: {names}."
    if chain.external:
        names = ", ".join(chain.external)
        yield f"Not told here, since others make them: {names}."

"""What repositories were seen to search, beside what was declared."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.results.live import LiveChain, LiveChains, LiveRepository
from .markdown import safe
from .printable import printable

__all__ = ["as_markdown", "as_text"]


def as_text(result: LiveChains) -> Iterator[str]:
    """Yield the chains of each repository, with their children indented."""
    for repository in result.repositories:
        yield f"{repository.repository} {_seen(repository)}"
        for chain in repository.chains:
            yield f"  {chain.name}: {_stands(chain)}"
            for child in chain.children or ():
                yield f"    {printable(child)}"
            if chain.declared is None or chain.is_as_declared:
                continue
            yield "    declared instead:"
            for child in chain.declared:
                yield f"      {child}"


def as_markdown(result: LiveChains) -> Iterator[str]:
    """Yield the chains of each repository for a ticket or a page."""
    for repository in result.repositories:
        yield f"**{safe(repository.repository)}** {_seen(repository)}\n"
        for chain in repository.chains:
            yield f"- {safe(chain.name)}: {_stands(chain)}"
            for number, child in enumerate(chain.children or (), 1):
                yield f"  {number}. {safe(printable(child))}"
            if chain.declared is None or chain.is_as_declared:
                continue
            yield "\n  declared instead:\n"
            for number, child in enumerate(chain.declared, 1):
                yield f"  {number}. {safe(child)}"
        yield ""


def _seen(repository: LiveRepository) -> str:
    """Return when it was seen so."""
    words = f"as seen at {repository.at}"
    if repository.until:
        words += f"; something else was seen first at {repository.until}"
    return words


def _stands(chain: LiveChain) -> str:
    """Return how a chain was, in words that follow its name."""
    if chain.children is None:
        return "absent"
    words = "as declared"
    if chain.declared is None:
        words = "live, and not known to have been declared"
    elif not chain.is_as_declared:
        words = "not as declared"
    if chain.since:
        words += f", seen so since {chain.since}"
    return words

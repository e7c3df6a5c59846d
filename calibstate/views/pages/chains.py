"""Chains: declared and live, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...model.pages import PageContent
from ...store.documents.pages import public
from ...store.documents.pages_chain import chain_document, parts_of
from ..sentences import of_chain
from .addresses import chain_address
from .page import Page

__all__ = ["chain_pages"]

_MOST_MERGES = 100
"""Commits that a page has as a table; its document has all."""


def chain_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each declared chain.

    Parameters
    ----------
    content
        All that is known.
    """
    if content.desired is None:
        return
    for instrument in content.instruments:
        chains = [written.noun.chain for written in content.desired.chains_of(instrument)]
        for chain in chains:
            document = chain_document(content, instrument, chain)
            parts = tuple(parts_of(document))
            more = {
                "chains": chains,
                "sentences": _sentences(content, chain),
                "firsts": tuple(part.first for part in parts),
                "most_merges": _MOST_MERGES,
            }
            for part in parts:
                address = chain_address(instrument, chain, part.first)
                title = chain if part.first == 1 else f"{chain}, from {part.first}"
                yield Page(address, title, part, instrument, "chain", more)


def _sentences(content: PageContent, chain: str) -> Mapping[str, Sequence[str]]:
    """Return what commits say otherwise of a chain, by commit."""
    sentences: dict[str, list[str]] = {}
    for merge in content.merges:
        words: list[str] = []
        for change in merge.changes.chains:
            # What a new chain holds is the whole table, and no change.
            if change.chain != chain or change.is_new:
                continue
            for sentence in of_chain(change):
                words.append(public(f"{sentence.mark} {sentence.what} {sentence.rest}"))
        sentences[merge.revision.commit] = words
    return sentences

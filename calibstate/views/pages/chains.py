"""Chains: declared and live, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.pages import PageContent
from ...store.documents.pages_chain import chain_document
from .addresses import chain_address
from .page import Page

__all__ = ["chain_pages"]


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
            more = {"chains": chains}
            yield Page(chain_address(instrument, chain), chain, document, instrument, "chain", more)

"""Pages at addresses that never change: of runs, of commits and of seals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...model.pages import PageContent
from ...store.documents.pages import public
from ...store.documents.pages_permanent import commit_document, run_document, seal_documents
from ..sentences import sentences
from .addresses import commit_address, merge_address, run_address, seal_address
from .page import Page

__all__ = ["commit_pages", "run_pages", "seal_pages"]

_SHORT = 10


def run_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each run.

    Parameters
    ----------
    content
        All that is known.
    """
    # The same journal may be in two stores.
    addresses: set[str] = set()
    for run in content.runs:
        address = run_address(run.id)
        if address not in addresses:
            addresses.add(address)
            yield Page(address, f"Run {run.id}", run_document(content, run), section="feed")


def commit_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each commit that says something else.

    Parameters
    ----------
    content
        All that is known.
    """
    # Of the newest there is a page of what they changed, for each instrument.
    before: dict[str, str] = {}
    for newer, older in pairwise(content.revisions):
        before[newer.revision.commit] = older.revision.commit
    for merge in content.merges:
        document = commit_document(content, merge)
        words: list[str] = []
        for sentence in sentences(merge.changes):
            words.append(public(f"{sentence.mark} {sentence.what} {sentence.rest}"))
        commit = merge.revision.commit
        compared: dict[str, str] = {}
        if commit in before:
            for instrument in content.instruments:
                compared[instrument] = merge_address(instrument, before[commit], commit)
        more = {"sentences": words, "compared": compared}
        title = f"Commit {commit[:_SHORT]}"
        yield Page(commit_address(commit), title, document, section="feed", more=more)


def seal_pages(content: PageContent) -> Iterator[Page]:
    """Yield a page for each seal.

    Parameters
    ----------
    content
        All that is known.
    """
    addresses: set[str] = set()
    for document in seal_documents(content):
        address = seal_address(document.digest)
        # Two tickets of the same content have one seal's beginning.
        if address not in addresses:
            addresses.add(address)
            yield Page(address, f"Seal of {document.ticket}", document, document.instrument, "tickets")

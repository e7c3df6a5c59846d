"""What became of a folder of pages."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.checkups import in_bytes
from ..model.results.pages import PagesWritten
from .messages import count

__all__ = ["lines"]


def lines(result: PagesWritten) -> Iterator[str]:
    """Yield how many pages there are, and where."""
    pages = count(result.pages, "page")
    size = in_bytes(result.bytes)
    if not result.compared_only:
        yield f"{pages}, {size}: open {result.folder}/index.html"
        return
    if not result.stale:
        yield f"{pages}, {size}: {result.folder} has them as they would be written"
        return
    yield f"{pages}, {size}: {count(result.stale, 'file')} of {result.folder} would be written"

"""Pages for a browser: plain files, without a server, a framework or a net.

A page is a document of the store, shown by a template; its document lies
beside it.  `table` has a row for each sort of page.
"""

from __future__ import annotations

from .files import files_of

__all__ = ["files_of"]

"""What calibstate asks of the tables of files that lie beside tickets."""

from __future__ import annotations

from typing import Protocol

from ..model.ingests import FileTable

__all__ = ["Tables"]


class Tables(Protocol):
    """Tables of a state tree."""

    def table(self, name: str) -> FileTable:
        """Return a table, as the stock ``butler ingest-files`` reads it.

        Parameters
        ----------
        name
            Its path within the tree.

        Raises
        ------
        RefusedError
            It is not there, is no file of the tree, or cannot be read.
        """
        ...

"""Readers of a repository that look in one certain way."""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import override

from calibstate.adapters.butler import DafButlerReader
from calibstate.adapters.butler.opening import Repository
from calibstate.adapters.butler.tables import Tables
from calibstate.model.contents import Holding

__all__ = ["BUTLER", "TABLES", "open_reader_by"]

BUTLER, TABLES = "the butler", "tables"


class _OnlyTables(Tables):
    """Tables that do not leave the answer to the butler."""

    @override
    def read(self, names: Iterable[str], *, calibrations_only: bool = False) -> dict[str, Holding] | None:
        held = super().read(names, calibrations_only=calibrations_only)
        assert held is not None, "the tables should have told"
        return held


def open_reader_by(way: str, folder: str) -> DafButlerReader:
    """Return a reader that asks `BUTLER` for everything, or `TABLES`."""
    repository = Repository(folder)
    tables = {BUTLER: None, TABLES: _OnlyTables(repository)}[way]
    return DafButlerReader(repository, repository.open(writeable=False), tables)

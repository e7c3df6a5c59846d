"""Readers of a repository that look in one certain way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from typing_extensions import override

from calibstate.adapters.butler import DafButlerReader
from calibstate.adapters.butler.opening import Repository
from calibstate.adapters.butler.tables import Tables
from calibstate.adapters.registry.plain import PlainRepository
from calibstate.adapters.registry.tables import Snapshot
from calibstate.adapters.repositories import RegistryReader
from calibstate.model.contents import Holding

__all__ = ["BUTLER", "REGISTRY", "TABLES", "note_digested", "open_reader_by"]

BUTLER, TABLES, REGISTRY = "the butler", "tables", "registry"


class _OnlyTables(Tables):
    """Tables that do not leave the answer to the butler."""

    @override
    def read(self, names: Iterable[str], *, calibrations_only: bool = False) -> dict[str, Holding] | None:
        held = super().read(names, calibrations_only=calibrations_only)
        assert held is not None, "the tables should have told"
        return held


class _OnlyRegistry(RegistryReader):
    """A reader whose butler answers nothing that tables tell."""

    @override
    def close(self) -> None:
        super().close()
        assert self.aside is None, "the tables should have told"


def open_reader_by(way: str, folder: str) -> DafButlerReader | RegistryReader:
    """Return a reader that looks in one way only.

    Parameters
    ----------
    way
        `BUTLER`: it is asked for everything; `TABLES`: over its connection;
        `REGISTRY`: the same, over a connection of ours.
    folder
        The repository.
    """
    if way == REGISTRY:
        return _OnlyRegistry(folder, PlainRepository.at(folder))
    repository = Repository(folder)
    tables = {BUTLER: None, TABLES: _OnlyTables(repository)}[way]
    return DafButlerReader(repository, repository.open(writeable=False), tables)


def note_digested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the collections whose rows are read for digests, as it grows."""
    names: list[str] = []
    digests = Snapshot.digests

    def noted(self: Snapshot, some: Any, *, calibrations_only: bool) -> Any:
        names.extend(some)
        return digests(self, some, calibrations_only=calibrations_only)

    monkeypatch.setattr(Snapshot, "digests", noted)
    return names

"""Datasets of Rucio: a new ticket has none yet."""

from __future__ import annotations

from tests.kinds.worlds.by_rucio import ByRucio


class _World(ByRucio):
    kind = "rucio_dataset"


WORLD = _World()

"""Skymaps: one is not registered at the summit yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from tests.commands.sites import SUMMIT, Sites
from tests.kinds.worlds import KindWorld, put_butler
from tests.skymaps import declare


class _World(KindWorld):
    kind = "skymap"
    told = "lsst_cells_v1"
    silent: ClassVar[Mapping[str, str]] = {
        "impact": "nothing is found through a skymap",
        "waves": "nothing is found through a skymap, so no site is at risk before another",
    }

    @override
    def prepare(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        put_butler(monkeypatch, folder, "skymaps", "register-skymap")

    @override
    def declare(self, sites: Sites) -> None:
        declare(sites.tree.state, only=[SUMMIT])

    @override
    def spoil(self, sites: Sites) -> str:
        declare(sites.tree.state, content="import os\n")
        return "skymaps/lsst_cells_v1.skymap.config:1"


WORLD = _World()

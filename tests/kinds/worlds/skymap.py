"""Skymaps: one is not registered at the summit yet."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from tests.commands.sites import SUMMIT, Sites
from tests.kinds.worlds import KindWorld
from tests.skymaps import declare

_BUTLER = f"""\
#!{sys.executable}
import sys
if sys.argv[1:] == ["--help"]:
    print()
    print("Commands:")
    print("  register-skymap  Make a SkyMap and add it to a repository.")
else:
    from tests.stand_ins.commands.skymaps import register_skymap
    register_skymap(sys.argv[2:], standalone_mode=False)
"""
"""A ``butler`` that need not import all packages to list its command."""


class _World(KindWorld):
    kind = "skymap"
    told = "lsst_cells_v1"
    silent: ClassVar[Mapping[str, str]] = {
        "impact": "nothing is found through a skymap",
        "waves": "nothing is found through a skymap, so no site is at risk before another",
    }

    @override
    def prepare(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        folder.mkdir()
        program = folder / "butler"
        program.write_text(f"\n{_BUTLER}".lstrip())
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))

    @override
    def declare(self, sites: Sites) -> None:
        declare(sites.tree.state, only=[SUMMIT])

    @override
    def spoil(self, sites: Sites) -> str:
        declare(sites.tree.state, content="import os\n")
        return "skymaps/lsst_cells_v1.skymap.config:1"


WORLD = _World()

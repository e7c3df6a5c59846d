"""Curated calibrations: a ticket that the command of the stack writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from tests.commands import curated
from tests.commands.sites import INSTRUMENT, ORIGIN, Sites
from tests.kinds.worlds import KindWorld, edit, line_with
from tests.packages import commit, write_package
from tests.stand_ins.commands import plugins

_FILE = f"tickets/{INSTRUMENT}/{curated.TICKET}.yaml"


class _World(KindWorld):
    kind = "curated"
    place = ORIGIN
    told = curated.TICKET
    silent: ClassVar[Mapping[str, str]] = {
        "waves": "it is written at the origin, in front of the first wave",
        "observe": "what is set up at a place is not observed",
    }
    revision = ""

    @override
    def prepare(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        package = folder / "obs_lsst_data"
        package.mkdir(parents=True)
        self.revision = commit(write_package(package))
        monkeypatch.setenv("OBS_LSST_DATA_DIR", str(package))
        monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("curated"))

    @override
    def declare(self, sites: Sites) -> None:
        curated.declare(sites, self.revision)
        sites.tree.chain(["DM-2", "DM-1", curated.TICKET])

    @override
    def apply(self, sites: Sites) -> int:
        # What is written has its UUIDs only then.
        sites.apply()
        return sites.apply().code

    @override
    def spoil(self, sites: Sites) -> str:
        edit(sites, _FILE, lambda said: said["curated"].update(label="no label"))
        return line_with(sites, _FILE, "no label")


WORLD = _World()

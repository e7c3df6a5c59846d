"""Sources: the reading of one flat has not been ingested at the origin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from typing_extensions import override

from tests import world
from tests.annex import electrometer_file, electrometer_path
from tests.commands.sites import INSTRUMENT, ORIGIN, Sites
from tests.kinds.worlds import KindWorld, line_with, put_butler

_DAY = 20250607
_FILE = f"sources/{INSTRUMENT}.yaml"
_RUN = f"{INSTRUMENT}/calib/photodiode"


class _World(KindWorld):
    kind = "source"
    place = ORIGIN
    told = f"{INSTRUMENT}/photodiode"
    file = _FILE
    silent: ClassVar[Mapping[str, str]] = {
        "observe": "what a store of readings has is seen there, not in the repository",
        "impact": "a reading is no calibration, and no chain searches its RUN",
        "waves": "each repository ingests by itself what its own exposures have",
    }

    @override
    def prepare(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        put_butler(monkeypatch, folder, "ingesting", "ingest-photodiode")

    @override
    def prepare_sites(self, sites: Sites) -> None:
        group = "2025-06-07T20:30:01#1"
        with sites.butler(ORIGIN) as butler:
            world.add_exposures(butler, _DAY, 1, group=group, observation_type="flat")
        file = sites.tree.folder / "annex" / electrometer_path(_DAY, 1)
        file.parent.mkdir(parents=True)
        file.write_bytes(electrometer_file(group))

    @override
    def declare(self, sites: Sites) -> None:
        said = {
            "instrument": INSTRUMENT,
            "at": ORIGIN,
            "photodiode": {"from": "../../annex", "since": "2025-06-07", "into": _RUN},
        }
        file = sites.tree.state / _FILE
        file.parent.mkdir()
        file.write_text(yaml.safe_dump(said, sort_keys=False))

    @override
    def spoil(self, sites: Sites) -> str:
        file = sites.tree.state / _FILE
        file.write_text(file.read_text().replace("2025-06-07", "the beginning"))
        return line_with(sites, _FILE, "the beginning")


WORLD = _World()

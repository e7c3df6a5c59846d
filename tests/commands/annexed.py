"""A Large File Annex with some of everything, and a repository beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.adapters.fitsheader import BLOCK
from calibstate.adapters.objectstores import open_store
from tests import world
from tests.annex import electrometer_file, electrometer_path
from tests.commands.sites import EMBARGO, ORIGIN, Sites, make_sites
from tests.services.gateway import Gateway, gateway
from tests.services.moto import S3, with_key

__all__ = ["RUN", "Annexed", "annexed", "declare", "feed", "make_origin"]

RUN = "LSSTComCam/calib/photodiode"

FIRST_DAY = date(2025, 6, 7)


def _days(number: int) -> list[int]:
    """Return so many days, as ``YYYYMMDD``."""
    return [int(f"{FIRST_DAY + timedelta(days=shift):%Y%m%d}") for shift in range(number)]


@dataclass
class Annexed:
    """Sites, and an annex behind a gateway that counts."""

    sites: Sites
    way: Gateway
    stores: tuple[str, ...]
    """URIs of two electrometers, by the profile ``lfa``."""

    files: dict[int, int] = field(default_factory=dict)
    """Number of files, by day."""

    odd: dict[str, str] = field(default_factory=dict)
    """Why files are told by name."""

    second: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    flats: set[int] = field(default_factory=set)
    """Exposures that a file is about, each by one."""

    without: int = 0
    """Flats that no file is about."""

    def put(self, day: int, number: int, data: bytes, index: int = 103) -> str:
        """Write a file, and return its name."""
        path = electrometer_path(day, number, index)
        open_store(self.stores[index == 102].replace("lfa@", "")).write(path, data)
        self.files[day] = self.files.get(day, 0) + 1
        return path.rpartition("/")[2]

    def fill(self, days: int, flats: int) -> None:
        """Write files of some days, with some of everything among them."""
        # Of the odd ones each is on a day of its own, and one is of today.
        kinds = ["second", "malformed", "unknown", "unreadable", "hole"]
        with self.sites.butler(ORIGIN) as butler:
            for place, day in enumerate(_days(days)):
                for seq in range(1, flats + 1):
                    group = f"{day}T20#{seq}"
                    numbers = world.add_exposures(butler, day, seq, group=group, observation_type="flat")
                    self.flats.update(numbers)
                    self.put(day, seq, electrometer_file(group, data=b"d" * 3 * BLOCK))
                if place < len(kinds):
                    self._add_odd(kinds[place], day, flats + 1)
            # Nobody measured the light of this one.
            world.add_exposures(butler, _days(1)[0], flats + 1, observation_type="flat")
            self.without = 1
        today = int(f"{datetime.now(UTC) - timedelta(hours=12):%Y%m%d}")
        for number in range(1, 6):
            self.waiting.append(self.put(today, number, electrometer_file(f"yet#{number}")))

    def _add_odd(self, kind: str, day: int, number: int) -> None:
        if kind == "second":
            self.second.append(self.put(day, number, electrometer_file(f"{day}T20#1", 102), 102))
        elif kind == "malformed":
            name = self.put(day, number, electrometer_file(f"{day}T20"))
            self.odd[name] = f"its GROUPID is `{day}T20`, and not of the form X#Y"
        elif kind == "unknown":
            name = self.put(day, number, electrometer_file("never#1"))
            self.odd[name] = "no exposure of that day has the group `never#1`"
        elif kind == "unreadable":
            name = self.put(day, number, b"cut off")
            self.odd[name] = "it is no FITS file"
        else:
            name = self.put(day, number, electrometer_file(f"{day}T20#99"))
            self.lost.append(name)
            self.odd[name] = "it is listed, and is not there"

    @property
    def number(self) -> int:
        return sum(self.files.values())

    @contextmanager
    def counted(self) -> Iterator[Counted]:
        """Count what is fetched from the annex meanwhile."""
        before = len(self.way.gets)
        counted = Counted()
        yield counted
        for fetched in self.way.gets[before:]:
            if "/" in fetched.path:
                counted.opened.append(fetched.path.rpartition("/")[2])
                counted.bytes += fetched.size
            else:
                counted.lists += 1

    def ingested(self) -> set[int]:
        """Return the exposures that have a dataset, as the butler tells."""
        butler = self.sites.seen(ORIGIN)
        refs = butler.query_datasets("photodiode", collections=RUN, explain=False, limit=None)
        exposures = [int(ref.dataId["exposure"]) for ref in refs]
        assert len(set(exposures)) == len(exposures)
        return set(exposures)


@dataclass
class Counted:
    """Requests to the annex."""

    lists: int = 0
    opened: list[str] = field(default_factory=list)
    """Names of the files that were read, once for each request."""

    bytes: int = 0
    """Bytes of what was read of files."""


def make_origin(folder: Path) -> Sites:
    """Make an origin and a copy of it, without a ticket."""
    return make_sites(folder, tickets=(), copies=(EMBARGO,))


def declare(sites: Sites, **feeds: Mapping[str, Any]) -> Path:
    """Declare sources of the origin, and return their file."""
    file = sites.tree.state / "sources/LSSTComCam.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({"instrument": "LSSTComCam", "at": ORIGIN, **feeds}, sort_keys=False))
    return file


@contextmanager
def annexed(s3: S3, sites: Sites, monkeypatch: pytest.MonkeyPatch) -> Iterator[Annexed]:
    """Open an annex, and declare that photodiodes come from it."""
    bucket = s3.bucket("lfa").removeprefix("s3://")
    stores = tuple(f"s3://lfa@{bucket}/Electrometer:{index}/fits/" for index in (103, 102))
    with gateway(s3.endpoint) as way:
        monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_lfa", with_key(way.endpoint))
        opened = Annexed(sites, way, stores)
        way.has_lost = lambda key: key.endswith(tuple(opened.lost or ["nothing"]))
        declare(sites, photodiode=feed(stores))
        yield opened


def feed(stores: Sequence[str], ignored: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what is declared of photodiodes."""
    said: dict[str, Any] = {"from": list(stores), "since": "2025-06-07", "into": RUN}
    if ignored:
        said["ignore"] = dict(ignored)
    return said

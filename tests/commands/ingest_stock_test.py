"""What the commands of obs_lsst do, of which ours are careful.

The commands are stand-ins, which the real ``butler`` loads; what is shown here
is what the source of the real ones says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from lsst.daf.butler.cli.butler import UncachedButlerCLI

from tests import world
from tests.annex import electrometer_file, electrometer_path, shutter_file, shutter_path
from tests.commands.sites import EMBARGO, ORIGIN, Sites
from tests.stand_ins.commands import plugins

DAY = 20250607
RUN = "LSSTComCam/calib/photodiode"
SHUTTER = "LSSTComCam/calib/shutterMotion"


@dataclass
class Stock:
    """Repositories, a folder of files, and the command as others run it."""

    sites: Sites

    @property
    def annex(self) -> Path:
        return self.sites.tree.folder / "annex"

    def put(self, path: str, data: bytes) -> str:
        file = self.annex / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return str(file)

    def run(self, command: str, *locations: str, at: str = ORIGIN, more: Sequence[str] = ()) -> int:
        words = [command, str(self.sites.path(at)), "LSSTComCam", *locations, *more]
        # The usual one remembers the commands there were at first.
        return CliRunner().invoke(UncachedButlerCLI("butler"), words).exit_code

    def ingested(self, dataset_type: str = "photodiode", run: str = RUN, at: str = ORIGIN) -> dict[int, str]:
        """Return the UUID of the dataset of each exposure."""
        butler = self.sites.seen(at)
        refs = butler.query_datasets(dataset_type, collections=run, explain=False)
        return {int(ref.dataId["exposure"]): str(ref.id) for ref in refs}


@pytest.fixture
def stock(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> Stock:
    """Return repositories with five exposures of a day."""
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("ingesting"))
    for address in (ORIGIN, EMBARGO):
        with sites.butler(address) as butler:
            for seq in range(1, 6):
                world.add_exposures(butler, DAY, seq, group=f"{DAY}T20#{seq}", observation_type="flat")
    return Stock(sites)


def number(seq: int) -> int:
    return DAY * 100_000 + seq


def test_a_day_is_taken_in_and_nothing_comes_twice(stock: Stock) -> None:
    for seq in (1, 2):
        stock.put(electrometer_path(DAY, seq), electrometer_file(f"{DAY}T20#{seq}"))
    # A second electrometer, a group of another form, and no FITS file.
    stock.put(electrometer_path(DAY, 3, 102), electrometer_file(f"{DAY}T20#1", 102))
    stock.put(electrometer_path(DAY, 4), electrometer_file("20250607T20"))
    stock.put(electrometer_path(DAY, 5), b"no FITS")
    folder = f"{stock.annex}/2025/06/07/"

    assert stock.run("ingest-photodiode", folder) == 0
    first = stock.ingested()
    assert set(first) == {number(1), number(2)}

    assert stock.run("ingest-photodiode", folder) == 0
    assert stock.ingested() == first

    # They are the same datasets everywhere.
    assert stock.run("ingest-photodiode", folder, at=EMBARGO) == 0
    assert stock.ingested(at=EMBARGO) == first


def test_one_without_an_exposure_makes_it_fail_when_all_others_are_in(stock: Stock) -> None:
    stock.put(electrometer_path(DAY, 1), electrometer_file("1#1"))
    stock.put(electrometer_path(DAY, 2), electrometer_file(f"{DAY}T20#2"))

    assert stock.run("ingest-photodiode", f"{stock.annex}/2025/06/07/") == 1
    assert set(stock.ingested()) == {number(2)}


def test_nothing_but_copies_is_taken_in(stock: Stock) -> None:
    file = stock.put(electrometer_path(DAY, 1), electrometer_file(f"{DAY}T20#1"))
    assert stock.run("ingest-photodiode", file, more=["--transfer", "direct"]) == 1


def test_profiles_without_an_exposure_are_passed_over(stock: Stock) -> None:
    for obs_id in (f"MC_O_{DAY}_000001", f"MC_O_{DAY}_000009"):
        stock.put(shutter_path(DAY, obs_id, "Open"), shutter_file(obs_id, is_open=True))

    assert stock.run("ingest-shuttermotion", f"{stock.annex}/2025/06/07/") == 0
    assert set(stock.ingested("shutterMotionProfileOpen", SHUTTER)) == {number(1)}
    assert stock.ingested("shutterMotionProfileClose", SHUTTER) == {}


def test_a_profile_that_is_named_by_itself_is_taken_for_both(stock: Stock) -> None:
    obs_id = f"MC_O_{DAY}_000001"
    file = stock.put(shutter_path(DAY, obs_id, "Open"), shutter_file(obs_id, is_open=True))

    assert stock.run("ingest-shuttermotion", file) == 0

    # That of a closing holds what is that of an opening.
    assert set(stock.ingested("shutterMotionProfileClose", SHUTTER)) == {number(1)}

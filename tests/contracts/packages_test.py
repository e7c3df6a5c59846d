"""What shows packages promises: one in memory, and folders of this host."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calibstate.adapters.packages import SiteDataPackages
from calibstate.errors import UnreachableError
from calibstate.model.curated import CuratedFile, SeenPackage
from calibstate.model.timespans import format_bound
from calibstate.ports.packages import DataPackages
from tests import packages
from tests.fakes.packages import MemoryPackages
from tests.packages import CAMERA, commit, write_package

NAME = "obs_lsst_data"
BEGIN, LATER = 8_000_082_000, 1_717_200_037_000_000_000
"""UTC of the files' names in nanoseconds of TAI."""


def file(dataset_type: str, folder: str, begin: int = BEGIN) -> CuratedFile:
    date = packages.FIRST if begin == BEGIN else packages.SECOND
    return CuratedFile(dataset_type, (folder,), f"{date}Z", begin)


FILES = (
    file("crosstalk", "r00_s00"),
    file("crosstalk", "r00_s00", LATER),
    file("crosstalk", "r00_s01"),
    file("crosstalk", "r00_s01", LATER),
    file("transmission_filter", "g_01"),
)


@pytest.fixture(params=["fake", "real"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> DataPackages:
    """Return packages of which one is set up."""
    root = str(tmp_path / "package")
    if request.param == "fake":
        return MemoryPackages({(NAME, CAMERA): SeenPackage(root, files=FILES)})
    write_package(Path(root))
    return set_up(Path(root))


def set_up(root: Path) -> SiteDataPackages:
    return SiteDataPackages({"OBS_LSST_DATA_DIR": str(root)}.get)


def test_a_package_tells_types_and_moments_by_the_names_in_it(there: DataPackages) -> None:
    seen = there.look(NAME, CAMERA)
    assert seen
    assert sorted(seen.files, key=str) == sorted(FILES, key=str)
    assert (seen.unfit, seen.revision, seen.is_edited) == ((), None, False)


def test_the_moments_are_those_of_the_butler() -> None:
    assert format_bound(BEGIN) == "1970-01-01T00:00:08.000082"
    assert format_bound(LATER) == "2024-06-01T00:00:37"


def test_what_is_not_set_up_is_not_there(there: DataPackages, tmp_path: Path) -> None:
    assert there.look("obs_other_data", CAMERA) is None
    assert set_up(tmp_path / "gone").look(NAME, CAMERA) is None


def test_a_camera_without_a_folder_has_no_files(tmp_path: Path) -> None:
    seen = set_up(write_package(tmp_path)).look(NAME, "latiss")
    assert seen and seen.files == ()


def test_names_with_a_colon_and_types_without_folders_are_read(tmp_path: Path) -> None:
    folder = tmp_path / CAMERA / "transmission_optics"
    folder.mkdir(parents=True)
    (folder / "2024-06-01T02:00:00+02:00.yaml").write_text("{}")
    seen = set_up(tmp_path).look(NAME, CAMERA)
    assert seen and seen.files == (CuratedFile("transmission_optics", (), "20240601T000000Z", LATER),)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the clock of another zone."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/Santiago")
        time.tzset()
        yield
    time.tzset()


def test_dates_are_utc_wherever_they_are_read(tmp_path: Path, elsewhere: None) -> None:
    seen = set_up(write_package(tmp_path)).look(NAME, CAMERA)
    assert seen and {file.begin for file in seen.files} == {BEGIN, LATER}


def test_what_the_command_would_stop_at_is_told(tmp_path: Path) -> None:
    write_package(tmp_path)
    (tmp_path / CAMERA / "crosstalk/r00_s00/newest.ecsv").write_text("")
    (tmp_path / CAMERA / "defects").mkdir()
    seen = set_up(tmp_path).look(NAME, CAMERA)
    assert seen
    first, second = seen.unfit
    assert first.endswith("newest.ecsv is no date")
    assert second.endswith("defects holds nothing that could be read")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"0001-01-01T00:00:00+14:00.yaml", "is no date"),
        (b"9999-12-31T23:59:59-10:00.yaml", "is no date"),
        (b"9999-12-31.yaml", "begins in 9999"),
        (b"\xff.yaml", r"\xff.yaml is no date"),
        (b"line\nend.yaml", "is no date"),
    ],
)
def test_names_that_mean_no_moment_are_told(tmp_path: Path, name: bytes, told: str) -> None:
    folder = tmp_path / CAMERA / "transmission_optics"
    folder.mkdir(parents=True)
    with open(os.path.join(os.fsencode(folder), name), "wb"):
        pass

    seen = set_up(tmp_path).look(NAME, CAMERA)

    assert seen and seen.files == ()
    (unfit,) = seen.unfit
    assert told in unfit
    assert unfit.encode()


def test_a_folder_whose_name_is_no_text_is_told_as_it_is(tmp_path: Path) -> None:
    write_package(tmp_path)
    folder = os.fsencode(tmp_path / CAMERA / "crosstalk") + b"/\xff"
    os.mkdir(folder)
    with open(folder + b"/20240601T000000.yaml", "wb"):
        pass

    seen = set_up(tmp_path).look(NAME, CAMERA)

    assert seen and (r"\xff",) in [file.folders for file in seen.files]


def test_a_checkout_tells_its_revision_and_whether_it_was_edited(tmp_path: Path) -> None:
    revision = commit(write_package(tmp_path))
    seen = set_up(tmp_path).look(NAME, CAMERA)
    assert seen and (seen.revision, seen.is_edited) == (revision, False)
    (tmp_path / "ups").write_text("nothing of the camera")
    seen = set_up(tmp_path).look(NAME, CAMERA)
    assert seen and not seen.is_edited
    write_package(tmp_path, {f"crosstalk/r00_s00/{packages.FIRST}": "9"})
    seen = set_up(tmp_path).look(NAME, CAMERA)
    assert seen and seen.is_edited


@pytest.mark.parametrize(
    ("folder", "revision"),
    [
        ("g1234567890+abcdef", "1234567890"),
        ("28.0.0-3-g1234567+ab", "1234567"),
        ("28.0.0", None),
        ("g12", None),
    ],
)
def test_what_is_installed_tells_its_revision_by_its_folder(
    tmp_path: Path, folder: str, revision: str | None
) -> None:
    # That Git keeps a folder above says nothing of it.
    commit(write_package(tmp_path))
    seen = set_up(write_package(tmp_path / folder)).look(NAME, CAMERA)
    assert seen and seen.revision == revision


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
@pytest.mark.parametrize("name", ["defects", "crosstalk/r00_s00/older"])
def test_a_folder_that_may_not_be_listed_is_not_seen(tmp_path: Path, name: str) -> None:
    write_package(tmp_path)
    (tmp_path / CAMERA / name).mkdir(mode=0)
    with pytest.raises(UnreachableError, match=name):
        set_up(tmp_path).look(NAME, CAMERA)

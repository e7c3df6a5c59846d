"""What is told of a collection that holds other UUIDs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from calibstate.errors import Diagnostic, UnreachableError
from calibstate.kinds.same_content import OtherUuids, other_uuids
from calibstate.model.bundles import BundledCollection, BundleFile, Manifest
from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.pins import Pin
from calibstate.model.timespans import UNBOUNDED
from tests.calibrations import IN_2024

NAME = "LSSTCam/calib/DM-1"
_NOTHING = f"sha256:{'0' * 64}"


def rows(*uuids: str) -> tuple[Row, ...]:
    return tuple(
        Row("crosstalk", f"detector={number},instrument=LSSTCam", uuid, *UNBOUNDED)
        for number, uuid in enumerate(uuids)
    )


def file(uuid: str, content: str, size: int = 10) -> BundleFile:
    return BundleFile(path=uuid, size=size, sha256=content * 64, adler32="0" * 8, datasets=(uuid,))


EXPECTED = rows("a", "b")
LIVE = Holding(NAME, CollectionType.CALIBRATION, rows("c", "d"), sizes={"c": 10, "d": 10})
PIN = Pin(
    {NAME: _NOTHING},
    "its bundle",
    manifest=Manifest(
        instrument="LSSTCam",
        ticket="DM-1",
        fingerprint=_NOTHING,
        made_at="2026-01-01T00:00:00Z",
        exported_from="usdf/main",
        collections=(
            BundledCollection(name=NAME, type=CollectionType.CALIBRATION, fingerprint=_NOTHING, datasets=2),
        ),
        files=(file("a", "1"), file("b", "2")),
    ),
)


def read(*files: BundleFile) -> OtherUuids:
    """Return what is told where these are the files."""

    def files_of(name: str) -> Mapping[str, BundleFile]:
        assert name == NAME
        return {file.path: file for file in files}

    told = other_uuids(LIVE, EXPECTED, PIN, files_of)
    assert told
    return told


def unread(name: str) -> Mapping[str, BundleFile]:
    raise AssertionError(f"{name} is read")


def test_the_same_bytes_are_the_same_content() -> None:
    told = read(file("c", "1"), file("d", "2"))
    assert told.is_same
    assert told.words.startswith("same content, other UUIDs: other UUIDs than its bundle says for 2 of 2")


@pytest.mark.parametrize("files", [[file("c", "1"), file("d", "3")], [file("c", "1")]], ids=["other", "none"])
def test_other_bytes_are_named(files: Sequence[BundleFile]) -> None:
    told = read(*files)
    assert not told.is_same
    assert "the files of 1 have other bytes: crosstalk detector=1" in told.words


def test_nothing_is_read_where_sizes_differ_or_are_not_known() -> None:
    resized = other_uuids(replace(LIVE, sizes={"c": 10, "d": 11}), EXPECTED, PIN, unread)
    assert resized and "the files of 1 have another size: crosstalk detector=1" in resized.words
    gone = other_uuids(replace(LIVE, sizes={"c": 10, "d": None}), EXPECTED, PIN, unread)
    assert gone and "another size" in gone.words
    plain = other_uuids(replace(LIVE, sizes={}), EXPECTED, PIN, unread)
    assert plain and plain.words.endswith("--files compares their bytes")
    without = other_uuids(LIVE, EXPECTED, replace(PIN, manifest=None), unread)
    assert without and without.words.endswith("without a bundle nobody can compare their bytes")
    assert not (resized.is_same or gone.is_same or plain.is_same or without.is_same)


def test_what_cannot_be_read_is_told_and_taken_for_nothing() -> None:
    def silent(name: str) -> Mapping[str, BundleFile]:
        raise UnreachableError(Diagnostic("Silent", "the store does not answer."))

    told = other_uuids(LIVE, EXPECTED, PIN, silent)
    assert told and not told.is_same
    assert told.words.endswith("their bytes could not be compared: the store does not answer")


@pytest.mark.parametrize(
    "live",
    [
        rows("c"),
        (*rows("c", "d"), Row("crosstalk", "detector=2,instrument=LSSTCam", "e", *UNBOUNDED)),
        (rows("c")[0], rows("c", "d")[1]._replace(begin=IN_2024[0])),
        (*rows("c", "d"), rows("e")[0]),
    ],
    ids=["fewer", "more", "another range", "two for one data ID"],
)
def test_more_than_uuids_is_not_told_here(live: Sequence[Row]) -> None:
    assert other_uuids(replace(LIVE, rows=live), EXPECTED, PIN, unread) is None

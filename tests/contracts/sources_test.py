"""What every store of readings promises: one in memory, a folder, a bucket."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsst.resources import ResourcePath

from calibstate.adapters.fitsheader import BLOCK
from calibstate.adapters.objectstores import open_store
from calibstate.adapters.sources import DayFolders
from calibstate.errors import RefusedError, UnreachableError
from calibstate.ports.sources import ListedFile, SourceStore
from tests.annex import electrometer_file
from tests.fakes.sources import MemorySource
from tests.services.gateway import Gateway, gateway
from tests.services.moto import S3, with_key

FITS = (".fits",)


@dataclass
class Annex:
    """A store, and a hand that puts files there."""

    store: SourceStore
    put: Callable[[str, bytes | Mapping[str, Any]], None]
    lose: Callable[[str], None]
    """Take a file away that was listed."""
    uri: str


@pytest.fixture(params=["fake", "folder", "s3"])
def annex(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Annex]:
    if request.param == "fake":
        fake = MemorySource()

        def remember(path: str, said: bytes | Mapping[str, Any]) -> None:
            if isinstance(said, bytes):
                said, fake.odd[path] = {}, "it is no FITS file"
            fake.files[path] = said

        def forget(path: str) -> None:
            fake.files[path] = None

        yield Annex(fake, remember, forget, fake.uri)
        return
    if request.param == "folder":
        uri = f"{tmp_path}/Electrometer:103/fits/"

        Path(uri).mkdir(parents=True)

        def remove(path: str) -> None:
            Path(uri, path).unlink()

        yield Annex(DayFolders(uri), _putter(uri), remove, DayFolders(uri).uri)
        return
    s3: S3 = request.getfixturevalue("s3")
    with gateway(s3.endpoint) as way:
        yield _in_bucket(s3, way, request.getfixturevalue("monkeypatch"))


def _in_bucket(s3: S3, way: Gateway, monkeypatch: pytest.MonkeyPatch) -> Annex:
    name = s3.bucket("annex").removeprefix("s3://")
    monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_lfa", with_key(way.endpoint))
    lost: list[str] = []
    way.has_lost = lambda key: key.endswith(tuple(lost or ["nothing"]))
    prefix = "Electrometer:103/fits/"
    return Annex(
        DayFolders(f"s3://lfa@{name}/{prefix}"),
        _putter(f"s3://{name}/{prefix}"),
        lost.append,
        f"s3://lfa@{name}/{prefix}",
    )


def _putter(uri: str) -> Callable[[str, bytes | Mapping[str, Any]], None]:
    store = open_store(uri)

    def put(path: str, said: bytes | Mapping[str, Any]) -> None:
        if isinstance(said, bytes):
            store.write(path, said)
        elif path.endswith(".json"):
            store.write(path, json.dumps(said).encode())
        else:
            more = {key: str(value) for key, value in said.items() if key != "GROUPID"}
            store.write(path, electrometer_file(said.get("GROUPID"), more=more))

    return put


def names(files: object) -> list[tuple[int, str]]:
    assert isinstance(files, list)
    return [(file.day, file.name) for file in files]


def test_files_are_listed_by_day_since_a_day(annex: Annex) -> None:
    for path in ("2025/06/06/a.fits", "2025/06/07/b.fits", "2025/06/07/a.fits", "2026/01/01/c.fits"):
        annex.put(path, {"GROUPID": "1#1"})

    assert names(annex.store.listed(20250607, FITS)) == [
        (20250607, "a.fits"),
        (20250607, "b.fits"),
        (20260101, "c.fits"),
    ]


def test_what_is_no_file_of_a_day_is_left_out(annex: Annex) -> None:
    for path in ("2025/06/07/a.fits", "2025/06/07/a.txt", "2025/06/index.fits", "old/2025/06/07/b.fits"):
        annex.put(path, {"GROUPID": "1#1"})

    assert names(annex.store.listed(20250607, FITS)) == [(20250607, "a.fits")]


def test_a_file_is_told_with_its_address(annex: Annex) -> None:
    annex.put("2025/06/07/a.fits", {"GROUPID": "1#1"})

    (file,) = annex.store.listed(20250607, FITS)

    assert file.uri == f"{annex.uri}2025/06/07/a.fits"


@pytest.mark.parametrize("name", ["a#b", "q?x=1", "100%25", "é{1,2}", "n" * 180])
def test_a_file_of_any_name_is_found_again_by_its_address(annex: Annex, name: str) -> None:
    annex.put(f"2025/06/07/{name}.fits", {"GROUPID": "1#1"})

    (file,) = annex.store.listed(20250607, FITS)

    assert file.name == f"{name}.fits"
    # No butler knows the scheme of the one in memory.
    assert ResourcePath(file.uri.replace("memory:", "s3:")).basename() == f"{name}.fits"
    assert annex.store.labels([file], ["GROUPID"])[file].values == {"GROUPID": "1#1"}


@pytest.mark.parametrize("day", ["2025/13/45", "2025/06/31", "9999/12/31"])
def test_a_folder_that_is_no_day_holds_no_file_of_a_day(annex: Annex, day: str) -> None:
    annex.put(f"{day}/a.fits", {"GROUPID": "1#1"})
    annex.put("2025/06/07/a.fits", {"GROUPID": "1#1"})

    assert names(annex.store.listed(20250607, FITS)) == [(20250607, "a.fits")]


def test_links_that_lead_nowhere_keep_no_file_from_being_seen(tmp_path: Path) -> None:
    folder = tmp_path / "2025/06/07"
    folder.mkdir(parents=True)
    (folder / "a.fits").write_bytes(electrometer_file("1#1"))
    (folder / "loop.fits").symlink_to("loop.fits")
    (folder / "gone.fits").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.fits")
    (folder / "folder.fits").mkdir()

    assert names(DayFolders(str(tmp_path)).listed(20250607, FITS)) == [(20250607, "a.fits")]


def test_a_name_that_is_no_text_is_told_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "2025/06/07"
    folder.mkdir(parents=True)
    path = os.path.join(os.fsencode(folder), b"\xff.fits")
    with open(path, "wb") as stream:
        stream.write(electrometer_file("1#1"))
    store = DayFolders(str(tmp_path))

    (file,) = store.listed(20250607, FITS)

    assert file.name == r"\xff.fits"
    assert "is no UTF-8" in store.labels([file], ["GROUPID"])[file].trouble


def test_files_tell_what_is_asked_for_and_nothing_else(annex: Annex) -> None:
    annex.put("2025/06/07/a.fits", {"GROUPID": "2025-06-07T1#2", "OBSID": "EM103_O_1"})
    annex.put("2025/06/07/b.fits", {"OBSID": "EM103_O_2"})
    files = annex.store.listed(20250607, FITS)

    labels = annex.store.labels(files, ["GROUPID"])

    assert [dict(labels[file].values) for file in files] == [{"GROUPID": "2025-06-07T1#2"}, {}]


def test_a_file_that_cannot_be_read_keeps_no_other_from_it(annex: Annex) -> None:
    annex.put("2025/06/07/a.fits", b"no FITS")
    annex.put("2025/06/07/b.fits", {"GROUPID": "1#1"})
    annex.put("2025/06/07/c.fits", {"GROUPID": "1#2"})
    files = annex.store.listed(20250607, FITS)
    annex.lose("2025/06/07/c.fits")

    troubles = [label.trouble for label in annex.store.labels(files, ["GROUPID"]).values()]

    assert troubles[:2] == ["it is no FITS file", ""]
    assert troubles[2].startswith("it is listed, and ")


def test_files_are_copied_under_their_names_for_a_while(annex: Annex) -> None:
    annex.put("2025/06/07/a.json", {"obsId": "MC_O_20250607_000001"})
    files = annex.store.listed(20250607, (".json",))

    with annex.store.copied(files) as folder:
        (copy,) = Path(folder).iterdir()
        assert copy.name == "a.json"
        assert json.loads(copy.read_text()) == {"obsId": "MC_O_20250607_000001"}

    assert not Path(folder).exists()


def test_what_is_not_there_is_not_copied(annex: Annex) -> None:
    annex.put("2025/06/07/a.json", {"obsId": "MC_O_20250607_000001"})
    files = annex.store.listed(20250607, (".json",))
    annex.lose("2025/06/07/a.json")

    with pytest.raises(RefusedError, match=r"a\.json"), annex.store.copied(files):
        pass


def test_a_store_that_is_not_there_is_not_taken_for_an_empty_one(s3: S3, tmp_path: Path) -> None:
    for uri in ("s3://no-such-bucket/fits/", f"{tmp_path}/no/such/folder/"):
        with pytest.raises(UnreachableError, match="Source cannot be seen"):
            DayFolders(uri).listed(20250607, FITS)


def test_a_long_header_is_read_to_its_end_and_the_data_are_not(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway(s3.endpoint) as way:
        annex = _in_bucket(s3, way, monkeypatch)
        many = {f"KEY{number}": "x" for number in range(40)}
        said = electrometer_file("1#1", more=many, data=b"d" * 10 * BLOCK)
        annex.put("2025/06/07/a.fits", said)
        files = annex.store.listed(20250607, FITS)
        del way.gets[:]

        assert annex.store.labels(files, ["GROUPID"])[files[0]].values == {"GROUPID": "1#1"}
        assert [fetched.size for fetched in way.gets] == [BLOCK, BLOCK]

        # It is opened once in a run.
        annex.store.labels(files, ["GROUPID"])
        assert len(way.gets) == 2


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        (b"", "it is no FITS file"),
        (electrometer_file("1#1")[:2000], "it ends within its header"),
        (electrometer_file("1#1").replace(b"END", b"AND"), "it ends within its header"),
        (electrometer_file("1#1").replace(b"END", b"AND") * 101, "its header does not end within 100 blocks"),
    ],
)
def test_a_header_that_is_cut_off_is_no_header(tmp_path: Path, said: bytes, trouble: str) -> None:
    assert _label(tmp_path, "a.fits", said).trouble == trouble


def test_a_quote_in_a_value_is_read_as_one(tmp_path: Path) -> None:
    label = _label(tmp_path, "a.fits", electrometer_file("it's#1"))
    assert label.values == {"GROUPID": "it's#1"}


@pytest.mark.parametrize("said", [b"[1]", b'{"obsId": null}', b'"obsId"'])
def test_json_of_another_form_says_nothing(tmp_path: Path, said: bytes) -> None:
    label = _label(tmp_path, "a.json", said)
    assert (label.values, label.trouble) == ({}, "")


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (b'{"obsId": "\\ud800"}', "?"),
        (b'{"obsId": "%s"}' % (b"x" * 3_000_000), "x" * 200 + "…"),
        (b'{"obsId": {"a": 1}}', None),
        (b'{"obsId": true}', "True"),
    ],
    ids=["half a character", "long", "object", "truth"],
)
def test_what_json_says_can_be_told(tmp_path: Path, said: bytes, value: str | None) -> None:
    assert _label(tmp_path, "a.json", said).values.get("obsId") == value


@pytest.mark.parametrize("said", [b'{"obsId": ', b"\xff", b"[" * 200_000])
def test_what_is_no_json_is_told(tmp_path: Path, said: bytes) -> None:
    assert _label(tmp_path, "a.json", said).trouble == "it is no JSON"


def _label(folder: Path, name: str, said: bytes) -> Any:
    path = folder / "2025/06/07" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(said)
    store = DayFolders(str(folder))
    file = ListedFile(20250607, name, f"file://{path}")
    return store.labels([file], ["GROUPID", "obsId"])[file]

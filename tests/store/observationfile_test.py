"""An observation comes back as it was, or not at all."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from calibstate.errors import InvalidStateError
from calibstate.model.contents import CollectionType, Holding, Row
from calibstate.model.observations import HeldEntry, Observation, SeenEntry
from calibstate.model.timespans import EMPTY, UNBOUNDED, UNBOUNDED_END
from calibstate.store import observationfile
from calibstate.store.schemas import schemas


def uuid(number: int) -> str:
    return str(UUID(int=number))


HELD = Holding(
    "c/bias",
    CollectionType.CALIBRATION,
    (
        Row("flat", "detector=2,physical_filter=r ☃ 03", uuid(3), *EMPTY),
        Row("bias", "detector=1", uuid(2), 1, UNBOUNDED_END),
        Row("bias", "detector=0", uuid(1), *UNBOUNDED),
    ),
    unrecorded=frozenset({uuid(3)}),
    sizes={uuid(2): None, uuid(1): 2880},
)


def observation(**more: Any) -> Observation:
    told: dict[str, Any] = {
        "address": "summit/LSSTCam",
        "butler": "sha256:b",
        "at": "2026-11-22T18:00:00Z",
        "version": "0.1.0",
        "declared": "sha256:d",
        "collections": {
            "c": SeenEntry(type=CollectionType.CHAINED, children=("c/bias",)),
            "c/bias": SeenEntry(type=CollectionType.CALIBRATION),
            "gone": None,
        },
        "holdings": {"c/bias": HeldEntry.of(HELD), "gone": None},
    }
    return Observation.model_validate({**told, **more})


def changed(*path: Any, to: Any) -> bytes:
    """Return a file in which one value is another."""
    said = json.loads(observationfile.dumps([observation()]))
    where = said["observations"][0]
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = to
    return json.dumps(said).encode()


def test_observations_come_back_equal_and_byte_for_byte() -> None:
    both = (observation(address="bts/main"), observation())
    saved = observationfile.dumps(reversed(both))
    assert observationfile.loads(saved, "f") == both
    assert observationfile.dumps(observationfile.loads(saved, "f")) == saved


def test_skymaps_are_written_down_only_where_somebody_asked_for_them() -> None:
    asked = observation(address="bts/main", skymaps={"rings": "ab" * 20})
    saved = observationfile.dumps([asked, observation()])
    assert observationfile.loads(saved, "f") == (asked, observation())
    assert saved.count(b'"skymaps"') == 1


def test_what_was_held_comes_back_with_its_fingerprint() -> None:
    (told,) = observationfile.loads(observationfile.dumps([observation()]), "f")
    entry = told.holdings["c/bias"]
    assert entry is not None
    held = entry.holding("c/bias")
    assert set(held.rows) == set(HELD.rows)
    assert all(type(row) is Row for row in held.rows)
    assert held.fingerprint == HELD.fingerprint
    assert (held.type, held.unrecorded, held.sizes) == (HELD.type, HELD.unrecorded, HELD.sizes)
    assert told.holdings["gone"] is None


def test_what_is_written_fits_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(schemas()["observations.json"])
    said = json.loads(observationfile.dumps([observation()]))
    assert list(validator.iter_errors(said)) == []
    said["observations"][0]["at"] = "yesterday"
    assert list(validator.iter_errors(said))


BIAS = ("holdings", "c/bias")
ROW = (*BIAS, "rows", 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("address",), "summit"),
        (("address",), "a/b/c"),
        (("at",), "2026-11-22T18:00:00"),
        (("at",), "2026-11-22T18:00:00+01:00"),
        (("at",), "2026-13-22T18:00:00Z"),
        (("at",), 1),
        (("collections",), []),
        (("collections", "c"), {"type": "FOLDER"}),
        (("collections", "c"), {"type": "CHAINED", "children": "abc"}),
        (("collections", "c\x1b[2J"), None),
        (("unknown",), 1),
        ((*BIAS, "type"), "CHAINED"),
        ((*BIAS, "rows"), {}),
        ((*BIAS, "rows"), None),
        ((*BIAS, "unrecorded"), ["x"]),
        ((*BIAS, "sizes"), {uuid(1): -1}),
        ((*BIAS, "sizes"), {uuid(1): "1"}),
        ((*BIAS, "sizes"), {uuid(1): 1.5}),
        (ROW, ["bias", "detector=0", uuid(1), 0]),
        (ROW, ["bias", "detector=0", uuid(1), 0, 1, 2]),
        (ROW, "abcde"),
        ((*ROW, 0), ""),
        ((*ROW, 0), "bias\x1b]0;x\x07"),
        ((*ROW, 1), "detector=0\nflat"),
        ((*ROW, 1), "detector=\u202e0"),
        ((*ROW, 2), uuid(10**37).upper()),
        ((*ROW, 2), uuid(1)[:-1]),
        ((*ROW, 3), -1),
        ((*ROW, 3), "0"),
        ((*ROW, 3), True),
        ((*ROW, 3), 0.0),
        ((*ROW, 4), UNBOUNDED_END + 1),
        ((*ROW, 4), 10**400),
        ((*ROW, 4), float("nan")),
    ],
    ids=str,
)
def test_what_is_not_as_it_must_be_is_refused(path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(InvalidStateError, match="Not an observation file: f cannot be read") as refused:
        observationfile.loads(changed(*path, to=value), "f")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"kind": "plan", "format_version": "1.0", "steps": [1, 2]}, "kind: Input should be 'observations'"),
        ({"kind": "observations", "format_version": "2.0"}, "format_version: Input should be '1.0'"),
        ({"format_version": "1.0", "observations": []}, "kind: Field required"),
        ({"kind": "observations", "observations": []}, "format_version: Field required"),
        ([], "should be an object"),
    ],
    ids=str,
)
def test_a_file_of_another_kind_or_version_is_told_as_such(document: Any, why: str) -> None:
    with pytest.raises(InvalidStateError, match=why):
        observationfile.loads(json.dumps(document).encode(), "f")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"\x00", b"[" * 10**6, b'{"a":' * 10**5], ids=len)
def test_what_is_not_json_is_told_so(data: bytes) -> None:
    with pytest.raises(InvalidStateError, match="Invalid JSON"):
        observationfile.loads(data, "f")


def test_a_truncated_file_is_refused() -> None:
    saved = observationfile.dumps([observation()])
    for end in range(1, len(saved) - 1, 17):
        with pytest.raises(InvalidStateError):
            observationfile.loads(saved[:end], "f")


def test_one_repository_twice_is_refused() -> None:
    with pytest.raises(InvalidStateError, match="summit/LSSTCam is in it twice"):
        observationfile.loads(observationfile.dumps([observation(), observation()]), "f")


def test_a_file_must_be_of_the_repository_that_it_is_read_for() -> None:
    saved = observationfile.dumps([observation()])
    assert observationfile.loads(saved, "f", of="summit/LSSTCam")
    with pytest.raises(InvalidStateError, match="of summit/LSSTCam, not of bts/LSSTCam"):
        observationfile.loads(saved, "f", of="bts/LSSTCam")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(100 * observationfile.LARGEST)
    with pytest.raises(InvalidStateError, match="larger than"):
        observationfile.read(path)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        observationfile.read(tmp_path / "none.json")


def test_hundreds_of_thousands_of_rows_are_read_as_fast_as_json() -> None:
    rows = tuple(Row("bias", f"detector={n}", uuid(n), *UNBOUNDED) for n in range(200_000))
    told = observation(holdings={"c/bias": HeldEntry.of(Holding("c/bias", CollectionType.CALIBRATION, rows))})
    saved = observationfile.dumps([told])

    began = time.process_time()
    json.loads(saved)
    by_json = time.process_time() - began
    observationfile.loads(saved, "f")
    ours = time.process_time() - began - by_json

    assert ours < 5 * by_json
    wrong = saved.replace(b'"detector=', b'["detector=')
    with pytest.raises(InvalidStateError):
        observationfile.loads(wrong, "f")

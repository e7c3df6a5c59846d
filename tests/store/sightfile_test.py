"""A sight as it is written is read back, and nothing else is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from calibstate.errors import InvalidStateError
from calibstate.model.contents import CollectionType
from calibstate.model.names import RepositoryAddress
from calibstate.model.observations import SeenEntry
from calibstate.model.sights import Ingested, Sight, SightOfChain, SightOfTicket
from calibstate.model.timelines import NOTHING, Interval, Odd, Timeline, TimelineRow
from calibstate.model.timespans import UNBOUNDED_BEGIN, UNBOUNDED_END
from calibstate.store import sightfile

SUMMIT = RepositoryAddress("summit/LSSTCam")
FINGERPRINT = f"sha256:{'0' * 64}"
DAY = 86_400_000_000_000

TIMELINE = Timeline(
    FINGERPRINT,
    ("DM-8", "DM-9"),
    (
        TimelineRow(
            "bias",
            (),
            "0..8",
            (
                Interval(UNBOUNDED_BEGIN, 20_000 * DAY, 0),
                Interval(20_000 * DAY, 20_001 * DAY, NOTHING, (Odd(1, "3,5"),)),
                Interval(20_001 * DAY, UNBOUNDED_END, 1, (Odd(NOTHING, "3,5"), Odd(0, "7"))),
            ),
        ),
        TimelineRow("flat", ("g_6", "r_57"), "0..8", (Interval(20_000 * DAY, 20_001 * DAY + 1, 1),)),
        TimelineRow("camera", (), "", (Interval(UNBOUNDED_BEGIN, UNBOUNDED_END, 0),)),
    ),
)


def sight(**others: Any) -> Sight:
    calib = SightOfChain(
        children=("calib/DM-9", "by-hand", "calib/DM-8", "calib/DM-7"),
        searched=("calib/DM-9", "by-hand/bias", "calib/DM-8", "calib/DM-7"),
        selected=("calib/DM-9", "calib/DM-8", "calib/DM-7"),
        effective=FINGERPRINT,
        timeline=TIMELINE,
    )
    first = "2026-11-27T12:00:00Z"
    here = SightOfTicket(
        fingerprint=FINGERPRINT,
        collections=2,
        of_collections=2,
        ingested=Ingested(first=first, last="2026-11-27T13:00:00Z"),
        whole=True,
    )
    half = SightOfTicket(fingerprint=FINGERPRINT, collections=1, of_collections=2)
    told: dict[str, Any] = {
        "address": SUMMIT,
        "at": "2026-11-30T12:00:00Z",
        "version": "1.0",
        "declared": "d",
        "butler": "b",
        "chains": {"calib": calib, "calib/legacy": None},
        "tickets": {"LSSTCam/DM-9": here, "LSSTCam/DM-8": half},
    }
    return Sight(**told | others)


LISTED: dict[str, SeenEntry | None] = {
    "calib": SeenEntry(type=CollectionType.CHAINED, children=sight().chains["calib"].children),  # type: ignore[union-attr]
    "calib/legacy": None,
    "calib/DM-8/bias": SeenEntry(type=CollectionType.CALIBRATION),
}


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"chains": {}, "tickets": {}},
        {"listed": {"calib/DM-8": None}, "chains": {}},
        {"listed": LISTED},
        # The chain had changed by when it was listed, or was made meanwhile.
        {"listed": LISTED | {"calib": SeenEntry(type=CollectionType.CHAINED, children=("calib/DM-9",))}},
        {"listed": LISTED | {"calib": None}},
        {"listed": LISTED | {"calib/legacy": SeenEntry(type=CollectionType.TAGGED)}},
        {"skymaps": {}},
        {"skymaps": {"lsst_cells_v1": "ab" * 20}},
    ],
)
def test_what_is_written_is_read(others: dict[str, Any]) -> None:
    seen = sight(**others)
    assert sightfile.loads(sightfile.dumps(seen), of=SUMMIT) == seen


def test_what_is_the_usual_case_takes_no_bytes() -> None:
    document = json.loads(sightfile.dumps(sight(listed=LISTED)))
    assert "of_collections" not in document["tickets"]["LSSTCam/DM-9"]
    assert document["tickets"]["LSSTCam/DM-8"] == {
        "fingerprint": FINGERPRINT,
        "collections": 1,
        "of_collections": 2,
    }
    assert document["chains"]["calib"]["selected"] == "0,2..3"
    assert list(document["listed"]) == ["calib/DM-8/bias"]
    (table,) = document["timelines"].values()
    assert len(table["moments"]) == 3


def _of_row(**spoiled: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        document["timelines"][FINGERPRINT]["rows"][0] |= spoiled

    return spoil


def _of_table(**spoiled: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        document["timelines"][FINGERPRINT] |= spoiled

    return spoil


def _of_chain(**spoiled: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        document["chains"]["calib"] |= spoiled

    return spoil


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_of_row(begin=[None, 9, 1]), "a place that is not there"),
        (_of_row(begin=[None, -1, 1]), "greater than or equal to 0"),
        (_of_row(begin=[None, 1, 0]), "ends before it begins"),
        (_of_row(begin=[], ticket=[], odd=[]), "it has no interval"),
        (_of_row(begin=[None]), "longer"),
        (_of_row(end=0), "ends before it begins"),
        (_of_row(ticket=[0, -1, 2]), "there is no ticket 2"),
        (_of_row(ticket=[0, -2, 1]), "there is no ticket -2"),
        (_of_row(odd=[[1, 7, 0]]), "there is no ticket 7"),
        (_of_row(odd=[[1, 1, 9]]), "a place that is not there"),
        (_of_row(odd=[[3, 1, 0]]), "an interval that is not there"),
        (_of_row(detectors="0..8;"), "are no numbers"),
        (_of_row(dataset_type="bi\u202eas"), "dataset_type"),
        (_of_row(filters=["g\x1b[2J"]), "filters"),
        (_of_table(detectors=["3, 5", "7"]), "are no numbers"),
        (
            _of_table(moments=["yesterday", "2024-10-05T00:00:00", "2024-10-05T00:00:00.000000001"]),
            "yesterday",
        ),
        (_of_table(tickets=["DM-8", "DM-\u202e9"]), "tickets"),
        (_of_chain(effective=FINGERPRINT.replace("0", "1")), "has no timeline"),
        (_of_chain(selected="0..4"), "no places among 4"),
        (_of_chain(selected="0..999999999"), "no places among 4"),
        (_of_chain(selected="2,1"), "no places among 4"),
        (_of_chain(selected="1,1"), "no places among 4"),
        (_of_chain(selected="2..1"), "no places among 4"),
        (_of_chain(selected="first"), "are no numbers"),
    ],
)
def test_what_does_not_fit_together_is_refused(spoil: Callable[[dict[str, Any]], None], why: str) -> None:
    document = json.loads(sightfile.dumps(sight()))
    spoil(document)
    with pytest.raises(InvalidStateError) as refused:
        sightfile.loads(json.dumps(document).encode(), of=SUMMIT)
    assert why in refused.value.first.detail
    assert refused.value.first.detail.isprintable()

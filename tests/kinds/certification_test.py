"""How a certification stands, is compared and is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from calibstate.kinds.certification import (
    Certification,
    CertificationKind,
    CertifyDatasets,
    CertifyDatasetsAgain,
)
from calibstate.model.actions import Action, Standing
from calibstate.model.contents import CollectionType, Row
from calibstate.model.drift import What
from calibstate.model.names import Place, TicketKey
from calibstate.model.reasons import Code, Weight
from calibstate.model.submissions import SeenOutput
from calibstate.model.timespans import UNBOUNDED
from tests.calibrations import IN_2024, IN_2025, SINCE_2024

KIND = CertificationKind()
COLLECTION = "LSSTCam/calib/DM-1/DP1/bias.20250101a"
RUN = "LSSTCam/calib/DM-1/DP1/biasGen.20250101a/20250101T000000Z"


def rows(*uuids: str, span: tuple[int, int] = UNBOUNDED, dataset_type: str = "bias") -> frozenset[Row]:
    return frozenset(
        Row(dataset_type, f"detector={number},instrument=LSSTCam", uuid, *span)
        for number, uuid in enumerate(uuids)
    )


def output(*missing: str) -> SeenOutput:
    data_ids = {row.data_id: row.uuid for row in rows("a", "b")}
    return SeenOutput(is_there=True, newest=RUN, expected=frozenset([*data_ids, *missing]), datasets=data_ids)


DECLARED = Certification(
    Certification.at(Place("usdf/main"), COLLECTION),
    COLLECTION,
    SINCE_2024,
    "bias",
    ticket=TicketKey("LSSTCam", "DM-1"),
)
MADE = replace(DECLARED, generated=output(), source=RUN, datasets=rows("a", "b"))
DONE = replace(MADE, held=rows("a", "b", span=SINCE_2024))
DETECTOR_7 = "detector=7,instrument=LSSTCam"


def only_action(live: Certification) -> Action:
    (action,) = KIND.remedy(DECLARED, live)
    return action


def test_what_is_made_is_certified_and_then_there() -> None:
    action = only_action(MADE)
    assert isinstance(action, CertifyDatasets)
    assert action.standing(MADE) is Standing.READY
    assert action.standing(DONE) is Standing.DONE
    assert KIND.is_there(DECLARED, DONE)
    assert not KIND.is_there(DECLARED, MADE)
    assert [drift.what for drift in KIND.compare(DECLARED, MADE)] == [What.MISSING]
    assert not list(KIND.compare(DECLARED, DONE))
    assert not list(KIND.remedy(DECLARED, DONE))


def test_some_of_the_same_rows_are_completed() -> None:
    some = replace(MADE, held=rows("a", span=SINCE_2024))
    assert isinstance(only_action(some), CertifyDatasets)


@pytest.mark.parametrize(
    "held",
    [
        rows("a", "b", span=IN_2024),
        rows("a", "c", span=SINCE_2024),
        rows("a", "b", span=IN_2024) | rows("a", "b", span=IN_2025),
        rows("a", "b", "c", span=SINCE_2024),
    ],
    ids=["another range", "another dataset", "cut in two", "more"],
)
def test_other_rows_are_changed_and_go_out_for_a_reason_alone(held: frozenset[Row]) -> None:
    live = replace(MADE, held=held)
    assert [drift.what for drift in KIND.compare(DECLARED, live)] == [What.CHANGED]
    action = only_action(live)
    assert isinstance(action, CertifyDatasetsAgain)
    assert action.decertified(live) == held - live.wanted
    assert action.standing(live) is Standing.READY
    assert action.standing(DONE) is Standing.DONE


MOVED: dict[str, Callable[[Certification], Certification]] = {
    "somebody certified": lambda live: replace(live, held=rows("a", span=IN_2025)),
    "the RUN has other datasets": lambda live: replace(live, datasets=rows("a", "c")),
    "the RUN is gone": lambda live: replace(live, datasets=frozenset()),
    "the name was taken": lambda live: replace(live, taken=CollectionType.RUN),
    "it has left": lambda live: replace(live, left="its ticket is in the archive"),
}


@pytest.mark.parametrize("moved", MOVED.values(), ids=MOVED)
def test_an_action_stands_on_all_that_it_saw(moved: Callable[[Certification], Certification]) -> None:
    action = only_action(MADE)
    live = moved(MADE)
    assert action.standing(live) is Standing.STALE
    assert action.moved(live)


PROBLEMS: dict[str, tuple[Certification, Code, Weight]] = {
    "nothing is made": (
        replace(DECLARED, output=None, generated=SeenOutput(), source=None),
        Code.NOT_THERE,
        Weight.REFUSED,
    ),
    "a part is missing": (replace(MADE, generated=output(DETECTOR_7)), Code.PARTIAL, Weight.AWAITED),
    "a part is missing, and others are certified": (
        replace(MADE, generated=output(DETECTOR_7), held=rows("c", span=SINCE_2024)),
        Code.CONTENT_DIFFERS,
        Weight.REFUSED,
    ),
    "a part of a RUN is certified": (
        replace(DONE, generated=output(DETECTOR_7)),
        Code.CONTENT_DIFFERS,
        Weight.REFUSED,
    ),
    "the name is taken": (replace(MADE, taken=CollectionType.RUN), Code.NAME_TAKEN, Weight.REFUSED),
    "it has left": (replace(MADE, left="it is sealed"), Code.LEFT_ORIGIN, Weight.REFUSED),
    "nobody knows whether it has left": (
        replace(MADE, unseen="the archive is away"),
        Code.PLACE_UNSEEN,
        Weight.UNREACHABLE,
    ),
    "nobody knows what was made": (
        replace(DECLARED, hidden="others observed it"),
        Code.PLACE_UNSEEN,
        Weight.UNREACHABLE,
    ),
    "other calibrations are certified too": (
        replace(MADE, held=rows("d", dataset_type="dark")),
        Code.CONTENT_DIFFERS,
        Weight.REFUSED,
    ),
    "two datasets for a data ID": (
        replace(MADE, datasets=rows("a", "b") | rows("c")),
        Code.TWO_AT_ONCE,
        Weight.REFUSED,
    ),
}


@pytest.mark.parametrize(("live", "code", "weight"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_cannot_be_certified_says_why_and_is_left(
    live: Certification, code: Code, weight: Weight
) -> None:
    obstacle = KIND.obstacle(DECLARED, live)
    assert obstacle
    assert (obstacle.code, obstacle.weight) == (code, weight)
    assert not list(KIND.remedy(DECLARED, live))
    assert [drift.reason for drift in KIND.compare(DECLARED, live)] == [code.value]
    assert live.foreseen is None


@pytest.mark.parametrize("name", ["7", "R00_S21"])
def test_a_detector_may_be_missing_by_its_number_or_its_name(name: str) -> None:
    live = replace(MADE, generated=output(DETECTOR_7), but_for={name: "it is dead"}, detectors={7: "R00_S21"})
    assert isinstance(only_action(live), CertifyDatasets)
    assert KIND.is_there(DECLARED, replace(live, held=DONE.held))
    other = replace(live, but_for={"8": "it is dead", "R00_S22": "so is that"})
    assert KIND.obstacle(DECLARED, other)


def test_what_has_left_needs_nothing_of_what_it_was_made_of() -> None:
    deployed = replace(DONE, left="its ticket is in the archive")
    for gone in (deployed, replace(deployed, datasets=frozenset(), generated=SeenOutput())):
        assert not list(KIND.compare(DECLARED, gone))
        assert KIND.obstacle(DECLARED, gone) is None


def test_a_range_is_open_where_the_source_answers_for_longer() -> None:
    by_others = replace(DONE, source="LSSTCam/calib/DM-0/bias", searched_by=("LSSTCam/calib",))
    for ranges, notes in (
        ({SINCE_2024}, 0),
        ({IN_2024}, 0),
        ({UNBOUNDED}, 1),
        ({IN_2024, UNBOUNDED}, 1),
    ):
        live = replace(by_others, ranges=frozenset(ranges))
        assert len(list(KIND.remarks(live))) == notes
        assert not list(KIND.remarks(replace(live, searched_by=())))

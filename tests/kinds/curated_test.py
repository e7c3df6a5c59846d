"""How curated calibrations stand, are compared, and are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from calibstate.kinds.curated import Curated, CuratedKind, WriteCurated
from calibstate.model.actions import Standing
from calibstate.model.contents import CollectionType, Row
from calibstate.model.curated import Curated as CuratedKey
from calibstate.model.curated import CuratedFile, SeenPackage
from calibstate.model.drift import What
from calibstate.model.names import Address, Place, TicketKey
from calibstate.model.reasons import Code, Weight
from calibstate.model.timespans import UNBOUNDED
from tests.calibrations import IN_2024, SINCE_2024

KIND = CuratedKind()
COLLECTION = "LSSTCam/calib/DM-1"
RUN = f"{COLLECTION}/unbounded"
REVISION = "c8fc86a842"


def rows(*detectors: int, span: tuple[int, int] = SINCE_2024) -> frozenset[Row]:
    camera = Row("camera", "instrument=LSSTCam", "", *UNBOUNDED)
    crosstalk = [Row("crosstalk", f"detector={number},instrument=LSSTCam", "", *span) for number in detectors]
    return frozenset([camera, *crosstalk])


DECLARED = Curated(
    Address(place=Place("usdf/main"), kind="curated", name="LSSTCam/DM-1"),
    TicketKey("LSSTCam", "DM-1"),
    CuratedKey.model_validate(
        {
            "class": "lsst.obs.lsst.LsstCam",
            "label": "DM-1",
            "collection": COLLECTION,
            "data": {"obs_lsst_data": "c8fc86a"},
        }
    ),
)
PACKAGE = SeenPackage(
    "/data", REVISION, files=(CuratedFile("crosstalk", ("r22_s11",), "20240101T000000Z", SINCE_2024[0]),)
)
FREE = replace(DECLARED, package=PACKAGE, expected=rows(0, 1, 2))
DONE = replace(FREE, held=FREE.expected, there=(COLLECTION, RUN))
HALF = replace(FREE, held=rows(0), there=(COLLECTION, RUN), next_label="DM-1a")


def action() -> WriteCurated:
    (written,) = KIND.remedy(DECLARED, FREE)
    assert isinstance(written, WriteCurated)
    return written


def test_what_is_free_is_written_and_then_there() -> None:
    assert [drift.what for drift in KIND.compare(DECLARED, FREE)] == [What.MISSING]
    assert not KIND.is_there(DECLARED, FREE)
    assert action().standing(FREE) is Standing.READY
    assert action().standing(DONE) is Standing.DONE
    assert action().standing(replace(FREE, running="process 7 on here")) is Standing.UNDER_WAY
    assert KIND.is_there(DECLARED, DONE)
    assert not list(KIND.compare(DECLARED, DONE))
    assert not list(KIND.remedy(DECLARED, DONE))


def test_what_has_left_needs_nothing() -> None:
    assert KIND.is_there(DECLARED, None)
    assert not list(KIND.compare(DECLARED, None))
    assert not list(KIND.remedy(DECLARED, None))
    assert action().standing(None) is Standing.DONE


MOVED: dict[str, Callable[[Curated], Curated]] = {
    "a RUN of the label is there": lambda live: replace(live, there=(RUN,)),
    "the package says other things": lambda live: replace(live, expected=rows(0, 1)),
    "the package is of another revision": lambda live: replace(
        live, package=replace(PACKAGE, revision="0" * 40)
    ),
    "the package is gone": lambda live: replace(live, package=None, expected=frozenset()),
}


@pytest.mark.parametrize("moved", MOVED.values(), ids=MOVED)
def test_an_action_stands_on_all_that_it_saw(moved: Callable[[Curated], Curated]) -> None:
    live = moved(FREE)
    assert action().standing(live) is Standing.STALE
    assert action().moved(live)
    # What is written is written, whatever the package says now.
    assert action().standing(moved(DONE)) is Standing.DONE


PROBLEMS: dict[str, tuple[Curated, Code, Weight]] = {
    "half": (HALF, Code.HALF_WRITTEN, Weight.REFUSED),
    "only a RUN": (replace(FREE, there=(RUN,)), Code.HALF_WRITTEN, Weight.REFUSED),
    "more": (replace(DONE, held=rows(0, 1, 2, 3)), Code.CONTENT_DIFFERS, Weight.REFUSED),
    "other ranges": (replace(DONE, held=rows(0, 1, 2, span=IN_2024)), Code.CONTENT_DIFFERS, Weight.REFUSED),
    "the name is taken": (replace(FREE, taken=CollectionType.CHAINED), Code.NAME_TAKEN, Weight.REFUSED),
    "it runs": (replace(HALF, running="process 7 on here"), Code.UNDER_WAY, Weight.AWAITED),
    "no package": (replace(FREE, package=None), Code.PACKAGE_MISSING, Weight.REFUSED),
    "no package, and written": (replace(DONE, package=None), Code.CONTENT_UNKNOWN, Weight.AWAITED),
    "edited": (replace(FREE, package=replace(PACKAGE, is_edited=True)), Code.PACKAGE_DIFFERS, Weight.REFUSED),
    "unfit": (replace(FREE, package=replace(PACKAGE, unfit=("x",))), Code.PACKAGE_DIFFERS, Weight.REFUSED),
    "empty": (replace(FREE, package=replace(PACKAGE, files=())), Code.PACKAGE_DIFFERS, Weight.REFUSED),
    "strange": (replace(FREE, strange=("detector x",)), Code.PACKAGE_DIFFERS, Weight.REFUSED),
    "hidden": (replace(FREE, hidden="others observed it"), Code.PLACE_UNSEEN, Weight.UNREACHABLE),
    "nobody knows whether it has left": (replace(FREE, unseen="x"), Code.PLACE_UNSEEN, Weight.UNREACHABLE),
}


@pytest.mark.parametrize(("live", "code", "weight"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_neither_free_nor_done_says_why_and_is_left(
    live: Curated, code: Code, weight: Weight
) -> None:
    obstacle = KIND.obstacle(DECLARED, live)
    assert obstacle
    assert (obstacle.code, obstacle.weight) == (code, weight)
    assert not list(KIND.remedy(DECLARED, live))
    assert not KIND.is_there(DECLARED, live)
    assert [drift.reason for drift in KIND.compare(DECLARED, live)] == [code.value]


def test_a_half_written_label_tells_what_lacks_and_what_to_do() -> None:
    obstacle = KIND.obstacle(DECLARED, HALF)
    assert obstacle
    lacking = "crosstalk detector 1..2 [2024-01-01T00:00:00, …)"
    assert f"it is half-written: 2 of 4 calibrations are not there: {lacking}" in obstacle.detail
    assert f"there are {COLLECTION}, {RUN}" in obstacle.detail
    assert "Give `label: DM-1a` and `collection: LSSTCam/calib/DM-1a`" in obstacle.hint
    assert "list LSSTCam/calib/DM-1a and LSSTCam/calib/DM-1a/unbounded under `bare`" in obstacle.hint


def test_many_groups_are_folded() -> None:
    spans = [(year, year + 1) for year in range(20)]
    beyond = frozenset(row for span in spans for row in rows(*range(189), span=span))
    obstacle = KIND.obstacle(DECLARED, replace(DONE, held=FREE.expected | beyond))
    assert obstacle
    assert "and 14 more" in obstacle.detail
    assert len(obstacle.detail) < 1000


@pytest.mark.parametrize("revision", ["c8fc86a", f"{REVISION}0123", None])
def test_a_revision_may_be_cut_short_on_either_side_or_not_be_known(revision: str | None) -> None:
    live = replace(FREE, package=replace(PACKAGE, revision=revision))
    assert KIND.obstacle(DECLARED, live) is None
    assert len(list(KIND.remarks(live))) == (1 if revision is None else 0)

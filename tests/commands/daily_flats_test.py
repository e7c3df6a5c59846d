"""Each exposure by itself: what it takes, and what it does not find."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import CalibrationLookupError, DatasetType, Timespan

from calibstate.constructing.daily import look_at_day
from calibstate.constructing.taking import verifiable
from calibstate.demo.construction.amplifiers import table_of
from calibstate.demo.construction.tasks import BY_DETECTOR_AND_FILTER, TABLE
from calibstate.demo.construction.world import Exposure
from calibstate.demo.world import AMPLIFIERS, FILTERS
from calibstate.factory.places import Places
from calibstate.kinds.table import own_folders
from calibstate.model.daily import VerifiedDay
from calibstate.model.names import RepositoryAddress
from calibstate.store import statefile
from tests.constructing import INSTRUMENT
from tests.nightly import CHAIN, NIGHTS, Nightly, make_nightly
from tests.tree import Ran

pytest.importorskip("lsst.ctrl.mpexec", reason="the extra `construct` is not installed")

NIGHT, OTHER, *_ = NIGHTS
G, R = FILTERS["g"], FILTERS["r"]
LATER = f"{INSTRUMENT}/calib/DM-2"


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Nightly:
    """Return an observatory with a flat of g and of r, and theirs."""
    nightly = make_nightly(tmp_path_factory.mktemp("flats") / "made")
    nightly.declare(verify={"flat": "verifyFlat"})
    certify_flats(nightly, f"{INSTRUMENT}/calib/DM-1/flat.a", "gr")
    nightly.origin.add([Exposure(NIGHT, 11, "flat", "g"), Exposure(NIGHT, 12, "flat", "r")])
    return nightly


@pytest.fixture
def nightly(made_once: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Nightly:
    return made_once.copied_to(tmp_path / "world", capsys)


def certify_flats(
    nightly: Nightly, name: str, bands: str, *, level: float = 1.0, detectors: Sequence[int] = (0, 1)
) -> None:
    """Certify a flat of each band and detector, and have it searched first."""
    nightly.origin.move_chain(name)
    with nightly.origin.butler(writeable=True) as butler:
        flat = DatasetType(
            "flat", BY_DETECTOR_AND_FILTER, TABLE, universe=butler.dimensions, isCalibration=True
        )
        butler.registry.registerDatasetType(flat)
        butler.collections.register(f"{name}/run")
        refs = []
        for band, detector in product(bands, detectors):
            data_id = {
                "instrument": INSTRUMENT,
                "detector": detector,
                "physical_filter": FILTERS[band],
            }
            table = table_of([level] * len(AMPLIFIERS))
            refs.append(butler.put(table, flat, data_id, run=f"{name}/run"))
        butler.registry.certify(name, refs, Timespan(None, None))


def record_of(nightly: Nightly, exposure: int) -> Any:
    with nightly.origin.butler() as butler:
        where = f"exposure={exposure}"
        (record,) = butler.query_dimension_records("exposure", instrument=INSTRUMENT, where=where)
    return record


def certify_across(nightly: Nightly, exposure: int, detector: int) -> None:
    """Certify two biases of a detector, one after the other, in front of all
    others; an exposure lies across both.
    """
    span = record_of(nightly, exposure).timespan
    middle = span.begin + (span.end - span.begin) / 2
    name = f"{LATER}/bias.across"
    nightly.origin.move_chain(name)
    with nightly.origin.butler(writeable=True) as butler:
        for number, valid in enumerate((Timespan(None, middle), Timespan(middle, None))):
            run = f"{name}/run{number}"
            butler.collections.register(run)
            table = table_of([100.0 + detector] * len(AMPLIFIERS))
            ref = butler.put(table, "bias", run=run, instrument=INSTRUMENT, detector=detector)
            butler.registry.certify(name, [ref], valid)


def decertify(nightly: Nightly, dataset_type: str, detector: int) -> None:
    with nightly.origin.butler(writeable=True) as butler:
        for row in list(butler.registry.queryDatasetAssociations(dataset_type, CHAIN)):
            if row.timespan is not None and row.ref.dataId["detector"] == detector:
                data_ids = [row.ref.dataId]
                butler.registry.decertify(row.collection, dataset_type, row.timespan, dataIds=data_ids)


def verdicts(ran: Ran) -> dict[int, str]:
    return {each["exposure"] % 100000: each["verdict"] for each in ran.json["exposures"]}


def new(ran: Ran) -> list[int]:
    return [each["exposure"] % 100000 for each in ran.json["exposures"] if each["new"]]


# --- what it takes ---


def test_a_flat_is_stale_when_that_of_its_own_filter_has_changed(nightly: Nightly) -> None:
    first = nightly.daily(NIGHT, "--run")
    certify_flats(nightly, f"{LATER}/flat.b", "r", level=1.05)

    changed = nightly.daily(NIGHT)
    again = nightly.daily(NIGHT, "--run", "--again")

    assert (first.code, verdicts(first)) == (0, {11: "passed", 12: "passed"})
    assert [each["physical_filter"] for each in first.json["exposures"]] == [G, R]
    assert verdicts(changed) == {11: "passed", 12: "stale"}
    # With a flat that is too bright it really fails.
    assert (verdicts(again), new(again)) == ({11: "passed", 12: "failed"}, [12])
    assert nightly.origin.outputs() == [f"verifyFlat.{NIGHT}a", f"verifyFlat.{NIGHT}b"]


def test_nothing_is_stale_for_a_detector_that_took_no_exposure(nightly: Nightly) -> None:
    nightly.daily(NIGHT, "--run")
    certify_flats(nightly, f"{LATER}/flat.b", "gr", level=1.05, detectors=[2, 3])

    assert verdicts(nightly.daily(NIGHT)) == {11: "passed", 12: "passed"}


def test_people_see_which_filter_a_flat_is_of(nightly: Nightly) -> None:
    nightly.daily(NIGHT, "--run")

    text = nightly.text(NIGHT)
    markdown = nightly.construction.run("daily", INSTRUMENT, "--day", str(NIGHT), "--format", "markdown")

    assert f"  flat   {NIGHT}00011  {G}  passed\n  flat   {NIGHT}00012  {R}  passed\n" in text.out
    assert re.findall(r"flat ([a-z])\S+ \| [^|]+ \| (\w+)", markdown.out) == [
        ("g", "passed"),
        ("r", "passed"),
    ]


def test_a_test_of_flats_has_a_page_for_each_filter(nightly: Nightly) -> None:
    nightly.daily(NIGHT, "--run")
    pages = nightly.construction.tree.folder / "pages"

    assert nightly.construction.run("page", "-o", str(pages)).code in {0, 1}

    names = {path.name for path in (pages / INSTRUMENT / "daily").iterdir() if path.is_dir()}
    assert names == {f"flat-{each}-{test}" for each in (G, R) for test in ("MEAN", "NOISE")}
    trend = json.loads((pages / INSTRUMENT / "daily" / f"flat-{R}-MEAN" / "data.json").read_text())
    assert (trend["physical_filter"], trend["nights"], len(trend["detectors"])) == (R, [NIGHT], 2)
    overview = (pages / INSTRUMENT / "daily" / "index.html").read_text()
    assert f"<td>flat {G}</td>" in overview


# --- what it does not find ---


def test_a_flat_without_a_calibration_keeps_no_other_from_being_verified(nightly: Nightly) -> None:
    nightly.origin.add([Exposure(NIGHT, 13, "flat", "z")])

    ran = nightly.text(NIGHT, "--run")
    again = nightly.daily(NIGHT, "--run")
    certify_flats(nightly, f"{LATER}/flat.z", "z")
    deployed = nightly.daily(NIGHT, "--run")

    assert ran.code == 1
    assert f"flat {NIGHT}00013, detectors 0..1: no flat of {FILTERS['z']} is effective" in " ".join(
        ran.err.split()
    )
    assert (again.code, verdicts(again), new(again)) == (
        1,
        {11: "passed", 12: "passed", 13: "no result"},
        [],
    )
    # Nothing was run in vain.
    assert len([run for run in nightly.origin.runs() if f"{NIGHT}a/" in run]) == 1
    assert (deployed.code, verdicts(deployed), new(deployed)) == (
        0,
        dict.fromkeys((11, 12, 13), "passed"),
        [13],
    )


def test_a_detector_without_a_calibration_is_left_out_and_told_each_time(nightly: Nightly) -> None:
    nightly.declare(verify={"bias": "verifyBias"})
    nightly.origin.add_raw(NIGHT * 100000 + 2, 2)
    decertify(nightly, "defects", 2)

    ran = nightly.daily(NIGHT, "--run")
    shown = nightly.daily(NIGHT)
    text = nightly.text(NIGHT, "--run")

    assert (ran.code, verdicts(ran)) == (1, {1: "passed", 2: "passed"})
    assert "detector 2: no defects is effective" in ran.json["problems"][0]["detail"]
    assert [each["without"] for each in shown.json["exposures"]] == ["", "2"]
    assert (text.code, text.out.count("not verified: detector 2")) == (0, 1)
    # Once it has them, it says nothing of what is effective now.
    nightly.origin.certify("defects", f"{LATER}/defects.a", [1, 1, 1])
    assert verdicts(nightly.daily(NIGHT)) == {1: "stale", 2: "stale"}


def test_an_exposure_across_two_certifications_keeps_no_other_from_being_verified(nightly: Nightly) -> None:
    nightly.declare(verify={"bias": "verifyBias"})
    certify_across(nightly, NIGHT * 100000 + 1, 0)

    ran = nightly.daily(NIGHT, "--run")

    assert (ran.code, verdicts(ran)) == (1, {1: "passed", 2: "passed"})
    assert [problem["summary"] for problem in ran.json["problems"]] == ["Lookup is ambiguous"]
    assert [each["without"] for each in ran.json["exposures"]] == ["0", ""]
    assert [len(each["detectors"]) for each in ran.json["exposures"]] == [1, 2]


def test_what_is_left_out_is_what_the_butler_finds_nothing_for(nightly: Nightly) -> None:
    nightly.declare(verify={"bias": "verifyBias", "flat": "verifyFlat"})
    nightly.origin.add([Exposure(NIGHT, 13, "flat", "z")])
    nightly.origin.add_raw(NIGHT * 100000 + 2, 2)
    decertify(nightly, "defects", 2)
    certify_across(nightly, NIGHT * 100000 + 1, 0)
    certify_flats(nightly, f"{LATER}/flat.z", "z", detectors=[1])
    desired, _ = statefile.load(nightly.construction.tree.state, own=own_folders())
    daily: Any = desired.own["daily"][INSTRUMENT].noun
    day = VerifiedDay(daily, RepositoryAddress("usdf/main"), NIGHT)
    look = look_at_day(day, None, Places(desired), {})
    needed = {"bias", "dark", "defects", "flat", "ptc"}

    found: dict[int, dict[int, bool]] = {}
    expected: dict[int, dict[int, bool]] = {}
    with nightly.origin.butler() as butler:
        for kind in look.kinds:
            for number, raws in kind.raws.items():
                told = verifiable([raws], needed, look.searched)
                left_out = told.without.get(number, "") if told.exposures else "0..9"
                found[number] = {d: str(d) not in _each(left_out) for d in raws.detectors}
                record = record_of(nightly, number)
                expected[number] = {
                    d: all(is_found(butler, each, record, d) for each in needed) for d in raws.detectors
                }
    assert found == expected
    flats = {number % 100000: each for number, each in found.items() if number % 100000 > 10}
    assert flats[13] == {0: False, 1: True}


def _each(detectors: str) -> set[str]:
    return set("0123456789") if ".." in detectors else set(detectors.split(","))


def is_found(butler: Any, dataset_type: str, exposure: Any, detector: int) -> bool:
    """Say whether the stock butler finds one, and only one."""
    data_id = {
        "instrument": INSTRUMENT,
        "detector": detector,
        "physical_filter": exposure.physical_filter,
    }
    span = exposure.timespan
    try:
        ref = butler.find_dataset(dataset_type, data_id, collections=CHAIN, timespan=span)
    except CalibrationLookupError:
        return False
    return ref is not None

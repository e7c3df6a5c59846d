"""What failed is read from each form in which cp_verify writes statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from astropy.table import MaskedColumn, Table

from calibstate.adapters.construction.results import statistics_in
from calibstate.constructing.failures import UNTOLD, Failure, failures_in, fold
from calibstate.model.verdicts import ProductVerdict, Verdict
from calibstate.ports.construction import Statistics
from calibstate.views.verdicts import verdict_lines

FIRST, SECOND = 2024102100509, 2024102600031


def failures_of(values: Mapping[Any, Any], data_id: str = "instrument=LSSTComCam") -> list[Failure]:
    return list(failures_in(Statistics(data_id, "0", values)))


@pytest.mark.parametrize(
    ("values", "data_id", "failures"),
    [
        pytest.param(
            {
                FIRST: {"SUCCESS": False, "FAILURES": ["R22_S11 C07 NOISE", "R22_S11 NUM_COSMICS"]},
                SECOND: {"SUCCESS": True},
                "SUCCESS": False,
            },
            "",
            [Failure("NOISE", "R22_S11", "C07", FIRST), Failure("NUM_COSMICS", "R22_S11", "", FIRST)],
            id="by exposure",
        ),
        pytest.param(
            {str(FIRST): {"SUCCESS": False, "FAILURES": ["R22_S11 C07 NOISE"]}, "SUCCESS": False},
            "",
            [Failure("NOISE", "R22_S11", "C07", FIRST)],
            id="by exposure, out of JSON",
        ),
        pytest.param(
            {FIRST: {"SUCCESS": False, "FAILURES": ["SCATTER"]}, "SUCCESS": False},
            "",
            [Failure("SCATTER", "", "", FIRST)],
            id="of an exposure as a whole",
        ),
        pytest.param(
            {
                "R22_S11": {"SUCCESS": False, "FAILURES": ["C07 PTC_GAIN", "COUNT"]},
                "R22_S12": {"SUCCESS": True},
                "SUCCESS": False,
            },
            "",
            [Failure("PTC_GAIN", "R22_S11", "C07", 0), Failure("COUNT", "R22_S11", "", 0)],
            id="by detector: ptc, linearizer",
        ),
        pytest.param(
            {"R22_S11": {"SUCCESS": False, "FAILURES": ["C07 NOISE"]}, "SUCCESS": False},
            f"exposure={FIRST},instrument=LSSTComCam",
            [Failure("NOISE", "R22_S11", "C07", FIRST)],
            id="by detector, of one exposure",
        ),
        pytest.param(
            {FIRST: {"SUCCESS": False, "FAILURES": [f"{FIRST} C07 FRAC"]}, "SUCCESS": False},
            "",
            [Failure("FRAC", UNTOLD, "C07", FIRST)],
            id="merged by exposure twice: defects",
        ),
        pytest.param(
            {
                "AMP": {"C07": {"NOISE": 7.0}},
                "METADATA": {"SUCCESS": False},
                "VERIFY": {
                    "AMP": {
                        "C07": {"NOISE": False, "SUCCESS": False},
                        "C00": {"NOISE": True, "SUCCESS": True},
                    },
                    "DET": {"COUNT": False},
                    "CATALOG": {},
                },
                "SUCCESS": False,
            },
            f"detector=4,exposure={FIRST},instrument=LSSTComCam",
            [Failure("NOISE", "detector 4", "C07", FIRST), Failure("COUNT", "detector 4", "", FIRST)],
            id="of one detector, not merged",
        ),
        pytest.param(
            {
                FIRST: {"SUCCESS": True},
                "RUN": {"SCATTER": 9},
                "VERIFY": {"RUN": {"SCATTER": False}},
                "SUCCESS": False,
            },
            "",
            [Failure("SCATTER", "", "", 0)],
            id="of all exposures together",
        ),
        pytest.param(
            {FIRST: {"SUCCESS": False, "FAILURES": []}, SECOND: {"SUCCESS": True}, "SUCCESS": False},
            "",
            [Failure(UNTOLD, "", "", FIRST)],
            id="of no test that is named",
        ),
        pytest.param({FIRST: {}, "SUCCESS": True}, "", [Failure(UNTOLD, "", "", FIRST)], id="of no success"),
        pytest.param({}, "", [Failure(UNTOLD, "", "", 0)], id="nothing"),
        pytest.param({FIRST: {"SUCCESS": True}, "SUCCESS": True}, "", [], id="passed"),
        pytest.param({"R22_S11": {"SUCCESS": True}, "SUCCESS": True}, "", [], id="passed, by detector"),
    ],
)
def test_each_form_tells_its_failures(
    values: Mapping[Any, Any], data_id: str, failures: list[Failure]
) -> None:
    assert failures_of(values, data_id) == failures


def test_a_failure_that_is_not_named_is_not_hidden_by_one_that_is_known() -> None:
    values = {
        FIRST: {"SUCCESS": False, "FAILURES": ["R22_S11 C07 NOISE"]},
        SECOND: {"SUCCESS": False, "FAILURES": []},
        "SUCCESS": False,
    }

    folded = fold(failures_of(values), "bias", {"verify bias: R22_S11 C07 NOISE": "a lamp"})

    assert [(failed.test, failed.known) for failed in folded] == [(UNTOLD, ""), ("NOISE", "a lamp")]


def test_failures_of_a_whole_camera_are_told_in_a_few_lines_of_80_columns() -> None:
    amplifiers = [f"C{row}{column}" for row in "01" for column in range(8)]
    detectors = [f"R{raft:02}_S{sensor:02}" for raft in range(21) for sensor in range(9)]
    failures = [
        Failure("NOISE", detector, amplifier, exposure)
        for detector in detectors
        for amplifier in amplifiers
        for exposure in (FIRST, SECOND)
    ]
    failures += [
        Failure("MEAN", detector, amplifiers[number % 16], FIRST) for number, detector in enumerate(detectors)
    ]
    failures += [Failure("SCATTER", "", "", FIRST)]
    product = ProductVerdict(
        product="bias", verdict=Verdict.FAILED, exposures=2, failures=fold(failures, "bias", {})
    )

    lines = [line.plain for line in verdict_lines(product)]

    assert lines == [
        "  failed         bias  2 exposures",
        "          MEAN in 12 detectors (R00_S00…R19_S05) C00, 12 detectors",
        "            (R00_S01…R19_S06) C01, 12 detectors (R00_S02…R19_S07) C02, 12",
        "            detectors (R00_S03…R19_S08) C03, and 141 more detectors (1 exposure)",
        "          NOISE in 189 detectors (R00_S00…R20_S08) 16 amplifiers (C00…C17) (2",
        "            exposures)",
        "          SCATTER (1 exposure)",
    ]
    assert max(map(len, lines)) <= 80


def test_a_table_tells_what_statistics_that_were_left_out_would() -> None:
    exposures = [FIRST, FIRST, SECOND]
    table = Table({"instrument": ["LSSTComCam"] * 3, "exposure": exposures, "detector": [4, 5, 4]})
    table["amplifier"] = ["C00", "C07", "C00"]
    table["BIAS_NOISE"] = [7.0, 70.0, 7.0]
    table["BIAS_VERIFY_NOISE"] = [True, False, True]
    # An outer join masks what only other rows have.
    table["BIAS_VERIFY_CR_NOISE"] = MaskedColumn([False, True, True], mask=[True, False, False])
    table["BIAS_VERIFY_SUCCESS"] = [True, False, True]

    values = statistics_in(table, {4: "R22_S11", 5: "R22_S12"})

    assert values == {
        str(FIRST): {"SUCCESS": False, "FAILURES": ["R22_S12 C07 NOISE"]},
        str(SECOND): {"SUCCESS": True, "FAILURES": []},
        "SUCCESS": False,
    }
    assert failures_of(values) == [Failure("NOISE", "R22_S12", "C07", FIRST)]


def test_a_table_without_exposures_is_told_by_detector() -> None:
    table = Table({"detector": [4, 4], "amplifier": ["C00", "C01"], "PTC_VERIFY_PTC_GAIN": [True, False]})

    values = statistics_in(table, {4: "R22_S11"})

    assert failures_of(values) == [Failure("PTC_GAIN", "R22_S11", "C01", 0)]
    assert statistics_in(Table({"detector": [4], "PTC_GAIN": [1.7]}), {}) == {}

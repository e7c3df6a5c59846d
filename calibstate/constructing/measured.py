"""What cp_verify says of each detector, read from its statistics.

Of an exposure: which tests failed where, ``{R22_S11: {SUCCESS, FAILURES},
SUCCESS}``.  Of a detector in it: ``{AMP: {C07: {MEAN: 0.1, NOISE: 5.2}}}``,
what was measured on each amplifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any

from ..model.dailyrecords import DetectorResult, Measured
from ..ports.construction import Statistics
from .failures import detectors_in, failures_in

__all__ = ["MeasuredDetector", "detector_results", "measured_detector"]


@dataclass(frozen=True)
class MeasuredDetector:
    """What was measured of one detector of an exposure."""

    number: int
    uuid: str
    """UUID of the dataset that says so."""

    tests: Mapping[str, Measured]
    """By test."""


def detector_results(
    statistics: Statistics,
    measured: Mapping[str, MeasuredDetector],
) -> dict[str, DetectorResult]:
    """Return what statistics of an exposure say of each detector.

    Parameters
    ----------
    statistics
        Those of one exposure.
    measured
        What was measured, by name of the detector; of those that were left
        out nothing is.
    """
    failed: dict[str, dict[str, set[str]]] = {}
    # First those that passed, too: of them no failure tells.
    for name in detectors_in(statistics):
        failed[name] = {}
    for name in measured:
        failed.setdefault(name, {})
    for failure in failures_in(statistics):
        tests = failed.setdefault(failure.detector, {})
        amplifiers = tests.setdefault(failure.test, set())
        # Without an amplifier it is the detector as a whole.
        if failure.amplifier:
            amplifiers.add(failure.amplifier)
    results = {}
    for name in sorted(failed):
        by_test = {}
        tests = failed[name]
        for test in sorted(tests):
            in_order = sorted(tests[test])
            by_test[test] = tuple(in_order)
        result = DetectorResult(failed=by_test)
        detector = measured.get(name)
        if detector:
            result = DetectorResult(
                number=detector.number,
                uuid=detector.uuid,
                failed=by_test,
                measured=dict(detector.tests),
            )
        results[name] = result
    return results


def measured_detector(number: int, statistics: Statistics) -> MeasuredDetector:
    """Return what was measured by test, over the amplifiers of a detector.

    Parameters
    ----------
    number
        Its number.
    statistics
        Those of this detector of one exposure.
    """
    values: dict[str, list[float]] = {}
    amplifiers = statistics.values.get("AMP")
    for test, value in _numbers(amplifiers):
        of_test = values.setdefault(test, [])
        of_test.append(value)
    tests = {}
    # Sorted, so that the same statistics make the same file.
    for test in sorted(values):
        numbers = values[test]
        tests[test] = Measured(
            least=min(numbers),
            median=median(numbers),
            most=max(numbers),
        )
    return MeasuredDetector(
        number,
        statistics.uuid,
        tests,
    )


def _numbers(amplifiers: Any) -> Iterator[tuple[str, float]]:
    """Yield each number that a test measured on an amplifier."""
    if not isinstance(amplifiers, Mapping):
        return
    for tests in amplifiers.values():
        # What stands beside the amplifiers is no test of one.
        if not isinstance(tests, Mapping):
            continue
        for test, value in tests.items():
            # A truth is a number in Python, and no measurement.
            is_number = isinstance(value, int | float)
            if not is_number or isinstance(value, bool):
                continue
            # What is not finite has no place in JSON, nor in a picture.
            if isfinite(value):
                yield str(test), float(value)

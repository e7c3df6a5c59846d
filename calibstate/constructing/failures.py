"""What failed, read from the statistics of cp_verify.

Read from ``mergeResults.py``, ``verifyStats.py`` and ``verifyCalib.py`` of
lsst/cp_verify 5855743 (2026-04-22).  What is merged last is by exposure (or
by visit), or by detector where no exposures are reduced:

* ``{2024102100509: {SUCCESS, FAILURES: ["R22_S11 C07 NOISE"]}, SUCCESS}``
* ``{"R22_S11": {SUCCESS, FAILURES: ["C07 PTC_GAIN"]}, SUCCESS}``

A test of a whole detector names no amplifier, one of a whole exposure names
nothing but itself.  Before it is merged each test stands by itself:

* ``{VERIFY: {AMP: {"C07": {"NOISE": False}}, DET, CATALOG}, SUCCESS}``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.verdicts import FailedTest
from ..ports.construction import Statistics

__all__ = ["UNTOLD", "Failure", "detectors_in", "failures_in", "fold"]

UNTOLD = "?"
"""A detector, or a test, that failed and is not named."""

_IN_DATA_ID = re.compile(r"\b(?P<key>detector|exposure)=(?P<number>\d+)")

_NO_PLACE = frozenset({"AMP", "CATALOG", "DET", "EXP", "ISR", "METADATA", "RUN", "VERIFY"})
"""What stands beside exposures and detectors: measurements, settings, and
what was verified of all together."""


@dataclass(frozen=True, order=True)
class Failure:
    """One test that failed in one place."""

    test: str
    """``NOISE``."""

    detector: str
    """``R22_S11``; empty: the exposure as a whole."""

    amplifier: str
    """``C07``; empty: the detector as a whole."""

    exposure: int
    """0 where the statistics are of no exposure."""

    @property
    def words(self) -> str:
        """As cp_verify writes it: ``R22_S11 C07 NOISE``."""
        words = (self.detector, self.amplifier, self.test)
        return " ".join(filter(None, words))


def failures_in(statistics: Statistics) -> Iterator[Failure]:
    """Yield the failures that a dataset of statistics tells.

    What did not succeed, and lists no failure, is one of a test that is not
    named: it is never passed over.

    Parameters
    ----------
    statistics
        In any of the forms above.
    """
    values = statistics.values
    detector = ""
    exposure = 0
    for match in _IN_DATA_ID.finditer(statistics.data_id):
        number = match["number"]
        if match["key"] == "exposure":
            exposure = int(number)
        else:
            detector = f"detector {number}"
    failures: list[Failure] = []
    # First what its parts tell, of an exposure or of a detector each.
    for key, part in values.items():
        name = str(key)
        if not isinstance(part, Mapping) or name in _NO_PLACE:
            continue
        if name.isdigit():
            of_detector = ""
            of_exposure = int(name)
        else:
            of_detector = name
            of_exposure = exposure
        listed = list(_listed(part, of_detector, of_exposure))
        failures.extend(listed)
        if not listed and part.get("SUCCESS") is not True:
            failure = Failure(UNTOLD, of_detector, "", of_exposure)
            failures.append(failure)
    failures.extend(_listed(values, detector, exposure))
    failures.extend(_not_true(values.get("VERIFY"), detector, exposure))
    if not failures and values.get("SUCCESS") is not True:
        failure = Failure(UNTOLD, detector, "", exposure)
        failures.append(failure)
    yield from failures


def detectors_in(statistics: Statistics) -> Iterator[str]:
    """Yield the names of the detectors that statistics of an exposure tell of.

    Parameters
    ----------
    statistics
        Merged over the detectors of an exposure.
    """
    for key, part in statistics.values.items():
        name = str(key)
        if isinstance(part, Mapping) and name not in _NO_PLACE and not name.isdigit():
            yield name


def _listed(
    part: Mapping[Any, Any],
    detector: str,
    exposure: int,
) -> Iterator[Failure]:
    """Yield the failures that a part lists in words."""
    listed = part.get("FAILURES", ())
    if not isinstance(listed, list | tuple):
        return
    for words in listed:
        *places, test = str(words).split() or [UNTOLD]
        # Merged over something else, an exposure stands for the detector.
        if places and places[0].isdigit():
            places[0] = UNTOLD
        if detector:
            places.insert(0, detector)
        name, *rest = places or [""]
        amplifier = " ".join(rest)
        yield Failure(test, name, amplifier, exposure)


def _not_true(
    verified: object,
    detector: str,
    exposure: int,
) -> Iterator[Failure]:
    """Yield the tests that are written one by one and are not true."""
    if not isinstance(verified, Mapping):
        return
    for group, tests in verified.items():
        if not isinstance(tests, Mapping):
            continue
        if group != "AMP":
            yield from _tests(tests, detector, "", exposure)
            continue
        # An amplifier is always one of a detector, even of one without name.
        name = detector or UNTOLD
        for key, of_amplifier in tests.items():
            amplifier = str(key)
            yield from _tests(of_amplifier, name, amplifier, exposure)


def _tests(
    tests: object,
    detector: str,
    amplifier: str,
    exposure: int,
) -> Iterator[Failure]:
    """Yield the tests of one place that are not true."""
    if not isinstance(tests, Mapping):
        return
    for key, result in tests.items():
        # `SUCCESS` stands among them, and is no test: it says of all.
        if result is False and key != "SUCCESS":
            test = str(key)
            yield Failure(test, detector, amplifier, exposure)


def fold(
    failures: Iterable[Failure],
    word: str,
    known_failures: Mapping[str, str],
) -> tuple[FailedTest, ...]:
    """Return failures together that are of one test and have one reason.

    Parameters
    ----------
    failures
        All of them.
    word
        The product, as ``verify`` calls it.
    known_failures
        Reasons by ``verify WORD: DETECTOR AMPLIFIER TEST``.
    """
    alike: dict[tuple[str, str], list[Failure]] = {}
    for failure in sorted(failures):
        reason = known_failures.get(f"verify {word}: {failure.words}", "")
        key = (reason, failure.test)
        group = alike.setdefault(key, [])
        group.append(failure)
    folded = []
    # What nobody gave a reason for stands first.
    for (reason, test), group in sorted(alike.items()):
        amplifiers: dict[str, set[str]] = {}
        exposures: set[int] = set()
        for failure in group:
            exposures.add(failure.exposure)
            if failure.detector:
                names = amplifiers.setdefault(failure.detector, set())
                names.add(failure.amplifier)
        # A detector as a whole has no amplifier, and 0 is no exposure.
        exposures.discard(0)
        detectors = {}
        for detector, names in amplifiers.items():
            names.discard("")
            detectors[detector] = tuple(sorted(names))
        failed = FailedTest(
            test=test,
            detectors=detectors,
            exposures=tuple(sorted(exposures)),
            number=len(group),
            known=reason,
        )
        folded.append(failed)
    return tuple(folded)

"""Drift as a JUnit report, which continuous-integration systems show.

Each place is a suite.  What departs there is a test that fails, what could
not be seen an error, what is awaited a test that was skipped; a place without
drift is one test that passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as Xml

from ..model.drift import Drift, What
from ..model.names import with_code_points
from ..model.results.drift import DriftFound

__all__ = ["drift", "drift_found"]

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ILLEGAL = re.compile("[^\\t\\n\\r\x20-\ufffd\U00010000-\U0010ffff]")
_OUTCOMES = {
    What.UNREACHABLE: "error",
    What.PENDING: "skipped",
}
"""Of drift that is no failure."""


def drift_found(result: DriftFound) -> Iterator[str]:
    """Yield the drift that was found, as lines of XML."""
    xml = drift(result.plan.drift, result.looked_at)
    yield from xml.splitlines()


def drift(departures: Iterable[Drift], places: Sequence[str]) -> str:
    """Return drift as XML.

    Parameters
    ----------
    departures
        The drift.
    places
        All that was looked at.
    """
    # A place without drift was looked at too, and has a suite.
    by_place: dict[str, list[Drift]] = {place: [] for place in places}
    for departure in departures:
        target = departure.target
        at_place = by_place.setdefault(target.place, [])
        at_place.append(departure)
    top = Xml.Element("testsuites", name="calibstate drift")
    for place, at_place in sorted(by_place.items()):
        _add_suite(top, place, at_place)
    Xml.indent(top)
    xml = Xml.tostring(top, encoding="unicode")
    # Names and details come from elsewhere; XML has no way to write these.
    return _HEAD + _ILLEGAL.sub("?", xml)


def _add_suite(
    top: Xml.Element,
    place: str,
    departures: Sequence[Drift],
) -> None:
    """Add what departs at a place; nothing: one test that passed."""
    outcomes = [_outcome(departure) for departure in departures]
    tests = max(len(outcomes), 1)
    failures = outcomes.count("failure")
    errors = outcomes.count("error")
    skipped = outcomes.count("skipped")
    suite = Xml.SubElement(
        top,
        "testsuite",
        name=place,
        tests=str(tests),
        failures=str(failures),
        errors=str(errors),
        skipped=str(skipped),
    )
    for departure in departures:
        _add_case(suite, place, departure)
    if not departures:
        Xml.SubElement(
            suite,
            "testcase",
            classname=place,
            name="in sync",
        )


def _add_case(
    suite: Xml.Element,
    place: str,
    departure: Drift,
) -> None:
    """Add one departure, at its line, as a test that did not pass."""
    what = departure.what.value
    subject = departure.subject
    name = f"{what} {with_code_points(subject)}"
    # A part is named with what it is part of.
    target = departure.target.name
    if subject != target:
        name += f" in {target}"
    about = {"classname": place, "name": name}
    declared_at = departure.declared_at
    if declared_at:
        about["file"] = declared_at.file
        about["line"] = str(declared_at.line)
    case = Xml.SubElement(suite, "testcase", about)
    outcome = _outcome(departure)
    Xml.SubElement(
        case,
        outcome,
        message=departure.detail,
        type=what,
    )


def _outcome(departure: Drift) -> str:
    return _OUTCOMES.get(departure.what, "failure")

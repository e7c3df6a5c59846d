"""Drift as a JUnit report, which continuous-integration systems show.

Each place is a suite.  What departs there is a test that fails, what could
not be seen an error, what is awaited a test that was skipped; a place without
drift is one test that passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as Xml

from ..model.drift import Drift, What
from ..model.results.drift import DriftFound

__all__ = ["drift", "drift_found"]

_OUTCOMES = {What.UNREACHABLE: "error", What.PENDING: "skipped"}


def drift_found(result: DriftFound) -> Iterator[str]:
    """Yield the drift that was found, as lines of XML."""
    yield from drift(result.plan.drift, result.looked_at).splitlines()


def drift(found: Iterable[Drift], places: Sequence[str]) -> str:
    """Return drift as XML.

    Parameters
    ----------
    found
        The drift.
    places
        All that was looked at.
    """
    by_place: dict[str, list[Drift]] = {place: [] for place in places}
    for one in found:
        by_place.setdefault(one.target.place, []).append(one)
    top = Xml.Element("testsuites", name="calibstate drift")
    for place, drifts in sorted(by_place.items()):
        outcomes = [_OUTCOMES.get(one.what, "failure") for one in drifts]
        suite = Xml.SubElement(
            top,
            "testsuite",
            name=place,
            tests=str(len(drifts) or 1),
            failures=str(outcomes.count("failure")),
            errors=str(outcomes.count("error")),
            skipped=str(outcomes.count("skipped")),
        )
        for one, outcome in zip(drifts, outcomes, strict=True):
            _case(suite, place, one, outcome)
        if not drifts:
            Xml.SubElement(suite, "testcase", classname=place, name="in sync")
    Xml.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _legal(Xml.tostring(top, encoding="unicode"))


def _case(suite: Xml.Element, place: str, one: Drift, outcome: str) -> None:
    inside = f" in {one.target.name}" if one.subject != one.target.name else ""
    about = {"classname": place, "name": f"{one.what.value} {one.subject}{inside}"}
    if one.declared_at:
        about |= {"file": one.declared_at.file, "line": str(one.declared_at.line)}
    case = Xml.SubElement(suite, "testcase", about)
    Xml.SubElement(case, outcome, message=one.detail, type=one.what.value)


def _legal(text: str) -> str:
    # Names and details come from elsewhere; XML has no way to write these.
    return "".join(c if c in "\t\n\r" or "\x20" <= c <= "\ufffd" or c > "\uffff" else "?" for c in text)

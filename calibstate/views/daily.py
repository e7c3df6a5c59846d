"""How the verification of a day stands, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from ..model.dailyrecords import Alarm, DetectorResult
from ..model.number_ranges import counted
from ..model.results.daily import DailyShown, DailyVerdict, ExposureVerdict, Sending
from .markdown import row, safe
from .messages import count

__all__ = ["as_markdown", "as_text"]

_STYLES = {
    DailyVerdict.PASSED: "green",
    DailyVerdict.FAILED: "red",
    DailyVerdict.STALE: "yellow",
    DailyVerdict.RUNNING: "blue",
    DailyVerdict.NONE: "dim",
}

_WORST_FIRST = (
    DailyVerdict.FAILED,
    DailyVerdict.NONE,
    DailyVerdict.RUNNING,
    DailyVerdict.STALE,
    DailyVerdict.PASSED,
)

_MOST = 4
"""Failures that are told of one exposure."""

_WHOLE = "the exposure"
"""What is told in place of a detector that has no name."""


def as_text(result: DailyShown) -> Iterator[Text]:
    """Yield the exposures of a day, and what failed in each."""
    yield Text(
        f"{result.instrument} on {result.day} at {result.repository}, with {result.chain}",
        "bold",
    )
    widest = max((len(exposure.physical_filter) for exposure in result.exposures), default=0)
    for exposure in result.exposures:
        verdict = exposure.verdict
        line = Text("  ")
        line.append(f"{exposure.kind:5}  {exposure.exposure}  ")
        # A flat is one of its filter.
        if exposure.kind == "flat":
            line.append(f"{exposure.physical_filter:{widest}}  ")
        line.append(verdict.value, _STYLES[verdict])
        if exposure.is_new:
            line.append("  new", "dim")
        yield line
        for words in _details(exposure):
            yield Text(f"         {words}", "dim")
    for alarm in result.alarms:
        yield Text(f"  ALARM  {_alarm(alarm)}", "bold red")
    if result.sending:
        yield Text(f"  {_sent(result.sending)}")
    yield Text(_tally(result), "bold")


def _details(exposure: ExposureVerdict) -> Iterator[str]:
    """Yield what is to be known of an exposure."""
    if exposure.verdict is DailyVerdict.STALE:
        before = "a test failed" if exposure.has_failed else "it passed"
        yield f"{before}, with other calibrations than are effective now"
    # A detector that is broken fails everywhere.
    failures = list(_failures(exposure.detectors))
    yield from failures[:_MOST]
    more = len(failures) - _MOST
    if more > 0:
        yield f"and {count(more, 'more failure')}"
    if exposure.without:
        yield _not_verified(exposure)
    if exposure.run and exposure.against is None:
        yield "nobody wrote down what it was verified against"


def _failures(detectors: Mapping[str, DetectorResult]) -> Iterator[str]:
    """Yield each test that failed, with its detector and amplifiers."""
    for name, detector in detectors.items():
        for test, amplifiers in detector.failed.items():
            words = [name or _WHOLE, test]
            if amplifiers:
                words.append(", ".join(amplifiers))
            yield " ".join(words)


def _not_verified(exposure: ExposureVerdict) -> str:
    return f"not verified: {counted('detector', exposure.without)}"


def _alarm(alarm: Alarm) -> str:
    nights = count(alarm.nights, "night")
    # One night is no row.
    since = ""
    if len(alarm.nights) > 1:
        since = f" in a row, since {alarm.nights[0]}"
    return f"{alarm.sort.name} {alarm.test} of {alarm.detector or _WHOLE} failed on {nights}{since}"


def _sent(sending: Sending) -> str:
    """Return what became of metrics, in a sentence."""
    sent = count(sending.sent, "metric")
    words = f"{sent} sent to {sending.address}"
    if sending.before:
        words = f"{words}, {sending.before} before"
    if sending.unsent:
        words = f"{words}; {sending.unsent} not sent"
    return f"{words}."


def _tally(result: DailyShown) -> str:
    """Return in a sentence how many exposures passed, and what is open."""
    exposures = count(result.exposures, "exposure")
    if not result.exposures:
        return "No exposure of that day is to be verified."
    # What somebody has to look at stands first.
    parts = []
    for verdict in _WORST_FIRST:
        number = sum(1 for _ in result.with_verdict(verdict))
        if number:
            parts.append(f"{number} {verdict.value}")
    tally = f"{exposures}: {', '.join(parts)}."
    if any(result.with_verdict(DailyVerdict.NONE)) and not result.has_run:
        return f"{tally} Verify what has no result with --run."
    if any(result.with_verdict(DailyVerdict.STALE)):
        return f"{tally} Verify what is stale once more with --run --again."
    return tally


def as_markdown(result: DailyShown) -> Iterator[str]:
    """Yield the same as a table, for a channel or a ticket."""
    yield f"### {safe(result.instrument)} on {result.day}"
    yield ""
    for alarm in result.alarms:
        yield f"* **Alarm**: {safe(_alarm(alarm))}"
    if result.alarms:
        yield ""
    yield row("kind", "exposure", "verdict", "failed")
    yield "|---|---|---|---|"
    for exposure in result.exposures:
        failures = list(_failures(exposure.detectors))
        shown = failures[:_MOST]
        if len(failures) > _MOST:
            shown.append(f"{len(failures) - _MOST} more")
        if exposure.without:
            shown.append(_not_verified(exposure))
        kind = exposure.kind
        if kind == "flat":
            kind = f"{kind} {exposure.physical_filter}"
        yield row(
            kind,
            str(exposure.exposure),
            exposure.verdict.value,
            "; ".join(shown),
        )
    yield ""
    if result.sending:
        yield safe(_sent(result.sending))
        yield ""
    yield safe(_tally(result))

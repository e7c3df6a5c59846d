"""Questions about lookups, made of words of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState
from ..model.explanations import Question
from ..model.names import ANY, nearest, spelled
from ..model.nights import While, observing_day
from ..model.timespans import UNBOUNDED, parse_tai, tai_of

__all__ = ["asked_day", "asked_while", "question"]

_NOW = "now"
_TODAY = "today"
_YESTERDAY = "yesterday"


def question(
    desired: DesiredState,
    instruments: list[str] | None,
    dataset_type: str,
    words: Iterable[str],
    at: str | None,
    exposure: int | None,
    chain: str | None,
    now: datetime,
) -> Question:
    """Return what `explain` is asked.

    Parameters
    ----------
    desired
        What is declared.
    instruments
        Instruments that options name.
    dataset_type
        What is looked up.
    words
        ``KEY=VALUE`` of the data ID.
    at, exposure
        When: a moment in TAI, or the number of an exposure.
    chain
        What is searched; `None`: what is declared.
    now
        The time, with its zone.

    Raises
    ------
    UsageError
        It is not clear what is meant.
    """
    if (at is None) == (exposure is None):
        detail = "Both --at and --exposure are given."
        if at is None:
            detail = "Neither --at nor --exposure is given."
        raise UsageError(Diagnostic("When is not clear", detail, hint="Give one of them."))
    data_id = _data_id(words)
    instrument = _instrument(desired, instruments or [], data_id.get("instrument"))
    moment = None if at is None else _moment(at, now)
    return Question(instrument, dataset_type, data_id, moment, exposure, chain)


def asked_while(night: str | None, at: str | None, now: datetime) -> While:
    """Return the time that lookups are asked for.

    Parameters
    ----------
    night
        An observing day, or ``today``.
    at
        A moment, or ``now``; without both it is the night of today.
    now
        The time, with its zone.

    Raises
    ------
    UsageError
        Both are given, or one is no such time.
    """
    if night is not None and at is not None:
        detail = "Both --night and --at are given."
        raise UsageError(Diagnostic("When is not clear", detail, hint="Give one of them."))
    if at is not None:
        return While.at(_moment(at, now))
    try:
        return While.of_night(_day(night or _TODAY, now))
    except ValueError:
        detail = f"{spelled(night or _TODAY)} is no observing day."
        hint = "Write YYYYMMDD, such as 20241110, or today."
        raise UsageError(Diagnostic("Night is not understood", detail, hint=hint)) from None


def asked_day(day: str | None, now: datetime) -> int:
    """Return the observing day that is asked for, as ``YYYYMMDD``.

    Parameters
    ----------
    day
        As a person writes it; `None`: today.
    now
        The time, with its zone.

    Raises
    ------
    UsageError
        It is no observing day.
    """
    word = day or _TODAY
    try:
        night = While.of_night(_day(word, now))
    except ValueError:
        raise UsageError(
            Diagnostic(
                "No such day",
                f"{spelled(word)} is no observing day.",
                hint="Write YYYYMMDD, such as 20241110, or today, or yesterday.",
            )
        ) from None
    assert night.night, "it has a number"
    return night.night


def _day(text: str, now: datetime) -> date:
    if text == _TODAY:
        return observing_day(now)
    if text == _YESTERDAY:
        return observing_day(now) - timedelta(days=1)
    if not re.fullmatch(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _data_id(words: Iterable[str]) -> dict[str, str]:
    data_id: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value) or "," in word:
            hint = "Write KEY=VALUE, each in a word of its own: detector=4 physical_filter=r_03."
            detail = f"{spelled(word)} is no KEY=VALUE."
            raise UsageError(Diagnostic("Data ID is not understood", detail, hint=hint))
        if data_id.setdefault(key, value) != value:
            raise UsageError(Diagnostic("Data ID is not understood", f"{key} is given twice."))
    return data_id


def _instrument(desired: DesiredState, options: list[str], word: str | None) -> str:
    """Return the instrument that is meant: given, or the only one."""
    declared: set[str] = set()
    for address in desired.repositories:
        declared.update(desired.repository(address)[1].instruments)
    # A calibration is of a camera, so this one is never meant.
    declared.discard(ANY)
    given = set(options)
    if word:
        given.add(word)
    candidates = sorted(given or declared)
    if len(candidates) != 1:
        detail = f"{', '.join(candidates)} are {'given' if given else 'declared'}."
        hint = "Give one of them: --instrument NAME."
        raise UsageError(Diagnostic("Instrument is not clear", detail, hint=hint))
    (instrument,) = candidates
    if instrument not in declared:
        hint = f"Known are: {', '.join(sorted(declared))}."
        near = nearest(instrument, sorted(declared))
        if near:
            hint = f"Did you mean {near}?"
        detail = f"{spelled(instrument)}: no repository has this instrument."
        raise UsageError(Diagnostic("Not declared", detail, hint=hint))
    return instrument


def _moment(text: str, now: datetime) -> int:
    if text == _NOW:
        # Nobody means a part of a second.
        return tai_of(now.replace(microsecond=0))
    try:
        moment = parse_tai(f"{text}T00:00:00" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)
    except ValueError:
        hint = "Write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS in TAI, without a zone; or now."
        raise UsageError(
            Diagnostic("Moment is not understood", f"{spelled(text)} is no moment.", hint=hint)
        ) from None
    if not UNBOUNDED[0] <= moment < UNBOUNDED[1]:
        detail = f"{text} is not between 1970 and 2100, where the butler counts."
        raise UsageError(Diagnostic("Moment is not understood", detail))
    return moment

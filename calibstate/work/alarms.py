"""Tell people of the alarms of a day's verification, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..constructing.alarms import NightsBefore
from ..errors import Diagnostic
from ..model.dailyrecords import Alarm, DailyRecord
from ..model.observations import stamp
from ..model.results.daily import DailyShown
from ..model.watching import Notice, Unsent, WatchReason, WatchWord
from .session import Session
from .telling import Telling

__all__ = ["notice_of", "tell_alarms"]

_MOST_NAMED = 5
"""Alarms that are named one by one."""


def tell_alarms(
    session: Session,
    shown: DailyShown,
    record: DailyRecord,
    before: NightsBefore,
    telling: Telling,
) -> tuple[DailyRecord, tuple[Diagnostic, ...]]:
    """Tell people of alarms that they do not know of yet.

    Parameters
    ----------
    session
        It says what time it is.
    shown
        What the verification of the day came to.
    record
        What is kept of the day.
    before
        The nights before: an alarm that goes on is no news.
    telling
        How people are reached.

    Returns
    -------
    record : DailyRecord
        The same, with who was told of what.
    problems : tuple
        Why some were not told: they are by the next run.
    """
    problems: list[Diagnostic] = []
    # Each way for itself: who is told already is not told again.
    for teller in telling.tellers:
        news: list[Alarm] = []
        for alarm in shown.alarms:
            key = f"{alarm.key} by {teller.name}"
            last = next(before.verified(alarm.sort, alarm.detector), None)
            if last and key in last.told:
                record = record.with_told([key])
            elif key not in record.told:
                news.append(alarm)
        if not news:
            continue
        notice = notice_of(session, shown, news)
        _, wrong = Telling([teller]).tell(Unsent(notice=notice))
        problems.extend(wrong)
        if not wrong:
            record = record.with_told(f"{alarm.key} by {teller.name}" for alarm in news)
    return record, tuple(problems)


def notice_of(session: Session, shown: DailyShown, news: Sequence[Alarm]) -> Notice:
    """Return what people are told of some alarms.

    Parameters
    ----------
    session
        It says what time it is.
    shown
        What the verification of the day came to.
    news
        Those that they do not know of.
    """
    keys = [alarm.key for alarm in news]
    named = "; ".join(keys[:_MOST_NAMED])
    if len(keys) > _MOST_NAMED:
        named += f"; {len(keys) - _MOST_NAMED} more"
    about = "\n".join([shown.instrument, str(shown.day), *keys])
    return Notice(
        id=hashlib.sha256(about.encode()).hexdigest()[:32],
        site=shown.repository.site,
        at=stamp(session.now()),
        word=WatchWord.STALLED,
        reason=WatchReason.DAILY_ALARM,
        message=f"{shown.instrument}, {shown.day}: {named}.",
        commands=(f"calibstate daily {shown.instrument} --day {shown.day}",),
    )

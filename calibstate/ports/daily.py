"""What calibstate asks of the store of what is kept of daily verification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..model.dailyrecords import DailyRecord

__all__ = ["DailyRecords"]


class DailyRecords(Protocol):
    """What is kept of one instrument, day by day."""

    def days(self) -> Sequence[int]:
        """Return the observing days of which there is anything, sorted.

        Raises
        ------
        UnreachableError
            The store does not answer.
        """
        ...

    def read(self, day: int) -> DailyRecord | None:
        """Return what is kept of a day; `None`: nothing is.

        Raises
        ------
        InvalidStateError
            Its file is damaged, or of another version.
        UnreachableError
            The store does not answer.
        """
        ...

    def keep(self, record: DailyRecord) -> None:
        """Keep a day, in one step, in place of what was kept of it.

        Raises
        ------
        UnreachableError
            The store does not answer.
        """
        ...

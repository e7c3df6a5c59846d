"""What is kept of daily verification, in a repository's store of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from typing_extensions import override

from ..errors import without_secrets
from ..model.dailyrecords import DailyRecord
from ..ports.daily import DailyRecords
from .asking import Asking, server_of

__all__ = ["KeptDaily"]

T = TypeVar("T")


class KeptDaily(DailyRecords):
    """What is kept of one instrument.

    Parameters
    ----------
    uri
        Where the records are.
    instrument
        The camera.
    asking
        How the store is asked.
    """

    def __init__(self, uri: str, instrument: str, asking: Asking) -> None:
        self._uri = uri
        self._instrument = instrument
        self._asking = asking

    @override
    def days(self) -> Sequence[int]:
        from ..adapters import dailyrecords

        return self._ask(
            partial(
                dailyrecords.days,
                self._uri,
                self._instrument,
                timeout=self._asking.timeout,
            )
        )

    @override
    def read(self, day: int) -> DailyRecord | None:
        from ..adapters import dailyrecords
        from ..store import dailyfile

        data = self._ask(
            partial(
                dailyrecords.read,
                self._uri,
                self._instrument,
                day,
                limit=dailyfile.LARGEST,
                timeout=self._asking.timeout,
            )
        )
        if data is None:
            return None
        name = dailyrecords.name_of(self._instrument, day)
        file = f"{without_secrets(self._uri)}/{name}"
        return dailyfile.loads(data, file, instrument=self._instrument, day=day)

    @override
    def keep(self, record: DailyRecord) -> None:
        from ..adapters import dailyrecords
        from ..store import dailyfile

        self._ask(
            partial(
                dailyrecords.write,
                self._uri,
                self._instrument,
                record.day,
                dailyfile.dumps(record),
                timeout=self._asking.timeout,
            )
        )

    def _ask(self, question: Callable[[], T]) -> T:
        name = f"the records in {without_secrets(self._uri)}"
        return self._asking.in_time(name, server_of(self._uri))(question)

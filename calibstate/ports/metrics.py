"""What calibstate asks of a store of time series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..model.metrics import Metric

__all__ = ["MetricStore", "Taken"]

Taken = Callable[[Sequence[str]], None]
"""Told the ids of metrics as soon as they are taken."""


class MetricStore(Protocol):
    """A store of time series, to add to."""

    def send(self, metrics: Sequence[Metric], taken: Taken) -> None:
        """Send metrics; their topics are made where they are not there.

        Parameters
        ----------
        metrics
            What is sent.
        taken
            Told of each that is taken, also where others then are not.

        Raises
        ------
        UnreachableError
            It did not answer, did not let us in, or did not take them all.
        """
        ...

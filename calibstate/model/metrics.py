"""Metrics: numbers of a dataset, as a store of time series takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Metric", "Value"]

Value = str | int | float
"""What a field of a metric holds."""


@dataclass(frozen=True)
class Metric:
    """What is told of one dataset."""

    topic: str
    """Under which topic, without its namespace: ``verifyBias``."""

    fields: Mapping[str, Value]
    """Its fields; ``id`` is the UUID of the dataset, so that what is sent
    twice is one point."""

    @property
    def id(self) -> str:
        """The UUID of its dataset."""
        return str(self.fields["id"])

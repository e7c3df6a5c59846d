"""Telling what was asked of which place, and how long the answer took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["ANSWERED", "Asked", "Request", "Requests"]

ANSWERED = "ok"
"""What became of a request that was answered."""


@dataclass(frozen=True)
class Request:
    """What a place was asked."""

    at: datetime
    """When, in UTC."""

    place: str
    words: str
    """The question, and what it is about: ``chain LSSTComCam/calib``."""

    is_opening: bool = False
    """Whether it is the first question to the place."""


class Asked(Protocol):
    """A request that waits for its answer."""

    def answered(self, outcome: str = ANSWERED) -> None:
        """Note what became of it.

        Parameters
        ----------
        outcome
            In a few words.
        """


class Requests(Protocol):
    """Who is told of requests; by any thread."""

    def begin(self, request: Request) -> Asked:
        """Note that a place is asked."""
        ...

    def ended(self, code: int) -> None:
        """Hear that nothing more is asked.

        Parameters
        ----------
        code
            What the command ends with.
        """

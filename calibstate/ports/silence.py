"""How long a place may be silent before it counts as unreachable.

One limit holds for the whole process, as a person gives it for one command.
Adapters ask no longer than that for a single answer; and whoever looks gives
up when nothing was heard for so long.  A place that is slow, but answers
again and again, is never cut off.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from ..errors import Diagnostic, UnreachableError

__all__ = ["USUAL", "Heard", "SilentError", "allow", "allowed", "at_work", "heard", "listening", "silent"]

USUAL = timedelta(seconds=60)
"""The limit, unless told."""


class SilentError(UnreachableError):
    """A place was asked and said nothing for too long."""


@dataclass
class _Limit:
    """The limit of this process."""

    seconds: float = USUAL.total_seconds()


@dataclass
class Heard:
    """When something was heard last, during one look."""

    at: float = field(default_factory=time.monotonic)
    """Seconds that only grow."""


_limit = _Limit()
_here = threading.local()


def allow(limit: timedelta | None) -> None:
    """Set the limit; `None`: the usual one."""
    _limit.seconds = (limit or USUAL).total_seconds()


def allowed() -> float:
    """Return the limit in seconds."""
    return _limit.seconds


def listening(to: Heard) -> None:
    """Have what this thread hears from now on kept."""
    _here.heard = to


@contextmanager
def at_work() -> Iterator[None]:
    """Do what takes time and is not the place's fault, such as an import."""
    if found := getattr(_here, "heard", None):
        found.at = math.inf
    try:
        yield
    finally:
        heard()


def heard() -> None:
    """Note that the place which this thread looks at gave an answer."""
    if found := getattr(_here, "heard", None):
        found.at = time.monotonic()


def silent(place: str) -> SilentError:
    """Return the error that a place said nothing for too long.

    Parameters
    ----------
    place
        What messages call it.
    """
    return SilentError(
        Diagnostic(
            "Place does not answer",
            f"{place}: it did not answer within {allowed():g} s.",
            hint="Nothing is known of what it holds. Try again later, or wait longer with --timeout.",
        )
    )

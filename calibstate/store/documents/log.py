"""What was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import Noun
from ...model.outcomes import JournalLine
from .base import FORMAT

__all__ = ["LogDocument", "RunEntry"]


class RunEntry(Noun):
    """A run, as its journal tells of it."""

    id: str
    ending: Literal["ended", "goes on", "cut off", "no end"]
    tally: Mapping[str, int]
    """How many targets came to what, at last."""

    lines: tuple[JournalLine, ...]
    unreadable: int
    """Lines that cannot be read."""


class LogDocument(Noun):
    """What was done."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["log"] = "log"

    runs: tuple[RunEntry, ...]
    """The newest first."""

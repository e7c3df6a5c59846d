"""Guards: what is not done without a person who says why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .names import Noun

__all__ = ["Allowed", "Guard", "Guarded"]


class Guard(Enum):
    """What keeps a step from being done."""

    HOLD = "hold"
    """The repository, or its site, is on hold."""

    CHAIN_CHANGES = "chain_changes"
    """More children than usual would leave a chain or move within it."""


class Allowed(Noun):
    """Guards that a person passes, and why."""

    guards: tuple[Guard, ...] = ()
    because: str = ""


@dataclass(frozen=True)
class Guarded:
    """A step that a guard stops."""

    guard: Guard
    reason: str
    """In a sentence."""

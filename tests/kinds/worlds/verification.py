"""Verifications, which `construct` has done and no plan has steps for."""

from __future__ import annotations

from tests.kinds.worlds import Elsewhere

WORLD = Elsewhere(
    "it takes hours: `construct` does it, and plan, apply, drift and status have nothing of it",
    ("commands/construct_test.py", "commands/construct_killed_test.py"),
)

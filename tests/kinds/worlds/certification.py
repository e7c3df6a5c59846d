"""Certifications, which need an origin with raws, or a ticket made again."""

from __future__ import annotations

from tests.kinds.worlds import Elsewhere

WORLD = Elsewhere(
    "its world is an origin with raws and constructions, or with certifications of another ticket",
    ("commands/certify_test.py", "commands/recertify_test.py", "commands/certify_killed_test.py"),
)

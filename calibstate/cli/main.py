"""The program: every family of commands, and the error boundary."""

from __future__ import annotations

import sys

from . import demo, fingerprint, observe, reconcile, seal, tree  # noqa: F401 - they add their commands
from .app import run

__all__ = ["main"]


def main() -> None:
    """Run ``calibstate``."""
    sys.exit(run())

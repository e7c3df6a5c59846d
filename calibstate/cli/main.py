"""The program: every family of commands, and the error boundary."""

from __future__ import annotations

import signal
import sys

from . import capture, demo, explain, fingerprint, impact, observe, reconcile, seal, tree, verify  # noqa: F401 - they add their commands
from .app import run

__all__ = ["main"]


def main() -> None:
    """Run ``calibstate``; who ends it, by whatever signal, is told so."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run())

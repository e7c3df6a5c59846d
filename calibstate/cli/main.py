"""The program: every family of commands, and the error boundary."""

from __future__ import annotations

import signal
import sys

from . import (  # noqa: F401 - they add their commands
    capture,
    demo,
    explain,
    fingerprint,
    impact,
    log,
    observe,
    reconcile,
    seal,
    tree,
    unlock,
    verify,
)
from .app import run

__all__ = ["main"]


def main() -> None:
    """Run ``calibstate``; who ends it, by whatever signal, is told so."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run())

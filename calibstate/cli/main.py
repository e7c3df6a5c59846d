"""The program: every family of commands, and the error boundary."""

from __future__ import annotations

import os
import signal
import sys

from ..engine.side_by_side import left_behind
from . import (  # noqa: F401 - they add their commands
    approvals,
    capture,
    demo,
    doctor,
    explain,
    fingerprint,
    fmt,
    history,
    impact,
    log,
    observe,
    reconcile,
    report,
    rollback,
    seal,
    status,
    tree,
    unlock,
    verify,
)
from .app import run
from .terminal import be_readable

__all__ = ["main"]


def main() -> None:
    """Run ``calibstate``; who ends it, by whatever signal, is told so."""
    be_readable(sys.stdout, sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run()
    if left_behind():
        # Whatever still waits for a dead place must not keep us here.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)

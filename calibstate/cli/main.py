"""The program, and how its process ends."""

from __future__ import annotations

import os
import signal
import sys

from .app import run
from .terminal import be_readable

__all__ = ["main"]


def main() -> None:
    """Run ``calibstate``; who ends it, by whatever signal, is told so."""
    be_readable(sys.stdout, sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run()
    if _is_anything_left_behind():
        # Whatever still waits for a dead place must not keep us here.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _is_anything_left_behind() -> bool:
    # A command that looked at no place has not imported what looks.
    looking = sys.modules.get("calibstate.engine.side_by_side")
    return looking is not None and looking.is_anything_left_behind()

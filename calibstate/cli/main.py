"""The program, and how its process ends."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys

from .app import run
from .terminal import be_readable

__all__ = ["COLLECTOR_LIMITS", "main"]

COLLECTOR_LIMITS = (200_000, 50, 1_000)
"""How many objects are made before Python looks for garbage among them."""


def main() -> None:
    """Run ``calibstate``; who ends it, by whatever signal, is told so."""
    be_readable(sys.stdout, sys.stderr)
    _set_up_process()
    code = run()
    # All is given back with the process.  To look through hundreds of
    # thousands of objects for garbage before takes a tenth of a second.
    gc.freeze()
    if _is_anything_left_behind():
        # Whatever still waits for a dead place must not keep us here.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _set_up_process() -> None:
    """Set what holds for a whole process, since this one is ours.

    Nothing else in calibstate does so: it may be a part of another program.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # What the butler logs is told in our own words.  Without any handler
    # Python would print it on standard error.
    logging.getLogger("lsst").addHandler(logging.NullHandler())
    # Hundreds of thousands of rows are made, and none of them is garbage.
    # With Python's own limits half of the time would go into looking for it.
    gc.set_threshold(*COLLECTOR_LIMITS)


def _is_anything_left_behind() -> bool:
    # A command that looked at no place has not imported what looks.
    looking = sys.modules.get("calibstate.engine.side_by_side")
    return looking is not None and looking.is_anything_left_behind()

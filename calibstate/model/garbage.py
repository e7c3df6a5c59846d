"""Making many objects without looks for garbage among them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing", "no_collection_of_garbage"]


@contextmanager
def no_collection_of_garbage() -> Iterator[None]:
    """Let no garbage be looked for meanwhile."""
    # Hundreds of thousands of rows are made and none is garbage; looking
    # through them again and again takes half of the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Import modules, and look for garbage among them neither now nor later.

    What was imported stays, and is hundreds of thousands of objects.
    """
    with no_collection_of_garbage():
        yield
    gc.freeze()

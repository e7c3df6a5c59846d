"""Making many rows without looks for garbage among them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collection_of_garbage"]


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

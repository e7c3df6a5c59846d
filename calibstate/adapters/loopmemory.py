"""What the loop of a clone knew last, beside what is in the records.

The records may be out of reach, or full, for longer than people should wait to
be told; and a loop that stands by has nothing in them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..errors import CalibstateError
from ..model.watching import WatchState
from ..store import watchfile
from .git import checkout_of

__all__ = ["remember", "remembered"]


def remembered(folder: str, site: str) -> WatchState | None:
    """Return what the loop of a site knew last.

    Parameters
    ----------
    folder
        The root of a state tree.
    site
        The site.

    Returns
    -------
    WatchState or None
        `None`: nothing that can be read is there.
    """
    with suppress(CalibstateError, OSError):
        file = _file(folder, site)
        if file:
            return watchfile.loads(file.read_bytes(), site)
    return None


def remember(folder: str, state: WatchState) -> None:
    """Keep what a loop knows now, where the clone has room for it.

    Parameters
    ----------
    folder
        The root of a state tree.
    state
        How the loop goes on, or that of another one while it stands by.
    """
    # A loop without a memory tells people once too often, and no more.
    with suppress(CalibstateError, OSError):
        file = _file(folder, state.site)
        if file is None:
            return
        aside = file.with_suffix(".new")
        aside.write_bytes(watchfile.dumps(state))
        os.replace(aside, file)  # noqa: PTH105


def _file(folder: str, site: str) -> Path | None:
    """Return the file of a site within Git's own folder, which it leaves."""
    with checkout_of(folder) as checkout:
        if checkout is None:
            return None
        return checkout.git_dir / f"calibstate-watch-{site}.json"

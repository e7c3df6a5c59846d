"""Folders in which files wait for their places.

Several runs may have files waiting for one datastore.  Each run has a folder
of its own for that, and keeps a mark in it locked for as long as it lives; so
what a killed run left is known by a mark that nobody keeps locked.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from lsst.resources import ResourcePath

__all__ = [
    "INCOMING",
    "clear_leftovers",
    "existing_above",
    "incoming_elsewhere",
    "incoming_for",
    "own_folder",
]

INCOMING = ".calibstate-incoming"
"""Folder of a datastore in which files wait."""

_MARK = "in-use"
"""File that whoever waits with files keeps locked."""

_TRIES = 5


def incoming_for(target: Path, root: ResourcePath) -> Path:
    """Return the folder in which a file waits for its place.

    Parameters
    ----------
    target
        Its place.
    root
        Folder of the datastore.
    """
    # Only within one file system is a renaming one moment; parts of a
    # datastore may be links into another, and files may be recorded outside.
    home = existing_above(target)
    if root.isLocal:
        top = Path(root.ospath)
        existing = top if top.is_dir() else existing_above(top)
        if existing.stat().st_dev == home.stat().st_dev:
            return top / INCOMING
    return home / incoming_elsewhere(root)


def incoming_elsewhere(root: ResourcePath) -> str:
    """Return the name of the folder where it is outside of the datastore.

    Parameters
    ----------
    root
        Folder of the datastore.
    """
    # The folder may be within the datastore of somebody else.
    digest = hashlib.sha256(str(root).encode()).hexdigest()
    return f"{INCOMING}-{digest[:12]}"


def existing_above(path: Path) -> Path:
    """Return the nearest folder above a path that exists."""
    return next(folder for folder in path.parents if folder.is_dir())


@contextmanager
def own_folder(home: Path) -> Iterator[Path]:
    """Make a folder of nobody else, though others may wait here too.

    They do where their `records` are not ours; a file of theirs must not
    come to where one of ours was to go.

    Parameters
    ----------
    home
        Folder in which files wait.

    Yields
    ------
    Path
        Our own folder in it; it is gone afterwards.
    """
    folder = home / uuid4().hex
    try:
        with _make_in_use(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            home.rmdir()


def _make_in_use(folder: Path) -> IO[bytes]:
    """Make a folder, so that whoever clears up leaves it alone."""
    mark = folder / _MARK
    for _ in range(_TRIES):
        # Whoever waited here last may just be removing the folder above, and
        # whoever clears up, one of which it is not known yet that it is used.
        with suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            stream = mark.open("wb")
            # Where there are no such locks, that of the place must do.
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX)
            if mark.exists():
                return stream
            stream.close()
    return mark.open("wb")


def clear_leftovers(
    root: ResourcePath,
    targets: Iterable[ResourcePath] = (),
) -> None:
    """Remove what runs that were killed left.

    Parameters
    ----------
    root
        Folder of the datastore.
    targets
        Files that may have been on their way.
    """
    if root.isLocal:
        _clear(Path(root.ospath) / INCOMING)
    # Thousands of files are in a few folders.
    folders = {target.dirname().ospath for target in targets if target.isLocal}
    above: set[Path] = set()
    for folder in map(Path, folders):
        above.add(folder)
        above.update(folder.parents)
    name = incoming_elsewhere(root)
    for folder in above:
        _clear(folder / name)


def _clear(home: Path) -> None:
    """Remove what waits in a folder, but for what somebody waits with."""
    if home.is_dir():
        for left in home.iterdir():
            if left.is_dir():
                _clear_folder(left)
            else:
                left.unlink(missing_ok=True)
    with suppress(OSError):
        home.rmdir()


def _clear_folder(folder: Path) -> None:
    """Remove a folder of some run, if that does not live any more."""
    try:
        with (folder / _MARK).open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)

"""Where a state tree can begin."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import CalibstateError, Diagnostic, UsageError
from ..model.names import with_code_points
from ..store.gitnames import GIT_FOLDER
from ..store.statefile import ROOT_FILE

__all__ = ["check_folder", "root_of", "top_of_clone"]

_ANOTHER = "Name another folder for the state tree."


def root_of(named: Path | None, folder: Path | None) -> Path:
    """Return the root of a tree that is to begin, without links.

    Parameters
    ----------
    named
        What ``-C`` says.
    folder
        What the command's own argument says.

    Raises
    ------
    UsageError
        Both say something, or it leads nowhere.
    """
    if folder is not None and named is not None:
        raise UsageError(
            Diagnostic(
                "Two folders",
                f"-C names {named}, and {with_code_points(str(folder))} is named too.",
                hint="Name one of them.",
            )
        )
    given = folder or named or Path()
    try:
        return given.resolve()
    except (OSError, RuntimeError):  # a link to itself, or no folder where we are
        raise UsageError(
            Diagnostic("Not a folder", f"{with_code_points(str(given))} leads nowhere.", hint=_ANOTHER)
        ) from None


def check_folder(root: Path) -> None:
    """Refuse a folder in which no tree can begin.

    Parameters
    ----------
    root
        The folder, without links; it need not exist.

    Raises
    ------
    CalibstateError
        Nothing may be read or written there.
    UsageError
        It is no folder, or there is a tree above or below.
    """
    existing = _existing(root)
    if not existing.is_dir():
        raise UsageError(Diagnostic("Not a folder", f"{existing} is there, and is no folder.", hint=_ANOTHER))
    for folder in root.parents:
        if _is_tree(folder):
            raise UsageError(
                Diagnostic(
                    "Within a state tree",
                    f"{folder} is a state tree, and none can be within another one.",
                    hint="Name a folder outside of it.",
                )
            )
    try:
        below = list(root.iterdir()) if existing == root else []
    except OSError as error:
        raise CalibstateError(
            Diagnostic("Folder cannot be read", f"{root}: {error.strerror}.", hint=_ANOTHER)
        ) from None
    for folder in below:
        if _is_tree(folder):
            raise UsageError(
                Diagnostic(
                    "A state tree is in there",
                    f"{folder} is a state tree already, and none can be around it.",
                    hint=f"Complete that one: calibstate init {folder}.",
                )
            )
    # So that nobody waits for a look in vain.
    if not os.access(existing, os.W_OK | os.X_OK):
        raise CalibstateError(
            Diagnostic("Folder cannot be written", f"You may write nothing in {existing}.", hint=_ANOTHER)
        )


def _existing(root: Path) -> Path:
    """Return the folder itself, or the nearest above that is there."""
    folder = root
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder


def _is_tree(folder: Path) -> bool:
    # Unlike Path.exists, this is no error in folders that may not be seen.
    return os.access(folder / ROOT_FILE, os.F_OK)


def top_of_clone(root: Path) -> Path | None:
    """Return the top of the Git repository that a folder is in, if any.

    Parameters
    ----------
    root
        The folder, without links; it need not exist.
    """
    for folder in (root, *root.parents):
        if os.access(folder / GIT_FOLDER, os.F_OK):
            return folder
    return None

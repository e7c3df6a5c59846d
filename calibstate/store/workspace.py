"""Where a state tree is in the folder that a build service works in."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["in_workspace"]


def in_workspace(root: str) -> str:
    """Return where a state tree is within what GitHub calls the workspace.

    That is ``$GITHUB_WORKSPACE`` if the tree is in there, else the clone.

    Parameters
    ----------
    root
        Root of the tree.

    Returns
    -------
    str
        Segments joined with ``/``; empty for the workspace itself, or
        outside any.
    """
    folder = Path(root).resolve()
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if workspace:
        top = Path(workspace).resolve()
        if folder.is_relative_to(top):
            return _between(top, folder)
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return _between(above, folder)
    return ""


def _between(above: Path, folder: Path) -> str:
    parts = folder.relative_to(above).parts
    return "/".join(parts)

"""What the files of a bundle are called, and may be called."""

from __future__ import annotations

import re

from ...model.bundles import EXPORT

__all__ = ["EXPORT", "MANIFEST", "path_problem"]

MANIFEST = "manifest.json"
"""Name of the manifest within a bundle."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

_UNFIT = re.compile(r"[\x00-\x1f\x7f\\%#?]")


def path_problem(path: str) -> str | None:
    """Say why a path cannot be one of a file in a bundle.

    Returns
    -------
    str or None
        The reason, or `None` for a good path.
    """
    segments = path.split("/")
    if not all(segments) or _SCHEME.match(path):
        return "it is not relative"
    if {".", ".."} & set(segments):
        return "it would climb out of the bundle"
    if _UNFIT.search(path):
        return "it has a character that a URI or a file system reads in its own way"
    if path in {EXPORT, MANIFEST}:
        return "the name is one of calibstate's own"
    for segment in segments:
        # Files are written under such names until they are whole.
        if segment.startswith(".calibstate-"):
            return "the name is one of calibstate's own"
    return None

"""The ``butler.yaml`` of a repository, as far as a file alone can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["read_butler_file", "read_repository_index"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_butler_file(file: Path) -> dict[str, Any] | None:
    """Return what a configuration says.

    Parameters
    ----------
    file
        The file.

    Returns
    -------
    dict or None
        `None` where it says something that only the butler can read, such as
        an ``!include``.

    Raises
    ------
    OSError
        It cannot be read.
    """
    try:
        content = yaml.load(file.read_bytes(), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return content


def read_repository_index(file: Path) -> dict[str, str] | None:
    """Return the URI of each label of a butler's repository index.

    Parameters
    ----------
    file
        The index.

    Returns
    -------
    dict or None
        `None` where it holds more than labels and their URIs.

    Raises
    ------
    OSError
        It cannot be read.
    """
    uris = read_butler_file(file)
    if uris is None:
        return None
    for label, uri in uris.items():
        if not isinstance(label, str) or not isinstance(uri, str):
            return None
    return uris

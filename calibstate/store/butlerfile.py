"""The ``butler.yaml`` of a repository, as far as a file alone can tell."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import yaml

__all__ = ["labels_and_addresses", "read_butler_file", "read_repository_index"]

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
    return _values(_bytes_of(file))


def _bytes_of(file: Path) -> bytes:
    """Return what a file holds, and never a device, which may have no end."""
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(file))
    return file.read_bytes()


def _values(text: bytes) -> dict[str, Any] | None:
    """Return what a text in YAML or JSON says, if it holds values only."""
    try:
        content = yaml.load(text, Loader=_LOADER)
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
    return labels_and_addresses(_bytes_of(file))


def labels_and_addresses(text: bytes) -> dict[str, str] | None:
    """Return what a repository index says.

    Parameters
    ----------
    text
        The index, in YAML or JSON.

    Returns
    -------
    dict or None
        `None` where it holds more than labels and their URIs.
    """
    uris = _values(text)
    if uris is None:
        return None
    for label, uri in uris.items():
        if not isinstance(label, str) or not isinstance(uri, str):
            return None
    return uris

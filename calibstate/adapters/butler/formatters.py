"""Formatter classes: the butler reads and takes in no file without its own."""

from __future__ import annotations

from lsst.daf.butler import Formatter, FormatterV2
from lsst.utils import doImportType

__all__ = ["why_not_usable"]


def why_not_usable(name: str) -> str | None:
    """Return why a formatter class cannot be used here; `None`: it can.

    Parameters
    ----------
    name
        Full name of the class.
    """
    try:
        found = doImportType(name)
    except Exception as error:  # noqa: BLE001 - what it is in is run, and is not ours
        return (str(error) or type(error).__name__).rstrip(".")
    if not (isinstance(found, type) and issubclass(found, Formatter | FormatterV2)):
        return "it is no formatter"
    return None

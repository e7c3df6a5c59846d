"""Formatter classes: the butler reads and takes in no file without its own."""

from __future__ import annotations

from collections.abc import Sequence

from lsst.daf.butler import Formatter, FormatterV2
from lsst.daf.butler.formatters.pickle import PickleFormatter
from lsst.utils import doImportType

from ...model.formatters import why_not_allowed

__all__ = ["why_not_usable"]


def why_not_usable(name: str, packages: Sequence[str]) -> str | None:
    """Return why a formatter class cannot be used here; `None`: it can.

    Nothing is imported that is not allowed.

    Parameters
    ----------
    name
        Full name of the class.
    packages
        Packages whose classes may be imported.
    """
    if why := why_not_allowed(name, packages):
        return why
    try:
        class_ = doImportType(name)
    except Exception as error:  # noqa: BLE001 - what it is in is run, and is not ours
        return (str(error) or type(error).__name__).rstrip(".")
    if not (isinstance(class_, type) and issubclass(class_, Formatter | FormatterV2)):
        return "it is no formatter"
    if issubclass(class_, PickleFormatter) and name not in packages:
        return "it unpickles files, and a pickle runs what it likes"
    return None

"""Formatter classes: which of them may be imported to read a file.

A bundle names the class that reads each file, and to import a class runs the
module that it is in.  So a name is judged before anything of it is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from .bundles import StoredDataset

__all__ = ["ALLOW_IT", "not_allowed", "why_not_allowed"]

ALLOW_IT = (
    "If it is a class that you trust, add its package to `formatters` in calibstate.yaml, by a pull request. "
    "A class that unpickles has to be named there in full; better, write the calibration in another form."
)
"""What to do about a class that is not allowed."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)

_PICKLE = "lsst.daf.butler.formatters.pickle."
"""Module whose formatter makes whatever objects a file asks for.  No name of
a package allows it: skymaps and old kernels of HSC are pickles, and whoever
deploys those says so."""

_UNPICKLED = frozenset({".pickle", ".pkl"})
"""File extensions that some formatters of the butler unpickle."""


def why_not_allowed(name: str, packages: Sequence[str]) -> str | None:
    """Return why a formatter class may not be imported; `None`: it may.

    Parameters
    ----------
    name
        Full name of the class.
    packages
        Packages whose classes may be imported, ``lsst`` with all below it;
        and single classes by their full names, the only way to a class that
        unpickles.
    """
    if not _NAME.fullmatch(name):
        return "it is no full name of a class"
    if name in packages:
        return None  # Somebody asked for this one class.
    if name.startswith(_PICKLE):
        return "it unpickles files, and a pickle runs what it likes"
    if not any(name.startswith(f"{package}.") for package in packages):
        allowed = ", ".join(packages) or "none"
        return f"it is in no package that `formatters` in calibstate.yaml allows ({allowed})"
    return None


def not_allowed(datasets: Iterable[StoredDataset], packages: Sequence[str]) -> Mapping[str, str]:
    """Return the formatter classes of datasets that may not be imported.

    Parameters
    ----------
    datasets
        Datasets with their files.
    packages
        Packages whose classes may be imported.

    Returns
    -------
    dict
        Why not, by the name of the class.
    """
    reasons: dict[str, str] = {}
    for dataset in datasets:
        name = dataset.formatter
        if name in reasons:
            continue
        why = why_not_allowed(name, packages)
        if why:
            reasons[name] = why
        if why or name in packages:
            continue
        # Some formatters unpickle by the extension of the file alone.
        suffix = PurePosixPath(dataset.path).suffix
        if suffix.lower() in _UNPICKLED:
            reasons[name] = f"it would unpickle {dataset.path}, and a pickle runs what it likes"
    return reasons

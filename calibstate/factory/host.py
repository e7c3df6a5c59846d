"""What this host brings to a look: versions, its cache, Git, and classes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from .. import __version__
from ..engine.side_by_side import side_by_side
from ..model.revisions import CheckedOut
from .past import checked_out

__all__ = [
    "cache_in_words",
    "check_middleware",
    "checked_out_here",
    "missing_formatters",
    "repository_index",
    "site_here",
    "versions_here",
]


def versions_here() -> tuple[str, ...]:
    """Return the versions of what places are asked with."""
    from ..adapters.checkup import versions_here

    return f"calibstate {__version__}", *versions_here()


def cache_in_words() -> str:
    """Return where looks are remembered, or why they are not, in words."""
    from ..adapters.repositories import digests_cache

    cache = digests_cache()
    if cache is None:
        return "no look is remembered: neither XDG_CACHE_HOME nor HOME says where"
    if not cache.is_usable:
        return f"no look is remembered: {cache.path} is not a folder of ours alone"
    return f"looks at SQLite are remembered in {cache.path}"


def checked_out_here(root: str) -> CheckedOut:
    """Return from which commit a state tree is.

    Parameters
    ----------
    root
        Root of the tree; that there is no Git is told also of one outside.
    """
    from ..adapters.git import why_not_here

    if why := why_not_here():
        return CheckedOut(unknown=why)
    return checked_out(root)


def site_here() -> str | None:
    """Return the site whose host this is said to be; `None`: nobody says."""
    return os.environ.get("CALIBSTATE_HERE") or None


def repository_index(timeout: timedelta) -> Mapping[str, str]:
    """Return what the butler's repository index lists: addresses by label.

    Parameters
    ----------
    timeout
        How long the place of its file may be silent.

    Raises
    ------
    CalibstateError
        It cannot be read.
    UsageError
        There is none, or nothing is in it.
    """
    from ..adapters.repositories import repository_index

    labels: Mapping[str, str] = {}
    for _, answer in side_by_side({"the repository index": repository_index}, timeout):
        labels = answer.result()
    return labels


def missing_formatters(names: Iterable[str], packages: Sequence[str]) -> Mapping[str, str]:
    """Return the classes that cannot be imported here, and why.

    Parameters
    ----------
    names
        Full names of classes that read files.
    packages
        Those of which classes may be imported.
    """
    from ..adapters.butler import why_not_usable

    missing: dict[str, str] = {}
    for name in sorted(set(names)):
        if why := why_not_usable(name, packages):
            missing[name] = why
    return missing


def check_middleware() -> None:
    """Refuse to go on where there is nothing to run pipelines with.

    Raises
    ------
    RefusedError
        ``lsst.pipe.base`` is not installed.
    """
    from ..adapters import pipelines

    pipelines.check_middleware()

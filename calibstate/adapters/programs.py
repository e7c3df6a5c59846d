"""Programs of the middleware, and the environment in which they are run.

What a person happens to have set must not end up in data, and what is secret
must not end up in a batch system: variables are handed on by an allow-list.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

__all__ = ["Programs"]

_TAKEN_OVER = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_*",
    "TMPDIR",
    "TZ",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "LD_LIBRARY_PATH",
    # What a Rubin stack sets up.
    "*_DIR",
    "EUPS_*",
    "SETUP_*",
    # With what a butler opens its database and its store.
    "PGPASSFILE",
    "LSST_DB_AUTH",
    "LSST_RESOURCES_*",
    "AWS_*",
    "S3_*",
    "DAF_BUTLER_*",
)
"""Variables of ours that are handed on, as shell patterns."""


class Programs:
    """Programs of a Rubin stack, where one is set up; else those beside us.

    Parameters
    ----------
    ours
        Our own environment.
    beside
        Folder of the programs that are installed beside calibstate.
    besides
        Variables that are handed on besides the usual ones, as shell patterns.
    """

    def __init__(self, ours: Mapping[str, str], beside: Path, besides: Sequence[str] = ()) -> None:
        self._ours = ours
        self._beside = beside
        self._patterns = (*_TAKEN_OVER, *besides)

    def environment(self) -> dict[str, str]:
        """Return the environment in which they are run."""
        environment: dict[str, str] = {}
        for name, value in self._ours.items():
            if any(fnmatchcase(name, pattern) for pattern in self._patterns):
                environment[name] = value
        environment["PATH"] = self._path()
        return environment

    def find(self, name: str) -> str | None:
        """Return where a program is; `None`: it is not installed."""
        return shutil.which(name, path=self._path())

    def _path(self) -> str:
        inherited = self._ours.get("PATH", "/usr/local/bin:/usr/bin:/bin")
        # Those of a Rubin stack come first, where one is set up.
        return f"{inherited}:{self._beside}"

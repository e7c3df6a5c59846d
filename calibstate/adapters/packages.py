"""Packages of a stack that hold data, as folders of this host.

Which one is set up says a variable, ``OBS_LSST_DATA_DIR``.  How the names in
it are read is a matter of ``lsst.obs.base._read_curated_calibs``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, UnreachableError
from ..model.curated import CURATED_TYPES, CuratedFile, SeenPackage
from ..ports.packages import DataPackages
from .git import GitFailedError, checkout_of
from .local import in_text

__all__ = ["SiteDataPackages"]

_SUFFIXES = {".ecsv", ".yaml", ".json"}
"""Of files that are read."""

_NO_MORE = datetime(2100, 1, 1, tzinfo=UTC)
"""From when on a butler can tell no two moments apart."""

_INSTALLED = re.compile(r"(?:^|-)g([0-9a-f]{7,40})(?:\+|$)")
"""A version as EUPS calls it where none was tagged: ``g1234567890+abcdef``."""


class SiteDataPackages(DataPackages):
    """Packages that are set up for the ``butler`` of a site.

    Parameters
    ----------
    variable
        Returns a variable of the environment in which ``butler`` is run.
    """

    def __init__(self, variable: Callable[[str], str | None]) -> None:
        self._variable = variable

    @override
    def look(self, name: str, folder: str) -> SeenPackage | None:
        path = self._variable(f"{name.upper()}_DIR")
        if not path or not Path(path).is_dir():
            return None
        root = Path(path)
        try:
            files = list(_files(root / folder))
        except OSError as error:
            problem = f"{in_text(error.filename)}: {error.strerror}."
            raise UnreachableError(Diagnostic("Package cannot be read", problem)) from error
        revision, is_edited = _revision(root, folder)
        return SeenPackage(
            path,
            revision,
            is_edited,
            tuple(file for file in files if isinstance(file, CuratedFile)),
            tuple(file for file in files if isinstance(file, str)),
        )


def _files(camera: Path) -> Iterator[CuratedFile | str]:
    """Yield what a camera has, or why the command would stop there."""
    for dataset_type, dimensions in CURATED_TYPES.items():
        root = camera / dataset_type
        if not root.is_dir():
            continue
        number = 0
        for folder in _below(root, len(dimensions)):
            for path in _texts(folder):
                number += 1
                folders = map(in_text, folder.relative_to(root).parts)
                yield _file(path, dataset_type, tuple(folders))
        if not number:
            yield f"{root} holds nothing that could be read"


def _below(root: Path, depth: int) -> list[Path]:
    """Return the folders of a type: itself, or those at a depth below it."""
    folders = [root]
    # One level for each dimension; files above that depth are not read.
    for _ in range(depth):
        deeper: list[Path] = []
        for folder in folders:
            deeper.extend(sorted(path for path in folder.iterdir() if path.is_dir()))
        folders = deeper
    return folders


def _texts(folder: Path) -> Iterator[Path]:
    """Yield the files that are read of a folder and of all below it."""
    paths: list[Path] = []
    # Links to folders are not followed, neither here nor by the stack.  What
    # may not be listed is an error; a pattern would pass over it.
    for above, _, names in os.walk(folder, onerror=_raise):
        paths.extend(Path(above, name) for name in names)
    for path in sorted(paths):
        if path.suffix in _SUFFIXES and path.is_file():
            yield path


def _raise(error: OSError) -> None:
    raise error


def _file(path: Path, dataset_type: str, folders: tuple[str, ...]) -> CuratedFile | str:
    try:
        date = datetime.fromisoformat(path.stem)
        # A date without a zone is meant in UTC, wherever it is read.
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        in_utc = date.astimezone(UTC)
    except (ValueError, OverflowError):
        return f"the name of {in_text(path)} is no date"
    if in_utc >= _NO_MORE:
        return f"{in_text(path)} begins in {in_utc.year}, when no range of a butler does"
    return CuratedFile(dataset_type, folders, f"{in_utc:%Y%m%dT%H%M%S}Z", _tai(in_utc))


@cache
def _tai(moment: datetime) -> int:
    """Return a moment in nanoseconds of TAI, as the butler stores it."""
    # A package has thousands of files, and few dates.
    # Imported only where a package is looked at: they take half a second.
    from astropy.time import Time
    from lsst.daf.butler.time_utils import TimeConverter

    return int(TimeConverter().astropy_to_nsec(Time(moment, format="datetime", scale="utc")))


def _revision(root: Path, folder: str) -> tuple[str | None, bool]:
    """Return what is checked out there, and whether somebody changed it."""
    try:
        with checkout_of(str(root)) as checkout:
            # A folder above it that Git keeps says nothing of the package.
            if checkout is None or checkout.top != root.resolve():
                return _installed(root), False
            revision = checkout.tell("rev-parse", "--verify", "--end-of-options", "HEAD^{commit}")
            edits = checkout.tell("status", "--porcelain", "--", folder)
    except (CalibstateError, GitFailedError):
        return None, False
    return revision, bool(edits)


def _installed(root: Path) -> str | None:
    """Return what the folder's own name says of the revision."""
    match = _INSTALLED.search(root.resolve().name)
    if match is None:
        return None
    return match[1]

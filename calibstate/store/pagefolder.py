"""A folder of pages: written beside itself, then put in its own place.

Whoever reads it meanwhile sees the old pages or the new ones.  What is no
page is never taken away: a folder that holds anything else is refused.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..errors import Diagnostic, RefusedError, UsageError
from ..model.names import with_code_points

__all__ = ["LIST", "PageFolder"]

LIST = "page.json"
"""The file that names all files of the folder."""

Files = Iterable[tuple[str, bytes]]
"""Paths in the folder, and what each file holds; no path comes twice."""

_MOST_NAMED = 3
"""Strange files that a message names."""


class PageFolder:
    """A folder of pages.

    Parameters
    ----------
    folder
        Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def generated(self) -> str:
        """When what is there was made; empty: nobody knows."""
        return str(self._list.get("generated", ""))

    def check(self) -> None:
        """Refuse a folder that holds what no page is.

        Raises
        ------
        RefusedError
            It does, or it is a link or a file.
        """
        folder = self._folder
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise self._refused("It is a link or a file, and pages are a folder.")
        own = {LIST}
        files = self._list.get("files")
        # Who wrote the list may have been somebody else.
        if isinstance(files, list):
            own.update(name for name in files if isinstance(name, str))
        strange = [name for name in self._files() if name not in own]
        if not strange:
            return
        named = ", ".join(map(with_code_points, strange[:_MOST_NAMED]))
        more = len(strange) - _MOST_NAMED
        if more > 0:
            named += f" and {more} more"
        raise self._refused(f"It holds what no page is: {named}.")

    def write(self, files: Files, generated: str, version: str) -> Mapping[str, int]:
        """Put new pages in the place of what is there.

        Parameters
        ----------
        files
            What each file holds, with its path in the folder; each is written
            once it is made.
        generated
            When they were made.
        version
            Of calibstate.

        Returns
        -------
        mapping
            Bytes of each file, by its path.

        Raises
        ------
        UsageError
            They cannot be written.
        """
        folder = Path(os.path.abspath(self._folder))  # noqa: PTH100 - links stay as they were named
        word = uuid4().hex[:8]
        new = folder.with_name(f".{folder.name}-new-{word}")
        old = folder.with_name(f".{folder.name}-old-{word}")
        try:
            # Beside its place, so that the last step is one rename.
            new.mkdir(parents=True)
            sizes: dict[str, int] = {}
            folders: set[Path] = set()
            for name, data in files:
                sizes[name] = len(data)
                path = new / name
                # Most folders hold a page and its document.
                if path.parent not in folders:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    folders.add(path.parent)
                path.write_bytes(data)
            (new / LIST).write_bytes(_listed(sizes, generated, version))
            # A folder cannot take the place of one that holds something.
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except OSError as error:
            self._take_back(
                folder,
                new,
                old,
            )
            raise UsageError(
                Diagnostic("Pages cannot be written", f"{self._folder}: {error.strerror}.")
            ) from None
        except BaseException:
            # Somebody stopped it, or a page could not be made.
            self._take_back(folder, new, old)
            raise
        # Nobody reads the old ones any more: what is left does no harm.
        shutil.rmtree(old, ignore_errors=True)
        return sizes

    def stale(self, files: Files, generated: str, version: str) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """Return bytes of files, and those that are not as they would be.

        Parameters
        ----------
        files, generated, version
            As for `write`.
        """
        sizes: dict[str, int] = {}
        stale: set[str] = set()
        for name, data in files:
            sizes[name] = len(data)
            if not self._holds(name, data):
                stale.add(name)
        if not self._holds(LIST, _listed(sizes, generated, version)):
            stale.add(LIST)
        stale.update(name for name in self._files() if name != LIST and name not in sizes)
        return sizes, tuple(sorted(stale))

    def _holds(self, name: str, data: bytes) -> bool:
        path = self._folder / name
        return path.is_file() and path.read_bytes() == data

    @cached_property
    def _list(self) -> Mapping[str, Any]:
        """The list that is there; a folder without one has no pages."""
        try:
            listed = json.loads((self._folder / LIST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(listed, dict) or listed.get("kind") != "page":
            return {}
        return listed

    def _files(self) -> Iterator[str]:
        if self._folder.is_dir():
            for path in sorted(self._folder.rglob("*")):
                if not path.is_dir() or path.is_symlink():
                    yield path.relative_to(self._folder).as_posix()

    def _take_back(self, folder: Path, new: Path, old: Path) -> None:
        with suppress(OSError):
            if old.exists() and not folder.exists():
                old.rename(folder)
        shutil.rmtree(new, ignore_errors=True)

    def _refused(self, why: str) -> RefusedError:
        name = with_code_points(str(self._folder))
        return RefusedError(
            Diagnostic(
                "Folder is not one of pages",
                f"{name}: {why}",
                hint="Name a new folder, or one that `calibstate page` has written.",
            )
        )


def _listed(files: Iterable[str], generated: str, version: str) -> bytes:
    """Return the list of all files, as it is written."""
    document = {
        "format_version": "1.0",
        "kind": "page",
        "generated": generated,
        "version": version,
        "files": sorted(files),
    }
    text = json.dumps(
        document,
        indent=1,
        ensure_ascii=False,
    )
    return f"{text}\n".encode()

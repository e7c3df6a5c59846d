"""The files of a new tree: which are there, and which are to be written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import CalibstateError, Diagnostic
from ..kinds.table import own_folders
from ..model.desired import DesiredState
from ..model.files import FileChange
from ..store import statefile
from ..store.overlay import Overlay
from .remarks import in_the_way

__all__ = ["Beginning", "tree_with"]


@dataclass(frozen=True)
class Beginning:
    """Files that are to be there, and those of them that are not yet."""

    root: Path
    """Root of the tree, without links."""

    changes: tuple[FileChange, ...]
    """New files, in the order of writing; relative to the root."""

    kept: tuple[str, ...]
    """Files that are there already."""

    @classmethod
    def of(cls, root: Path, texts: Mapping[str, str]) -> Beginning:
        """Return what is new of some files.

        Parameters
        ----------
        root
            Root of the tree, without links.
        texts
            What they are to hold, by path relative to the root.

        Raises
        ------
        RefusedError
            Something that is no file has the place of one.
        """
        changes: list[FileChange] = []
        kept: list[str] = []
        for file, text in texts.items():
            path = _path(root, file)
            _check_folders(root, path)
            if path.is_symlink():
                raise in_the_way(path, "a link")
            if path.exists() and not path.is_file():
                raise in_the_way(path, "no file")
            if path.exists():
                kept.append(file)
            else:
                changes.append(FileChange(file, before=None, after=text.encode()))
        return cls(root, tuple(changes), tuple(kept))

    def write(self) -> None:
        """Write the new files; none that has come meanwhile is overwritten.

        Raises
        ------
        CalibstateError
            A file cannot be written.  Those before it are.
        """
        for change in self.changes:
            path = _path(self.root, change.file)
            try:
                _write_new(path, change.after)
            except OSError as error:
                raise CalibstateError(
                    Diagnostic(
                        "File cannot be written",
                        f"{path}: {error.strerror}.",
                        hint="Mend it and run it again: it goes on.",
                    )
                ) from None


def tree_with(root: Path, texts: Mapping[str, str], settings: str) -> DesiredState:
    """Return what a tree declares with some files that it does not hold.

    Parameters
    ----------
    root
        Root of the tree, which need not exist.
    texts
        The files, by name.
    settings
        What ``calibstate.yaml`` will say if it is not there.

    Raises
    ------
    InvalidStateError
        It is not sound.
    """
    more = {file: text.encode() for file, text in texts.items()}
    if not (root / statefile.ROOT_FILE).exists():
        more[statefile.ROOT_FILE] = settings.encode()
    desired, _ = statefile.load_from(Overlay(root, more), {}, own_folders())
    return desired


def _path(root: Path, file: str) -> Path:
    # Some stand at the top of the clone, above the tree.
    return Path(os.path.normpath(root / file))


def _check_folders(root: Path, path: Path) -> None:
    """Refuse links on the way to a file: nobody sees where they lead."""
    common = Path(os.path.commonpath([root, path]))
    for folder in path.parents:
        if folder == common:
            return
        if folder.is_symlink():
            raise in_the_way(folder, "a link")
        if folder.exists() and not folder.is_dir():
            raise in_the_way(folder, "no folder")


def _write_new(path: Path, content: bytes) -> None:
    """Write a file at once: it is whole, or it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".calibstate-{path.name}")
    # What a run that was cut off has left is of no use.
    aside.unlink(missing_ok=True)
    with aside.open("xb") as stream:
        stream.write(content)
    try:
        # Unlike a move, this fails where the name has been given meanwhile.
        path.hardlink_to(aside)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links of this sort.
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)

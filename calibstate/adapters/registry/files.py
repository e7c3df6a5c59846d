"""Sizes of the files of a plain repository, as they are and as recorded."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...model.contents import Holding
from ..batches import TOGETHER, for_each
from ..local import size_at
from .plain import NotPlainError
from .tables import FileRecord

__all__ = ["total_size", "with_sizes"]

_PLAIN_PATH = re.compile(r"(?:file:///)?(?!\.\.?/)[A-Za-z0-9_.+,=-]+(?:/(?!\.\.?/)[A-Za-z0-9_.+,=-]+)*")
"""Paths that mean the same whoever reads them: no member of a zip file, no
store, nothing that is quoted or leads upwards."""

_ON_THIS_MACHINE = "file://"


def with_sizes(
    held: Mapping[str, Holding], names: Collection[str], records: Iterable[FileRecord], folder: Path
) -> dict[str, Holding]:
    """Return what collections hold, with the sizes of the files of some.

    Parameters
    ----------
    held
        What they hold.
    names
        Those whose files are looked at.
    records
        What the datastore recorded of these.
    folder
        The datastore's.

    Raises
    ------
    NotPlainError
        A file is recorded by what is no plain path.
    OSError
        Whether a file is there cannot be told.
    """
    files_of: dict[str, list[FileRecord]] = {}
    paths: dict[str, None] = {}
    for record in records:
        files_of.setdefault(record.uuid, []).append(record)
        paths[record.path] = None
    size_of = _sizes(list(paths), folder)
    sizes: dict[str, int | None] = {}
    recorded: dict[str, int] = {}
    for uuid, files in files_of.items():
        sizes[uuid] = total_size(size_of[file.path] for file in files)
        recorded_size = total_size(file.size for file in files)
        if recorded_size is not None:
            recorded[uuid] = recorded_size
    answer = dict(held)
    for name in held.keys() & set(names):
        sizes_there: dict[str, int | None] = {}
        recorded_there: dict[str, int] = {}
        for row in held[name].rows:
            uuid = row.uuid
            # A dataset without a record has no file that could be there.
            sizes_there[uuid] = sizes.get(uuid)
            if uuid in recorded:
                recorded_there[uuid] = recorded[uuid]
        answer[name] = replace(
            held[name],
            sizes=sizes_there,
            recorded=recorded_there,
        )
    return answer


def _sizes(paths: Sequence[str], folder: Path) -> dict[str, int | None]:
    """Return the sizes of files by recorded path; `None` where none is."""
    root = str(folder)
    files: list[str] = []
    for path in paths:
        if not _PLAIN_PATH.fullmatch(path):
            raise NotPlainError("files of it are recorded by other paths")
        if path.startswith(_ON_THIS_MACHINE):
            files.append(path.removeprefix(_ON_THIS_MACHINE))
        else:
            files.append(f"{root}/{path}")
    sizes = for_each(size_at, files, together=TOGETHER)
    return dict(zip(paths, sizes, strict=True))


def total_size(sizes: Iterable[int | None]) -> int | None:
    """Return the size of a dataset; `None` where it is not known.

    Parameters
    ----------
    sizes
        Those of its files; none where there is no file.
    """
    total: int | None = None
    for size in sizes:
        # The datastore writes -1 where it knows of no size.
        if size is None or size < 0:
            return None
        total = size + (total or 0)
    return total

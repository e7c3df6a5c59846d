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

__all__ = ["with_sizes"]

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
    files: dict[str, list[FileRecord]] = {}
    for record in records:
        files.setdefault(record.uuid, []).append(record)
    paths = [record.path for of_dataset in files.values() for record in of_dataset]
    size_of = _sizes(list(dict.fromkeys(paths)), folder)
    sizes: dict[str, int | None] = {}
    recorded: dict[str, int | None] = {}
    for uuid, of_dataset in files.items():
        sizes[uuid] = _total([size_of[record.path] for record in of_dataset])
        recorded[uuid] = _total([_known(record.size) for record in of_dataset])
    answer = dict(held)
    for name in held.keys() & set(names):
        uuids = dict.fromkeys(row.uuid for row in held[name].rows)
        answer[name] = replace(
            held[name],
            sizes={uuid: sizes.get(uuid) for uuid in uuids},
            recorded={uuid: size for uuid in uuids if (size := recorded.get(uuid)) is not None},
        )
    return answer


def _sizes(paths: Sequence[str], folder: Path) -> dict[str, int | None]:
    """Return the sizes of files by recorded path; `None` where none is."""
    if not all(map(_PLAIN_PATH.fullmatch, paths)):
        raise NotPlainError("files of it are recorded by other paths")
    root = str(folder)
    places = [_path(path, root) for path in paths]
    return dict(zip(paths, for_each(size_at, places, together=TOGETHER), strict=True))


def _path(recorded: str, root: str) -> str:
    if recorded.startswith(_ON_THIS_MACHINE):
        return recorded.removeprefix(_ON_THIS_MACHINE)
    return f"{root}/{recorded}"


def _known(size: int | None) -> int | None:
    return None if size is None or size < 0 else size


def _total(sizes: Sequence[int | None]) -> int | None:
    """Return the sum; `None` where a size is not known, or there is none."""
    known_sizes = [size for size in sizes if size is not None]
    return sum(known_sizes) if known_sizes and len(known_sizes) == len(sizes) else None

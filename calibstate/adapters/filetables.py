"""Tables of files, read by what the stock command reads them with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ..errors import Diagnostic, RefusedError
from ..model.ingests import FileRow, FileTable

__all__ = ["read_table"]


def read_table(root: Path, name: str) -> FileTable:
    """Return a table of a state tree.

    Parameters
    ----------
    root
        Root of the tree.
    name
        Path of the table within it.

    Raises
    ------
    RefusedError
        It is not there, is no file of the tree, or cannot be read.
    """
    path = root / name
    # A link may lead to any file of whoever looks, and a proposal brings both.
    if path.is_symlink() or not path.is_file():
        raise _refused(name, "there is no such file in the tree")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(name, f"{error.strerror}") from error
    table = _parsed(path, name)
    columns = tuple(table.colnames)
    rows: list[FileRow] = []
    for values in table.iterrows():
        words = tuple(map(str, values))
        rows.append(FileRow(words[0], words[1:]))
    digest = hashlib.sha256(content).hexdigest()
    return FileTable(str(path.resolve()), f"sha256:{digest}", columns[1:], tuple(rows))


def _parsed(path: Path, name: str) -> Any:
    from astropy.io.registry import IORegistryError
    from astropy.table import Table

    try:
        table = Table.read(str(path))
    except (OSError, ValueError, TypeError, KeyError, IndexError, IORegistryError) as error:
        # Not what it says, which may be as long as the table.
        raise _refused(name, f"it cannot be read ({type(error).__name__})") from error
    if table.has_masked_values:
        raise _refused(name, "a value is missing in it")
    return table


def _refused(name: str, why: str) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "Table of files cannot be read",
            f"{name}: {why}.",
            hint="In its first column are the files, in the others the dimensions, each by its name.",
        )
    )

"""Tables of files, read by what the stock command reads them with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ..errors import Diagnostic, RefusedError
from ..model.ingests import FileRow, FileTable

__all__ = ["read_table"]

_LARGEST = 64 * 2**20
"""Bytes of the largest table: about a million files."""

_WIDEST = 2**28
"""Characters of the widest column: as many lines as there are, all as long as
the longest.  Each takes four bytes."""

_COMPRESSED = (b"\x1f\x8b", b"\x1f\x9d", b"BZh", b"\xfd7zXZ", b"PK\x03\x04")
"""How files begin that are expanded by what reads them: gzip, compress,
bzip2, xz and zip."""


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
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise _refused(name, f"{error.strerror}") from error
    problem = _problem_with(content)
    if problem:
        raise _refused(name, problem)
    table = _parsed(path, name)
    columns = tuple(table.colnames)
    rows: list[FileRow] = []
    for values in table.iterrows():
        words = tuple(map(str, values))
        rows.append(FileRow(words[0], words[1:]))
    digest = hashlib.sha256(content).hexdigest()
    return FileTable(str(path.resolve()), f"sha256:{digest}", columns[1:], tuple(rows))


def _problem_with(content: bytes) -> str:
    """Say why nobody should read a table; empty: one may.

    What reads it expands what is compressed, and gives each cell of a column
    the room of the longest, so that a few bytes could fill a machine.
    """
    if len(content) > _LARGEST:
        return f"it has more than {_LARGEST // 2**20} MiB"
    if content.startswith(_COMPRESSED) or b"\0" in content:
        return "it is no text"
    longest = 0
    lines = content.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith(b"#") and line.count(b'"') % 2:
            return f"line {number} has a quote that does not end in it"
        longest = max(longest, len(line))
    if longest * len(lines) > _WIDEST:
        return f"{len(lines)} lines as long as its longest, of {longest} bytes, are too many to be read"
    return ""


def _parsed(path: Path, name: str) -> Any:
    from astropy.io.registry import IORegistryError
    from astropy.table import Table

    try:
        table = Table.read(str(path))
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        IORegistryError,
        LookupError,
        MemoryError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
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

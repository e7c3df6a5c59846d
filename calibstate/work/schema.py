"""Write the JSON Schemas of files and documents."""

from __future__ import annotations

from pathlib import Path

from ..kinds.table import forms
from ..model.results.trees import SchemasWritten
from ..store import schemas

__all__ = ["schema"]


def schema(folder: Path, *, check: bool = False) -> SchemasWritten:
    """Write the schemas, or compare those that are there with them.

    Parameters
    ----------
    folder
        Where they are written.
    check
        Write nothing.
    """
    of_kinds = forms()
    number = len(schemas.schemas(of_kinds))
    if check:
        stale = tuple(str(folder / file) for file in schemas.stale(folder, of_kinds))
        return SchemasWritten(str(folder), number, stale, compared_only=True)
    schemas.write(folder, of_kinds)
    return SchemasWritten(str(folder), number)

"""The command that writes the schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..kinds.table import forms
from ..store import schemas
from . import screen
from .app import ExitCode, app


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the schemas are written.")] = Path(
        "schemas"
    ),
    check: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--check", envvar="CALIBSTATE_CHECK", help="Write nothing; say what would be written."),
    ] = False,
) -> None:
    """Write the JSON Schemas of files and documents.

    Ends with 0, with --check with 1 where they are not as they would be
    written.

    \b
    Examples:
      calibstate schema schemas
      calibstate schema --check schemas
    """
    if check:
        stale = schemas.stale(folder, forms())
        for file in stale:
            screen.tell(f"{folder / file} is not fresh: calibstate schema {folder}")
        raise typer.Exit(ExitCode.ERROR if stale else ExitCode.DONE)
    schemas.write(folder, forms())
    screen.tell(f"{len(schemas.schemas(forms()))} schemas written to {folder}")

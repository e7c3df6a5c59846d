"""The command that writes the schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .app import app
from .groups import grouped
from .showing import finish


@app.command()
@grouped
def schema(
    *,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the schemas are written.")] = Path(
        "schemas"
    ),
    check: Annotated[
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
    from ..work.schema import schema

    finish(schema(folder, check=check))

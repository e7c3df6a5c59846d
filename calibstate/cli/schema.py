"""The command that writes the schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ..views.render import Format
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import CheckOption
from .showing import finish


@app.command()
@grouped
def schema(
    *,
    folder: Annotated[
        Path,
        Noun(
            "FOLDER",
            "Where they are written; schemas unless told.",
            names=("-o", "--output"),
            has_variable=False,
        ),
    ] = Path("schemas"),
    check: CheckOption = False,
    format: Annotated[Format, shown_as("results.trees.SchemasWritten")],
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

    finish(schema(folder, check=check), format)

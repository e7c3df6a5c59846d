"""Options that several commands share; every one has its variable."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from ..model.scope import Scope

__all__ = [
    "ExcludeOption",
    "FilesOption",
    "Format",
    "FormatOption",
    "InstrumentOption",
    "RepositoryOption",
    "SiteOption",
    "TicketOption",
    "scope",
]


class Format(Enum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


FormatOption = Annotated[
    Format, typer.Option("--format", envvar="CALIBSTATE_FORMAT", help="How the result is written.")
]
SiteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--site", metavar="SITE", envvar="CALIBSTATE_SITE", help="Only this site's repositories and steps."
    ),
]
RepositoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--repository",
        metavar="SITE/REPOSITORY",
        envvar="CALIBSTATE_REPOSITORY",
        help="Only this repository.",
    ),
]
InstrumentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--instrument", metavar="INSTRUMENT", envvar="CALIBSTATE_INSTRUMENT", help="Only this instrument."
    ),
]
TicketOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ticket",
        metavar="TICKET",
        envvar="CALIBSTATE_TICKET",
        help="Only this ticket, or INSTRUMENT/TICKET.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        envvar="CALIBSTATE_EXCLUDE",
        help="Leave out an address, a ticket, or what a shell pattern matches.",
    ),
]
FilesOption = Annotated[
    bool,
    typer.Option("--files", envvar="CALIBSTATE_FILES", help="Look at the existence and size of every file."),
]


def scope(
    site: list[str] | None,
    repository: list[str] | None,
    instrument: list[str] | None,
    ticket: list[str] | None,
    exclude: list[str] | None,
    *,
    files: bool = False,
) -> Scope:
    """Return what a command was narrowed to."""
    return Scope(
        tuple(site or ()),
        tuple(repository or ()),
        tuple(instrument or ()),
        tuple(ticket or ()),
        tuple(exclude or ()),
        files,
    )

"""The command that writes the files that describe a live chain."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .options import USUAL_TIMEOUT, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def capture(
    context: typer.Context,
    *,
    repository: Annotated[
        str,
        typer.Argument(
            metavar="REPOSITORY",
            autocompletion=completing.repositories,
            help="SITE/REPOSITORY.",
            show_default=False,
        ),
    ],
    instrument: Annotated[
        str,
        typer.Argument(
            metavar="INSTRUMENT",
            autocompletion=completing.instruments,
            help="Instrument of the chain.",
            show_default=False,
        ),
    ],
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain",
            metavar="NAME",
            envvar="CALIBSTATE_CHAIN",
            autocompletion=completing.chains,
            help="A chain besides INSTRUMENT/calib; those within it come along.",
        ),
    ] = None,
    no_seals: Annotated[
        bool,
        typer.Option("--no-seals", envvar="CALIBSTATE_NO_SEALS", help="Do not read the files to seal them."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", envvar="CALIBSTATE_DRY_RUN", help="Show what would be written."),
    ] = False,
    format: Annotated[Format, shown_as("results.captures.CaptureMade")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Write the state files that describe a live chain as it is.

    Tickets, chains and seals are written into the state tree, so that the next
    plan changes nothing in any repository.  What people wrote stays as it is;
    lines are added.  A second repository adds what it has, and a `skip` for
    what it lacks.

    Ends with 0 when all is said, 1 where the repository cannot be seen, 3
    where the files cannot say what is there; then nothing is written.

    \b
    Examples:
      calibstate capture usdf/main LSSTComCam
      calibstate capture usdf/main LSSTComCam --chain LSSTComCam/DP1/defaults
      calibstate capture summit/LSSTComCam LSSTComCam --dry-run
    """
    from ..work.capture import capture

    session, chains = begin(context, timeout=timeout), tuple(chain or ())
    result = capture(session, repository, instrument, chains, seal=not no_seals, write=not dry_run)
    finish(result, format)

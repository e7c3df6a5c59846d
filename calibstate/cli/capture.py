"""The command that writes the files that describe live chains."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import Narrowing, grouped, shown_as, without
from .nouns import argument
from .options import USUAL_TIMEOUT, DryRunOption, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def capture(
    context: typer.Context,
    *,
    names: Annotated[
        list[str] | None,
        argument(
            "PLACE|INSTRUMENT",
            "As --site, --repository and --instrument; else all.",
            completing.captured,
            may_lack=True,
            may_be_several=True,
        ),
    ] = None,
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain",
            metavar="NAME",
            envvar="CALIBSTATE_CHAIN",
            autocompletion=completing.chains,
            help="A chain of the one instrument, besides INSTRUMENT/calib; those within it come along.",
        ),
    ] = None,
    no_seals: Annotated[
        bool,
        typer.Option("--no-seals", envvar="CALIBSTATE_NO_SEALS", help="Do not read the files to seal them."),
    ] = False,
    dry_run: DryRunOption = False,
    format: Annotated[Format, shown_as("results.captures.CaptureMade")],
    narrowing: Annotated[Narrowing, without("ticket")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Write the state files that describe live chains as they are.

    Tickets, chains and seals are written into the state tree, so that the next
    plan changes nothing in any repository.  What people wrote stays as it is;
    lines are added.  Of each instrument the origin comes first; each further
    repository adds what it has, and a `skip` for what it lacks.

    Ends with 0 when all is said, 1 where a repository cannot be seen, 3 where
    the files cannot say what is there; then nothing of that one is written,
    and all others are.

    \b
    Examples:
      calibstate capture
      calibstate capture summit LSSTComCam
      calibstate capture --exclude 'bts/*' --dry-run
      calibstate capture usdf/main LSSTComCam
      calibstate capture usdf/main LSSTComCam --chain LSSTComCam/DP1/defaults
      calibstate capture summit/LSSTComCam LSSTComCam --dry-run
    """
    from ..work.capture import capture

    session = begin(context, narrowing, timeout=timeout)
    result = capture(session, names or (), chain or (), seal=not no_seals, write=not dry_run)
    finish(result, format)

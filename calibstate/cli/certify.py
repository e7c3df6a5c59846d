"""The command that certifies what was made."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .agreeing import Agreement, YesOption, agree_and_carry_out, summed_up
from .app import app
from .groups import Passing, grouped, shown_as
from .nouns import Noun
from .options import USUAL_TIMEOUT, LockTimeoutOption, TimeoutOption
from .sessions import begin
from .stopping import Stopping


@app.command()
@grouped
def certify(
    context: typer.Context,
    *,
    ticket: Annotated[str, Noun("TICKET", "TICKET, or INSTRUMENT/TICKET.", completing.tickets)],
    yes: YesOption = False,
    lock_timeout: LockTimeoutOption = None,
    format: Annotated[Format, shown_as("results.plans.Applied", is_stream=True)],
    passing: Passing,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Certify what was made, and search it by its ticket chain.

    Each product from its newest RUN, by that RUN's name, and only if it is
    whole; or the datasets of another ticket, as `certify` in the file says;
    or, once, what a data package holds, as `curated` says.
    It is planned, shown, asked for and done as by `apply`, at the
    instrument's origin; twice does no harm.

    Ends with 0 when done, 1 where a product was made in part, 3 where
    something was refused, 4 where something is still to be made.

    \b
    Examples:
      calibstate certify DM-48520
      calibstate certify LSSTComCam/DM-48520 --yes
      calibstate certify DM-48520 --allow recertify --because "a slip"
    """
    from ..work.certify import prepare

    stopping = Stopping()
    with summed_up(format) as summing:
        session = begin(context, stop=stopping, timeout=timeout)
        prepared = prepare(session, ticket, passing.allowed(), lock_timeout or timedelta())
        code = agree_and_carry_out(prepared, Agreement(yes=yes), stopping, format, summing=summing)
        raise typer.Exit(code)

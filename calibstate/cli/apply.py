"""The command that plans, shows, asks and does it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from .agreeing import Agreement, YesOption, agree_and_carry_out, summed_up
from .app import app
from .groups import Files, Looking, Narrowing, Passing, grouped, shown_as, without
from .nouns import Noun
from .options import USUAL_TIMEOUT, LockTimeoutOption, TimeoutOption, WaitOption
from .sessions import begin
from .stopping import Stopping


@app.command()
@grouped
def apply(
    context: typer.Context,
    *,
    plan: Annotated[
        Path | None, Noun("PLAN", "A saved plan; else a new one is made.", has_variable=False)
    ] = None,
    yes: YesOption = False,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect",
            metavar="DIGEST",
            envvar="CALIBSTATE_EXPECT",
            help="Refuse a plan of any other digest, as `report` shows it; can be repeated.",
        ),
    ] = None,
    wait: WaitOption = None,
    lock_timeout: LockTimeoutOption = None,
    format: Annotated[Format, shown_as("results.plans.Applied", is_stream=True)],
    files: Files,
    narrowing: Narrowing,
    looking: Annotated[Looking, without("observed", "max_age", "no_cache")],
    passing: Passing,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Plan, show, ask, and do it.

    Running it again goes on where it stopped, and twice does no harm.  What
    Rucio carries arrives by and by: run it again then, or have it wait.

    Ends with 0 when done, 3 where something was refused, 4 where something is
    awaited, 1 on an error or where a place could not be seen.

    \b
    Examples:
      calibstate apply
      calibstate apply --site summit
      calibstate apply --yes --wait 30m
      calibstate apply plan.json --yes --lock-timeout 10m
      calibstate apply --site summit --yes --expect sha256:0f5c...
      calibstate apply --allow hold --because "the night is lost without it"
    """
    from ..work.apply import prepare

    stopping = Stopping()
    with summed_up(format) as summing:
        session = begin(context, narrowing, looking, files, stop=stopping, timeout=timeout)
        prepared = prepare(session, plan, passing.allowed(), lock_timeout or timedelta())
        agreement = Agreement(yes=yes, digests=tuple(expect or ()))
        code = agree_and_carry_out(prepared, agreement, stopping, format, wait, summing=summing)
        raise typer.Exit(code)

"""The command that verifies the calibration exposures of a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import USUAL_TIMEOUT, LockTimeoutOption, TimeoutOption, refuse_without
from .questions import asked_day
from .sessions import begin
from .showing import finish
from .stopping import Stopping


@app.command()
@grouped
def daily(
    context: typer.Context,
    *,
    instrument: Annotated[str, Noun("INSTRUMENT", "The camera.", completing.instruments)],
    day: Annotated[
        str | None,
        typer.Option(
            "--day",
            metavar="today|yesterday|YYYYMMDD",
            envvar="CALIBSTATE_DAY",
            help="An observing day, noon to noon in TAI; today unless told.",
        ),
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Verify the exposures that have no result.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Verify once more what is stale.")] = False,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send the metrics that were not sent yet to Sasquatch."),
    ] = False,
    lock_timeout: LockTimeoutOption = None,
    format: Annotated[Format, shown_as("results.daily.DailyShown")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Verify the calibration exposures of a day, and tell what failed.

    As `daily/INSTRUMENT.yaml` says: each sort of exposure is reduced with
    what the chain selects, and cp_verify says which of its tests pass.
    Alone it tells which exposures have a result, and writes nothing.  With
    --run those without one are verified, in one run of the pipeline for each
    sort; it can be run every hour.  Nothing is made or certified.  With
    --send its metrics go to Sasquatch, each once; CALIBSTATE_SASQUATCH_TOKEN
    opens it.

    Ends with 0 when nothing alarms, 2 where a test failed on as many nights
    as the file says, 4 where exposures have no result yet, 1 where some could
    not be verified or metrics were not taken.

    \b
    Examples:
      calibstate daily LSSTComCam
      calibstate daily LSSTComCam --day yesterday --run --send
      calibstate daily LSSTComCam --day 20241208 --format markdown
    """
    from ..factory.notifying import tellers
    from ..work.daily import DailyRun, daily_of, show
    from ..work.telling import Telling

    if not run:
        refuse_without("--run", {"--again": again})
    stopping = Stopping("a pipeline that was begun goes on")
    session = begin(context, timeout=timeout, stop=stopping)
    verifying = daily_of(session, instrument, asked_day(day, session.now()))
    if not (run or send):
        finish(show(verifying), format)
    running = DailyRun(
        verifying,
        verifies=run,
        sends=send,
        again=again,
        lock_timeout=lock_timeout or timedelta(),
        telling=Telling(tellers()),
    )
    with stopping.listening():
        finish(running.run(), format)

"""The command that tells why a lookup gets what it gets."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import Looking, Narrowing, grouped, shown_as, without
from .options import USUAL_TIMEOUT, AllOption, AtOption, TimeoutOption, exposure_number
from .questions import question
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def explain(
    context: typer.Context,
    *,
    dataset_type: Annotated[
        str, typer.Argument(metavar="DATASET_TYPE", help="What is looked up: bias, flat, defects, …")
    ],
    data_id: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]…", help="For what: detector=R22_S11 physical_filter=r_03."),
    ] = None,
    at: AtOption = None,
    exposure: Annotated[
        int | None,
        typer.Option(
            "--exposure",
            metavar="NUMBER",
            parser=exposure_number,
            envvar="CALIBSTATE_EXPOSURE",
            help="An exposure that the butler knows, in place of a moment; it tells the filter too.",
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            metavar="COLLECTION",
            envvar="CALIBSTATE_CHAIN",
            autocompletion=completing.chains,
            help="What is searched, declared or not; INSTRUMENT/calib unless told.",
        ),
    ] = None,
    everything: AllOption = False,
    format: Annotated[Format, shown_as("results.lookups.ExplanationsFound")],
    narrowing: Annotated[Narrowing, without("ticket")],
    looking: Annotated[Looking, without("no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell which calibration a lookup gets, and why not another.

    At each repository: the chain as it is searched, all that it holds for
    the data ID, which of them wins, and what is the matter with the others.

    Ends with 0 when that is told, also where nothing is found; 1 where a
    repository could not be seen, 64 for a word that nobody knows.

    \b
    Examples:
      calibstate explain bias detector=R22_S11 --at 2024-11-07
      calibstate explain flat detector=4 band=r --at 2024-11-07T23:30:00
      calibstate explain flat detector=4 --exposure 2024110700042 --site summit
      calibstate explain bias detector=4 --at 2024-11-07 --chain u/me/try
    """
    from ..work.explain import explain

    session = begin(context, narrowing, looking, timeout=timeout)
    lookup = question(
        session.desired,
        narrowing.instrument,
        dataset_type,
        data_id or (),
        at,
        exposure,
        chain,
        session.now(),
    )
    finish(explain(session, lookup, everything=everything), format)

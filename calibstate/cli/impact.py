"""The command that tells which lookups a change of the declaration changes."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from . import completing
from .app import app
from .groups import Narrowing, grouped, shown_as
from .nouns import BaseNoun
from .options import USUAL_TIMEOUT, NightsOption, ObservedUntilOption, TimeoutOption, end_of_observing
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def impact(
    context: typer.Context,
    *,
    base: BaseNoun = None,
    live: Annotated[
        str | None,
        typer.Option(
            "--live",
            metavar="SITE/REPOSITORY",
            envvar="CALIBSTATE_LIVE",
            autocompletion=completing.repositories,
            help="Look at what this repository really holds, instead of at the seals.",
        ),
    ] = None,
    exposures: Annotated[
        str | None,
        typer.Option(
            "--exposures",
            metavar="WHERE",
            envvar="CALIBSTATE_EXPOSURES",
            help="With --live: which of these exposures are affected (the butler's query language).",
        ),
    ] = None,
    nights: NightsOption = False,
    observed_until: ObservedUntilOption = None,
    format: Annotated[Format, shown_as("results.impacts.ImpactReport")],
    narrowing: Narrowing,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell which lookups a change of the tree changes.

    The working tree is compared with a commit.  The seals tell what the
    tickets hold, so that no butler is needed; --live asks a repository.

    lost: found one, and finds none any more.  reverted: finds one that was
    there already behind it.  replaced: finds a new one.  newly covered: found
    none.  shadowed: can never win any more.  same content, with --live: finds
    another dataset of a package's text, with the same bytes.

    --nights reads what `observe --publish` kept, and looks at no repository.

    Ends with 0 when told, whatever it is; 1 where the tree did not validate
    or the repository could not be seen.

    \b
    Examples:
      calibstate impact
      calibstate impact HEAD --repository summit/LSSTComCam
      calibstate impact v1.2 --observed-until 2025-02-11 --format markdown
      calibstate impact --live usdf/main --exposures "day_obs >= 20241107"
    """
    from ..work.impact import impact

    session, until = begin(context, narrowing, timeout=timeout), end_of_observing(observed_until)
    finish(impact(session, base, until, live, exposures, nights=nights), format)

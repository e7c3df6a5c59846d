"""The command that tells whether sites select the same calibrations."""

from __future__ import annotations

from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import PLACE, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def fingerprint(
    context: typer.Context,
    *,
    format: Annotated[Format, shown_as("results.lookups.FingerprintsCompared")],
    narrowing: Annotated[Narrowing, about(PLACE), without("ticket")],
    looking: Annotated[Looking, without("no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell whether repositories select the same calibrations.

    Equal effective fingerprints: the same calibration for every detector,
    filter and moment.  Where they differ, it tells in which lookups.

    Ends with 0 where all are the same, 2 where they differ, 1 where one
    could not be seen.

    \b
    Examples:
      calibstate fingerprint
      calibstate fingerprint --instrument LSSTComCam --exclude tts
      calibstate fingerprint --observed published
      calibstate fingerprint --format json
    """
    from ..work.fingerprint import fingerprint

    finish(fingerprint(begin(context, narrowing, looking, timeout=timeout)), format)

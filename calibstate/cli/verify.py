"""The command that reviews a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import Diagnostic, UsageError
from ..views.render import Format
from .app import app
from .groups import TICKET, Looking, Narrowing, about, grouped, shown_as, without
from .options import USUAL_TIMEOUT, PublishOption, TimeoutOption, byte_rate
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def verify(
    context: typer.Context,
    *,
    format: Annotated[Format, shown_as("results.reviews.TicketsReviewed")],
    narrowing: Annotated[Narrowing, about(TICKET)],
    read_bytes: Annotated[
        bool, typer.Option("--bytes", envvar="CALIBSTATE_BYTES", help="Read every file, for its checksum.")
    ] = False,
    pipeline: Annotated[
        str | None,
        typer.Option(
            "--pipeline",
            metavar="FILE",
            envvar="CALIBSTATE_PIPELINE",
            help="Compare what the quanta of this pipeline take; nothing is run.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            metavar="EXPRESSION",
            envvar="CALIBSTATE_WHERE",
            help="Which data the pipeline is for, in the butler's query language.",
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="COLLECTION",
            envvar="CALIBSTATE_INPUT",
            help="Where the pipeline's other inputs are, behind the chain.",
        ),
    ] = None,
    execute: Annotated[
        bool,
        typer.Option(
            "--execute", envvar="CALIBSTATE_EXECUTE", help="Run the pipeline, and remove what it made."
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            envvar="CALIBSTATE_OUTPUT",
            help="Write a record of each ticket, to attach to its deployment ticket.",
        ),
    ] = None,
    publish: PublishOption = False,
    archive: Annotated[
        bool,
        typer.Option(
            "--archive",
            envvar="CALIBSTATE_ARCHIVE",
            help="Look at the files of the archive instead: their sizes, with --bytes their checksums.",
        ),
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="RATE",
            parser=byte_rate,
            envvar="CALIBSTATE_RATE",
            help="Read the archive no faster (200MB/s, 50MiB/s); as fast as it goes unless told.",
        ),
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            "--share",
            metavar="N/M",
            envvar="CALIBSTATE_SHARE",
            help="Look at the Nth of M parts of the archive; all M parts are everything.",
        ),
    ] = None,
    looking: Annotated[Looking, without("observed", "max_age", "no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Review a deployment: is it selected, and are its files there?

    At each repository: the ticket's collections hold what was pinned, the
    live chains select it wherever the declared ones would, the butler's own
    lookup agrees, and every file is there with its size.

    With --pipeline the quanta of a trivial processing must take it too, each
    for its own exposure and detector.  With --execute they are run, into a
    RUN of their own that is removed after.

    With --archive the bundles of the tickets are looked at instead, which
    nobody else does until a repository needs them.

    Ends with 0 where all pass, 3 where pipelines cannot be run from here, 1
    where one fails or could not be seen.

    \b
    Examples:
      calibstate verify DM-48520
      calibstate verify DM-48520 --bytes -o review
      calibstate verify --site summit --format markdown
      calibstate verify --site bts --publish
      calibstate verify --pipeline isr.yaml --where "exposure = 2024120100481"
      calibstate verify --archive
      calibstate verify --archive --bytes --share 3/7 --rate 200MB/s
    """
    from ..work.verify import PipelineWanted, verify, verify_archive

    session = begin(context, narrowing, looking, timeout=timeout)
    wanted = PipelineWanted(pipeline, where, tuple(inputs or ()), execute)
    if archive:
        if wanted != PipelineWanted() or output or publish:
            detail = "--archive looks at the archive, and the others are about repositories."
            raise _usage(detail, "Leave out --pipeline and what goes with it, --output and --publish.")
        finish(verify_archive(session, share, rate, every_byte=read_bytes), format)
    if rate or share:
        raise _usage("--rate and --share say how the archive is looked at.", "Add --archive.")
    finish(verify(session, wanted, output, every_byte=read_bytes, publish=publish), format)


def _usage(detail: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("Options do not go together", detail, hint=hint))

"""The command that begins a state tree of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import USUAL_TIMEOUT, DryRunOption, TimeoutOption
from .sessions import begin
from .showing import finish


@app.command()
@grouped
def init(
    context: typer.Context,
    *,
    folder: Annotated[
        Path | None, Noun("DIR", "Root of the tree; here unless told.", names=("-o", "--output"))
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site",
            metavar="SITE[/REPOSITORY]=BUTLER",
            envvar="CALIBSTATE_SITE",
            help="A site, and a butler of it: a path, a URI or a label; SITE alone has all labels of the "
            "repository index.",
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin",
            metavar="SITE/REPOSITORY",
            envvar="CALIBSTATE_ORIGIN",
            help="Where calibrations are made; the first unless told.",
        ),
    ] = None,
    instrument: Annotated[
        list[str] | None,
        typer.Option(
            "--instrument",
            metavar="[SITE/REPOSITORY=]INSTRUMENT",
            envvar="CALIBSTATE_INSTRUMENT",
            help="Only this instrument; of what cannot be seen from here, it is believed.",
        ),
    ] = None,
    # Without a variable: that of `verify --archive` means something else.
    archive: Annotated[
        str,
        typer.Option("--archive", metavar="URI", help="Where bundles are kept; beside `sites` unless told."),
    ] = "archive",
    records: Annotated[
        str,
        typer.Option("--records", metavar="URI", help="Where locks and journals are kept; there, too."),
    ] = "records",
    program: Annotated[
        str | None,
        typer.Option(
            "--program",
            metavar="OWNER/NAME@REF",
            envvar="CALIBSTATE_PROGRAM",
            help="The calibstate that workflows run; the one that pip had from GitHub unless told.",
        ),
    ] = None,
    no_github: Annotated[
        bool,
        typer.Option("--no-github", envvar="CALIBSTATE_NO_GITHUB", help="Write nothing for GitHub."),
    ] = False,
    dry_run: DryRunOption = False,
    format: Annotated[Format, shown_as("results.beginnings.TreeBegun")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Begin a state tree of your own, from your own butlers.

    Settings, a file for each site, and what stands around them (.gitignore,
    pre-commit, CODEOWNERS, workflows) are written, and what comes next is
    said.  The instruments of each butler are read from it.  What is there
    already is kept, so the same command completes what was cut off.

    Ends with 0 when all is there, 1 where a butler cannot be seen and nobody
    names its instruments, 3 where something is in the way.

    \b
    Examples:
      calibstate init mine --site usdf/main=repo/usdf-main
      calibstate init mine --site usdf=repo/usdf-main --program me/forked@v1
      calibstate init mine --site usdf=repo/usdf-main --dry-run --no-github
    """
    from ..beginning.wishes import Wishes
    from ..work.init import init

    wishes = Wishes(
        tuple(site or ()),
        tuple(instrument or ()),
        origin,
        archive,
        records,
        program,
        github=not no_github,
    )
    session = begin(context, timeout=timeout)
    finish(init(session, folder, wishes, write=not dry_run), format)

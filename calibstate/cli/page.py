"""The command that writes pages for a browser."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..views.render import Format
from .app import app
from .groups import Looking, Narrowing, grouped, shown_as, without
from .options import USUAL_TIMEOUT, CheckOption, TimeoutOption
from .sessions import begin
from .showing import finish

_USUAL_AGE = timedelta(hours=24)


class MetricsFormat(Enum):
    """In which text format metrics are written."""

    PROMETHEUS = "prometheus"
    OPENMETRICS = "openmetrics"


@app.command()
@grouped
def page(
    context: typer.Context,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder of the pages; what was there is replaced."
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", envvar="CALIBSTATE_LIVE_PAGE", help="Look at the repositories now, too."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="REV|DATE", help="Show what is effective before and after, too."),
    ] = None,
    url: Annotated[
        str,
        typer.Option("--url", metavar="URL", envvar="CALIBSTATE_PAGE_URL", help="Where the pages will be."),
    ] = "",
    jira: Annotated[
        str,
        typer.Option(
            "--jira",
            metavar="URL",
            envvar="CALIBSTATE_JIRA_URL",
            help="What stands before /browse/TICKET in links, such as https://rubinobs.atlassian.net.",
        ),
    ] = "",
    docs: Annotated[
        str,
        typer.Option(
            "--docs", metavar="URL", envvar="CALIBSTATE_DOCS_URL", help="Where the documentation is."
        ),
    ] = "",
    no_people: Annotated[
        bool,
        typer.Option("--no-people", envvar="CALIBSTATE_NO_PEOPLE", help="Name nobody."),
    ] = False,
    metrics: Annotated[
        MetricsFormat,
        typer.Option(
            "--metrics",
            metavar="prometheus|openmetrics",
            envvar="CALIBSTATE_METRICS",
            help="Text format of metrics.prom.",
        ),
    ] = MetricsFormat.PROMETHEUS,
    check: CheckOption = False,
    format: Annotated[Format, shown_as("results.pages.PagesWritten")],
    narrowing: Annotated[Narrowing, without("site", "repository", "ticket", "exclude")],
    looking: Annotated[Looking, without("only_here", "no_cache")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Write pages that tell how it stands everywhere, for a browser.

    They are plain files, to be opened or published as they are: how each
    repository stands and how old that is, the tickets, the chains, and what is
    effective when.  Made of the tree, of Git, and of what sites published;
    --live looks at the repositories, too.  Nothing of hosts, paths and
    databases is in them.

    Ends with 0 when written, 1 where a source could not be read or the tree
    does not validate; the pages are written of the rest, and say so.  Ends
    with 3 where the folder holds what is not a page.

    \b
    Examples:
      calibstate page -o pages
      calibstate page -o pages --live --instrument LSSTComCam
    """
    from ..model.pages import PageWishes
    from ..work.page import page

    wishes = PageWishes(url, jira, docs, people=not no_people, live=live, metrics=metrics.value)
    session = begin(context, narrowing, looking, timeout=timeout)
    session.observed = session.observed or ("published",)
    max_age = session.max_age or _USUAL_AGE
    result = page(session, output, wishes, max_age=max_age, since=since, write=not check)
    finish(result, format)

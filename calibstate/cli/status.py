"""The command that shows tickets against repositories."""

from __future__ import annotations

from typing import Annotated

import typer

from ..engine.plan import NOTHING
from ..engine.status import status as status_of
from ..views import status as views
from . import completing, screen
from .app import app
from .applying import commit_remarks, foreseen_in, not_seen, planned
from .asking import ask_who_is_there
from .observe import places_to_look_at
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    FilesOption,
    Format,
    FormatOption,
    InstrumentOption,
    MaxAgeOption,
    NoCacheOption,
    ObservedOption,
    OnlyHereOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    TimeoutOption,
    scope,
)
from .reconcile import drift_code, look_at_all
from .tree import check_scope, load, own


@app.command()
def status(
    context: typer.Context,
    repositories: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REPOSITORY]...",
            autocompletion=completing.repositories,
            help="SITE/REPOSITORY, as --repository; else all.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
    files: FilesOption = False,  # noqa: FBT002
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
    observed: ObservedOption = None,
    max_age: MaxAgeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    no_cache: NoCacheOption = False,  # noqa: FBT002
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Show tickets against repositories, in search order.

    Each cell is one word: searched at its place, missing, pending, retired
    and so on.  It is the same drift that `drift` tells, laid beside what is
    declared.

    Ends with 0 in sync, 2 with drift, 4 where all of it is awaited, 1 where a
    place could not be seen.

    \b
    Examples:
      calibstate status
      calibstate status summit/LSSTComCam usdf/main
      calibstate status --site summit --ticket DM-48520
      calibstate status --observed published --format markdown
      calibstate status --format json
    """
    asked = [*(repository or ()), *(repositories or ())]
    narrowed = scope(site, asked, instrument, ticket, exclude, files=files)
    desired = load(context)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = places_to_look_at(desired, observed, max_age, timeout, only=only, remembers=not no_cache)
    ask_who_is_there(desired, narrowed, places)
    view = look_at_all(desired, narrowed, places)
    plan = planned(view, NOTHING, foreseen=foreseen_in(view, NOTHING, places))
    screen.told(commit_remarks(plan.basis.commit_unknown))
    screen.told([*view.notes, *places.relied_on(), *not_seen(plan)])
    told = status_of(view, plan)
    match format:
        case Format.JSON:
            from ..store.documents.base import plain
            from ..store.documents.status import StatusDocument

            screen.print_json(plain(StatusDocument.of(told)))
        case Format.MARKDOWN:
            screen.print_lines(views.as_markdown(told))
        case Format.TEXT:
            screen.print_lines(views.as_text(told, screen.out().width))
    raise typer.Exit(drift_code(plan))

"""The command that looks whether one can work with the places."""

from __future__ import annotations

import typer

from ..engine.doctor import doctor as examine
from ..factory.places import Places
from ..model.checkups import Health
from ..store.documents import checkups as documents
from ..store.documents.base import plain
from ..views import checkups as views
from . import screen
from .app import ExitCode, app
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    Format,
    FormatOption,
    OnlyHereOption,
    RepositoryOption,
    SiteOption,
    TimeoutOption,
    scope,
)
from .tree import check_scope, load, own


@app.command()
def doctor(
    context: typer.Context,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    exclude: ExcludeOption = None,
    only_here: OnlyHereOption = False,  # noqa: FBT002
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Tell whether one can work with the places from here.

    Each is asked whether it can be read, and could be written, for its
    versions, its clock, its free space, and who holds it.  Nothing is
    written anywhere.

    Ends with 0 where nothing failed, 1 where something did.

    \b
    Examples:
      calibstate doctor
      calibstate doctor --site summit --timeout 10s
      calibstate doctor --format json
    """
    desired, narrowed = load(context), scope(site, repository, None, None, exclude)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = Places(desired, only=only, timeout=timeout)
    with screen.progress("looking at") as watch:
        checks = examine(desired, narrowed, places, lambda done, total: watch("places", done, total))
    if format is Format.JSON:
        screen.print_json(plain(documents.CheckupDocument.of(checks)))
    elif format is Format.MARKDOWN:
        screen.print_lines(views.as_markdown(checks))
    else:
        screen.print_lines(views.as_text(checks))
        screen.print_lines([views.tally(checks)])
    failed = any(check.health is Health.FAILED for check in checks)
    raise typer.Exit(ExitCode.ERROR if failed else ExitCode.DONE)

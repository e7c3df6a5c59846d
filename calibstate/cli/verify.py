"""The command that reviews a deployment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..errors import CalibstateError, Diagnostic
from ..factory import Places, utc_now
from ..model.names import RepositoryAddress
from ..model.reviews import Review, ReviewsDocument
from ..ports.progress import Watch
from ..store import documents
from ..views import review as views
from . import screen
from .app import ExitCode, app
from .options import (
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    scope,
)
from .tree import check_scope, load


@app.command()
def verify(
    context: typer.Context,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
    read_bytes: Annotated[  # noqa: FBT002
        bool, typer.Option("--bytes", envvar="CALIBSTATE_BYTES", help="Read every file, for its checksum.")
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
) -> None:
    """Review a deployment: is it selected, and are its files there?

    At each repository: the ticket's collections hold what was pinned, the
    live chains select it wherever the declared ones would, the butler's own
    lookup agrees, and every file is there with its size.

    Ends with 0 where all pass, 1 where one fails or could not be seen.

    \b
    Examples:
      calibstate verify --ticket DM-48520
      calibstate verify --ticket DM-48520 --bytes -o review
      calibstate verify --site summit --format markdown
    """
    # With this numpy is imported.
    from ..engine.verify import Reviewing
    from ..engine.verify import verify as review_all

    desired, narrowed = load(context), scope(site, repository, instrument, ticket, exclude)
    check_scope(desired, narrowed)
    with screen.progress("reviewing") as watch:
        how = Reviewing(
            utc_now(),
            __version__,
            read_files=read_bytes,
            seen=lambda done, total: watch("repositories", done, total),
            watch=_together(watch),
        )
        reviews = [review for _, review in review_all(desired, narrowed, Places(desired), how)]
    if output:
        _keep(output, reviews)
    _print(reviews, format)
    raise typer.Exit(ExitCode.DONE if all(review.passed for review in reviews) else ExitCode.ERROR)


def _together(watch: Watch) -> Callable[[RepositoryAddress], Watch]:
    """Tell the progress at several repositories as one."""
    counts: dict[RepositoryAddress, tuple[int, int]] = {}
    one_by_one = threading.Lock()

    def at(address: RepositoryAddress) -> Watch:
        def told(unit: str, done: int, total: int) -> None:
            with one_by_one:
                counts[address] = done, total
                watch(unit, sum(d for d, _ in counts.values()), sum(t for _, t in counts.values()))

        return told

    return at


def _print(reviews: list[Review], format: Format) -> None:
    if format is Format.JSON:
        screen.print_json(documents.plain(_document(reviews)))
    elif format is Format.MARKDOWN:
        for review in reviews:
            screen.print_lines([*views.as_markdown(review), ""])
    else:
        screen.print_lines(views.spread(reviews))


def _document(reviews: list[Review]) -> ReviewsDocument:
    return ReviewsDocument(passed=all(review.passed for review in reviews), reviews=tuple(reviews))


def _keep(folder: Path, reviews: list[Review]) -> None:
    """Write the record of each ticket, as JSON and as Markdown."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for review in reviews:
            record = folder / f"{review.instrument}-{review.ticket}"
            said = json.dumps(documents.plain(review), sort_keys=True, indent=1, ensure_ascii=False)
            record.with_name(f"{record.name}.json").write_text(f"{said}\n", encoding="utf-8")
            shown = "\n".join(views.as_markdown(review))
            record.with_name(f"{record.name}.md").write_text(f"{shown}\n", encoding="utf-8")
    except OSError as error:
        problem = Diagnostic("Review cannot be saved", f"{error.filename or folder}: {error.strerror}.")
        raise CalibstateError(problem) from None

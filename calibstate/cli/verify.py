"""The command that reviews a deployment."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .. import __version__
from ..errors import CalibstateError, Diagnostic, UsageError
from ..factory.clock import utc_now
from ..factory.places import Places, check_middleware
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress
from ..model.reviews import Review, ReviewsDocument
from ..model.scope import Scope
from ..ports.pipelines import Execution, Processing
from ..ports.progress import Watch, unlimited
from ..store.documents.base import plain
from ..views import archive as archive_views
from ..views import review as views
from . import screen
from .app import ExitCode, app
from .asking import ask_who_is_there
from .options import (
    USUAL_TIMEOUT,
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    OnlyHereOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    TimeoutOption,
    byte_rate,
    scope,
)
from .tree import check_scope, load, own

if TYPE_CHECKING:
    from ..engine.reviewing.verify import Extra


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
    execute: Annotated[  # noqa: FBT002
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
    publish: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--publish",
            envvar="CALIBSTATE_PUBLISH",
            help="Write to `records`, for the wave that comes after.",
        ),
    ] = False,
    archive: Annotated[  # noqa: FBT002
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
    only_here: OnlyHereOption = False,  # noqa: FBT002
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
      calibstate verify --ticket DM-48520
      calibstate verify --ticket DM-48520 --bytes -o review
      calibstate verify --site summit --format markdown
      calibstate verify --site bts --publish
      calibstate verify --pipeline isr.yaml --where "exposure = 2024120100481"
      calibstate verify --archive
      calibstate verify --archive --bytes --share 3/7 --rate 200MB/s
    """
    # With this numpy is imported.
    from ..engine.reviewing.verify import Reviewing
    from ..engine.reviewing.verify import verify as review_all

    desired, narrowed = load(context), scope(site, repository, instrument, ticket, exclude)
    check_scope(desired, narrowed)
    narrowed, only = own(desired, narrowed, only_here=only_here)
    places = Places(desired, only=only, timeout=timeout)
    asked = _Processing(pipeline, where, tuple(inputs or ()), execute)
    if archive:
        if asked != _Processing() or output or publish:
            detail = "--archive looks at the archive, and the others are about repositories."
            raise _usage(detail, "Leave out --pipeline and what goes with it, --output and --publish.")
        _verify_archive(desired, narrowed, places, format, _Archive(read_bytes, rate, share))
    if rate or share:
        raise _usage("--rate and --share say how the archive is looked at.", "Add --archive.")
    ask_who_is_there(desired, narrowed, places)
    with screen.progress("reviewing") as watch:
        how = Reviewing(
            utc_now(),
            __version__,
            read_files=read_bytes,
            seen=lambda done, total: watch("repositories", done, total),
            watch=_together(watch),
            extra=asked.check(desired, places),
            publish=places.publish_review if publish else lambda review: None,
        )
        reviews = [review for _, review in review_all(desired, narrowed, places, how)]
    if not any(review.repositories or review.unreachable for review in reviews):
        raise CalibstateError(_NOTHING)
    if output:
        _keep(output, reviews)
    _print(reviews, format)
    raise typer.Exit(ExitCode.DONE if all(review.passed for review in reviews) else ExitCode.ERROR)


@dataclass(frozen=True)
class _Archive:
    """How the archive is to be looked at."""

    every_byte: bool
    rate: float | None
    share: str | None


def _verify_archive(
    desired: DesiredState, narrowed: Scope, places: Places, format: Format, asked: _Archive
) -> NoReturn:
    """Look at the files of the archive, and end with what was found."""
    from ..engine.reviewing.archive import ArchiveReviewing, RateLimit, Share, review_archive

    share = Share.parse(asked.share) if asked.share else None
    with screen.progress("reading the archive" if asked.every_byte else "looking at the archive") as watch:
        how = ArchiveReviewing(
            utc_now(),
            __version__,
            every_byte=asked.every_byte,
            share=share,
            pace=RateLimit(asked.rate) if asked.rate else unlimited,
            watch=watch,
        )
        review = review_archive(desired, narrowed, places, how)
    if format is Format.JSON:
        screen.print_json(plain(review))
    elif format is Format.MARKDOWN:
        screen.print_lines(archive_views.as_markdown(review))
    else:
        screen.print_lines(archive_views.as_text(review))
    raise typer.Exit(ExitCode.DONE if review.passed else ExitCode.ERROR)


@dataclass(frozen=True)
class _Processing:
    """What was asked of a pipeline, if anything."""

    pipeline: str | None = None
    where: str | None = None
    inputs: tuple[str, ...] = ()
    execute: bool = False

    def check(self, desired: DesiredState, places: Places) -> Extra | None:
        """Return the check of what its quanta take.

        Raises
        ------
        RefusedError
            There is nothing to run pipelines with.
        UsageError
            Half of it was asked for.
        """
        if self.pipeline is None:
            if self.where is not None or self.inputs or self.execute:
                raise _usage(
                    "--where, --input and --execute say how a pipeline is run.", "Add --pipeline FILE."
                )
            return None
        if self.where is None:
            hint = 'Add --where, as in --where "exposure = 2024120100481".'
            raise _usage("--pipeline without --where would be for all data there are.", hint)
        file = self.pipeline.partition("#")[0]
        if "://" not in file and not Path(os.path.expandvars(file)).is_file():
            raise UsageError(Diagnostic("File cannot be read", f"{file} does not exist, or is no file."))
        check_middleware()
        from ..engine.reviewing.quanta import QuantaCheck

        return QuantaCheck(self.pipeline, self.where, self.inputs, self._runs(desired, places))

    def _runs(
        self, desired: DesiredState, places: Places
    ) -> Callable[[Processing, RepositoryAddress], Execution]:
        from ..engine.reviewing.process import process

        def run(processing: Processing, address: RepositoryAddress) -> Execution:
            hold = desired.hold_of(address)
            if self.execute and not hold:
                return process(processing, address, places, utc_now)
            remarks = (
                (f"the repository is held ({hold.reason}), so the pipeline was not run",) if hold else ()
            )
            return Execution(
                places.pipelines(address).graph(processing), remarks=remarks if self.execute else ()
            )

        return run


_NOTHING = Diagnostic(
    "Nothing to review",
    "No adopted ticket that was asked for belongs to a repository that was asked for.",
    hint="Ask for more, or look at the ticket's `approval` and `skip`.",
)


def _usage(detail: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("Options do not go together", detail, hint=hint))


def _together(watch: Watch) -> Callable[[RepositoryAddress], Watch]:
    """Tell the progress at several repositories as one."""
    counts: dict[str, dict[RepositoryAddress, tuple[int, int]]] = {}
    one_by_one = threading.Lock()

    def at(address: RepositoryAddress) -> Watch:
        def told(unit: str, done: int, total: int) -> None:
            with one_by_one:
                of_unit = counts.setdefault(unit, {})
                of_unit[address] = done, total
                watch(unit, sum(d for d, _ in of_unit.values()), sum(t for _, t in of_unit.values()))

        return told

    return at


def _print(reviews: list[Review], format: Format) -> None:
    if format is Format.JSON:
        screen.print_json(plain(_document(reviews)))
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
            said = json.dumps(plain(review), sort_keys=True, indent=1, ensure_ascii=False)
            record.with_name(f"{record.name}.json").write_text(f"{said}\n", encoding="utf-8")
            shown = "\n".join(views.as_markdown(review))
            record.with_name(f"{record.name}.md").write_text(f"{shown}\n", encoding="utf-8")
    except OSError as error:
        problem = Diagnostic("Review cannot be saved", f"{error.filename or folder}: {error.strerror}.")
        raise CalibstateError(problem) from None

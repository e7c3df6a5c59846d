"""Review a deployment: that it is selected, and that its files are there."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import CalibstateError, Diagnostic, UsageError
from ..factory.host import check_middleware
from ..model.names import RepositoryAddress, with_code_points
from ..model.results.reviews import ArchiveReviewed, TicketsReviewed
from ..model.reviews import Review
from ..ports.pipelines import Execution, Processing
from ..ports.progress import Watch, unlimited
from ..reviewing.archive import ArchiveReviewing, RateLimit, Share, review_archive

# With this numpy is imported.
from ..reviewing.verify import Extra, Reviewing
from ..reviewing.verify import verify as review_all
from ..store.documents.base import plain
from .looking import ask_who_is_there
from .session import Session

if TYPE_CHECKING:
    from ..factory.places import Places

__all__ = ["PipelineWanted", "verify", "verify_archive"]


@dataclass(frozen=True)
class PipelineWanted:
    """A pipeline whose quanta must take what is deployed."""

    pipeline: str | None = None
    """Its file; `None`: none is looked at."""

    where: str | None = None
    """Which data it is for, in the butler's query language."""

    inputs: tuple[str, ...] = ()
    """Where its other inputs are."""

    execute: bool = False
    """Whether it is run."""


_NO_PIPELINE = PipelineWanted()

_NOTHING = Diagnostic(
    "Nothing to review",
    "No adopted ticket that was asked for belongs to a repository that was asked for.",
    hint="Ask for more, or look at the ticket's `approval` and `skip`.",
)


def verify(
    session: Session,
    wanted: PipelineWanted = _NO_PIPELINE,
    output: Path | None = None,
    *,
    every_byte: bool = False,
    publish: bool = False,
) -> TicketsReviewed:
    """Return the review of each adopted ticket that is asked for.

    Parameters
    ----------
    session
        Which tickets, where.
    wanted
        A pipeline that must take them.
    output
        A folder, into which a record of each ticket is written.
    every_byte
        Whether every file is read, for its checksum.
    publish
        Whether the waves that come after are told.

    Raises
    ------
    CalibstateError
        There is nothing to review.
    RefusedError
        There is nothing to run pipelines with.
    UsageError
        Half of a pipeline is asked for.
    """
    desired, scope = session.desired, session.scope
    places = session.places()
    ask_who_is_there(session, places)
    # Files at several repositories are read side by side, and told as one.
    with session.listener.progress("reviewing") as watch:
        how = Reviewing(
            session.utc_now(),
            __version__,
            read_files=every_byte,
            counted=partial(watch, "repositories"),
            watch=_together(watch),
            extra=_check_of_quanta(session, places, wanted),
            publish=places.publish_review if publish else lambda review: None,
        )
        reviews = tuple(review for _, review in review_all(desired, scope, places, how))
    session.listener.report(places.slow_looks())
    if not any(review.repositories or review.unreachable for review in reviews):
        raise CalibstateError(_NOTHING)
    if output:
        _save(output, reviews)
    return TicketsReviewed(reviews)


def verify_archive(
    session: Session, share: str | None = None, rate: float | None = None, *, every_byte: bool = False
) -> ArchiveReviewed:
    """Return what became of the files of the archive.

    Parameters
    ----------
    session
        Of which tickets.
    share
        Which part of the files is looked at, as ``N/M``; `None`: all.
    rate
        Bytes a second that are read at most.
    every_byte
        Whether every file is read, for its checksum.
    """
    places = session.places()
    part = Share.parse(share) if share else None
    with session.listener.progress(
        "reading the archive" if every_byte else "looking at the archive"
    ) as watch:
        how = ArchiveReviewing(
            session.utc_now(),
            __version__,
            every_byte=every_byte,
            share=part,
            pace=RateLimit(rate) if rate else unlimited,
            watch=watch,
        )
        return ArchiveReviewed(review_archive(session.desired, session.scope, places, how))


def _check_of_quanta(session: Session, places: Places, wanted: PipelineWanted) -> Extra | None:
    """Return the check of what the quanta of a pipeline take."""
    if wanted.pipeline is None:
        if wanted != _NO_PIPELINE:
            detail = "--where, --input and --execute say how a pipeline is run."
            raise _do_not_go_together(detail, "Add --pipeline FILE.")
        return None
    if wanted.where is None:
        hint = 'Add --where, as in --where "exposure = 2024120100481".'
        raise _do_not_go_together("--pipeline without --where would be for all data there are.", hint)
    # Behind a # stands a part of the pipeline.
    file = wanted.pipeline.partition("#")[0]
    if "://" not in file and not Path(os.path.expandvars(file)).is_file():
        name = with_code_points(file)
        raise UsageError(Diagnostic("File cannot be read", f"{name} does not exist, or is no file."))
    check_middleware()
    from ..reviewing.quanta import QuantaCheck

    runs = _runs(session, places, execute=wanted.execute)
    return QuantaCheck(wanted.pipeline, wanted.where, wanted.inputs, runs)


def _runs(
    session: Session, places: Places, *, execute: bool
) -> Callable[[Processing, RepositoryAddress], Execution]:
    """Return what runs a pipeline at a repository, or only plans it there."""
    from ..reviewing.process import process

    def run(processing: Processing, address: RepositoryAddress) -> Execution:
        # To run it would write there.
        hold = session.desired.hold_of(address)
        if execute and not hold:
            return process(processing, address, places, session.utc_now)
        remarks: tuple[str, ...] = ()
        if execute and hold:
            remarks = (f"the repository is held ({hold.reason}), so the pipeline was not run",)
        return Execution(places.pipelines(address).graph(processing), remarks=remarks)

    return run


def _do_not_go_together(detail: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("Options do not go together", detail, hint=hint))


def _together(watch: Watch) -> Callable[[RepositoryAddress], Watch]:
    """Tell the progress at several repositories as one."""
    counts: dict[str, dict[RepositoryAddress, tuple[int, int]]] = {}
    one_by_one = threading.Lock()

    def watch_at(address: RepositoryAddress) -> Watch:
        def count(unit: str, done: int, total: int) -> None:
            with one_by_one:
                of_unit = counts.setdefault(unit, {})
                of_unit[address] = done, total
                all_done = all_there_are = 0
                for done_there, total_there in of_unit.values():
                    all_done += done_there
                    all_there_are += total_there
                watch(unit, all_done, all_there_are)

        return count

    return watch_at


def _save(folder: Path, reviews: tuple[Review, ...]) -> None:
    """Write the record of each ticket, as JSON and as Markdown."""
    from ..views.review import as_markdown

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for review in reviews:
            record = folder / f"{review.instrument}-{review.ticket}"
            document = json.dumps(plain(review), sort_keys=True, indent=1, ensure_ascii=False)
            record.with_name(f"{record.name}.json").write_text(f"{document}\n", encoding="utf-8")
            page = "\n".join(as_markdown(review))
            record.with_name(f"{record.name}.md").write_text(f"{page}\n", encoding="utf-8")
    except OSError as error:
        name = with_code_points(str(error.filename or folder))
        problem = Diagnostic("Review cannot be saved", f"{name}: {error.strerror}.")
        raise CalibstateError(problem) from None

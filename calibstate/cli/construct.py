"""The command that makes the collections of a ticket."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..views.render import Format
from . import completing, screen
from .app import app
from .groups import Passing, grouped, shown_as, without
from .nouns import Noun
from .options import USUAL_TIMEOUT, LockTimeoutOption, TimeoutOption, refuse_together, refuse_without
from .sessions import begin
from .showing import finish, print_result, write_result
from .stopping import Stopping

if TYPE_CHECKING:
    from ..model.outcomes import Outcome
    from ..model.results.constructions import StepSeen


@app.command()
@grouped
def construct(
    context: typer.Context,
    *,
    ticket: Annotated[str, Noun("TICKET", "TICKET, or INSTRUMENT/TICKET.", completing.tickets)],
    run: Annotated[bool, typer.Option("--run", help="Do the next steps.")] = False,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="STEP",
            help="The last step that is done.",
        ),
    ] = None,
    looked: Annotated[
        list[str] | None,
        typer.Option(
            "--looked",
            metavar="PRODUCT",
            help="You have looked at its images; can be repeated.",
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write `collections` into the ticket's file; keep the verdicts."),
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="FILE",
            help="Write what ran, for the ticket: Markdown, or JSON where it ends so.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FOLDER",
            help="Write pages of what the verifications say, cp_verify's own where its program is.",
        ),
    ] = None,
    lock_timeout: LockTimeoutOption = None,
    format: Annotated[Format, shown_as("results.constructions.ConstructionShown", is_stream=True)],
    passing: Annotated[Passing, without("override")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Make the collections of a ticket, as its `construction` says.

    Alone it shows each step with what the repository shows of it, and writes
    nothing.  With --run the steps are done, one after the other, until a
    person has to look or a batch is under way.  Run again it goes on where it
    was cut off: what is done is seen, and not remembered.

    With --format shell it writes the steps as a script, from the files alone.

    Ends with 0 when all is made, 2 with steps to do, 3 with a refusal, 4
    while a batch runs or a look is awaited, 1 on an error or where something
    was not made.

    \b
    Examples:
      calibstate construct DM-48520
      calibstate construct DM-48520 --format shell
      calibstate construct DM-48520 --run --until "make defects"
      calibstate construct DM-48520 --run --looked bias
      calibstate construct DM-48520 --write
      calibstate construct DM-48520 --record DM-48520.md
      calibstate construct DM-48520 --report pages
    """
    from ..work.construct import Running, construction_of, script, show
    from ..work.construct import record as record_of
    from ..work.construct import report as report_of
    from ..work.construct import write as write_collections

    is_script = format is Format.SHELL
    tasks = {"--run": run, "--write": write, "--record": record, "--format shell": is_script}
    refuse_together([option for option, is_given in tasks.items() if is_given])
    if not run:
        refuse_without("--run", {"--until": until, "--looked": looked})
    stopping = Stopping("a step in hand is finished first, and a batch that was submitted goes on")
    session = begin(context, timeout=timeout, stop=stopping)
    constructing = construction_of(session, ticket)
    if is_script:
        finish(script(constructing), format)
    if write:
        shown = write_collections(constructing, show(constructing))
        for file in shown.written or ():
            screen.tell(f"{file} was written: commit it.")
        if not shown.written:
            screen.tell("The ticket's files say so already.")
        finish(shown, format)
    if record:
        write_result(record_of(constructing), record)
        return
    if report:
        for page in report_of(constructing, report):
            screen.tell(f"{page} was written.")
        return
    if not run:
        finish(show(constructing), format)
    running = Running(
        constructing,
        _show(format),
        _ask,
        looked=frozenset(looked or ()),
        until=until,
        lock_timeout=lock_timeout or timedelta(),
        allowed=passing.allowed(),
    )
    with stopping.listening():
        finish(running.run(), format)


def _show(format: Format) -> Callable[[Outcome], None]:
    """Return what shows to people what becomes of each step, as it comes."""

    def show(outcome: Outcome) -> None:
        if format is Format.TEXT:
            print_result(outcome, format)

    return show


def _ask(step: StepSeen, images: Sequence[Path]) -> bool:
    """Ask who has looked at images whether to go on, if anybody is there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    for image in images:
        screen.tell(f"{image}")
    return typer.confirm(f"Go on after `{step.name}`?", err=True)

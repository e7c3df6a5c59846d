"""The command that plans, shows, asks and does it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..errors import Diagnostic, ExitCode, UsageError, first_of
from ..model.outcomes import Outcome
from ..model.results.plans import Applied, undone_code
from ..views import text
from ..views.printable import printable
from ..views.render import Format
from . import screen, terminal
from .app import app
from .groups import Files, Looking, Narrowing, Passing, grouped, shown_as, without
from .options import USUAL_TIMEOUT, LockTimeoutOption, TimeoutOption, WaitOption
from .sessions import begin
from .showing import print_footnotes, print_result
from .stopping import Stopping

if TYPE_CHECKING:
    from ..work.apply import Prepared


@app.command()
@grouped
def apply(
    context: typer.Context,
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A saved plan; else a new one is made.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", envvar="CALIBSTATE_YES", help="Do not ask.")] = False,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect",
            metavar="DIGEST",
            envvar="CALIBSTATE_EXPECT",
            help="Refuse a plan of any other digest, as `report` shows it; can be repeated.",
        ),
    ] = None,
    wait: WaitOption = None,
    lock_timeout: LockTimeoutOption = None,
    format: Annotated[Format, shown_as("results.plans.Applied")],
    files: Files,
    narrowing: Narrowing,
    looking: Annotated[Looking, without("observed", "max_age", "no_cache")],
    passing: Passing,
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Plan, show, ask, and do it.

    Running it again goes on where it stopped, and twice does no harm.  What
    Rucio carries arrives by and by: run it again then, or have it wait.

    Ends with 0 when done, 3 where something was refused, 4 where something is
    awaited, 1 on an error or where a place could not be seen.

    \b
    Examples:
      calibstate apply
      calibstate apply --site summit
      calibstate apply --yes --wait 30m
      calibstate apply plan.json --yes --lock-timeout 10m
      calibstate apply --site summit --yes --expect sha256:0f5c...
      calibstate apply --allow hold --because "the night is lost without it"
    """
    from ..work.apply import carry_out, check, prepare

    stopping = Stopping()
    session = begin(context, narrowing, looking, files, stop=stopping, timeout=timeout)
    prepared = prepare(session, file, passing.allowed(), lock_timeout or timedelta())
    if format is Format.TEXT:
        print_result(prepared.shown(), format)
    screen.told(prepared.remarks)
    if not prepared.plan.steps and not wait:
        raise typer.Exit(undone_code(prepared.plan))
    for sentence in prepared.passes.sentences:
        screen.tell(sentence)
    excluded = check(prepared, expect or ())
    if prepared.plan.steps and not yes:
        _ask(prepared, format)
    # What was approved is this plan, and none that might follow from it.
    carrying_out = partial(carry_out, prepared, _show(format), wait, excluded, only_this=bool(expect))
    raise typer.Exit(_run(carrying_out, stopping, format))


def _run(carry_out: Callable[[], Applied], stopping: Stopping, format: Format) -> ExitCode:
    """Carry out a plan, whoever stops it or stops reading."""
    # Nothing is begun for a reader who has left before.
    if sys.stdout is not None:
        sys.stdout.flush()
    with stopping.listening(), terminal.outlive_readers() as lost:
        result = carry_out()
        print_result(result, format)
    code = result.exit_code
    if lost.why and not isinstance(lost.why, BrokenPipeError):
        detail = f"{lost.why.strerror}. What was done is told by `calibstate log`."
        screen.told([Diagnostic("Output cannot be written", detail, hint="Make room for it.")])
        code = first_of(code, ExitCode.ERROR)
    print_footnotes(result)
    return code


def _show(format: Format) -> Callable[[Outcome], None]:
    """Return what shows outcomes as they come; in JSON each is a line."""

    def show(outcome: Outcome) -> None:
        if format is Format.JSON:
            screen.print_json_text(outcome.model_dump_json())
            sys.stdout.flush()
        else:
            print_result(outcome, format)

    return show


def _ask(prepared: Prepared, format: Format) -> None:
    """Ask whether a plan is to be applied, where the plan can be read.

    Raises
    ------
    UsageError
        There is no terminal that shows the plan and takes an answer.
    """
    shown = format is Format.TEXT and _is_terminal(sys.stdout)
    has_errors = _is_terminal(sys.stderr)
    if not _is_terminal(sys.stdin) or os.environ.get("CI") or not (shown or has_errors):
        raise UsageError(
            Diagnostic(
                "Nobody to ask",
                "There is no terminal, so nobody can agree to the plan.",
                hint="Give --yes, or apply a reviewed plan: calibstate apply FILE --yes.",
            )
        )
    if not shown:
        # What was printed went to a file, or is for a program.
        screen.print_lines(text.plan(prepared.plan), screen.err())
    passes = prepared.passes
    guards = " and ".join(guard.value for guard in passes.guards)
    question = f"Apply this plan, past {guards} ({passes.because})?" if guards else "Apply this plan?"
    typer.confirm(printable(question), abort=True, err=has_errors)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()

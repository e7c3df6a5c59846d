"""A plan is shown, agreed to and carried out: the same for every command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..errors import Diagnostic, ExitCode, UsageError, first_of
from ..model.outcomes import Outcome
from ..model.results.plans import Applied, undone_code
from ..views import text
from ..views.printable import printable
from ..views.render import Format
from . import screen, terminal
from .showing import print_footnotes, print_result
from .stopping import Stopping

if TYPE_CHECKING:
    from ..work.apply import Prepared

__all__ = ["Agreement", "YesOption", "agree_and_carry_out"]

YesOption = Annotated[bool, typer.Option("--yes", "-y", envvar="CALIBSTATE_YES", help="Do not ask.")]


@dataclass(frozen=True)
class Agreement:
    """What a person has agreed to beforehand."""

    yes: bool = False
    """Whether nobody is asked."""

    digests: tuple[str, ...] = ()
    """Those of plans that were approved; none: every plan is."""


def agree_and_carry_out(
    prepared: Prepared,
    agreement: Agreement,
    stopping: Stopping,
    format: Format,
    wait: timedelta | None = None,
) -> ExitCode:
    """Show a plan, ask, and carry it out; return how the command ends.

    Parameters
    ----------
    prepared
        The plan.
    agreement
        What was agreed to beforehand.
    stopping
        Whether somebody wants it to stop.
    format
        How it is shown.
    wait
        How long is waited for what Rucio carries.
    """
    from ..work.apply import carry_out, check

    if format is Format.TEXT:
        print_result(prepared.shown(), format)
    screen.told(prepared.remarks)
    if not prepared.plan.steps and not wait:
        return undone_code(prepared.plan)
    for sentence in prepared.passes.sentences:
        screen.tell(sentence)
    excluded = check(prepared, agreement.digests)
    if prepared.plan.steps and not agreement.yes:
        _ask(prepared, format)
    # What was approved is this plan, and none that might follow from it.
    only_this = bool(agreement.digests)
    carrying_out = partial(carry_out, prepared, _show(format), wait, excluded, only_this=only_this)
    return _run(carrying_out, stopping, format)


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

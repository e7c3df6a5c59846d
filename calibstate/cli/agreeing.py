"""A plan is shown, agreed to and carried out: the same for every command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..errors import CalibstateError, Diagnostic, ExitCode, UsageError, first_of
from ..model.outcomes import Outcome
from ..model.results.plans import Applied, ApplySummary, undone_code
from ..views import text
from ..views.printable import printable
from ..views.render import Format, view_of
from . import screen, terminal
from .showing import print_footnotes, print_result
from .stopping import Stopping

if TYPE_CHECKING:
    from ..work.apply import Prepared

__all__ = ["Agreement", "Summing", "YesOption", "agree_and_carry_out", "summed_up"]

YesOption = Annotated[bool, typer.Option("--yes", "-y", envvar="CALIBSTATE_YES", help="Do not ask.")]


@dataclass(frozen=True)
class Agreement:
    """What a person has agreed to beforehand."""

    yes: bool = False
    """Whether nobody is asked."""

    digests: tuple[str, ...] = ()
    """Those of plans that were approved; none: every plan is."""


@dataclass
class Summing:
    """What is known of a run when its last line is printed."""

    format: Format
    prepared: Prepared | None = None
    """The plan, once there is one."""

    def print(self, code: ExitCode, problems: tuple[Diagnostic, ...] = ()) -> None:
        """Print what it came to, as the last line, where that is asked for.

        Parameters
        ----------
        code
            What the command ends with.
        problems
            What ended it.
        """
        if self.format is not Format.JSON:
            return
        from ..store.documents.base import plain

        result = ApplySummary(code, problems=problems)
        if self.prepared:
            so_far = self.prepared.so_far
            result = replace(
                result,
                planned=self.prepared.shown(),
                outcomes=tuple(so_far.outcomes.values()),
                runs=tuple(so_far.runs),
            )
        document = view_of(ApplySummary, Format.JSON)(result)
        # Whoever has read enough does not change what it came to.
        with terminal.outlive_readers():
            screen.print_json_text(json.dumps(plain(document), sort_keys=True, ensure_ascii=False))
            screen.flush()


@contextmanager
def summed_up(format: Format) -> Iterator[Summing]:
    """End a run of JSON with a line that says what it came to, in any case.

    Parameters
    ----------
    format
        How the run is shown; text and Markdown end as they do.
    """
    summing = Summing(format)
    # However it ends, a program that reads the lines is told.
    try:
        yield summing
    except CalibstateError as error:
        if format is not Format.JSON:
            raise
        screen.told(error.diagnostics)
        code = ExitCode(error.exit_code)
        summing.print(code, error.diagnostics)
        raise typer.Exit(code) from None
    except typer.Abort:
        summing.print(ExitCode.ERROR)
        raise
    except typer.Exit as end:
        summing.print(ExitCode(end.exit_code))
        raise


def agree_and_carry_out(
    prepared: Prepared,
    agreement: Agreement,
    stopping: Stopping,
    format: Format,
    wait: timedelta | None = None,
    *,
    summing: Summing | None = None,
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
    summing
        Told of the plan, and of what it came to.
    """
    from ..work.apply import carry_out, check

    summing = summing or Summing(format)
    summing.prepared = prepared

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
    screen.flush()
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
            screen.flush()
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

"""The command line: the error boundary and the exit codes.

Every expected error ends here as a sentence with its exit code; nothing that
a person can do ends in a traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import CalibstateError, Diagnostic, ExitCode, without_secrets
from .commands import Commands
from .layout import WRONG_USAGE
from .misread import MisreadError
from .terminal import wanted

__all__ = ["app", "program", "run"]


# Its decorator marks a function as a command.  Which commands there are says
# the table, which a test holds against the marks.
app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(value: bool) -> None:  # noqa: FBT001 - the signature is typer's
    if value:
        typer.echo(f"calibstate {__version__}")
        raise typer.Exit


@app.callback()
def calibstate(
    context: typer.Context,
    root: Annotated[
        Path | None,
        typer.Option(
            "-C",
            "--root",
            metavar="DIR",
            # Not told to typer, so that a mistake is told of the variable.
            help="Root of the state tree; else $CALIBSTATE_ROOT, or the nearest upward, or ./state.",
        ),
    ] = None,
    version: Annotated[  # noqa: FBT002
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            show_default=False,
            help="Tell which places are asked, and why a look takes longer; -vv: each request.",
        ),
    ] = 0,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            envvar="CALIBSTATE_LOG_FILE",
            show_envvar=False,
            help="Append each request to a place there: when, which place, what, how long.",
        ),
    ] = None,
    no_pager: Annotated[  # noqa: FBT002
        bool, typer.Option("--no-pager", help="Print long results too, on a terminal.")
    ] = False,
) -> None:
    """Keep calibrations as declared, in every data butler repository.

    \b
    calibstate validate          is what is declared sound?
    calibstate drift             where have the repositories left it?
    calibstate plan              what would have to be done?
    calibstate apply             do it

    `calibstate help COMMAND` tells more of each.
    """
    context.obj = root
    wanted.details = verbose > 0
    wanted.output = None
    wanted.pager = not no_pager
    if not verbose and log_file is None:
        return
    # Who wants no log waits for nothing that it needs.
    from .requests import RequestLog

    log = RequestLog(verbose, log_file)
    # Options behind the command call this again, with all that was said.
    if wanted.requests is None:
        log.began(wanted.words)
    wanted.requests = log


@cache
def program() -> Any:
    """Return the program, which has every command by its name."""
    return typer.main.get_command(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    # A command may run others, and goes on with its own log after each.
    outer = wanted.requests
    wanted.requests = None
    wanted.words = tuple(sys.argv[1:] if arguments is None else arguments)
    code = _run(list(wanted.words))
    if wanted.requests:
        wanted.requests.ended(code)
    wanted.requests = outer
    return code


def _run(words: list[str]) -> int:
    try:
        code = program()(words, prog_name="calibstate", standalone_mode=False)
    except (WRONG_USAGE, MisreadError) as error:
        return _refuse(error, words)
    except CalibstateError as error:
        return _end(error.exit_code, error.diagnostics, words)
    except KeyboardInterrupt:
        return _interrupted(words)
    except typer.Abort:
        from .endings import left_alone

        return left_alone()
    except BrokenPipeError:
        from .endings import forsake_stdout

        # The reader has gone; nobody is left to be told.
        forsake_stdout()
        return ExitCode.ERROR
    except Exception as error:  # noqa: BLE001 - the last resort, in place of a traceback
        if os.environ.get("CALIBSTATE_TRACEBACK"):
            sys.stderr.write(without_secrets(traceback.format_exc()))
        from .endings import unexpected

        return _end(ExitCode.ERROR, [unexpected(error)], words)
    return _interrupted(words) if code == _TYPERS_INTERRUPT else int(code or 0)


_TYPERS_INTERRUPT = 130
"""What typer makes of a KeyboardInterrupt before it comes to us."""


# rich takes a while to import, as documents do, and help and completion do
# without them: what tells of errors is imported with the first one.


def _end(exit_code: int, problems: Sequence[Diagnostic], words: Sequence[str]) -> int:
    from .endings import end

    return end(exit_code, problems, words)


def _interrupted(words: Sequence[str]) -> int:
    from .endings import interrupted

    return interrupted(words)


def _refuse(error: Any, words: Sequence[str]) -> int:
    """Tell what is wrong with a command line, and how to write it."""
    if type(error).__name__ == "NoArgsIsHelpError":
        # Who types nothing is told what there is to type.
        error.show()
        return ExitCode.USAGE
    from .refusals import refusal

    return _end(ExitCode.USAGE, [refusal(error)], words)

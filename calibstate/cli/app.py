"""The command line: the error boundary and the exit codes.

Every expected error ends here as a sentence with its exit code; nothing that
a person can do ends in a traceback.
"""

from __future__ import annotations

import errno
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
    verbose: Annotated[  # noqa: FBT002
        bool,
        typer.Option("-v", "--verbose", help="Tell details too, such as why a look takes longer."),
    ] = False,
) -> None:
    """Keep calibrations as declared, in every data butler repository.

    \b
    calibstate validate          is what is declared sound?
    calibstate drift             where have the repositories left it?
    calibstate plan              what would have to be done?
    calibstate apply             do it
    """
    context.obj = root
    wanted.details = verbose


_WRONG_USAGE: Any = typer.BadParameter.__mro__[1]
"""Base of typer's errors of usage; typer may carry its own click."""


@cache
def program() -> Any:
    """Return the program, which has every command by its name."""
    return typer.main.get_command(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(arguments) if arguments is not None else None
    try:
        code = program()(words, prog_name="calibstate", standalone_mode=False)
    except _WRONG_USAGE as error:
        error.show()
        return ExitCode.USAGE
    except CalibstateError as error:
        _tell(*error.diagnostics)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader has gone; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except Exception as error:  # noqa: BLE001 - the last resort, in place of a traceback
        if os.environ.get("CALIBSTATE_TRACEBACK"):
            sys.stderr.write(without_secrets(traceback.format_exc()))
        _tell(_unexpected(error))
        return ExitCode.ERROR
    return _interrupted() if code == _TYPERS_INTERRUPT else int(code or 0)


_TYPERS_INTERRUPT = 130
"""What typer makes of a KeyboardInterrupt before it comes to us."""


def _tell(*problems: Diagnostic) -> None:
    # rich takes a while to import, and help and completion do without it.
    from . import screen

    screen.told(problems)


def _interrupted() -> int:
    from . import screen

    screen.tell("Interrupted. What was done stands; run the same command again to go on.")
    return ExitCode.ERROR


def _unexpected(error: Exception) -> Diagnostic:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        return Diagnostic("Output cannot be written", f"{error.strerror}.", hint="Make room for it.")
    return Diagnostic(
        "Unexpected error",
        f"{type(error).__name__}: {error}. This is a defect of calibstate; what was done stands.",
        hint="Report it with the output of the same command under CALIBSTATE_TRACEBACK=1.",
    )

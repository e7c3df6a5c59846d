"""Command lines that are not understood, told in the words of all errors.

The parser says what was wrong with a line; what it is called here, what was
probably meant, and what to type instead is said by us.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import Diagnostic
from ..model.names import nearest, spelled
from .commands import COMMANDS, command
from .layout import OLD_NAMES, is_argument, shown_names
from .misread import MissingArgumentError, TooManyArgumentsError, UnknownCommandError

__all__ = ["refusal"]

OPTIONS_ELSEWHERE = {
    "--assume-yes": "--yes",
    "--auto-approve": "--yes",
    "--chdir": "-C DIR",
    "--count": "--limit NUMBER",
    "--cwd": "-C DIR",
    "--debug": "--verbose",
    "--directory": "-C DIR",
    "--dry": "--dry-run",
    "--dryrun": "--dry-run",
    "--file": "--output FILE",
    "--force": "--allow GUARD",
    "--json": "--format json",
    "--junit": "--format junit",
    "--lines": "--limit NUMBER",
    "--markdown": "--format markdown",
    "--max-count": "--limit NUMBER",
    "--md": "--format markdown",
    "--out": "--output FILE",
    "--output-format": "--format",
    "--path": "-C DIR",
    "--ref": "--base BASE",
    "--repo": "--repository SITE/REPOSITORY",
    "--rev": "--base BASE",
    "--revision": "--base BASE",
    "--skip": "--exclude PATTERN",
    "--target": "--ticket TICKET",
    "--text": "--format text",
}
"""What options are called elsewhere, and what they are called here."""

COMMANDS_ELSEWHERE = {
    "approve": "approvals",
    "audit": "log",
    "blame": "history",
    "check": "validate",
    "clone": "capture",
    "compare": "diff",
    "create": "init",
    "delete": "rollback",
    "deploy": "apply",
    "destroy": "rollback",
    "force-unlock": "unlock",
    "format": "fmt",
    "import": "capture",
    "info": "show",
    "inspect": "show",
    "lint": "validate",
    "list": "status",
    "logs": "log",
    "ls": "status",
    "new": "init",
    "preview": "plan",
    "pull": "capture",
    "push": "apply",
    "refresh": "drift",
    "remove": "rollback",
    "revert": "rollback",
    "rm": "rollback",
    "run": "apply",
    "scan": "drift",
    "setup": "init",
    "sync": "apply",
    "test": "verify",
    "undo": "rollback",
    "why": "explain",
}
"""What commands are called elsewhere, and what does the like here."""


def refusal(error: Any) -> Diagnostic:
    """Return what is wrong with a command line.

    Parameters
    ----------
    error
        What the parser raised, or what we did for it.  typer may carry its own
        click, so that its errors are known by what they have.
    """
    if isinstance(error, MissingArgumentError):
        return _missing(error.command, error.metavar)
    if isinstance(error, TooManyArgumentsError):
        return _too_many(error.words, error.context)
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error.word)
    context = error.ctx
    parameter = getattr(error, "param", None)
    if parameter is not None:
        if type(error).__name__ == "MissingParameter":
            return _missing(context.info_name, parameter.metavar)
        return _bad_value(error.message, parameter, context)
    name = getattr(error, "option_name", None)
    if name and type(error).__name__ == "NoSuchOption":
        return _unknown_option(name, context)
    if name:
        return _value_of_option(name, context)
    if error.message.startswith("Missing command"):
        hint = "`calibstate --help` lists the commands."
        return Diagnostic("Missing command", "Options alone do nothing.", hint=hint)
    return Diagnostic("Not understood", f"{error.message.rstrip('.')}.", hint=_help_of(context))


def _missing(command_name: str, metavar: str) -> Diagnostic:
    """Return that an argument lacks."""
    return Diagnostic(
        "Missing argument",
        f"`{command_name}` needs {metavar.strip('[]…')}, and none is named.",
        hint=f"`calibstate {command_name} --help` tells what it takes.",
    )


def _too_many(words: Sequence[str], context: Any) -> Diagnostic:
    """Return that arguments are left over."""
    takes = []
    for parameter in context.command.params:
        if is_argument(parameter):
            takes.append(parameter.metavar.strip("[]…"))
    left_over = ", ".join(map(spelled, words))
    whose = f"`{context.info_name}` takes {' '.join(takes) or 'no arguments'}"
    detail = f"{left_over}: {whose}, and nothing more."
    options = dict(_options(context))
    hint = _help_of(context)
    # Tickets are what is named most, and so in a wrong form.
    if "--ticket" in options and "TICKET" not in "".join(takes):
        hint = f"Tickets are named by --ticket TICKET.  {hint}"
    return Diagnostic("Too many arguments", detail, hint=hint)


def _unknown_command(word: str) -> Diagnostic:
    """Return that there is no command of a name."""
    hint = "`calibstate --help` lists the commands."
    meant = COMMANDS_ELSEWHERE.get(word.lower(), "")
    if meant not in COMMANDS:
        meant = nearest(word, list(COMMANDS)) or ""
    if meant:
        hint = f"Did you mean `calibstate {meant}`?"
    return Diagnostic("Unknown command", f"{spelled(word)}: calibstate has no such command.", hint=hint)


def _unknown_option(name: str, context: Any) -> Diagnostic:
    own = dict(_options(context))
    hint = _help_of(context)
    meant = OPTIONS_ELSEWHERE.get(name, "")
    near = nearest(name, own.keys() - OLD_NAMES) if name.startswith("--") else None
    if meant.partition(" ")[0] in own:
        hint = f"Did you mean {meant}?"
    elif near:
        hint = f"Did you mean {near}?"
    else:
        others: list[str] = []
        for other in COMMANDS:
            if any(name in option.opts for option in command(other).params):
                others.append(f"`{other}`")
        if others and context.parent is None:
            hint = f"Options stand behind the command: calibstate COMMAND {name}."
        elif others:
            hint = f"It is an option of {', '.join(others)}."
    whose = f"`{context.info_name}`"
    return Diagnostic("Unknown option", f"{spelled(name)}: {whose} has no such option.", hint=hint)


def _value_of_option(name: str, context: Any) -> Diagnostic:
    option = dict(_options(context))[name]
    if option.is_flag:
        hint = f"Give {name} alone, or leave it out."
        return Diagnostic("Option takes no value", f"{name} is said or not, and nothing else.", hint=hint)
    hint = f"Write {name} {option.metavar}."
    return Diagnostic("Option without a value", f"{name} needs a value, and nothing follows it.", hint=hint)


_CHOICE = re.compile(r"'(.*)' is not one of (.*?)\.?", re.DOTALL)


def _bad_value(message: str, parameter: Any, context: Any) -> Diagnostic:
    """Return that the value of an option or an argument is not understood."""
    source = context.get_parameter_source(parameter.name)
    name = parameter.metavar
    if not is_argument(parameter):
        name = shown_names(parameter)[-1]
    if source is not None and source.name == "ENVIRONMENT":
        variables = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar
        name = next(variable for variable in variables if os.environ.get(variable))
        if parameter.is_flag:
            detail = f"{name}: {spelled(os.environ[name])} is neither yes nor no."
            return Diagnostic("Value is not understood", detail, hint="Write 1 or 0.")
    message = message.removeprefix("Value error, ")
    choice = _CHOICE.fullmatch(message)
    if choice is None:
        # What to write is said behind what is wrong.
        detail, _, advice = message.rstrip(".").partition("; ")
        hint = _help_of(context)
        if advice:
            hint = f"{advice[0].upper()}{advice[1:]}."
        return Diagnostic("Value is not understood", f"{name}: {detail}.", hint=hint)
    word = choice[1]
    choices = re.findall(r"'([^']*)'", choice[2])
    near = nearest(word, choices)
    hint = f"Give one of {', '.join(choices)}."
    if near:
        hint = f"Did you mean {near}?"
    return Diagnostic(
        "Value is not understood", f"{name}: {spelled(word)} is not one of its words.", hint=hint
    )


def _options(context: Any) -> Iterator[tuple[str, Any]]:
    """Yield the options of a command by each name that they have."""
    for parameter in context.command.get_params(context):
        if not is_argument(parameter):
            for name in (*parameter.opts, *parameter.secondary_opts):
                yield name, parameter


def _help_of(context: Any) -> str:
    return f"`{context.command_path} --help` tells what it takes."

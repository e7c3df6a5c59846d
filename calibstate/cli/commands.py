"""The commands: where each is defined, and the line that tells what it does.

To list the commands, to complete the name of one, or to find the name that
was meant, this table is enough.  The module of a command, with all that it
needs, is imported when the command is run or its options are asked for: who
asks for help does not wait for the engine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any, NamedTuple, get_args

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from .layout import Command, located
from .misread import UnknownCommandError

__all__ = ["COMMANDS", "Commands", "Entry", "Group", "command"]


class Group(Enum):
    """What commands are for, in the order in which a person comes to it."""

    BEGIN = "Begin"
    PROPOSE = "Propose"
    REVIEW = "Review"
    DEPLOY = "Deploy"
    LOOK = "Look"
    REPAIR = "Repair"


class Entry(NamedTuple):
    """What is known of a command before its module is imported."""

    group: Group
    """Where it stands in ``--help``."""

    module: str
    """Module beside this one; the function in it has the command's name."""

    line: str
    """First paragraph of the function's docstring."""


COMMANDS: Mapping[str, Entry] = {
    "init": Entry(Group.BEGIN, "init", "Begin a state tree of your own, from your own butlers."),
    "capture": Entry(Group.BEGIN, "capture", "Write the state files that describe live chains as they are."),
    "doctor": Entry(Group.BEGIN, "doctor", "Tell whether one can work with the places from here."),
    "schema": Entry(Group.BEGIN, "schema", "Write the JSON Schemas of files and documents."),
    "demo": Entry(Group.BEGIN, "demo", "Show the main job on a world of its own."),
    "propose": Entry(Group.PROPOSE, "propose", "Declare a ticket as its origin has it, and seal it."),
    "construct": Entry(
        Group.PROPOSE, "construct", "Make the collections of a ticket, as its `construction` says."
    ),
    "certify": Entry(Group.PROPOSE, "certify", "Certify what was made, and search it by its ticket chain."),
    "seal": Entry(Group.PROPOSE, "seal", "Write down what a ticket contains, from its origin."),
    "adopt": Entry(Group.PROPOSE, "adopt", "Write down that a ticket was adopted, and list it."),
    "validate": Entry(Group.PROPOSE, "validate", "Tell everything that is wrong with the state tree."),
    "fmt": Entry(Group.PROPOSE, "fmt", "Lay out the files of the state tree in the one way there is."),
    "diff": Entry(Group.REVIEW, "diff", "Tell what is declared otherwise, in words of the field."),
    "impact": Entry(Group.REVIEW, "impact", "Tell which lookups a change of the tree changes."),
    "report": Entry(Group.REVIEW, "report", "Tell reviewers what a change of the tree proposes and does."),
    "approvals": Entry(Group.REVIEW, "approvals", "Tell how it stands with the approval of each ticket."),
    "history": Entry(Group.REVIEW, "history", "Tell who changed a chain, when, and in which pull request."),
    "plan": Entry(Group.DEPLOY, "plan", "Show the steps that would end the drift."),
    "apply": Entry(Group.DEPLOY, "apply", "Plan, show, ask, and do it."),
    "verify": Entry(Group.DEPLOY, "verify", "Review a deployment: is it selected, and are its files there?"),
    "observe": Entry(Group.DEPLOY, "observe", "Write down what repositories show, for who cannot see them."),
    "watch": Entry(Group.DEPLOY, "watch", "Keep a site as it is declared, turn by turn."),
    "daily": Entry(Group.LOOK, "daily", "Verify the calibration exposures of a day, and tell what failed."),
    "status": Entry(Group.LOOK, "status", "Show tickets against repositories, in search order."),
    "drift": Entry(Group.LOOK, "drift", "Tell where live places have left the declaration."),
    "show": Entry(Group.LOOK, "show", "Show the desired chains, or a saved plan."),
    "effective": Entry(
        Group.LOOK, "effective", "Tell what lookups get on a night: each type and filter, which ticket."
    ),
    "explain": Entry(Group.LOOK, "explain", "Tell which calibration a lookup gets, and why not another."),
    "fingerprint": Entry(
        Group.LOOK, "fingerprint", "Tell whether repositories select the same calibrations."
    ),
    "timeline": Entry(Group.LOOK, "timeline", "Tell which ticket wins when, by dataset type and filter."),
    "retention": Entry(
        Group.LOOK, "retention", "Tell what repositories keep, and what of it nobody needs any more."
    ),
    "page": Entry(Group.LOOK, "page", "Write pages that tell how it stands everywhere, for a browser."),
    "log": Entry(Group.LOOK, "log", "Tell what was done, by whom, when, and from which commit."),
    "rollback": Entry(Group.REPAIR, "rollback", "Prepare the change that takes a ticket out everywhere."),
    "unlock": Entry(Group.REPAIR, "unlock", "Break the lock of a run that is surely no more."),
}
"""Every command, in the order of ``--help``; a new one is a line here."""


@cache
def command(name: str) -> Any:
    """Return a command with its options; its module is imported.

    Parameters
    ----------
    name
        One of the table.
    """
    module = import_module(f".{COMMANDS[name].module}", __package__)
    # typer makes a command of an application that has only one.
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    function = getattr(module, name)
    alone.command(name, cls=Command)(function)
    built: Any = typer.main.get_command(alone)
    for parameter in built.params:
        if parameter.name == "format":
            offered, _ = get_args(signature(function, eval_str=True).parameters["format"].annotation)
            _be_lenient(parameter, name, {format.value for format in offered})
    return built


def _be_lenient(option: Any, command_name: str, offered: Set[str]) -> None:
    """Have a format that only other commands know mean text in the variable.

    One ``CALIBSTATE_FORMAT`` serves all commands of a shell or a workflow, and
    not all of them have every format.  What is written on the command line is
    meant for this command, and stays a mistake.
    """
    read_variable = option.resolve_envvar_value

    def read_leniently(context: Any) -> str | None:
        from ..views.render import Format

        word: str | None = read_variable(context)
        words = {format.value for format in Format}
        if word not in words or word in offered:
            return word
        # What is completed has no reader for notes.
        if not context.resilient_parsing:
            from . import screen

            screen.tell(f"CALIBSTATE_FORMAT is {word}, which `{command_name}` does not have: it writes text.")
        return Format.TEXT.value

    option.resolve_envvar_value = read_leniently


def _notice_variables(name: str, args: Sequence[str]) -> None:
    """Tell of variables that no command reads, before one is run."""
    # Help is for all times, and does not read any.
    if not any(variable.startswith("CALIBSTATE_") for variable in os.environ) or "--help" in args:
        return
    from .environment import sentences_of_unread

    for sentence in sentences_of_unread(command(name), map(command, COMMANDS)):
        from . import screen

        screen.tell(sentence)


class _Listed(TyperCommand):
    """A command of the table; the real one takes over when it is run."""

    @override
    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        return command(str(self.name)).make_context(*arguments, **settings)


class Commands(TyperGroup):
    """All commands of the table, whatever has been imported so far."""

    def __init__(self, **settings: Any) -> None:
        listed = {name: _Listed(name, help=entry.line) for name, entry in COMMANDS.items()}
        settings = {**settings, "commands": listed, "subcommand_metavar": "COMMAND …"}
        super().__init__(**settings)

    @override
    def parse_args(self, context: Any, args: list[str]) -> list[str]:
        """Take the options that stand before the command."""
        with located(context):
            left_over: list[str] = super().parse_args(context, args)
        return left_over

    @override
    def resolve_command(self, context: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that is meant, or say what is near."""
        name = args[0]
        if name == "help":
            # What --help shows: of the program, or of a command.
            if len(args) == 1:
                typer.echo(context.get_help())
                raise typer.Exit
            return self.resolve_command(context, [args[1], "--help"])
        if name not in self.commands and not name.startswith("-"):
            raise UnknownCommandError(name)
        if name in self.commands and not context.resilient_parsing:
            _notice_variables(name, args)
        resolved: tuple[str | None, Any, list[str]] = super().resolve_command(context, args)
        return resolved

    @override
    def format_commands(self, context: Any, formatter: Any) -> None:
        """Write the commands, those of a group together."""
        widest = max(map(len, COMMANDS))
        for group in Group:
            rows: list[tuple[str, str]] = []
            for name, entry in COMMANDS.items():
                if entry.group is group:
                    line = self.commands[name].get_short_help_str(formatter.width - widest - 4)
                    # So that the lines of all groups begin at one column.
                    rows.append((name.ljust(widest), line))
            with formatter.section(group.value):
                formatter.write_dl(rows)

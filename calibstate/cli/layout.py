"""How the help of a command is laid out: its usage, arguments and options.

What the parser would add by itself (types, brackets in brackets, the variable
of each option, ranges of numbers) is left out: the help of an option says what
a person has to know of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand
from typing_extensions import override

from .misread import TooManyArgumentsError

__all__ = [
    "OLD_NAMES",
    "WRONG_USAGE",
    "Command",
    "is_argument",
    "located",
    "shown_names",
    "variable_of",
]

WRONG_USAGE: Any = typer.BadParameter.__mro__[1]
"""Base of the parser's errors of usage; typer may carry its own click."""

OLD_NAMES = frozenset({"--full", "--most"})
"""Names of options that are still understood, and told nowhere."""


def is_argument(parameter: Any) -> bool:
    """Say whether a parameter of a command is an argument, not an option."""
    return bool(parameter.param_type_name == "argument")


def shown_names(option: Any) -> list[str]:
    """Return the names of an option that are told, the short one first."""
    names = [name for name in option.opts if name not in OLD_NAMES]
    return sorted(names, key=lambda name: name.startswith("--"))


def _of_all_commands(context: Any) -> list[Any]:
    """Return the options of the program that each command takes as well."""
    if context.parent is None:
        return []
    # The others do something of their own, and nothing else.
    parameters = context.parent.command.params
    return [option for option in parameters if option.expose_value and not option.is_eager]


@contextmanager
def located(context: Any) -> Iterator[None]:
    """Have every error of the parser know the command that it is about."""
    try:
        yield
    except WRONG_USAGE as error:
        error.ctx = error.ctx or context
        raise


def _shown(parameter: Any) -> str:
    """Return what a parameter is called in the help, with its value."""
    if is_argument(parameter):
        return str(parameter.metavar)
    names = ", ".join(shown_names(parameter))
    if parameter.is_flag or parameter.count:
        return names
    return f"{names} {parameter.metavar}"


class Command(TyperCommand):
    """A command whose help is laid out by us."""

    @override
    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, with the options that all commands have."""
        own: list[Any] = super().get_params(ctx)
        return [*own[: len(self.params)], *_of_all_commands(ctx), *own[len(self.params) :]]

    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the command, as if options of all commands stood in front."""
        given: dict[str, Any] = {}
        for option in _of_all_commands(ctx):
            value = ctx.params.pop(option.name)
            source = ctx.get_parameter_source(option.name)
            if source is not None and source.name == "COMMANDLINE":
                given[option.name] = value
        if given:
            program = ctx.parent
            program.invoke(program.command.callback, **{**program.params, **given})
            ctx.obj = program.obj
        return super().invoke(ctx)

    @override
    def parse_args(self, context: Any, args: list[str]) -> list[str]:
        """Take the words of a command line, and refuse what is left over."""
        # It is we who say so, and not the parser.
        context.allow_extra_args = True
        with located(context):
            left_over = super().parse_args(context, args)
        if left_over and not context.resilient_parsing:
            raise TooManyArgumentsError(left_over, context)
        return left_over

    @override
    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a shell offers: all but old names of options."""
        offered: list[Any] = super().shell_complete(ctx, incomplete)
        return [item for item in offered if item.value not in OLD_NAMES]

    @override
    def collect_usage_pieces(self, context: Any) -> list[str]:
        """Return what stands behind the command in the line of its usage."""
        pieces = ["[OPTIONS]"]
        for parameter in self.params:
            if is_argument(parameter):
                pieces.append(str(parameter.metavar))
        return pieces

    @override
    def format_options(self, context: Any, formatter: Any) -> None:
        """Write the arguments and the options, each with its help."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Of all commands": []}
        for parameter in self.get_params(context):
            heading = "Of all commands"
            if parameter in self.params:
                heading = "Arguments" if is_argument(parameter) else "Options"
            if not parameter.hidden:
                sections[heading].append((_shown(parameter), parameter.help))
        # `write_dl` begins the second column behind the widest of its rows.
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
        self._format_variables(formatter)

    def _format_variables(self, formatter: Any) -> None:
        """Write that options have variables, with one of them."""
        for parameter in self.params:
            if not is_argument(parameter) and parameter.envvar:
                name = shown_names(parameter)[-1]
                formatter.write_paragraph()
                formatter.write_text(
                    f"Options have variables, as {name} is also {variable_of(parameter)}: "
                    "see `Environment` in the reference."
                )
                return


def variable_of(option: Any) -> str:
    """Return the variable of an option that people are told."""
    variables = option.envvar
    return variables if isinstance(variables, str) else str(variables[0])

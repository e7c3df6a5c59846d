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

__all__ = ["WRONG_USAGE", "Command", "is_argument", "located", "shown_names", "variable_of"]

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


@contextmanager
def located(context: Any) -> Iterator[None]:
    """Have every error of the parser know the command that it is about."""
    try:
        yield
    except WRONG_USAGE as error:
        error.ctx = error.ctx or context
        raise


class Command(TyperCommand):
    """A command whose help is laid out by us."""

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
        arguments: list[tuple[str, str]] = []
        options: list[tuple[str, str]] = []
        parameters: list[Any] = list(self.get_params(context))
        for parameter in parameters:
            if parameter.hidden:
                continue
            if is_argument(parameter):
                arguments.append((parameter.metavar, parameter.help))
                continue
            names = ", ".join(shown_names(parameter))
            if not parameter.is_flag:
                names += f" {parameter.metavar}"
            options.append((names, parameter.help))
        # `write_dl` begins the second column behind the widest of its rows.
        for heading, rows in ("Arguments", arguments), ("Options", options):
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

"""What a command is about: an argument, and also an option.

``calibstate history LSSTComCam/calib`` is the same as ``calibstate history
--chain LSSTComCam/calib``.  Of a list, both forms together are one list; of a
single thing, they have to name the same one.  What an argument names is meant
for this one command: the variable of its option is not read then.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import typer

from ..errors import Diagnostic, UsageError
from .misread import MissingArgumentError

__all__ = ["BaseNoun", "Noun", "argument", "is_of_variable"]

Completion = Callable[[typer.Context, str], list[str]]


@dataclass(frozen=True)
class Noun:
    """The mark of a parameter that is an argument and an option.

    The annotation and the default of the parameter say whether there may be
    several, and whether there may be none.
    """

    metavar: str
    """What stands for it in the help; the option is called so, too."""

    help: str

    completion: Completion | None = None
    """What offers its names to a shell."""

    names: tuple[str, ...] = ()
    """Names of the option, where it is not called as it stands in the help."""

    has_variable: bool = True
    """Whether the option has one.  What a command acts on is said each time,
    and never left in a shell."""

    def options(self, parameter: inspect.Parameter, type_: Any) -> Iterator[inspect.Parameter]:
        """Yield what typer is to see in place of a parameter: both forms.

        Parameters
        ----------
        parameter
            As the command has it.
        type_
            Its type, without marks.
        """
        is_needed = parameter.default is inspect.Parameter.empty
        is_list = _is_list(type_)
        # The parser cannot know that one of two forms is enough.
        optional = _without_none(type_) | None
        shown = argument(
            self.metavar, self.help, self.completion, may_lack=not is_needed, may_be_several=is_list
        )
        yield parameter.replace(
            name=_argument_of(parameter.name), annotation=Annotated[optional, shown], default=None
        )
        names = self.names or (f"--{self.metavar.lower()}",)
        variable = None
        if self.has_variable and not is_needed:
            variable = f"CALIBSTATE_{names[-1].strip('-').upper()}"
        help = f"{self.metavar} as an option"
        if is_list:
            help += "; can be repeated"
        option = typer.Option(
            *names,
            metavar=self.metavar,
            help=f"{help}.",
            autocompletion=self.completion,
            envvar=variable,
        )
        yield parameter.replace(annotation=Annotated[optional, option], default=None)

    def take(self, parameter: inspect.Parameter, type_: Any, values: dict[str, Any], context: Any) -> Any:
        """Return what the two forms say, and take it out of all values.

        Parameters
        ----------
        parameter, type_
            As for `options`.
        values
            What no parameter has taken yet.
        context
            It says what came from a variable.

        Raises
        ------
        UsageError
            They say different things, or nothing is said that is needed.
        """
        by_argument = values.pop(_argument_of(parameter.name))
        by_option = values.pop(parameter.name)
        if by_argument and is_of_variable(context, parameter.name):
            by_option = None
        value = by_argument or by_option
        if by_argument and by_option:
            if _is_list(type_):
                value = [*by_argument, *by_option]
            elif by_argument != by_option:
                detail = f"{self.metavar} is {by_argument} as an argument, and {by_option} as an option."
                raise UsageError(Diagnostic("Given twice", detail, hint="Give one of them."))
        if value:
            return value
        if parameter.default is inspect.Parameter.empty:
            raise MissingArgumentError(context.info_name, self.metavar)
        return parameter.default


BaseNoun = Annotated[
    str | None, Noun("BASE", "A commit, branch, tag or date; else where the main branch was left.")
]


def argument(
    metavar: str, help: str, completion: Completion | None, *, may_lack: bool, may_be_several: bool
) -> Any:
    """Return an argument of typer, which is shown as all of them are.

    Parameters
    ----------
    metavar
        What stands for it.
    help
        What it is.
    completion
        What offers its names.
    may_lack, may_be_several
        How many there are.
    """
    shown = f"[{metavar}]" if may_lack else metavar
    if may_be_several:
        shown += "…"
    return typer.Argument(metavar=shown, help=help, autocompletion=completion, show_default=False)


def is_of_variable(context: Any, name: str) -> bool:
    """Say whether the value of an option comes from its variable."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


def _argument_of(name: str) -> str:
    return f"{name}_argument"


def _without_none(type_: Any) -> Any:
    if get_origin(type_) is UnionType:
        return get_args(type_)[0]
    return type_


def _is_list(type_: Any) -> bool:
    return get_origin(_without_none(type_)) is list

"""Options that commands share, in groups that are declared once.

A command takes a group as one parameter.  `grouped` puts the options of the
group in its place before typer reads the signature, and gathers their values
again when the command is run::

    @app.command()
    @grouped
    def show(context: typer.Context, *, narrowing: Narrowing) -> None:

Some commands have a part of a group, ``Annotated[Narrowing,
without("ticket")]``, and some are about a noun of it, which is their argument
as well: ``Annotated[Narrowing, about(PLACE)]``.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from ..errors import Diagnostic, UsageError
from ..model.guards import Allowed
from ..model.names import RepositoryAddress
from ..model.scope import Scope
from ..views.render import SUFFIXES, Format, format_of_suffix, formats_of
from . import completing, terminal
from .nouns import Noun, argument, is_of_variable
from .options import (
    AllowOption,
    ArchiveBytesOption,
    BecauseOption,
    ExcludeOption,
    FilesOption,
    InstrumentOption,
    MaxAgeOption,
    NoCacheOption,
    ObservedOption,
    OnlyHereOption,
    OutputOption,
    OverrideOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    allowed,
)

__all__ = [
    "PLACE",
    "TICKET",
    "Files",
    "Looking",
    "Narrowing",
    "Passing",
    "about",
    "grouped",
    "scope",
    "shown_as",
    "without",
]


@dataclass(frozen=True)
class Narrowing:
    """What a command is narrowed to."""

    site: SiteOption = None
    repository: RepositoryOption = None
    instrument: InstrumentOption = None
    ticket: TicketOption = None
    exclude: ExcludeOption = None
    places: tuple[str, ...] = ()
    """Sites and repositories that arguments name."""


@dataclass(frozen=True)
class Files:
    """How closely files are looked at."""

    files: FilesOption = False
    archive_bytes: ArchiveBytesOption = False


@dataclass(frozen=True)
class Looking:
    """Which places are asked, and what is taken from elsewhere."""

    observed: ObservedOption = None
    max_age: MaxAgeOption = None
    only_here: OnlyHereOption = False
    no_cache: NoCacheOption = False


@dataclass(frozen=True)
class Passing:
    """Guards that a person passes."""

    allow: AllowOption = None
    because: BecauseOption = None
    override: OverrideOption = None

    def allowed(self) -> Allowed:
        """Return what a person allows.

        Raises
        ------
        UsageError
            There is no reason, or nothing that it is for.
        """
        return allowed(self.allow, self.because, self.override)


def scope(narrowing: Narrowing, files: Files | None = None) -> Scope:
    """Return what a command was narrowed to.

    Parameters
    ----------
    narrowing, files
        What arguments and options say.
    """
    files = files or Files()
    sites = list(narrowing.site or ())
    repositories = list(narrowing.repository or ())
    sites_alone = [place for place in narrowing.places if "/" not in place]
    if len(sites_alone) == len(narrowing.places):
        sites += sites_alone
    else:
        # A site beside a repository stands for all that the site has.
        for place in narrowing.places:
            repositories.append(place if "/" in place else f"{place}/*")
    return Scope(
        tuple(sites),
        tuple(map(RepositoryAddress, repositories)),
        tuple(narrowing.instrument or ()),
        tuple(narrowing.ticket or ()),
        tuple(narrowing.exclude or ()),
        files=files.files or files.archive_bytes,
        every_byte=files.archive_bytes,
    )


@dataclass(frozen=True)
class _Without:
    """Options of a group that a command does not have."""

    names: tuple[str, ...]


def without(*names: str) -> _Without:
    """Return the mark of a group that lacks some of its options."""
    return _Without(names)


@dataclass(frozen=True)
class _About:
    """The noun of a group that is an argument as well."""

    noun: Noun

    field: str
    """Where the group keeps what the argument says."""

    same: tuple[str, ...]
    """Options that say the same; their variables are not read beside it."""


PLACE = Noun("PLACE", "A site, or SITE/REPOSITORY; as --site and --repository.", completing.looked_at)
PLACE_OR_PLAN = Noun("PLACE|PLAN", "Sites, or SITE/REPOSITORY; or a saved plan.", completing.looked_at)
PLACE_OR_CHAIN = Noun("PLACE|CHAIN", "A site or SITE/REPOSITORY, or declared chains.", completing.looked_at)
TICKET = Noun("TICKET", "TICKET, or INSTRUMENT/TICKET; as --ticket.", completing.tickets)


def about(noun: Noun) -> _About:
    """Return the mark of a group that narrows a command, by its argument too.

    Parameters
    ----------
    noun
        One of those above.
    """
    if noun is TICKET:
        return _About(noun, "ticket", ("ticket",))
    return _About(noun, "places", ("site", "repository"))


@dataclass(frozen=True)
class _ShownAs:
    """The result whose formats a command offers."""

    result: str

    is_stream: bool
    """Whether it is shown as it comes, so that no file holds it as a whole."""


def shown_as(result: str, *, is_stream: bool = False) -> _ShownAs:
    """Return the mark of a command's ``--format`` and ``--output``.

    Parameters
    ----------
    result
        What the command shows, as the table of views calls it; the command
        offers the formats that the table has for it.
    is_stream
        Whether it is shown as it comes: then there is no ``--output``.
    """
    return _ShownAs(result, is_stream)


_ARGUMENTS = "arguments"
"""What typer calls the argument of a group."""

_FILE = "result_file"
"""What typer calls the file that a result is written to."""

_CONTEXT = "context"
"""The parameter that tells where values come from."""


class _Parameter:
    """A parameter of a command, and the options that stand for it."""

    def __init__(self, name: str, annotation: Any, parameter: inspect.Parameter, *, has_output: bool) -> None:
        self.name = name
        self._annotation = annotation
        self._parameter = parameter
        self._type = annotation
        self._marks: tuple[Any, ...] = ()
        if get_origin(annotation) is Annotated:
            self._type, *marks = get_args(annotation)
            self._marks = tuple(marks)
        self._has_file = self._type is Format and not has_output and not self._marks[0].is_stream
        self._abouts = [mark for mark in self._marks if isinstance(mark, _About)]
        self._noun = next((mark for mark in self._marks if isinstance(mark, Noun)), None)

    def options(self) -> Iterator[inspect.Parameter]:
        """Yield what typer is to see in place of the parameter."""
        for about in self._abouts:
            noun = about.noun
            shown = argument(noun.metavar, noun.help, noun.completion, may_lack=True, may_be_several=True)
            annotation = Annotated[list[str] | None, shown]
            yield self._parameter.replace(name=_ARGUMENTS, annotation=annotation, default=None)
        if self._is_group():
            yield from self._options_of_group()
        elif self._noun:
            yield from self._noun.options(self._parameter, self._type)
        elif self._type is Format:
            yield self._format_option()
            if self._has_file:
                yield self._parameter.replace(name=_FILE, annotation=OutputOption, default=None)
        else:
            yield self._parameter.replace(annotation=self._annotation)

    def take(self, values: dict[str, Any], context: typer.Context) -> Any:
        """Return the value of the parameter, and take it out of all values.

        Parameters
        ----------
        values
            Values of options that no parameter has taken yet.
        context
            It says what comes from variables.
        """
        if self._noun:
            return self._noun.take(self._parameter, self._type, values, context)
        if self._is_group():
            return self._take_group(values, context)
        value = values.pop(self.name)
        if self._has_file:
            terminal.wanted.output = values.pop(_FILE)
            _check_suffix(terminal.wanted.output, self._marks[0].result)
        # typer knows an enumeration of the formats of this command only.
        return Format(value.value) if self._type is Format else value

    def _take_group(self, values: dict[str, Any], context: typer.Context) -> Any:
        of_group = {option.name: values.pop(option.name) for option in self._options_of_group()}
        for about in self._abouts:
            words = values.pop(_ARGUMENTS)
            if not words:
                continue
            # Whoever names something means it, whatever a shell still holds.
            for name in about.same:
                if name in of_group and is_of_variable(context, name):
                    of_group[name] = None
            of_group[about.field] = (*words, *(of_group.get(about.field) or ()))
        return self._type(**of_group)

    def _is_group(self) -> bool:
        return dataclasses.is_dataclass(self._type)

    def _options_of_group(self) -> Iterator[inspect.Parameter]:
        left_out: set[str] = set()
        for mark in self._marks:
            if isinstance(mark, _Without):
                left_out.update(mark.names)
        annotations = get_type_hints(self._type, include_extras=True)
        for field in dataclasses.fields(self._type):
            # What only arguments say has no option.
            if field.name not in left_out and get_origin(annotations[field.name]) is Annotated:
                yield inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=field.default,
                    annotation=annotations[field.name],
                )

    def _format_option(self) -> inspect.Parameter:
        (mark,) = self._marks
        # It is not known before it runs which members there are.
        enumeration: Any = Enum
        offered = enumeration("Format", [(f.name, f.value) for f in formats_of(mark.result)])
        option = typer.Option(
            "--format",
            metavar="|".join(format.value for format in offered),
            envvar="CALIBSTATE_FORMAT",
            help="How the result is written; text unless told.",
        )
        default = offered(Format.TEXT.value)
        return self._parameter.replace(annotation=Annotated[offered, option], default=default)


def _check_suffix(file: Path | None, result: str) -> None:
    """Refuse a file of a tree, or for a format that a result lacks.

    Raises
    ------
    UsageError
        Before anything is looked at.
    """
    if file is None:
        return
    # Before a look that may take long, and only where it is asked for.
    from ..work.namedfiles import refuse_of_a_tree

    refuse_of_a_tree(file)
    format = format_of_suffix(file)
    offered = formats_of(result)
    if format is not None and format not in offered:
        suffixes = ", ".join(suffix for suffix, meant in SUFFIXES.items() if meant in offered)
        detail = f"--output {file}: this command writes no {format.value}."
        raise UsageError(Diagnostic("Format of the file is not known", detail, hint=f"Known are {suffixes}."))


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command take the options of its groups one by one.

    Parameters
    ----------
    command
        A function, each of whose parameters is an option of typer or a group.
    """
    annotations = get_type_hints(command, include_extras=True)
    # Some commands write files of their own by this option.
    has_output = "output" in annotations
    for annotation in annotations.values():
        for mark in get_args(annotation):
            if isinstance(mark, Noun) and "--output" in mark.names:
                has_output = True
    parameters = [
        _Parameter(name, annotations[name], parameter, has_output=has_output)
        for name, parameter in inspect.signature(command).parameters.items()
    ]

    @wraps(command)
    def flat(**values: Any) -> None:
        context = values[_CONTEXT] if has_context else values.pop(_CONTEXT)
        command(**{parameter.name: parameter.take(values, context) for parameter in parameters})

    has_context = _CONTEXT in annotations
    options: list[inspect.Parameter] = []
    if not has_context:
        keyword = inspect.Parameter.KEYWORD_ONLY
        options.append(inspect.Parameter(_CONTEXT, keyword, annotation=typer.Context))
    for parameter in parameters:
        for option in parameter.options():
            options.append(option.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    flat.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    flat.__annotations__ = {option.name: option.annotation for option in options}
    return flat

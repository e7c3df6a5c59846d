"""Configuration of the Rubin stack (``pex_config``): read, and never run.

The stack runs such a file as a program.  Here it comes from anybody who can
open a pull request, so it is data: of Python only ``config.NAME = VALUE`` is
understood, with a plain value.  Python's own parser makes a tree of it, and
nothing of the tree is ever compiled, imported or evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import Diagnostic, InvalidStateError, Where
from ..model.skymaps import Plain, Scalar
from .yamlsource import MAX_PROBLEMS, UNSEEN, decoded

__all__ = ["LARGEST", "Setting", "read_settings"]

LARGEST = 64 * 1024
"""Bytes of the largest file that is read; what the stack saves of a skymap has
about 10 KiB."""

_LARGEST_NUMBER = 2**63
"""Beyond it is no number of a configuration; infinity is, too."""

_ONLY_SETTINGS = "Nothing in this file is run, so only `config.NAME = VALUE` is read of Python."
_PLAIN_VALUE = "Write text, a number, a fraction of two numbers, True, False, None, or a list of these."


@dataclass(frozen=True)
class Setting:
    """A value that a file sets."""

    path: tuple[str, ...]
    """Behind ``config``: names, and keys in brackets (``[rings]``)."""

    value: Plain

    where: Where
    """The line that sets it."""

    @property
    def name(self) -> str:
        """The path as one reads it."""
        name = "config"
        for step in self.path:
            if step.startswith("["):
                name += f'["{step[1:-1]}"]'
            else:
                name += f".{step}"
        return name


def read_settings(content: bytes, file: str, of: str) -> tuple[Setting, ...]:
    """Return what a configuration file sets, in its order.

    Parameters
    ----------
    content
        What the file holds.
    file
        Its name, for messages.
    of
        The class of the configuration; a saved file says of which it is.

    Raises
    ------
    InvalidStateError
        It is no text, is too large, or holds what is no setting: all that is
        wrong, by line.
    """
    if len(content) > LARGEST:
        raise InvalidStateError(
            Diagnostic(
                "File too large",
                f"The file is larger than {LARGEST >> 10} KiB; no configuration is.",
                Where(file, 1),
                "Look what it really holds.",
            )
        )
    text = decoded(content, file)
    # A backslash is in no configuration, and Python warns of some of them.
    strange = re.search(rf"{UNSEEN.pattern}|\\", text)
    if strange:
        before = text[: strange.start()]
        lines = before.split("\n")
        code_point = ord(strange[0])
        problem = Diagnostic(
            "Strange character",
            f"The character U+{code_point:04X} is in no configuration.",
            Where(file, len(lines), len(lines[-1]) + 1),
            "Take it out.",
        )
        raise InvalidStateError(problem)
    try:
        statements = ast.parse(text).body
    except SyntaxError as error:
        where = Where(file, error.lineno or 1, error.offset or 1)
        problem = Diagnostic(
            "Invalid configuration",
            f"It is no Python: {error.msg}.",
            where,
        )
        raise InvalidStateError(problem) from None
    except (ValueError, RecursionError, MemoryError):
        # The parser gives up on what is nested a thousand times.
        problem = Diagnostic(
            "Invalid configuration",
            "It is nested too deeply to be a configuration.",
            Where(file, 1),
        )
        raise InvalidStateError(problem) from None
    settings: list[Setting] = []
    problems: list[Diagnostic] = []
    for statement in statements:
        where = Where(file, statement.lineno, statement.col_offset + 1)
        try:
            settings.extend(_settings_of(statement, where, of))
        except _NotPlainError as error:
            problems.append(error.diagnostic(where))
        if len(problems) == MAX_PROBLEMS:
            break
    if problems:
        raise InvalidStateError(*problems)
    return tuple(settings)


class _NotPlainError(Exception):
    """A statement is no setting of a plain value; it says why."""

    def __init__(self, summary: str, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self._summary = summary
        self._detail = detail
        self._hint = hint

    def diagnostic(self, where: Where) -> Diagnostic:
        """Return what a person is told of it."""
        return Diagnostic(self._summary, self._detail, where, self._hint)


def _settings_of(statement: ast.stmt, where: Where, of: str) -> Iterator[Setting]:
    """Yield the setting that a statement is, unless it says nothing to us."""
    if isinstance(statement, ast.Import):
        # What the stack saves begins with the modules that it is made of.
        for alias in statement.names:
            if alias.asname or not alias.name.startswith("lsst."):
                raise _NotPlainError("Not a setting", f"{_ONLY_SETTINGS} This is an import.")
        return
    if isinstance(statement, ast.Assert):
        _check_class(statement, of)
        return
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        raise _NotPlainError("Not a setting", _ONLY_SETTINGS)
    path = _path(statement.targets[0])
    if path is None:
        raise _NotPlainError("Not a setting", f"{_ONLY_SETTINGS} What is set here is something else.")
    yield Setting(path, _value(statement.value), where)


def _check_class(statement: ast.Assert, of: str) -> None:
    """Refuse an assertion but that the configuration is of its class."""
    match statement.test:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="config")], keywords=[]),
            comparators=[named_class],
        ):
            named = _path(named_class, root="lsst")
        case _:
            named = None
    if named is None:
        raise _NotPlainError("Not a setting", f"{_ONLY_SETTINGS} This is an assertion.")
    if named[-1] != of:
        detail = f"It is saved from {named[-1]}, and not from {of}."
        raise _NotPlainError("Configuration of something else", detail)


def _path(target: ast.expr, root: str = "config") -> tuple[str, ...] | None:
    """Return the steps of ``config.NAME["KEY"]``; `None`: it is no such."""
    steps: list[str] = []
    while True:
        match target:
            case ast.Attribute(value=above, attr=name):
                steps.append(name)
            case ast.Subscript(value=above, slice=ast.Constant(value=str(key))):
                steps.append(f"[{key}]")
            case ast.Name(id=name) if name == root and steps:
                return tuple(reversed(steps))
            case _:
                return None
        target = above


def _value(node: ast.expr) -> Plain:
    """Return a value that needs no evaluation."""
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(_scalar(item) for item in node.elts)
    return _scalar(node)


def _scalar(node: ast.expr) -> Scalar:
    match node:
        case ast.Constant(value=bool() | str() | None as value):
            return value
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            above = _number(left)
            below = _number(right)
            if below == 0:
                raise _NotPlainError("Not a plain value", "It is divided by zero.")
            return above / below
        case _:
            return _number(node)


def _number(node: ast.expr) -> int | float:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as operand):
            return -_number(operand)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            if number >= _LARGEST_NUMBER:
                detail = "No number of a configuration is so large."
                raise _NotPlainError("Not a plain value", detail)
            return number
        case _:
            raise _NotPlainError("Not a plain value", _ONLY_SETTINGS, _PLAIN_VALUE)

"""Command lines that we do not understand, where the parser would have.

`refusals` says of them, and of those that the parser refuses, what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["MisreadError", "MissingArgumentError", "TooManyArgumentsError", "UnknownCommandError"]


class MisreadError(Exception):
    """Base of what is raised for a command line that is not understood."""


class MissingArgumentError(MisreadError):
    """What a command is about is named in none of its forms.

    Parameters
    ----------
    command
        The command.
    metavar
        What stands for it in the help.
    """

    def __init__(self, command: str, metavar: str) -> None:
        super().__init__(command, metavar)
        self.command = command
        self.metavar = metavar


class TooManyArgumentsError(MisreadError):
    """Words are left over that nothing takes.

    Parameters
    ----------
    words
        The words.
    context
        Of the command.
    """

    def __init__(self, words: Sequence[str], context: Any) -> None:
        super().__init__(words, context)
        self.words = words
        self.context = context


class UnknownCommandError(MisreadError):
    """There is no command of a name.

    Parameters
    ----------
    word
        What was typed.
    """

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word

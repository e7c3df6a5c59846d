"""Words of a script: what is declared must never become a command.

A pull request may declare anything, and who reviews it runs the script.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

__all__ = ["ShellWord", "expanded", "in_document", "quoted", "shortened"]

_SPECIAL = re.compile(r'[\\"`$]')
"""What means something to a shell between double quotes."""

_SPECIAL_IN_DOCUMENT = re.compile(r"[\\`$]")
"""What means something to a shell in a document that it expands."""

_NO_VARIABLE = r"\$(?!\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z_])"
"""A dollar that begins no name of a variable."""

_SPECIAL_BUT_FOR_VARIABLES = re.compile(r'[\\"`]|' + _NO_VARIABLE)
_SPECIAL_IN_DOCUMENT_BUT_FOR_VARIABLES = re.compile(r"[\\`]|" + _NO_VARIABLE)


class ShellWord(str):
    """A word of the script's own, in which the shell sets variables."""


def quoted(word: str) -> str:
    """Return a word as a shell takes it, in the quotes that read best.

    Parameters
    ----------
    word
        The word, as the command is to get it.
    """
    if "'" in word and not _SPECIAL.search(word) and "!" not in word:
        return f'"{word}"'
    return shlex.quote(word)


def shortened(word: str, variables: Mapping[str, str]) -> str:
    """Return a quoted word with variables where it holds their values.

    Parameters
    ----------
    word
        The word, as the command is to get it.
    variables
        Variable by value: ``{"LSSTComCam/raw/all": "$RAW_COLLECTION"}``.
    """
    values = sorted(variables, key=len, reverse=True)
    alternatives = "|".join(re.escape(value) for value in values)
    # A letter behind it would be taken for a part of the variable's name.
    parts = re.split(rf"({alternatives})(?![A-Za-z0-9_])", word)
    if len(parts) == 1:
        return quoted(word)
    text = ""
    for part in parts:
        text += variables.get(part) or _escaped(_SPECIAL, part)
    return f'"{text}"'


def expanded(setting: str) -> str:
    """Return a setting in double quotes, of which only variables are set.

    Parameters
    ----------
    setting
        A folder that may have ``${VARIABLE}`` in it.
    """
    text = _escaped(_SPECIAL_BUT_FOR_VARIABLES, setting)
    return f'"{text}"'


def in_document(text: str, *, has_variables: bool = False) -> str:
    """Return text for a document between ``<<EOF`` and ``EOF``.

    Parameters
    ----------
    text
        As it is to stand in the file.
    has_variables
        Whether the shell sets those that are in it.
    """
    special = _SPECIAL_IN_DOCUMENT
    if has_variables:
        special = _SPECIAL_IN_DOCUMENT_BUT_FOR_VARIABLES
    return _escaped(special, text)


def _escaped(special: re.Pattern[str], text: str) -> str:
    """Return a text with a backslash before all that is special in it."""
    return special.sub(r"\\\g<0>", text)

"""Files of their own, by which kinds of resources are declared.

Sites, tickets, chains and seals are what every tree has.  A kind that is
declared by none of them brings a form: a folder, and what a file in it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Diagnostic
from .names import Noun

__all__ = ["Beside", "Check", "Form", "Reader"]


Check = Callable[[Any, Any], Iterator[Diagnostic]]
"""Takes what a file says, `Written`, and all that is declared,
`DesiredState`; yields what does not fit."""


Reader = Callable[[bytes, str], Any]
"""Takes what a file holds, and its name; returns what it says, `Written`.  A
file that it cannot read raises `~calibstate.errors.InvalidStateError`."""


def _nothing(written: Any, desired: Any) -> Iterator[Diagnostic]:
    yield from ()


@dataclass(frozen=True)
class Beside:
    """Files of another sort, in the folder of those that name them."""

    suffix: str
    """How their names end, such as ``.config``."""

    title: str
    """What one of them is, for people, in a few words."""

    read: Reader
    """Reads one of them, as data."""


@dataclass(frozen=True)
class Form:
    """The files of one folder of a state tree: ``FOLDER/NAME.yaml``."""

    folder: str
    """Name of the folder, such as ``skymaps``."""

    noun: type[Noun]
    """What each file declares."""

    key: str
    """The field that says its name, and after which the file is called."""

    title: str
    """What it is, for people, in a few words."""

    check: Check = _nothing
    """Yields what is wrong with a file beside all others."""

    beside: Beside | None = None
    """Files that stand beside these; `None`: none do."""

    word: str = ""
    """What one of them is called; empty: as its key."""

    schema: str = ""
    """Name of its JSON Schema; empty: as it is called."""

    is_deployed: bool = True
    """Whether what it declares is brought to places by plans; else it is no
    part of the digest."""

    @property
    def called(self) -> str:
        """What one of them is called, in a word."""
        return self.word or self.key

    def name_of(self, noun: Noun) -> str:
        """Return the name that a file declares."""
        return str(getattr(noun, self.key))

    def file_of(self, name: str) -> str:
        """Return the file that declares a name, relative to the root."""
        return f"{self.folder}/{name}.yaml"

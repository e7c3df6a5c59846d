"""Name new tickets after the collections that they declare.

A ticket's name is the word behind ``INSTRUMENT/calib/``, where a collection
has one; of no instrument, the key of a ticket in it, or its last word.  Any
other collection gets a name of its own, which nothing else in the tree or in
the repository goes by.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from itertools import count

from ..model.desired import DesiredState
from ..model.names import ANY, InstrumentName, is_issue_key
from .live import Live

__all__ = ["TicketNames"]

_LONGEST = 150
"""Letters of an invented name; it becomes the name of a file."""


@dataclass(frozen=True)
class TicketNames:
    """The names that new tickets of an instrument may have."""

    live: Live
    desired: DesiredState
    instrument: InstrumentName

    @property
    def prefix(self) -> str:
        """What ticket collections of the instrument begin with."""
        return f"{self.instrument}/calib/"

    def name_in(self, collection: str) -> str | None:
        """Return the ticket that the name of a collection says, if any."""
        segments = collection.split("/")
        word = segments[-1]
        if self.instrument != ANY:
            if not collection.startswith(self.prefix):
                return None
            # Behind INSTRUMENT/calib.
            word = segments[2]
        else:
            # What belongs to no instrument is called as others like it:
            # refcats/DM-49042/the_monster, pretrained_models/tac_cnn.
            for segment in segments:
                if is_issue_key(segment):
                    word = segment
        if self._is_free(word) and _can_be_ticket(word):
            return word
        return None

    def invented(self, collection: str, taken: Container[str]) -> str:
        """Return a name for a collection whose own name says no ticket.

        Parameters
        ----------
        collection
            The collection.
        taken
            Names of other new tickets.
        """
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", collection)
        base = base.strip("-.")[:_LONGEST]
        if not _can_be_ticket(base):
            base = f"captured-{base}".rstrip("-")
        name = base
        numbers = count(2)
        while name in taken or not self._is_free(name, collection):
            name = f"{base}-{next(numbers)}"
        return name

    def _is_free(self, word: str, collection: str = "") -> bool:
        """Say whether nothing but one collection goes by a word."""
        if (self.instrument, word) in self.desired.tickets:
            return False
        if word in self.desired.chains:
            return False
        return word not in self.live.collections or word == collection


def _can_be_ticket(word: str) -> bool:
    """Say whether a word can be a ticket whose file is read."""
    if len(word) > _LONGEST:
        return False
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", word):
        return False
    # Files of these names are none of the state tree.
    return not word.startswith(("README", "__pycache__"))

"""What is added to a state tree: new files, and lines in those that exist.

Nothing that a person wrote is taken away or replaced, so that is all that a
command can say of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .chains import ChainFile, Entry, ExternalEntry
from .names import RepositoryAddress, TicketKey
from .seals import Seal
from .tickets import Ticket

__all__ = ["Additions", "NewEntry", "with_entries", "with_skips"]


@dataclass(frozen=True)
class NewEntry:
    """An entry for a chain that is declared already."""

    before: int
    """Index of the entry that it stands in front of, in the file as it is;
    their number: at the end."""

    entry: Entry


@dataclass(frozen=True)
class Additions:
    """All that is added to a tree."""

    tickets: tuple[Ticket, ...] = ()
    """New tickets."""

    chains: tuple[ChainFile, ...] = ()
    """New chains; those within others first."""

    skips: Mapping[TicketKey, Mapping[RepositoryAddress, str]] = field(default_factory=dict)
    """Repositories that a declared ticket is to skip, with the reason."""

    entries: Mapping[str, tuple[NewEntry, ...]] = field(default_factory=dict)
    """New entries of declared chains, in their order."""

    only: Mapping[str, RepositoryAddress] = field(default_factory=dict)
    """Repository that is to have a declared chain, too."""

    expected: Mapping[str, Mapping[int, RepositoryAddress]] = field(default_factory=dict)
    """Repository where what others make is expected, too, by the index of the
    entry in the declared chain."""

    seals: tuple[Seal, ...] = ()
    """New seals."""

    remarks: Mapping[str, str] = field(default_factory=dict)
    """What was found, by ticket or collection, for comments."""

    heading: str = ""
    """First line of comments in new files."""

    def chain(self, written: ChainFile) -> ChainFile:
        """Return a declared chain with what is added to it."""
        name = written.chain
        changed: dict[str, Any] = {}
        if name in self.only:
            changed["only"] = (*written.only, self.only[name])
        expected = self.expected.get(name, {})
        entries: list[Entry] = []
        for index, entry in enumerate(written.entries):
            address = expected.get(index)
            # Only what others make can be expected at some places alone.
            if address and isinstance(entry, ExternalEntry):
                only = (*entry.only, address)
                entries.append(entry.model_copy(update={"only": only}))
            else:
                entries.append(entry)
        # Indices are of the file as it is, so new entries come last.
        new = self.entries.get(name, ())
        whole = with_entries(entries, new)
        changed["entries"] = tuple(whole)
        return written.model_copy(update=changed)


def with_skips(ticket: Ticket, more: Mapping[RepositoryAddress, str]) -> Ticket:
    """Return a ticket that skips more repositories."""
    return ticket.model_copy(update={"skip": {**ticket.skip, **more}})


def with_entries(entries: list[Entry], new: Iterable[NewEntry]) -> list[Entry]:
    """Return the entries of a chain with new ones at their places."""
    by_index: dict[int, list[Entry]] = {}
    for addition in new:
        before = by_index.setdefault(addition.before, [])
        before.append(addition.entry)
    whole: list[Entry] = []
    for index, entry in enumerate(entries):
        whole.extend(by_index.get(index, ()))
        whole.append(entry)
    # Those that stand before no entry come at the end.
    at_the_end = len(entries)
    whole.extend(by_index.get(at_the_end, ()))
    return whole

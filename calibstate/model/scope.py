"""What a command was narrowed to.

``--exclude`` names an address, a ticket, or a shell pattern of either; the
others name what is left.  All of them may be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from .names import RepositoryAddress, TicketKey

__all__ = ["Scope"]


@dataclass(frozen=True)
class Scope:
    """A part of the declared state."""

    sites: tuple[str, ...] = ()
    repositories: tuple[RepositoryAddress, ...] = ()
    instruments: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    """``TICKET`` or ``INSTRUMENT/TICKET``."""
    exclude: tuple[str, ...] = ()
    files: bool = False
    """Look at every file too, not only at those about to be searched."""
    every_byte: bool = False
    """Read every file of the archive too, for its checksum."""

    def has_repository(self, address: RepositoryAddress) -> bool:
        """Say whether a repository is looked at and changed."""
        site, _, _ = address.partition("/")
        if not _among(site, self.sites):
            return False
        if not _among(address, self.repositories):
            return False
        return not self._excluded(address, site)

    def leaves_out(self, address: RepositoryAddress) -> bool:
        """Say whether a repository was excluded by name."""
        site, _, _ = address.partition("/")
        return self._excluded(address, site)

    def has_instrument(self, instrument: str) -> bool:
        """Say whether an instrument's calibrations are."""
        return _among(instrument, self.instruments)

    def has_ticket(self, key: TicketKey) -> bool:
        """Say whether a ticket is."""
        # Most commands are narrowed to no ticket, and ask for each of them.
        if not (self.tickets or self.instruments or self.exclude):
            return True
        instrument, ticket = key
        full_name = f"{instrument}/{ticket}"
        is_named = _among(ticket, self.tickets) or _among(full_name, self.tickets)
        if not is_named or not self.has_instrument(instrument):
            return False
        return not self._excluded(ticket, full_name)

    def _excluded(self, *names: str) -> bool:
        """Say whether one of the names of a thing is excluded."""
        for pattern in self.exclude:
            for name in names:
                if fnmatchcase(name, pattern):
                    return True
        return False


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    """Say whether a pattern fits; without any, everything is asked for."""
    if not patterns:
        return True
    return any(fnmatchcase(name, pattern) for pattern in patterns)

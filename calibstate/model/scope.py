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
        site = address.partition("/")[0]
        return (
            _among(site, self.sites)
            and _among(address, self.repositories)
            and not self._excluded(address, site)
        )

    def leaves_out(self, address: RepositoryAddress) -> bool:
        """Say whether a repository was excluded by name."""
        return self._excluded(address, address.partition("/")[0])

    def has_instrument(self, instrument: str) -> bool:
        """Say whether an instrument's calibrations are."""
        return _among(instrument, self.instruments)

    def has_ticket(self, key: TicketKey) -> bool:
        """Say whether a ticket is."""
        if not (self.tickets or self.instruments or self.exclude):
            return True
        instrument, ticket = key
        names = (ticket, f"{instrument}/{ticket}")
        if self.tickets and not any(_among(name, self.tickets) for name in names):
            return False
        return self.has_instrument(instrument) and not self._excluded(*names)

    def _excluded(self, *names: str) -> bool:
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.exclude)


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)

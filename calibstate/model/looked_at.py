"""Which part of what is declared a command looked at."""

from __future__ import annotations

from .names import Noun, RepositoryAddress

__all__ = ["LookedAt"]


class LookedAt(Noun):
    """The part of what is declared that a command looked at."""

    repositories: tuple[RepositoryAddress, ...]
    """Addresses; those that could not be seen too."""

    of_repositories: int
    """How many are declared."""

    tickets: int
    """How many tickets concern them and were asked for."""

    of_tickets: int
    """How many are declared."""

    narrowed_by: tuple[str, ...] = ()
    """Options, and variables of the environment, that left the others out."""

    @property
    def is_narrowed(self) -> bool:
        """Whether somebody left out anything that is declared."""
        if not self.narrowed_by:
            return False
        return len(self.repositories) < self.of_repositories or self.tickets < self.of_tickets

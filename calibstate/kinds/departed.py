"""Whether tickets have left their origin: what they hold is final then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import InvalidStateError, UnreachableError
from ..model.names import TicketKey
from ..ports.places import ReadPlaces

__all__ = ["Departed", "OfTicket"]


class OfTicket(Protocol):
    """What belongs to a ticket."""

    @property
    def ticket(self) -> TicketKey | None:
        """The ticket."""

    @property
    def is_sealed(self) -> bool:
        """Whether it is sealed."""


class Departed:
    """Which tickets have left their origin: sealed, or in the archive."""

    def __init__(self, targets: Sequence[OfTicket], places: ReadPlaces) -> None:
        self.unseen = ""
        """Why the archive does not tell."""
        self._bundled: set[TicketKey] = set()
        keys = {target.ticket for target in targets if target.ticket and not target.is_sealed}
        try:
            for key, manifests in places.archive().bundles(keys).items():
                if manifests:
                    self._bundled.add(key)
        except InvalidStateError:
            # A bundle that cannot be read was a bundle once.
            self._bundled.update(keys)
        except UnreachableError as error:
            self.unseen = error.first.detail.rstrip(".")

    def how(self, target: OfTicket) -> str:
        """Say how a ticket has left its origin; empty: it has not."""
        if target.is_sealed:
            return "its ticket is sealed"
        if target.ticket in self._bundled:
            return "its ticket is in the archive"
        return ""

"""A ticket as declared: what was constructed, its approval, its deployment.

Construction, approval and deployment are three tickets in the field
(DMTN-222, section 3.4); the construction ticket names the collections.
"""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from typing import Annotated

from pydantic import Field

from .constructions import Construction, Recertification
from .curated import Curated
from .ingests import Ingest
from .names import CollectionName, InstrumentName, IssueKey, Noun, TicketKey, Word
from .settings import Bundles

__all__ = ["Approval", "ApprovalStatus", "RucioLabel", "Ticket"]


class ApprovalStatus(Enum):
    """State of the board's (TAXICAB's) ticket."""

    PROPOSED = "proposed"
    FLAGGED = "flagged"
    ADOPTED = "adopted"
    REJECTED = "rejected"


class Approval(Noun):
    """What the board said."""

    status: ApprovalStatus
    """Where the approval stands."""

    taxicab: IssueKey | None = None
    """The board's ticket."""

    note: str | None = None
    """Why there is no board's ticket, report or day, such as for what is older
    than its records."""

    report: str | None = None
    """The verification report."""

    date: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    """Day of the decision, ``YYYY-MM-DD``."""

    captured: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    """Day on which it was found live, ``YYYY-MM-DD``; `None`: it was declared
    before it was deployed."""

    seal: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """Digest of the seal that was approved."""


class RucioLabel(Noun):
    """What Rucio calls the ticket's dataset."""

    label: str = "calib"


class Ticket(Noun):
    """``tickets/INSTRUMENT/TICKET.yaml``."""

    ticket: Word
    """Name of the ticket."""

    instrument: InstrumentName
    """Its instrument; ``any`` for what belongs to none."""

    summary: str | None = None
    """What it brings, in a line."""

    approval: Approval
    """What the board said."""

    deployment: IssueKey | None = None
    """Ticket of the distribution."""

    collections: tuple[CollectionName, ...] = ()
    """Search order in the ticket collection; relative to it unless they
    begin with the instrument."""

    bare: tuple[CollectionName, ...] = ()
    """Instead: collections that stand in chains by themselves."""

    skip: dict[str, str] = Field(default_factory=dict)
    """Sites or repositories that do not get it, with the reason."""

    hold: str | None = None
    """Reason for deploying nothing of it, and changing nothing that is live,
    at present."""

    bundles: Bundles | None = None
    """Whether its bundle carries its files, where not as the tree says."""

    rucio: RucioLabel | None = None
    """What Rucio calls the ticket's dataset."""

    construction: Construction | None = None
    """How its collections are made; `None`: nobody says."""

    certify: tuple[Recertification, ...] = ()
    """Datasets of other collections that it certifies with other ranges."""

    ingest: tuple[Ingest, ...] = ()
    """Files of which its RUNs are made at the origin."""

    curated: Curated | None = None
    """Which calibrations of a package it is; `None`: it is none of these."""

    @property
    def key(self) -> TicketKey:
        """Instrument and ticket."""
        return TicketKey(self.instrument, self.ticket)

    @property
    def name(self) -> str:
        """Name for people and addresses: ``INSTRUMENT/TICKET``."""
        return f"{self.instrument}/{self.ticket}"

    @property
    def collection(self) -> str | None:
        """The ticket collection, a chain; `None` for a bare ticket."""
        if self.bare:
            return None
        return f"{self.instrument}/calib/{self.ticket}"

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Full names of its CALIBRATION and RUN collections, in order."""
        if self.bare:
            return self.bare
        return tuple(map(self.full_name, self.collections))

    @property
    def children(self) -> tuple[str, ...]:
        """What stands in a chain that lists the ticket, in search order."""
        # A ticket stands in chains as one collection, so that it comes and
        # goes as a whole; only a bare one has none that could stand there.
        return self.bare or (f"{self.instrument}/calib/{self.ticket}",)

    def full_name(self, name: CollectionName) -> CollectionName:
        """Return the full name of a collection, as the file has it.

        Parameters
        ----------
        name
            Its name, relative to the ticket unless it begins with the
            instrument.
        """
        if name.startswith(f"{self.instrument}/"):
            return name
        return f"{self.instrument}/calib/{self.ticket}/{name}"

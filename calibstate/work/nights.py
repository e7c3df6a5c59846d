"""Tell which nights a change concerns, by what sites published."""

from __future__ import annotations

from dataclasses import replace

from ..errors import UnreachableError
from ..model.exposures import ExposuresDocument
from ..model.names import RepositoryAddress
from ..model.results.impacts import ImpactReport
from .session import Session

__all__ = ["Nights"]


class Nights:
    """Exposures by night, as sites published them; each is read once.

    Parameters
    ----------
    session
        It says where they are published.
    """

    def __init__(self, session: Session) -> None:
        self._places = session.places()
        self._published: dict[RepositoryAddress, ExposuresDocument] = {}
        self._unknown: dict[RepositoryAddress, str] = {}

    def counted_in(self, report: ImpactReport) -> ImpactReport:
        """Return what a change does, with the nights that it concerns.

        Parameters
        ----------
        report
            What it does.
        """
        # With this numpy is imported.
        from ..lookups.touched import touched

        # Where nothing changes, nobody need know what was observed.
        wanted: dict[RepositoryAddress, None] = {}
        for chain in report.impact.chains:
            if chain.changes:
                wanted.update(dict.fromkeys(address for address, _ in chain.chains))
        for address in wanted:
            if address not in self._published and address not in self._unknown:
                self._read(address)
        exposures = touched(report.impact, self._published, self._unknown)
        return replace(report, touched=exposures)

    def _read(self, address: RepositoryAddress) -> None:
        """Read what was published of a repository, or why nothing is known."""
        try:
            exposures = self._places.exposures(address)
        except UnreachableError as error:
            # It may be read by many, where the report is a comment.
            self._unknown[address] = error.first.for_anybody.rstrip(".")
            return
        if exposures:
            self._published[address] = exposures
        else:
            self._unknown[address] = "nobody published them"

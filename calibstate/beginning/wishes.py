"""What a person wants of a new tree."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Wishes"]


@dataclass(frozen=True)
class Wishes:
    """What the command line says, as it was written."""

    sites: tuple[str, ...] = ()
    """Each ``SITE/REPOSITORY=BUTLER``, ``SITE=BUTLER``, or a ``SITE`` that
    has what the repository index lists."""

    instruments: tuple[str, ...] = ()
    """Each an instrument, or ``SITE/REPOSITORY=INSTRUMENT``."""

    origin: str | None = None
    """Where calibrations are made; `None`: at the first repository."""

    archive: str = "archive"
    """Where bundles are kept."""

    records: str = "records"
    """Where locks and journals are kept."""

    program: str | None = None
    """``OWNER/NAME@REF``; `None`: from where pip had it."""

    github: bool = True
    """Whether files for GitHub are written."""

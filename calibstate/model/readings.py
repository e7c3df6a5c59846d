"""A reading: how the files of a ticket are read, and what its data IDs mean.

The same bytes are another calibration where another formatter reads them,
where their dataset type has another storage class, or where detector 1 is
another detector.  So what says that is covered by digests, as bytes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from .fingerprints import digest_of_lines
from .names import Noun

__all__ = ["Reading", "means_something"]

_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

_MEANINGS: Mapping[str, frozenset[str]] = {
    "instrument": frozenset({"name"}),
    "exposure": frozenset(
        {
            "instrument",
            "id",
            "obs_id",
            "physical_filter",
            "day_obs",
            "seq_num",
            "observation_type",
            "timespan",
        }
    ),
}
"""Fields that say which instrument or exposure it is.  The others are
bookkeeping, which new versions of obs_lsst write anew (``exposure_max``), or
a description (``target_name``).  Of other elements every field counts: a
detector with another name is another detector."""


def means_something(element: str, field: str) -> bool:
    """Say whether another value of a field makes a record another one.

    Parameters
    ----------
    element
        Dimension element, such as ``detector``.
    field
        Field of its records.
    """
    # Of an element that nobody knows here every field may mean something.
    if element not in _MEANINGS:
        return True
    return field in _MEANINGS[element]


class Reading(Noun):
    """Digests of what a reader gets besides the bytes."""

    files: _Digest
    """RUN, formatter and file extension of each dataset."""

    types: _Digest
    """Dataset types, types of the collections, namespace of the dimensions."""

    records: _Digest
    """What dimension records say that gives data IDs their meaning."""

    rest: _Digest
    """All else of the dimension records (`means_something`), and the version
    of the dimensions."""

    docs: _Digest
    """Documentation of the collections."""

    @property
    def digest(self) -> str:
        """Digest of it all."""
        # In this order for ever: approvals name what follows from it.
        parts = [
            self.files,
            self.types,
            self.records,
            self.rest,
            self.docs,
        ]
        return digest_of_lines(parts)

    def differs_from(self, sealed: Reading | None) -> str:
        """Say in which parts it means something else than what was sealed.

        Bookkeeping and documentation may differ: people correct them.

        Parameters
        ----------
        sealed
            What it should be; `None` where nothing tells.

        Returns
        -------
        str
            The parts, for people; empty where all is the same.
        """
        if sealed is None:
            return ""
        # `rest` and `docs` are not compared here: they change no meaning.
        parts: list[str] = []
        if self.files != sealed.files:
            parts.append("formatters, RUNs or file extensions")
        if self.types != sealed.types:
            parts.append("dataset types, types of collections or the namespace of the dimensions")
        if self.records != sealed.records:
            parts.append("dimension records")
        return ", and ".join(parts)

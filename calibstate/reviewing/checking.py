"""A check while it is made: what it has counted so far, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model.reviews import Check, Checked, Fault, Finding, Note, Picked
from ..model.timespans import format_bound

__all__ = ["Checking"]


@dataclass
class Checking:
    """A check while it is made."""

    check: Check

    counts: dict[str, int] = field(default_factory=dict)
    """How much was looked at, by what it is."""

    findings: list[Finding] = field(default_factory=list)

    notes: dict[Note, None] = field(default_factory=dict)
    """Each once, though several chains may lead to the same."""

    failed_elsewhere: bool = False
    """Whether it fails for what another check has found."""

    def add(
        self,
        what: Fault,
        detail: str,
        *,
        collection: str | None = None,
        chains: Iterable[str] = (),
        dataset_type: str | None = None,
        data_ids: Iterable[str] = (),
        begin: int | None = None,
        end: int | None = None,
        expected: Picked | None = None,
        selected: Picked | None = None,
        files: Iterable[str] = (),
    ) -> None:
        """Add something that makes the review fail.

        Parameters
        ----------
        what
            What is wrong.
        detail
            In a sentence.
        collection, chains
            Where.
        dataset_type, data_ids
            Of which datasets.
        begin, end
            In which range, in nanoseconds of TAI; `None`: it is about none.
        expected, selected
            What should be selected, and what is.
        files
            Where the files are, or should be.
        """
        self.findings.append(
            Finding(
                check=self.check,
                what=what,
                collection=collection,
                chains=tuple(chains),
                dataset_type=dataset_type,
                data_ids=tuple(sorted(data_ids)),
                begin=None if begin is None else format_bound(begin),
                end=None if end is None else format_bound(end),
                expected=expected,
                found=selected,
                files=tuple(sorted(files)),
                detail=detail,
            )
        )

    def note(
        self,
        detail: str,
        dataset_type: str | None = None,
        data_ids: Iterable[str] = (),
    ) -> None:
        """Add what a reviewer should know, and is no failure.

        Parameters
        ----------
        detail
            In a sentence.
        dataset_type, data_ids
            Of which datasets.
        """
        note = Note(
            dataset_type=dataset_type,
            data_ids=tuple(sorted(data_ids)),
            detail=detail,
        )
        self.notes[note] = None

    def checked(self) -> Checked:
        """Return the check as it has been made."""
        return Checked(
            self.check,
            self.counts,
            tuple(self.findings),
            tuple(self.notes),
            self.failed_elsewhere,
        )

"""A review: whether a deployed ticket is there, selected, and usable.

What DMTN-222 (section 3.4) wants of a deployment ticket that reviews itself:
at each repository, are the new calibrations selected where they should be,
and are their files there?
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .names import InstrumentName, Noun, RepositoryAddress, Word
from .verdicts import Verdict

__all__ = [
    "ArchiveReview",
    "BundleReview",
    "Check",
    "CheckResult",
    "Checked",
    "DamageFinding",
    "Evidence",
    "Fault",
    "Finding",
    "Note",
    "Picked",
    "PublishedReview",
    "RepositoryReview",
    "Review",
    "Reviewed",
    "ReviewsDocument",
]


# A terminal that shows what other sites wrote must not obey it.
Shown = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$")
]
"""Words that can be shown."""


Count = Annotated[int, Field(ge=0)]
"""How many there are."""


class Check(Enum):
    """What is looked at."""

    CONTENT = "content"
    """Are the collections there, with what was pinned in them?"""

    SELECTION = "selection"
    """Do the live chains select what the declared ones would?"""

    LOOKUP = "lookup"
    """Does the butler's own lookup agree, on a sample?"""

    FILES = "files"
    """Is every file there, with its size?"""

    READING = "reading"
    """Are the files read as they were sealed?"""

    BYTES = "bytes"
    """Has every file its checksum?"""

    PIPELINE = "pipeline"
    """Does a pipeline take what should be taken, and does it run?"""


class Fault(Enum):
    """What is wrong."""

    NOT_DEPLOYED = "not-deployed"
    """None of the ticket is there."""

    UNKNOWN = "unknown"
    """Nobody can tell what the ticket holds."""

    MISSING = "missing"
    """Something of the ticket is not there."""

    CHANGED = "changed"
    """It holds what the ticket does not, or is something else."""

    MISORDERED = "misordered"
    """The ticket's collections are searched in another order."""

    SHADOWED = "shadowed"
    """Another calibration is selected."""

    NOT_FOUND = "not-found"
    """No calibration is selected."""

    AMBIGUOUS = "ambiguous"
    """The butler refuses to choose."""

    DISAGREES = "disagrees"
    """The butler's own lookup finds something else than we think."""

    UNRECORDED = "unrecorded"
    """The datastore has no record of a dataset."""

    LOST = "lost"
    """A file is gone."""

    ALTERED = "altered"
    """A file has another size or checksum."""

    UNREADABLE = "unreadable"
    """A file could not be read."""

    FAILED = "failed"
    """The pipeline could not be run, or ended with an error."""


class Picked(Noun):
    """What lookups select."""

    collections: tuple[str, ...]
    """Through which collections."""

    uuids: tuple[str, ...]
    """The datasets."""

    @classmethod
    def of(cls, collections: Iterable[str], uuids: Iterable[str]) -> Picked:
        """Return what is selected, sorted.

        Parameters
        ----------
        collections, uuids
            In any order.
        """
        return cls(
            collections=tuple(sorted(collections)),
            uuids=tuple(sorted(uuids)),
        )


class Finding(Noun):
    """Something that makes a review fail."""

    check: Check
    what: Fault

    collection: str | None = None
    """The collection that it is about."""

    chains: tuple[str, ...] = ()
    """The chains through which it shows."""

    dataset_type: str | None = None

    data_ids: tuple[str, ...] = ()
    """As text, sorted."""

    begin: str | None = None
    """TAI; null: unbounded, or it is about no range."""

    end: str | None = None
    """TAI; null: unbounded, or it is about no range."""

    expected: Picked | None = None
    """What should be selected."""

    found: Picked | None = None
    """What is selected; null: nothing, or it is about no lookup."""

    files: tuple[str, ...] = ()
    """Where the files are, or should be."""

    detail: str
    """What is wrong, in a sentence."""


class Note(Noun):
    """What a reviewer should know, and is no failure."""

    dataset_type: str | None = None

    data_ids: tuple[str, ...] = ()
    """As text, sorted."""

    detail: str
    """In a sentence."""


class CheckResult(Noun):
    """What became of a check."""

    check: Check
    passed: bool

    counts: Mapping[str, int]
    """How much was looked at, by what it is."""


@dataclass(frozen=True)
class Checked:
    """A check that was made: its result, and all that goes with it."""

    check: Check
    counts: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()

    failed_elsewhere: bool = False
    """Whether it fails for what another check has found."""

    @property
    def result(self) -> CheckResult:
        """The result alone."""
        passed = not self.findings and not self.failed_elsewhere
        return CheckResult(check=self.check, passed=passed, counts=self.counts)


class RepositoryReview(Noun):
    """A ticket at one repository."""

    passed: bool
    checks: tuple[CheckResult, ...]
    """Those that could be made, in their order."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    """What is no failure."""

    @classmethod
    def of(cls, checked: Sequence[Checked]) -> RepositoryReview:
        """Return what some checks come to."""
        results = tuple(check.result for check in checked)
        return cls(
            passed=all(result.passed for result in results),
            checks=results,
            findings=tuple(finding for check in checked for finding in check.findings),
            notes=tuple(note for check in checked for note in check.notes),
        )


class Review(Noun):
    """A ticket at all repositories that were looked at."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["review"] = "review"

    ticket: Word
    instrument: InstrumentName

    seal: str | None = None
    """Digest of its seal, where it has one."""

    verdicts: Mapping[str, Verdict] | None = None
    """What its verifications said, by product, as the tree keeps it; null: it
    keeps nothing."""

    at: str
    """UTC, with ``Z``."""

    version: str
    """Of calibstate."""

    repositories: Mapping[RepositoryAddress, RepositoryReview]
    """By address."""

    unreachable: Mapping[str, str] = {}
    """Why repositories, or the archive, could not be seen, by place."""

    @property
    def passed(self) -> bool:
        """Whether it passes wherever it should be."""
        return not self.unreachable and all(there.passed for there in self.repositories.values())


class ReviewsDocument(Noun):
    """Reviews of several tickets."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["reviews"] = "reviews"

    passed: bool
    """Whether all pass."""

    reviews: tuple[Review, ...]
    """By instrument and ticket."""


class DamageFinding(Noun):
    """A file of a bundle that is not as it was exported."""

    what: Fault
    """``lost``, ``altered`` or ``unreadable``."""

    path: str
    """Path within the bundle."""

    detail: str
    """What is wrong, in a sentence."""

    right_size: bool = False
    """Whether it has the size that it had, so that only a look at every byte
    shows that it was altered."""


class BundleReview(Noun):
    """The files of a bundle that were looked at."""

    instrument: InstrumentName
    ticket: Word

    fingerprint: str
    """Of the ticket."""

    folder: str
    """Within the archive."""

    files: int
    """How many were looked at."""

    bytes: int
    """How many these have, as the manifest says."""

    findings: tuple[DamageFinding, ...] = ()

    @property
    def name(self) -> str:
        """Name of the ticket, with its instrument."""
        return f"{self.instrument}/{self.ticket}"


class ArchiveReview(Noun):
    """Whether the archive holds what was exported to it."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["archive-review"] = "archive-review"

    passed: bool
    """Whether nothing is damaged, and all could be looked at."""

    at: str
    """When the look began: UTC, with ``Z``."""

    version: str
    """Of calibstate."""

    every_byte: bool
    """Whether the files were read, for their checksums; else only their sizes
    were asked."""

    share: str | None = None
    """Which part of the files was looked at, as in ``3/7``; null: all."""

    bundles: tuple[BundleReview, ...]
    """By instrument and ticket, newest first."""

    unreadable: Mapping[str, str] = {}
    """Why manifests cannot be read, by ``INSTRUMENT/TICKET``."""

    unreachable: str | None = None
    """Why the archive could not be seen; null: it could."""


class Evidence(Noun):
    """What a check looked at, as a site published it."""

    check: Check
    passed: bool

    counts: Annotated[Mapping[Annotated[Shown, Field(max_length=40)], Count], Field(max_length=20)]
    """How much was looked at, by what it is."""

    @classmethod
    def of(cls, result: CheckResult) -> Evidence:
        """Return what a check of a review looked at."""
        return cls(check=result.check, passed=result.passed, counts=result.counts)


class Reviewed(Noun):
    """How a ticket was found at a repository."""

    at: Shown
    """UTC, with ``Z``."""

    passed: bool

    why: Shown = ""
    """What was found first, where it did not pass."""

    fingerprints: Mapping[str, str]
    """Of its collections: what it was held to."""

    evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = ()
    """What each check looked at, in their order; none in what was published
    by a version that did not tell it."""


class PublishedReview(Noun):
    """What reviews showed of one repository, for sites that cannot see it."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["published-review"] = "published-review"

    address: RepositoryAddress

    at: Shown
    """When its chains were looked at last: UTC, with ``Z``."""

    tickets: Mapping[str, Reviewed]
    """``INSTRUMENT/TICKET``: the newest review of each."""

    chains: Mapping[str, tuple[str, ...]]
    """Live children of the declared chains, in search order."""

    def after(self, older: PublishedReview) -> PublishedReview:
        """Return it with what only an older one tells of."""
        return self.model_copy(
            update={
                "tickets": {**older.tickets, **self.tickets},
                "chains": {**older.chains, **self.chains},
            }
        )

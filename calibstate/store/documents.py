"""JSON documents that commands print: their form, and how they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from ..errors import Diagnostic, Where
from ..model.approvals import Approved
from ..model.changes import ChainChange
from ..model.checkups import Check
from ..model.drift import Drift
from ..model.explanations import Outcome, Why
from ..model.names import Address, Noun
from ..model.outcomes import JournalLine
from ..model.plans import Basis, Refusal
from ..model.status import State, Status, Table

__all__ = [
    "FORMAT",
    "ApprovalsDocument",
    "CaptureDocument",
    "DesiredDocument",
    "DiffDocument",
    "DriftDocument",
    "HistoryDocument",
    "ImpactDocument",
    "LogDocument",
    "PlanDocument",
    "ProposedEntry",
    "ReportDocument",
    "RevisionEntry",
    "RevisionWords",
    "RollbackDocument",
    "StatusDocument",
    "StepEntry",
    "ValidationDocument",
    "changed_chain",
    "counted",
    "plain",
    "spot",
    "validation",
]

FORMAT: Literal["1.0"] = "1.0"
"""Version of the form of every document."""


class StepEntry(Noun):
    """A step of a plan."""

    id: str
    """Its name within the plan."""

    do: str
    """Name of the action."""

    target: Address
    """What it changes."""

    because: str
    """The drift that it answers."""

    after: tuple[str, ...]
    """Steps that must be done before."""

    with_: Mapping[str, Any] = Field(alias="with")
    """The ground that it stands on, and what it brings about."""


class PlanDocument(Noun):
    """A plan."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["plan"] = "plan"

    basis: Basis
    """What it was reasoned from; for people."""

    summary: Mapping[str, int]
    """Steps, refusals, and drift by what it is."""

    steps: tuple[StepEntry, ...]
    """In the order in which they are carried out."""

    drift: tuple[Drift, ...]
    """What was found, mended by the steps or not."""

    refused: tuple[Refusal, ...]
    """What is not touched as things stand."""

    digest: str
    """Over the form, the declared state, and the steps with their ground."""


class DriftDocument(Noun):
    """Drift."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["drift"] = "drift"

    summary: Mapping[str, int]
    """Drift by what it is."""

    drift: tuple[Drift, ...]
    """In the order in which a ticket travels."""

    @classmethod
    def of(cls, found: Sequence[Drift]) -> DriftDocument:
        """Return the document of some drift."""
        return cls(summary=counted(found), drift=tuple(found))


class Spot(Noun):
    """A place in a file."""

    file: str
    line: int
    column: int


class Problem(Noun):
    """Something that a state tree gets wrong."""

    severity: Literal["error", "warning", "note"]
    code: str = ""
    """Code of the policy's rule, such as ``N101``; of all else none."""

    summary: str
    """The class of problem, in fixed words."""

    detail: str
    """What is wrong here."""

    hint: str = ""
    """What to do."""

    at: Spot | None = None
    """The line to be mended."""


class ValidationDocument(Noun):
    """What ``validate`` found."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["validation"] = "validation"

    problems: tuple[Problem, ...]


class ProposedEntry(Noun):
    """One thing that is declared otherwise."""

    mark: Literal["+", "-", "~"]
    what: str
    """What it is about: tickets, a repository, the settings."""

    said: str
    """What becomes of it, behind its name."""

    at: Spot | None = None
    """The line that says so, or said so before."""


class ReportDocument(Noun):
    """A change of the declaration, for those who review it."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["report"] = "report"

    base: str
    """What it is compared with, for people."""

    sound: bool
    """Whether the tree can be read; else only `problems` is known."""

    proposed: tuple[ProposedEntry, ...]
    problems: tuple[Problem, ...]
    approvals: tuple[Approved, ...]
    """Of the tickets that the change is about."""

    impact: Mapping[str, int]
    """Changes of lookups, counted by what becomes of them."""

    plans: Mapping[str, Mapping[str, int]]
    """What the plan of each site comes to."""

    digests: Mapping[str, str]
    """Digest of the plan of each site, by which it is applied on merge."""


class PlacedEntry(Noun):
    """An entry that enters a chain, or moves within it."""

    entry: str
    in_front_of: str | None
    """The next entry that was there before; null: it is behind all."""


class LeftEntry(Noun):
    """An entry that leaves a chain."""

    entry: str
    retired: str | None
    """The reason; null: it is not retired, so that it stays live."""


class ChangedChain(Noun):
    """A chain that is declared otherwise."""

    chain: str
    instrument: str
    repositories: tuple[str, ...]
    """Those that have it."""

    new: bool
    gone: bool
    entered: tuple[PlacedEntry, ...]
    left: tuple[LeftEntry, ...]
    moved: tuple[PlacedEntry, ...]
    retired: Mapping[str, str]
    """Retired without having been an entry, or for another reason."""

    unretired: tuple[str, ...]
    """Retired no more, and no entry either."""


class RevisionWords(Noun):
    """A revision that is compared."""

    words: str
    """What it is, for people."""

    commit: str | None
    """Null: the working tree."""


class DiffDocument(Noun):
    """What is declared otherwise."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["diff"] = "diff"

    before: RevisionWords
    after: RevisionWords
    changes: tuple[ProposedEntry, ...]
    """All of it, in sentences."""

    chains: tuple[ChangedChain, ...]
    """The chains among it, for programs."""


class RevisionEntry(Noun):
    """A commit of the main branch that changed something."""

    commit: str
    at: str
    """When it was committed there, or merged; UTC."""

    title: str
    """Its subject, or the title of the pull request."""

    authors: tuple[str, ...]
    """Who made it; of a merge, what was merged."""

    merged_by: str | None
    pull_request: int | None
    sound: bool
    """Whether the tree could be read; else its change is told of the next."""

    changes: tuple[ProposedEntry, ...]
    chains: tuple[ChangedChain, ...]
    problems: tuple[Problem, ...]


class HistoryDocument(Noun):
    """Who changed a chain, and when."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["history"] = "history"

    chain: str
    revisions: tuple[RevisionEntry, ...]
    """The newest first."""


class RemainingEntry(Noun):
    """What is searched until the next apply."""

    repository: str
    chain: str
    children: tuple[str, ...]
    becomes: Literal["unwanted"] = "unwanted"
    """What it is by this change: the next apply takes it out."""

    by_a_revert: Literal["extra"] = "extra"
    """What a commit that only takes the entry off would leave: it stays."""

    hold: str | None
    """Why nothing is changed there; null: it is."""


class RollbackDocument(Noun):
    """A ticket that is taken out everywhere."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["rollback"] = "rollback"

    ticket: str
    instrument: str
    reason: str
    retired: Mapping[str, tuple[str, ...]]
    """Entries that are retired, by chain."""

    changes: tuple[ProposedEntry, ...]
    impact: Mapping[str, int]
    """Changes of lookups, counted by what becomes of them."""

    unknown: tuple[str, ...]
    """Tickets and collections of which nobody knows what they hold, so that
    something may be missing from the impact."""

    remaining: tuple[RemainingEntry, ...]
    files: tuple[str, ...]
    """Relative to the root of the tree."""

    written: bool
    branch: str | None
    commit: str | None


class DesiredDocument(Noun):
    """Desired chains."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["desired"] = "desired"

    at: RevisionWords | None = None
    """When they were desired; null: now."""

    repositories: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Children in search order, by chain, by address of the repository."""


class ChainPrint(Noun):
    """The fingerprints of a live chain."""

    effective: str
    """Equal ones: the same calibrations are selected for every detector,
    filter and moment."""

    collections: Mapping[str, str]
    """Fingerprint of each collection that is searched, by its name."""


class RepositoryPrint(Noun):
    """The fingerprints of a repository."""

    chains: Mapping[str, ChainPrint]
    """By chain."""


class SelectedBy(Noun):
    """What a repository selects."""

    collections: tuple[str, ...]
    """Empty where nothing is found."""

    uuids: tuple[str, ...]


class DifferenceEntry(Noun):
    """Lookups that find other calibrations at two repositories."""

    chain: str
    reference: str
    """Address of the repository that is compared with."""

    repository: str
    """Address of the repository that differs."""

    dataset_type: str
    data_ids: tuple[str, ...]
    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    at_reference: SelectedBy
    at_repository: SelectedBy


class FingerprintsDocument(Noun):
    """Fingerprints of live chains, side by side."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["fingerprints"] = "fingerprints"

    repositories: Mapping[str, RepositoryPrint]
    """By address."""

    differences: tuple[DifferenceEntry, ...] = ()
    unreachable: Mapping[str, str] = {}
    """Why repositories could not be seen, by address."""


class SelectedVia(Noun):
    """Where a lookup finds its calibration."""

    collection: str
    run: str | None
    """RUN of the dataset; null where a seal does not tell it."""


class ChangeEntry(Noun):
    """Lookups that change alike."""

    repository: str
    chain: str
    dataset_type: str
    data_ids: tuple[str, ...]
    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    what: Literal["lost", "reverted", "replaced", "newly covered"]
    into_the_past: bool
    """Whether it begins before what was observed already ends."""

    before: SelectedVia | None
    """Null: nothing is found."""

    after: SelectedVia | None
    """Null: nothing is found."""


class SearchEntry(Noun):
    """A chain that searches something else."""

    repository: str
    chain: str
    entered: tuple[str, ...]
    left: tuple[str, ...]
    moved: tuple[str, ...]


class ShadowedEntry(Noun):
    """A collection that can never win any more."""

    repository: str
    chain: str
    collection: str
    ticket: str | None
    whole: bool
    """Whether the same is true of all collections of the ticket there."""

    declared_at: Spot | None


class UnknownEntry(Noun):
    """A collection of which nobody could tell what it holds."""

    repository: str
    chain: str
    collection: str
    ticket: str | None
    moved: bool
    """Whether it enters, leaves or moves, so that something may be missing
    from the changes."""


class AffectedEntry(Noun):
    """An exposure that would be calibrated otherwise."""

    exposure: int
    day_obs: int
    physical_filter: str | None
    dataset_types: tuple[str, ...]


class ImpactDocument(Noun):
    """What a change of the declaration does."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["impact"] = "impact"

    base: str
    """What the working tree was compared with."""

    observed_until: str
    """TAI."""

    live: str | None
    """The repository that told what collections hold; null: the seals."""

    repositories: tuple[str, ...]
    """All that were compared."""

    gone: tuple[str, ...]
    """Those that are not declared any more."""

    summary: Mapping[str, int]
    """Changes by what they are."""

    searches: tuple[SearchEntry, ...]
    changes: tuple[ChangeEntry, ...]
    shadowed: tuple[ShadowedEntry, ...]
    unknown: tuple[UnknownEntry, ...]
    exposures: tuple[AffectedEntry, ...]
    nights: Mapping[str, int]
    """Exposures that change, by observing day."""


class CapturedFile(Noun):
    """A file of the state tree that says a part of what was found."""

    path: str
    """Relative to the root of the tree."""

    what: Literal["new", "changed", "same"]


class CapturedChild(Noun):
    """A child of a live chain."""

    chain: str
    child: str
    as_: str = Field(alias="as")
    """What it is declared as."""

    holds: str
    """What it is and holds, in words."""


class CaptureDocument(Noun):
    """What ``capture`` found and wrote."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["capture"] = "capture"

    written: bool
    """Whether the files were written; false where it was refused, and in a dry
    run."""

    files: tuple[CapturedFile, ...]
    found: tuple[CapturedChild, ...]
    """Children of the chains, in search order."""

    told: tuple[Problem, ...]
    """What a person should know; errors where it was refused."""

    @classmethod
    def of(
        cls,
        files: Mapping[str, Any],
        found: Iterable[tuple[str, str, str, str]],
        told: Iterable[Diagnostic],
        *,
        written: bool,
    ) -> CaptureDocument:
        """Return the document of what was found."""
        keys = ("chain", "child", "as", "holds")
        return cls(
            written=written,
            files=tuple(CapturedFile(path=path, what=what) for path, what in files.items()),
            found=tuple(CapturedChild.model_validate(dict(zip(keys, one, strict=True))) for one in found),
            told=tuple(_problem(problem) for problem in told),
        )

    @classmethod
    def refused(cls, told: Iterable[Diagnostic]) -> CaptureDocument:
        """Return the document of what the files cannot say."""
        return cls.of({}, (), told, written=False)


class CandidateEntry(Noun):
    """A dataset that a lookup could get."""

    rank: int
    """Place of its collection in the search order, counted from 1."""

    collection: str
    ticket: str | None
    """The declared ticket that the collection belongs to."""

    begin: str | None
    """TAI; null: unbounded."""

    end: str | None
    """TAI; null: unbounded."""

    uuid: str
    wins: bool
    why: Why
    detail: str
    """The same for people."""


class WinnerEntry(CandidateEntry):
    """The dataset that a lookup gets."""

    run: str | None
    """Its RUN; null where it is not known."""


class ExplanationEntry(Noun):
    """What one lookup gets through one chain of a repository, and why."""

    repository: str
    """Address."""

    chain: str
    data_id: str
    """Keys and values of the dataset type, by key."""

    begin: str | None
    """What a range must overlap: one nanosecond, or an exposure.  TAI."""

    end: str | None
    """TAI."""

    outcome: Outcome
    winner: WinnerEntry | None
    candidates: tuple[CandidateEntry, ...]
    """In search order."""

    searched: tuple[str, ...]
    """All collections that the chain comes to, in search order."""

    nearest: CandidateEntry | None = None
    """Where nothing is valid then, what is nearest in time."""

    known: Mapping[str, tuple[str, ...]] = {}
    """Where nothing is there for the data ID: values by key for each of which
    there would be something; ``dataset_type`` is a key too."""


class ExplanationDocument(Noun):
    """Which calibration a lookup gets at each repository, and why."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["explanation"] = "explanation"

    instrument: str
    dataset_type: str
    at: str | None
    """The moment that was asked about, TAI."""

    exposure: int | None
    """The exposure that was asked about."""

    explanations: tuple[ExplanationEntry, ...]
    """By chain, then by repository."""

    differing: tuple[str, ...] = ()
    """Repositories that get another dataset than most."""

    remarks: tuple[str, ...] = ()
    unreachable: Mapping[str, str] = {}
    """Why repositories could not be seen, by address."""


class RunEntry(Noun):
    """A run, as its journal tells of it."""

    id: str
    ending: Literal["ended", "goes on", "cut off", "no end"]
    tally: Mapping[str, int]
    """How many targets came to what, at last."""

    lines: tuple[JournalLine, ...]
    unreadable: int
    """Lines that cannot be read."""


class LogDocument(Noun):
    """What was done."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["log"] = "log"

    runs: tuple[RunEntry, ...]
    """The newest first."""


class CheckupDocument(Noun):
    """Whether one can work with the places from here."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["checkup"] = "checkup"

    summary: Mapping[str, int]
    """Checks by health."""

    checks: tuple[Check, ...]
    """By place."""

    @classmethod
    def of(cls, checks: Sequence[Check]) -> CheckupDocument:
        """Return the document of some checks."""
        tally = Counter(check.health.value for check in checks)
        return cls(summary=dict(sorted(tally.items())), checks=tuple(checks))


class ApprovalsDocument(Noun):
    """How it stands with approvals."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["approvals"] = "approvals"

    checked: bool
    """Whether they were to be compared with Jira."""

    summary: Mapping[str, int]
    """Tickets by how they compare with it."""

    approvals: tuple[Approved, ...]
    """By instrument and ticket."""

    findings: tuple[Problem, ...]
    """Where Jira says something else, or why it could not be asked."""

    @classmethod
    def of(
        cls, listed: Sequence[Approved], findings: Iterable[Diagnostic], *, checked: bool
    ) -> ApprovalsDocument:
        """Return the document of some approvals."""
        tally = Counter(one.jira.value for one in listed)
        return cls(
            checked=checked,
            summary=dict(sorted(tally.items())),
            approvals=tuple(listed),
            findings=tuple(_problem(finding) for finding in findings),
        )


class StatusDocument(Noun):
    """How it stands: tickets against repositories."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["status"] = "status"

    summary: Mapping[str, int]
    """Cells of tickets by their state."""

    legend: Mapping[str, str]
    """What the states mean, by state; only those that occur."""

    tables: tuple[Table, ...]
    """By instrument."""

    beside: tuple[Drift, ...]
    """Drift in the archive and in Rucio, which are no repositories."""

    @classmethod
    def of(cls, told: Status) -> StatusDocument:
        """Return the document of how it stands."""
        found = {cell.state for table in told.tables for row in table.rows for cell in row.cells}
        return cls(
            summary={state.value: number for state, number in sorted(told.tally().items(), key=_by_state)},
            legend={state.value: state.means for state in State if state in found},
            tables=told.tables,
            beside=told.beside,
        )


def _by_state(counted: tuple[State, int]) -> str:
    return counted[0].value


def plain(document: Noun) -> dict[str, Any]:
    """Return a document as plain data."""
    return document.model_dump(mode="json", by_alias=True)


def counted(found: Iterable[Drift]) -> dict[str, int]:
    """Return how much drift there is of each sort."""
    return dict(sorted(Counter(one.what.value for one in found).items()))


def spot(where: Where | None) -> Spot | None:
    """Return a place in a file."""
    return Spot(file=where.path, line=where.line, column=where.column) if where else None


def changed_chain(change: ChainChange) -> ChangedChain:
    """Return the entry of a chain that is declared otherwise."""
    return ChangedChain(
        chain=change.chain,
        instrument=change.instrument,
        repositories=change.repositories,
        new=change.is_new,
        gone=change.is_gone,
        entered=tuple(PlacedEntry(entry=one.entry, in_front_of=one.in_front_of) for one in change.entered),
        left=tuple(LeftEntry(entry=one.entry, retired=one.retired) for one in change.left),
        moved=tuple(PlacedEntry(entry=one.entry, in_front_of=one.in_front_of) for one in change.moved),
        retired=dict(change.retired or {}),
        unretired=change.unretired,
    )


def validation(problems: Iterable[Diagnostic]) -> ValidationDocument:
    """Return the document of what is wrong with a state tree."""
    return ValidationDocument(problems=tuple(_problem(problem) for problem in problems))


def _problem(told: Diagnostic) -> Problem:
    return Problem(
        severity=told.severity.value,
        code=told.code,
        summary=told.summary,
        detail=told.detail,
        hint=told.hint,
        at=spot(told.where),
    )

"""JSON documents that commands print: their form, and how they are made."""

from .approvals import ApprovalsDocument
from .base import FORMAT, Spot, plain, spot
from .captures import CapturedChild, CapturedFile, CaptureDocument
from .changes import (
    ChangedChain,
    DesiredDocument,
    DiffDocument,
    HistoryDocument,
    LeftEntry,
    PlacedEntry,
    ProposedEntry,
    RemainingEntry,
    ReportDocument,
    RevisionEntry,
    RevisionWords,
    RollbackDocument,
    changed_chain,
)
from .checkups import CheckupDocument
from .explanations import CandidateEntry, ExplanationDocument, ExplanationEntry, SinceEntry, WinnerEntry
from .fingerprints import ChainPrint, DifferenceEntry, FingerprintsDocument, RepositoryPrint, SelectedBy
from .impacts import (
    AffectedEntry,
    ChangeEntry,
    ImpactDocument,
    SearchEntry,
    SelectedVia,
    ShadowedEntry,
    UnknownEntry,
)
from .log import LogDocument, RunEntry
from .plans import DriftDocument, PlanDocument, StepEntry, counted
from .status import StatusDocument
from .validation import ValidationDocument, validation

__all__ = [
    "FORMAT",
    "AffectedEntry",
    "ApprovalsDocument",
    "CandidateEntry",
    "CaptureDocument",
    "CapturedChild",
    "CapturedFile",
    "ChainPrint",
    "ChangeEntry",
    "ChangedChain",
    "CheckupDocument",
    "DesiredDocument",
    "DiffDocument",
    "DifferenceEntry",
    "DriftDocument",
    "ExplanationDocument",
    "ExplanationEntry",
    "FingerprintsDocument",
    "HistoryDocument",
    "ImpactDocument",
    "LeftEntry",
    "LogDocument",
    "PlacedEntry",
    "PlanDocument",
    "ProposedEntry",
    "RemainingEntry",
    "ReportDocument",
    "RepositoryPrint",
    "RevisionEntry",
    "RevisionWords",
    "RollbackDocument",
    "RunEntry",
    "SearchEntry",
    "SelectedBy",
    "SelectedVia",
    "ShadowedEntry",
    "SinceEntry",
    "Spot",
    "StatusDocument",
    "StepEntry",
    "UnknownEntry",
    "ValidationDocument",
    "WinnerEntry",
    "changed_chain",
    "counted",
    "plain",
    "spot",
    "validation",
]

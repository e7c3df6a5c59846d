"""JSON Schemas of the files that people write and the documents we print.

They are made from the nouns, so that an editor, a program and calibstate
itself can never disagree about a key; the strings under the fields are what
an editor shows beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..model.bundles import Manifest
from ..model.chains import ChainFile
from ..model.dailyrecords import DailyRecord
from ..model.exposures import ExposuresDocument
from ..model.forms import Form
from ..model.names import Noun
from ..model.observations import ObservationsDocument
from ..model.outcomes import Outcome
from ..model.repositories import Site
from ..model.reviews import ArchiveReview, PublishedReview, Review, ReviewsDocument
from ..model.seals import Seal
from ..model.settings import Settings
from ..model.tickets import Ticket
from ..model.verdicts import TicketVerdicts
from .documents.applies import ApplySummaryDocument
from .documents.approvals import ApprovalsDocument
from .documents.beginnings import BeginningDocument
from .documents.captures import CaptureDocument
from .documents.changes import (
    DesiredDocument,
    DiffDocument,
    HistoryDocument,
    ReportDocument,
    RollbackDocument,
)
from .documents.checkups import CheckupDocument
from .documents.constructions import ConstructionDocument, RecordDocument
from .documents.daily import DailyDocument
from .documents.effective import EffectiveDocument
from .documents.errors import ErrorsDocument
from .documents.explanations import ExplanationDocument
from .documents.fingerprints import FingerprintsDocument
from .documents.impacts import ImpactDocument
from .documents.live import LiveDocument
from .documents.log import LogDocument
from .documents.notices import NoticeDocument
from .documents.pages_about import AboutDocument, StatusPage
from .documents.pages_chain import ChainDocument
from .documents.pages_compare import CompareDocument, MergeCompareDocument
from .documents.pages_daily import DailyPage, TrendPage
from .documents.pages_feed import FeedDocument
from .documents.pages_overview import OverviewDocument
from .documents.pages_permanent import CommitDocument, RunDocument, SealDocument
from .documents.pages_tickets import TicketDocument, TicketsDocument
from .documents.pages_timeline import TimelinePage
from .documents.pages_written import PagesDocument
from .documents.places import ObservedDocument, SchemasDocument, SealsDocument, UnlockedDocument
from .documents.plans import DriftDocument, PlanDocument
from .documents.proposing import AdoptDocument, ProposeDocument
from .documents.retention import RetentionDocument
from .documents.status import StatusDocument
from .documents.timelines import TimelineDocument
from .documents.validation import ValidationDocument
from .documents.watching import LoopDocument, TurnDocument
from .fieldstrings import WithFieldStrings
from .sightfile import SightDocument
from .watchfile import WatchDocument

__all__ = ["DOCUMENTS", "Document", "schemas", "stale", "write"]

_ROLE = re.compile(r"`+~?([^`]*)`+")
"""A word that a docstring marks, which stands between its marks."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Document:
    """A form of file that has a schema."""

    file: str
    """Name of the schema's file."""

    noun: type[Noun]
    """What the document holds."""

    title: str
    """What it is, for people."""

    printed: bool = False
    """Whether we print it, so that it always says its own form and kind."""


DOCUMENTS: tuple[Document, ...] = (
    Document("calibstate.json", Settings, "calibstate.yaml: the settings of a state tree"),
    Document("site.json", Site, "sites/SITE.yaml: a facility and its repositories"),
    Document("ticket.json", Ticket, "tickets/INSTRUMENT/TICKET.yaml: what was made and approved"),
    Document("chain.json", ChainFile, "chains/*.yaml: what is searched, and in what order"),
    Document("seal.json", Seal, "seals/INSTRUMENT/TICKET.yaml: what a ticket contains"),
    Document("verdicts.json", TicketVerdicts, "verdicts/INSTRUMENT/TICKET.yaml: what verifications say"),
    Document("plan.json", PlanDocument, "A plan: the ordered steps that would end the drift", printed=True),
    Document("drift.json", DriftDocument, "How live places depart from what is declared", printed=True),
    Document("status.json", StatusDocument, "How it stands: tickets against repositories", printed=True),
    Document("validation.json", ValidationDocument, "What is wrong with a state tree", printed=True),
    Document("desired.json", DesiredDocument, "The desired chains of each repository", printed=True),
    Document("effective.json", EffectiveDocument, "What lookups get on a night", printed=True),
    Document("live.json", LiveDocument, "What repositories were seen to search", printed=True),
    Document("retention.json", RetentionDocument, "What repositories keep, by class", printed=True),
    Document("fingerprints.json", FingerprintsDocument, "Fingerprints of live chains", printed=True),
    Document("timeline.json", TimelineDocument, "Which ticket wins when, through chains", printed=True),
    Document("log.json", LogDocument, "What was done: runs, from their journals", printed=True),
    Document("checkup.json", CheckupDocument, "Whether one can work with the places", printed=True),
    Document("construction.json", ConstructionDocument, "How far a construction has come", printed=True),
    Document("construction-record.json", RecordDocument, "What ran to make a ticket", printed=True),
    Document("daily-verdicts.json", DailyDocument, "How the verification of a day stands", printed=True),
    Document("daily-record.json", DailyRecord, "daily/INSTRUMENT/DAY.json of records", printed=True),
    Document("approvals.json", ApprovalsDocument, "How it stands with approvals", printed=True),
    Document("impact.json", ImpactDocument, "What a change of the declaration does", printed=True),
    Document("diff.json", DiffDocument, "What is declared otherwise", printed=True),
    Document("history.json", HistoryDocument, "Who changed a chain, and when", printed=True),
    Document("rollback.json", RollbackDocument, "A ticket that is taken out everywhere", printed=True),
    Document("published-review.json", PublishedReview, "What reviews showed of a repository", printed=True),
    Document("report.json", ReportDocument, "A change of the declaration, for review", printed=True),
    Document("review.json", Review, "A review: whether a deployed ticket is selected", printed=True),
    Document("reviews.json", ReviewsDocument, "Reviews of several tickets", printed=True),
    Document("archive-review.json", ArchiveReview, "Whether the archive is undamaged", printed=True),
    Document("beginning.json", BeginningDocument, "A state tree that was begun", printed=True),
    Document(
        "propose.json", ProposeDocument, "A ticket that is proposed, as its origin has it", printed=True
    ),
    Document("adopt.json", AdoptDocument, "A ticket that the board has adopted", printed=True),
    Document("capture.json", CaptureDocument, "What was found live, and the files that say it", printed=True),
    Document("explanation.json", ExplanationDocument, "Which calibration is found, and why", printed=True),
    Document("observations.json", ObservationsDocument, "What repositories showed", printed=True),
    Document("watch.json", WatchDocument, "How the loop of a site goes on, as it is kept", printed=True),
    Document("turn.json", TurnDocument, "What a turn of a site's loop came to", printed=True),
    Document("loop.json", LoopDocument, "Whether the loop of a site goes on", printed=True),
    Document("notice.json", NoticeDocument, "A change of state, as webhooks are told", printed=True),
    Document("sight.json", SightDocument, "What a repository showed, small", printed=True),
    Document("exposures.json", ExposuresDocument, "How many exposures a repository has", printed=True),
    Document("bundle.json", Manifest, "manifest.json of a bundle: a ticket in the archive", printed=True),
    Document("observed.json", ObservedDocument, "What was written down of repositories", printed=True),
    Document("seals.json", SealsDocument, "Which tickets were sealed", printed=True),
    Document("unlocked.json", UnlockedDocument, "What became of the lock of a place", printed=True),
    Document("schemas.json", SchemasDocument, "Which schemas were written, or would be", printed=True),
    Document("errors.json", ErrorsDocument, "Why a command could not do what it was asked", printed=True),
    Document("pages.json", PagesDocument, "Pages that were written", printed=True),
    Document("page-overview.json", OverviewDocument, "data.json of an overview among pages", printed=True),
    Document("page-tickets.json", TicketsDocument, "data.json of tickets among pages", printed=True),
    Document("page-ticket.json", TicketDocument, "data.json of a ticket's page", printed=True),
    Document("page-chain.json", ChainDocument, "data.json of a chain's page", printed=True),
    Document("page-timeline.json", TimelinePage, "data.json of timelines among pages", printed=True),
    Document("page-compare.json", CompareDocument, "data.json of repositories compared", printed=True),
    Document(
        "page-compare-merge.json",
        MergeCompareDocument,
        "data.json of a merge and the one before",
        printed=True,
    ),
    Document("page-daily.json", DailyPage, "data.json of daily verification among pages", printed=True),
    Document("page-trend.json", TrendPage, "data.json of a test's trend among pages", printed=True),
    Document("page-feed.json", FeedDocument, "data.json of what happened, among pages", printed=True),
    Document("page-run.json", RunDocument, "data.json of a run's page", printed=True),
    Document("page-commit.json", CommitDocument, "data.json of a commit's page", printed=True),
    Document("page-seal.json", SealDocument, "data.json of a seal's page", printed=True),
    Document("page-about.json", AboutDocument, "data.json of what pages were made of", printed=True),
    Document("page-status.json", StatusPage, "status.json among pages", printed=True),
    Document("outcome.json", Outcome, "What became of a step of a plan", printed=True),
    Document("apply-summary.json", ApplySummaryDocument, "What a run of apply came to", printed=True),
)
"""Every form of file that has a schema; a new one is a line here."""


def schemas(forms: Iterable[Form] = ()) -> dict[str, dict[str, Any]]:
    """Return the schemas (draft 2020-12) by the names of their files.

    Parameters
    ----------
    forms
        Of the files that kinds bring.
    """
    documents = list(DOCUMENTS)
    for form in forms:
        pattern = form.file_of("*")
        document = Document(
            f"{form.schema or form.called}.json",
            form.noun,
            f"{pattern}: {form.title}",
        )
        documents.append(document)
    by_file = {}
    for document in documents:
        by_file[document.file] = _schema(document)
    return by_file


def write(folder: Path, forms: Iterable[Form] = ()) -> tuple[str, ...]:
    """Write the schemas, and return the names of the files that changed.

    Parameters
    ----------
    folder
        Where to; made if need be.
    forms
        Of the files that kinds bring.
    """
    folder.mkdir(parents=True, exist_ok=True)
    forms = tuple(forms)
    changed = stale(folder, forms)
    for file, text in _texts(forms).items():
        if file in changed:
            path = folder / file
            path.write_text(text, encoding="utf-8")
    return changed


def stale(folder: Path, forms: Iterable[Form] = ()) -> tuple[str, ...]:
    """Return the names of the files that are not as they would be written.

    Parameters
    ----------
    folder
        Where they are.
    forms
        Of the files that kinds bring.
    """
    names = []
    for file, text in _texts(forms).items():
        path = folder / file
        before = None
        if path.exists():
            before = path.read_text(encoding="utf-8")
        if before != text:
            names.append(file)
    return tuple(names)


def _texts(forms: Iterable[Form]) -> Mapping[str, str]:
    """Return what the files of all schemas hold, by their names."""
    texts = {}
    for file, schema in schemas(forms).items():
        text = json.dumps(schema, indent=2, ensure_ascii=False)
        texts[file] = f"{text}\n"
    return texts


def _schema(document: Document) -> dict[str, Any]:
    # What people write may leave out what has a default; what we print has it.
    mode: Literal["serialization", "validation"] = "validation"
    if document.printed:
        mode = "serialization"
    plain = document.noun.model_json_schema(
        mode=mode,
        by_alias=True,
        schema_generator=WithFieldStrings,
    )
    schema = _tidied(plain)
    if document.printed:
        required = schema.get("required", ())
        schema["required"] = ["format_version", "kind", *required]
    return {
        "$schema": _DIALECT,
        "title": document.title,
        **schema,
    }


def _tidied(schema: Any) -> Any:
    """Return a schema without what says nothing to its reader.

    pydantic titles every field with its own name, and keeps the line breaks
    and roles of docstrings.
    """
    if isinstance(schema, list):
        return [_tidied(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidied: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title":
            continue
        # Under these the keys are names, not words of JSON Schema.
        if key in {"properties", "$defs"}:
            properties = {}
            for name, inner in value.items():
                properties[name] = _tidied(inner)
            tidied[key] = properties
        elif key == "description":
            in_a_line = " ".join(value.split())
            tidied[key] = _ROLE.sub(r"\1", in_a_line)
        else:
            tidied[key] = _tidied(value)
    return tidied

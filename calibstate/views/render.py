"""Which function shows which result in which format.

One table for all: a result is a row, a format is a column.  What shows a
result is imported when it is first asked for, so that a command imports no
form that nobody wants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["SUFFIXES", "VIEWS", "Format", "format_of_suffix", "formats_of", "name_of", "view_of"]


class Format(Enum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"
    JUNIT = "junit"
    SHELL = "shell"
    SVG = "svg"


SUFFIXES: Mapping[str, Format] = {
    ".json": Format.JSON,
    ".md": Format.MARKDOWN,
    ".svg": Format.SVG,
    ".txt": Format.TEXT,
    ".xml": Format.JUNIT,
}
"""By the suffix of a file: the format of what is written there."""


VIEWS: Mapping[str, Mapping[Format, str]] = {
    "results.trees.Validation": {
        Format.TEXT: "views.validation.validation",
        Format.JSON: "store.documents.validation.validation_document",
        Format.MARKDOWN: "views.validation.validation",
        Format.GITHUB: "views.github.validation",
    },
    "results.trees.Formatting": {
        Format.TEXT: "views.validation.formatting",
        Format.JSON: "store.documents.validation.problems_document",
        Format.MARKDOWN: "views.validation.formatting",
        Format.GITHUB: "views.github.problems",
    },
    "results.trees.SchemasWritten": {
        Format.TEXT: "views.validation.nothing",
        Format.JSON: "store.documents.places.schemas_document",
        Format.MARKDOWN: "views.validation.nothing",
    },
    "results.declared.DeclaredChains": {
        Format.TEXT: "views.declared.as_text",
        Format.JSON: "store.documents.changes.desired_document",
        Format.MARKDOWN: "views.declared.as_text",
    },
    "results.live.LiveChains": {
        Format.TEXT: "views.live.as_text",
        Format.JSON: "store.documents.live.live_document",
        Format.MARKDOWN: "views.live.as_markdown",
    },
    "results.drift.DriftFound": {
        Format.TEXT: "views.text.drift_found",
        Format.JSON: "store.documents.plans.drift_document",
        Format.MARKDOWN: "views.markdown.drift_found",
        Format.JUNIT: "views.junit.drift_found",
    },
    "results.drift.TicketsStatus": {
        Format.TEXT: "views.status.status_as_text",
        Format.JSON: "store.documents.status.status_document",
        Format.MARKDOWN: "views.status.status_as_markdown",
    },
    "results.plans.PlanMade": {
        Format.TEXT: "views.text.plan_made",
        Format.JSON: "store.planfile.document_of_look",
        Format.MARKDOWN: "views.markdown.plan_made",
    },
    "results.plans.Applied": {
        Format.TEXT: "views.text.applied",
        Format.JSON: "views.outcomes.no_document",
        Format.MARKDOWN: "views.outcomes.nothing_more",
    },
    "results.plans.ApplySummary": {
        Format.TEXT: "views.outcomes.told_already",
        Format.JSON: "store.documents.applies.apply_summary_document",
    },
    "outcomes.Outcome": {
        Format.TEXT: "views.text.outcome_lines",
        Format.JSON: "store.documents.log.outcome_document",
        Format.MARKDOWN: "views.markdown.outcome_lines",
    },
    "results.constructions.ConstructionShown": {
        Format.TEXT: "views.construction.as_text",
        Format.JSON: "store.documents.constructions.construction_document",
        Format.MARKDOWN: "views.construction.as_markdown",
        Format.SHELL: "views.construction_script.as_shell",
    },
    "results.constructions.ConstructionRecord": {
        Format.TEXT: "views.construction_record.as_markdown",
        Format.JSON: "store.documents.constructions.record_document",
        Format.MARKDOWN: "views.construction_record.as_markdown",
    },
    "results.daily.DailyShown": {
        Format.TEXT: "views.daily.as_text",
        Format.JSON: "store.documents.daily.daily_document",
        Format.MARKDOWN: "views.daily.as_markdown",
    },
    "results.trees_compared.TreesCompared": {
        Format.TEXT: "views.changes.compared_as_text",
        Format.JSON: "store.documents.changes.diff_document",
        Format.MARKDOWN: "views.changes.compared_as_markdown",
    },
    "results.trees_compared.ChainHistory": {
        Format.TEXT: "views.history.as_text",
        Format.JSON: "store.documents.changes.history_document",
        Format.MARKDOWN: "views.history.as_markdown",
    },
    "results.impacts.ImpactReport": {
        Format.TEXT: "views.impact.as_text",
        Format.JSON: "store.documents.impacts.impact_document",
        Format.MARKDOWN: "views.impact.as_markdown",
    },
    "results.proposals.Proposal": {
        Format.TEXT: "views.report.as_text",
        Format.JSON: "store.documents.changes.report_document",
        Format.MARKDOWN: "views.report.lines_of_markdown",
        Format.GITHUB: "views.github.problems",
    },
    "results.proposals.RolledBack": {
        Format.TEXT: "views.rollback.as_text",
        Format.JSON: "store.documents.changes.rollback_document",
        Format.MARKDOWN: "views.rollback.as_markdown",
    },
    "results.proposing.TicketProposed": {
        Format.TEXT: "views.proposing.proposed_as_text",
        Format.JSON: "store.documents.proposing.proposed_document",
        Format.MARKDOWN: "views.proposing.proposed_as_markdown",
    },
    "results.proposing.TicketAdopted": {
        Format.TEXT: "views.proposing.adopted_as_text",
        Format.JSON: "store.documents.proposing.adopted_document",
        Format.MARKDOWN: "views.proposing.adopted_as_markdown",
    },
    "results.beginnings.TreeBegun": {
        Format.TEXT: "views.beginning.as_text",
        Format.JSON: "store.documents.beginnings.beginning_document",
        Format.MARKDOWN: "views.beginning.as_markdown",
    },
    "results.captures.CaptureMade": {
        Format.TEXT: "views.capture.as_text",
        Format.JSON: "store.documents.captures.capture_document",
        Format.MARKDOWN: "views.capture.as_markdown",
    },
    "results.captures.CapturesMade": {
        Format.TEXT: "views.capture.several_as_text",
        Format.JSON: "store.documents.captures.several_document",
        Format.MARKDOWN: "views.capture.several_as_markdown",
    },
    "results.captures.CaptureRefused": {
        Format.TEXT: "views.capture.refused",
        Format.JSON: "store.documents.captures.refused_document",
        Format.MARKDOWN: "views.capture.refused",
    },
    "results.places_looked_at.Checkup": {
        Format.TEXT: "views.checkups.as_text",
        Format.JSON: "store.documents.checkups.checkup_document",
        Format.MARKDOWN: "views.checkups.as_markdown",
    },
    "results.places_looked_at.ObservationsWritten": {
        Format.TEXT: "views.places.observations",
        Format.JSON: "store.documents.places.observed_document",
        Format.MARKDOWN: "views.places.observations",
    },
    "results.places_looked_at.LockBroken": {
        Format.TEXT: "views.places.lock",
        Format.JSON: "store.documents.places.unlocked_document",
        Format.MARKDOWN: "views.places.lock",
    },
    "results.lookups.FingerprintsCompared": {
        Format.TEXT: "views.fingerprints.as_text",
        Format.JSON: "store.documents.fingerprints.fingerprints_document",
        Format.MARKDOWN: "views.fingerprints.as_markdown",
    },
    "results.retention.RetentionTold": {
        Format.TEXT: "views.retention.as_text",
        Format.JSON: "store.documents.retention.retention_document",
        Format.MARKDOWN: "views.retention.as_markdown",
    },
    "results.timelines.TimelinesDrawn": {
        Format.TEXT: "views.timelines.text.as_text",
        Format.JSON: "store.documents.timelines.timeline_document",
        Format.MARKDOWN: "views.timelines.markdown.as_markdown",
        Format.SVG: "views.timelines.svg.as_svg",
    },
    "results.lookups.EffectiveFound": {
        Format.TEXT: "views.effective.as_text",
        Format.JSON: "store.documents.effective.effective_document",
        Format.MARKDOWN: "views.effective.as_markdown",
    },
    "results.lookups.ExplanationsFound": {
        Format.TEXT: "views.explain.as_text",
        Format.JSON: "store.documents.explanations.explanation_document",
        Format.MARKDOWN: "views.explain.as_markdown",
    },
    "results.watching.Turned": {
        Format.TEXT: "views.watching.as_text",
        Format.JSON: "store.documents.watching.turn_document",
        Format.MARKDOWN: "views.watching.as_markdown",
    },
    "results.watching.LoopSeen": {
        Format.TEXT: "views.watching.alive_as_text",
        Format.JSON: "store.documents.watching.loop_document",
        Format.MARKDOWN: "views.watching.alive_as_markdown",
    },
    "results.reviews.TicketsReviewed": {
        Format.TEXT: "views.review.reviews_as_text",
        Format.JSON: "store.documents.reviews.reviews_document",
        Format.MARKDOWN: "views.review.reviews_as_markdown",
    },
    "results.reviews.ArchiveReviewed": {
        Format.TEXT: "views.archive.as_text",
        Format.JSON: "store.documents.reviews.archive_document",
        Format.MARKDOWN: "views.archive.as_markdown",
    },
    "results.tickets.ApprovalsListed": {
        Format.TEXT: "views.approvals.listed_as_text",
        Format.JSON: "store.documents.approvals.approvals_document",
        Format.MARKDOWN: "views.approvals.listed_as_markdown",
    },
    "results.tickets.SealsWritten": {
        Format.TEXT: "views.places.seals",
        Format.JSON: "store.documents.places.seals_document",
        Format.MARKDOWN: "views.places.seals",
    },
    "results.pages.PagesWritten": {
        Format.TEXT: "views.written_pages.lines",
        Format.JSON: "store.documents.pages_written.pages_document",
        Format.MARKDOWN: "views.written_pages.lines",
    },
    "results.runs.RunsListed": {
        Format.TEXT: "views.log.listed_as_text",
        Format.JSON: "store.documents.log.log_document",
        Format.MARKDOWN: "views.log.listed_as_markdown",
    },
    "results.plans.SavedPlan": {
        Format.TEXT: "views.text.plan_of",
        Format.JSON: "store.planfile.document_of",
        Format.MARKDOWN: "views.markdown.plan_of",
    },
}
"""By the type of a result, as `name_of` calls it: functions by format.

Those of JSON return a document, the others yield lines; messages among them
are for people, and are shown beside the result."""


def name_of(type_: type) -> str:
    """Return what the table calls a type: module in ``model``, and name."""
    module = type_.__module__.removeprefix("calibstate.model.")
    return f"{module}.{type_.__qualname__}"


def formats_of(name: str) -> tuple[Format, ...]:
    """Return the formats of a result, by what the table calls its type."""
    return tuple(VIEWS[name])


def format_of_suffix(file: Path) -> Format | None:
    """Return the format that the suffix of a file means; `None`: any."""
    return SUFFIXES.get(file.suffix.lower())


def view_of(type_: type, format: Format) -> Callable[[Any], Any]:
    """Return the function that shows results of a type in a format."""
    functions = VIEWS[name_of(type_)]
    name, _, function = functions[format].rpartition(".")
    # Only now, so that a command imports no view but its own.
    module = import_module(f"calibstate.{name}")
    view: Callable[[Any], Any] = getattr(module, function)
    return view

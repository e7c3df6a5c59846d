"""All rules; a new one is a function in its family's file and a line here.

A test walks them: each has a page in ``docs/reference/policy/`` whose
examples show what it finds and what it lets pass.
"""

from __future__ import annotations

from ...model.policy import Level
from . import approval, changes, dependencies, names, order, repositories, surroundings, validity
from .judged import Rule

__all__ = ["RULES"]

_N, _W, _E = Level.NOTE, Level.WARNING, Level.ERROR
_NAMES, _RUNS, _ORDER = "DMTN-222, section 2", "DMTN-222, sections 2 and 3.3", "DMTN-222, sections 2 and 3.5"
_APPROVAL, _VALIDITY = "DMTN-222, section 3.4", "DMTN-222, section 3.3"
_ALONE = "decision 30: a site is judged by what is there"
_CHART = "DMTN-222, section 3.1 and figure 2"
_HOSTILE = "decision 21: a pull request is hostile until it is merged"
_FINAL, _UNDECLARED = "decision 2: what a ticket holds is final", "decision 1: undeclared is not unwanted"

RULES: tuple[Rule, ...] = (
    Rule("N101", "certification-name", _W, "Unusual name", _NAMES, names.certification_names),
    Rule("N102", "generation-name", _W, "Unusual generation", _NAMES, names.generation_names),
    Rule("N103", "verification-name", _W, "Unusual verification", _NAMES, names.verification_names),
    Rule("N104", "not-a-certification", _W, "Not a certification", _RUNS, names.not_certifications),
    Rule("N105", "generation-run-missing", _W, "Generation not kept", _VALIDITY, names.runs_not_kept),
    Rule("O201", "newer-below-older", _W, "Newer below older", _ORDER, order.newer_below_older),
    Rule("A301", "report-missing", _W, "No verification report", _APPROVAL, approval.reports_missing),
    Rule("A302", "date-missing", _N, "Adopted without a date", _APPROVAL, approval.dates_missing),
    Rule("A303", "date-wrong", _W, "Decided on no such day", _APPROVAL, approval.dates_wrong),
    Rule(
        "A304",
        "board-ticket-missing",
        _W,
        "No ticket of the board",
        _APPROVAL,
        approval.board_tickets_missing,
    ),
    Rule("V401", "end-not-open", _W, "Validity ends", _VALIDITY, validity.ends_not_open),
    Rule("V402", "begin-unbounded", _N, "Validity without a begin", _VALIDITY, validity.begins_unbounded),
    Rule("V403", "starts-in-the-future", _W, "Validity not begun", _VALIDITY, validity.starts_in_the_future),
    Rule("V404", "empty-range", _W, "Validity is empty", _VALIDITY, validity.empty_ranges),
    Rule("D501", "gains-alone", _N, "Gains without what they enter", _CHART, dependencies.gains_alone),
    Rule("D502", "linearizer-alone", _N, "Linearizer by itself", _CHART, dependencies.linearizers_alone),
    Rule(
        "D503",
        "prerequisite-missing",
        _N,
        "Made with what nobody has",
        _CHART,
        dependencies.prerequisites_missing,
    ),
    Rule(
        "C601", "sealed-ticket-changed", _E, "Sealed ticket changed", _FINAL, changes.sealed_tickets_changed
    ),
    Rule(
        "C602",
        "retired-ticket-changed",
        _W,
        "Retired ticket changed",
        _FINAL,
        changes.retired_tickets_changed,
    ),
    Rule("C603", "entry-dropped", _E, "Entry dropped", _UNDECLARED, changes.entries_dropped),
    Rule("C604", "entry-moved", _W, "Entry moved", _ORDER, changes.entries_moved),
    Rule(
        "C605",
        "adopted-ticket-changed",
        _W,
        "Adopted ticket changed",
        _FINAL,
        changes.adopted_tickets_changed,
    ),
    Rule(
        "R701",
        "reason-says-nothing",
        _W,
        "Skipped for no reason",
        _APPROVAL,
        repositories.reasons_say_nothing,
    ),
    Rule(
        "R702", "prerequisite-skipped", _W, "Prerequisite skipped", _CHART, repositories.prerequisites_skipped
    ),
    Rule("R703", "skip-of-nothing", _N, "Nothing to skip", _APPROVAL, repositories.skips_of_nothing),
    Rule("R704", "skipped-everywhere", _W, "Deployed nowhere", _APPROVAL, repositories.skipped_everywhere),
    Rule("R705", "records-elsewhere", _W, "Records are elsewhere", _ALONE, repositories.records_elsewhere),
    Rule("S801", "unknown-name", _E, "Unknown name", _HOSTILE, surroundings.unknown_names),
)
"""By family and number."""

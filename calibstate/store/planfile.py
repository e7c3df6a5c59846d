"""A saved plan: canonical JSON, the same bytes for the same plan.

The digest covers what is done and the ground that it stands on, declared and
seen, so a reviewer approves exactly what is applied.  It does not cover the
commit, the version, what else is declared, or what else the places showed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from ..errors import Diagnostic, InvalidStateError, RefusedError
from ..model.actions import Action
from ..model.drift import Drift, Unseen
from ..model.fingerprints import digest_of_lines
from ..model.guards import Allowed, GuardMet
from ..model.plans import Basis, Plan, Refusal, Step
from ..model.results.plans import PlanMade, SavedPlan
from .documents.base import FORMAT, plain, without_folders
from .documents.plans import PlanDocument, StepEntry, drift_entries, summary

__all__ = ["digest", "document", "document_of", "document_of_look", "dumps", "loads"]

_NOT_SAVED = ("scope", "seen", "last_seen")
"""What is told of the look, and not of the plan."""

LARGEST = 256 * 1024 * 1024
"""Bytes beyond which a file is not a plan of ours."""


def document(plan: Plan) -> dict[str, Any]:
    """Return a plan as the JSON document of kind ``plan``.

    It is the same whatever was asked for, and whenever it is made: neither is
    told.

    Parameters
    ----------
    plan
        The plan.
    """
    written = plain(_document(plan))
    for key in _NOT_SAVED:
        del written[key]
    return written


def _document(plan: Plan) -> PlanDocument:
    # What tells of the machine that planned, and not of the plan, is left out.
    refused = []
    for refusal in plan.refused:
        reason = without_folders(refusal.reason)
        refused.append(refusal.model_copy(update={"reason": reason}))
    return PlanDocument(
        basis=plan.basis,
        summary=summary(plan),
        steps=tuple(map(_entry, plan.steps)),
        drift=drift_entries(plan.drift),
        refused=tuple(refused),
        unseen=plan.unseen,
        guards=plan.guards,
        passed=plan.passed,
        digest=digest(plan),
    )


def document_of(result: SavedPlan) -> dict[str, Any]:
    """Return the document of the plan that a result holds."""
    return document(result.plan)


def document_of_look(result: PlanMade) -> dict[str, Any]:
    """Return the document of a plan, with what was looked at for it."""
    looked_at = {"scope": result.scope, "seen": result.ages, "last_seen": result.last_seen}
    return plain(_document(result.plan).model_copy(update=looked_at))


def dumps(plan: Plan) -> str:
    """Write a plan as it is saved, shown and approved."""
    text = json.dumps(
        document(plan),
        sort_keys=True,
        indent=1,
        ensure_ascii=False,
    )
    return f"{text}\n"


def digest(plan: Plan) -> str:
    """Return what a reviewer approves, and an apply holds a plan file to."""
    steps = []
    for step in plan.steps:
        entry = _entry(step)
        steps.append(entry.model_dump(mode="json", by_alias=True))
    covered = {
        "format_version": FORMAT,
        "steps": steps,
    }
    line = json.dumps(
        covered,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return digest_of_lines([line])


def loads(text: str, actions: Mapping[str, type[Action]], name: str = "the plan file") -> Plan:
    """Read a saved plan.

    Parameters
    ----------
    text
        What `dumps` wrote.
    actions
        The known actions, by their names in a plan.
    name
        The file, for messages.

    Raises
    ------
    InvalidStateError
        It is not a plan, or not of this version.
    RefusedError
        It was edited: its digest is not that of its steps.
    """
    saved = _parse(text, name)
    unknown = saved.keys() - PlanDocument.model_fields.keys()
    if unknown:
        raise _not_a_plan(name, f"no plan has a key {min(unknown)!r}")
    # Plans of older versions have none of these.
    unseen = saved.get("unseen", ())
    guards = saved.get("guards", ())
    passed = saved.get("passed", {})
    try:
        basis = Basis.model_validate(saved["basis"])
        steps = [_read_step(step, actions, name) for step in saved["steps"]]
        plan = Plan(
            basis,
            tuple(steps),
            tuple(map(Drift.model_validate, saved["drift"])),
            tuple(map(Refusal.model_validate, saved["refused"])),
            tuple(map(Unseen.model_validate, unseen)),
            tuple(map(GuardMet.model_validate, guards)),
            Allowed.model_validate(passed),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _not_a_plan(name, _mistake(error)) from None
    if saved.get("digest") != digest(plan):
        raise RefusedError(
            Diagnostic(
                "Plan file was edited",
                f"The digest in {name} is not that of its steps, so they are not what was reviewed.",
                hint="Make the plan again with `calibstate plan -o FILE`.",
            )
        )
    _check_order(plan.steps, name)
    return plan


def _parse(text: str, name: str) -> dict[str, Any]:
    """Return a saved plan as plain data."""
    if len(text) > LARGEST:
        raise _not_a_plan(name, "it is too large")
    try:
        saved = json.loads(text)
        if "\\ud" in text.lower():
            # Half a surrogate pair could be read, and never be written.
            written = json.dumps(saved, ensure_ascii=False)
            written.encode()
    except (ValueError, RecursionError) as error:
        raise _not_a_plan(name, f"it is not JSON: {error}") from None
    if not isinstance(saved, dict) or saved.get("kind") != "plan":
        raise _not_a_plan(name, "its `kind` is not `plan`")
    version = saved.get("format_version")
    if version != FORMAT:
        raise _not_a_plan(name, f"its format_version is {version!r}, not {FORMAT!r}")
    return saved


def _entry(step: Step) -> StepEntry:
    """Return a step as a plan's document has it."""
    action = step.action
    ground = action.model_dump(mode="json", exclude={"target", "because"})
    return StepEntry.model_validate(
        {
            "id": step.id,
            "do": action.do,
            "target": action.target,
            "because": action.because,
            "after": step.after,
            "with": ground,
            "declared": step.declared,
        }
    )


def _check_order(steps: Iterable[Step], name: str) -> None:
    """Refuse a plan whose steps do not follow those that they need."""
    before: set[str] = set()
    for step in steps:
        if step.id in before:
            raise _not_a_plan(name, f"step {step.id} is there twice")
        strange = set(step.after) - before
        if strange:
            raise _not_a_plan(
                name,
                f"step {step.id} follows step {min(strange)}, which does not precede it",
            )
        before.add(step.id)


def _read_step(saved: Any, actions: Mapping[str, type[Action]], name: str) -> Step:
    entry = StepEntry.model_validate(saved)
    action = actions.get(entry.do)
    if action is None:
        raise _not_a_plan(
            name,
            f"step {entry.id} wants {entry.do!r}, which this version does not know",
        )
    values = dict(entry.with_)
    values["target"] = entry.target
    values["because"] = entry.because
    return Step(
        entry.id,
        action.model_validate(values),
        entry.after,
        entry.declared,
    )


def _mistake(error: Exception) -> str:
    """Return what is wrong with a saved plan, in words."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    message = first["msg"]
    location = map(str, first["loc"])
    key = ".".join(location)
    if not key:
        return message
    return f"{key}: {message}"


def _not_a_plan(name: str, why: str) -> InvalidStateError:
    return InvalidStateError(
        Diagnostic(
            "Not a plan file",
            f"{name} cannot be read as a plan: {why}.",
            hint="Make the plan again with `calibstate plan -o FILE`, with the version that is to apply it.",
        )
    )

"""What of a plan would be refused, as far as that is known without writing.

A step is refused where it cannot be right: files that cannot be exported, a
class that cannot be imported, a detector that is another one.  Whoever plans
is told so, and nothing of that ticket is begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import Diagnostic, RefusedError, Severity, UnreachableError
from ..kinds.registry import KINDS
from ..model.plans import Plan
from ..ports.places import ReadPlaces

__all__ = ["NONE", "Foreseen", "foresee"]


@dataclass(frozen=True)
class Foreseen:
    """What was found of the steps of a plan before any of them is begun."""

    refused: Mapping[tuple[str, str], Diagnostic] = field(default_factory=dict)
    """Why steps would be refused, by their actions' names and targets."""

    notes: tuple[Diagnostic, ...] = ()
    """What a person should know, and what refuses nothing."""


NONE = Foreseen()
"""Nothing is foreseen."""


def foresee(plan: Plan, places: ReadPlaces) -> Foreseen:
    """Look which steps of a plan would be refused; nothing is written.

    Parameters
    ----------
    plan
        The plan.
    places
        Where to look.  Of one that cannot be seen, or of which others told,
        nothing is foreseen.
    """
    actions = [step.action for step in plan.steps]
    refused: dict[tuple[str, str], Diagnostic] = {}
    notes: dict[Diagnostic, None] = {}
    for action in actions:
        try:
            found = KINDS[action.target.kind].foresee(action, actions, places)
        except UnreachableError:
            continue
        except RefusedError as error:
            found = error.diagnostics
        for diagnostic in found:
            if diagnostic.severity is Severity.ERROR:
                refused.setdefault((action.do, str(action.target)), diagnostic)
            else:
                at = replace(diagnostic, detail=f"{action.target.place}: {diagnostic.detail}")
                notes[at] = None
    return Foreseen(refused, tuple(notes))

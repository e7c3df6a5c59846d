"""What is found in a state tree, told apart by whether a base has it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..checks.judge import judge
from ..errors import Diagnostic
from ..model.desired import DesiredState
from ..model.results.trees import Findings
from .session import Session

if TYPE_CHECKING:
    from ..factory.past import Before

__all__ = ["findings"]


def findings(
    session: Session, desired: DesiredState, remarks: tuple[Diagnostic, ...], before: Before | None
) -> Findings:
    """Return what the checks say of a sound tree, new and old.

    Parameters
    ----------
    session
        It says which day it is.
    desired
        The tree.
    remarks
        What was told when it was read.
    before
        What was declared at the base; `None`: there is none, and all is new.
    """
    today = session.today()
    at_base: list[Diagnostic] = []
    earlier = None
    if before:
        earlier = before.desired
        at_base.extend(before.remarks)
    if earlier:
        at_base.extend(judge(earlier, None, today))
    identities = {_identity(finding) for finding in at_base}
    new: list[Diagnostic] = []
    old: list[Diagnostic] = []
    for finding in (*remarks, *judge(desired, earlier, today)):
        if _identity(finding) in identities:
            old.append(finding)
        else:
            new.append(finding)
    return Findings(tuple(new), tuple(old))


def _identity(finding: Diagnostic) -> tuple[str, str, str, str]:
    """Return what tells a finding from others, before and after."""
    # Lines move, files do not.
    path = finding.where.file if finding.where else ""
    return (finding.code, finding.summary, finding.detail, path)

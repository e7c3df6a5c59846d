"""Tell everything that is wrong with a state tree."""

from __future__ import annotations

from ..errors import CalibstateError, Diagnostic
from ..model.results.trees import Inventory, Validation
from ..store.workspace import in_workspace
from .findings import findings
from .revisions import declared_at_base
from .session import Session

__all__ = ["validate"]


def validate(
    session: Session, base: str | None = None, *, fix: bool = False, every: bool = False
) -> Validation:
    """Return the mistakes of a state tree, and what the policy finds.

    Parameters
    ----------
    session
        It says which tree.
    base
        A commit, branch or tag against which changes are judged, and of which
        findings are known; `None`: none.
    fix
        Repair first what needs no judgement.
    every
        Whether people are shown each of the findings, those of the base too.
    """
    root = str(session.root)
    workspace = in_workspace(root)
    problems: list[Diagnostic] = []
    if fix:
        # What keeps comments takes a while to import.
        from ..store import treefile
        from ..store.mending import mend

        changes, notes = mend(session.root)
        treefile.write(session.root, changes)
        problems.extend(notes)
    try:
        desired, remarks = session.read()
    except CalibstateError as error:
        return Validation(root, workspace, (*problems, *error.diagnostics))
    before = None
    if base is not None:
        # Without a base changes are not judged.
        before, troubles = declared_at_base(session, base, f"{base} has mistakes, so changes are not judged")
        problems.extend(troubles)
    compared = findings(session, desired, remarks, before)
    problems.extend(compared.new)
    inventory = Inventory(
        len(desired.sites), len(desired.repositories), len(desired.tickets), len(desired.chains)
    )
    return Validation(
        desired.root,
        workspace,
        tuple(problems),
        old=compared.old,
        base=base or "",
        every=every,
        inventory=inventory,
    )

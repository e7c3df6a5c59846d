"""Prepare the change that takes a ticket out everywhere."""

from __future__ import annotations

from dataclasses import replace

from ..errors import Diagnostic, UsageError
from ..model.results.proposals import RolledBack
from ..model.scope import Scope
from ..past.changes import changes
from ..past.rollback import remaining
from ..past.rollback import rollback as find_entries
from ..store import treefile
from ..views.rollback import commit_message
from ..views.sentences import sentences
from .impact import lookups_changed
from .session import Session
from .writing import branch_called, write_and_commit

__all__ = ["rollback"]


def rollback(
    session: Session,
    ticket: str,
    because: str,
    observed_until: int,
    *,
    write: bool = True,
    commit: bool = False,
) -> RolledBack:
    """Return what it means to take a ticket out, and write that.

    Parameters
    ----------
    session
        It says which tree.
    ticket
        The ticket, or one collection of a bare ticket.
    because
        Why.
    observed_until
        The end of what was observed, in nanoseconds of TAI.
    write
        Whether the files are written.
    commit
        Whether they are committed too, on a new branch.

    Raises
    ------
    RefusedError
        The files have uncommitted changes, or there is such a branch.
    UsageError
        There is no reason, or no such ticket.
    """
    before = session.desired
    what = find_entries(before, ticket)
    reason = " ".join(because.split())
    if not reason:
        raise UsageError(Diagnostic("No reason", "--because is empty.", hint="Say why, in a few words."))
    # What keeps comments takes a while to import.
    from ..store.retiring import retire

    # It is read again as a whole before anything is written.
    files = retire(before, what.words, reason)
    after, _ = treefile.checked(before, files)
    after = replace(after, root=before.root)
    all_changes = changes(before, after)
    impact = lookups_changed(before, after, Scope(), "the working tree", observed_until)
    result = RolledBack(
        what,
        reason,
        all_changes,
        sentences(all_changes),
        replace(impact, of=f"the rollback of {what.name}"),
        tuple(remaining(before, after)),
        tuple(change.file for change in files),
    )
    if not write:
        return result
    branch = ""
    if commit:
        branch = branch_called("rollback", what.name)
    digest = write_and_commit(before.root, files, branch, commit_message(result))
    return replace(
        result,
        written=True,
        branch=branch,
        commit=digest,
    )

"""A run, a commit and a seal, as pages at addresses that never change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ...model.approvals import Approved
from ...model.names import InstrumentName, Noun
from ...model.pages import Merge, PageContent
from ...model.runs import PastRun
from .pages import PageDocument, head, public
from .pages_chain import MergePart, merge_part

__all__ = [
    "CommitDocument",
    "RunDocument",
    "RunStep",
    "SealDocument",
    "commit_document",
    "run_document",
    "seal_documents",
]


class RunStep(Noun):
    """What became of one step of a run."""

    do: str
    """The operation."""

    target: str
    """Address of the resource."""

    result: str
    detail: str
    """Why, where there is something to tell; without paths and hosts."""


class RunDocument(PageDocument):
    """A run, from its journal: history, never truth."""

    kind: Literal["page-run"] = "page-run"

    run: str

    at: str
    """When it began: UTC, with ``Z``; empty where no line tells."""

    ended: str
    """When its journal was written last: UTC, with ``Z``."""

    state: str
    """What it came to, in a word."""

    reason: str
    """Why it is not done, where that is known."""

    by: str | None
    """Who began it; null: not known, or people are not named."""

    from_commit: str | None
    """Commit of the state tree that it was begun from; null: not known."""

    from_dirty: bool
    """Whether the tree said something that the commit did not."""

    by_version: str | None
    """Version of calibstate that ran; null: not known."""

    steps: tuple[RunStep, ...]
    """In the order in which they came to something first."""

    unreadable: int
    """Lines of the journal that cannot be read."""


class CommitDocument(PageDocument):
    """A commit of the main branch that says something else."""

    kind: Literal["page-commit"] = "page-commit"

    merge: MergePart

    chains: tuple[str, ...]
    """Chains that it declares otherwise."""

    tickets: tuple[str, ...]
    """Tickets that it declares otherwise, as ``INSTRUMENT/TICKET``."""

    runs: tuple[str, ...]
    """Runs that were begun from it, the newest first."""


class SealDocument(PageDocument):
    """A seal, by its digest."""

    kind: Literal["page-seal"] = "page-seal"

    digest: str
    instrument: InstrumentName
    ticket: str

    approval: Literal["approved", "differs", "none"]
    """How it stands to the approval."""


def run_document(content: PageContent, run: PastRun) -> RunDocument:
    """Return the document of a run's page.

    Parameters
    ----------
    content
        All that is known.
    run
        Which.
    """
    by: str | None = None
    from_commit: str | None = None
    by_version: str | None = None
    from_dirty = False
    if run.began:
        from_commit = run.began.commit
        from_dirty = run.began.dirty
        by_version = run.began.version
        if content.wishes.people:
            by = public(run.began.who)
    ended = ""
    if run.lines:
        ended = run.lines[-1].at
    steps: list[RunStep] = []
    for outcome in run.outcomes:
        step = RunStep(
            do=outcome.do,
            target=public(outcome.target),
            result=outcome.result.value,
            detail=public(outcome.detail),
        )
        steps.append(step)
    return RunDocument.model_validate(
        {
            **head(content),
            "run": run.id,
            "at": run.at,
            "ended": ended,
            "state": run.state.value,
            "reason": public(run.reason),
            "by": by,
            "from_commit": from_commit,
            "from_dirty": from_dirty,
            "by_version": by_version,
            "steps": tuple(steps),
            "unreadable": run.unreadable,
        }
    )


def commit_document(content: PageContent, merge: Merge) -> CommitDocument:
    """Return the document of a commit's page.

    Parameters
    ----------
    content
        All that is known.
    merge
        Which.
    """
    tickets: list[str] = []
    for change in merge.changes.tickets:
        tickets.append(change.key.name)
    runs: list[str] = []
    for run in content.runs:
        # A journal tells from which commit its run was.
        if run.began and run.began.commit == merge.revision.commit:
            runs.append(run.id)
    return CommitDocument.model_validate(
        {
            **head(content),
            "merge": merge_part(content, merge),
            "chains": tuple(change.chain for change in merge.changes.chains),
            "tickets": tuple(tickets),
            "runs": tuple(runs),
        }
    )


def seal_documents(content: PageContent) -> Iterator[SealDocument]:
    """Yield the documents of the pages of seals.

    Parameters
    ----------
    content
        All that is known.
    """
    for approved in content.approvals:
        # Without a seal there is no digest to call a page by.
        if approved.instrument in content.instruments and approved.sealed:
            yield _seal_document(content, approved)


def _seal_document(content: PageContent, approved: Approved) -> SealDocument:
    return SealDocument.model_validate(
        {
            **head(content),
            "digest": approved.sealed,
            "instrument": approved.instrument,
            "ticket": approved.ticket,
            "approval": approved.seal.value,
        }
    )

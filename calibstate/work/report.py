"""Tell reviewers what a change of the tree proposes, and what it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import CalibstateError
from ..factory.past import Before
from ..model.desired import DesiredState
from ..model.names import TicketKey
from ..model.results.proposals import Foreseen, Proposal
from ..model.scope import Scope
from ..past.changes import changes
from ..store.workspace import in_workspace
from ..surveys.approvals import approvals
from ..views.printable import printable
from ..views.sentences import sentences
from .approvals import approvals as list_approvals
from .findings import findings
from .foreseeing import foresee
from .impact import lookups_changed
from .nights import Nights
from .revisions import declared_at_base
from .savedplans import read_site_plans, save_text
from .session import Session

__all__ = ["report"]


def report(
    session: Session,
    base: str | None,
    observed_until: int,
    plans: Path | None = None,
    full: Path | None = None,
    *,
    check_jira: bool = False,
    nights: bool = False,
) -> Proposal:
    """Return what a change of the tree proposes, and what it does.

    Parameters
    ----------
    session
        It says which tree.
    base
        A commit, branch or tag; `None`: where the main branch was left.
    observed_until
        The end of what was observed, in nanoseconds of TAI.
    plans
        A folder of saved plans, one a site.
    full
        Where all of it is written: as JSON where its name ends so, else as
        Markdown.
    check_jira
        Whether approvals are compared with Jira, which the environment names.
    nights
        Whether the exposures that change are counted, by what sites
        published of them.

    Raises
    ------
    CalibstateError
        It cannot be written.
    UsageError
        The folder holds no plans, or one of no declared site; or nobody says
        where Jira is.
    """
    proposal = _proposal(session, base, observed_until, plans)
    if check_jira and proposal.is_sound:
        proposal = _compared_with_jira(session, proposal)
    if nights and proposal.impact:
        published = Nights(session)
        foreseen: list[Foreseen] = []
        for ticket in proposal.foreseen:
            then = published.counted_in(ticket.impact)
            foreseen.append(replace(ticket, impact=then))
        now = published.counted_in(proposal.impact)
        proposal = replace(proposal, impact=now, foreseen=tuple(foreseen))
    if full:
        if full.suffix == ".json":
            from ..store.documents.base import plain
            from ..store.documents.changes import report_document

            document = plain(report_document(proposal))
            text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)
        else:
            from ..views.report import as_full_markdown

            text = printable(as_full_markdown(proposal))
        save_text(full, text, "Report cannot be saved")
    return proposal


def _compared_with_jira(session: Session, proposal: Proposal) -> Proposal:
    """Return a proposal with Jira's word on each of its tickets."""
    names = tuple(approved.name for approved in proposal.approvals)
    # Without a ticket there is nobody to ask about.
    if not names:
        return proposal
    narrowed = replace(session, requested=Scope(tickets=names))
    listed = list_approvals(narrowed, check=True)
    return replace(proposal, approvals=listed.approvals, is_checked=True, of_jira=listed.findings)


def _proposal(session: Session, base: str | None, observed_until: int, plans: Path | None) -> Proposal:
    workspace = ""
    try:
        workspace = in_workspace(str(session.root))
        desired, remarks = session.read()
    except CalibstateError as error:
        return Proposal("", "", error.diagnostics, workspace, is_sound=False)
    before, troubles = declared_at_base(session, base, "It has mistakes, so all is told as new")
    before = before or Before(None, "a base that does not validate")
    all_changes = changes(before.desired, desired)
    # What was found before too is not told again.
    compared = findings(session, desired, remarks, before)
    touched = {key for key in all_changes.touched if key in desired.tickets}
    touched.update(_verified_otherwise(before.desired, desired))
    verdicts = [desired.verdicts_of(key) for key in sorted(touched)]
    of_all = approvals(desired, Scope())
    # With this numpy is imported.
    from ..lookups.timelines import declared_timelines

    impact = lookups_changed(before.desired, desired, Scope(), before.words, observed_until)
    return Proposal(
        before.words,
        before.commit,
        (*troubles, *compared.new),
        workspace,
        changes=all_changes,
        sentences=sentences(all_changes),
        approvals=tuple(approved for approved in of_all if approved.key in touched),
        verdicts=tuple(kept for kept in verdicts if kept),
        impact=replace(impact, commit=before.commit),
        timelines=declared_timelines(before.desired, desired, Scope(), compares=True),
        foreseen=tuple(_foreseen(desired, sorted(touched), observed_until)),
        plans=read_site_plans(desired, plans) if plans else (),
    )


def _foreseen(desired: DesiredState, keys: Sequence[TicketKey], observed_until: int) -> Iterator[Foreseen]:
    """Yield what tickets would change that nobody has decided on yet."""
    for key in keys:
        foreseen = foresee(desired, desired.tickets[key].noun, observed_until)
        if foreseen:
            yield foreseen


def _verified_otherwise(before: DesiredState | None, desired: DesiredState) -> Iterator[TicketKey]:
    """Yield the tickets of which another verdict is kept, or a first one."""
    for key, kept in desired.verdicts.items():
        earlier = before.verdicts.get(key) if before else None
        if earlier is None or earlier.noun != kept.noun:
            yield key

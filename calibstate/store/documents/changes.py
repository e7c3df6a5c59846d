"""What is declared, and how it changes from one revision to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from ...errors import Diagnostic, Where
from ...model.approvals import Approved
from ...model.changes import ChainChange, Placed, Sentence
from ...model.names import Noun
from ...model.results.declared import DeclaredChains
from ...model.results.impacts import ImpactReport
from ...model.results.proposals import Proposal, RolledBack
from ...model.results.trees_compared import ChainHistory, ComparedTree, HistoryEntry, TreesCompared
from ...model.rollbacks import Remaining
from ...model.verdicts import ProductVerdict, TicketVerdicts, Verdict
from .base import FORMAT, Problem, problem
from .impacts import CountedEntry, counted_entries
from .plans import summary

__all__ = [
    "ChangedChain",
    "DesiredDocument",
    "DiffDocument",
    "HistoryDocument",
    "LeftEntry",
    "PlacedEntry",
    "ProposedEntry",
    "RemainingEntry",
    "ReportDocument",
    "RevisionEntry",
    "RevisionWords",
    "RollbackDocument",
    "VerifiedTicket",
    "changed_chain",
    "desired_document",
    "diff_document",
    "effects",
    "history_document",
    "proposed_entries",
    "report_document",
    "rollback_document",
]


_Chains: TypeAlias = dict[str, tuple[str, ...]]
"""Children by chain."""

_Resources: TypeAlias = dict[str, Mapping[str, Any]]
"""What is declared of resources of a kind, by name."""


class ProposedEntry(Noun):
    """One thing that is declared otherwise."""

    mark: Literal["+", "-", "~"]
    what: str
    """What it is about: tickets, a repository, the settings."""

    said: str
    """What becomes of it, behind its name."""

    at: Where | None = None
    """The line that says so, or said so before."""


class PlacedEntry(Noun):
    """An entry that enters a chain, or moves within it."""

    entry: str
    in_front_of: str | None
    """The next entry that was there before; null: it is behind all."""


class LeftEntry(Noun):
    """An entry that leaves a chain."""

    entry: str
    retired: str | None
    """The reason; null: it is not retired, so that it stays live."""


class ChangedChain(Noun):
    """A chain that is declared otherwise."""

    chain: str
    instrument: str
    repositories: tuple[str, ...]
    """Those that have it."""

    new: bool
    gone: bool
    entered: tuple[PlacedEntry, ...]
    left: tuple[LeftEntry, ...]
    moved: tuple[PlacedEntry, ...]
    retired: Mapping[str, str]
    """Retired without having been an entry, or for another reason."""

    unretired: tuple[str, ...]
    """Retired no more, and no entry either."""


class RevisionWords(Noun):
    """A revision that is compared."""

    words: str
    """What it is, for people."""

    commit: str | None
    """Null: the working tree."""


class DesiredDocument(Noun):
    """Desired chains."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["desired"] = "desired"

    at: RevisionWords | None = None
    """When they were desired; null: now."""

    repositories: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Children in search order, by chain, by address of the repository."""

    resources: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]] = {}
    """What is declared of other kinds, by address of the repository, by kind
    and by name; only of kinds that say so in words."""


class DiffDocument(Noun):
    """What is declared otherwise."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["diff"] = "diff"

    before: RevisionWords
    after: RevisionWords
    changes: tuple[ProposedEntry, ...]
    """All of it, in sentences."""

    chains: tuple[ChangedChain, ...]
    """The chains among it, for programs."""


class VerifiedTicket(Noun):
    """What verifications say of a ticket, as it is kept in the tree."""

    ticket: str
    instrument: str

    verdict: Verdict
    """The worst of them."""

    products: tuple[ProductVerdict, ...]
    """One by one; none: no verdict is kept."""


class ReportDocument(Noun):
    """A change of the declaration, for those who review it."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["report"] = "report"

    base: str
    """What it is compared with, for people."""

    sound: bool
    """Whether the tree can be read; else only `problems` is known."""

    proposed: tuple[ProposedEntry, ...]
    problems: tuple[Problem, ...]
    approvals: tuple[Approved, ...]
    """Of the tickets that the change is about."""

    verdicts: tuple[VerifiedTicket, ...]
    """What verifications say of those that are constructed."""

    impact: Mapping[str, int]
    """Changes of lookups, counted by what becomes of them."""

    foreseen: Mapping[str, Mapping[str, int]]
    """The same of tickets that nobody has decided on yet, by their names: once
    each is adopted, and in front of its chain."""

    plans: Mapping[str, Mapping[str, int]]
    """What the plan of each site comes to."""

    digests: Mapping[str, str]
    """Digest of the plan of each site, by which it is applied on merge."""

    counted: tuple[CountedEntry, ...] | None = None
    """Exposures whose lookups change, as repositories published theirs; null:
    nobody asked."""


class RevisionEntry(Noun):
    """A commit of the main branch that changed something."""

    commit: str
    at: str
    """When it was committed there, or merged; UTC."""

    title: str
    """Its subject, or the title of the pull request."""

    authors: tuple[str, ...]
    """Who made it; of a merge, what was merged."""

    merged_by: str | None
    pull_request: int | None
    sound: bool
    """Whether the tree could be read; else its change is told of the next."""

    changes: tuple[ProposedEntry, ...]
    chains: tuple[ChangedChain, ...]
    problems: tuple[Problem, ...]


class HistoryDocument(Noun):
    """Who changed a chain, and when."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["history"] = "history"

    chain: str
    revisions: tuple[RevisionEntry, ...]
    """The newest first."""


class RemainingEntry(Noun):
    """What is searched until the next apply."""

    repository: str
    chain: str
    children: tuple[str, ...]
    becomes: Literal["unwanted"] = "unwanted"
    """What it is by this change: the next apply takes it out."""

    by_a_revert: Literal["extra"] = "extra"
    """What a commit that only takes the entry off would leave: it stays."""

    hold: str | None
    """Why nothing is changed there; null: it is."""


class RollbackDocument(Noun):
    """A ticket that is taken out everywhere."""

    format_version: Literal["1.0"] = FORMAT
    kind: Literal["rollback"] = "rollback"

    ticket: str
    instrument: str
    reason: str
    retired: Mapping[str, tuple[str, ...]]
    """Entries that are retired, by chain."""

    changes: tuple[ProposedEntry, ...]
    impact: Mapping[str, int]
    """Changes of lookups, counted by what becomes of them."""

    unknown: tuple[str, ...]
    """Tickets and collections of which nobody knows what they hold, so that
    something may be missing from the impact."""

    remaining: tuple[RemainingEntry, ...]
    files: tuple[str, ...]
    """Relative to the root of the tree."""

    written: bool
    branch: str | None
    commit: str | None


def changed_chain(change: ChainChange) -> ChangedChain:
    """Return the entry of a chain that is declared otherwise."""
    left = []
    for gone in change.left:
        entry = LeftEntry(
            entry=gone.entry,
            retired=gone.retired,
        )
        left.append(entry)
    return ChangedChain(
        chain=change.chain,
        instrument=change.instrument,
        repositories=change.repositories,
        new=change.is_new,
        gone=change.is_gone,
        entered=tuple(map(_placed, change.entered)),
        left=tuple(left),
        moved=tuple(map(_placed, change.moved)),
        retired=dict(change.retired or {}),
        unretired=change.unretired,
    )


def _placed(placed: Placed) -> PlacedEntry:
    return PlacedEntry(entry=placed.entry, in_front_of=placed.in_front_of)


def desired_document(result: DeclaredChains) -> DesiredDocument:
    """Return the document of declared chains."""
    repositories: dict[str, _Chains] = {}
    for chain in result.chains:
        chains = repositories.setdefault(chain.repository, {})
        chains[chain.name] = chain.children
    resources: dict[str, dict[str, _Resources]] = {}
    for resource in result.resources:
        kinds = resources.setdefault(resource.repository, {})
        of_kind = kinds.setdefault(resource.kind, {})
        of_kind[resource.name] = resource.declaration
    at = None
    if result.revision:
        at = RevisionWords(words=result.revision, commit=result.commit)
    return DesiredDocument(
        at=at,
        repositories=repositories,
        resources=resources,
    )


def diff_document(result: TreesCompared) -> DiffDocument:
    """Return the document of what is declared otherwise."""
    return DiffDocument(
        before=_revision(result.before),
        after=_revision(result.after),
        changes=proposed_entries(result.sentences),
        chains=tuple(map(changed_chain, result.changes.chains)),
    )


def history_document(result: ChainHistory) -> HistoryDocument:
    """Return the document of who changed a chain."""
    return HistoryDocument(
        chain=result.chain,
        revisions=tuple(map(_revision_entry, result.entries)),
    )


def report_document(result: Proposal) -> ReportDocument:
    """Return the document of what a change proposes."""
    plans = {}
    digests = {}
    for site in result.plans:
        plans[site.site] = summary(site.plan)
        digests[site.site] = site.digest
    foreseen = {ticket.ticket: effects(ticket.impact) for ticket in result.foreseen}
    return ReportDocument(
        base=result.base,
        sound=result.is_sound,
        proposed=proposed_entries(result.sentences),
        problems=_problems(result.problems),
        approvals=result.approvals,
        verdicts=tuple(map(_verified, result.verdicts)),
        impact=effects(result.impact),
        foreseen=foreseen,
        plans=plans,
        digests=digests,
        counted=counted_entries(result.impact.touched) if result.impact else None,
    )


def rollback_document(result: RolledBack) -> RollbackDocument:
    """Return the document of a ticket that is taken out everywhere."""
    unknown: set[str] = set()
    for chain in result.impact.impact.chains:
        for what in chain.unknown:
            if what.moved:
                unknown.add(what.ticket or what.collection)
    return RollbackDocument(
        ticket=result.what.name,
        instrument=result.what.instrument,
        reason=result.reason,
        retired=result.what.words,
        changes=proposed_entries(result.sentences),
        impact=effects(result.impact),
        unknown=tuple(sorted(unknown)),
        remaining=tuple(map(_remaining, result.remaining)),
        files=result.files,
        written=result.written,
        branch=result.branch or None,
        commit=result.commit or None,
    )


def _verified(kept: TicketVerdicts) -> VerifiedTicket:
    return VerifiedTicket(
        ticket=kept.ticket,
        instrument=kept.instrument,
        verdict=kept.verdict,
        products=kept.products,
    )


def _revision(tree: ComparedTree) -> RevisionWords:
    return RevisionWords(words=tree.words, commit=tree.commit or None)


def proposed_entries(sentences: Iterable[Sentence]) -> tuple[ProposedEntry, ...]:
    """Return what is declared otherwise, in sentences."""
    entries = []
    for sentence in sentences:
        entry = ProposedEntry(
            mark=sentence.mark,
            what=sentence.what,
            said=sentence.rest,
            at=sentence.where,
        )
        entries.append(entry)
    return tuple(entries)


def _revision_entry(entry: HistoryEntry) -> RevisionEntry:
    changed = entry.changed
    revision = changed.revision
    return RevisionEntry(
        commit=revision.commit,
        at=revision.at,
        title=revision.title,
        authors=revision.authors,
        merged_by=revision.merged_by,
        pull_request=revision.pull_request,
        sound=not changed.problems,
        changes=proposed_entries(entry.sentences),
        chains=tuple(map(changed_chain, changed.changes.chains)),
        problems=_problems(changed.problems),
    )


def _problems(problems: Iterable[Diagnostic]) -> tuple[Problem, ...]:
    return tuple(map(problem, problems))


def effects(report: ImpactReport | None) -> dict[str, int]:
    """Count the changes of lookups by what becomes of them."""
    if report is None:
        return {}
    tally = Counter(change.effect.value for change in report.impact.changes)
    return dict(sorted(tally.items()))


def _remaining(remaining: Remaining) -> RemainingEntry:
    return RemainingEntry(
        repository=remaining.repository,
        chain=remaining.chain,
        children=remaining.children,
        hold=remaining.hold,
    )

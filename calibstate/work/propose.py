"""Propose a ticket: find its collections at the origin, and declare them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..capturing.at_origin import TicketAtOrigin
from ..capturing.seal import make_seal
from ..capturing.taken_up import refuse_other_content, remarks_of_declared, taken_up
from ..errors import Diagnostic, InvalidStateError, RefusedError
from ..factory.past import never_committed
from ..model.additions import Additions
from ..model.desired import DesiredState
from ..model.files import FileChange
from ..model.results.proposing import CollectionAtOrigin, TicketProposed
from ..model.seals import Seal
from ..model.tickets import Approval, ApprovalStatus, Ticket
from ..ports.places import ReadPlaces
from ..store import treefile
from ..views.proposing import proposal_message
from .foreseeing import foresee
from .given import key_given, words_given
from .origins import ticket_at_origin, ticket_given
from .session import Session
from .writing import branch_given, refuse_uncommittable, write_and_commit

__all__ = ["Wanted", "propose"]


@dataclass(frozen=True)
class Wanted:
    """What a person proposes, as they give it."""

    ticket: str
    """``TICKET`` or ``INSTRUMENT/TICKET``."""

    sources: tuple[str, ...] = ()
    """A chain, or collections; none: they are called after the ticket."""

    instrument: str | None = None
    summary: str | None = None

    taxicab: str | None = None
    """The board's ticket, if there is one already."""

    seal: bool = True
    """Whether the files are read, to seal it."""


def propose(
    session: Session,
    wanted: Wanted,
    observed_until: int,
    *,
    write: bool = True,
    commit: bool = False,
    branch: str | None = None,
) -> TicketProposed:
    """Return what declares a ticket that its origin has, and write that.

    Parameters
    ----------
    session
        It says which tree.
    wanted
        The ticket, and where it is found.
    observed_until
        The end of what was observed, in nanoseconds of TAI.
    write
        Whether the files are written.
    commit
        Whether they are committed too, on a new branch.
    branch
        The branch; `None`: called after the ticket.

    Raises
    ------
    RefusedError
        It is declared with other collections, or cannot be deployed; or the
        files cannot be committed.
    UnreachableError
        The origin cannot be seen.
    UsageError
        There are no such collections, or a word cannot stand in a file.
    """
    desired = session.desired
    summary = words_given("--summary", wanted.summary)
    taxicab = wanted.taxicab
    if taxicab is not None:
        taxicab = key_given("--taxicab", taxicab)
    word, instruments = ticket_given(desired, wanted.ticket, wanted.instrument, wanted.sources)
    on_branch = branch_given("propose", word, commit=commit, branch=branch)
    places = session.places()
    at_origin = ticket_at_origin(session, places, word, instruments, wanted.sources)
    session.listener.report(places.slow_looks())
    approval = Approval(status=ApprovalStatus.PROPOSED, taxicab=taxicab)
    proposal = Proposal(session, at_origin, at_origin.ticket(approval, summary))
    proposal.remarks += at_origin.remarks()
    declared = desired.tickets.get(at_origin.key)
    if declared:
        proposal.ticket = taken_up(declared, at_origin)
        proposal.remarks += remarks_of_declared(declared, summary, taxicab)
    # Once before the files are read, which takes long.
    changes = proposal.changes()
    proposal.state_after(changes)
    if write:
        refuse_uncommittable(desired.root, changes, on_branch)
    if wanted.seal:
        proposal.add_seal(places)
    result = proposal.result(observed_until)
    if not write:
        return result
    return proposal.write(result, on_branch)


@dataclass
class Proposal:
    """A ticket that was found, and what is to be declared of it."""

    session: Session
    at_origin: TicketAtOrigin
    ticket: Ticket

    seal: Seal | None = None
    """What it contains; `None`: it is not sealed."""

    remarks: list[Diagnostic] = field(default_factory=list)
    """What a person should know."""

    @property
    def desired(self) -> DesiredState:
        """What is declared already."""
        return self.session.desired

    def add_seal(self, places: ReadPlaces) -> None:
        """Seal the ticket, unless it is sealed or decided already.

        Parameters
        ----------
        places
            Where every file is read.

        Raises
        ------
        RefusedError
            It was sealed with another content, or cannot be.
        """
        sealed = self.desired.seals.get(self.ticket.key)
        if sealed:
            refuse_other_content(sealed, self.at_origin)
            self.seal = sealed.noun
            return
        # What was adopted without a seal is not for a proposal to change.
        if self.ticket.approval.status is ApprovalStatus.ADOPTED:
            return
        with self.session.listener.progress(f"reading {self.ticket.ticket},") as watch:
            self.seal = make_seal(
                self.ticket,
                self.desired,
                places,
                self.session.utc_now(),
                watch,
                warn=self.remarks.append,
            )

    def changes(self) -> tuple[FileChange, ...]:
        """Return the files that the tree lacks, in the order of writing."""
        declared = self.desired.tickets.get(self.ticket.key)
        changes: list[FileChange] = []
        new: tuple[Ticket, ...] = ()
        if declared is None:
            new = (self.ticket,)
        else:
            # What keeps comments takes a while to import.
            from ..store.collectionlist import with_collections

            change = with_collections(self.desired, declared, self.ticket.collections)
            if change:
                changes.append(change)
        seals: tuple[Seal, ...] = ()
        if self.seal and self.ticket.key not in self.desired.seals:
            seals = (self.seal,)
        today = self.session.today().isoformat()
        additions = Additions(
            tickets=new,
            seals=seals,
            remarks={name: self.at_origin.live.remark(name) for name in self.at_origin.leaves},
            heading=f"Proposed from {self.at_origin.address} on {today}.",
        )
        changes += treefile.changes(self.desired, additions)
        return tuple(changes)

    def state_after(self, changes: Sequence[FileChange]) -> DesiredState:
        """Return what the tree declares with some files.

        Raises
        ------
        RefusedError
            It would not be sound.
        """
        try:
            after, _ = treefile.checked(self.desired, changes)
        except InvalidStateError as error:
            problems: list[Diagnostic] = []
            for diagnostic in error.diagnostics:
                detail = f"With what was found: {diagnostic.detail}"
                problems.append(replace(diagnostic, detail=detail))
            raise RefusedError(*problems) from None
        return replace(after, root=self.desired.root)

    def result(self, observed_until: int) -> TicketProposed:
        """Return what is declared, and what becomes of lookups by that.

        Parameters
        ----------
        observed_until
            The end of what was observed, in nanoseconds of TAI.
        """
        changes = self.changes()
        after = self.state_after(changes)
        live = self.at_origin.live
        result = TicketProposed(
            self.ticket,
            self.at_origin.address,
            tuple(CollectionAtOrigin(name, live.remark(name)) for name in self.at_origin.leaves),
            self.seal,
            changes,
            tuple(self.remarks),
        )
        foreseen = foresee(after, self.ticket, observed_until)
        if foreseen is None:
            return result
        return replace(
            result,
            chain=foreseen.chain,
            impact=foreseen.impact,
        )

    def write(self, result: TicketProposed, branch: str) -> TicketProposed:
        """Write the files, and commit them where a branch is named."""
        root = self.desired.root
        files = [change.file for change in result.changes]
        written_before: list[str] = []
        if branch:
            # A run before may have been cut off before it made its commit.
            for written in (self.desired.tickets, self.desired.seals):
                noun = written.get(self.ticket.key)
                if noun and noun.lines.file not in files:
                    written_before.append(noun.lines.file)
            written_before = never_committed(root, written_before)
        if not files and not written_before:
            return replace(result, written=True)
        message = proposal_message(result)
        digest = write_and_commit(root, result.changes, branch, message, written_before)
        return replace(
            result,
            written=True,
            branch=branch,
            commit=digest,
            files=(*files, *written_before),
        )

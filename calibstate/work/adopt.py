"""Write down that the board has adopted a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import Diagnostic, Severity
from ..factory.past import current_branch
from ..model.desired import DesiredState, Written
from ..model.files import FileChange
from ..model.names import ANY
from ..model.results.proposing import TicketAdopted
from ..model.scope import Scope
from ..model.tickets import ApprovalStatus, Ticket
from ..past.adoption import Decision, adopted
from ..past.changes import changes
from ..past.placement import Placement, placement_of
from ..store import treefile
from ..views.proposing import adoption_message
from ..views.sentences import sentences
from .given import day_given, key_given, words_given
from .impact import lookups_changed
from .scoping import ticket_named
from .session import Session
from .writing import branch_called, branch_given, write_and_commit

__all__ = ["Wanted", "adopt"]


@dataclass(frozen=True)
class Wanted:
    """What a person says of a decision, as they give it."""

    ticket: str
    """``TICKET`` or ``INSTRUMENT/TICKET``."""

    taxicab: str
    report: str | None = None
    date: str | None = None
    deployment: str | None = None
    note: str | None = None

    chain: str | None = None
    """Where it is listed; `None`: in ``INSTRUMENT/calib``."""

    before: str | None = None
    """The entry that it is put in front of; `None`: all of them."""

    def decision(self, session: Session) -> Decision:
        """Return the decision.

        Raises
        ------
        UsageError
            A word of it cannot stand in a file.
        """
        deployment = self.deployment
        if deployment is not None:
            deployment = key_given("--deployment", deployment)
        return Decision(
            taxicab=key_given("TAXICAB", self.taxicab),
            date=day_given("--date", self.date, session.today()),
            report=words_given("--report", self.report),
            deployment=deployment,
            note=words_given("--note", self.note),
        )


def adopt(
    session: Session,
    wanted: Wanted,
    observed_until: int,
    *,
    write: bool = True,
    commit: bool = False,
    branch: str | None = None,
) -> TicketAdopted:
    """Return what it means that a ticket was adopted, and write that.

    Parameters
    ----------
    session
        It says which tree.
    wanted
        The ticket and the decision.
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
        It is not sealed, or was decided otherwise; or the files cannot be
        changed or committed.
    UsageError
        There is no such ticket, or a word cannot stand in a file.
    """
    before = session.desired
    written = ticket_named(before, wanted.ticket)
    name = written.noun.ticket
    on_branch = branch_given("adopt", name, commit=commit, branch=branch)
    # On the branch of its proposal a decision belongs there.
    proposed = branch_called("propose", name)
    if commit and branch is None and current_branch(before.root) == proposed:
        on_branch = proposed
    today = session.today().isoformat()
    ticket = adopted(before, written, wanted.decision(session), today)
    approval = written.noun.approval
    # What was adopted without the board's ticket, such as what was captured,
    # stands where somebody has put it, or nowhere.  What was adopted by this
    # one may lack its entry because a run was cut off.
    is_recorded = approval.status is ApprovalStatus.ADOPTED and approval.taxicab is None
    placement = None
    if not is_recorded or wanted.chain or wanted.before:
        placement = placement_of(before, ticket, wanted.chain, wanted.before)
    files = _changes(before, written, ticket, placement)
    remarks = tuple(_remarks(ticket, placement, wanted))
    if not files:
        return TicketAdopted(ticket, (), (), remarks=remarks)
    # It is read again as a whole before anything is written.
    after, _ = treefile.checked(before, files)
    after = replace(after, root=before.root)
    impact = lookups_changed(before, after, Scope(), "the working tree", observed_until)
    result = TicketAdopted(
        ticket,
        sentences(changes(before, after)),
        files,
        replace(impact, of=f"adopting {ticket.ticket}"),
        remarks,
    )
    if not write:
        return result
    digest = write_and_commit(before.root, files, on_branch, adoption_message(result))
    return replace(
        result,
        written=True,
        branch=on_branch,
        commit=digest,
    )


def _changes(
    before: DesiredState,
    written: Written[Ticket],
    ticket: Ticket,
    placement: Placement | None,
) -> tuple[FileChange, ...]:
    """Return the files that say what was decided, in the order of writing."""
    # What keeps comments takes a while to import.
    from ..store.ticketvalues import with_values

    files: list[FileChange] = []
    change = with_values(before, written, ticket)
    if change:
        files.append(change)
    # The chain comes behind the ticket: it lists only what is adopted.
    if placement:
        files.extend(treefile.changes(before, placement.additions(ticket)))
    return tuple(files)


def _remarks(ticket: Ticket, placement: Placement | None, wanted: Wanted) -> Iterator[Diagnostic]:
    """Yield what a person should know of the entry."""
    # Where it was to be put somewhere, and nothing was moved.
    is_asked = wanted.chain is not None or wanted.before is not None
    if placement is None and is_asked:
        yield Diagnostic(
            "Listed already",
            f"{ticket.ticket} is an entry already, and stays where it stands.",
            hint="Move its line by hand, if it is to stand elsewhere.",
            severity=Severity.NOTE,
        )
    elif placement is None and ticket.instrument == ANY:
        yield Diagnostic(
            "Ticket in no chain",
            f"{ticket.ticket} belongs to no instrument, so nothing tells which chain is to list it.",
            hint=f"Name one of them: calibstate adopt {ticket.name} {wanted.taxicab} --chain NAME.",
            severity=Severity.NOTE,
        )
    elif placement and placement.is_new:
        yield Diagnostic(
            "Chain is new",
            f"No file declared {placement.chain}: what it searches besides is kept, and told as *extra*.",
            hint="`calibstate capture` declares what is live.",
            severity=Severity.NOTE,
        )

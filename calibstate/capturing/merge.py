"""Merge the order of a live chain into the one that a file declares.

Entries are added, never moved: a new one goes directly in front of the next
that both have.  Where that cannot say the live order, nothing is merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import Diagnostic, Where
from ..model.additions import NewEntry
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Lines, Meaning, Written
from ..model.names import RepositoryAddress, TicketKey
from ..model.tickets import ApprovalStatus, Ticket
from .describe import Description

__all__ = ["Merged", "merge"]


@dataclass
class Merged:
    """What a declared chain lacks of a live one."""

    entries: list[NewEntry] = field(default_factory=list)
    """New entries, in their order."""

    only: bool = False
    """Whether the repository is to be named among those that have it."""

    expected: list[int] = field(default_factory=list)
    """Entries of what others make, where the repository is to be named."""

    absent: set[TicketKey] = field(default_factory=set)
    """Tickets that the file lists and nothing searches here."""

    present: set[TicketKey] = field(default_factory=set)
    """Tickets that the file lists and that are searched here."""

    refused: list[Diagnostic] = field(default_factory=list)
    """What the file cannot say."""


def merge(
    written: Written[ChainFile],
    description: Description,
    desired: DesiredState,
) -> Merged:
    """Return what makes a declared chain say the live one, too.

    Parameters
    ----------
    written
        The chain, as declared.
    description
        What its live children are.
    desired
        The whole declared state.
    """
    chain, address = written.noun, description.live.address
    is_expected = desired.expects(chain.only, address)
    merged = Merged(only=not is_expected)
    live = description.live.children(chain.chain)
    merger = _Merger(
        chain,
        written.lines,
        address,
        live,
        description,
        desired,
        merged,
    )
    # First what is declared is held against what is live; only where the
    # file can say that, what is new gets its place.
    entry_of: dict[str, int] = {}
    for index, entry in enumerate(chain.entries):
        if isinstance(entry, ExternalEntry):
            merger.compare_external(index, entry)
            entry_of[entry.external] = index
        else:
            meaning = desired.meaning(entry, chain.instrument)
            assert meaning, "the tree is sound"
            merger.compare_word(index, entry, meaning)
            entry_of.update(dict.fromkeys(meaning.children, index))
    merger.refuse_retired()
    if not merged.refused:
        merger.place(entry_of)
    return merged


@dataclass(frozen=True)
class _Merger:
    """Holds one declared chain against one live one."""

    chain: ChainFile
    lines: Lines
    address: RepositoryAddress

    live: tuple[str, ...]
    """Children that the chain has in the repository."""

    description: Description
    desired: DesiredState
    merged: Merged

    @property
    def _name(self) -> str:
        return self.chain.chain

    def compare_external(self, index: int, entry: ExternalEntry) -> None:
        """Hold an entry of what others make against the live chain."""
        is_expected = self.desired.expects(entry.only, self.address)
        is_searched = entry.external in self.live
        if is_searched and not is_expected:
            self.merged.expected.append(index)
            return
        # What others have not made yet cannot be searched.
        exists = entry.external in self.description.live.collections
        if is_expected and exists and not is_searched:
            self._refuse(
                "Declared and not searched",
                f"`{entry.external}` is there, and {self._name} does not search it.",
                self.lines.at("entries", index),
            )

    def compare_word(self, index: int, word: str, meaning: Meaning) -> None:
        """Hold an entry of a ticket or another chain against the live chain.

        Parameters
        ----------
        index, word
            The entry.
        meaning
            What it stands for.
        """
        where = self.lines.at("entries", index)
        live = [child for child in meaning.children if child in self.live]
        if meaning.ticket:
            self._compare_ticket(meaning.ticket.noun, meaning.children, live, where)
        elif meaning.chain and not live:
            inner = meaning.chain.noun
            # A chain that is declared for others only need not be there.
            if self.desired.expects(inner.only, self.address):
                self._refuse(
                    "Declared and not searched",
                    f"`{word}` is declared in {self._name}, which does not search it.",
                    where,
                )

    def _compare_ticket(
        self,
        ticket: Ticket,
        children: Sequence[str],
        live: Sequence[str],
        where: Where,
    ) -> None:
        """Note whether a ticket is searched, and refuse it by halves."""
        skipped = self.desired.skipped(ticket, self.address)
        if not live:
            if not skipped:
                self.merged.absent.add(ticket.key)
            return
        self.merged.present.add(ticket.key)
        if skipped:
            self._refuse_skipped(
                ticket,
                skipped,
                hint="Take the `skip` out if it is to stay.",
            )
        elif len(live) < len(children):
            searched = ", ".join(live)
            rest = [child for child in children if child not in live]
            lacking = ", ".join(rest)
            self._refuse(
                "A part of a ticket is searched",
                f"{self._name} searches {searched} of {ticket.ticket}, and not {lacking}.",
                where,
                "List the collections of the ticket one by one.",
            )

    def refuse_retired(self) -> None:
        """Refuse what is searched though it is retired."""
        for word, reason in self.chain.retired.items():
            meaning = self.desired.meaning(word, self.chain.instrument)
            children = meaning.children if meaning else (word,)
            live = [child for child in children if child in self.live]
            if live:
                searched = ", ".join(live)
                self._refuse(
                    "Retired and searched",
                    f"{self._name} searches {searched}, which is retired: {reason}.",
                    self.lines.at("retired", word),
                    "Let `apply` take it out of the chain there, or list it again.",
                )

    def place(self, entry_of: Mapping[str, int]) -> None:
        """Give what is new its place among what is declared.

        Parameters
        ----------
        entry_of
            The index of the entry that each declared child stands for.
        """
        # What both have must be in the same order in both.
        common = [child for child in self.live if child in entry_of]
        declared = [child for child in entry_of if child in self.live]
        if common != declared:
            # Both list the same children: the first that differ say enough.
            at = 0
            while common[at] == declared[at]:
                at += 1
            before = common[at]
            after = declared[at]
            self._refuse(
                "Another order",
                f"{self._name} searches {before} before {after}; "
                f"the file lists {after} first. "
                "One chain has one order everywhere.",
                self.lines.at("entries"),
                "Let `apply` bring the declared order there, or change it in the file.",
            )
            return
        first_of: dict[int, str] = {}
        for child in declared:
            first_of.setdefault(entry_of[child], child)
        # New children wait until the next declared one is met, and go in
        # front of it; at the end they go behind all.
        waiting: list[str] = []
        for child in self.live:
            if child not in entry_of:
                waiting.append(child)
                continue
            index = entry_of[child]
            # A ticket is one entry: nothing can be put amid its collections.
            if waiting and first_of[index] != child:
                listed = ", ".join(waiting)
                self._refuse(
                    "Amid the collections of a ticket",
                    f"{self._name} searches {listed} "
                    f"directly in front of {child}, "
                    f"amid {self.chain.entries[index]}.",
                    self.lines.at("entries", index),
                    "List the collections of the ticket one by one.",
                )
            self._add(waiting, index)
            waiting = []
        self._add(waiting, len(self.chain.entries))

    def _add(self, children: Sequence[str], index: int) -> None:
        """Add entries for new children in front of a declared entry."""
        for child in children:
            ticket = self.description.tickets.get(child)
            if ticket:
                self.merged.present.add(ticket.key)
                self._refuse_if_not_to_be_listed(ticket)
        for entry in self.description.entries(children):
            new = NewEntry(index, entry)
            self.merged.entries.append(new)

    def _refuse_if_not_to_be_listed(self, ticket: Ticket) -> None:
        """Refuse to list a ticket of which its file says otherwise."""
        declared = self.desired.tickets.get(ticket.key)
        if declared is None:
            return
        skipped = self.desired.skipped(ticket, self.address)
        if ticket.approval.status is not ApprovalStatus.ADOPTED:
            status = ticket.approval.status.value
            self._refuse(
                "Ticket not adopted",
                f'{self._name} searches {ticket.ticket}, which is "{status}".',
                declared.lines.at("approval", "status"),
            )
        elif skipped:
            self._refuse_skipped(ticket, skipped)

    def _refuse_skipped(self, ticket: Ticket, reason: str, hint: str = "") -> None:
        lines = self.desired.tickets[ticket.key].lines
        self._refuse(
            "Skipped and searched",
            f"{ticket.ticket} is skipped there ({reason}), and {self._name} searches it.",
            lines.at("skip"),
            hint,
        )

    def _refuse(
        self,
        summary: str,
        detail: str,
        where: Where,
        hint: str = "",
    ) -> None:
        # The chain may be as declared elsewhere.
        here = f"{self.address}: {detail}"
        diagnostic = Diagnostic(summary, here, where, hint)
        self.merged.refused.append(diagnostic)

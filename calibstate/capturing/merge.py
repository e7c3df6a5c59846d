"""Merge the order of a live chain into the one that a file declares.

Entries are added, never moved: a new one goes directly in front of the next
that both have.  Where that cannot say the live order, nothing is merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import Diagnostic, Where
from ..model.additions import NewEntry
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Written
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


def merge(written: Written[ChainFile], told: Description, desired: DesiredState) -> Merged:
    """Return what makes a declared chain say the live one, too.

    Parameters
    ----------
    written
        The chain, as declared.
    told
        What its live children are.
    desired
        The whole declared state.
    """
    return _Merger(written, told, desired).merge()


@dataclass(frozen=True)
class _Merger:
    written: Written[ChainFile]
    told: Description
    desired: DesiredState

    @property
    def _chain(self) -> ChainFile:
        return self.written.noun

    @property
    def _here(self) -> RepositoryAddress:
        return self.told.live.address

    @property
    def _live(self) -> tuple[str, ...]:
        return self.told.live.children(self._chain.chain)

    def merge(self) -> Merged:
        merged = Merged(only=not self.desired.expects(self._chain.only, self._here))
        owners: dict[str, int] = {}
        for index, entry in enumerate(self._chain.entries):
            if isinstance(entry, ExternalEntry):
                owners[entry.external] = index
                self._take_external(index, entry, merged)
            else:
                owners |= dict.fromkeys(self._take_word(index, entry, merged), index)
        merged.refused += self._retired()
        if not merged.refused:
            self._place(owners, merged)
        return merged

    def _take_external(self, index: int, entry: ExternalEntry, merged: Merged) -> None:
        expected, live = self.desired.expects(entry.only, self._here), entry.external in self._live
        if live and not expected:
            merged.expected.append(index)
        elif expected and not live and entry.external in self.told.live.seen:
            where = self.written.lines.at("entries", index)
            detail = f"`{entry.external}` is there, and {self._chain.chain} does not search it."
            merged.refused.append(self._refused("Declared and not searched", detail, where))

    def _take_word(self, index: int, word: str, merged: Merged) -> tuple[str, ...]:
        """Hold an entry against the live chain; return what it stands for."""
        meaning = self.desired.meaning(word, self._chain.instrument)
        assert meaning, "the tree is sound"
        where = self.written.lines.at("entries", index)
        live = [child for child in meaning.children if child in self._live]
        if meaning.ticket:
            merged.refused += self._take_ticket(meaning.ticket.noun, meaning.children, live, where, merged)
        elif meaning.chain and not live and self.desired.expects(meaning.chain.noun.only, self._here):
            detail = f"`{word}` is declared in {self._chain.chain}, which does not search it."
            merged.refused.append(self._refused("Declared and not searched", detail, where))
        return meaning.children

    def _take_ticket(
        self, ticket: Ticket, children: Sequence[str], live: Sequence[str], where: Where, merged: Merged
    ) -> Iterator[Diagnostic]:
        skipped = self.desired.skipped(ticket, self._here)
        if not live:
            if not skipped:
                merged.absent.add(ticket.key)
            return
        merged.present.add(ticket.key)
        if skipped:
            where = self.desired.tickets[ticket.key].lines.at("skip")
            detail = f"{ticket.ticket} is skipped there ({skipped}), and {self._chain.chain} searches it."
            yield self._refused(
                "Skipped and searched", detail, where, "Take the `skip` out if it is to stay."
            )
        elif len(live) < len(children):
            lacking = ", ".join(child for child in children if child not in live)
            detail = f"{self._chain.chain} searches {', '.join(live)} of {ticket.ticket}, and not {lacking}."
            hint = "List the collections of the ticket one by one."
            yield self._refused("A part of a ticket is searched", detail, where, hint)

    def _retired(self) -> Iterator[Diagnostic]:
        for word, reason in self._chain.retired.items():
            meaning = self.desired.meaning(word, self._chain.instrument)
            live = [child for child in (meaning.children if meaning else (word,)) if child in self._live]
            if live:
                detail = f"{self._chain.chain} searches {', '.join(live)}, which is retired: {reason}."
                where = self.written.lines.at("retired", word)
                hint = "Let `apply` take it out of the chain there, or list it again."
                yield self._refused("Retired and searched", detail, where, hint)

    def _place(self, owners: dict[str, int], merged: Merged) -> None:
        """Give what is new its place among what is declared."""
        common = [child for child in self._live if child in owners]
        declared = [child for child in owners if child in self._live]
        if common != declared:
            merged.refused.append(self._other_order(common, declared))
            return
        firsts = {index: child for child, index in reversed([(c, owners[c]) for c in declared])}
        waiting: list[str] = []
        for child in self._live:
            if child not in owners:
                waiting.append(child)
                continue
            index = owners[child]
            if waiting and firsts[index] != child:
                merged.refused.append(self._amid(waiting, index, child))
            merged.entries += self._new(waiting, index, merged)
            waiting = []
        merged.entries += self._new(waiting, len(self._chain.entries), merged)

    def _new(self, children: list[str], index: int, merged: Merged) -> Iterator[NewEntry]:
        for child in children:
            if ticket := self.told.tickets.get(child):
                merged.present.add(ticket.key)
                merged.refused += self._not_to_be_listed(ticket)
        for entry in self.told.entries(children):
            yield NewEntry(index, entry)

    def _not_to_be_listed(self, ticket: Ticket) -> Iterator[Diagnostic]:
        """Refuse to list a ticket of which its file says otherwise."""
        declared = self.desired.tickets.get(ticket.key)
        if declared is None:
            return
        if ticket.approval.status is not ApprovalStatus.ADOPTED:
            status = ticket.approval.status.value
            detail = f'{self._chain.chain} searches {ticket.ticket}, which is "{status}".'
            where = declared.lines.at("approval", "status")
            yield self._refused("Ticket not adopted", detail, where)
        elif skipped := self.desired.skipped(ticket, self._here):
            detail = f"{ticket.ticket} is skipped there ({skipped}), and {self._chain.chain} searches it."
            yield self._refused("Skipped and searched", detail, declared.lines.at("skip"))

    def _other_order(self, live: list[str], declared: list[str]) -> Diagnostic:
        at = next(i for i in range(len(live)) if live[i] != declared[i])
        detail = (
            f"{self._chain.chain} searches {live[at]} before {declared[at]}; the file lists "
            f"{declared[at]} first. One chain has one order everywhere."
        )
        where = self.written.lines.at("entries")
        hint = "Let `apply` bring the declared order there, or change it in the file."
        return self._refused("Another order", detail, where, hint)

    def _amid(self, children: list[str], index: int, behind: str) -> Diagnostic:
        entry = self._chain.entries[index]
        detail = (
            f"{self._chain.chain} searches {', '.join(children)} directly in front of {behind}, amid {entry}."
        )
        where = self.written.lines.at("entries", index)
        hint = "List the collections of the ticket one by one."
        return self._refused("Amid the collections of a ticket", detail, where, hint)

    def _refused(self, summary: str, detail: str, where: Where, hint: str = "") -> Diagnostic:
        return Diagnostic(summary, f"{self._here}: {detail}", where, hint)

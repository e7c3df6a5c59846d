"""Drift: the distance between what is declared and what is live."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from pydantic import Field

from ..errors import Where
from .chains import usual_chains
from .guards import Guard
from .names import Address, CollectionName, InstrumentName, Noun, RepositoryAddress
from .reasons import Code, Reason

__all__ = ["Drift", "LastSeen", "UndeclaredChain", "Unseen", "What", "command_for_all"]


class What(Enum):
    """How live departs from declared."""

    MISSING = "missing"
    CHANGED = "changed"
    """It is there, with content that was not declared or exported."""
    MISORDERED = "misordered"
    UNWANTED = "unwanted"
    """Searched, though declared as retired or skipped."""
    EXTRA = "extra"
    """Searched, though no file names it; kept."""
    UNREACHABLE = "unreachable"
    """The place did not answer; nothing is known."""
    PENDING = "pending"
    """It waits for something that is not done here and now."""


_MOST_NAMED = 2
"""Repositories that are named one by one."""


class Drift(Noun):
    """One way in which a resource is not as declared."""

    target: Address
    """The resource."""

    what: What
    """How it departs."""

    subject: str
    """The collection, child or ticket that it is about."""

    detail: str = ""
    """What was found and what was expected, in a sentence; of a place that
    cannot be seen why, without paths, addresses and hosts."""

    detail_here: str = Field(default="", exclude=True)
    """The same for who works on this machine, where that is more: it stands in
    no document."""

    reason: str = ""
    """Why it is not made as declared, in a word; empty: a step would do it."""

    hint: str = ""
    """What to do, where that is known."""

    declared_at: Where | None = None
    """The line that asks for it."""

    ticket: str = ""
    """The ticket that it is about, as ``INSTRUMENT/TICKET``; else empty."""

    waits_for: str = ""
    """What is awaited, in the same words for all that waits for it; empty
    where nothing is, or where it waits alone."""

    @property
    def told_here(self) -> str:
        """The detail for who works on this machine."""
        return self.detail_here or self.detail

    @property
    def next_step(self) -> str:
        """What to do next, where that is known or one command would be it."""
        if self.hint:
            return self.hint
        here = self._words_of_place
        match self.what:
            case What.UNREACHABLE:
                return f"See what is the matter: `calibstate doctor{here}`."
            case What.EXTRA:
                return f"To keep it, declare it: `calibstate capture{here}`; else retire it in its chain."
            case What.PENDING:
                return self._next_of_pending
            case _:
                return self._next_of_departed

    @property
    def _next_of_pending(self) -> str:
        site, _, repository = self.target.place.partition("/")
        if self.reason == Code.OTHER_SITE.value and repository:
            return f"Have {site} do it: `calibstate apply --site {site}`."
        return f"Look again later: `calibstate drift{self._words_of_part}`."

    @property
    def _next_of_departed(self) -> str:
        # What is refused for a reason of its own is for a person to resolve.
        if not self.reason:
            return f"See what would end it: `calibstate plan{self._words_of_part}`."
        if any(self.reason == guard.value for guard in Guard):
            return f"See how long it is kept, and who may pass: `calibstate plan{self._words_of_part}`."
        return ""

    @property
    def _words_of_place(self) -> str:
        """The repository, as an argument; empty: the place is none."""
        if "/" in self.target.place:
            return f" {self.target.place}"
        return ""

    @property
    def _words_of_part(self) -> str:
        """What narrows a command to the ticket, or else to the place."""
        # At one place alone a ticket waits for what is elsewhere.
        if self.ticket:
            return f" --ticket {self.ticket}"
        return self._words_of_place

    @classmethod
    def because_of(cls, problem: Reason, *, target: Address, what: What, subject: str) -> Drift:
        """Return drift that is explained by what stands in its way.

        Parameters
        ----------
        problem
            Why it is not made as declared.
        target, subject
            As of the drift.
        what
            How it departs, unless it waits for what is on its way.
        """
        waits_for = ""
        if problem.is_awaited:
            what = What.PENDING
            waits_for = problem.detail
        return cls(
            target=target,
            what=what,
            subject=subject,
            detail=problem.detail,
            reason=problem.code.value,
            hint=problem.hint,
            waits_for=waits_for,
        )


class Unseen(Noun):
    """A place that could not be seen, and that nothing asked for needs."""

    place: str

    detail: str = ""
    """Why it could not be seen, without paths, addresses and hosts."""

    detail_here: str = Field(default="", exclude=True)
    """The same for who works on this machine: it stands in no document."""

    @property
    def told_here(self) -> str:
        """Why it could not be seen, for who works on this machine."""
        return self.detail_here or self.detail


class LastSeen(Noun):
    """What a repository showed when it was seen last.

    That is too long ago to be relied on: the repository counts as unreachable,
    and this is only told.
    """

    repository: RepositoryAddress
    """Its address."""

    drift: tuple[Drift, ...] = ()
    """How it departed then from what is declared today."""


class UndeclaredChain(Noun):
    """A chain that is live where no file declares it; it is left as it is."""

    chain: CollectionName
    instrument: InstrumentName

    repositories: tuple[RepositoryAddress, ...]
    """Where it is live and not declared."""

    declared_for: tuple[str, ...]
    """Sites and repositories that its file names; none: it is declared
    nowhere."""

    @property
    def is_usual(self) -> bool:
        """Whether `capture` takes it without being told its name."""
        return self.chain in usual_chains(self.instrument)

    @property
    def words(self) -> str:
        """Where it is live, and where it is declared, in words."""
        number = len(self.repositories)
        where = ", ".join(self.repositories)
        if number > _MOST_NAMED:
            where = f"{number} repositories"
        if not self.declared_for:
            return f"live at {where} and declared nowhere"
        declared = ", ".join(self.declared_for)
        return f"live at {where} and declared for {declared} only"

    @property
    def command(self) -> str:
        """What captures it as it is."""
        words = ["calibstate capture"]
        if self.declared_for:
            words += self.repositories
        words.append(self.instrument)
        if not self.is_usual:
            words += ["--chain", self.chain]
        return " ".join(words)


def command_for_all(undeclared: Sequence[UndeclaredChain]) -> str:
    """Return what captures several chains at once; empty: nothing does.

    Parameters
    ----------
    undeclared
        The chains.
    """
    if len(undeclared) < 2:
        return ""
    for chain in undeclared:
        if not chain.is_usual:
            return ""
    return "calibstate capture"

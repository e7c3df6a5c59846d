"""Where a ticket that was adopted gets its entry in a chain."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Diagnostic, RefusedError, UsageError
from ..model.additions import Additions, NewEntry
from ..model.chains import ChainFile, ExternalEntry
from ..model.desired import DesiredState, Written
from ..model.names import ANY, nearest, spelled
from ..model.tickets import Ticket

__all__ = ["Placement", "placement_of"]


@dataclass(frozen=True)
class Placement:
    """Where a ticket is to stand in a chain."""

    chain: str
    """The chain."""

    before: int = 0
    """Index of the entry that it stands in front of."""

    is_new: bool = False
    """Whether no file declares the chain yet."""

    def additions(self, ticket: Ticket) -> Additions:
        """Return what is added to a tree."""
        if self.is_new:
            chain = ChainFile(
                chain=self.chain,
                instrument=ticket.instrument,
                entries=(ticket.ticket,),
            )
            return Additions(chains=(chain,))
        entry = NewEntry(self.before, ticket.ticket)
        return Additions(entries={self.chain: (entry,)})


def placement_of(
    desired: DesiredState,
    ticket: Ticket,
    chain: str | None = None,
    before: str | None = None,
) -> Placement | None:
    """Return where a ticket gets its entry.

    Parameters
    ----------
    desired
        What is declared.
    ticket
        The ticket.
    chain
        The chain that is asked for; `None`: ``INSTRUMENT/calib``.
    before
        The entry that it is to stand in front of; `None`: all of them.

    Returns
    -------
    Placement or None
        `None` where it is listed already, or no chain can be meant.

    Raises
    ------
    RefusedError
        The chain has retired it.
    UsageError
        There is no such chain or entry.
    """
    instrument = ticket.instrument
    files = desired.chains_of(instrument)
    if chain is None:
        # Whoever has listed it somewhere has chosen its place.
        if any(_lists(file.noun, ticket) for file in files):
            return None
        # Chains of what belongs to no instrument have names of their own.
        if instrument == ANY:
            return None
    default = f"{instrument}/calib"
    name = chain or default
    if name == default and name not in desired.chains and before is None:
        return Placement(name, is_new=True)
    # A chain of another instrument cannot list it, whatever is asked for.
    names = [file.noun.chain for file in files]
    if name not in names:
        listed = ", ".join(names) or "none"
        raise UsageError(
            Diagnostic(
                "No such chain",
                f"{spelled(name)} is no declared chain of {instrument}.",
                hint=_did_you_mean(name, names) or f"Chains of {instrument} are: {listed}.",
            )
        )
    file = desired.chains[name]
    if _lists(file.noun, ticket):
        return None
    for word in (ticket.ticket, *ticket.children):
        # A retired collection may be called by its ticket or by itself.
        reason = file.noun.retired.get(word)
        if reason is None:
            continue
        raise RefusedError(
            Diagnostic(
                "Ticket is retired",
                f"{name} has retired {word}: {reason}.",
                file.lines.at("retired", word),
                "Take it out of `retired` first, if it is to be searched again.",
            )
        )
    if before is None:
        return Placement(name)
    return Placement(name, before=_index_of(before, file))


def _lists(chain: ChainFile, ticket: Ticket) -> bool:
    """Say whether a chain lists a ticket, or a part of it."""
    words = {ticket.ticket, *ticket.bare}
    return not words.isdisjoint(_names(chain))


def _names(chain: ChainFile) -> list[str]:
    """Return the entries of a chain by their names, in their order."""
    names: list[str] = []
    for entry in chain.entries:
        if isinstance(entry, ExternalEntry):
            names.append(entry.external)
        else:
            names.append(entry)
    return names


def _index_of(word: str, file: Written[ChainFile]) -> int:
    """Return the index of an entry of a chain.

    Raises
    ------
    UsageError
        It is none.
    """
    names = _names(file.noun)
    if word in names:
        return names.index(word)
    raise UsageError(
        Diagnostic(
            "No such entry",
            f"--before: {spelled(word)} is no entry of {file.noun.chain}.",
            file.lines.at("entries"),
            _did_you_mean(word, names) or "`calibstate show` lists what it has.",
        )
    )


def _did_you_mean(word: str, names: list[str]) -> str:
    """Return a question for the name that was meant; empty: none is near."""
    near = nearest(word, names)
    if near:
        return f"Did you mean {near}?"
    return ""

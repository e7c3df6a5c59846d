"""Sentences of the field about what is declared otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal

from ..errors import without_secrets
from ..model.changes import ChainChange, Changes, NounChange, Placed, SealChange, Sentence, TicketChange
from ..model.checkups import in_bytes
from ..model.tickets import Ticket
from .messages import count

__all__ = ["of_chain", "of_noun", "of_seal", "of_ticket", "sentences"]

_Mark = Literal["+", "-", "~"]
_LONGEST = 60
"""Characters of a value that is shown."""

_MOST_PLACES = 2
"""Repositories that a sentence names before it only counts them."""

_DIGEST = 19
"""Characters of a digest that are shown."""


def sentences(changes: Changes) -> tuple[Sentence, ...]:
    """Return all that is declared otherwise: what is searched comes first.

    It goes into comments that everybody reads, so it tells no secrets.
    """
    everything: list[Sentence] = []
    for chain in changes.chains:
        everything.extend(of_chain(chain))
    for ticket in changes.tickets:
        everything.append(of_ticket(ticket))
    for seal in changes.seals:
        everything.append(of_seal(seal))
    for repository in changes.repositories:
        sentence = of_noun(repository, "a new repository", "is declared no more")
        everything.append(sentence)
    for setting in changes.settings:
        sentence = of_noun(setting, "a new tree", "are gone")
        everything.append(sentence)
    for resource in changes.own:
        new = f"a new {resource.kind}"
        sentence = of_noun(resource, new, "is declared no more")
        everything.append(sentence)
    harmless = []
    for sentence in everything:
        rest = without_secrets(sentence.rest)
        # A sentence is one line, whatever somebody wrote as a reason.
        rest = rest.replace("\n", " ")
        harmless.append(sentence._replace(rest=rest))
    return tuple(harmless)


# --- chains ---


def of_chain(change: ChainChange) -> Iterator[Sentence]:
    """Yield what a chain searches otherwise, and where it is now."""
    repositories = _listed(change.repositories)
    if change.is_new:
        entries = ", ".join(placed.entry for placed in change.entered)
        yield Sentence(
            mark="+",
            what=change.chain,
            rest=f"a new chain at {repositories}: {entries}",
            where=change.where,
        )
        return
    if change.is_gone:
        yield Sentence(
            mark="-",
            what=change.chain,
            rest="is declared no more; where it is live it stays",
            where=change.where,
        )
        return
    at = f"{change.chain} at {repositories}"
    yield from _entries(change, at)
    retired = change.retired or {}
    for word, why in retired.items():
        yield Sentence(
            mark="-",
            what=word,
            rest=f"retired from {at}: {why}",
            where=change.where,
        )
    for word in change.unretired:
        yield Sentence(
            mark="~",
            what=word,
            rest=f"retired from {at} no more",
            where=change.where,
        )
    expected = change.expected or {}
    for name, only in expected.items():
        places = "everywhere"
        if only:
            places = f"at {', '.join(only)} only"
        yield Sentence(
            mark="~",
            what=name,
            rest=f"expected {places} in {change.chain}",
            where=change.where,
        )
    if change.had_it is not None:
        before = _listed(change.had_it)
        yield Sentence(
            mark="~",
            what=change.chain,
            rest=f"is at {repositories} now, and was at {before}",
            where=change.where,
        )


def _entries(change: ChainChange, at: str) -> Iterator[Sentence]:
    """Yield which entries enter a chain, leave it, or move within it."""
    for entries, position in _together(change.entered):
        yield Sentence(
            mark="+",
            what=entries,
            rest=f"{position} in {at}",
            where=change.where,
        )
    for gone in change.left:
        why = "not retired, so that it stays live as extra"
        if gone.retired:
            why = f"retired: {gone.retired}"
        yield Sentence(
            mark="-",
            what=gone.entry,
            rest=f"out of {at}; {why}",
            where=change.where,
        )
    for entries, position in _together(change.moved):
        yield Sentence(
            mark="~",
            what=entries,
            rest=f"moves, {position} in {at}",
            where=change.where,
        )


def _together(placed: Sequence[Placed]) -> Iterator[tuple[str, str]]:
    """Yield neighbouring entries together, and where they are put."""
    for in_front_of, group in groupby(placed, key=lambda entry: entry.in_front_of):
        position = "behind all others"
        if in_front_of:
            position = f"in front of {in_front_of}"
        entries = ", ".join(entry.entry for entry in group)
        yield entries, position


def _listed(repositories: Sequence[str]) -> str:
    if len(repositories) > _MOST_PLACES:
        return count(repositories, "repository")
    return " and ".join(repositories) or "no repository"


# --- tickets, seals, and what has no words of its own ---


def of_ticket(change: TicketChange) -> Sentence:
    """Return how a ticket is declared otherwise."""
    if change.after is None:
        mark: _Mark = "-"
        rest = "is declared no more; what was deployed of it stays"
    elif change.before is None:
        mark = "+"
        rest = f"a new ticket: {_described(change.after)}"
    else:
        before = change.before.model_dump(mode="json")
        after = change.after.model_dump(mode="json")
        mark = "~"
        rest = _differences(before, after)
    return Sentence(
        mark=mark,
        what=change.key[1],
        rest=rest,
        where=change.where,
    )


def _described(ticket: Ticket) -> str:
    """Return what a ticket is about, how it stands, and how large it is."""
    approval = ticket.approval
    description = approval.status.value
    if approval.taxicab:
        description += f" by {approval.taxicab}"
    if ticket.summary:
        description = f"{ticket.summary}; {description}"
    number = count(ticket.leaves, "collection")
    return f"{description}, {number}"


def of_seal(change: SealChange) -> Sentence:
    """Return how a ticket is sealed otherwise."""
    files = count(change.files, "file")
    size = f"{files}, {in_bytes(change.size)}"
    if change.after is None:
        mark: _Mark = "-"
        rest = "is sealed no more"
    elif change.before is None:
        mark = "+"
        rest = f"sealed: {size}"
    else:
        digest = change.after[:_DIGEST]
        mark = "~"
        rest = f"has another seal, {digest}…: {size}"
    return Sentence(
        mark=mark,
        what=change.key[1],
        rest=rest,
        where=change.where,
    )


def of_noun(change: NounChange, new: str, gone: str) -> Sentence:
    """Return how something is declared otherwise, value by value.

    Parameters
    ----------
    change
        The change.
    new, gone
        What is said where it was not declared before, or is no more.
    """
    if change.after is None:
        mark: _Mark = "-"
        rest = gone
    elif change.before is None:
        mark = "+"
        rest = new
    else:
        mark = "~"
        rest = _differences(change.before, change.after)
    return Sentence(
        mark=mark,
        what=change.name,
        rest=rest,
        where=change.where,
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Say which values differ."""
    # It takes a while to import, and most commands compare nothing.
    from deepdiff import DeepDiff

    differences = DeepDiff(
        before,
        after,
        ignore_order=False,
        view="tree",
        threshold_to_diff_deeper=0,
    )
    phrases = []
    for kind, items in differences.items():
        for item in items:
            keys = item.path(output_format="list")
            path = ".".join(str(key) for key in keys)
            new = _shown(item.t2)
            old = _shown(item.t1)
            value = f"{old} → {new}"
            if kind.endswith("_added"):
                value = f"{new} is new"
            elif kind.endswith("_removed"):
                value = f"{old} is gone"
            phrases.append((path, value))
    # By path, whatever sort of difference it is.
    words = [f"{path}: {value}" for path, value in sorted(phrases)]
    return "; ".join(words) or "is written otherwise"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    # Before it is cut: half a password is known to nobody as one.
    text = without_secrets(str(value))
    if len(text) > _LONGEST:
        return f"{text[:_LONGEST]}…"
    return text

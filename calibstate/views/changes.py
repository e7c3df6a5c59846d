"""What is declared otherwise, in sentences of the field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from ..errors import without_secrets
from ..model.changes import ChainChange, Changes, NounChange, Placed, SealChange, Sentence, TicketChange
from ..model.checkups import in_bytes
from ..model.results.trees_compared import TreesCompared
from ..model.tickets import Ticket
from .markdown import safe
from .messages import count

__all__ = ["as_markdown", "as_text", "compared_as_markdown", "compared_as_text", "sentences"]

_STYLES = {"+": "green", "-": "red", "~": "yellow"}
_NOTHING = "  nothing is declared otherwise"
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
    return tuple(_harmless(sentence) for sentence in _sentences(changes))


def _sentences(changes: Changes) -> Iterator[Sentence]:
    for chain in changes.chains:
        yield from _chain(chain)
    for ticket in changes.tickets:
        yield _ticket(ticket)
    for seal in changes.seals:
        yield _seal(seal)
    for repository in changes.repositories:
        yield _noun(repository, "a new repository", "is declared no more")
    for setting in changes.settings:
        yield _noun(setting, "a new tree", "are gone")
    for resource in changes.own:
        yield _noun(resource, f"a new {resource.kind}", "is declared no more")


def _harmless(sentence: Sentence) -> Sentence:
    """Return a sentence of one line, without secrets."""
    rest = without_secrets(sentence.rest)
    return sentence._replace(rest=rest.replace("\n", " "))


def as_text(sentences: Iterable[Sentence]) -> Iterator[Text]:
    """Yield a line for each, with its place in the files."""
    for sentence in sentences:
        where = sentence.where
        line = Text("  ")
        line.append(f"{sentence.mark} {sentence.what} ", _STYLES[sentence.mark])
        line.append(sentence.rest)
        line.append(f"  {where.file}:{where.line}", "dim")
        yield line


def as_markdown(sentences: Iterable[Sentence]) -> Iterator[str]:
    """Yield an item of a list for each."""
    for sentence in sentences:
        what = safe(sentence.what)
        rest = safe(sentence.rest)
        yield f"- `{sentence.mark}` **{what}** {rest}"


def compared_as_text(result: TreesCompared) -> Iterator[Text | str]:
    """Yield what is declared otherwise in one tree than in another."""
    yield _title(result)
    yield from as_text(result.sentences)
    if not result.sentences:
        yield _NOTHING


def compared_as_markdown(result: TreesCompared) -> Iterator[str]:
    """Yield the same as a list."""
    yield f"**{_title(result)}**\n"
    yield from as_markdown(result.sentences)
    if not result.sentences:
        yield _NOTHING


def _title(result: TreesCompared) -> str:
    words = f"{result.after.words}, compared with {result.before.words}"
    return words[0].upper() + words[1:]


# --- chains ---


def _chain(change: ChainChange) -> Iterator[Sentence]:
    """Yield what a chain searches otherwise, and where it is now."""
    repositories = _listed(change.repositories)
    if change.is_new:
        entries = ", ".join(placed.entry for placed in change.entered)
        words = f"a new chain at {repositories}: {entries}"
        yield Sentence("+", change.chain, words, change.where)
        return
    if change.is_gone:
        words = "is declared no more; where it is live it stays"
        yield Sentence("-", change.chain, words, change.where)
        return
    yield from _entries(change, f"{change.chain} at {repositories}")
    yield from _retired(change, f"{change.chain} at {repositories}")
    expected = change.expected or {}
    for name, only in expected.items():
        places = "everywhere"
        if only:
            places = f"at {', '.join(only)} only"
        words = f"expected {places} in {change.chain}"
        yield Sentence("~", name, words, change.where)
    if change.had_it is not None:
        before = _listed(change.had_it)
        words = f"is at {repositories} now, and was at {before}"
        yield Sentence("~", change.chain, words, change.where)


def _entries(change: ChainChange, at: str) -> Iterator[Sentence]:
    """Yield which entries enter a chain, leave it, or move within it."""
    for entries, position in _together(change.entered):
        yield Sentence("+", entries, f"{position} in {at}", change.where)
    for gone in change.left:
        why = "not retired, so that it stays live as extra"
        if gone.retired:
            why = f"retired: {gone.retired}"
        yield Sentence("-", gone.entry, f"out of {at}; {why}", change.where)
    for entries, position in _together(change.moved):
        yield Sentence("~", entries, f"moves, {position} in {at}", change.where)


def _retired(change: ChainChange, at: str) -> Iterator[Sentence]:
    """Yield what is retired from a chain now, and what is no more."""
    retired = change.retired or {}
    for word, why in retired.items():
        yield Sentence("-", word, f"retired from {at}: {why}", change.where)
    for word in change.unretired:
        yield Sentence("~", word, f"retired from {at} no more", change.where)


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
        return f"{len(repositories)} repositories"
    return " and ".join(repositories) or "no repository"


# --- tickets, seals, and what has no words of its own ---


def _ticket(change: TicketChange) -> Sentence:
    name = change.key[1]
    if change.after is None:
        words = "is declared no more; what was deployed of it stays"
        return Sentence("-", name, words, change.where)
    if change.before is None:
        words = f"a new ticket: {_described(change.after)}"
        return Sentence("+", name, words, change.where)
    before = change.before.model_dump(mode="json")
    after = change.after.model_dump(mode="json")
    return Sentence("~", name, _differences(before, after), change.where)


def _described(ticket: Ticket) -> str:
    """Return what a ticket is about, how it stands, and how large it is."""
    approval = ticket.approval
    description = approval.status.value
    if approval.taxicab:
        description += f" by {approval.taxicab}"
    if ticket.summary:
        description = f"{ticket.summary}; {description}"
    number = count(len(ticket.leaves), "collection")
    return f"{description}, {number}"


def _seal(change: SealChange) -> Sentence:
    name = change.key[1]
    files = count(change.files, "file")
    size = f"{files}, {in_bytes(change.size)}"
    if change.after is None:
        return Sentence("-", name, "is sealed no more", change.where)
    if change.before is None:
        return Sentence("+", name, f"sealed: {size}", change.where)
    digest = change.after[:_DIGEST]
    return Sentence("~", name, f"has another seal, {digest}…: {size}", change.where)


def _noun(change: NounChange, new: str, gone: str) -> Sentence:
    if change.after is None:
        return Sentence("-", change.name, gone, change.where)
    if change.before is None:
        return Sentence("+", change.name, new, change.where)
    words = _differences(change.before, change.after)
    return Sentence("~", change.name, words, change.where)


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
            phrases.append((path, _value(kind, item)))
    # By path, whatever sort of difference it is.
    words = [f"{path}: {value}" for path, value in sorted(phrases)]
    return "; ".join(words) or "is written otherwise"


def _value(kind: str, item: Any) -> str:
    """Say how a value differs that DeepDiff found to differ in some kind."""
    if kind.endswith("_added"):
        return f"{_shown(item.t2)} is new"
    if kind.endswith("_removed"):
        return f"{_shown(item.t1)} is gone"
    return f"{_shown(item.t1)} → {_shown(item.t2)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    # Before it is cut: half a password is known to nobody as one.
    text = without_secrets(str(value))
    if len(text) > _LONGEST:
        return f"{text[:_LONGEST]}…"
    return text

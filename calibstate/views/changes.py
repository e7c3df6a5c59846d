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
_LONGEST = 60
"""Characters of a value that is shown."""


def sentences(changes: Changes) -> tuple[Sentence, ...]:
    """Return all that is declared otherwise: what is searched comes first.

    It goes into comments that everybody reads, so it tells no secrets.
    """
    all_of_it = (
        *(sentence for chain in changes.chains for sentence in _chain(chain)),
        *(_ticket(ticket) for ticket in changes.tickets),
        *(_seal(seal) for seal in changes.seals),
        *(_noun(one, "a new repository", "is declared no more") for one in changes.repositories),
        *(_noun(one, "a new tree", "are gone") for one in changes.settings),
        *(_noun(one, f"a new {one.kind}", "is declared no more") for one in changes.own),
    )
    return tuple(_harmless(sentence) for sentence in all_of_it)


def _harmless(sentence: Sentence) -> Sentence:
    return sentence._replace(rest=without_secrets(sentence.rest).replace("\n", " "))


def as_text(sentences: Iterable[Sentence]) -> Iterator[Text]:
    """Yield a line for each, with its place in the files."""
    for sentence in sentences:
        line = Text("  ").append(f"{sentence.mark} {sentence.what} ", _STYLES[sentence.mark])
        line.append(sentence.rest)
        yield line.append(f"  {sentence.where.file}:{sentence.where.line}", "dim")


def as_markdown(sentences: Iterable[Sentence]) -> Iterator[str]:
    """Yield an item of a list for each."""
    for sentence in sentences:
        yield f"- `{sentence.mark}` **{safe(sentence.what)}** {safe(sentence.rest)}"


def compared_as_text(result: TreesCompared) -> Iterator[Text | str]:
    """Yield what is declared otherwise in one tree than in another."""
    yield _title(result)
    yield from as_text(result.sentences)
    if not result.sentences:
        yield "  nothing is declared otherwise"


def compared_as_markdown(result: TreesCompared) -> Iterator[str]:
    """Yield the same as a list."""
    yield f"**{_title(result)}**\n"
    yield from as_markdown(result.sentences)
    if not result.sentences:
        yield "  nothing is declared otherwise"


def _title(result: TreesCompared) -> str:
    words = f"{result.after.words}, compared with {result.before.words}"
    return words[0].upper() + words[1:]


def _chain(chain: ChainChange) -> Iterator[Sentence]:
    at = f"{chain.chain} at {_listed(chain.repositories)}"
    if chain.is_new:
        entries = ", ".join(one.entry for one in chain.entered)
        yield Sentence(
            "+", chain.chain, f"a new chain at {_listed(chain.repositories)}: {entries}", chain.where
        )
        return
    if chain.is_gone:
        yield Sentence("-", chain.chain, "is declared no more; where it is live it stays", chain.where)
        return
    for entries, where_to in _together(chain.entered):
        yield Sentence("+", entries, f"{where_to} in {at}", chain.where)
    for gone in chain.left:
        why = f"retired: {gone.retired}" if gone.retired else "not retired, so that it stays live as extra"
        yield Sentence("-", gone.entry, f"out of {at}; {why}", chain.where)
    for entries, where_to in _together(chain.moved):
        yield Sentence("~", entries, f"moves, {where_to} in {at}", chain.where)
    for word, why in (chain.retired or {}).items():
        yield Sentence("-", word, f"retired from {at}: {why}", chain.where)
    for word in chain.unretired:
        yield Sentence("~", word, f"retired from {at} no more", chain.where)
    for name, only in (chain.expected or {}).items():
        yield Sentence("~", name, f"expected {_only(only)} in {chain.chain}", chain.where)
    if chain.had_it is not None:
        was = _listed(chain.had_it)
        yield Sentence(
            "~", chain.chain, f"is at {_listed(chain.repositories)} now, and was at {was}", chain.where
        )


def _only(places: Sequence[str]) -> str:
    return f"at {', '.join(places)} only" if places else "everywhere"


def _together(placed: Sequence[Placed]) -> Iterator[tuple[str, str]]:
    for in_front_of, group in groupby(placed, key=lambda one: one.in_front_of):
        where_to = f"in front of {in_front_of}" if in_front_of else "behind all others"
        yield ", ".join(one.entry for one in group), where_to


def _ticket(change: TicketChange) -> Sentence:
    name = change.key[1]
    if change.after is None:
        return Sentence("-", name, "is declared no more; what was deployed of it stays", change.where)
    if change.before is None:
        return Sentence("+", name, f"a new ticket: {_described(change.after)}", change.where)
    before, after = (one.model_dump(mode="json") for one in (change.before, change.after))
    return Sentence("~", name, _differences(before, after), change.where)


def _described(ticket: Ticket) -> str:
    number = count(len(ticket.leaves), "collection")
    approval = ticket.approval
    board = f" by {approval.taxicab}" if approval.taxicab else ""
    about = f"{ticket.summary}; " if ticket.summary else ""
    return f"{about}{approval.status.value}{board}, {number}"


def _seal(change: SealChange) -> Sentence:
    name, size = change.key[1], f"{count(change.files, 'file')}, {in_bytes(change.size)}"
    if change.after is None:
        return Sentence("-", name, "is sealed no more", change.where)
    if change.before is None:
        return Sentence("+", name, f"sealed: {size}", change.where)
    return Sentence("~", name, f"has another seal, {change.after[:19]}…: {size}", change.where)


def _noun(change: NounChange, new: str, gone: str) -> Sentence:
    if change.after is None:
        return Sentence("-", change.name, gone, change.where)
    if change.before is None:
        return Sentence("+", change.name, new, change.where)
    return Sentence("~", change.name, _differences(change.before, change.after), change.where)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Say which values differ."""
    from deepdiff import DeepDiff

    found = DeepDiff(before, after, ignore_order=False, view="tree", threshold_to_diff_deeper=0)
    told = []
    for kind, items in sorted(found.items()):
        for item in items:
            path = ".".join(str(part) for part in item.path(output_format="list"))
            told.append((path, _value(kind, item)))
    return "; ".join(f"{path}: {said}" for path, said in sorted(told)) or "is written otherwise"


def _value(kind: str, item: Any) -> str:
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
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(repositories: Sequence[str], most: int = 2) -> str:
    if len(repositories) > most:
        return f"{len(repositories)} repositories"
    return " and ".join(repositories) or "no repository"

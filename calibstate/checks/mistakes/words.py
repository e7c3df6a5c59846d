"""What several checks say alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import Diagnostic, Where
from ...model.names import nearest, spelled
from .tree import Tree

__all__ = ["did_you_mean", "known_place", "lacks_reason", "line", "no_reason"]


def lacks_reason(noun: Any, key: str) -> bool:
    """Return whether a key is there, and says nothing."""
    return key in noun.model_fields_set and not (getattr(noun, key) or "").strip()


def no_reason(what: str, where: Where) -> Diagnostic:
    """Tell of what is done without a word why."""
    detail = f"{what} without a reason cannot be judged by whoever comes after."
    return Diagnostic("Reason missing", detail, where, "Say why, in a few words.")


def known_place(tree: Tree, place: str, where: Where) -> Iterator[Diagnostic]:
    """Tell of a word that is no site and no repository."""
    if place not in tree.places and not tree.unread.may_mean(place):
        detail = f"{spelled(place)} is neither a site nor a repository."
        hint = did_you_mean(place, tree.places) or "A repository is written SITE/REPOSITORY."
        yield Diagnostic("Unknown site or repository", detail, where, hint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word nearest to one; it may be empty."""
    near = nearest(word, known)
    return f"Did you mean `{near}`?" if near else ""


def line(where: Where) -> str:
    """Return a place in a file as people write it."""
    return f"{where.file}:{where.line}"

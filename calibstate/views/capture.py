"""What was captured: children of live chains, and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from itertools import groupby
from typing import Protocol

from rich.text import Text

from .markdown import fenced, row
from .messages import count

__all__ = ["Changed", "Found", "as_markdown", "as_text", "tally"]

Found = Sequence[tuple[str, str, str, str]]
"""Chain, child, what it is declared as, what it holds; in search order."""

_STYLES = {"new": "green", "changed": "yellow", "same": "dim"}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class Changed(Protocol):
    """A file that would be written."""

    @property
    def file(self) -> str:
        """Relative to the root of the tree."""

    @property
    def before(self) -> bytes | None:
        """What it holds; `None` where it does not exist."""

    @property
    def after(self) -> bytes:
        """What it would hold."""


def as_text(found: Found, files: Mapping[str, str], changed: Iterable[Changed] = ()) -> Iterator[Text]:
    """Yield what was found, the files that say it, and their changes."""
    wide = max((len(child) for _, child, _, _ in found), default=0)
    for chain, children in groupby(found, key=lambda one: one[0]):
        yield Text(chain, "bold")
        for _, child, declared_as, holds in children:
            yield Text(f"  {child:{wide}}  {declared_as}").append(f"  ({holds})", "dim")
    for file, what in files.items():
        if what != "same":
            yield Text(f"{what:8}", _STYLES[what]).append(file, "default")
    for one in changed:
        for line in _diff(one):
            yield Text(line, _DIFF_STYLES.get(line[:1], ""))


def as_markdown(found: Found, files: Mapping[str, str], changed: Iterable[Changed] = ()) -> Iterator[str]:
    """Yield the same as tables."""
    yield row("chain", "child", "declared as", "holds")
    yield "|---|---|---|---|"
    yield from (row(*one) for one in found)
    yield ""
    yield row("file", "")
    yield "|---|---|"
    yield from (row(file, what) for file, what in files.items())
    yield ""
    for one in changed:
        yield fenced(_diff(one), "diff") + "\n"


def tally(files: Mapping[str, str], *, dry: bool) -> str:
    """Say in a line what a capture came to."""
    numbers = Counter(files.values())
    if not numbers["new"] and not numbers["changed"]:
        return f"Nothing to write: {count(numbers['same'], 'file')} say it already."
    told = ", ".join(f"{numbers[what]} {what}" for what in ("new", "changed") if numbers[what])
    return f"{told}; nothing was written." if dry else f"{told}. Read them, and commit them."


def _diff(one: Changed) -> list[str]:
    before = (one.before or b"").decode("utf-8-sig").splitlines()
    after = one.after.decode("utf-8-sig").splitlines()
    old = one.file if one.before is not None else "/dev/null"
    return list(unified_diff(before, after, old, one.file, lineterm=""))

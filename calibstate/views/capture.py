"""What was captured: children of live chains, and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from itertools import groupby
from operator import attrgetter

from rich.text import Text

from ..errors import Diagnostic
from ..model.files import FileChange
from ..model.results.captures import CaptureMade, CaptureRefused
from .markdown import fenced, row
from .messages import Aside, count

__all__ = ["as_markdown", "as_text", "refused", "tally"]

_STYLES = {
    "new": "green",
    "changed": "yellow",
    "same": "dim",
}
_DIFF_STYLES = {
    "+": "green",
    "-": "red",
    "@": "cyan",
}


def as_text(result: CaptureMade) -> Iterator[Diagnostic | Text | str]:
    """Yield what was found, the files that declare it, and their changes."""
    yield from result.remarks
    # What a child is declared as stands behind the longest of the names.
    wide = 0
    for child in result.children:
        wide = max(wide, len(child.child))
    for chain, children in groupby(result.children, key=attrgetter("chain")):
        yield Text(chain, "bold")
        for child in children:
            name = child.child
            declared_as = child.declared_as
            holds = child.holds
            yield Text.assemble(
                f"  {name:{wide}}  {declared_as}",
                (f"  ({holds})", "dim"),
            )
    for file, what in result.files.items():
        if what != "same":
            yield Text.assemble(
                f"{what:8}",
                (file, "default"),
                style=_STYLES[what],
            )
    for change in _to_be_written(result):
        for difference in _diff(change):
            mark = difference[:1]
            style = _DIFF_STYLES.get(mark, "")
            yield Text(difference, style)
    yield tally(result)


def as_markdown(result: CaptureMade) -> Iterator[Diagnostic | str]:
    """Yield the same as tables."""
    yield from result.remarks
    yield row("chain", "child", "declared as", "holds")
    yield "|---|---|---|---|"
    for child in result.children:
        yield row(
            child.chain,
            child.child,
            child.declared_as,
            child.holds,
        )
    yield ""
    yield row("file", "")
    yield "|---|---|"
    for file, what in result.files.items():
        yield row(file, what)
    yield ""
    for change in _to_be_written(result):
        block = fenced(_diff(change), "diff")
        yield f"{block}\n"
    yield tally(result)


def refused(result: CaptureRefused) -> Iterator[Diagnostic | Aside]:
    """Yield why the files of a state tree cannot declare what was found."""
    yield from result.problems
    yield Aside("Nothing was written.")


def tally(result: CaptureMade) -> str:
    """Say in a line what a capture came to."""
    numbers = Counter(result.files.values())
    counted = []
    for what in ("new", "changed"):
        number = numbers[what]
        if number:
            counted.append(f"{number} {what}")
    words = ", ".join(counted)
    if not counted:
        same = count(numbers["same"], "file")
        return f"Nothing to write: {same} say it already."
    if not result.written:
        return f"{words}; nothing was written."
    return f"{words}. Read them, and commit them."


def _to_be_written(result: CaptureMade) -> tuple[FileChange, ...]:
    """Return the changes that a dry run shows; what was written is there."""
    if result.written:
        return ()
    return result.changes


def _diff(change: FileChange) -> list[str]:
    """Return how a file changes, as ``diff -u`` shows it."""
    # A file with a byte-order mark differs by no character from one without.
    before = change.before or b""
    old = before.decode("utf-8-sig")
    new = change.after.decode("utf-8-sig")
    name = change.file
    if change.before is None:
        name = "/dev/null"
    lines = unified_diff(
        old.splitlines(),
        new.splitlines(),
        name,
        change.file,
        lineterm="",
    )
    return list(lines)

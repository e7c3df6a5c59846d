"""What was captured: children of live chains, and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from itertools import groupby

from rich.text import Text

from ..errors import Diagnostic
from ..model.files import FileChange
from ..model.results.captures import CaptureMade, CaptureRefused
from .markdown import fenced, row
from .messages import Aside, count

__all__ = ["as_markdown", "as_text", "refused", "tally"]

_STYLES = {"new": "green", "changed": "yellow", "same": "dim"}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def as_text(result: CaptureMade) -> Iterator[Diagnostic | Text | str]:
    """Yield what was found, the files that say it, and their changes."""
    yield from result.remarks
    wide = max((len(child.child) for child in result.children), default=0)
    for chain, children in groupby(result.children, key=lambda child: child.chain):
        yield Text(chain, "bold")
        for child in children:
            yield Text(f"  {child.child:{wide}}  {child.declared_as}").append(f"  ({child.holds})", "dim")
    for file, what in result.files.items():
        if what != "same":
            yield Text(f"{what:8}", _STYLES[what]).append(file, "default")
    for change in _to_be_written(result):
        for line in _diff(change):
            yield Text(line, _DIFF_STYLES.get(line[:1], ""))
    yield tally(result)


def as_markdown(result: CaptureMade) -> Iterator[Diagnostic | str]:
    """Yield the same as tables."""
    yield from result.remarks
    yield row("chain", "child", "declared as", "holds")
    yield "|---|---|---|---|"
    for child in result.children:
        yield row(child.chain, child.child, child.declared_as, child.holds)
    yield ""
    yield row("file", "")
    yield "|---|---|"
    for file, what in result.files.items():
        yield row(file, what)
    yield ""
    for change in _to_be_written(result):
        yield fenced(_diff(change), "diff") + "\n"
    yield tally(result)


def refused(result: CaptureRefused) -> Iterator[Diagnostic | Aside]:
    """Yield why the files of a state tree cannot say what was found."""
    yield from result.problems
    yield Aside("Nothing was written.")


def tally(result: CaptureMade) -> str:
    """Say in a line what a capture came to."""
    numbers = Counter(result.files.values())
    if not numbers["new"] and not numbers["changed"]:
        return f"Nothing to write: {count(numbers['same'], 'file')} say it already."
    counted = ", ".join(f"{numbers[what]} {what}" for what in ("new", "changed") if numbers[what])
    if not result.written:
        return f"{counted}; nothing was written."
    return f"{counted}. Read them, and commit them."


def _to_be_written(result: CaptureMade) -> tuple[FileChange, ...]:
    """Return the changes that a dry run shows; what was written is there."""
    return () if result.written else result.changes


def _diff(change: FileChange) -> list[str]:
    before = (change.before or b"").decode("utf-8-sig").splitlines()
    after = change.after.decode("utf-8-sig").splitlines()
    old = change.file if change.before is not None else "/dev/null"
    return list(unified_diff(before, after, old, change.file, lineterm=""))

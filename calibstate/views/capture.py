"""What was captured: children of live chains, and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from itertools import groupby
from operator import attrgetter

from rich.text import Text

from ..errors import Diagnostic
from ..model.files import FileChange
from ..model.results.captures import CaptureEnd, CaptureMade, CaptureOfOne, CaptureRefused, CapturesMade
from .markdown import fenced, row
from .messages import Aside, count

__all__ = [
    "as_markdown",
    "as_text",
    "diff",
    "diff_as_text",
    "refused",
    "several_as_markdown",
    "several_as_text",
    "several_tally",
    "tally",
]

_STYLES = {
    "new": "green",
    "changed": "yellow",
    "same": "dim",
}
_END_STYLES = {
    CaptureEnd.CAPTURED: "green",
    CaptureEnd.SAME: "dim",
    CaptureEnd.ABSENT: "dim",
    CaptureEnd.REFUSED: "red",
    CaptureEnd.UNREACHABLE: "yellow",
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
    yield from _diffs_as_text(result)
    yield tally(result)


def _diffs_as_text(result: CaptureMade | CapturesMade) -> Iterator[Text]:
    for change in _to_be_written(result):
        yield from diff_as_text(change)


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
    yield from _diffs_as_markdown(result)
    yield tally(result)


def _diffs_as_markdown(result: CaptureMade | CapturesMade) -> Iterator[str]:
    for change in _to_be_written(result):
        block = fenced(diff(change), "diff")
        yield f"{block}\n"


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


# --- several ---


def several_as_text(result: CapturesMade) -> Iterator[Diagnostic | Text | str]:
    """Yield what became of each capture, and what all of them came to."""
    yield from result.problems
    yield from result.remarks
    ends = {capture.end for capture in result.captures}
    # That nothing is new is said in one line.
    if ends != {CaptureEnd.SAME}:
        yield from _rows(result.captures)
    yield from _diffs_as_text(result)
    yield several_tally(result)


def _rows(all_captures: Sequence[CaptureOfOne]) -> Iterator[Text]:
    wide = max(len(capture.target.repository) for capture in all_captures)
    for instrument, captures in groupby(all_captures, key=_INSTRUMENT):
        yield Text(instrument, "bold")
        for capture in captures:
            yield Text.assemble(
                f"  {capture.target.repository:{wide}}  ",
                (_became(capture), _END_STYLES[capture.end]),
            )


def several_as_markdown(result: CapturesMade) -> Iterator[Diagnostic | str]:
    """Yield the same as a table."""
    yield from result.problems
    yield from result.remarks
    yield row("instrument", "repository", "")
    yield "|---|---|---|"
    for capture in result.captures:
        yield row(
            capture.target.instrument,
            capture.target.repository,
            _became(capture),
        )
    yield ""
    yield from _diffs_as_markdown(result)
    yield several_tally(result)


_INSTRUMENT = attrgetter("target.instrument")


def several_tally(result: CapturesMade) -> str:
    """Say in a line what several captures came to."""
    repositories = {capture.target.repository for capture in result.captures}
    instruments = {capture.target.instrument for capture in result.captures}
    number_of_repositories = count(repositories, "repository")
    number_of_instruments = count(instruments, "instrument")
    start = f"{number_of_repositories}, {number_of_instruments}"
    files = result.files
    ends = Counter(capture.end for capture in result.captures)
    parts = _numbers_of_files(files)
    if not parts:
        same = count(Counter(files.values())["same"], "file")
        parts = [f"nothing to write, {same} say it already"]
    if ends[CaptureEnd.REFUSED]:
        parts.append(f"{ends[CaptureEnd.REFUSED]} refused")
    if result.unseen:
        parts.append(f"{len(result.unseen)} could not be seen")
    words = "; ".join(parts)
    if not result.changes:
        return f"{start}: {words}."
    if not result.written:
        return f"{start}: {words}; nothing was written."
    return f"{start}: {words}. Read them, and commit them."


def _became(capture: CaptureOfOne) -> str:
    """Say what became of one of several captures."""
    match capture.end:
        case CaptureEnd.CAPTURED:
            return "; ".join(_numbers_of_files(capture.files))
        case CaptureEnd.SAME:
            return "in the files already"
        case CaptureEnd.ABSENT:
            chains = ", ".join(capture.chains)
            return f"has no {chains}"
        case CaptureEnd.REFUSED:
            summaries = dict.fromkeys(problem.summary for problem in capture.problems)
            return f"refused, nothing of it written: {', '.join(summaries)}"
        case CaptureEnd.UNREACHABLE:
            return "could not be seen"


def _numbers_of_files(files: Mapping[str, str]) -> list[str]:
    """Return how many files are new and changed, by what they declare."""
    parts: list[str] = []
    for what in ("new", "changed"):
        numbers: Counter[str] = Counter()
        for file, became in files.items():
            if became == what:
                folder, _, _ = file.partition("/")
                numbers[folder.removesuffix("s")] += 1
        if numbers:
            listed = ", ".join(count(number, noun) for noun, number in numbers.items())
            parts.append(f"{listed} {what}")
    return parts


def _to_be_written(result: CaptureMade | CapturesMade) -> tuple[FileChange, ...]:
    """Return the changes that a dry run shows; what was written is there."""
    if result.written:
        return ()
    return result.changes


def diff_as_text(change: FileChange) -> Iterator[Text]:
    """Yield how a file changes, for a terminal."""
    for difference in diff(change):
        mark = difference[:1]
        style = _DIFF_STYLES.get(mark, "")
        yield Text(difference, style, no_wrap=True)


def diff(change: FileChange) -> list[str]:
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

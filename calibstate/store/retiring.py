"""Entries of a chain's file become retired, and nothing else in it changes.

Lines are moved: a comment on the line of an entry goes with it, and so does
one right above that names it; all others stay.  What is not written with one
entry a line is written anew by ruamel.yaml.  A file of which a comment or any
other word would be lost is left alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml.error import YAMLError

from ..errors import Diagnostic, InvalidStateError, RefusedError, Where
from ..model.chains import ChainFile
from ..model.desired import DesiredState
from ..model.files import FileChange
from .layout import round_trip, same_comments
from .treefile import end_of, read_again, scalar

__all__ = ["retire"]


class _NotByLine(Exception):  # noqa: N818 - it is no mistake
    """A file does not have one entry a line."""


def retire(desired: DesiredState, words: Mapping[str, Sequence[str]], reason: str) -> tuple[FileChange, ...]:
    """Return the files in which entries are retired; nothing is written.

    Parameters
    ----------
    desired
        The tree as it is.
    words
        Entries, by the chain that lists them.
    reason
        Why.

    Raises
    ------
    RefusedError
        A file cannot be changed without a loss.
    """
    return tuple(_change(desired, chain, tuple(entries), reason) for chain, entries in words.items())


def _change(desired: DesiredState, chain: str, words: tuple[str, ...], reason: str) -> FileChange:
    written = desired.chains[chain]
    file, noun = written.lines.file, written.noun
    before = (Path(desired.root) / file).read_bytes()
    mark = "\ufeff" if before.startswith(b"\xef\xbb\xbf") else ""
    text = before.decode("utf-8-sig")
    entries = tuple(entry for entry in noun.entries if entry not in words)
    retired = {**noun.retired, **dict.fromkeys(words, reason)}
    intended = noun.model_copy(update={"entries": entries, "retired": retired})
    for way in (_by_line, _anew):
        try:
            after = way(text, words, reason)
        except (_NotByLine, YAMLError):
            continue
        if _keeps(text, after, file, intended):
            return FileChange(file, before, (mark + after).encode())
    detail = f"{', '.join(words)} cannot be retired in it without losing a comment or changing the rest."
    hint = "Move it from `entries` to `retired` by hand."
    where = Where(file, written.lines.at("entries").line)
    raise RefusedError(Diagnostic("File cannot be changed", detail, where, hint))


def _keeps(before: str, after: str, file: str, intended: ChainFile) -> bool:
    try:
        read_again(after, file, intended)
    except (RefusedError, InvalidStateError):
        return False
    return same_comments(before, after)


# --- line by line ---


def _by_line(text: str, words: Sequence[str], reason: str) -> str:
    if "\r" in text.replace("\r\n", ""):
        raise _NotByLine
    newline = "\n"
    if "\r\n" in text:
        newline = "\r\n"
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    lines.append("")
    # All entries are taken out first, so that an empty list is seen.
    taken = [_take(lines, word) for word in words]
    if not _value(lines, "entries").value:
        _say_empty(lines)
    moved: list[str] = []
    for entry in taken:
        moved.extend(entry.above)
        line = f"{scalar(entry.word)}: {scalar(reason)}"
        if entry.comment:
            line += f"  {entry.comment}"
        moved.append(line)
    _put(lines, moved)
    return newline.join(lines)


@dataclass(frozen=True)
class _Taken:
    """An entry that was taken out of its list."""

    word: str

    above: list[str]
    """Comments that stood right above it and name it."""

    comment: str
    """The comment on its line; empty: it has none."""


def _take(lines: list[str], word: str) -> _Taken:
    """Take an entry out, with the comments that go with it."""
    entries = _value(lines, "entries")
    if not isinstance(entries, yaml.SequenceNode) or entries.flow_style:
        raise _NotByLine
    items = [node for node in entries.value if isinstance(node, yaml.ScalarNode)]
    item = next(node for node in items if node.value == word)
    start, end = item.start_mark, item.end_mark
    line = lines[start.line]
    before = line[: start.column]
    if start.line != end.line or before.strip() != "-":
        raise _NotByLine
    begin = _comment_above(lines, start.line, word)
    above = [comment.strip() for comment in lines[begin : start.line]]
    del lines[begin : start.line + 1]
    return _Taken(word, above, line[end.column :].strip())


def _comment_above(lines: Sequence[str], number: int, word: str) -> int:
    """Return where the comment right above a line begins, if it is of it."""
    begin = number
    while begin and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    named = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])")
    if any(named.search(line) for line in lines[begin:number]):
        return begin
    return number


def _say_empty(lines: list[str]) -> None:
    key = next(key for key, _ in _root(lines).value if key.value == "entries")
    number = key.end_mark.line
    line = lines[number]
    behind = line.index(":", key.end_mark.column) + 1
    lines[number] = f"{line[:behind]} []{line[behind:]}"


def _put(lines: list[str], moved: Sequence[str]) -> None:
    """Add lines to what is retired."""
    text = "\n".join(lines)
    root = _root(lines)
    retired = None
    for key, value in root.value:
        if key.value == "retired":
            retired = value
            break
    if retired is None:
        margin = " " * root.start_mark.column
        added = [f"{margin}retired:"]
        added.extend(f"{margin}  {line}" for line in moved)
        after = end_of(root, text)
    elif isinstance(retired, yaml.MappingNode) and not retired.flow_style:
        margin = " " * retired.start_mark.column
        added = [f"{margin}{line}" for line in moved]
        after = end_of(retired, text)
    else:
        raise _NotByLine
    # They stand in the line behind the one that the mapping ends in.
    at = text.count("\n", 0, after) + 1
    lines[at:at] = added


def _root(lines: Sequence[str]) -> Any:
    try:
        root = yaml.compose("\n".join(lines), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        raise _NotByLine from None  # This takes less than what reads the files.
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _NotByLine
    return root


def _value(lines: Sequence[str], name: str) -> Any:
    return next(value for key, value in _root(lines).value if key.value == name)


# --- by ruamel.yaml ---


def _anew(text: str, words: Sequence[str], reason: str) -> str:
    format_ = round_trip()
    data = format_.load(text)
    for word in words:
        data["entries"].remove(word)
    if not isinstance(data.get("retired"), dict):
        data["retired"] = {}
    data["retired"].update(dict.fromkeys(words, reason))
    stream = io.StringIO()
    format_.dump(data, stream)
    return stream.getvalue()

"""Entries of a chain's file become retired, and nothing else in it changes.

Lines are moved: a comment on the line of an entry goes with it, and so does
one right above that names it; all others stay.  What is not written with one
entry a line is written anew by ruamel.yaml.  A file of which a comment or any
other word would be lost is left alone.
"""

from __future__ import annotations

import io
import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml.error import YAMLError

from ..errors import Diagnostic, InvalidStateError, RefusedError, Where
from ..model.chains import ChainFile
from ..model.desired import DesiredState, Written
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
    changed = []
    for name, entries in words.items():
        chain = desired.chains[name]
        change = _retired(desired, chain, tuple(entries), reason)
        changed.append(change)
    return tuple(changed)


def _retired(
    desired: DesiredState, written: Written[ChainFile], words: tuple[str, ...], reason: str
) -> FileChange:
    """Return the file of a chain in which entries are retired."""
    chain = written.noun
    file = written.lines.file
    # Entries of others are no words, so they stay.
    entries = [entry for entry in chain.entries if entry not in words]
    retired = dict(chain.retired)
    retired.update(dict.fromkeys(words, reason))
    intended = chain.model_copy(
        update={
            "entries": tuple(entries),
            "retired": retired,
        }
    )
    path = Path(desired.root) / file
    before = path.read_bytes()
    mark = ""
    if before.startswith(BOM_UTF8):
        mark = "\ufeff"
    text = before.decode("utf-8-sig")
    # By lines first, since that leaves all else of the file as it is.
    for rewrite in (_by_line, _by_ruamel):
        try:
            after = rewrite(text, words, reason)
            read_again(after, file, intended)
        except (_NotByLine, YAMLError, RefusedError, InvalidStateError):
            continue
        if same_comments(text, after):
            content = f"{mark}{after}"
            return FileChange(file, before, content.encode())
    joined = ", ".join(words)
    line = written.lines.at("entries").line
    raise RefusedError(
        Diagnostic(
            "File cannot be changed",
            f"{joined} cannot be retired in it without losing a comment or changing the rest.",
            Where(file, line),
            "Move it from `entries` to `retired` by hand.",
        )
    )


# --- line by line ---


def _by_line(text: str, words: Sequence[str], reason: str) -> str:
    """Return a file in which the lines of entries were moved."""
    newline = "\n"
    if "\r\n" in text:
        newline = "\r\n"
    text = text.replace("\r\n", "\n")
    # An end of a line that is neither, as old Macs have it.
    if "\r" in text:
        raise _NotByLine
    page = _Page(text)
    # All entries are taken out first, so that an empty list is seen.
    entries = [page.take_out(word) for word in words]
    page.say_if_empty()
    moved = []
    for entry in entries:
        moved.extend(entry.above)
        word = scalar(entry.word)
        line = f"{word}: {scalar(reason)}"
        if entry.comment:
            line += f"  {entry.comment}"
        moved.append(line)
    page.retire(moved)
    return newline.join(page.lines)


@dataclass(frozen=True)
class _Entry:
    """An entry that was taken out of its list."""

    word: str

    above: list[str]
    """Comments that stood right above it and name it."""

    comment: str
    """The comment on its line; empty: it has none."""


class _Page:
    """The lines of a chain's file."""

    def __init__(self, text: str) -> None:
        content = text.removesuffix("\n")
        self.lines = content.split("\n")
        # So that the last line has an end, whether it had one or not.
        self.lines.append("")

    def root(self) -> Any:
        """Return what YAML makes of the lines as they are now."""
        text = "\n".join(self.lines)
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            raise _NotByLine from None  # This takes less than what reads the files.
        if not isinstance(root, yaml.MappingNode) or root.flow_style:
            raise _NotByLine
        return root

    def take_out(self, word: str) -> _Entry:
        """Take an entry out, with the comments that go with it."""
        _, entries = _pair(self.root(), "entries")
        if not isinstance(entries, yaml.SequenceNode) or entries.flow_style:
            raise _NotByLine
        for item in entries.value:
            # Entries of others have keys, so they are no scalars.
            if isinstance(item, yaml.ScalarNode) and item.value == word:
                break
        else:
            raise _NotByLine
        number = item.start_mark.line
        if item.end_mark.line != number:
            raise _NotByLine
        line = self.lines[number]
        before = line[: item.start_mark.column]
        if before.strip() != "-":
            raise _NotByLine
        comment = line[item.end_mark.column :]
        begin = self._comment_above(number, word)
        comments = self.lines[begin:number]
        above = [line.strip() for line in comments]
        behind = number + 1
        del self.lines[begin:behind]
        return _Entry(
            word,
            above=above,
            comment=comment.strip(),
        )

    def _comment_above(self, number: int, word: str) -> int:
        """Return where the comment above a line begins, if it is of it."""
        begin = number
        while begin > 0:
            above = self.lines[begin - 1].lstrip()
            if not above.startswith("#"):
                break
            begin -= 1
        # The word by itself, and not as a part of another.
        escaped = re.escape(word)
        named = re.compile(rf"(?<![\w.-]){escaped}(?![\w-])")
        for line in self.lines[begin:number]:
            if named.search(line):
                return begin
        return number

    def say_if_empty(self) -> None:
        """Write an empty list where no entry is left."""
        key, entries = _pair(self.root(), "entries")
        if entries.value:
            return
        end = key.end_mark
        line = self.lines[end.line]
        colon = line.index(":", end.column)
        named = line[: colon + 1]
        comment = line[colon + 1 :]
        self.lines[end.line] = f"{named} []{comment}"

    def retire(self, moved: Sequence[str]) -> None:
        """Add lines to what is retired."""
        root = self.root()
        _, retired = _pair(root, "retired")
        added = []
        if retired is None:
            margin = " " * root.start_mark.column
            added.append(f"{margin}retired:")
            margin += "  "
            last = root
        elif isinstance(retired, yaml.MappingNode) and not retired.flow_style:
            margin = " " * retired.start_mark.column
            last = retired
        else:
            raise _NotByLine
        for line in moved:
            added.append(f"{margin}{line}")
        # They stand in the line behind the one that the mapping ends in.
        text = "\n".join(self.lines)
        end = end_of(last, text)
        number = text.count("\n", 0, end) + 1
        self.lines[number:number] = added


def _pair(mapping: Any, name: str) -> tuple[Any, Any]:
    """Return the nodes of a key and of its value, if there is the key."""
    for key, value in mapping.value:
        if key.value == name:
            return key, value
    return None, None


# --- by ruamel.yaml ---


def _by_ruamel(text: str, words: Sequence[str], reason: str) -> str:
    """Return a file that was written again as a whole."""
    format_ = round_trip()
    data = format_.load(text)
    for word in words:
        data["entries"].remove(word)
    if not isinstance(data.get("retired"), dict):
        data["retired"] = {}
    for word in words:
        data["retired"][word] = reason
    stream = io.StringIO()
    format_.dump(data, stream)
    return stream.getvalue()

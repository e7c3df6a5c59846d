"""The one layout of the files that people write.

What a file says is read by `yamlsource`, as everywhere; how it is written is
ruamel.yaml's affair, which keeps comments, quotes and blank lines.  Text is
carried over as it stands, never as what YAML would make of it.  A file whose
meaning or whose comments would not stay is left as it is.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, Severity, Where
from ..model.chains import ChainFile
from ..model.desired import KeyPath, Lines
from ..model.files import FileChange
from ..model.forms import Form
from ..model.names import Noun
from ..model.repositories import Site
from ..model.settings import Settings
from ..model.tickets import Ticket
from .forms import keys_at
from .yamlsource import in_lines, read_yaml

__all__ = ["LaidOut", "files", "lay_out", "lay_out_tree", "round_trip", "same_comments"]

_WIDE = 1 << 20
_ROUNDS = 4
"""How often a layout is taken up again until it stays."""

_FILES: tuple[tuple[str, type[Noun]], ...] = (
    ("calibstate.yaml", Settings),
    ("sites/*.yaml", Site),
    ("tickets/*/*.yaml", Ticket),
    ("chains/*.yaml", ChainFile),
)
"""Seals are not among them: nobody writes them."""


@dataclass(frozen=True)
class LaidOut:
    """What there is to do about the layout of a tree."""

    files: int
    """How many were looked at."""

    changes: tuple[FileChange, ...]
    """Those that would be written otherwise."""

    remarks: tuple[Diagnostic, ...]
    """Files that are left as they are, and why."""


def lay_out_tree(root: Path, forms: Iterable[Form] = ()) -> LaidOut:
    """Return how the files of a tree would be laid out; nothing is written.

    Parameters
    ----------
    root
        Root of the tree.
    forms
        Of the files that kinds bring.
    """
    changes: list[FileChange] = []
    remarks: list[Diagnostic] = []
    number = 0
    for file, noun in files(root, forms):
        number += 1
        path = root / file
        try:
            before = path.read_bytes()
            after = lay_out(before, file, noun)
        except InvalidStateError as error:
            remarks += error.diagnostics
            continue
        except OSError as error:
            unreadable = Diagnostic(
                "Unreadable",
                f"It cannot be read: {error.strerror}.",
                Where(file, 1),
            )
            remarks.append(unreadable)
            continue
        if after != before:
            changes.append(FileChange(file, before, after))
    return LaidOut(
        number,
        changes=tuple(changes),
        remarks=tuple(remarks),
    )


def lay_out(content: bytes, file: str, noun: type[Noun]) -> bytes:
    """Return a file as it is to be written.

    Parameters
    ----------
    content
        Its bytes.
    file
        Its name, for messages.
    noun
        What it declares.

    Raises
    ------
    InvalidStateError
        It cannot be read, or not be laid out without a loss.
    """
    source = read_yaml(content, file)
    if source.problems:
        raise InvalidStateError(*source.problems)
    text = in_lines(content).decode("utf-8-sig")
    meaning = _meaning(source.data)
    try:
        after = _settled(text, noun)
        if after is not None:
            again = read_yaml(after.encode(), "")
            if _meaning(again.data) == meaning and same_comments(text, after):
                return after.encode()
    except (YAMLError, InvalidStateError):
        pass  # What cannot be read again must not be written.
    raise InvalidStateError(
        Diagnostic(
            "Layout left as it is",
            "It cannot be laid out so that all that it says, and each of its comments, stays.",
            Where(file, 1),
            "Write it more plainly.",
            Severity.WARNING,
        )
    )


def _settled(text: str, noun: type[Noun]) -> str | None:
    """Return a layout that is its own; `None`: none was found."""
    # Keys that were put in order may then be indented otherwise.
    for _ in range(_ROUNDS):
        indented = _indented(text, noun)
        after = _in_order(indented, noun)
        if after == text:
            return after
        text = after
    return None


def files(root: Path, forms: Iterable[Form] = ()) -> Iterator[tuple[str, type[Noun]]]:
    """Give the files of a tree that people write, and what each declares.

    Parameters
    ----------
    root
        Root of the tree.
    forms
        Of the files that kinds bring.
    """
    top = root.resolve()
    # Each form of file, and what it declares.
    patterns = list(_FILES)
    for form in forms:
        pattern = form.file_of("*")
        patterns.append((pattern, form.noun))
    for pattern, noun in patterns:
        for path in _through_no_link(top, pattern.split("/")):
            is_hidden = path.name.startswith((".", "#", "README"))
            if is_hidden or not path.is_file():
                continue
            file = path.relative_to(top)
            yield file.as_posix(), noun


def _through_no_link(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Give what patterns fit, one for each folder on the way.

    A link is neither followed nor written through: what it leads to has its
    own name, or is none of the tree.
    """
    first, *further = patterns
    for path in sorted(folder.glob(first)):
        if path.resolve() != path:
            continue
        if further:
            yield from _through_no_link(path, further)
        else:
            yield path


def _meaning(data: Any) -> str:
    """Return what a file says, in whatever order its keys stand."""
    # As text, since 1, 1.0 and true are equal and not the same.
    return repr(_sorted(data))


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        pairs = []
        for key, value in data.items():
            pairs.append((key, _sorted(value)))
        return sorted(pairs)
    if isinstance(data, list):
        return [_sorted(value) for value in data]
    return data


def same_comments(before: str, after: str) -> bool:
    """Say whether two texts have the same comments, wherever they stand.

    Parameters
    ----------
    before, after
        All of a file.  What cannot be taken apart is never the same.
    """
    try:
        comments_before = Counter(_comments(before))
        comments_after = Counter(_comments(after))
    except yaml.YAMLError:
        return False  # This takes less for YAML than what reads the files.
    return comments_before == comments_after


def _comments(text: str) -> Iterator[str]:
    """Give the comments of a file: they stand between its tokens."""
    end = 0
    tokens = yaml.scan(text, Loader=yaml.SafeLoader)
    for token in tokens:
        start = token.start_mark.index
        between = text[end:start]
        # A block of text begins with a line of its own, which may end in one.
        is_block = isinstance(token, yaml.ScalarToken) and token.style in {"|", ">"}
        if is_block:
            block = text[start:]
            first_line, _, _ = block.partition("\n")
            between += first_line[1:]
        for line in between.splitlines():
            _, mark, comment = line.partition("#")
            if mark:
                yield comment.strip()
        end = max(end, token.end_mark.index)


class _AsWritten(VersionedResolver):
    """Takes every word for text, so that it is written as it was."""

    @override
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and value:
            return self.DEFAULT_SCALAR_TAG
        return super().resolve(kind, value, implicit)


def round_trip() -> YAML:
    """Return what reads a file and writes it as it is laid out here."""
    format_ = YAML()
    format_.Resolver = _AsWritten
    format_.preserve_quotes = True
    format_.width = _WIDE
    format_.indent(mapping=2, sequence=4, offset=2)
    return format_


def _indented(text: str, noun: type[Noun]) -> str:
    """Return a file with two spaces a level, and lists within their keys."""
    format_ = round_trip()
    data = format_.load(text)
    # What stands within a line is of one node, so it is ordered here; all
    # else is ordered by lines, which keeps each comment at its key.
    _order_in_lines(data, noun, ())
    stream = io.StringIO()
    format_.dump(data, stream)
    text = stream.getvalue().rstrip("\n")
    return f"{text}\n"


def _order_in_lines(data: Any, noun: type[Noun], path: KeyPath) -> None:
    """Put the keys of mappings that stand within a line in their order."""
    if isinstance(data, CommentedMap):
        # Others are moved line by line, since they may hold comments.
        if data.fa.flow_style():
            known_keys = keys_at(noun, path)
            order = _order(list(data), known_keys)
            for key in order:
                data.move_to_end(key)
        for key, value in data.items():
            inner = (*path, key)
            _order_in_lines(value, noun, inner)
    elif isinstance(data, CommentedSeq):
        for index, value in enumerate(data):
            inner = (*path, index)
            _order_in_lines(value, noun, inner)


def _order(keys: Sequence[str], of_noun: Sequence[str]) -> list[str]:
    """Return keys in the order of their noun; others stay behind them."""
    in_order = [key for key in of_noun if key in keys]
    others = [key for key in keys if key not in of_noun]
    return in_order + others


def _in_order(text: str, noun: type[Noun]) -> str:
    """Return a file with the keys of each mapping in the order of its noun.

    Lines are moved, with the comments and blank lines right above them.
    """
    source = read_yaml(text.encode(), "")
    lines = text.split("\n")
    mappings = list(_mappings(source.data, ()))
    # The innermost first: its lines move within those of the outer one.
    mappings.sort(key=lambda mapping: mapping.depth, reverse=True)
    for mapping in mappings:
        known_keys = keys_at(noun, mapping.path)
        order = _order(mapping.keys, known_keys)
        if order != mapping.keys:
            mapping.put_in_order(lines, source.lines, order)
    return "\n".join(lines)


def _mappings(data: Any, path: KeyPath) -> Iterator[_Mapping]:
    """Yield the mappings of a file, the outermost first."""
    if isinstance(data, dict):
        yield _Mapping(path, list(data))
        for key, value in data.items():
            inner = (*path, key)
            yield from _mappings(value, inner)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            inner = (*path, index)
            yield from _mappings(value, inner)


@dataclass(frozen=True)
class _Mapping:
    """A mapping of a file."""

    path: KeyPath
    """Where it is."""

    keys: list[str]
    """Its keys as they stand."""

    @property
    def depth(self) -> int:
        """How many lists and mappings it is in."""
        return len(self.path)

    def put_in_order(self, lines: list[str], marks: Lines, order: list[str]) -> None:
        """Put the lines of the keys in another order.

        Parameters
        ----------
        lines
            The file, which is changed.
        marks
            Where keys stand in it.
        order
            The keys as they should stand.
        """
        places = [marks.at(*self.path, key) for key in self.keys]
        # Lines and columns count from 1 in files, and from 0 here.
        starts = [place.line - 1 for place in places]
        columns = {place.column - 1 for place in places}
        different = set(starts)
        if len(different) < len(starts) or len(columns) > 1:
            return  # It stands within a line.
        (column,) = columns
        begin = starts[0]
        end = _end_of(lines, starts[-1], column)
        first_line = lines[begin]
        dash = first_line[:column]
        is_item = bool(dash.strip())
        # What stands at the very top is of the file, else it is of the first
        # key.
        if self.path and not is_item:
            begin = marks.at(*self.path).line
        # A key has what stands from the comments above it to those of the
        # next.
        begins = [begin]
        for above, start in pairwise(starts):
            begin_of_next = _with_comments(lines, start, above)
            begins.append(begin_of_next)
        blocks: dict[str, list[str]] = {}
        bounds = pairwise([*begins, end])
        for key, (first, behind) in zip(self.keys, bounds, strict=True):
            blocks[key] = lines[first:behind]
        was_first = blocks[self.keys[0]]
        is_first = blocks[order[0]]
        # The dash of a list goes from the key that was first to the one that
        # is.
        if is_item:
            if begins != starts:
                return  # A comment would come between the dash and its key.
            margin = " " * column
            line = was_first[0]
            was_first[0] = margin + line[column:]
            line = is_first[0]
            is_first[0] = dash + line[column:]
        # Blank lines part a key from what is above it; above the first is
        # nothing.
        if is_first is not was_first:
            blank = 0
            while not is_first[blank].strip():
                blank += 1
            blank_lines = is_first[:blank]
            was_first[:0] = blank_lines
            del is_first[:blank]
        moved = []
        for key in order:
            moved.extend(blocks[key])
        lines[begin:end] = moved


def _end_of(lines: list[str], start: int, column: int) -> int:
    """Return the line behind what belongs to a key."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        line = lines[number]
        text = line.lstrip()
        if not text:
            continue
        margin = _margin(line)
        if margin > column:
            end = number + 1
        elif not text.startswith("#"):
            break
    return end


def _with_comments(lines: list[str], start: int, above: int) -> int:
    """Return where the comments and blank lines right above a key begin."""
    column = _margin(lines[start])
    while start - 1 > above:
        line = lines[start - 1]
        text = line.lstrip()
        if text and not text.startswith("#"):
            break
        # A comment that is indented more is of what stands above it.
        if text and _margin(line) > column:
            break
        start -= 1
    return start


def _margin(line: str) -> int:
    """Return how far a line is indented."""
    return len(line) - len(line.lstrip())

"""YAML as plain data, with the line and column of every key and value.

Files of a state tree come from anybody who can open a pull request, so
only the plain part of YAML is read: text, numbers, lists and mappings.  It
is built from the parser's events, never by YAML's own constructors: tags
cannot make objects, nothing is expanded, and nesting cannot exhaust a stack.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import Diagnostic, InvalidStateError, Where
from ..model.desired import KeyPath, Lines, Mark

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_PROBLEMS",
    "UNSEEN",
    "Source",
    "decoded",
    "in_lines",
    "read_yaml",
    "shortened",
]

MAX_BYTES = 1 << 20
"""Size of the largest file that is read; a ticket has less than 4 KiB."""

MAX_DEPTH = 50
"""Lists and mappings within each other; our deepest file has five."""

MAX_PROBLEMS = 100
"""Mistakes of one file that are told."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Some of these YAML allows, but no editor shows them, or it counts lines by
# them where we would not, or they turn around what is shown.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "false": False}
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True)
class Source:
    """What one file says."""

    data: Any
    """Mappings, lists, text, numbers, booleans and `None`."""

    lines: Lines
    """Where each value stands."""

    problems: tuple[Diagnostic, ...] = ()
    """Mistakes that left the rest of the file readable."""


def read_yaml(content: bytes, file: str) -> Source:
    """Read one file.

    Parameters
    ----------
    content
        Its bytes.
    file
        Its name, for messages.

    Raises
    ------
    InvalidStateError
        Nothing sensible can be made of the file.
    """
    text = decoded(content, file)
    unseen = UNSEEN.search(text)
    if unseen:
        code = ord(unseen[0])
        before = text[: unseen.start()]
        raise InvalidStateError(
            Diagnostic(
                "Control character",
                f"The file holds U+{code:04X}, which no editor shows.",
                _where_after(before, file),
                "Delete it.",
            )
        )
    reader = _Reader(file)
    try:
        events = yaml.parse(text, Loader=_LOADER)
        return reader.read(events)
    except yaml.MarkedYAMLError as exc:
        problem = _syntax_problem(exc, text, file)
        raise InvalidStateError(*reader.problems, problem) from None
    except yaml.YAMLError as exc:
        first_line, *_ = str(exc).splitlines()
        problem = Diagnostic(
            "Invalid YAML",
            f"{first_line}.",
            Where(file, 1),
        )
        raise InvalidStateError(*reader.problems, problem) from None


def in_lines(content: bytes) -> bytes:
    """Return a file with ends of lines that are all of one kind.

    Git may have changed them when it wrote the file, and they mean nothing.
    """
    # The pair first, or it would become two.
    content = content.replace(b"\r\n", b"\n")
    return content.replace(b"\r", b"\n")


def shortened(text: str, limit: int = 80) -> str:
    """Return text as a message can quote it, however long it is.

    Parameters
    ----------
    text
        What a file says.
    limit
        Characters that are kept.
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    return f"{kept}…"


def decoded(content: bytes, file: str) -> str:
    """Return the text of a file, with one kind of ends of lines.

    Parameters
    ----------
    content
        What it holds.
    file
        Its name, for messages.

    Raises
    ------
    InvalidStateError
        It is too large, or is no text.
    """
    if len(content) > MAX_BYTES:
        raise InvalidStateError(
            Diagnostic(
                "File too large",
                f"The file is larger than {MAX_BYTES >> 20} MiB; none that people write is.",
                Where(file, 1),
                "Split it, or look what it really holds.",
            )
        )
    try:
        text = content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as exc:
        before = exc.object[: exc.start].decode()
        byte = exc.object[exc.start]
        raise InvalidStateError(
            Diagnostic(
                "Not UTF-8",
                f"The byte 0x{byte:02x} is not part of a UTF-8 character.",
                _where_after(_in_lines(before), file),
                "Save the file as UTF-8.",
            )
        ) from None
    return _in_lines(text)


def _in_lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    return text.replace("\r", "\n")


def _where_after(before: str, file: str) -> Where:
    """Return the place behind the beginning of a file."""
    lines = before.split("\n")
    column = len(lines[-1]) + 1
    return Where(file, len(lines), column)


def _syntax_problem(exc: yaml.MarkedYAMLError, text: str, file: str) -> Diagnostic:
    """Return what is wrong with YAML, and where."""
    line, column = 0, 0
    mark = exc.problem_mark or exc.context_mark
    if mark:
        line, column = mark.line, mark.column
    # Marks of YAML count from 0.
    where = Where(file, line + 1, column + 1)
    lines = text.split("\n")
    if _is_at_tab(lines, line, column):
        return Diagnostic(
            "Tab in YAML",
            "YAML is indented by spaces only.",
            where,
            "Replace the tab by spaces.",
        )
    problem = exc.problem or ""
    hint = ""
    if "mapping values are not allowed" in problem:
        hint = "Put text that holds `: ` in quotes, and keys of one mapping in one column."
    elif "cannot start any token" in problem:
        hint = "Put text that begins with a special character in quotes."
    detail = str(exc.problem)
    if exc.context:
        detail = f"{exc.context}: {detail}"
    since = exc.context_mark
    if since and since.line != line:
        detail += f" (begun in line {since.line + 1})"
    # Not capitalize(), which makes all that follows small.
    capital = detail[:1].upper()
    return Diagnostic(
        "Invalid YAML",
        f"{capital}{detail[1:]}.",
        where,
        hint,
    )


def _is_at_tab(lines: list[str], line: int, column: int) -> bool:
    """Say whether a line is indented by a tab, or has one at a column."""
    if line >= len(lines):
        return False
    written = lines[line]
    width = len(written) - len(written.lstrip())
    if "\t" in written[:width]:
        return True
    return written[column : column + 1] == "\t"


@dataclass
class _Open:
    """A list or mapping that is being read."""

    into: dict[str, Any] | list[Any]
    path: KeyPath | None
    """`None` within a value that is not kept."""
    key: str | None = None
    """Key of a mapping whose value comes next."""
    key_lines: dict[str, int] = field(default_factory=dict)
    """Line of each key."""
    dropped: bool = False
    """Whether the value that comes next is not kept, for its key is wrong."""

    @property
    def awaits_key(self) -> bool:
        return isinstance(self.into, dict) and self.key is None

    def next_path(self) -> KeyPath | None:
        """Return the path of the value that comes next."""
        if self.path is None or self.dropped:
            return None
        if isinstance(self.into, list):
            return (*self.path, len(self.into))
        assert self.key is not None  # events of a mapping alternate
        return (*self.path, self.key)

    def add(self, value: Any) -> None:
        """Take the value that was awaited."""
        if isinstance(self.into, list):
            self.into.append(value)
            return
        if not self.dropped and self.key is not None:
            self.into[self.key] = value
        self.key, self.dropped = None, False


class _Reader:
    """Builds plain data of events, without recursion."""

    def __init__(self, file: str) -> None:
        self.problems: list[Diagnostic] = []
        self._file = file
        self._names: dict[KeyPath, Mark] = {}
        self._values: dict[KeyPath, Mark] = {}
        self._open: list[_Open] = []
        self._data: Any = None

    def read(self, events: Iterator[yaml.Event]) -> Source:
        """Read one document to its end."""
        documents = 0
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._take_scalar(event)
                case yaml.MappingStartEvent():
                    self._begin(event, {})
                case yaml.SequenceStartEvent():
                    self._begin(event, [])
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._open.pop()
                case yaml.AliasEvent():
                    self._give_up(
                        event,
                        "Alias in YAML",
                        f"`*{event.anchor}` stands for the value of another place; here each is written out.",
                        "Write the value itself.",
                    )
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._give_up(
                            event,
                            "Several documents in one file",
                            "A second YAML document begins here; a file declares one thing.",
                            "Move it to a file of its own.",
                        )
                case _:
                    pass
        if self._data is None:
            raise InvalidStateError(
                Diagnostic(
                    "Empty file",
                    "The file says nothing.",
                    Where(self._file, 1),
                )
            )
        lines = Lines(self._file, self._names, self._values)
        return Source(self._data, lines, tuple(self.problems))

    def _begin(self, event: yaml.CollectionStartEvent, into: dict[str, Any] | list[Any]) -> None:
        """Take the beginning of a list or mapping."""
        self._check_node(event)
        if self._open and self._open[-1].awaits_key:
            self._give_up(
                event,
                "Key is not text",
                "A list or mapping stands where a key should be.",
            )
        if len(self._open) == MAX_DEPTH:
            self._give_up(
                event,
                "Nested too deeply",
                f"More than {MAX_DEPTH} lists and mappings stand within each other.",
            )
        path = self._place(event, into)
        self._open.append(_Open(into, path))

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        """Take a word, which is a key or a value."""
        self._check_node(event)
        unseen = UNSEEN.search(event.value)
        if unseen:
            code = ord(unseen[0])
            self._add(
                event,
                "Control character",
                f"The text holds U+{code:04X} by an escape.",
                "Delete it.",
            )
        value = event.value
        # What stands in quotes, or in a block, is text whatever it says.
        if event.implicit[0]:
            value = _plain_value(value)
        if self._open and self._open[-1].awaits_key:
            self._take_key(event, value)
        else:
            self._place(event, value)

    def _place(self, event: yaml.Event, value: Any) -> KeyPath | None:
        """Put a value where it belongs; return its path, if it is kept."""
        if not self._open:
            self._data = value
            self._mark((), event, named=False)
            return ()
        above = self._open[-1]
        path = above.next_path()
        if path is not None:
            is_named = isinstance(above.into, dict)
            self._mark(path, event, named=is_named)
        above.add(value)
        return path

    def _take_key(self, event: yaml.ScalarEvent, value: Any) -> None:
        within = self._open[-1]
        key = event.value
        within.key = key
        # Unless all is well, the value that follows is read and not kept.
        within.dropped = True
        if not isinstance(value, str):
            if key:
                self._add(
                    event,
                    "Key is not text",
                    f"The key `{shortened(key)}` would be read as {_kind(value)}.",
                    f'Put it in quotes: "{shortened(key)}".',
                )
            else:
                self._add(
                    event,
                    "Key is not text",
                    "A key is missing here.",
                )
            return
        if key in within.key_lines:
            line = within.key_lines[key]
            self._add(
                event,
                "Key given twice",
                f"`{shortened(key)}` stands in line {line} already; one would be lost.",
                "Keep one of them.",
            )
            return
        within.dropped = False
        mark = _mark_of(event)
        within.key_lines[key], _ = mark
        if within.path is not None:
            self._names[(*within.path, key)] = mark

    def _mark(self, path: KeyPath, event: yaml.Event, *, named: bool) -> None:
        """Keep where a value stands, and its name, unless a key is that."""
        mark = _mark_of(event)
        self._values[path] = mark
        if not named:
            self._names[path] = mark

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        """Refuse what asks for more than plain data."""
        if event.tag is not None:
            self._add(
                event,
                "Tag in YAML",
                f"The tag `{event.tag}` asks for more than plain data.",
                "Delete the tag; put text in quotes.",
            )
        if event.anchor is not None:
            self._add(
                event,
                "Anchor in YAML",
                f"The anchor `&{event.anchor}` names a value for another place; here each is written out.",
                "Delete the anchor.",
            )

    def _add(self, event: yaml.Event, summary: str, detail: str, hint: str = "") -> None:
        """Add a mistake, after which the rest is read."""
        line, column = _mark_of(event)
        where = Where(self._file, line, column)
        problem = Diagnostic(
            summary,
            detail,
            where,
            hint,
        )
        self.problems.append(problem)
        if len(self.problems) == MAX_PROBLEMS:
            last = Diagnostic(
                "Too many mistakes",
                "The rest of the file was not read.",
                where,
            )
            raise InvalidStateError(*self.problems, last)

    def _give_up(self, event: yaml.Event, summary: str, detail: str, hint: str = "") -> None:
        """Add a mistake, after which nothing can be read."""
        self._add(event, summary, detail, hint)
        raise InvalidStateError(*self.problems)


def _mark_of(event: yaml.Event) -> Mark:
    """Return where something begins, counting from 1."""
    mark = event.start_mark
    if not mark:
        return (1, 1)
    return (mark.line + 1, mark.column + 1)


def _plain_value(text: str) -> Any:
    """Return what unquoted text stands for: the core schema of YAML 1.2.

    Dates, ``yes`` and ``on`` stay text, unlike in YAML 1.1.
    """
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if not _FLOAT.fullmatch(text):
        return text
    word = text.lower()
    # Python writes what YAML does, but for the point of these two.
    if word.endswith(("inf", "nan")):
        word = word.replace(".", "")
    return float(word)


def _kind(value: Any) -> str:
    """Return what a value is, in words for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case _:
            return "a number"

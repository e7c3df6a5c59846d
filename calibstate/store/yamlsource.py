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

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_PROBLEMS", "Source", "in_lines", "read_yaml", "shortened"]

MAX_BYTES = 1 << 20
"""Size of the largest file that is read; a ticket has less than 4 KiB."""

MAX_DEPTH = 50
"""Lists and mappings within each other; our deepest file has five."""

MAX_PROBLEMS = 100
"""Mistakes of one file that are told."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Some of these YAML allows, but no editor shows them, or it counts lines by
# them where we would not, or they turn around what is shown.
_UNSEEN = re.compile(
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
    text = _decoded(content, file)
    if unseen := _UNSEEN.search(text):
        raise InvalidStateError(_unseen(unseen, text, file))
    reader = _Reader(file)
    try:
        return reader.read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as exc:
        raise InvalidStateError(*reader.problems, _syntax_problem(exc, text, file)) from None
    except yaml.YAMLError as exc:
        problem = Diagnostic("Invalid YAML", f"{str(exc).splitlines()[0]}.", Where(file, 1))
        raise InvalidStateError(*reader.problems, problem) from None


def in_lines(content: bytes) -> bytes:
    """Return a file with ends of lines that are all of one kind.

    Git may have changed them when it wrote the file, and they mean nothing.
    """
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def shortened(text: str, limit: int = 80) -> str:
    """Return text as a message can quote it, however long it is.

    Parameters
    ----------
    text
        What a file says.
    limit
        Characters that are kept.
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _decoded(content: bytes, file: str) -> str:
    if len(content) > MAX_BYTES:
        raise InvalidStateError(_too_large(file))
    try:
        text = content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as exc:
        raise InvalidStateError(_not_utf8(exc, file)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _too_large(file: str) -> Diagnostic:
    detail = f"The file is larger than {MAX_BYTES >> 20} MiB; none that people write is."
    return Diagnostic("File too large", detail, Where(file, 1), "Split it, or look what it really holds.")


def _not_utf8(exc: UnicodeDecodeError, file: str) -> Diagnostic:
    before = exc.object[: exc.start].decode()
    detail = f"The byte 0x{exc.object[exc.start]:02x} is not part of a UTF-8 character."
    return Diagnostic("Not UTF-8", detail, _where_after(before, file), "Save the file as UTF-8.")


def _unseen(match: re.Match[str], text: str, file: str) -> Diagnostic:
    where = _where_after(text[: match.start()], file)
    detail = f"The file holds U+{ord(match[0]):04X}, which no editor shows."
    return Diagnostic("Control character", detail, where, "Delete it.")


def _where_after(before: str, file: str) -> Where:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Where(file, len(lines), len(lines[-1]) + 1)


def _syntax_problem(exc: yaml.MarkedYAMLError, text: str, file: str) -> Diagnostic:
    line, column = 0, 0
    mark = exc.problem_mark or exc.context_mark
    if mark:
        line, column = mark.line, mark.column
    where = Where(file, line + 1, column + 1)
    if _is_at_tab(text.split("\n"), line, column):
        detail = "YAML is indented by spaces only."
        return Diagnostic("Tab in YAML", detail, where, "Replace the tab by spaces.")
    detail = str(exc.problem)
    if exc.context:
        detail = f"{exc.context}: {detail}"
    since = exc.context_mark
    if since and since.line != line:
        detail += f" (begun in line {since.line + 1})"
    sentence = f"{detail[:1].upper()}{detail[1:]}."
    return Diagnostic("Invalid YAML", sentence, where, _syntax_hint(exc.problem or ""))


def _is_at_tab(lines: list[str], line: int, column: int) -> bool:
    """Say whether a line is indented by a tab, or has one at a column."""
    if line >= len(lines):
        return False
    written = lines[line]
    indent = written[: len(written) - len(written.lstrip())]
    return "\t" in indent or written[column : column + 1] == "\t"


def _syntax_hint(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "Put text that holds `: ` in quotes, and keys of one mapping in one column."
    if "cannot start any token" in problem:
        return "Put text that begins with a special character in quotes."
    return ""


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
        self._documents = 0
        self._data: Any = None

    def read(self, events: Iterator[yaml.Event]) -> Source:
        """Read one document to its end."""
        for event in events:
            self._take(event)
        if self._data is None:
            raise InvalidStateError(Diagnostic("Empty file", "The file says nothing.", Where(self._file, 1)))
        return Source(self._data, Lines(self._file, self._names, self._values), tuple(self.problems))

    def _take(self, event: yaml.Event) -> None:
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
                self._refuse_alias(event)
            case yaml.DocumentStartEvent():
                self._begin_document(event)
            case _:
                pass

    def _begin_document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents > 1:
            detail = "A second YAML document begins here; a file declares one thing."
            hint = "Move it to a file of its own."
            self._give_up(event, "Several documents in one file", detail, hint)

    def _begin(self, event: yaml.CollectionStartEvent, into: dict[str, Any] | list[Any]) -> None:
        self._check_node(event)
        if self._open and self._open[-1].awaits_key:
            self._give_up(event, "Key is not text", "A list or mapping stands where a key should be.")
        if len(self._open) == MAX_DEPTH:
            detail = f"More than {MAX_DEPTH} lists and mappings stand within each other."
            self._give_up(event, "Nested too deeply", detail)
        self._open.append(_Open(into, self._place(event, into)))

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_node(event)
        self._check_text(event)
        value = _plain_value(event.value) if event.implicit[0] else event.value
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
            self._mark(path, event, named=isinstance(above.into, dict))
        above.add(value)
        return path

    def _take_key(self, event: yaml.ScalarEvent, value: Any) -> None:
        within = self._open[-1]
        key = event.value
        within.key = key
        # Unless all is well, the value that follows is read and not kept.
        within.dropped = True
        if not isinstance(value, str):
            self._refuse_key(event, value)
            return
        if key in within.key_lines:
            detail = f"`{shortened(key)}` stands in line {within.key_lines[key]} already; one would be lost."
            self._add(event, "Key given twice", detail, "Keep one of them.")
            return
        within.dropped = False
        mark = _mark_of(event)
        within.key_lines[key] = mark[0]
        if within.path is not None:
            self._names[(*within.path, key)] = mark

    def _refuse_key(self, event: yaml.ScalarEvent, value: Any) -> None:
        if event.value:
            detail = f"The key `{shortened(event.value)}` would be read as {_kind(value)}."
            self._add(event, "Key is not text", detail, f'Put it in quotes: "{shortened(event.value)}".')
        else:
            self._add(event, "Key is not text", "A key is missing here.")

    def _mark(self, path: KeyPath, event: yaml.Event, *, named: bool) -> None:
        self._values[path] = _mark_of(event)
        if not named:
            self._names[path] = self._values[path]

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            detail = f"The tag `{event.tag}` asks for more than plain data."
            self._add(event, "Tag in YAML", detail, "Delete the tag; put text in quotes.")
        if event.anchor is not None:
            detail = (
                f"The anchor `&{event.anchor}` names a value for another place; here each is written out."
            )
            self._add(event, "Anchor in YAML", detail, "Delete the anchor.")

    def _check_text(self, event: yaml.ScalarEvent) -> None:
        if unseen := _UNSEEN.search(event.value):
            detail = f"The text holds U+{ord(unseen[0]):04X} by an escape."
            self._add(event, "Control character", detail, "Delete it.")

    def _refuse_alias(self, event: yaml.AliasEvent) -> None:
        detail = f"`*{event.anchor}` stands for the value of another place; here each is written out."
        self._give_up(event, "Alias in YAML", detail, "Write the value itself.")

    def _add(self, event: yaml.Event, summary: str, detail: str, hint: str = "") -> None:
        where = Where(self._file, *_mark_of(event))
        self.problems.append(Diagnostic(summary, detail, where, hint))
        if len(self.problems) == MAX_PROBLEMS:
            last = Diagnostic("Too many mistakes", "The rest of the file was not read.", where)
            raise InvalidStateError(*self.problems, last)

    def _give_up(self, event: yaml.Event, summary: str, detail: str, hint: str = "") -> None:
        self._add(event, summary, detail, hint)
        raise InvalidStateError(*self.problems)


def _mark_of(event: yaml.Event) -> Mark:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


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
    return _float(text) if _FLOAT.fullmatch(text) else text


def _float(text: str) -> float:
    word = text.lower()
    # Python writes what YAML does, but for the point of these two.
    if word.endswith(("inf", "nan")):
        word = word.replace(".", "")
    return float(word)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case _:
            return "a number"

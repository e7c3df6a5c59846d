"""Tickets, chains and seals that we write into a tree which people write.

What is there stays, byte for byte; lines are added.  Everything is put
together in memory and read again as a whole before one file is touched, and
then each file is replaced at once: tickets first, then what names them, so
that a tree is sound at every moment in between.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ..errors import CalibstateError, Diagnostic, RefusedError
from ..model.additions import Additions, with_skips
from ..model.chains import ChainFile, Entry, ExternalEntry
from ..model.desired import DesiredState
from ..model.files import FileChange
from ..model.forms import Form
from ..model.names import Noun
from ..model.tickets import Ticket
from . import sealfile, statefile
from .disk import Disk
from .yamlsource import read_yaml

__all__ = ["changes", "checked", "end_of", "read_again", "scalar", "write"]

_PLAIN = re.compile(r"[A-Za-z]([A-Za-z0-9_./@+~ -]*[A-Za-z0-9_./@+~-])?")
_READ_OTHERWISE = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}
_LINE_END = re.compile(r"[\r\n]")
_HIDDEN = re.compile(r"[.#]|README|__pycache__")
"""Names that a tree passes over begin so."""


def changes(desired: DesiredState, additions: Additions) -> tuple[FileChange, ...]:
    """Return the files that say what is added, in the order of writing.

    Parameters
    ----------
    desired
        The tree as it is.
    additions
        What is added.

    Raises
    ------
    RefusedError
        A file is written in a way that cannot be added to.
    """
    return tuple(_changes(desired, additions))


def checked(
    desired: DesiredState, changed: Sequence[FileChange]
) -> tuple[DesiredState, tuple[Diagnostic, ...]]:
    """Return what a tree would declare, with what there is to remark.

    Nothing is written into the tree.

    Parameters
    ----------
    desired
        The tree as it is.
    changed
        Files that would be written.

    Raises
    ------
    InvalidStateError
        It would not be sound.
    """
    own = {form.folder: partial(_itself, form) for form in desired.forms}
    with TemporaryDirectory(prefix=".calibstate-") as folder:
        copy = Path(folder).resolve()
        # What nobody reads may be a link to anywhere, or have no end.
        read = statefile.contents(Disk(Path(desired.root)), own)
        for file, content in read.items():
            _replace(copy / file, content)
        for change in changed:
            _replace(copy / change.file, change.after)
        return statefile.load(copy, own=own)


def _itself(form: Form) -> Form:
    return form


def write(root: Path, changed: Sequence[FileChange]) -> None:
    """Write files into a tree, each of them whole or not at all.

    Parameters
    ----------
    root
        Root of the tree.
    changed
        What to write, in this order.

    Raises
    ------
    RefusedError
        A file is no longer what it was; nothing was written.
    CalibstateError
        A file cannot be written.  Those before it are.
    """
    # All are looked at before any is written.
    for change in changed:
        if _bytes(root / change.file) != change.before:
            detail = f"{change.file} was changed while it was worked on; nothing was written."
            raise RefusedError(Diagnostic("File has changed", detail, hint="Run it again."))
    for change in changed:
        path = root / change.file
        try:
            _replace(path, change.after)
        except OSError as error:
            detail = f"{path}: {error.strerror}."
            hint = "Mend it and run it again: it goes on."
            raise CalibstateError(Diagnostic("File cannot be written", detail, hint=hint)) from None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".calibstate-{path.name}")
    aside.write_bytes(content)
    if path.exists():
        shutil.copymode(path, aside)
    os.replace(aside, path)  # noqa: PTH105


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _changes(desired: DesiredState, additions: Additions) -> Iterator[FileChange]:
    """Yield the files: those before, that others name."""
    root = Path(desired.root)
    for ticket in additions.tickets:
        file = f"tickets/{ticket.instrument}/{ticket.ticket}.yaml"
        yield _new_file(root, file, _ticket_text(ticket, additions), ticket)
    for key, skips in sorted(additions.skips.items()):
        written = desired.tickets[key]
        page = _Page(root, written.lines.file)
        page.add_pairs("skip", {str(where): why for where, why in skips.items()})
        yield page.change(with_skips(written.noun, skips))
    taken = {written.lines.file.casefold() for written in desired.chains.values()}
    for new in additions.chains:
        file = _free_chain_file(root, new.chain, taken)
        taken.add(file.casefold())
        yield _new_file(root, file, _chain_text(new, additions), new)
    changed = {*additions.entries, *additions.only, *additions.expected}
    for name in sorted(changed):
        declared = desired.chains[name]
        page = _Page(root, declared.lines.file)
        _add_to_chain(page, declared.noun, additions)
        yield page.change(additions.chain(declared.noun))
    for seal in additions.seals:
        path = sealfile.path_of(root, seal)
        file = str(path.relative_to(root))
        text = sealfile.dumps(seal)
        yield FileChange(file, _bytes(path), text.encode())


def _free_chain_file(root: Path, name: str, taken: Collection[str]) -> str:
    """Return a name for a chain's file that no file has yet."""
    word = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    if _HIDDEN.match(word):
        word = f"chain-{word}"
    file = f"chains/{word}.yaml"
    number = 1
    # On some file systems names that differ in their case only are the same.
    while file.casefold() in taken or (root / file).exists():
        number += 1
        file = f"chains/{word}-{number}.yaml"
    return file


def _new_file(root: Path, file: str, text: str, intended: Noun) -> FileChange:
    if (root / file).exists():
        detail = f"{file} exists, and declares nothing; what was found belongs there."
        raise RefusedError(Diagnostic("File in the way", detail, hint="Move it away."))
    read_again(text, file, intended)
    return FileChange(file, None, text.encode())


def read_again(text: str, file: str, intended: Noun) -> None:
    """Refuse a text that does not say what it is meant to.

    Parameters
    ----------
    text
        What a file will hold.
    file
        Its name, for messages.
    intended
        What it is to declare.

    Raises
    ------
    RefusedError
        It would declare something else.
    """
    try:
        declared: Any = type(intended).model_validate(read_yaml(text.encode(), file).data)
    except (CalibstateError, ValueError):
        declared = None
    if declared != intended:
        raise _cannot_be_added_to(file)


def _cannot_be_added_to(file: str) -> RefusedError:
    detail = f"{file} is written in a way that cannot be added to without changing the rest."
    hint = "Write its lists with one entry a line."
    return RefusedError(Diagnostic("File cannot be added to", detail, hint=hint))


# --- new files ---


def _ticket_text(ticket: Ticket, additions: Additions) -> str:
    lines = _heading(additions)
    lines.append(f"ticket: {scalar(ticket.ticket)}")
    lines.append(f"instrument: {scalar(ticket.instrument)}")
    lines.append("approval:")
    lines.append(f"  status: {ticket.approval.status.value}")
    lines.append(f"  note: {scalar(ticket.approval.note or '')}")
    if ticket.bare:
        lines.append("bare:")
        names = ticket.bare
    else:
        lines.append("collections:")
        names = ticket.collections
    items = [f"  - {scalar(name)}" for name in names]
    remarks = [additions.remarks.get(leaf, "") for leaf in ticket.leaves]
    lines.extend(_remarked(items, remarks))
    if ticket.skip:
        lines.append("skip:")
        for address, why in ticket.skip.items():
            lines.append(f"  {scalar(address)}: {scalar(why)}")
    return _joined(lines)


def _chain_text(declared: ChainFile, additions: Additions) -> str:
    lines = _heading(additions)
    lines.append(f"chain: {scalar(declared.chain)}")
    lines.append(f"instrument: {scalar(declared.instrument)}")
    if declared.only:
        lines.append(f"only: {_list(declared.only)}")
    if not declared.entries:
        lines.append("entries: []")
        return _joined(lines)
    lines.append("entries:")
    firsts: list[str] = []
    remarks: list[str] = []
    for entry in declared.entries:
        first, *_ = _entry_lines(entry)
        firsts.append(f"  - {first}")
        remarks.append(additions.remarks.get(_named(entry), ""))
    # Remarks stand in one column, so all first lines are laid out together.
    for first, entry in zip(_remarked(firsts, remarks), declared.entries, strict=True):
        lines.append(first)
        _, *more = _entry_lines(entry)
        lines.extend(f"    {line}" for line in more)
    return _joined(lines)


def _heading(additions: Additions) -> list[str]:
    if not additions.heading:
        return []
    return [f"# {additions.heading}"]


def _joined(lines: Sequence[str]) -> str:
    """Return the text of lines, each of them ended."""
    return "".join(f"{line}\n" for line in lines)


def _entry_lines(entry: Entry) -> list[str]:
    if not isinstance(entry, ExternalEntry):
        return [scalar(entry)]
    lines = [f"external: {scalar(entry.external)}"]
    if entry.only:
        lines.append(f"only: {_list(entry.only)}")
    return lines


def _named(entry: Entry) -> str:
    return entry.external if isinstance(entry, ExternalEntry) else entry


def _remarked(lines: Sequence[str], remarks: Sequence[str]) -> list[str]:
    """Return lines with comments behind them, in one column."""
    wide = max(map(len, lines), default=0)
    remarked = []
    for line, remark in zip(lines, remarks, strict=True):
        if remark:
            remarked.append(f"{line:{wide}}  # {remark}")
        else:
            remarked.append(line)
    return remarked


def _list(words: Sequence[str]) -> str:
    return f"[{', '.join(scalar(word) for word in words)}]"


def scalar(text: str) -> str:
    """Return text as YAML that every reader takes for the same text."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _READ_OTHERWISE:
        return text
    return json.dumps(text, ensure_ascii=False)


# --- additions to what a person wrote ---


def _add_to_chain(page: _Page, declared: ChainFile, additions: Additions) -> None:
    name = declared.chain
    if name in additions.only:
        item = [scalar(additions.only[name])]
        page.insert(("only",), len(declared.only), [item], [""])
    for index, address in additions.expected.get(name, {}).items():
        entry = declared.entries[index]
        assert isinstance(entry, ExternalEntry)
        item = [scalar(address)]
        page.insert(("entries", index, "only"), len(entry.only), [item], [""])
    # Entries that come to the same place are put there at once, in order.
    by_index: dict[int, list[Entry]] = {}
    for new in additions.entries.get(name, ()):
        by_index.setdefault(new.before, []).append(new.entry)
    for index, entries in by_index.items():
        items = [_entry_lines(entry) for entry in entries]
        remarks = [additions.remarks.get(_named(entry), "") for entry in entries]
        page.insert(("entries",), index, items, remarks)


class _Page:
    """A file that a person wrote, and what is put between its lines."""

    def __init__(self, root: Path, file: str) -> None:
        self._file = file
        self._before = (root / file).read_bytes()
        self._mark = "\ufeff" if self._before.startswith(b"\xef\xbb\xbf") else ""
        self._text = self._before.decode("utf-8-sig")
        self._newline = _newline_of(self._text)
        try:
            self._node: Any = yaml.compose(self._text, Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            # This takes less for YAML than what reads the files.
            raise _cannot_be_added_to(file) from None
        self._insertions: dict[int, str] = {}

    def change(self, intended: Noun) -> FileChange:
        """Return the file with all that was put in.

        Raises
        ------
        RefusedError
            It would not say what is intended.
        """
        text = self._text
        # From the end, so that what is in front keeps its place.
        for at, more in sorted(self._insertions.items(), reverse=True):
            text = text[:at] + more + text[at:]
        text = self._mark + text
        read_again(text, self._file, intended)
        return FileChange(self._file, self._before, text.encode())

    def add_pairs(self, key: str, pairs: Mapping[str, str]) -> None:
        """Add keys with their words to a mapping, made if need be."""
        items = [f"{scalar(name)}: {scalar(word)}" for name, word in pairs.items()]
        node = self._find(key)
        if node is None:
            self._add_key(key, items)
            return
        if node.flow_style:
            self._insert_inline(node, len(node.value), items)
            return
        margin = " " * node.start_mark.column
        lines = [f"{margin}{item}" for item in items]
        self._add_lines(end_of(node, self._text), lines)

    def insert(
        self, path: tuple[str | int, ...], index: int, items: list[list[str]], remarks: list[str]
    ) -> None:
        """Insert items, each of lines, into a list in front of one of it."""
        node = self._find(*path)
        assert node is not None, "what is added to is there"
        if node.flow_style:
            self._insert_inline(node, index, [_inline(item) for item in items])
            return
        margin = " " * node.start_mark.column
        firsts = _remarked([f"{margin}- {item[0]}" for item in items], remarks)
        lines: list[str] = []
        for first, item in zip(firsts, items, strict=True):
            lines.append(first)
            lines.extend(f"{margin}  {more}" for more in item[1:])
        # Behind the line before, so that a comment above an item stays there.
        if index == 0:
            self._add_lines(self._end_of_key(node), lines)
            return
        above = node.value[index - 1]
        self._add_lines(end_of(above, self._text), lines)

    def _find(self, *path: str | int) -> Any:
        """Return the node that stands at a path; `None`: there is none."""
        node: Any = self._node
        for step in path:
            node = node.value[step] if isinstance(step, int) else _value_of(node, step)
            if node is None:
                return None
        return node

    def _end_of_key(self, node: Any) -> int:
        """Return where the key ends whose value a list is."""
        end: int = next(name.end_mark.index for name, value in self._node.value if value is node)
        return end

    def _add_key(self, key: str, items: list[str]) -> None:
        root = self._node
        if root.flow_style:
            self._insert_inline(root, len(root.value), [f"{key}: {{{', '.join(items)}}}"])
            return
        margin = " " * root.start_mark.column
        lines = [f"{margin}{key}:"]
        lines.extend(f"{margin}  {item}" for item in items)
        self._add_lines(end_of(root, self._text), lines)

    def _add_lines(self, at: int, lines: list[str]) -> None:
        """Add lines behind the one that something ends in."""
        line_end = _LINE_END.search(self._text, at)
        end = line_end.start() if line_end else len(self._text)
        self._put(end, "".join(f"{self._newline}{line}" for line in lines))

    def _put(self, at: int, more: str) -> None:
        self._insertions[at] = self._insertions.get(at, "") + more

    def _insert_inline(self, node: Any, index: int, items: list[str]) -> None:
        children = node.value
        if index < len(children):
            begin = _ends_of_child(children[index])[0].start_mark.index
            self._put(begin, "".join(f"{item}, " for item in items))
        elif children:
            last = _ends_of_child(children[-1])[1]
            self._put(end_of(last, self._text), "".join(f", {item}" for item in items))
        else:
            # Right behind the bracket that opens it.
            self._put(node.start_mark.index + 1, ", ".join(items))


def _newline_of(text: str) -> str:
    """Return how a text ends its lines."""
    # Windows has both characters, so that pair is looked for first.
    for newline in ("\r\n", "\n", "\r"):
        if newline in text:
            return newline
    return "\n"


def _value_of(node: Any, key: str) -> Any:
    for name, value in node.value:
        if name.value == key:
            return value
    return None


def end_of(node: Any, text: str) -> int:
    """Return where a value ends, without the space behind it.

    Parameters
    ----------
    node
        What YAML made of it.
    text
        The whole file.
    """
    while isinstance(node, yaml.CollectionNode) and not node.flow_style:
        _, node = _ends_of_child(node.value[-1])
    end: int = node.end_mark.index
    # The mark of a block of text stands at the beginning of a later line.
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        end = len(text[:end].rstrip("\r\n "))
    return end


def _ends_of_child(child: Any) -> tuple[Any, Any]:
    """Return the first and the last node of an item, or of a key's pair."""
    if isinstance(child, tuple):
        return child
    return child, child


def _inline(item: list[str]) -> str:
    """Return an item of a list as it stands within a line."""
    if len(item) == 1:
        return item[0]
    return f"{{{', '.join(item)}}}"

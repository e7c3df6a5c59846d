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
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
from ..model.names import Noun, RepositoryAddress
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
    root = Path(desired.root)
    changed = []
    for ticket in additions.tickets:
        file = f"tickets/{ticket.instrument}/{ticket.ticket}.yaml"
        text = _ticket_text(ticket, additions)
        changed.append(_new_file(root, file, text, ticket))
    for key, skips in sorted(additions.skips.items()):
        written = desired.tickets[key]
        page = _Page(root, written.lines.file)
        page.add_skips(skips)
        intended = with_skips(written.noun, skips)
        changed.append(page.change(intended))
    # Chains come behind all tickets, since they name them.
    taken = {declared.lines.file.casefold() for declared in desired.chains.values()}
    for chain in additions.chains:
        file = _free_chain_file(root, chain.chain, taken)
        taken.add(file.casefold())
        text = _chain_text(chain, additions)
        changed.append(_new_file(root, file, text, chain))
    names = {*additions.entries, *additions.only, *additions.expected}
    for name in sorted(names):
        declared = desired.chains[name]
        page = _Page(root, declared.lines.file)
        page.add_to_chain(declared.noun, additions)
        extended = additions.chain(declared.noun)
        changed.append(page.change(extended))
    for seal in additions.seals:
        path = sealfile.path_of(root, seal)
        file = str(path.relative_to(root))
        text = sealfile.dumps(seal)
        changed.append(FileChange(file, _bytes(path), text.encode()))
    return tuple(changed)


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
    own = {}
    for form in desired.forms:
        # Each is asked for by a call, and is here already.
        own[form.folder] = partial(_same_form, form)
    with TemporaryDirectory(prefix=".calibstate-") as folder:
        copy = Path(folder).resolve()
        # What nobody reads may be a link to anywhere, or have no end.
        tree = Disk(Path(desired.root))
        read = statefile.contents(tree, own)
        for file, content in read.items():
            _replace(copy / file, content)
        for change in changed:
            _replace(copy / change.file, change.after)
        return statefile.load(copy, own=own)


def _same_form(form: Form) -> Form:
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
        path = root / change.file
        if _bytes(path) != change.before:
            raise RefusedError(
                Diagnostic(
                    "File has changed",
                    f"{change.file} was changed while it was worked on; nothing was written.",
                    hint="Run it again.",
                )
            )
    for change in changed:
        path = root / change.file
        try:
            _replace(path, change.after)
        except OSError as error:
            raise CalibstateError(
                Diagnostic(
                    "File cannot be written",
                    f"{path}: {error.strerror}.",
                    hint="Mend it and run it again: it goes on.",
                )
            ) from None


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once: it is whole, or it is as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, since only within one file system a name moves at once.
    aside = path.with_name(f".calibstate-{path.name}")
    aside.write_bytes(content)
    if path.exists():
        shutil.copymode(path, aside)
    os.replace(aside, path)  # noqa: PTH105


def _bytes(path: Path) -> bytes | None:
    if not path.exists():
        return None
    return path.read_bytes()


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
    path = root / file
    if path.exists():
        raise RefusedError(
            Diagnostic(
                "File in the way",
                f"{file} exists, and declares nothing; what was found belongs there.",
                hint="Move it away.",
            )
        )
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
        source = read_yaml(text.encode(), file)
        declared: Any = type(intended).model_validate(source.data)
    except (CalibstateError, ValueError):
        declared = None
    if declared != intended:
        raise _cannot_be_added_to(file)


def _cannot_be_added_to(file: str) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "File cannot be added to",
            f"{file} is written in a way that cannot be added to without changing the rest.",
            hint="Write its lists with one entry a line.",
        )
    )


# --- new files ---


def _ticket_text(ticket: Ticket, additions: Additions) -> str:
    text = _Text()
    if additions.heading:
        text.line(f"# {additions.heading}")
    text.pair("ticket", ticket.ticket)
    text.pair("instrument", ticket.instrument)
    text.line("approval:")
    text.line(f"  status: {ticket.approval.status.value}")
    text.pair("  note", ticket.approval.note or "")
    names = ticket.collections
    if ticket.bare:
        names = ticket.bare
        text.line("bare:")
    else:
        text.line("collections:")
    items = []
    for name, leaf in zip(names, ticket.leaves, strict=True):
        remark = additions.remarks.get(leaf, "")
        items.append(_Item([scalar(name)], remark))
    text.items("  ", items)
    if ticket.skip:
        text.line("skip:")
        for address, why in ticket.skip.items():
            text.pair(f"  {scalar(address)}", why)
    return text.ended()


def _chain_text(declared: ChainFile, additions: Additions) -> str:
    text = _Text()
    if additions.heading:
        text.line(f"# {additions.heading}")
    text.pair("chain", declared.chain)
    text.pair("instrument", declared.instrument)
    if declared.only:
        text.line(f"only: {_list_in_a_line(declared.only)}")
    if not declared.entries:
        text.line("entries: []")
        return text.ended()
    text.line("entries:")
    items = [_Item.of(entry, additions) for entry in declared.entries]
    text.items("  ", items)
    return text.ended()


@dataclass(frozen=True)
class _Item:
    """An item of a list."""

    lines: list[str]
    """It as YAML, without the dash before it."""

    remark: str = ""
    """Comment behind its first line."""

    @classmethod
    def of(cls, entry: Entry, additions: Additions) -> _Item:
        """Return an entry of a chain."""
        if not isinstance(entry, ExternalEntry):
            remark = additions.remarks.get(entry, "")
            return cls([scalar(entry)], remark)
        lines = [f"external: {scalar(entry.external)}"]
        if entry.only:
            lines.append(f"only: {_list_in_a_line(entry.only)}")
        remark = additions.remarks.get(entry.external, "")
        return cls(lines, remark)

    def in_a_line(self) -> str:
        """Return it as it stands in a list that is written within a line."""
        if len(self.lines) == 1:
            return self.lines[0]
        pairs = ", ".join(self.lines)
        return f"{{{pairs}}}"


class _Text:
    """Lines of YAML, put together from above."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, line: str) -> None:
        """Add a line as it is."""
        self.lines.append(line)

    def pair(self, key: str, word: str) -> None:
        """Add a key with its word."""
        self.lines.append(f"{key}: {scalar(word)}")

    def items(self, margin: str, items: Sequence[_Item]) -> None:
        """Add items of a list, with their remarks in one column."""
        firsts = [f"{margin}- {item.lines[0]}" for item in items]
        width = max(map(len, firsts), default=0)
        for first, item in zip(firsts, items, strict=True):
            if item.remark:
                self.line(f"{first:{width}}  # {item.remark}")
            else:
                self.line(first)
            for line in item.lines[1:]:
                self.line(f"{margin}  {line}")

    def ended(self) -> str:
        """Return all lines, each of them ended."""
        lines = [f"{line}\n" for line in self.lines]
        return "".join(lines)


def _list_in_a_line(words: Sequence[str]) -> str:
    scalars = [scalar(word) for word in words]
    joined = ", ".join(scalars)
    return f"[{joined}]"


def scalar(text: str) -> str:
    """Return text as YAML that every reader takes for the same text."""
    is_plain = _PLAIN.fullmatch(text)
    if is_plain and text.casefold() not in _READ_OTHERWISE:
        return text
    return json.dumps(text, ensure_ascii=False)


# --- additions to what a person wrote ---


class _Page:
    """A file that a person wrote, and what is put between its lines."""

    def __init__(self, root: Path, file: str) -> None:
        path = root / file
        self._file = file
        self._before = path.read_bytes()
        self._mark = ""
        if self._before.startswith(BOM_UTF8):
            self._mark = "\ufeff"
        self._text = self._before.decode("utf-8-sig")
        self._newline = "\n"
        # Windows has both characters, so that pair is looked for first.
        for newline in ("\r\n", "\n", "\r"):
            if newline in self._text:
                self._newline = newline
                break
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
        for at in sorted(self._insertions, reverse=True):
            text = text[:at] + self._insertions[at] + text[at:]
        text = self._mark + text
        read_again(text, self._file, intended)
        return FileChange(self._file, self._before, text.encode())

    def add_skips(self, skips: Mapping[RepositoryAddress, str]) -> None:
        """Add repositories that do not get a ticket, with the reasons."""
        pairs = []
        for address, why in skips.items():
            pairs.append(f"{scalar(address)}: {scalar(why)}")
        node = self._value_of(self._node, "skip")
        if node is None:
            self._add_key("skip", pairs)
            return
        if node.flow_style:
            self._insert_in_line(node, len(node.value), pairs)
            return
        margin = " " * node.start_mark.column
        lines = [f"{margin}{pair}" for pair in pairs]
        self._add_lines(end_of(node, self._text), lines)

    def _add_key(self, key: str, pairs: list[str]) -> None:
        """Add a key to the file, with a mapping below it."""
        root = self._node
        if root.flow_style:
            joined = ", ".join(pairs)
            self._insert_in_line(root, len(root.value), [f"{key}: {{{joined}}}"])
            return
        margin = " " * root.start_mark.column
        lines = [f"{margin}{key}:"]
        for pair in pairs:
            lines.append(f"{margin}  {pair}")
        self._add_lines(end_of(root, self._text), lines)

    def add_to_chain(self, declared: ChainFile, additions: Additions) -> None:
        """Add to a chain's places, to those of its externals, and entries."""
        name = declared.chain
        if name in additions.only:
            place = _Item([scalar(additions.only[name])])
            only = self._value_of(self._node, "only")
            self._insert(only, len(declared.only), [place])
        for index, address in additions.expected.get(name, {}).items():
            entry = declared.entries[index]
            assert isinstance(entry, ExternalEntry)
            place = _Item([scalar(address)])
            entries = self._value_of(self._node, "entries")
            only = self._value_of(entries.value[index], "only")
            self._insert(only, len(entry.only), [place])
        # Entries that come to the same place are put there at once, in order.
        items_by_index: dict[int, list[_Item]] = {}
        for new in additions.entries.get(name, ()):
            item = _Item.of(new.entry, additions)
            items_by_index.setdefault(new.before, []).append(item)
        for index, items in items_by_index.items():
            entries = self._value_of(self._node, "entries")
            self._insert(entries, index, items)

    def _insert(self, node: Any, index: int, items: list[_Item]) -> None:
        """Insert items into a list of the file in front of one of it."""
        assert node is not None, "what is added to is there"
        if node.flow_style:
            in_a_line = [item.in_a_line() for item in items]
            self._insert_in_line(node, index, in_a_line)
            return
        margin = " " * node.start_mark.column
        text = _Text()
        text.items(margin, items)
        # Behind the line before, so that a comment above an item stays there.
        if index > 0:
            above = node.value[index - 1]
            self._add_lines(end_of(above, self._text), text.lines)
            return
        for key, value in self._node.value:
            if value is node:
                self._add_lines(key.end_mark.index, text.lines)

    @staticmethod
    def _value_of(mapping: Any, key: str) -> Any:
        """Return the node of a key's value; `None`: there is no such key."""
        for name, value in mapping.value:
            if name.value == key:
                return value
        return None

    def _add_lines(self, at: int, lines: list[str]) -> None:
        """Add lines behind the one that something ends in."""
        end = len(self._text)
        line_end = _LINE_END.search(self._text, at)
        if line_end:
            end = line_end.start()
        for line in lines:
            self._put(end, f"{self._newline}{line}")

    def _put(self, at: int, more: str) -> None:
        """Put text in, behind what was put there before."""
        before = self._insertions.get(at, "")
        self._insertions[at] = before + more

    def _insert_in_line(self, node: Any, index: int, items: list[str]) -> None:
        """Insert items into a list, or a mapping, that has commas."""
        children = node.value
        if index < len(children):
            following, _ = _ends_of_child(children[index])
            for item in items:
                self._put(following.start_mark.index, f"{item}, ")
        elif children:
            _, last = _ends_of_child(children[-1])
            end = end_of(last, self._text)
            for item in items:
                self._put(end, f", {item}")
        else:
            # Right behind the bracket that opens it.
            behind = node.start_mark.index + 1
            self._put(behind, ", ".join(items))


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
    is_block = isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}
    if is_block:
        content = text[:end].rstrip("\r\n ")
        end = len(content)
    return end


def _ends_of_child(child: Any) -> tuple[Any, Any]:
    """Return the first and the last node of an item, or of a key's pair."""
    if isinstance(child, tuple):
        return child
    return child, child

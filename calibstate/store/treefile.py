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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
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

__all__ = ["changes", "checked", "copied", "end_of", "read_again", "scalar", "write"]

_PLAIN = re.compile(r"[A-Za-z/]([A-Za-z0-9_./@+~ -]*[A-Za-z0-9_./@+~-])?")
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
        change = _new_file(root, file, text, ticket)
        changed.append(change)
    for key in sorted(additions.skips):
        skips = additions.skips[key]
        written = desired.tickets[key]
        page = _Page(root, written.lines.file)
        page.add_skips(skips)
        ticket = with_skips(written.noun, skips)
        change = page.change(ticket)
        changed.append(change)
    # Chains come behind all tickets, since they name them.
    taken = set()
    for declared in desired.chains.values():
        file = declared.lines.file
        taken.add(file.casefold())
    for chain in additions.chains:
        file = _free_chain_file(root, chain.chain, taken)
        taken.add(file.casefold())
        text = _chain_text(chain, additions)
        change = _new_file(root, file, text, chain)
        changed.append(change)
    names = set(additions.entries)
    names.update(additions.only, additions.expected)
    for name in sorted(names):
        declared = desired.chains[name]
        page = _Page(root, declared.lines.file)
        page.add_to_chain(declared.noun, additions)
        chain = additions.chain(declared.noun)
        change = page.change(chain)
        changed.append(change)
    # Seals come last: they say what a ticket holds that is there by then.
    for seal in additions.seals:
        path = sealfile.path_of(root, seal)
        before = _bytes(path)
        after = sealfile.dumps(seal).encode()
        file = str(path.relative_to(root))
        changed.append(FileChange(file, before, after))
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
    with copied(desired) as copy:
        for change in changed:
            path = copy / change.file
            _replace(path, change.after)
        return statefile.load(copy, own=_own_folders(desired))


@contextmanager
def copied(desired: DesiredState) -> Iterator[Path]:
    """Give a copy of a tree to write into, which is gone afterwards.

    Parameters
    ----------
    desired
        The tree.

    Yields
    ------
    Path
        Root of the copy; it holds what is read of a tree, and no more.

    Raises
    ------
    InvalidStateError
        A file cannot be read any more.
    """
    with TemporaryDirectory(prefix=".calibstate-") as folder:
        copy = Path(folder).resolve()
        # What nobody reads may be a link to anywhere, or have no end.
        tree = Disk(Path(desired.root))
        read = statefile.contents(tree, _own_folders(desired))
        for file, content in read.items():
            path = copy / file
            _replace(path, content)
        yield copy


def _own_folders(desired: DesiredState) -> statefile.OwnFolders:
    """Return the folders that kinds bring, as a tree was read with them."""
    own = {}
    for form in desired.forms:
        # Each is asked for by a call, and is here already.
        own[form.folder] = partial(_same_form, form)
    return own


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
    hidden = f".calibstate-{path.name}"
    aside = path.with_name(hidden)
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
    # Names of chains have slashes, which would be folders.
    word = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    if _HIDDEN.match(word):
        word = f"chain-{word}"
    file = f"chains/{word}.yaml"
    number = 1
    # No file of the tree is overwritten, whatever stands in it.
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
    return FileChange(
        file,
        before=None,
        after=text.encode(),
    )


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
    if ticket.summary:
        text.pair("summary", ticket.summary)
    text.line("approval:")
    approval = ticket.approval
    text.line(f"  status: {approval.status.value}")
    if approval.taxicab:
        text.pair("  taxicab", approval.taxicab)
    if approval.note:
        text.pair("  note", approval.note)
    if approval.captured:
        text.line(f"  captured: {approval.captured}")
    names = ticket.collections
    if ticket.bare:
        names = ticket.bare
        text.line("bare:")
    else:
        text.line("collections:")
    items = []
    for name, leaf in zip(names, ticket.leaves, strict=True):
        remark = additions.remarks.get(leaf, "")
        item = _Item.of_word(name, remark)
        items.append(item)
    text.items("  ", items)
    if ticket.skip:
        text.line("skip:")
        for address, why in ticket.skip.items():
            key = scalar(address)
            text.pair(f"  {key}", why)
    return text.ended()


def _chain_text(declared: ChainFile, additions: Additions) -> str:
    text = _Text()
    if additions.heading:
        text.line(f"# {additions.heading}")
    text.pair("chain", declared.chain)
    text.pair("instrument", declared.instrument)
    if declared.only:
        places = _list_in_a_line(declared.only)
        text.line(f"only: {places}")
    if not declared.entries:
        text.line("entries: []")
        return text.ended()
    text.line("entries:")
    items = []
    for entry in declared.entries:
        item = _Item.of(entry, additions)
        items.append(item)
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
    def of_word(cls, word: str, remark: str = "") -> _Item:
        """Return an item that is a word."""
        return cls([scalar(word)], remark)

    @classmethod
    def of(cls, entry: Entry, additions: Additions) -> _Item:
        """Return an entry of a chain."""
        if not isinstance(entry, ExternalEntry):
            remark = additions.remarks.get(entry, "")
            return cls.of_word(entry, remark)
        name = scalar(entry.external)
        lines = [f"external: {name}"]
        if entry.only:
            places = _list_in_a_line(entry.only)
            lines.append(f"only: {places}")
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
        written = scalar(word)
        self.lines.append(f"{key}: {written}")

    def items(self, margin: str, items: Sequence[_Item]) -> None:
        """Add items of a list, with their remarks in one column."""
        # The widest of their first lines says where the column is.
        widths = [len(item.lines[0]) for item in items]
        width = max(widths, default=0)
        for item in items:
            first, *more = item.lines
            if item.remark:
                first = f"{first:{width}}  # {item.remark}"
            self.line(f"{margin}- {first}")
            for line in more:
                self.line(f"{margin}  {line}")

    def ended(self) -> str:
        """Return all lines, each of them ended."""
        text = "\n".join(self.lines)
        return f"{text}\n"


def _list_in_a_line(words: Sequence[str]) -> str:
    joined = ", ".join(map(scalar, words))
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
            before = text[:at]
            behind = text[at:]
            more = self._insertions[at]
            text = before + more + behind
        text = self._mark + text
        read_again(text, self._file, intended)
        return FileChange(
            self._file,
            before=self._before,
            after=text.encode(),
        )

    def add_skips(self, skips: Mapping[RepositoryAddress, str]) -> None:
        """Add repositories that do not get a ticket, with the reasons."""
        pairs = []
        for address, why in skips.items():
            key = scalar(address)
            word = scalar(why)
            pairs.append(f"{key}: {word}")
        # Behind what is skipped already, or at the end of the file.
        node = self._value_of(self._node, "skip")
        lines = []
        margin = ""
        if node is None:
            node = self._node
            if node.flow_style:
                joined = ", ".join(pairs)
                pairs = [f"skip: {{{joined}}}"]
            else:
                lines.append("skip:")
                margin = "  "
        if node.flow_style:
            last = len(node.value)
            self._insert_in_line(node, last, pairs)
            return
        for pair in pairs:
            lines.append(f"{margin}{pair}")
        self._add_lines_behind(node, node.start_mark.column, lines)

    def add_to_chain(self, declared: ChainFile, additions: Additions) -> None:
        """Add to a chain's places, to those of its externals, and entries."""
        name = declared.chain
        root = self._node
        entries = self._value_of(root, "entries")
        if name in additions.only:
            only = self._value_of(root, "only")
            place = _Item.of_word(additions.only[name])
            self._insert(only, len(declared.only), [place])
        expected = additions.expected.get(name, {})
        for index, address in expected.items():
            entry = declared.entries[index]
            assert isinstance(entry, ExternalEntry)
            external = entries.value[index]
            only = self._value_of(external, "only")
            place = _Item.of_word(address)
            self._insert(only, len(entry.only), [place])
        # Entries that come to the same place are put there at once, in order.
        items_by_index: dict[int, list[_Item]] = {}
        for new in additions.entries.get(name, ()):
            item = _Item.of(new.entry, additions)
            items = items_by_index.setdefault(new.before, [])
            items.append(item)
        for index, items in items_by_index.items():
            self._insert(entries, index, items)

    def _insert(self, node: Any, index: int, items: list[_Item]) -> None:
        """Insert items into a list of the file in front of one of it."""
        assert node is not None, "what is added to is there"
        if node.flow_style:
            in_a_line = [item.in_a_line() for item in items]
            self._insert_in_line(node, index, in_a_line)
            return
        text = _Text()
        text.items("", items)
        column = node.start_mark.column
        # Behind the line before, so that a comment above an item stays there.
        if index > 0:
            above = node.value[index - 1]
            self._add_lines_behind(above, column, text.lines)
            return
        for key, value in self._node.value:
            if value is node:
                self._add_lines_behind(key, column, text.lines)

    @staticmethod
    def _value_of(mapping: Any, key: str) -> Any:
        """Return the node of a key's value; `None`: there is no such key."""
        for name, value in mapping.value:
            if name.value == key:
                return value
        return None

    def _add_lines_behind(self, node: Any, column: int, lines: list[str]) -> None:
        """Add lines behind the one that a node ends in, from a column on."""
        end = len(self._text)
        behind = end_of(node, self._text)
        line_end = _LINE_END.search(self._text, behind)
        if line_end:
            end = line_end.start()
        margin = " " * column
        for line in lines:
            whole = f"{margin}{line}"
            self._put(end, self._newline + whole)

    def _put(self, at: int, more: str) -> None:
        """Put text in, behind what was put there before."""
        before = self._insertions.get(at, "")
        self._insertions[at] = before + more

    def _insert_in_line(self, node: Any, index: int, items: list[str]) -> None:
        """Insert items into a list, or a mapping, that has commas."""
        children = node.value
        if index < len(children):
            child = children[index]
            following, _ = _ends_of_child(child)
            begin = following.start_mark.index
            for item in items:
                self._put(begin, f"{item}, ")
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
    # Of a list or mapping over several lines, what its last item ends with.
    while isinstance(node, yaml.CollectionNode) and not node.flow_style:
        last = node.value[-1]
        _, node = _ends_of_child(last)
    end: int = node.end_mark.index
    if not isinstance(node, yaml.ScalarNode):
        return end
    # The mark of a block of text stands at the beginning of a later line.
    if node.style in {"|", ">"}:
        content = text[:end]
        end = len(content.rstrip("\r\n "))
    return end


def _ends_of_child(child: Any) -> tuple[Any, Any]:
    """Return the first and the last node of an item, or of a key's pair."""
    if isinstance(child, tuple):
        return child
    return child, child

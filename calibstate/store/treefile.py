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
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count
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
    with TemporaryDirectory(prefix=".calibstate-") as folder:
        copy = Path(folder).resolve()
        # What nobody reads may be a link to anywhere, or have no end.
        for file, content in statefile.contents(Disk(Path(desired.root)), _own(desired)).items():
            _replace(copy / file, content)
        for change in changed:
            _replace(copy / change.file, change.after)
        return statefile.load(copy, own=_own(desired))


def _own(desired: DesiredState) -> statefile.OwnFolders:
    return {form.folder: partial(_itself, form) for form in desired.forms}


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
    for change in changed:
        if _bytes(root / change.file) != change.before:
            raise RefusedError(
                Diagnostic(
                    "File has changed",
                    f"{change.file} was changed while it was worked on; nothing was written.",
                    hint="Run it again.",
                )
            )
    for change in changed:
        try:
            _replace(root / change.file, change.after)
        except OSError as error:
            detail = f"{root / change.file}: {error.strerror}."
            raise CalibstateError(
                Diagnostic("File cannot be written", detail, hint="Mend it and run it again: it goes on.")
            ) from None


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
        text = _ticket_text(ticket, additions)
        yield _new_file(root, f"tickets/{ticket.instrument}/{ticket.ticket}.yaml", text, ticket)
    for key, skips in sorted(additions.skips.items()):
        written = desired.tickets[key]
        page = _Page(root, written.lines.file)
        page.add_pairs("skip", {str(where): why for where, why in skips.items()})
        yield page.change(with_skips(written.noun, skips))
    taken = {written.lines.file.casefold() for written in desired.chains.values()}
    for new in additions.chains:
        file = _chain_file(root, new.chain, taken)
        yield _new_file(root, file, _chain_text(new, additions), new)
    for name in sorted({*additions.entries, *additions.only, *additions.expected}):
        declared = desired.chains[name]
        page = _Page(root, declared.lines.file)
        _add_to_chain(page, declared.noun, additions)
        yield page.change(additions.chain(declared.noun))
    for seal in additions.seals:
        path = sealfile.path_of(root, seal)
        yield FileChange(str(path.relative_to(root)), _bytes(path), sealfile.dumps(seal).encode())


def _chain_file(root: Path, name: str, taken: set[str]) -> str:
    """Return a name for a chain's file that no file has yet."""
    word = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    word = f"chain-{word}" if _HIDDEN.match(word) else word
    names = (f"chains/{word}{suffix}.yaml" for suffix in chain([""], (f"-{n}" for n in count(2))))
    file = next(n for n in names if n.casefold() not in taken and not (root / n).exists())
    taken.add(file.casefold())
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
    return RefusedError(
        Diagnostic("File cannot be added to", detail, hint="Write its lists with one entry a line.")
    )


# --- new files ---


def _ticket_text(ticket: Ticket, additions: Additions) -> str:
    lines = [f"# {additions.heading}"] if additions.heading else []
    lines += [f"ticket: {scalar(ticket.ticket)}", f"instrument: {scalar(ticket.instrument)}"]
    lines += ["approval:", f"  status: {ticket.approval.status.value}"]
    lines += [f"  note: {scalar(ticket.approval.note or '')}"]
    key, names = ("bare", ticket.bare) if ticket.bare else ("collections", ticket.collections)
    lines += [f"{key}:"]
    remarks = [additions.remarks.get(leaf, "") for leaf in ticket.leaves]
    lines += _remarked([f"  - {scalar(name)}" for name in names], remarks)
    if ticket.skip:
        lines += ["skip:", *(f"  {scalar(a)}: {scalar(why)}" for a, why in ticket.skip.items())]
    return "".join(f"{line}\n" for line in lines)


def _chain_text(chain: ChainFile, additions: Additions) -> str:
    lines = [f"# {additions.heading}"] if additions.heading else []
    lines += [f"chain: {scalar(chain.chain)}", f"instrument: {scalar(chain.instrument)}"]
    lines += [f"only: {_list(chain.only)}"] if chain.only else []
    if not chain.entries:
        return "".join(f"{line}\n" for line in [*lines, "entries: []"])
    lines += ["entries:"]
    firsts = _remarked(
        [f"  - {_entry_lines(entry)[0]}" for entry in chain.entries],
        [additions.remarks.get(_named(entry), "") for entry in chain.entries],
    )
    for first, entry in zip(firsts, chain.entries, strict=True):
        lines += [first, *(f"    {more}" for more in _entry_lines(entry)[1:])]
    return "".join(f"{line}\n" for line in lines)


def _entry_lines(entry: Entry) -> list[str]:
    if isinstance(entry, ExternalEntry):
        only = [f"only: {_list(entry.only)}"] if entry.only else []
        return [f"external: {scalar(entry.external)}", *only]
    return [scalar(entry)]


def _named(entry: Entry) -> str:
    return entry.external if isinstance(entry, ExternalEntry) else entry


def _remarked(lines: Sequence[str], remarks: Sequence[str]) -> list[str]:
    """Return lines with comments behind them, in one column."""
    wide = max((len(line) for line in lines), default=0)
    pairs = zip(lines, remarks, strict=True)
    return [f"{line:{wide}}  # {remark}" if remark else line for line, remark in pairs]


def _list(words: Sequence[str]) -> str:
    return f"[{', '.join(scalar(word) for word in words)}]"


def scalar(text: str) -> str:
    """Return text as YAML that every reader takes for the same text."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _READ_OTHERWISE:
        return text
    return json.dumps(text, ensure_ascii=False)


# --- additions to what a person wrote ---


def _add_to_chain(page: _Page, chain: ChainFile, additions: Additions) -> None:
    name = chain.chain
    if name in additions.only:
        page.insert("only", len(chain.only), [[scalar(additions.only[name])]], [""])
    for index, address in additions.expected.get(name, {}).items():
        entry = chain.entries[index]
        assert isinstance(entry, ExternalEntry)
        page.insert(("entries", index, "only"), len(entry.only), [[scalar(address)]], [""])
    at: dict[int, list[Entry]] = {}
    for new in additions.entries.get(name, ()):
        at.setdefault(new.before, []).append(new.entry)
    for index, entries in at.items():
        remarks = [additions.remarks.get(_named(entry), "") for entry in entries]
        page.insert("entries", index, [_entry_lines(entry) for entry in entries], remarks)


class _Page:
    """A file that a person wrote, and what is put between its lines."""

    def __init__(self, root: Path, file: str) -> None:
        self._file = file
        self._before = (root / file).read_bytes()
        self._mark = "\ufeff" if self._before.startswith(b"\xef\xbb\xbf") else ""
        self._text = self._before.decode("utf-8-sig")
        self._newline = next((n for n in ("\r\n", "\n", "\r") if n in self._text), "\n")
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
        elif node.flow_style:
            self._insert_inline(node, len(node.value), items)
        else:
            indent = " " * node.start_mark.column
            self._add_lines(end_of(node, self._text), [indent + line for line in items])

    def insert(self, where: Any, index: int, items: list[list[str]], remarks: list[str]) -> None:
        """Insert items, each of lines, into a list in front of one of it."""
        node = self._find(*(where if isinstance(where, tuple) else (where,)))
        assert node is not None, "what is added to is there"
        if node.flow_style:
            inline = [item[0] if len(item) == 1 else f"{{{', '.join(item)}}}" for item in items]
            self._insert_inline(node, index, inline)
            return
        indent = " " * node.start_mark.column
        firsts = _remarked([f"{indent}- {item[0]}" for item in items], remarks)
        lines = [
            line
            for first, item in zip(firsts, items, strict=True)
            for line in (first, *(f"{indent}  {more}" for more in item[1:]))
        ]
        # Behind the line before, so that a comment above an item stays there.
        after = end_of(node.value[index - 1], self._text) if index else self._end_of_key(node)
        self._add_lines(after, lines)

    def _find(self, *path: str | int) -> Any:
        node: Any = self._node
        for key in path:
            if isinstance(key, int):
                node = node.value[key]
            else:
                node = next((value for name, value in node.value if name.value == key), None)
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
        indent = " " * root.start_mark.column
        self._add_lines(
            end_of(root, self._text), [f"{indent}{key}:", *(f"{indent}  {line}" for line in items)]
        )

    def _add_lines(self, at: int, lines: list[str]) -> None:
        """Add lines behind the one that something ends in."""
        end = next((i for i in range(at, len(self._text)) if self._text[i] in "\r\n"), len(self._text))
        self._put(end, "".join(self._newline + line for line in lines))

    def _put(self, at: int, more: str) -> None:
        self._insertions[at] = self._insertions.get(at, "") + more

    def _insert_inline(self, node: Any, index: int, items: list[str]) -> None:
        children = node.value
        if index < len(children):
            first = children[index][0] if isinstance(children[index], tuple) else children[index]
            self._put(first.start_mark.index, "".join(f"{item}, " for item in items))
        elif children:
            last = children[-1][1] if isinstance(children[-1], tuple) else children[-1]
            self._put(end_of(last, self._text), "".join(f", {item}" for item in items))
        else:
            self._put(node.start_mark.index + 1, ", ".join(items))


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
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.index
    # The mark of a block of text stands at the beginning of a later line.
    while isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"} and text[end - 1] in "\r\n ":
        end -= 1
    return end

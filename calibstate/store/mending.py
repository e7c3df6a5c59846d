"""What can be mended in a state tree without anybody's judgement.

That is little: a word that a list holds twice means nothing the second time,
so its second line is deleted, if it is a line by itself and no comment
speaks of it.  All else is for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import Diagnostic, InvalidStateError, Severity, Where
from ..model.desired import KeyPath
from ..model.files import FileChange
from .layout import files
from .yamlsource import Source, in_lines, read_yaml

__all__ = ["mend"]

_LISTS = {"bare", "collections", "entries", "hosts", "instruments", "only"}
"""Keys of lists in which a word counts once."""


def mend(root: Path) -> tuple[tuple[FileChange, ...], tuple[Diagnostic, ...]]:
    """Return the files that can be mended; nothing is written.

    Parameters
    ----------
    root
        Root of the tree.

    Returns
    -------
    tuple of FileChange
        What they would hold.
    tuple of Diagnostic
        What was mended in them, as notes.
    """
    changes: list[FileChange] = []
    notes: list[Diagnostic] = []
    for file, _ in files(root):
        path = root / file
        try:
            before = path.read_bytes()
            source = read_yaml(before, file)
        except (InvalidStateError, OSError):
            continue  # Whoever reads the tree tells of it.
        if source.problems:
            continue
        text = in_lines(before).decode("utf-8-sig")
        lines = text.split("\n")
        repeated = list(_repeated(source, lines))
        if not repeated:
            continue
        numbers = {where.line for where, _ in repeated}
        # Lines that are left stay as they are, to their last byte.
        after = b""
        for number, line in enumerate(before.splitlines(keepends=True), start=1):
            if number not in numbers:
                after += line
        change = FileChange(file, before, after)
        changes.append(change)
        for where, word in repeated:
            note = Diagnostic(
                "Mended",
                f"`{word}` stands further up already; this line, which meant nothing, was deleted.",
                where,
                severity=Severity.NOTE,
            )
            notes.append(note)
    return tuple(changes), tuple(notes)


def _repeated(source: Source, lines: list[str]) -> Iterator[tuple[Where, str]]:
    """Yield the lines of words that stand in their list already."""
    for path, words in _lists(source.data, ()):
        earlier = set()
        for index, word in enumerate(words):
            if not isinstance(word, str):
                continue
            where = source.lines.at(*path, index)
            # A second word that shares its line is kept, and counts as said.
            if word in earlier and _is_alone(lines, where, word):
                yield where, word
            else:
                earlier.add(word)


def _is_alone(lines: list[str], where: Where, word: str) -> bool:
    """Say whether a line holds an item, all of it, and nothing else."""
    above = lines[where.line - 2].lstrip()
    # A comment right above may speak of this item, and must not lose it.
    if above.startswith("#"):
        return False
    line = lines[where.line - 1].strip()
    # In quotes, or without.
    ways = {
        f"- {word}",
        f'- "{word}"',
        f"- '{word}'",
    }
    return line in ways


def _lists(data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, list[Any]]]:
    """Yield the lists in which a word counts once, with their paths."""
    if isinstance(data, dict):
        for key, value in data.items():
            inner = (*path, key)
            is_list = isinstance(value, list)
            if is_list and key in _LISTS:
                yield inner, value
            yield from _lists(value, inner)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            inner = (*path, index)
            yield from _lists(value, inner)

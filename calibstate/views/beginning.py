"""A state tree that was begun: repositories, files, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ..errors import Diagnostic
from ..model.results.beginnings import TreeBegun
from .capture import diff_as_text
from .markdown import fenced, row
from .messages import count

__all__ = ["as_markdown", "as_text"]


def as_text(result: TreeBegun) -> Iterator[Diagnostic | Text | str]:
    """Yield what is declared, what was written, and the next commands."""
    yield from result.remarks
    declared = [repository for repository in result.repositories if repository.route]
    widest = max((len(repository.address) for repository in declared), default=0)
    for repository in declared:
        instruments = ", ".join(repository.instruments)
        yield Text.assemble(
            f"{repository.address:{widest}}  {repository.route:6}  {instruments}",
            (f"  ({repository.butler})", "dim"),
        )
    for change in result.changes:
        yield Text.assemble("new   ", (change.file, "default"), style="green")
    for file in result.kept:
        yield Text.assemble("kept  ", (file, "default"), style="dim")
    if not result.written:
        for change in result.changes:
            yield from diff_as_text(change)
    yield tally(result)
    if result.next_commands:
        yield ""
        yield "next:"
        for command in result.next_commands:
            yield f"  {command}"


def as_markdown(result: TreeBegun) -> Iterator[Diagnostic | str]:
    """Yield the same as tables."""
    yield from result.remarks
    yield row("repository", "route", "instruments", "butler")
    yield "|---|---|---|---|"
    for repository in result.repositories:
        if repository.route:
            instruments = ", ".join(repository.instruments)
            yield row(repository.address, repository.route, instruments, repository.butler)
    yield ""
    yield row("file", "")
    yield "|---|---|"
    for change in result.changes:
        yield row(change.file, "new")
    for file in result.kept:
        yield row(file, "kept")
    yield ""
    yield tally(result)
    if result.next_commands:
        yield ""
        yield fenced(list(result.next_commands), "sh")


def tally(result: TreeBegun) -> str:
    """Say in a line what became of the tree."""
    files = count(len(result.changes), "file")
    if not result.changes:
        return f"Nothing to write: {result.root} has all of it."
    if not result.written:
        return f"{files} would be written in {result.root}; nothing was."
    return f"{files} written in {result.root}."

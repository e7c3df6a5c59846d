"""Whether files are called after what they declare, and declare it once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...errors import Where
from ...model.desired import Lines
from ...model.names import strange_in
from ..rule import Finding, Findings, mistake
from ..tree import Tree
from ..words import line


class _File(NamedTuple):
    """What a file declares; there are thousands, and few are wrong."""

    key: str
    """The key that says its name."""

    name: str

    lines: Lines

    expected: str = ""
    """What the file should be called; empty: as one likes."""

    @property
    def where(self) -> Where:
        """The line of the name."""
        return self.lines.value_at(self.key)


@mistake("File under another name")
def misnamed(tree: Tree) -> Findings:
    """Find files that are called otherwise than what they declare."""
    # The file of a chain may have any name.
    for file in (*_sites_and_tickets(tree), *_made_by_us(tree), *_of_kinds(tree)):
        if file.lines.file == file.expected:
            continue
        detail = f"The file declares what belongs into {file.expected}; nobody would look for it here."
        # Else two names that look alike would be told as different.
        if strange := strange_in(file.lines.file):
            detail += f" The name of the file has {strange}."
        yield Finding(
            where=file.where,
            detail=detail,
            hint=f"Rename the file, or mend `{file.key}`.",
        )


@mistake("Declared twice")
def declared_twice(tree: Tree) -> Findings:
    """Find what two files declare."""
    first: dict[tuple[str, str], _File] = {}
    for file in (*_sites_and_tickets(tree), *_chains(tree), *_of_kinds(tree)):
        # Two kinds may call by the same key what is called alike.
        folder, _, _ = file.lines.file.partition("/")
        earlier = first.setdefault((folder, file.name), file)
        if earlier is not file:
            yield Finding(
                where=file.where,
                detail=f"The {file.key} {file.name} is declared in {line(earlier.where)} already.",
                hint="Keep one of the two.",
            )


def _sites_and_tickets(tree: Tree) -> Iterator[_File]:
    for site in tree.sites:
        yield _File(
            key="site",
            name=site.noun.site,
            lines=site.lines,
            expected=f"sites/{site.noun.site}.yaml",
        )
    for ticket in tree.tickets:
        yield _File(
            key="ticket",
            name=ticket.noun.name,
            lines=ticket.lines,
            expected=f"tickets/{ticket.noun.name}.yaml",
        )


def _chains(tree: Tree) -> Iterator[_File]:
    for chain in tree.chains:
        yield _File(
            key="chain",
            name=chain.noun.chain,
            lines=chain.lines,
        )


def _made_by_us(tree: Tree) -> Iterator[_File]:
    """Yield what is kept of tickets beside their own files."""
    for folder, kept in (("seals", tree.seals), ("verdicts", tree.verdicts)):
        for written in kept:
            name = "/".join(written.noun.key)
            yield _File(
                key="ticket",
                name=name,
                lines=written.lines,
                expected=f"{folder}/{name}.yaml",
            )


def _of_kinds(tree: Tree) -> Iterator[_File]:
    """Yield the files that only some kinds of resources have."""
    for form, files in tree.own.items():
        for written in files:
            name = form.name_of(written.noun)
            yield _File(
                key=form.key,
                name=name,
                lines=written.lines,
                expected=form.file_of(name),
            )

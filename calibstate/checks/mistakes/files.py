"""Whether files are called after what they declare, and declare it once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import Where
from ...model.desired import Written
from ...model.names import strange_in
from ..rule import Finding, mistake
from ..tree import Tree
from ..words import line


@mistake("File under another name")
def misnamed(tree: Tree) -> Iterator[Finding]:
    """Find files that are called otherwise than what they declare."""
    for written, expected, key in _names_expected(tree):
        file = written.lines.file
        if file == expected:
            continue
        detail = f"The file declares what belongs into {expected}; nobody would look for it here."
        # Else two names that look alike would be told as different.
        if strange := strange_in(file):
            detail += f" The name of the file has {strange}."
        yield Finding(
            where=written.lines.value_at(key),
            detail=detail,
            hint=f"Rename the file, or mend `{key}`.",
        )


@mistake("Declared twice")
def declared_twice(tree: Tree) -> Iterator[Finding]:
    """Find what two files declare."""
    first: dict[tuple[str, str], Where] = {}
    for key, name, where in _declared(tree):
        # Two kinds may call by the same key what is called alike.
        folder = where.file.partition("/")[0]
        earlier = first.setdefault((folder, name), where)
        if earlier is not where:
            yield Finding(
                where=where,
                detail=f"The {key} {name} is declared in {line(earlier)} already.",
                hint="Keep one of the two.",
            )


def _names_expected(tree: Tree) -> Iterator[tuple[Written[Any], str, str]]:
    """Yield files, how each should be called, and the key that says so.

    The file of a chain may have any name.
    """
    for site in tree.sites:
        yield site, f"sites/{site.noun.site}.yaml", "site"
    for ticket in tree.tickets:
        yield ticket, f"tickets/{ticket.noun.name}.yaml", "ticket"
    for seal in tree.seals:
        yield seal, f"seals/{'/'.join(seal.noun.key)}.yaml", "ticket"
    for form, files in tree.own.items():
        for written in files:
            name = form.name_of(written.noun)
            yield written, form.file_of(name), form.key


def _declared(tree: Tree) -> Iterator[tuple[str, str, Where]]:
    """Yield what files declare: the key, the name and the line."""
    for site in tree.sites:
        yield "site", site.noun.site, site.lines.value_at("site")
    for ticket in tree.tickets:
        yield "ticket", ticket.noun.name, ticket.lines.value_at("ticket")
    for chain in tree.chains:
        yield "chain", chain.noun.chain, chain.lines.value_at("chain")
    for form, files in tree.own.items():
        for written in files:
            yield form.key, form.name_of(written.noun), written.lines.value_at(form.key)

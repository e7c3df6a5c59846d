"""Whether files are called after what they declare, and declare it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...errors import Diagnostic, Where
from ...model.desired import Written
from ...model.names import strange_in
from .tree import Checks, Tree
from .words import line

__all__ = ["CHECKS"]


def _file_names(tree: Tree) -> Iterator[Diagnostic]:
    for site in tree.sites:
        yield from _misnamed(site, f"sites/{site.noun.site}.yaml", "site")
    for ticket in tree.tickets:
        yield from _misnamed(ticket, f"tickets/{ticket.noun.name}.yaml", "ticket")
    for seal in tree.seals:
        yield from _misnamed(seal, f"seals/{'/'.join(seal.noun.key)}.yaml", "ticket")
    for form, files in tree.own.items():
        for written in files:
            yield from _misnamed(written, form.file_of(form.name_of(written.noun)), form.key)


def _misnamed(written: Written[Any], expected: str, key: str) -> Iterator[Diagnostic]:
    if written.lines.file != expected:
        strange = strange_in(written.lines.file)
        called = f" The name of the file has {strange}." if strange else ""
        detail = f"The file declares what belongs into {expected}; nobody would look for it here.{called}"
        hint = f"Rename the file, or mend `{key}`."
        yield Diagnostic("File under another name", detail, written.lines.value_at(key), hint)


def _declared_twice(tree: Tree) -> Iterator[Diagnostic]:
    yield from _same_twice(tree.sites, "site", lambda site: site.site)
    yield from _same_twice(tree.tickets, "ticket", lambda ticket: ticket.name)
    yield from _same_twice(tree.chains, "chain", lambda chain: chain.chain)
    for form, files in tree.own.items():
        yield from _same_twice(files, form.key, form.name_of)


def _kinds_own(tree: Tree) -> Iterator[Diagnostic]:
    for form, files in tree.own.items():
        for written in files:
            yield from form.check(written, tree.desired)


def _same_twice(
    written: Sequence[Written[Any]], key: str, name_of: Callable[[Any], str]
) -> Iterator[Diagnostic]:
    first: dict[str, Where] = {}
    for one in written:
        name, where = name_of(one.noun), one.lines.value_at(key)
        if name in first:
            detail = f"The {key} {name} is declared in {line(first[name])} already."
            yield Diagnostic("Declared twice", detail, where, "Keep one of the two.")
        first.setdefault(name, where)


CHECKS: Checks = (
    _file_names,
    _declared_twice,
    _kinds_own,
)
"""What is looked at here."""

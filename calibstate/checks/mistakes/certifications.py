"""Whether what is certified by a ticket's file can be found, and once only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ...model.constructions import Certifying, Recertification
from ...model.desired import KeyPath, Written
from ...model.policy import Level
from ...model.tickets import Ticket
from ...model.timespans import UNBOUNDED_BEGIN, Range, format_range, parse_tai
from ..rule import Finding, Findings, mistake
from ..tree import Tree


@dataclass(frozen=True)
class _Dated:
    """A range in a ticket's file."""

    written: Written[Ticket]
    path: KeyPath
    """Where it stands."""

    dates: Certifying | Recertification

    @property
    def name(self) -> str:
        """What it is of, for people."""
        ticket = self.written.noun.ticket
        if isinstance(self.dates, Recertification):
            return f"{self.dates.certified_as} of {ticket}"
        return f"the construction of {ticket}"


@mistake("Validity range ends before it begins")
def ends_before_it_begins(tree: Tree) -> Findings:
    """Find ranges that no exposure is in."""
    for dated in _dated(tree):
        begin, end = dated.dates.range
        if begin >= end:
            yield Finding(
                where=dated.written.lines.value_at(*dated.path, "end"),
                detail=f"The range of {dated.name} is empty: no exposure would ever find what it certifies.",
                hint="Correct `begin` or `end`; they are TAI, and `null` is unbounded.",
            )


@mistake("Begin at the epoch", Level.NOTE)
def begins_at_the_epoch(tree: Tree) -> Findings:
    """Find what the butler takes for unbounded."""
    for dated in _dated(tree):
        begin = dated.dates.begin
        if begin is not None and parse_tai(begin) == UNBOUNDED_BEGIN:
            yield Finding(
                where=dated.written.lines.value_at(*dated.path, "begin"),
                detail=f"The range of {dated.name} begins at {begin}, which the butler keeps as unbounded.",
                hint="Write `begin: null`; it is the same.",
            )


@mistake("Certified and not listed")
def not_listed(tree: Tree) -> Findings:
    """Find what would be certified and brought nowhere."""
    for written in tree.tickets:
        ticket = written.noun
        for index, entry in enumerate(ticket.certify):
            if ticket.full_name(entry.certified_as) not in ticket.leaves:
                yield Finding(
                    where=written.lines.value_at("certify", index, "as"),
                    detail=f"{ticket.ticket} certifies {entry.certified_as}, and does not list it.",
                    hint="Give it under `collections`, at its place in the search order.",
                )


@mistake("Certified twice")
def certified_twice(tree: Tree) -> Findings:
    """Find collections into which two entries certify, or one its own."""
    for written in tree.tickets:
        ticket = written.noun
        names: set[str] = set()
        for index, entry in enumerate(ticket.certify):
            name = ticket.full_name(entry.certified_as)
            if name in names:
                yield Finding(
                    where=written.lines.value_at("certify", index, "as"),
                    detail=f"{ticket.ticket} certifies {entry.certified_as} by two entries.",
                    hint="Give each a name of its own.",
                )
            names.add(name)
            if entry.datasets_of == name:
                yield Finding(
                    where=written.lines.value_at("certify", index, "datasets_of"),
                    detail=f"{ticket.ticket} certifies {name} from itself.",
                    hint="Name the collection that holds the datasets: one of another ticket.",
                )


@mistake("Range stays open", Level.NOTE)
def stays_open(tree: Tree) -> Findings:
    """Find ranges behind which an older certification goes on to answer.

    As far as a seal tells for which ranges that is; what is not sealed is
    told by who looks at the origin.
    """
    for written in tree.tickets:
        for index, entry in enumerate(written.noun.certify):
            begin, end = entry.range
            outside: list[str] = []
            for span in sorted(_sealed_ranges(tree, entry.datasets_of)):
                if span[0] < begin or span[1] > end:
                    outside.append(format_range(span))
            chains = tree.desired.chains_searching(entry.datasets_of)
            if not outside or not chains:
                continue
            yield Finding(
                where=written.lines.value_at("certify", index, "datasets_of"),
                detail=(
                    f"{entry.certified_as} is for {format_range(entry.range)}, and {entry.datasets_of} "
                    f"certifies the same datasets for {', '.join(outside)}: exposures that are in that range "
                    f"alone find them as before through {', '.join(chains)}."
                ),
                hint="To close the range, name the other collections of the old ticket in a new one, and "
                "list the old one under `retired`.",
            )


def _sealed_ranges(tree: Tree, collection: str) -> Iterator[Range]:
    """Yield the ranges of a collection, as far as it is sealed."""
    for written in tree.seals:
        seal = written.noun
        # Its collections are named as in the ticket; here by full names.
        for name, sealed in zip(seal.fingerprints, seal.collections.values(), strict=True):
            if name != collection:
                continue
            # A range that cannot be read is a mistake of the seal.
            with suppress(ValueError):
                for contents in sealed.types.values():
                    yield from contents.ranges


def _dated(tree: Tree) -> Iterator[_Dated]:
    """Yield the ranges of all tickets."""
    for written in tree.tickets:
        ticket = written.noun
        if ticket.construction:
            yield _Dated(written, ("construction", "certify"), ticket.construction.certify)
        for index, entry in enumerate(ticket.certify):
            yield _Dated(written, ("certify", index), entry)

"""Search order: the first child that has a calibration wins.

So a newer one is in front of an older one of the same kind, or is not
found (DMTN-222, sections 2 and 3.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from ...model.chains import ChainFile
from ...model.desired import Written
from ...model.policy import Level
from ...model.tickets import Ticket
from ..judged import Judged, of_ticket
from ..products import iteration, product_of
from ..rule import Finding, Findings, rule

_NUMBERED = re.compile(r"[A-Za-z]+-([0-9]{1,9})")
"""The key of a ticket, such as ``DM-100``."""


@dataclass(frozen=True, order=True)
class _Age:
    """How old a calibration is; the newer is the greater."""

    day: date
    """When it was made."""

    attempt: str
    """Which attempt of that day: ``a``, ``b`` …"""

    number: int
    """Number of the ticket, where the rest is equal."""


@dataclass(frozen=True)
class _Oldest:
    """The oldest calibration of a kind that a search comes by so far."""

    age: _Age
    ticket: str


@rule(
    "O201",
    "newer-below-older",
    title="Newer below older",
    level=Level.WARNING,
    source="DMTN-222, sections 2 and 3.5",
)
def newer_below_older(tree: Judged) -> Findings:
    """Find tickets below older ones of the same kind.

    Of the same kind is what has the same name before its iteration, as
    ``flat-r``: a fallback under a name of its own may stand anywhere.
    """
    for chain in tree.desired.chains.values():
        above: dict[str, _Oldest] = {}
        reported: set[str] = set()
        for index, ticket in _tickets(tree, chain):
            ages = _ages(ticket)
            for kind, age in ages.items():
                older = above.get(kind)
                if older is None or age <= older.age:
                    continue
                if ticket.name in reported:
                    continue
                reported.add(ticket.name)
                yield Finding(
                    where=chain.lines.at("entries", index),
                    detail=(
                        f"{ticket.ticket} is newer than {older.ticket}, and stands below it: where both "
                        f"have a {kind}, the older one is found."
                    ),
                    hint=f"Move it in front of {older.ticket}.",
                    of=of_ticket(ticket, chain.noun.chain),
                )
            # Only now, so that a ticket is not compared with itself.
            for kind, age in ages.items():
                if kind not in above or age < above[kind].age:
                    above[kind] = _Oldest(age, ticket.ticket)


def _tickets(tree: Judged, chain: Written[ChainFile]) -> Iterator[tuple[int, Ticket]]:
    """Yield the tickets that a chain lists, with the number of the entry.

    Not those that are bare: their collections have names of any kind.
    """
    for index, entry in enumerate(chain.noun.entries):
        if not isinstance(entry, str):
            continue
        meaning = tree.desired.meaning(entry, chain.noun.instrument)
        if meaning and meaning.ticket and not meaning.ticket.noun.bare:
            yield index, meaning.ticket.noun


def _ages(ticket: Ticket) -> Mapping[str, _Age]:
    """Return how old each of a ticket's calibrations is, by their kinds."""
    numbered = _NUMBERED.fullmatch(ticket.ticket)
    number = int(numbered[1]) if numbered else 0
    ages: dict[str, _Age] = {}
    # Of several parts of a kind the newest counts.
    for leaf in ticket.leaves:
        _, _, last = leaf.rpartition("/")
        made_in = iteration(last)
        if made_in is None:
            continue
        # Two words for one product are one kind; its part tells kinds apart.
        _, separator, part = made_in.what.partition("-")
        kind = product_of(last) + separator + part
        age = _Age(made_in.day, made_in.again, number)
        ages[kind] = max(age, ages.get(kind, age))
    return ages

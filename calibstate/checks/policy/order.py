"""Search order: the first child that has a calibration wins.

So a newer one is in front of an older one of the same kind, or is not
found (DMTN-222, sections 2 and 3.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from ...model.chains import ChainFile
from ...model.desired import Written
from ...model.tickets import Ticket
from .judged import Finding, Judged, of_ticket
from .products import iteration, product_of

__all__ = ["newer_below_older"]

_Age = tuple[date, str, int]
"""Day, attempt of the day, number of the ticket."""

_NUMBERED = re.compile(r"[A-Za-z]+-([0-9]{1,9})")


def newer_below_older(tree: Judged) -> Iterator[Finding]:
    """Find tickets below older ones of the same kind.

    Of the same kind is what has the same name before its iteration, as
    ``flat-r``: a fallback under a name of its own may stand anywhere.
    """
    for chain in tree.desired.chains.values():
        above: dict[str, tuple[_Age, str]] = {}
        told: set[str] = set()
        for index, ticket in _tickets(tree, chain):
            ages = _ages(ticket.noun)
            for what, age in ages.items():
                older = above.get(what)
                if older and older[0] < age and ticket.noun.name not in told:
                    told.add(ticket.noun.name)
                    yield Finding(
                        chain.lines.at("entries", index),
                        f"{ticket.noun.ticket} is newer than {older[1]}, and stands below it: where both "
                        f"have a {what}, the older one is found.",
                        f"Move it in front of {older[1]}.",
                        of_ticket(ticket.noun, chain.noun.chain),
                    )
            for what, age in ages.items():
                if what not in above or age < above[what][0]:
                    above[what] = (age, ticket.noun.ticket)


def _tickets(tree: Judged, chain: Written[ChainFile]) -> Iterator[tuple[int, Written[Ticket]]]:
    for index, entry in enumerate(chain.noun.entries):
        meaning = tree.desired.meaning(entry, chain.noun.instrument) if isinstance(entry, str) else None
        if meaning and meaning.ticket and not meaning.ticket.noun.bare:
            yield index, meaning.ticket


def _ages(ticket: Ticket) -> Mapping[str, _Age]:
    """Return how old each of a ticket's calibrations is, by their names."""
    numbered = _NUMBERED.fullmatch(ticket.ticket)
    ages: dict[str, _Age] = {}
    for leaf in ticket.leaves:
        last = leaf.rpartition("/")[2]
        if made := iteration(last):
            part = made.what.partition("-")
            what = product_of(last) + part[1] + part[2]
            ages[what] = max(ages.get(what, (date.min, "", 0)), (made.day, made.again, _number(numbered)))
    return ages


def _number(numbered: re.Match[str] | None) -> int:
    return int(numbered[1]) if numbered else 0

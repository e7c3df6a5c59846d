"""Changes: what the tree says now against what it said at the base.

What a ticket holds is final (docs/decisions/0002), and undeclared is not
unwanted (0001): both make some changes mean other things than they seem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...errors import Where
from ...model.chains import ChainFile, ExternalEntry, moved
from ...model.desired import DesiredState, Written
from ...model.names import InstrumentName, TicketKey
from ...model.policy import Level
from ...model.tickets import Ticket
from ..judged import Judged, is_adopted, of_ticket
from ..rule import Finding, Findings, rule

_FINAL = "decision 2: what a ticket holds is final"
_UNDECLARED = "decision 1: undeclared is not unwanted"
_ORDER = "DMTN-222, sections 2 and 3.5"

_ASIDE = ("approval", "deployment", "skip", "rucio")
"""What a ticket says beside what it holds."""


@rule(
    "C601",
    "sealed-ticket-changed",
    title="Sealed ticket changed",
    level=Level.ERROR,
    source=_FINAL,
)
def sealed_tickets_changed(tree: Judged) -> Findings:
    """Find seals that are gone or that are others."""
    before = _before(tree)
    for key, earlier_seal in before.seals.items():
        ticket = tree.desired.tickets.get(key)
        seal = tree.desired.seals.get(key)
        earlier = before.tickets.get(key)
        if earlier is None or (seal and seal.noun.digest == earlier_seal.noun.digest):
            continue
        if ticket and ticket.noun.leaves != earlier.noun.leaves:
            change = "its collections are others"
            where = _where_collections(ticket)
        elif seal is None:
            change = "the seal is gone"
            where = tree.where_it_was(key)
        else:
            change = "the seal is another one"
            where = seal.lines.at("digest")
        yield Finding(
            where=where,
            detail=(
                f"{earlier.noun.ticket} was sealed, and {change}. What was sealed may be deployed already; "
                "a bundle and a repository that hold it are never changed."
            ),
            hint="Take it back, and declare a new ticket in front.",
            of=of_ticket(earlier.noun),
        )


@rule(
    "C602",
    "retired-ticket-changed",
    title="Retired ticket changed",
    level=Level.WARNING,
    source=_FINAL,
)
def retired_tickets_changed(tree: Judged) -> Findings:
    """Find tickets that were retired and say something else now."""
    before = _before(tree)
    retired: set[TicketKey] = set()
    for chain in before.chains.values():
        for word in chain.noun.retired:
            meaning = before.meaning(word, chain.noun.instrument)
            if meaning and meaning.ticket:
                retired.add(meaning.ticket.noun.key)

    for key in sorted(retired):
        ticket = tree.desired.tickets.get(key)
        if ticket is None:
            continue
        for aside in _ASIDE:
            if getattr(before.tickets[key].noun, aside) == getattr(ticket.noun, aside):
                continue
            yield Finding(
                where=ticket.lines.at(aside),
                detail=(
                    f"{ticket.noun.ticket} was retired, and its `{aside}` is another now: nobody looks at "
                    "what is not searched."
                ),
                hint="Take it back, or bring what is new by a new ticket.",
                of=of_ticket(ticket.noun),
            )
            # One finding a ticket: the rest stands in the same change.
            break


@rule(
    "C603",
    "entry-dropped",
    title="Entry dropped",
    level=Level.ERROR,
    source=_UNDECLARED,
)
def entries_dropped(tree: Judged) -> Findings:
    """Find entries that left a chain and were not retired."""
    before = Judged(_before(tree), None, tree.today)
    for name, earlier in before.desired.chains.items():
        chain = tree.desired.chains.get(name)
        # What is listed, and what is retired, are no longer missed.
        accounted: set[str] = set()
        if chain:
            accounted.update(tree.entry_of(chain))
            accounted.update(_children(tree.desired, chain.noun.instrument, chain.noun.retired))
        # An entry is dropped by any of its children.
        dropped: set[int] = set()
        entry_of = before.entry_of(earlier)
        for child, index in entry_of.items():
            if child not in accounted:
                dropped.add(index)

        for index in sorted(dropped):
            word = _word(earlier.noun.entries[index])
            if chain:
                where = chain.lines.at("entries")
                hint = f"Put its line back, or list it under `retired` of {name}, with the reason."
            else:
                where = earlier.lines.at("entries", index)
                hint = f"Keep {name}, with its entries retired."
            yield Finding(
                where=where,
                detail=(
                    f"{word} left {name}, and is not retired. Where it is live it stays, and is searched: "
                    "it would be told as *extra*."
                ),
                hint=hint,
                of=_of_entry(earlier.noun, word),
            )


@rule(
    "C604",
    "entry-moved",
    title="Entry moved",
    level=Level.WARNING,
    source=_ORDER,
)
def entries_moved(tree: Judged) -> Findings:
    """Find entries that changed their place among those that stay."""
    before = Judged(_before(tree), None, tree.today)
    for name, chain in tree.desired.chains.items():
        earlier = before.desired.chains.get(name)
        if earlier is None:
            continue
        entry_of = tree.entry_of(chain)
        earlier_entry_of = before.entry_of(earlier)
        # A bare ticket is one entry of many children: it is told once.
        entries: dict[int, None] = {}
        for child in moved(list(earlier_entry_of), list(entry_of)):
            entries.setdefault(entry_of[child])
        for index in entries:
            word = _word(chain.noun.entries[index])
            yield Finding(
                where=chain.lines.at("entries", index),
                detail=(
                    f"{word} has another place in {name} than before: lookups that two tickets answer may "
                    "be answered by the other one."
                ),
                hint="Say why by an exception in calibstate.yaml, which may end once this is merged.",
                of=_of_entry(chain.noun, word),
            )


@rule(
    "C605",
    "adopted-ticket-changed",
    title="Adopted ticket changed",
    level=Level.WARNING,
    source=_FINAL,
)
def adopted_tickets_changed(tree: Judged) -> Findings:
    """Find tickets that were adopted, not sealed, and hold others now."""
    before = _before(tree)
    for key, earlier in before.tickets.items():
        ticket = tree.desired.tickets.get(key)
        # Of those that were sealed C601 tells.
        if ticket is None or not is_adopted(earlier) or key in before.seals:
            continue
        if ticket.noun.leaves != earlier.noun.leaves:
            yield Finding(
                where=_where_collections(ticket),
                detail=(
                    f"{ticket.noun.ticket} was adopted with other collections, or in another order. Where "
                    "it has arrived it stays as it was."
                ),
                hint="Take it back, and declare a new ticket in front.",
                of=of_ticket(ticket.noun),
            )


def _before(tree: Judged) -> DesiredState:
    assert tree.before, "rules of changes are judged where there is a base"
    return tree.before


def _where_collections(ticket: Written[Ticket]) -> Where:
    key = "bare" if ticket.noun.bare else "collections"
    return ticket.lines.at(key)


def _children(desired: DesiredState, instrument: InstrumentName, words: Iterable[str]) -> Iterator[str]:
    """Yield what words of a chain stand for; one without meaning, itself."""
    for word in words:
        if meaning := desired.meaning(word, instrument):
            yield from meaning.children
        else:
            yield word


def _of_entry(chain: ChainFile, word: str) -> frozenset[str]:
    """Return by what names an exception may be made for an entry."""
    return frozenset({word, f"{chain.instrument}/{word}", chain.chain})


def _word(entry: str | ExternalEntry) -> str:
    return entry.external if isinstance(entry, ExternalEntry) else entry


@rule(
    "C606",
    "iteration-used-again",
    title="Iteration used again",
    level=Level.WARNING,
    source="DMTN-222, section 2",
)
def iterations_used_again(tree: Judged) -> Findings:
    """Find products of other exposures under the name of the first ones."""
    before = _before(tree)
    for key, earlier in before.tickets.items():
        ticket = tree.desired.tickets.get(key)
        if ticket is None or ticket.noun.construction is None or earlier.noun.construction is None:
            continue
        construction, former = ticket.noun.construction, earlier.noun.construction
        reruns = {recipe.product.name: recipe.rerun for recipe in former.recipes}
        for index, recipe in enumerate(construction.recipes):
            word = recipe.product.selection
            is_same_name = reruns.get(recipe.product.name) == recipe.rerun
            if word is None or not is_same_name or former.selection(word) == construction.selection(word):
                continue
            yield Finding(
                where=ticket.lines.at("construction", "make", index),
                detail=(
                    f"`{recipe.product.name}` is made of other exposures now, under the iteration "
                    f"{recipe.rerun} of the first ones. What was made before is taken for it."
                ),
                hint="Give it a `rerun` of its own, if anything was made.",
                of=of_ticket(ticket.noun),
            )

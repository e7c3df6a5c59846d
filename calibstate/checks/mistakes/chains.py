"""Whether what chains list means something, and one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import Where
from ...model.chains import ChainFile, ExternalEntry
from ...model.desired import Written
from ...model.names import InstrumentName, collection_name_problem, spelled
from ...model.policy import Level
from ...model.tickets import ApprovalStatus, Ticket
from ..rule import Finding, Findings, mistake
from ..tree import Tree
from ..words import did_you_mean, line


@dataclass(frozen=True)
class _Entry:
    """An entry of a chain."""

    instrument: InstrumentName
    word: str

    where: Where
    """The line."""


@mistake("Chain without a repository", Level.WARNING)
def chains_nowhere(tree: Tree) -> Findings:
    """Find chains that no repository is to have."""
    if tree.unread.sites:
        return
    for written in tree.chains:
        chain = written.noun
        having = tree.desired.with_instrument(chain.instrument)
        # Of an instrument or a place that nobody knows others tell.
        if not having or not tree.places.issuperset(chain.only):
            continue
        if any(tree.desired.expects(chain.only, address) for address in having):
            continue
        yield Finding(
            where=written.lines.at("only"),
            detail=(f"None of the places in `only` has {chain.instrument}, so {chain.chain} is nowhere."),
        )


@mistake("One collection, two meanings")
def two_meanings(tree: Tree) -> Findings:
    """Find names that are declared as one thing, and as another."""
    for claim, earlier in tree.claimed_again:
        if claim.meaning == earlier.meaning:
            continue
        declared_at = line(earlier.where)
        yield Finding(
            where=claim.where,
            detail=f"`{claim.name}` is {claim.meaning}, but also {earlier.meaning} ({declared_at}).",
        )


@mistake("Collection listed twice")
def collections_listed_twice(tree: Tree) -> Findings:
    """Find collections that one ticket lists twice."""
    for claim, earlier in tree.claimed_again:
        # The same in two files is told as what is declared twice.
        if claim.meaning == earlier.meaning and claim.where.file == earlier.where.file:
            yield Finding(
                where=claim.where,
                detail=f"`{claim.name}` stands in line {earlier.where.line} already.",
                hint="Delete one of the two.",
            )


@mistake("External is declared")
def externals_declared(tree: Tree) -> Findings:
    """Find collections that are listed as others' and declared as ours."""
    for chain in tree.chains:
        for index, entry in enumerate(chain.noun.entries):
            if not isinstance(entry, ExternalEntry):
                continue
            name = entry.external
            claim = tree.claimed.get(name)
            if claim is None:
                continue
            declared_at = line(claim.where)
            where = chain.lines.value_at("entries", index, "external")
            yield Finding(
                where=where,
                detail=f"`{name}` is {claim.meaning} ({declared_at}), so it is ours to make.",
                hint="List it without `external`.",
            )


@mistake("Entry is part of a ticket")
def parts_of_tickets(tree: Tree) -> Findings:
    """Find entries that are deployed only with the rest of their ticket."""
    for entry in _entries_without_meaning(tree):
        ticket = tree.parts_of_tickets.get(entry.word)
        if ticket:
            yield Finding(
                where=entry.where,
                detail=f"`{entry.word}` is made and deployed as part of the ticket {ticket.name}.",
                hint=f"List the ticket: {ticket.ticket}.",
            )


@mistake("Entry that means nothing")
def entries_meaning_nothing(tree: Tree) -> Findings:
    """Find entries that are nothing that is declared."""
    for entry in _entries_without_meaning(tree):
        if entry.word in tree.parts_of_tickets:
            continue
        vocabulary = _vocabulary(tree, entry.instrument)
        hint = did_you_mean(entry.word, vocabulary)
        yield Finding(
            where=entry.where,
            detail=(
                f"{spelled(entry.word)} is no ticket of {entry.instrument}, no collection of a bare ticket, "
                "and no chain."
            ),
            hint=hint or "For what others make write `external: NAME`.",
        )


@mistake("Listed twice")
def listed_twice(tree: Tree) -> Findings:
    """Find entries that bring a collection that is in the chain already."""
    for chain in tree.chains:
        # Two words may bring the same collection: a ticket and one of its bare
        # collections, say.  So the collections are compared, not the words.
        first: dict[str, Where] = {}
        reported: set[Where] = set()
        for child, where in tree.listed(chain):
            earlier = first.setdefault(child, where)
            # One finding a line: an entry may bring many collections.
            if earlier is where or where in reported:
                continue
            reported.add(where)
            yield Finding(
                where=where,
                detail=f"`{child}` is listed by line {earlier.line} already; only its first place counts.",
                hint="Delete one of the two.",
            )


@mistake("Ticket not adopted")
def not_adopted(tree: Tree) -> Findings:
    """Find tickets that are listed, and that the board has not adopted."""
    for chain in tree.chains:
        for written in _tickets_listed(tree, chain.noun):
            ticket = written.noun
            approval = ticket.approval
            if approval.status is ApprovalStatus.ADOPTED:
                continue
            board = approval.taxicab or "its approval"
            status = f'"{approval.status.value}"'
            if approval.status is not ApprovalStatus.REJECTED:
                status = f"still {status}"
            yield Finding(
                where=written.lines.at("approval", "status"),
                detail=(
                    f"{ticket.ticket} is listed in {chain.noun.chain}, but {board} is {status}.\n"
                    "Calibrations are deployed once the TAXICAB has adopted them."
                ),
                hint=(f"To leave it out for now, move it from `entries` to `retired` in {chain.lines.file}."),
            )


@mistake("Retired word that means nothing")
def retired_meaning_nothing(tree: Tree) -> Findings:
    """Find retired words that can be no collection.

    What is gone need not be declared any more, so any collection may be
    retired.
    """
    for chain in tree.chains:
        instrument = chain.noun.instrument
        for word in chain.noun.retired:
            if tree.desired.meaning(word, instrument) or tree.unread.may_mean(word):
                continue
            where = chain.lines.at("retired", word)
            # Names of collections have a slash, but for a few of others.
            if "/" not in word and word not in tree.externals:
                vocabulary = _vocabulary(tree, instrument)
                yield Finding(
                    where=where,
                    detail=(
                        f"{spelled(word)} is no ticket of {instrument}, and no collection or chain of the "
                        "tree."
                    ),
                    hint=did_you_mean(word, vocabulary | tree.externals),
                )
            elif problem := collection_name_problem(word):
                yield Finding(where, f"{spelled(word)} cannot be a collection: {problem}.")


@mistake("Listed and retired")
def listed_and_retired(tree: Tree) -> Findings:
    """Find retired words whose collections the chain lists."""
    for chain in tree.chains:
        if not chain.noun.retired:
            continue
        # The line that counts is the first one of several.
        first: dict[str, Where] = {}
        for child, where in tree.listed(chain):
            first.setdefault(child, where)
        for word in chain.noun.retired:
            children = tree.children(word, chain.noun.instrument)
            listed = [first[child] for child in children if child in first]
            if listed:
                yield Finding(
                    where=chain.lines.at("retired", word),
                    detail=f"{word} is retired, but line {listed[0].line} lists it.",
                    hint="Delete one of the two.",
                )


@mistake("Ticket in no chain", Level.NOTE)
def listed_nowhere(tree: Tree) -> Findings:
    """Find adopted tickets that chains neither list nor retire."""
    # Whoever retires a ticket knows of it, so it needs no note.
    named: set[str] = set()
    for chain in tree.chains:
        named.update(child for child, _ in tree.listed(chain))
        for word in chain.noun.retired:
            named.update(tree.children(word, chain.noun.instrument))
    for written in tree.tickets:
        ticket = written.noun
        is_adopted = ticket.approval.status is ApprovalStatus.ADOPTED
        if is_adopted and named.isdisjoint(ticket.children):
            yield Finding(
                where=written.lines.at("ticket"),
                detail=f"{ticket.ticket} is adopted, but no chain lists it; it is deployed all the same.",
                hint=f"List it in a chain of {ticket.instrument}.",
            )


@mistake("Chain is not there", Level.NOTE)
def inner_chains_left_out(tree: Tree) -> Findings:
    """Find repositories whose chain is without one of another instrument.

    They are to have the outer chain, and do not list the instrument of the
    inner one.
    """
    desired = tree.desired
    for chain in tree.chains:
        name = chain.noun.chain
        instrument = chain.noun.instrument
        for index, entry in enumerate(chain.noun.entries):
            inner = desired.chains.get(str(entry))
            if inner is None:
                continue
            other = inner.noun.instrument
            having = desired.with_instrument(other)
            without = []
            for address in desired.with_instrument(instrument):
                if address in having:
                    continue
                if desired.has_chain(address, chain.noun):
                    without.append(address)
            if not without:
                continue
            listed = ", ".join(without)
            yield Finding(
                where=chain.lines.at("entries", index),
                detail=f"`{entry}` is of {other}, not listed by {listed}: there {name} is without it.",
                hint=f"Add {other} to their `instruments`, or narrow the chain by `only`.",
            )


def _entries_without_meaning(tree: Tree) -> Iterator[_Entry]:
    """Yield entries that no file declares, unless one that is unread may."""
    for chain in tree.chains:
        instrument = chain.noun.instrument
        for index, entry in enumerate(chain.noun.entries):
            if isinstance(entry, ExternalEntry) or tree.unread.may_mean(entry):
                continue
            if tree.desired.meaning(entry, instrument) is None:
                where = chain.lines.at("entries", index)
                yield _Entry(instrument, entry, where)


def _vocabulary(tree: Tree, instrument: InstrumentName) -> set[str]:
    """Return what may be an entry of a chain of an instrument."""
    words = set(tree.desired.chains)
    for written in tree.desired.tickets_of(instrument):
        ticket = written.noun
        words.add(ticket.ticket)
        words.update(ticket.bare)
    return words


def _tickets_listed(tree: Tree, chain: ChainFile) -> list[Written[Ticket]]:
    """Return the tickets that a chain lists, each once."""
    tickets = {}
    for entry in chain.entries:
        if not isinstance(entry, str):
            continue
        # Each bare collection of a ticket may stand in the chain by itself.
        meaning = tree.desired.meaning(entry, chain.instrument)
        if meaning and meaning.ticket:
            ticket = meaning.ticket
            tickets[ticket.noun.key] = ticket
    return list(tickets.values())

"""Whether what chains list means something, and one thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...errors import Diagnostic, Severity, Where
from ...model.chains import ChainFile, ExternalEntry
from ...model.desired import Written
from ...model.names import InstrumentName, collection_name_problem, spelled
from ...model.tickets import ApprovalStatus, Ticket
from .tree import Checks, Claim, Tree, claims_of
from .words import did_you_mean, known_place, line, no_reason

__all__ = ["CHECKS"]


def _onlys(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.chains:
        chain, lines = written.noun, written.lines
        for index, place in enumerate(chain.only):
            yield from known_place(tree, place, lines.at("only", index))
        for number, entry in enumerate(chain.entries):
            if isinstance(entry, ExternalEntry):
                for index, place in enumerate(entry.only):
                    yield from known_place(tree, place, lines.at("entries", number, "only", index))


def _chains_somewhere(tree: Tree) -> Iterator[Diagnostic]:
    for written in tree.chains:
        chain = written.noun
        having = tree.desired.with_instrument(chain.instrument)
        unsure = tree.unread.sites or not having or not set(chain.only) <= tree.places
        if unsure or any(tree.desired.expects(chain.only, address) for address in having):
            continue
        detail = f"None of the places in `only` has {chain.instrument}, so {chain.chain} is nowhere."
        yield Diagnostic("Chain without a repository", detail, written.lines.at("only"), "", Severity.WARNING)


def _clashes(tree: Tree) -> Iterator[Diagnostic]:
    first: dict[str, Claim] = {}
    for name, claim in claims_of(tree):
        before = first.setdefault(name, claim)
        if before is claim:
            continue
        if before.what != claim.what:
            detail = f"`{name}` is {claim.what}, but also {before.what} ({line(before.where)})."
            yield Diagnostic("One collection, two meanings", detail, claim.where)
        elif before.where.file == claim.where.file:
            # The same in two files is told as what is declared twice.
            detail = f"`{name}` stands in line {before.where.line} already."
            yield Diagnostic("Collection listed twice", detail, claim.where, "Delete one of the two.")


def _entries(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        for index, entry in enumerate(chain.noun.entries):
            where = chain.lines.at("entries", index)
            if isinstance(entry, ExternalEntry):
                yield from _external(tree, entry, chain.lines.value_at("entries", index, "external"))
            elif tree.desired.meaning(entry, chain.noun.instrument) is None:
                yield from _unknown_entry(tree, entry, chain.noun, where)


def _external(tree: Tree, entry: ExternalEntry, where: Where) -> Iterator[Diagnostic]:
    if claim := tree.claims.get(entry.external):
        detail = f"`{entry.external}` is {claim.what} ({line(claim.where)}), so it is ours to make."
        yield Diagnostic("External is declared", detail, where, "List it without `external`.")


def _unknown_entry(tree: Tree, entry: str, chain: ChainFile, where: Where) -> Iterator[Diagnostic]:
    if tree.unread.may_mean(entry):
        return
    if ticket := _ticket_around(tree, entry):
        detail = f"`{entry}` is made and deployed as part of the ticket {ticket.name}."
        yield Diagnostic("Entry is part of a ticket", detail, where, f"List the ticket: {ticket.ticket}.")
        return
    detail = (
        f"{spelled(entry)} is no ticket of {chain.instrument}, no collection of a bare ticket, and no chain."
    )
    hint = did_you_mean(entry, _entry_words(tree, chain.instrument))
    hint = hint or "For what others make write `external: NAME`."
    yield Diagnostic("Entry that means nothing", detail, where, hint)


def _ticket_around(tree: Tree, name: str) -> Ticket | None:
    tickets = (written.noun for written in tree.tickets)
    return next((t for t in tickets if not t.bare and name in (t.collection, *t.leaves)), None)


def _entry_words(tree: Tree, instrument: InstrumentName) -> set[str]:
    tickets = [t.noun for t in tree.desired.tickets_of(instrument)]
    bare = {name for t in tickets for name in t.bare}
    return {t.ticket for t in tickets} | bare | set(tree.desired.chains)


def _listed(tree: Tree, chain: Written[ChainFile]) -> Iterator[tuple[str, Where]]:
    """Give the collections that a chain lists, with the line of each."""
    for index, entry in enumerate(chain.noun.entries):
        where = chain.lines.at("entries", index)
        for child in _children(tree, entry, chain.noun.instrument):
            yield child, where


def _children(tree: Tree, entry: str | ExternalEntry, instrument: InstrumentName) -> tuple[str, ...]:
    if isinstance(entry, ExternalEntry):
        return (entry.external,)
    meaning = tree.desired.meaning(entry, instrument)
    return meaning.children if meaning else (entry,)


def _listed_twice(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        first: dict[str, Where] = {}
        told: set[Where] = set()
        for child, where in _listed(tree, chain):
            before = first.setdefault(child, where)
            if before != where and where not in told:
                told.add(where)
                detail = f"`{child}` is listed by line {before.line} already; only its first place counts."
                yield Diagnostic("Listed twice", detail, where, "Delete one of the two.")


def _not_adopted(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        for ticket in _tickets_listed(tree, chain.noun):
            approval = ticket.noun.approval
            if approval.status is ApprovalStatus.ADOPTED:
                continue
            board = approval.taxicab or "its approval"
            still = "" if approval.status is ApprovalStatus.REJECTED else "still "
            detail = (
                f"{ticket.noun.ticket} is listed in {chain.noun.chain}, but {board} is"
                f' {still}"{approval.status.value}".\n'
                "Calibrations are deployed once the TAXICAB has adopted them."
            )
            hint = f"To leave it out for now, move it from `entries` to `retired` in {chain.lines.file}."
            where = ticket.lines.at("approval", "status")
            yield Diagnostic("Ticket not adopted", detail, where, hint)


def _tickets_listed(tree: Tree, chain: ChainFile) -> Iterable[Written[Ticket]]:
    """Return the tickets that a chain lists, each once."""
    words = (entry for entry in chain.entries if isinstance(entry, str))
    meanings = (tree.desired.meaning(word, chain.instrument) for word in words)
    tickets = (meaning.ticket for meaning in meanings if meaning and meaning.ticket)
    return {ticket.noun.key: ticket for ticket in tickets}.values()


def _retired(tree: Tree) -> Iterator[Diagnostic]:
    for chain in tree.chains:
        listed = dict(reversed(list(_listed(tree, chain))))
        for word, reason in chain.noun.retired.items():
            where = chain.lines.at("retired", word)
            yield from _retired_word(tree, word, chain.noun, where)
            if not reason.strip():
                yield no_reason(f"Retiring {word}", where)
            children = _children(tree, word, chain.noun.instrument)
            if both := next((child for child in children if child in listed), None):
                detail = f"{word} is retired, but line {listed[both].line} lists it."
                yield Diagnostic("Listed and retired", detail, where, "Delete one of the two.")


def _retired_word(tree: Tree, word: str, chain: ChainFile, where: Where) -> Iterator[Diagnostic]:
    """Refuse what can be no collection; what is gone need not be known."""
    if tree.desired.meaning(word, chain.instrument) or tree.unread.may_mean(word):
        return
    if "/" not in word and word not in _externals(tree):
        detail = (
            f"{spelled(word)} is no ticket of {chain.instrument}, and no collection or chain of the tree."
        )
        hint = did_you_mean(word, _entry_words(tree, chain.instrument) | _externals(tree))
        yield Diagnostic("Retired word that means nothing", detail, where, hint)
    elif problem := collection_name_problem(word):
        detail = f"{spelled(word)} cannot be a collection: {problem}."
        yield Diagnostic("Retired word that means nothing", detail, where)


def _externals(tree: Tree) -> set[str]:
    entries = (entry for chain in tree.chains for entry in chain.noun.entries)
    return {entry.external for entry in entries if isinstance(entry, ExternalEntry)}


def _listed_nowhere(tree: Tree) -> Iterator[Diagnostic]:
    named = {child for chain in tree.chains for child, _ in _listed(tree, chain)}
    named |= {child for chain in tree.chains for child in _retired_children(tree, chain.noun)}
    for written in tree.tickets:
        ticket = written.noun
        adopted = ticket.approval.status is ApprovalStatus.ADOPTED
        if not adopted or named.intersection(ticket.children):
            continue
        detail = f"{ticket.ticket} is adopted, but no chain lists it; it is deployed all the same."
        hint = f"List it in a chain of {ticket.instrument}."
        where = written.lines.at("ticket")
        yield Diagnostic("Ticket in no chain", detail, where, hint, Severity.NOTE)


def _retired_children(tree: Tree, chain: ChainFile) -> Iterator[str]:
    for word in chain.retired:
        yield from _children(tree, word, chain.instrument)


CHECKS: Checks = (
    _onlys,
    _chains_somewhere,
    _clashes,
    _entries,
    _listed_twice,
    _not_adopted,
    _retired,
    _listed_nowhere,
)
"""What is looked at here."""

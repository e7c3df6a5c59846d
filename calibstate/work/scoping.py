"""What a use case is narrowed to, held against what is declared."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ..errors import Diagnostic, UsageError
from ..model.desired import DesiredState, Written
from ..model.names import RepositoryAddress, nearest, spelled
from ..model.scope import Scope
from ..model.tickets import Ticket

__all__ = [
    "Narrowed",
    "check_scope",
    "not_declared_as",
    "only_here",
    "origins_of",
    "ticket_named",
    "undeclared",
    "with_names",
]


@dataclass(frozen=True)
class Narrowed:
    """A part of what is declared, and the places that are asked about it."""

    scope: Scope

    only: tuple[RepositoryAddress, ...] | None = None
    """The only repositories that are asked; `None`: all places are."""


def check_scope(desired: DesiredState, scope: Scope) -> None:
    """Refuse to be narrowed to what nobody declared.

    Parameters
    ----------
    desired
        What is declared.
    scope
        What was asked for.

    Raises
    ------
    UsageError
        With the known words.
    """
    instruments = {ticket.noun.instrument for ticket in desired.tickets.values()}
    for address in desired.repositories:
        instruments.update(desired.repository(address)[1].instruments)
    tickets: set[str] = set()
    for instrument, ticket in desired.tickets:
        tickets.update((ticket, f"{instrument}/{ticket}"))
    _check_words("site", scope.sites, desired.sites)
    for word in scope.repositories:
        site, _, repository = word.partition("/")
        # That is how all repositories of a site are named.
        if repository == "*":
            _check_words("site", (site,), desired.sites)
    _check_words("repository", scope.repositories, desired.repositories)
    # What was excluded is left out on purpose.
    of_sites = replace(scope, repositories=(), exclude=())
    at_sites: list[str] = []
    for address in desired.repositories:
        if of_sites.has_repository(address):
            at_sites.append(address)
    for word in scope.repositories:
        if fnmatch.filter(at_sites, word):
            continue
        # Else whoever names another site is told that all is well.
        sites = ", ".join(scope.sites)
        raise UsageError(
            Diagnostic(
                "Repository of another site",
                f"{spelled(word)} is not of {sites}, so that nothing would be looked at.",
                hint="Name the one or the other.",
            )
        )
    _check_words("instrument", scope.instruments, instruments)
    _check_words("ticket", scope.tickets, tickets)


def with_names(scope: Scope, names: Iterable[str], desired: DesiredState) -> Scope:
    """Return a scope with the places and instruments that arguments name.

    Parameters
    ----------
    scope
        What options ask for.
    names
        Repositories, sites and instruments, or shell patterns of them.
    desired
        What is declared.

    Raises
    ------
    UsageError
        A name is none of these, or a site and an instrument.
    """
    from fnmatch import filter as matching

    instruments: set[str] = set()
    for address in desired.repositories:
        _, repository = desired.repository(address)
        instruments.update(repository.instruments)
    more_repositories: list[RepositoryAddress] = []
    more_instruments: list[str] = []
    for name in names:
        if "/" in name:
            if not matching(desired.repositories, name):
                raise not_declared_as(
                    "a repository",
                    name,
                    desired.repositories,
                )
            more_repositories.append(RepositoryAddress(name))
            continue
        is_site = matching(desired.sites, name)
        is_instrument = matching(instruments, name)
        if is_site and is_instrument:
            raise UsageError(
                Diagnostic(
                    "Not clear",
                    f"{spelled(name)} is a site and an instrument.",
                    hint=f"Say which: --site {name}, or --instrument {name}.",
                )
            )
        if is_site:
            # Beside a repository that is named, not instead of it.
            more_repositories.append(RepositoryAddress(f"{name}/*"))
        elif is_instrument:
            more_instruments.append(name)
        else:
            raise not_declared_as(
                "a site or an instrument",
                name,
                sorted([*desired.sites, *instruments]),
            )
    return replace(
        scope,
        repositories=(*scope.repositories, *more_repositories),
        instruments=(*scope.instruments, *more_instruments),
    )


def not_declared_as(what: str, word: str, declared: Collection[str]) -> UsageError:
    """Return the error that a word is none of something.

    Parameters
    ----------
    what
        What it is to be, with its article.
    word
        The word.
    declared
        What is declared as that.
    """
    hint = f"Known are: {', '.join(declared) or 'none'}."
    near = nearest(word, list(declared))
    if near:
        hint = f"Did you mean {near}?"
    detail = f"{spelled(word)} is not declared as {what}."
    return UsageError(Diagnostic("Not declared", detail, hint=hint))


def only_here(desired: DesiredState, scope: Scope) -> Narrowed:
    """Return what is left where nobody but a site's own places is asked.

    Parameters
    ----------
    desired
        What is declared.
    scope
        What was asked for; where it names no site, it is narrowed to the sites
        that this is a host of.

    Raises
    ------
    UsageError
        Nobody can tell which site that is.
    """
    from ..engine.expand import places_of
    from ..factory.addresses import sites_here

    if not scope.sites and not scope.repositories:
        scope = replace(scope, sites=sites_here(desired))
    if not scope.sites and not scope.repositories:
        detail = "--only-here asks a site's own places only, and no site is named."
        hint = "Give --site; or name this host in `hosts` of the site's file, or the site in CALIBSTATE_HERE."
        raise UsageError(Diagnostic("Which site is here?", detail, hint=hint))
    return Narrowed(scope, tuple(places_of(desired, scope)))


def origins_of(desired: DesiredState) -> set[RepositoryAddress]:
    """Return the repositories where calibrations are made."""
    origins = set()
    for address in desired.repositories:
        for instrument in desired.repository(address)[1].instruments:
            origin = desired.origin(instrument)
            if origin:
                origins.add(origin)
    return origins


def ticket_named(desired: DesiredState, word: str) -> Written[Ticket]:
    """Return the ticket that somebody named.

    Parameters
    ----------
    desired
        What is declared.
    word
        ``TICKET`` or ``INSTRUMENT/TICKET``.

    Raises
    ------
    UsageError
        There is none, or several instruments have one of the name.
    """
    matching = []
    for key, written in sorted(desired.tickets.items()):
        if word in {key.ticket, key.name}:
            matching.append(written)
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(written.noun.name for written in matching)
        raise UsageError(Diagnostic("Ticket is not clear", f"{word} is {names}.", hint="Give one of them."))
    near = nearest(word, [key.ticket for key in desired.tickets])
    hint = f"Did you mean {near}?" if near else "`calibstate approvals` lists all tickets."
    raise UsageError(Diagnostic("Not declared", f"{spelled(word)}: no such ticket.", hint=hint))


def undeclared(what: str, word: str, declared: Iterable[str]) -> UsageError:
    """Return the error that nobody declared something, with what is near.

    Parameters
    ----------
    what
        What it is to be.
    word
        Its name.
    declared
        Names that are declared.
    """
    from difflib import get_close_matches

    hint = f"Known are: {', '.join(sorted(declared)) or 'none'}."
    # There is one at most.
    for near in get_close_matches(word, list(declared), 1):
        hint = f"Did you mean {near}?"
    article = "a"
    if what[0] in "aeiou":
        article = "an"
    detail = f"{spelled(word)}: nobody declared such {article} {what}."
    return UsageError(Diagnostic("Not declared", detail, hint=hint))


def _check_words(what: str, words: tuple[str, ...], declared: Collection[str]) -> None:
    for word in words:
        if not fnmatch.filter(list(declared), word):
            raise undeclared(what, word, declared)

"""Commands on the state tree alone; no live place is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..engine.expand import expand, places_of
from ..errors import CalibstateError, Diagnostic, UsageError
from ..factory.past import Before, declared_before
from ..factory.places import sites_here
from ..kinds.chain import Chain
from ..kinds.registry import ACTIONS
from ..kinds.table import own_folders
from ..model.desired import DesiredState
from ..model.names import RepositoryAddress, spelled
from ..model.plans import Plan
from ..model.scope import Scope
from ..store import planfile, statefile
from ..views import text
from . import completing, screen
from .app import app
from .options import (
    ExcludeOption,
    Format,
    FormatOption,
    InstrumentOption,
    RepositoryOption,
    SiteOption,
    TicketOption,
    scope,
)

__all__ = ["load", "own"]


def load(context: typer.Context, *, quiet: bool = True, memo: statefile.Memo | None = None) -> DesiredState:
    """Read and check the state tree that the command line names.

    Parameters
    ----------
    context
        What the command line says.
    quiet
        Tell nothing where nothing is wrong.
    memo
        As for `calibstate.store.statefile.load`.

    Raises
    ------
    InvalidStateError
        With everything that is wrong.
    """
    desired, remarks = statefile.load(statefile.find_root(context.obj), memo, own_folders())
    if not quiet:
        screen.told(remarks)
    return desired


@app.command()
def show(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[REPOSITORY|FILE]",
            autocompletion=completing.repositories,
            help="SITE/REPOSITORY, or a saved plan.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="REV|DATE",
            envvar="CALIBSTATE_AT",
            help="As declared at a commit, branch or tag; or at a date, 2025-02-11 or 2025-02-11T03:00:00Z.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
    site: SiteOption = None,
    repository: RepositoryOption = None,
    instrument: InstrumentOption = None,
    ticket: TicketOption = None,
    exclude: ExcludeOption = None,
) -> None:
    """Show the desired chains, or a saved plan.

    With --at as they were declared then.  A date means what the main branch,
    the first-parent line of HEAD, said at that moment: what counts is when a
    commit was made there, or merged (the committer's date), not when it was
    written.  A day is an observing day and means its end, noon of the next
    day in TAI.  When it was carried out at a site is told by `calibstate log`.

    \b
    Examples:
      calibstate show
      calibstate show summit/LSSTComCam
      calibstate show --at 2025-02-11 summit/LSSTComCam
      calibstate show --at v1.2
      calibstate show plan.json
    """
    if what and at is None and Path(what).is_file():
        plan = planfile.loads(read_text(Path(what)), ACTIONS, what)
        show_plan(plan, format)
        return
    then = declared_before(str(statefile.find_root(context.obj)), at) if at else Before(load(context), "")
    if (desired := then.desired) is None:
        raise not_there(then)
    narrowed = scope(site, [*(repository or ()), *([what] if what else ())], instrument, ticket, exclude)
    check_scope(desired, narrowed)
    chains = list(Chain.among(declared.resource for declared in expand(desired, narrowed)))
    if format is Format.JSON:
        screen.print_json(_document(chains, then))
    else:
        screen.print_lines([f"As declared at {then.words}"] if then.words else [])
        screen.print_lines(_chain_lines(chains))


def show_plan(plan: Plan, format: Format) -> None:
    """Print a plan."""
    if format is Format.JSON:
        screen.print_json(planfile.document(plan))
    elif format is Format.MARKDOWN:
        from ..views import markdown

        screen.print_lines(markdown.plan(plan))
    else:
        screen.print_lines(text.plan(plan))


def read_text(path: Path) -> str:
    """Return what a file given on the command line holds.

    Raises
    ------
    UsageError
        It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(planfile.LARGEST + 1)
        if len(data) > planfile.LARGEST:
            raise UsageError(Diagnostic("File cannot be read", f"{path}: it is too large to be one of ours."))
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(Diagnostic("File cannot be read", f"{path}: {reason}.")) from None


def not_there(then: Before) -> CalibstateError:
    """Return the error that a revision has no state tree."""
    return CalibstateError(
        Diagnostic(
            "No state tree then",
            f"At {then.words} there was no state tree in this folder.",
            hint="Name a later commit or date; `git log --follow` tells where the folder was before.",
        )
    )


def check_scope(desired: DesiredState, narrowed: Scope) -> None:
    """Refuse to be narrowed to what nobody declared.

    Raises
    ------
    UsageError
        With the known words.
    """
    instruments = {ticket.noun.instrument for ticket in desired.tickets.values()} | {
        i for a in desired.repositories for i in desired.repository(a)[1].instruments
    }
    tickets = {name for i, t in desired.tickets for name in (t, f"{i}/{t}")}
    _known("site", narrowed.sites, desired.sites)
    _known("repository", narrowed.repositories, desired.repositories)
    _known("instrument", narrowed.instruments, instruments)
    _known("ticket", narrowed.tickets, tickets)


def own(
    desired: DesiredState, narrowed: Scope, *, only_here: bool
) -> tuple[Scope, tuple[RepositoryAddress, ...] | None]:
    """Return what a command is narrowed to, and the only places it asks.

    Parameters
    ----------
    desired
        What is declared.
    narrowed
        What the command was narrowed to.
    only_here
        Whether nobody but a site's own places is asked.

    Returns
    -------
    Scope
        Narrowed to the sites that this is a host of, where none was named.
    tuple of str or None
        The repositories; `None`: all places are asked.

    Raises
    ------
    UsageError
        Nobody can tell which site that is.
    """
    if not only_here:
        return narrowed, None
    if not narrowed.sites and not narrowed.repositories:
        narrowed = replace(narrowed, sites=sites_here(desired))
    if not narrowed.sites and not narrowed.repositories:
        detail = "--only-here asks a site's own places only, and no site is named."
        hint = "Give --site; or name this host in `hosts` of the site's file, or the site in CALIBSTATE_HERE."
        raise UsageError(Diagnostic("Which site is here?", detail, hint=hint))
    return narrowed, tuple(places_of(desired, narrowed))


def _known(what: str, asked: tuple[str, ...], known: Any) -> None:
    from fnmatch import filter as matching

    for word in asked:
        if not matching(list(known), word):
            raise undeclared(what, word, known)


def undeclared(what: str, word: str, known: Iterable[str]) -> UsageError:
    """Return the error that nobody declared something, with what is near.

    Parameters
    ----------
    what
        What it is to be.
    word
        Its name.
    known
        Names that are declared.
    """
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(known)) or 'none'}."
    return UsageError(
        Diagnostic("Not declared", f"{spelled(word)}: nobody declared such a {what}.", hint=hint)
    )


def _document(chains: list[Chain], then: Before) -> dict[str, Any]:
    from ..store.documents.base import plain
    from ..store.documents.changes import DesiredDocument, RevisionWords

    repositories: dict[str, dict[str, tuple[str, ...]]] = {}
    for chain in chains:
        repositories.setdefault(chain.address.place, {})[chain.address.name] = chain.children
    at = RevisionWords(words=then.words, commit=then.commit) if then.words else None
    return plain(DesiredDocument(at=at, repositories=repositories))


def _chain_lines(chains: list[Chain]) -> list[str]:
    """Return the chains of each repository as trees."""
    lines: list[str] = []
    for place in dict.fromkeys(chain.address.place for chain in chains):
        here = {c.address.name: c for c in chains if c.address.place == place}
        inside = {child for chain in here.values() for child in chain.children}
        lines.append(place)
        for name in here:
            if name not in inside:
                lines.extend(_branch(name, here, 1))
    return lines


def _branch(name: str, here: dict[str, Chain], depth: int) -> list[str]:
    chain = here.get(name)
    lines = ["  " * depth + name]
    for child in chain.children if chain else ():
        lines.extend(_branch(child, here, depth + 1))
    for child, reason in (chain.unwanted if chain else {}).items():
        lines.append("  " * (depth + 1) + f"({child}: {reason})")
    return lines

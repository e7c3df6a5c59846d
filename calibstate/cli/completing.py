"""What a shell offers while somebody types: the names in the state tree.

It says nothing and fails never: who has no tree, or one that is broken, gets
the names that are left.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from ..errors import CalibstateError
from ..store import known, statefile

__all__ = [
    "captured",
    "chains",
    "excluded",
    "instruments",
    "looked_at",
    "places",
    "repositories",
    "sites",
    "tickets",
]

Names = Callable[[Path], list[str]]


def sites(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the sites."""
    return _beginning(context, incomplete, known.sites)


def repositories(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the addresses of the repositories."""
    return _beginning(context, incomplete, known.repositories)


def instruments(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the instruments."""
    return _beginning(context, incomplete, known.instruments)


def captured(context: typer.Context, incomplete: str) -> list[str]:
    """Offer what may be captured: repositories, sites and instruments."""

    def names(root: Path) -> list[str]:
        return [*known.sites(root), *known.repositories(root), *known.instruments(root)]

    return _beginning(context, incomplete, names)


def tickets(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the tickets, with their instruments where one was typed."""
    return _beginning(context, incomplete, _tickets_as(incomplete))


def chains(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the declared chains."""
    return _beginning(context, incomplete, known.chains)


def places(context: typer.Context, incomplete: str) -> list[str]:
    """Offer all that can be locked."""
    return _beginning(context, incomplete, lambda root: [*known.repositories(root), "archive", "rucio"])


def looked_at(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the sites and the addresses of the repositories."""
    return _beginning(context, incomplete, lambda root: [*known.sites(root), *known.repositories(root)])


def excluded(context: typer.Context, incomplete: str) -> list[str]:
    """Offer what may be left out: sites, repositories and tickets."""
    tickets_of = _tickets_as(incomplete)
    return _beginning(
        context, incomplete, lambda root: [*known.sites(root), *known.repositories(root), *tickets_of(root)]
    )


def _tickets_as(incomplete: str) -> Names:
    if "/" in incomplete:
        return lambda root: [f"{instrument}/{name}" for instrument, name in known.tickets(root)]
    return lambda root: sorted({name for _, name in known.tickets(root)})


def _beginning(context: typer.Context, incomplete: str, names: Names) -> list[str]:
    try:
        # It may stand in front of the command or behind it.
        named = context.params.get("root") or context.find_root().params.get("root")
        root = statefile.find_root(named)
        offered = names(root)
    except (CalibstateError, OSError):
        return []
    return [name for name in offered if name.startswith(incomplete)]

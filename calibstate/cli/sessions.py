"""The session of a command, made of its options."""

from __future__ import annotations

from datetime import timedelta

import typer

from ..model.scope import Scope
from ..ports.silence import USUAL_TIMEOUT
from ..work.listener import Stop, Unstoppable
from ..work.session import Session
from . import screen
from .groups import Files, Looking, Narrowing, scope
from .nouns import is_of_variable
from .terminal import wanted

__all__ = ["OnScreen", "begin"]


class OnScreen:
    """The listener of a command: standard error."""

    note = staticmethod(screen.tell)
    report = staticmethod(screen.told)
    progress = staticmethod(screen.progress)
    waiting = staticmethod(screen.waiting)


def begin(
    context: typer.Context,
    narrowing: Narrowing | None = None,
    looking: Looking | None = None,
    files: Files | None = None,
    *,
    remembers: bool = False,
    timeout: timedelta = USUAL_TIMEOUT,
    stop: Stop | None = None,
) -> Session:
    """Return the session that a command was asked for.

    Parameters
    ----------
    context
        It says where the state tree is.
    narrowing, looking, files
        Groups of options that the command has.
    remembers
        Whether what a database held at the last look may be remembered.
    timeout
        How long a place may be silent.
    stop
        Whether somebody wants it to stop; nobody can unless it is given.
    """
    looking = looking or Looking()
    narrowing = narrowing or Narrowing()
    requested = scope(narrowing, files)
    return Session(
        context.obj,
        requested,
        OnScreen(),
        stop or Unstoppable(),
        only_here=looking.only_here,
        observed=tuple(looking.observed or ()),
        max_age=looking.max_age,
        remembers=remembers,
        timeout=timeout,
        requests=wanted.requests,
        narrowed_by=_narrowed_by(context, narrowing, requested, only_here=looking.only_here),
    )


def _narrowed_by(
    context: typer.Context, narrowing: Narrowing, requested: Scope, *, only_here: bool
) -> tuple[str, ...]:
    """Return what narrowed a command: arguments, options, variables."""
    # By the names of the options that may have done so.
    narrows = {
        "site": requested.sites,
        "repository": requested.repositories,
        "instrument": requested.instruments,
        "ticket": requested.tickets,
        "exclude": requested.exclude,
        "only_here": only_here,
    }
    names = list(narrowing.places)
    for option in context.command.params:
        name = str(option.name)
        if not narrows.get(name) or not context.params.get(name):
            continue
        if not is_of_variable(context, name):
            names.append(max(option.opts, key=len))
        elif not narrowing.places or name not in {"site", "repository"}:
            # Beside an argument these two are not read.
            names.append(str(option.envvar))
    return tuple(names)

"""The session of a command, made of its options."""

from __future__ import annotations

from datetime import timedelta

import typer

from ..ports.silence import USUAL_TIMEOUT
from ..work.listener import Stop, Unstoppable
from ..work.session import Session
from . import screen
from .groups import Files, Looking, Narrowing, scope

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
    return Session(
        context.obj,
        scope(narrowing or Narrowing(), files),
        OnScreen(),
        stop or Unstoppable(),
        only_here=looking.only_here,
        observed=tuple(looking.observed or ()),
        max_age=looking.max_age,
        remembers=remembers,
        timeout=timeout,
    )

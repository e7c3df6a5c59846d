"""The command by which a site keeps itself."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from ..errors import Diagnostic, UsageError
from ..views.render import Format
from . import completing
from .app import app
from .groups import grouped, shown_as
from .nouns import Noun
from .options import USUAL_TIMEOUT, TimeoutOption, up_to_a_week
from .sessions import begin
from .showing import finish
from .stopping import Stopping

_GIB = 2**30


@app.command()
@grouped
def watch(
    context: typer.Context,
    *,
    site: Annotated[
        str | None,
        Noun("SITE", "The site that is kept; as CALIBSTATE_HERE says unless told.", completing.sites),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", envvar="CALIBSTATE_ONCE", help="One turn, as for cron.")
    ] = False,
    alive: Annotated[
        bool,
        typer.Option(
            "--alive",
            envvar="CALIBSTATE_ALIVE",
            help="Say only whether the last turn was lately, for a health check.",
        ),
    ] = False,
    every: Annotated[
        timedelta | None,
        typer.Option(
            "--every",
            metavar="DURATION",
            parser=up_to_a_week,
            envvar="CALIBSTATE_EVERY",
            help="Time from one turn to the next; as the site says unless told.",
        ),
    ] = None,
    follow: Annotated[
        str,
        typer.Option(
            "--follow",
            metavar="BRANCH",
            envvar="CALIBSTATE_FOLLOW",
            help="The branch that is followed; main unless told.",
        ),
    ] = "main",
    remote: Annotated[
        str,
        typer.Option(
            "--remote",
            metavar="REMOTE",
            envvar="CALIBSTATE_REMOTE",
            help="What the clone calls the repository of the branch; origin unless told.",
        ),
    ] = "origin",
    no_fetch: Annotated[
        bool,
        typer.Option("--no-fetch", envvar="CALIBSTATE_NO_FETCH", help="Leave the clone where it is."),
    ] = False,
    pages: Annotated[
        Path | None,
        typer.Option(
            "--pages", metavar="DIR", envvar="CALIBSTATE_PAGES", help="Write pages here in each turn."
        ),
    ] = None,
    turn_limit: Annotated[
        timedelta,
        typer.Option(
            "--turn-limit",
            metavar="DURATION",
            parser=up_to_a_week,
            envvar="CALIBSTATE_TURN_LIMIT",
            help="Time from which a turn is to end; 2h unless told.",
        ),
    ] = timedelta(hours=2),
    memory: Annotated[
        int,
        typer.Option(
            "--memory",
            metavar="GIB",
            min=1,
            envvar="CALIBSTATE_MEMORY",
            help="Memory from which a turn is to end; 4 unless told.",
        ),
    ] = 4,
    format: Annotated[Format, shown_as("results.watching.Turned")],
    timeout: TimeoutOption = USUAL_TIMEOUT,
) -> None:
    """Keep a site as it is declared, turn by turn.

    Each turn fetches the branch and takes the clone forward to its newest
    sound commit, plans, carries out what the site's file lets run by itself
    (`watch:` in sites/SITE.yaml; chains only where it says so), reviews what
    came, publishes what is there, writes pages, and tells people when a
    person is needed.  Quiet when nothing changes.  It ends between two steps
    when it is asked to.

    Ends with 0 when somebody ended it.  With --once: 0 where all is as
    declared, 2 where a person is asked for, 4 where something is under way,
    1 where something went wrong.

    \b
    Examples:
      calibstate watch summit --once
      calibstate watch summit --pages /srv/www/calibrations
      calibstate watch summit --alive
    """
    from ..factory.host import site_here
    from ..work.watch import alive as look
    from ..work.watch import pause_of

    stopping = Stopping()
    session = begin(context, timeout=timeout, stop=stopping)
    site = site or site_here()
    if site is None:
        problem = "Neither SITE nor CALIBSTATE_HERE is given."
        raise UsageError(Diagnostic("Nobody says which site", problem, hint="Give one."))
    if alive:
        finish(look(session, site, every, turn_limit), format)
    if not once:
        from .looping import Bounds, Loop

        bounds = Bounds(turn_limit, memory * _GIB)
        loop = Loop(_once(sys.argv[1:]), lambda: pause_of(session, site, every), bounds, stopping)
        raise typer.Exit(loop.run())
    from ..factory.notifying import tellers
    from ..model.pages import PageWishes
    from ..work.following import Branch
    from ..work.telling import Telling
    from ..work.watch import WatchWishes, turn

    follows = None if no_fetch else Branch(follow, remote)
    wishes = WatchWishes(follows, pages, PageWishes(), every=every, turn_limit=turn_limit)
    with stopping.listening():
        finish(turn(session, site, wishes, Telling(tellers())), format)


def _once(arguments: list[str]) -> list[str]:
    """Return the command line of one turn of this loop."""
    # What follows `--` is no option, so it is put behind the command.
    place = arguments.index("watch") + 1
    return [*arguments[:place], "--once", *arguments[place:]]

"""What the demonstration leaves for a browser.

A change is merged and carried out at the origin only, and one repository was
not looked at for days, so that pages have something to tell.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ..factory import clock
from . import screen

__all__ = ["show_page"]

TICKET = "DM-47547"
"""What the board takes back."""

ORIGIN = "usdf/main"
SILENT = "usdf/embargo"
OTHERS = ("bts", "summit")

_SILENT_FOR = timedelta(days=3)

_NOBODY = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")

Step = Callable[..., None]
"""Says what comes, shows a command, and runs it."""


def show_page(state: Path, folder: Path, step: Step, quietly: Callable[..., object]) -> Path | None:
    """Show a change on its way, and write pages of it.

    Parameters
    ----------
    state
        The state tree.
    folder
        Where the pages go.
    step
        Says what comes, shows a command of calibstate, and runs it.
    quietly
        Runs a command of calibstate.

    Returns
    -------
    Path or `None`
        What is to be opened in a browser; `None`: there is no Git, and so no
        change to show.
    """
    if not shutil.which("git"):
        screen.tell("Git is not installed, so nothing is merged, and no pages are written.")
        return None
    tree = ("-C", str(state))
    # Of what is sealed alone it is known what it changes.
    quietly(*tree, "seal", "--write")
    _commit(state, "Declare what is deployed")
    with _days_ago():
        step(
            "Three days ago (for this the clock is set back) the embargo repository was looked at.",
            *(*tree, "observe", SILENT, "--publish"),
        )
    step(
        f"Today the board takes {TICKET} back.  What becomes of lookups?",
        *(*tree, "rollback", TICKET, "--because", "striped at the edge"),
    )
    _commit(state, f"Take {TICKET} back")
    step(
        "It is merged, and carried out at the origin; the test stand and the summit come later.",
        *(*tree, "apply", "--repository", ORIGIN, "--yes"),
    )
    step(
        "They publish what they see; nobody has looked at the embargo repository again.",
        *(*tree, "observe", ORIGIN, *OTHERS, "--publish"),
    )
    step(
        "All of it, for who has a browser only.",
        *(*tree, "page", "-o", str(folder), "--since", "HEAD~1"),
    )
    return folder / "index.html"


@contextmanager
def _days_ago() -> Iterator[None]:
    """Have it be some days ago, as far as calibstate is concerned."""
    usual = clock.source
    clock.source = lambda: usual() - _SILENT_FOR
    try:
        yield
    finally:
        clock.source = usual


def _commit(state: Path, message: str) -> None:
    """Commit all of a tree, which is a repository from now on."""
    # Whoever runs this may sign his commits, and have hooks for them.
    git = ("git", "-C", str(state), *_NOBODY)
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--no-verify", "--no-gpg-sign", f"--message={message}"),
    ):
        subprocess.run([*git, *words], check=True, capture_output=True)

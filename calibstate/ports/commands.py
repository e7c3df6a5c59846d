"""What calibstate asks of a site's ``butler``: the commands of packages.

Cameras, sky maps and readings of instruments come into a repository by
commands that packages of the stack add to ``butler``.  They are run as they
are, and believed only when what they made is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .records import Fence

__all__ = ["NO_FILES", "ButlerCommands", "CommandRunner", "Ran"]

NO_FILES: Mapping[str, str] = {}
"""A command is given none."""


@dataclass(frozen=True)
class Ran:
    """What a command says of itself, which proves nothing."""

    code: int
    """What it ended with."""

    error: str
    """The last line of its output that tells of an error; empty: none does."""


class ButlerCommands(Protocol):
    """The ``butler`` of a repository's site, of which nothing is run."""

    def lacks(self, command: str) -> str:
        """Say why a command cannot be run here; empty: it can.

        Parameters
        ----------
        command
            Its name, such as ``register-skymap``.
        """
        ...

    def under_way(self, command: str) -> str:
        """Say which process on this host runs a command for the repository.

        Only what calibstate has begun is known; empty: nothing is.

        Parameters
        ----------
        command
            Its name.
        """
        ...

    def variable(self, name: str) -> str | None:
        """Return a variable of the environment in which commands are run.

        Parameters
        ----------
        name
            Its name, such as ``OBS_LSST_DATA_DIR``; `None`: it is not set.
        """
        ...


class CommandRunner(ButlerCommands, Protocol):
    """The ``butler`` of a repository's site."""

    def run(
        self,
        command: str,
        arguments: Sequence[str],
        fence: Fence,
        meanwhile: Callable[[], None] = lambda: None,
        files: Mapping[str, str] = NO_FILES,
    ) -> Ran:
        """Run a command for the repository, and wait for its end.

        It runs on if calibstate is ended, so that nothing is left half done
        that would not be otherwise.

        Parameters
        ----------
        command
            Its name.
        arguments
            What follows the repository on the command line.
        fence
            Asked directly before it is begun.
        meanwhile
            Called about once a second, to tell how far it is.
        files
            Texts that it is given as files, by their names.  An argument that
            is such a name becomes the path of the file.

        Raises
        ------
        RefusedError
            It cannot be run here.
        PlanIsStaleError
            It is being run already.
        """
        ...

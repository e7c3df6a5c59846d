"""What kinds ask of a site's ``butler`` before they have it run commands."""

from __future__ import annotations

from ..errors import Diagnostic, RefusedError
from ..model.names import RepositoryAddress
from ..ports.places import ReadPlaces

__all__ = ["require_commands"]


def require_commands(
    place: RepositoryAddress,
    *names: str,
    places: ReadPlaces,
    hint: str,
) -> None:
    """Refuse a step for which a site's ``butler`` lacks a command.

    Parameters
    ----------
    place
        The repository that is to be changed.
    *names
        The commands.
    places
        Where to look.
    hint
        What a person can do where one is lacking.

    Raises
    ------
    RefusedError
        A command is not there; or nothing can be changed from here at all.
    UnreachableError
        Nobody can tell just now.
    """
    # Of a butler server nothing is changed from anywhere.
    places.butler(place).check_change()
    commands = places.commands(place)
    for name in names:
        lacking = commands.lacks(name)
        if lacking:
            detail = f"{lacking[:1].upper()}{lacking[1:]}."
            raise RefusedError(Diagnostic("Command is not there", detail, hint=hint))

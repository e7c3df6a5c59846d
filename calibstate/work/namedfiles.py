"""Files that a person names to have something written into them."""

from __future__ import annotations

from pathlib import Path

from ..errors import Diagnostic, UsageError
from ..kinds.table import own_folders
from ..model.names import with_code_points
from ..store.statefile import is_of_a_tree

__all__ = ["refuse_of_a_tree"]


def refuse_of_a_tree(path: Path) -> None:
    """Refuse to write over a file that a state tree is made of.

    Parameters
    ----------
    path
        The file that a person named.

    Raises
    ------
    UsageError
        It is one.
    """
    if is_of_a_tree(path, own_folders()):
        raise UsageError(
            Diagnostic(
                "File of the state tree",
                f"{with_code_points(str(path))} is a part of a state tree, and would be written over.",
                hint="Name another file.",
            )
        )

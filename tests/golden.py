"""Outputs that were read once by a person, and are to stay as they are.

``pytest --update-golden`` writes what is printed now; read the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = ["FOLDER", "Golden", "golden_file"]

FOLDER = Path(__file__).parent / "golden_files"

Golden = Callable[[str, str], None]
"""Holds an output to the file of a name."""


def golden_file(*, update: bool) -> Golden:
    """Return what holds outputs to their files.

    Parameters
    ----------
    update
        Write the files instead.
    """

    def hold(name: str, printed: str) -> None:
        file = FOLDER / name
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(printed)
        if not file.exists():
            pytest.fail(f"{file.name} is not there: pytest --update-golden writes it")
        assert printed == file.read_text()

    return hold

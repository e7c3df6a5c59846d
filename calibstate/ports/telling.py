"""Telling people of a change, where they read."""

from __future__ import annotations

from typing import Protocol

from ..model.watching import Notice

__all__ = ["Teller"]


class Teller(Protocol):
    """A way to reach people."""

    name: str
    """What messages call it."""

    def tell(self, notice: Notice, subject: str, text: str) -> None:
        """Tell people of a change.

        Parameters
        ----------
        notice
            The change.
        subject
            The same in a line.
        text
            The same in a few lines, with what to do next.

        Raises
        ------
        UnreachableError
            It was not taken, after some tries.
        """

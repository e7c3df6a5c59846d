"""Why a clone does not follow a branch."""

from __future__ import annotations

from ..errors import Diagnostic, RefusedError
from ..model.watching import WatchReason

__all__ = ["NotFollowedError"]


class NotFollowedError(RefusedError):
    """A clone stays where it is until a person has looked.

    Parameters
    ----------
    reason
        Why.
    problem
        The same, for people.
    """

    def __init__(self, reason: WatchReason, problem: Diagnostic) -> None:
        super().__init__(problem)
        self.reason = reason

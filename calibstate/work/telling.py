"""Tell people of a change of state, by all ways, each until it took it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CalibstateError, Diagnostic
from ..model.watching import Unsent
from ..ports.telling import Teller
from ..views.watching import subject, text_of

__all__ = ["Telling"]


@dataclass(frozen=True)
class Telling:
    """The ways by which people are told."""

    tellers: Sequence[Teller] = ()

    def tell(self, unsent: Unsent) -> tuple[Unsent | None, tuple[Diagnostic, ...]]:
        """Tell people of a change.

        Parameters
        ----------
        unsent
            The change, and by which ways it was told already.

        Returns
        -------
        left : Unsent or `None`
            What is to be told later; `None`: all is told.
        problems : tuple
            Why.
        """
        notice = unsent.notice
        ways = list(unsent.told_by)
        problems: list[Diagnostic] = []
        for teller in self.tellers:
            if teller.name in ways:
                continue
            try:
                teller.tell(notice, subject(notice), text_of(notice))
                ways.append(teller.name)
            except CalibstateError as error:
                problems.extend(error.diagnostics)
        if not problems:
            return None, ()
        return Unsent(notice=notice, told_by=tuple(ways)), tuple(problems)

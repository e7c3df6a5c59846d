"""Find the exposure that is asked for, also where only another has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import Diagnostic, UnreachableError, UsageError
from ...model.explanations import Question
from ...model.names import RepositoryAddress
from ...ports.butler import SeenExposure
from .look import Look
from .words import listed

__all__ = ["Exposures", "exposures_at"]


@dataclass(frozen=True)
class Exposures:
    """The exposure that is asked for, as each repository has it."""

    by_address: Mapping[RepositoryAddress, SeenExposure | None]
    """As another has it, where it is not known; `None`: none is asked for."""

    remarks: tuple[str, ...] = ()


def exposures_at(
    question: Question,
    looks: Sequence[Look],
    *,
    whole: bool,
) -> Exposures:
    """Return the exposure as each repository has it, or as another does.

    Parameters
    ----------
    question
        What is looked up.
    looks
        What repositories showed.
    whole
        Whether all of them could be seen.

    Raises
    ------
    UsageError
        None has it.
    UnreachableError
        None has it, and not all of them tell.
    """
    exposures = {look.address: look.exposure for look in looks}
    if question.exposure is None:
        return Exposures(exposures)
    knowing = next((look for look in looks if look.exposure), None)
    if knowing is None:
        silent = [look.address for look in looks if not look.tells_exposures]
        asked_at = listed(exposures)
        detail = f"{question.exposure}: no such exposure of {question.instrument} at {asked_at}"
        if silent:
            detail += f"; of {listed(silent)} nobody observed exposures"
        problem = Diagnostic(
            "Exposure not known",
            f"{detail}.",
            hint="Give a moment instead: --at TIME.",
        )
        # One that is silent, or was not seen, may have it all the same.
        if silent or not whole:
            raise UnreachableError(problem)
        raise UsageError(problem)
    without = [look.address for look in looks if not look.exposure]
    if not without:
        return Exposures(exposures)
    remark = (
        f"{listed(without)}: exposure {question.exposure} is not known there, "
        f"and is looked up as {knowing.address} has it."
    )
    for address in without:
        exposures[address] = knowing.exposure
    return Exposures(exposures, (remark,))

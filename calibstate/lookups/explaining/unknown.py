"""Refuse words of a question that mean nothing anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Diagnostic, UsageError
from ...model.desired import DesiredState
from ...model.explanations import Question
from .look import Look
from .words import listed, unknown

__all__ = ["refuse_unknown_words"]


def refuse_unknown_words(
    desired: DesiredState,
    question: Question,
    looks: Sequence[Look],
) -> None:
    """Refuse words that no repository knows.

    Parameters
    ----------
    desired
        What is declared.
    question
        What is looked up.
    looks
        What repositories showed.

    Raises
    ------
    UsageError
        No repository has the chain, no chain is declared, or chains hold
        other dataset types only.
    """
    instrument = question.instrument
    addresses = listed(look.address for look in looks)
    names: set[str] = set()
    existing: set[str] = set()
    types: set[str] = set()
    for look in looks:
        names.update(look.chains)
        for name, leaves in look.chains.items():
            if leaves is not None:
                existing.add(name)
        for leaf in look.leaves:
            types.update(row.dataset_type for row in leaf.rows)
    if not names:
        raise UsageError(
            Diagnostic(
                "Nothing to search",
                f"No chain of {instrument} is declared for {addresses}.",
                hint="Give one: --chain COLLECTION.",
            )
        )
    if question.chain and question.chain not in existing:
        declared = [written.noun.chain for written in desired.chains_of(instrument)]
        detail = f"no such collection at {addresses}"
        raise unknown(
            "Collection not known",
            question.chain,
            detail,
            declared,
        )
    if types and question.dataset_type not in types:
        searched = " and ".join(sorted(names))
        detail = f"{searched} holds none of that type at {addresses}"
        raise unknown(
            "No such calibrations",
            question.dataset_type,
            detail,
            types,
        )

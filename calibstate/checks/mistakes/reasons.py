"""Whether what is held back, left out or put away says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import Where
from ...model.desired import Written
from ..rule import Finding, Findings, mistake
from ..tree import Tree


@dataclass(frozen=True)
class _Reason:
    """Why something is not as usual."""

    subject: str
    """What is done, in words."""

    text: str

    where: Where
    """The line."""


@mistake("Reason missing")
def reasons_missing(tree: Tree) -> Findings:
    """Find what is done without a word why."""
    for reason in (*_of_holds(tree), *_of_others(tree)):
        if not reason.text.strip():
            yield Finding(
                where=reason.where,
                detail=f"{reason.subject} without a reason cannot be judged by whoever comes after.",
                hint="Say why, in a few words.",
            )


def _of_holds(tree: Tree) -> Iterator[_Reason]:
    """Yield the reasons of holds; a `hold` without a word is one too."""
    declared: tuple[Written[Any], ...] = (*tree.sites, *tree.tickets, *tree.chains)
    for written in declared:
        if "hold" in written.noun.model_fields_set:
            yield _Reason(
                subject="A hold",
                text=written.noun.hold or "",
                where=written.lines.at("hold"),
            )
    for site in tree.sites:
        for name, repository in site.noun.repositories.items():
            if "hold" in repository.model_fields_set:
                yield _Reason(
                    subject="A hold",
                    text=repository.hold or "",
                    where=site.lines.at("repositories", name, "hold"),
                )


def _of_others(tree: Tree) -> Iterator[_Reason]:
    """Yield the reasons of what is skipped, retired or denied."""
    for ticket in tree.tickets:
        for place, text in ticket.noun.skip.items():
            yield _Reason(
                subject=f"Skipping {place}",
                text=text,
                where=ticket.lines.at("skip", place),
            )
    for chain in tree.chains:
        for word, text in chain.noun.retired.items():
            yield _Reason(
                subject=f"Retiring {word}",
                text=text,
                where=chain.lines.at("retired", word),
            )
    if tree.settings:
        for number, window in enumerate(tree.settings.noun.windows):
            yield _Reason(
                subject="A window",
                text=window.because,
                where=tree.settings.lines.at("windows", number, "because"),
            )

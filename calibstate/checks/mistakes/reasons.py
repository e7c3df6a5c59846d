"""Whether what is held back, left out or put away says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import Where
from ...model.desired import Written
from ..rule import Finding, mistake
from ..tree import Tree


@mistake("Reason missing")
def reasons_missing(tree: Tree) -> Iterator[Finding]:
    """Find what is done without a word why."""
    for subject, reason, where in _reasons(tree):
        if not reason.strip():
            yield Finding(
                where=where,
                detail=f"{subject} without a reason cannot be judged by whoever comes after.",
                hint="Say why, in a few words.",
            )


def _reasons(tree: Tree) -> Iterator[tuple[str, str, Where]]:
    """Yield what has to have a reason, the reason, and its line."""
    for site in tree.sites:
        yield from _holds(site)
        for name, repository in site.noun.repositories.items():
            if "hold" in repository.model_fields_set:
                yield "A hold", repository.hold or "", site.lines.at("repositories", name, "hold")
    for ticket in tree.tickets:
        yield from _holds(ticket)
        for place, reason in ticket.noun.skip.items():
            yield f"Skipping {place}", reason, ticket.lines.at("skip", place)
    for chain in tree.chains:
        yield from _holds(chain)
        for word, reason in chain.noun.retired.items():
            yield f"Retiring {word}", reason, chain.lines.at("retired", word)
    if tree.settings:
        for number, window in enumerate(tree.settings.noun.windows):
            yield "A window", window.because, tree.settings.lines.at("windows", number, "because")


def _holds(written: Written[Any]) -> Iterator[tuple[str, str, Where]]:
    """Yield the hold of a file; a `hold` that says nothing is one too."""
    if "hold" in written.noun.model_fields_set:
        yield "A hold", written.noun.hold or "", written.lines.at("hold")

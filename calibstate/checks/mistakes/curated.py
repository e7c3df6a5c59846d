"""Whether curated calibrations would be written where nothing stands yet."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.curated import Curated
from ...model.desired import Written
from ...model.policy import Level
from ...model.tickets import Ticket
from ..rule import Finding, Findings, mistake
from ..tree import Tree


@mistake("Curated collection is a chain")
def into_a_chain(tree: Tree) -> Findings:
    """Find collections that are something else already.

    The command makes a RUN with a camera before it finds that out.
    """
    for written, curated in _curated(tree):
        claim = tree.claimed.get(curated.collection)
        ticket = written.noun
        if claim is None or curated.collection in ticket.bare:
            continue
        yield Finding(
            where=written.lines.value_at("curated", "collection"),
            detail=f"{claim.name} is {claim.meaning} ({claim.where}): nothing can be certified into it.",
            hint=f"Give `collection: {ticket.instrument}/calib/{ticket.ticket}`.",
        )


@mistake("Curated and not listed")
def not_listed(tree: Tree) -> Findings:
    """Find what would be written and brought nowhere."""
    for written, curated in _curated(tree):
        ticket = written.noun
        if curated.collection in ticket.bare or curated.collection in tree.claimed:
            continue
        yield Finding(
            where=written.lines.value_at("curated", "collection"),
            detail=f"{ticket.ticket} writes {curated.collection}, and does not list it.",
            hint="Give it under `bare`: what is curated stands in chains by itself.",
        )


@mistake("Curated and made otherwise")
def made_otherwise(tree: Tree) -> Findings:
    """Find tickets that say twice what their collections hold."""
    for written, _ in _curated(tree):
        ticket = written.noun
        if ticket.construction or ticket.certify:
            yield Finding(
                where=written.lines.at("curated"),
                detail=f"{ticket.ticket} is curated, and says besides what is made or certified.",
                hint="Declare two tickets.",
            )


@mistake("Curated label twice")
def label_twice(tree: Tree) -> Findings:
    """Find labels that were used before, whose RUNs are taken."""
    first: dict[str, str] = {}
    for written, curated in _curated(tree):
        ticket = written.noun
        # It is in the names of the RUNs.
        run = curated.unbounded(ticket.instrument)
        earlier = first.setdefault(run, ticket.ticket)
        if earlier == ticket.ticket:
            continue
        yield Finding(
            where=written.lines.value_at("curated", "label"),
            detail=f"{earlier} has the label {curated.label}, and its RUNs are written once.",
            hint=f"Give `label: {ticket.ticket}`.",
        )


@mistake("Curated folder not known")
def folder_not_known(tree: Tree) -> Findings:
    """Find classes of which nobody says where the package has them."""
    for written, curated in _curated(tree):
        if curated.camera_folder:
            continue
        yield Finding(
            where=written.lines.value_at("curated", "class"),
            detail=f"Which folder of {curated.package} is the camera's is not known.",
            hint="Give `folder`, such as `folder: comCam`: what the class has for `policyName`.",
        )


@mistake("Curated without a revision", Level.NOTE)
def without_revision(tree: Tree) -> Findings:
    """Find what is of nobody knows which text."""
    for written, curated in _curated(tree):
        if curated.revision:
            continue
        yield Finding(
            where=written.lines.at("curated"),
            detail=f"Of which revision of {curated.package} it is, is not said.",
            hint="Give `data: {PACKAGE: REVISION}`, if it is known.",
        )


def _curated(tree: Tree) -> Iterator[tuple[Written[Ticket], Curated]]:
    for written in tree.tickets:
        curated = written.noun.curated
        if curated:
            yield written, curated

"""Whether what is ingested at an origin is deployed, and once."""

from __future__ import annotations

from ..rule import Finding, Findings, mistake
from ..tree import Tree


@mistake("Ingested and not listed")
def not_listed(tree: Tree) -> Findings:
    """Find RUNs that would be ingested and brought nowhere."""
    for written in tree.tickets:
        ticket = written.noun
        for index, entry in enumerate(ticket.ingest):
            if entry.run in ticket.bare:
                continue
            where = written.lines.value_at("ingest", index, "run")
            yield Finding(
                where=where,
                detail=f"{ticket.ticket} ingests into {entry.run}, and does not list it.",
                hint="Give it under `bare`.",
            )


@mistake("Ingested twice")
def ingested_twice(tree: Tree) -> Findings:
    """Find types that two entries would bring into one RUN."""
    for written in tree.tickets:
        ticket = written.noun
        earlier: set[tuple[str, str]] = set()
        for index, entry in enumerate(ticket.ingest):
            key = (entry.run, entry.type)
            if key not in earlier:
                earlier.add(key)
                continue
            where = written.lines.value_at("ingest", index, "type")
            yield Finding(
                where=where,
                detail=f"{ticket.ticket} ingests {entry.type} into {entry.run} by two entries.",
                hint="Make one table of the two.",
            )

"""Names of collections (DMTN-222, section 2), and the RUNs behind them.

Names are the one thread from a calibration back to how it was made.  Those
of bare tickets are free: curated calibrations have names of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.chains import ExternalEntry
from ...model.desired import Written
from ...model.seals import SealedCollection
from ...model.tickets import Ticket
from .judged import Finding, Judged, collection_at, of_ticket
from .products import is_generation, is_verification, iteration

__all__ = [
    "certification_names",
    "generation_names",
    "not_certifications",
    "runs_not_kept",
    "verification_names",
]


def certification_names(tree: Judged) -> Iterator[Finding]:
    """Find certifications that are called otherwise."""
    for ticket in tree.tickets:
        for index, leaf in enumerate(() if ticket.noun.bare else ticket.noun.leaves):
            within = _within_ticket(ticket.noun, leaf)
            last = within.rpartition("/")[2]
            if is_generation(last) or is_verification(last):
                continue
            if problem := _problem(within):
                yield Finding(
                    collection_at(ticket, index),
                    f"`{within}` {problem}. Whoever looks for its construction has nothing but the name.",
                    "Certify it as TAG/TYPE.YYYYMMDDv, such as `gainFixup/flat-r.20241107a`.",
                    of_ticket(ticket.noun),
                )


def generation_names(tree: Judged) -> Iterator[Finding]:
    """Find RUNs, as the seals tell them, that are called otherwise."""
    for ticket, index, sealed in _sealed_collections(tree):
        for run in sorted({run for said in sealed.types.values() for run in said.runs}):
            if not _is_private(run) and not _is_generation_run(run, ticket.noun):
                yield Finding(
                    collection_at(ticket, index),
                    f"Its calibrations were made in `{run}`, a name that does not tell the ticket, the type "
                    "and the iteration of their generation.",
                    "Generate as INSTRUMENT/calib/TICKET/TAG/TYPEGen.YYYYMMDDv.",
                    of_ticket(ticket.noun),
                )


def verification_names(tree: Judged) -> Iterator[Finding]:
    """Find verifications in chains that are called otherwise."""
    for chain in tree.desired.chains.values():
        for index, entry in enumerate(chain.noun.entries):
            if not isinstance(entry, ExternalEntry):
                continue
            start = f"{chain.noun.instrument}/calib/"
            segments = entry.external.removeprefix(start).split("/")
            if not is_verification(segments[-1]):
                continue
            well = (
                entry.external.startswith(start) and len(segments) > 2 and segments[-1].startswith("verify")
            )
            if not (well and iteration(segments[-1])):
                yield Finding(
                    chain.lines.value_at("entries", index, "external"),
                    f"`{entry.external}` verifies something, and does not tell of which ticket, type and "
                    "iteration.",
                    "Verify as INSTRUMENT/calib/TICKET/TAG/verifyTYPE.YYYYMMDDv.",
                    frozenset({chain.noun.chain}),
                )


def not_certifications(tree: Judged) -> Iterator[Finding]:
    """Find generations and verifications that tickets deploy."""
    for ticket in tree.tickets:
        for index, leaf in enumerate(() if ticket.noun.bare else ticket.noun.leaves):
            last = leaf.rpartition("/")[2]
            if is_generation(last):
                detail = (
                    f"`{last}` is the RUN of a generation: what is in it is found at any time, good or bad."
                )
                hint = "Certify it for a range, and list the certified collection."
            elif is_verification(last):
                detail = f"`{last}` is a verification: it holds metrics and test exposures, no calibrations."
                hint = "Take it off the list; the report tells of it."
            else:
                continue
            yield Finding(collection_at(ticket, index), detail, hint, of_ticket(ticket.noun))


def runs_not_kept(tree: Judged) -> Iterator[Finding]:
    """Find certifications whose RUN nobody names, or nobody keeps."""
    for ticket, index, sealed in _sealed_collections(tree):
        untold = sorted(name for name, said in sealed.types.items() if not said.runs)
        private = sorted({run for said in sealed.types.values() for run in said.runs if _is_private(run)})
        if untold:
            detail = f"Its seal does not tell in which RUN the {', '.join(untold)} are."
            hint = f"Seal it anew: calibstate seal {ticket.noun.name}."
        elif private:
            detail = (
                f"Its calibrations are in `{private[0]}`, in somebody's own space, which is cleared some day."
            )
            hint = f"Generate them below {ticket.noun.instrument}/calib/{ticket.noun.ticket}."
        else:
            continue
        detail += " A certification is a link: with the generation RUN the calibrations are lost."
        yield Finding(collection_at(ticket, index), detail, hint, of_ticket(ticket.noun))


def _within_ticket(ticket: Ticket, leaf: str) -> str:
    return leaf.removeprefix(f"{ticket.instrument}/calib/{ticket.ticket}/")


def _problem(within: str) -> str | None:
    tag, _, last = within.rpartition("/")
    if iteration(last) is None:
        return "does not end in the type and the iteration, TYPE.YYYYMMDDv"
    return None if tag else "has no tag that says what the set is for"


def _sealed_collections(tree: Judged) -> Iterator[tuple[Written[Ticket], int, SealedCollection]]:
    for ticket, seal in tree.sealed:
        if not ticket.noun.bare:
            for index, sealed in enumerate(seal.collections.values()):
                yield ticket, index, sealed


def _is_private(run: str) -> bool:
    return run.startswith("u/")


def _is_generation_run(run: str, ticket: Ticket) -> bool:
    start = f"{ticket.instrument}/calib/"
    segments = run.removeprefix(start).split("/")
    if not run.startswith(start) or len(segments) < 2:
        return False
    # Below TICKET; pipelines add the time, bootstraps the number of the run.
    if segments[1] in {"curated", "unbounded"}:
        return True
    return any(is_generation(one) and iteration(one) is not None for one in segments[2:])

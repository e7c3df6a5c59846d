"""Names of collections (DMTN-222, section 2), and the RUNs behind them.

Names are the one thread from a calibration back to how it was made.  Those
of bare tickets are free: curated calibrations have names of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.chains import ExternalEntry
from ...model.desired import Written
from ...model.policy import Level
from ...model.seals import SealedCollection
from ...model.tickets import Ticket
from ..judged import Judged, collection_at, of_ticket
from ..products import is_generation, is_verification, iteration
from ..rule import Finding, Findings, rule

_NAMES = "DMTN-222, section 2"
_RUNS = "DMTN-222, sections 2 and 3.3"
_VALIDITY = "DMTN-222, section 3.3"


@rule(
    "N101",
    "certification-name",
    title="Unusual name",
    level=Level.WARNING,
    source=_NAMES,
)
def certification_names(tree: Judged) -> Findings:
    """Find certifications that are called otherwise."""
    for written, index, leaf in _leaves(tree):
        ticket = written.noun
        within = leaf.removeprefix(f"{ticket.instrument}/calib/{ticket.ticket}/")
        tag, _, last = within.rpartition("/")
        if is_generation(last) or is_verification(last):
            # N104 tells that it is no certification at all.
            continue
        if iteration(last) is None:
            problem = "does not end in the type and the iteration, TYPE.YYYYMMDDv"
        elif not tag:
            problem = "has no tag that says what the set is for"
        else:
            continue
        yield Finding(
            where=collection_at(written, index),
            detail=f"`{within}` {problem}. Whoever looks for its construction has nothing but the name.",
            hint="Certify it as TAG/TYPE.YYYYMMDDv, such as `gainFixup/flat-r.20241107a`.",
            of=of_ticket(ticket),
        )


@rule(
    "N102",
    "generation-name",
    title="Unusual generation",
    level=Level.WARNING,
    source=_NAMES,
)
def generation_names(tree: Judged) -> Findings:
    """Find RUNs, as the seals tell them, that are called otherwise."""
    for written, index, sealed in _sealed_collections(tree):
        for run in _runs(sealed):
            # Of somebody's own space N105 tells.
            if _is_private(run) or _is_generation_run(run, written.noun):
                continue
            yield Finding(
                where=collection_at(written, index),
                detail=(
                    f"Its calibrations were made in `{run}`, a name that does not tell the ticket, the type "
                    "and the iteration of their generation."
                ),
                hint="Generate as INSTRUMENT/calib/TICKET/TAG/TYPEGen.YYYYMMDDv.",
                of=of_ticket(written.noun),
            )


@rule(
    "N103",
    "verification-name",
    title="Unusual verification",
    level=Level.WARNING,
    source=_NAMES,
)
def verification_names(tree: Judged) -> Findings:
    """Find verifications in chains that are called otherwise."""
    for chain in tree.desired.chains.values():
        start = f"{chain.noun.instrument}/calib/"
        for index, entry in enumerate(chain.noun.entries):
            if not isinstance(entry, ExternalEntry):
                continue
            segments = entry.external.removeprefix(start).split("/")
            last = segments[-1]
            if not is_verification(last):
                continue
            # Below the start come the ticket, a tag, and the verification.
            is_below = entry.external.startswith(start) and len(segments) > 2
            if is_below and last.startswith("verify") and iteration(last):
                continue
            yield Finding(
                where=chain.lines.value_at("entries", index, "external"),
                detail=(
                    f"`{entry.external}` verifies something, and does not tell of which ticket, type and "
                    "iteration."
                ),
                hint="Verify as INSTRUMENT/calib/TICKET/TAG/verifyTYPE.YYYYMMDDv.",
                of=frozenset({chain.noun.chain}),
            )


@rule(
    "N104",
    "not-a-certification",
    title="Not a certification",
    level=Level.WARNING,
    source=_RUNS,
)
def not_certifications(tree: Judged) -> Findings:
    """Find generations and verifications that tickets deploy."""
    for written, index, leaf in _leaves(tree):
        last = leaf.rpartition("/")[2]
        if is_generation(last):
            detail = f"`{last}` is the RUN of a generation: what is in it is found at any time, good or bad."
            hint = "Certify it for a range, and list the certified collection."
        elif is_verification(last):
            detail = f"`{last}` is a verification: it holds metrics and test exposures, no calibrations."
            hint = "Take it off the list; the report tells of it."
        else:
            continue
        yield Finding(
            where=collection_at(written, index),
            detail=detail,
            hint=hint,
            of=of_ticket(written.noun),
        )


@rule(
    "N105",
    "generation-run-missing",
    title="Generation not kept",
    level=Level.WARNING,
    source=_VALIDITY,
)
def runs_not_kept(tree: Judged) -> Findings:
    """Find certifications whose RUN nobody names, or nobody keeps."""
    for written, index, sealed in _sealed_collections(tree):
        ticket = written.noun
        # A type whose seal is older than what seals tell of RUNs has none.
        without_run = []
        for name, contents in sorted(sealed.types.items()):
            if not contents.runs:
                without_run.append(name)
        private = [run for run in _runs(sealed) if _is_private(run)]
        if without_run:
            detail = f"Its seal does not tell in which RUN the {', '.join(without_run)} are."
            hint = f"Seal it anew: calibstate seal {ticket.name}."
        elif private:
            space = "in somebody's own space, which is cleared some day"
            detail = f"Its calibrations are in `{private[0]}`, {space}."
            hint = f"Generate them below {ticket.instrument}/calib/{ticket.ticket}."
        else:
            continue
        detail += " A certification is a link: with the generation RUN the calibrations are lost."
        yield Finding(
            where=collection_at(written, index),
            detail=detail,
            hint=hint,
            of=of_ticket(ticket),
        )


def _leaves(tree: Judged) -> Iterator[tuple[Written[Ticket], int, str]]:
    """Yield the collections of tickets whose names are not free."""
    for ticket in tree.tickets:
        if not ticket.noun.bare:
            for index, leaf in enumerate(ticket.noun.leaves):
                yield ticket, index, leaf


def _sealed_collections(tree: Judged) -> Iterator[tuple[Written[Ticket], int, SealedCollection]]:
    """Yield what seals tell of those collections."""
    for ticket, seal in tree.sealed:
        if not ticket.noun.bare:
            for index, sealed in enumerate(seal.collections.values()):
                yield ticket, index, sealed


def _runs(sealed: SealedCollection) -> list[str]:
    """Return the RUNs in which calibrations of a collection are, sorted."""
    runs: set[str] = set()
    for contents in sealed.types.values():
        runs.update(contents.runs)
    return sorted(runs)


def _is_private(run: str) -> bool:
    return run.startswith("u/")


def _is_generation_run(run: str, ticket: Ticket) -> bool:
    """Return whether a RUN is called as generations of an instrument are."""
    start = f"{ticket.instrument}/calib/"
    segments = run.removeprefix(start).split("/")
    if not run.startswith(start) or len(segments) < 2:
        return False
    if segments[1] in {"curated", "unbounded"}:
        return True
    # Below TICKET; pipelines add the time, bootstraps the number of the run.
    return any(is_generation(segment) and iteration(segment) for segment in segments[2:])

"""What a ticket certifies at its origin, and what its chain searches then.

The resources and the kinds are those of ``plan``; only less of what is
declared is looked at, and for a ticket that nobody has adopted yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..engine.observe import View, look_at
from ..engine.waves import look_at_waves
from ..errors import Diagnostic, Severity
from ..kinds.certification import Certification, certifications_of
from ..kinds.chain import Chain
from ..kinds.curated import Curated, curated_of
from ..kinds.registry import KINDS
from ..model.constructed import Constructed
from ..model.contents import CollectionType
from ..model.desired import DesiredState, Written
from ..model.fingerprints import collection_fingerprint
from ..model.names import ARCHIVE, Address, CollectionName, RepositoryAddress
from ..model.plans import Plan
from ..model.resources import Declared, Need, Observed
from ..model.scope import Scope
from ..model.tickets import Ticket
from ..ports.places import ReadPlaces

__all__ = ["images_to_look_at", "look_at_certifications", "prefix_at"]


def look_at_certifications(
    written: Written[Ticket],
    desired: DesiredState,
    repository: RepositoryAddress,
    places: ReadPlaces,
) -> View:
    """Look at what a ticket certifies, and at its ticket chain.

    A plan that is made from this certifies what is complete, then has the
    ticket chain search it, the newest first.

    Parameters
    ----------
    written
        The ticket.
    desired
        All that is declared.
    repository
        Its origin.
    places
        Where to look.

    Raises
    ------
    UnreachableError
        The repository does not answer.
    """
    prefix = prefix_at(repository, desired)
    certifications = list(certifications_of(written, desired, repository, prefix))
    # What a package holds is written instead; its ticket certifies nothing.
    certifications.extend(curated_of(written, desired, repository))
    observations = look_at(certifications, places)
    resources = [observed.resource for observed in observations]
    live = list(Certification.among(resources))
    # The chain is to search what is certified, so it is looked at behind it.
    chains = list(_chains(written, live, repository, prefix, places))
    observations.extend(look_at(chains, places))
    remarks: list[Diagnostic] = []
    unseen: dict[str, Observed] = {}
    looked_at: list[Certification | Curated] = list(live)
    looked_at.extend(Curated.among(resources))
    for resource in looked_at:
        kind = KINDS[resource.address.kind]
        remarks.extend(kind.remarks(resource))
        detail = resource.unseen
        if detail:
            # One archive stands behind all of them: its trouble is told once.
            address = Address(
                place=ARCHIVE,
                kind="place",
                name=ARCHIVE,
            )
            trouble = Diagnostic("Archive could not be seen", f"{detail}.")
            unseen[detail] = Observed(address, trouble=trouble)
    observations.extend(unseen.values())
    scope = Scope(repositories=(repository,))
    by_address = {observed.address: observed for observed in observations}
    return View(
        desired,
        scope,
        (*certifications, *chains),
        by_address,
        look_at_waves(desired, scope, places),
        tuple(remarks),
    )


def images_to_look_at(
    plan: Plan,
    written: Written[Ticket],
    origin: RepositoryAddress,
    desired: DesiredState,
) -> Iterator[Diagnostic]:
    """Yield which images somebody should have seen before this.

    A look leaves nothing behind, so whether there was one is not known.

    Parameters
    ----------
    plan
        What would be certified.
    written
        The ticket.
    origin
        Where it is made.
    desired
        All that is declared.
    """
    ticket = written.noun
    if ticket.construction is None:
        return
    prefix = prefix_at(origin, desired)
    constructed = Constructed(ticket, prefix)
    targets = {step.action.target for step in plan.steps}
    for word, recipe in constructed.recipes.items():
        look_at = recipe.making.look_at
        collection = constructed.certification(recipe)
        if look_at is None or collection is None:
            continue
        if Certification.at(origin, collection) in targets:
            yield Diagnostic(
                "Images to look at",
                f"`{word}` is to be looked at before it is certified ({look_at.type}); nobody can see "
                "whether it was.",
                written.lines.at("construction", "make"),
                hint=f"`calibstate construct {ticket.ticket} --run` fetches the images, and waits.",
                severity=Severity.NOTE,
            )


def prefix_at(repository: RepositoryAddress, desired: DesiredState) -> str:
    """Return what stands before the names of what a site makes."""
    site, _ = desired.repository(repository)
    if site.construction is None:
        return ""
    return site.construction.user_prefix


def _chains(
    written: Written[Ticket],
    live: Sequence[Certification],
    repository: RepositoryAddress,
    prefix: str,
    places: ReadPlaces,
) -> Iterator[Declared]:
    """Yield the ticket chain as it is to be; none for a bare ticket."""
    ticket = written.noun
    name = ticket.collection
    if ticket.construction:
        name = Constructed(ticket, prefix).chain
    if name is None:
        return
    butler = places.butler(repository)
    collection = butler.collections([name]).get(name)
    searched: tuple[CollectionName, ...] = ()
    if collection and collection.type is CollectionType.CHAINED:
        searched = collection.children
    content: dict[CollectionName, dict[CollectionName, str]] = {}
    for certification in live:
        # What is certified already, and what is about to be.
        if certification.is_done or certification.foreseen:
            fingerprint = collection_fingerprint(certification.wanted)
            content[certification.collection] = {certification.collection: fingerprint}
    new = [child for child in reversed(content) if child not in searched]
    if set(new) <= set(ticket.leaves):
        # The file may have another order than the one in which it is made.
        new.sort(key=ticket.leaves.index)
    chain = Chain(
        Chain.at(repository, name),
        (*new, *searched),
        content=content,
    )
    needs = [Need(Certification.at(repository, child), child) for child in new]
    yield Declared(chain, written.lines.at("ticket"), tuple(needs))

"""The steps by which a ticket's collections are made, in order.

Section 7 of DMTN-222, for whatever the ticket makes: each product is made,
looked at where a person wants that, certified, and put in front of the ticket
collection, so that the next one is corrected with it; then it is verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..kinds.certification import Certification
from ..kinds.chain import Chain
from ..kinds.generation import Generation
from ..kinds.verification import Verification
from ..model.constructed import Constructed
from ..model.constructions import LookAt, Recipe
from ..model.names import CollectionName, RepositoryAddress
from ..model.products import Verified
from ..model.resources import Resource

__all__ = ["ConstructionStep", "Verb", "steps_of"]


class Verb(Enum):
    """What is done in a step."""

    MAKE = "make"
    LOOK = "look at"
    CERTIFY = "certify"
    CHAIN = "chain"
    VERIFY = "verify"


@dataclass(frozen=True)
class ConstructionStep:
    """One step of a construction."""

    verb: Verb

    word: str
    """The product, as ``make`` or ``verify`` call it."""

    constructed: Constructed
    """The construction that it is of."""

    repository: RepositoryAddress
    """Where it is done: the origin."""

    recipe: Recipe | None = None
    """The product; `None` of a verification."""

    verified: Verified | None = None
    """What is verified; `None` of a product."""

    @property
    def name(self) -> str:
        """What people call it: ``make bias``."""
        return f"{self.verb.value} {self.word}"

    @property
    def resource(self) -> Resource | None:
        """What is to be there when it is done; `None` of a look."""
        match self.verb:
            case Verb.MAKE if self.recipe:
                return Generation.of_product(self.constructed, self.recipe, self.repository)
            case Verb.CERTIFY if self.recipe:
                return Certification.of_product(self.constructed, self.recipe, self.repository)
            case Verb.CHAIN:
                return Chain(Chain.at(self.repository, self.constructed.chain), (self.collection,))
            case Verb.VERIFY if self.verified:
                return Verification.of_exposures(self.constructed, self.verified, self.repository)
            case _:
                return None

    @property
    def look_at(self) -> LookAt | None:
        """The images of this step; `None`: there are none."""
        if self.verb is Verb.LOOK and self.recipe:
            return self.recipe.making.look_at
        return None

    @property
    def certified(self) -> CollectionName | None:
        """The CALIBRATION collection of its product, if it has one."""
        if self.recipe is None:
            return None
        return self.constructed.certification(self.recipe)

    @property
    def collection(self) -> CollectionName:
        """The collection that it is about."""
        if self.verified:
            return self.constructed.verification(self.verified)
        assert self.recipe, "it is of a product or of a verification"
        if self.verb in {Verb.CERTIFY, Verb.CHAIN} and self.certified:
            return self.certified
        return self.constructed.run(self.recipe) or self.constructed.generation(self.recipe)


def steps_of(constructed: Constructed, repository: RepositoryAddress) -> tuple[ConstructionStep, ...]:
    """Return all steps of a construction, in order.

    Parameters
    ----------
    constructed
        What follows from the ticket.
    repository
        Where it is made.
    """
    steps = []
    for word, recipe in constructed.recipes.items():
        verbs = [Verb.MAKE]
        if recipe.making.look_at:
            verbs.append(Verb.LOOK)
        if recipe.product.certified:
            verbs += [Verb.CERTIFY, Verb.CHAIN]
        for verb in verbs:
            step = ConstructionStep(verb, word, constructed, repository, recipe)
            steps.append(step)
    # Verified is what was certified, so it comes behind all of that.
    for verified in constructed.construction.verified:
        step = ConstructionStep(
            Verb.VERIFY,
            verified.name,
            constructed,
            repository,
            verified=verified,
        )
        steps.append(step)
    return tuple(steps)

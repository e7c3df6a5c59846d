"""A generation: one product of a ticket's construction, made by cp_pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from ..model.constructed import Constructed
from ..model.constructions import Recipe
from ..model.names import RepositoryAddress
from .submission import Submit, Submitted, SubmittedKind, address_of

__all__ = ["Generation", "GenerationKind", "SubmitGeneration"]


@dataclass(frozen=True)
class Generation(Submitted):
    """What one template of cp_pipe makes."""

    @classmethod
    def of_product(
        cls, constructed: Constructed, recipe: Recipe, repository: RepositoryAddress
    ) -> Generation:
        """Return a product as it is declared.

        Parameters
        ----------
        constructed
            What follows from its ticket.
        recipe
            The product.
        repository
            Where it is made.
        """
        collection = constructed.generation(recipe)
        return cls(
            address_of(repository, GenerationKind.name, collection),
            submission=constructed.submission(recipe),
            expected=constructed.expected(recipe),
        )


class SubmitGeneration(Submit):
    """Make a product by its template."""

    do: ClassVar[str] = "submit-generation"

    @override
    def asked(self) -> Generation:
        return Generation(self.target, submission=self.submission, expected=self.expected)


class GenerationKind(SubmittedKind[Generation]):
    """Products of constructions."""

    name = "generation"
    actions = (SubmitGeneration,)
    action = SubmitGeneration

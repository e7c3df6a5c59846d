"""What follows from a construction: names, variables, searches, selections.

Names are those of section 2 of DMTN-222, and of the templates of cp_pipe and
cp_verify, which write them out of the same variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from .constructions import Construction, Recipe
from .names import CollectionName
from .products import PRODUCTS, SELECTIONS, Verified, variable_of
from .submissions import ExpectedOutput, Submission
from .tickets import Ticket

__all__ = ["Constructed"]

_OR = re.compile(r"\bor\b", re.IGNORECASE)

_RUN_KEYS = {
    "bias_bootstrap": "biasBootstrapRun",
    "dark_bootstrap": "darkBootstrapRun",
    "flat_bootstrap": "flatBootstrapRun",
}
"""Keys by which templates name the RUN of each bootstrap."""


@dataclass(frozen=True)
class Constructed:
    """A ticket whose collections are made, where they are made.

    Parameters
    ----------
    ticket
        A ticket with a construction.
    prefix
        What stands before the names of all collections, in a trial.
    """

    ticket: Ticket
    prefix: str = ""

    @property
    def construction(self) -> Construction:
        """How it is made.

        Raises
        ------
        ValueError
            The ticket does not say.
        """
        if self.ticket.construction is None:
            raise ValueError(f"{self.ticket.name} has no construction")
        return self.ticket.construction

    @property
    def chain(self) -> CollectionName:
        """The ticket collection, in which what is certified is searched."""
        return f"{self.prefix}{self.ticket.instrument}/calib/{self.ticket.ticket}"

    @property
    def folder(self) -> str:
        """What the names of all its collections begin with."""
        return f"{self.chain}/{self.construction.tag}"

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """The products by their words, in the order in which they are made."""
        return {recipe.product.name: recipe for recipe in self.construction.recipes}

    # Products

    def generation(self, recipe: Recipe) -> CollectionName:
        """Return the CHAINED collection that a product is made into."""
        return f"{self.folder}/{recipe.product.output}.{recipe.rerun}"

    def run(self, recipe: Recipe) -> CollectionName | None:
        """Return the RUN of a product; `None`: a new one, by the time."""
        if not recipe.product.is_bootstrap:
            return None
        return f"{self.generation(recipe)}/run{self.construction.bootstrap}"

    def certification(self, recipe: Recipe) -> CollectionName | None:
        """Return the CALIBRATION collection of a product, if it has one."""
        name = recipe.product.certified
        if name is None:
            return None
        iteration = self.construction.certify.rerun or recipe.rerun
        # A retry is certified under its own letter.
        if recipe.making.rerun is not None:
            iteration = recipe.making.rerun
        return f"{self.folder}/{name}.{iteration}"

    def inputs(self, recipe: Recipe) -> tuple[CollectionName, ...]:
        """Return what is searched for a product, in order."""
        construction = self.construction
        searched: list[CollectionName] = []
        if recipe.product.searches_ticket:
            searched.append(self.chain)
        searched.extend(self._runs_of_bootstraps(recipe).values())
        return (*searched, construction.raws, *construction.start_from)

    def _runs_of_bootstraps(self, recipe: Recipe) -> dict[str, CollectionName]:
        """Return the RUNs of bootstraps that a product takes, by word."""
        runs: dict[str, CollectionName] = {}
        for word in recipe.product.needs:
            bootstrap = self.recipes.get(word)
            if bootstrap is None or not bootstrap.product.is_bootstrap:
                continue
            run = self.run(bootstrap)
            assert run is not None, "bootstraps have RUNs with a number"
            runs[word] = run
        return runs

    def where(self, selection: str, condition: str = "") -> str:
        """Return an expression as it is asked for, the instrument included.

        Parameters
        ----------
        selection
            The expression without the instrument.
        condition
            What a template adds to it.
        """
        # `and` binds more strongly than an `or` of the selection.
        if _OR.search(selection):
            selection = f"({selection})"
        expression = f"instrument='{self.ticket.instrument}' and {selection}"
        return f"{expression} and {condition}" if condition else expression

    def query(self, recipe: Recipe) -> str:
        """Return the data query of a product."""
        product = recipe.product
        if product.selection is None:
            return f"instrument='{self.ticket.instrument}'"
        selection = self.construction.selection(product.selection) or ""
        return self.where(selection, product.condition)

    def submission(self, recipe: Recipe) -> Submission:
        """Return what is submitted for a product."""
        overrides: dict[str, str] = {}
        for word, run in self._runs_of_bootstraps(recipe).items():
            # The templates take all bootstraps to be of one iteration.
            if self.recipes[word].rerun != recipe.rerun:
                overrides[_RUN_KEYS[word]] = run
        return Submission(
            home="cp_pipe",
            template=recipe.product.template,
            variables=self.variables(recipe.rerun),
            output=self.generation(recipe),
            run=self.run(recipe),
            inputs=self.inputs(recipe),
            query=self.query(recipe),
            overrides=overrides,
        )

    def expected(self, recipe: Recipe) -> ExpectedOutput:
        """Return what a product is expected to be: by its raws."""
        product = recipe.product
        source = product
        if product.made_for is not None:
            source = PRODUCTS[product.made_for]
        selection = self.construction.selection(source.selection or "") or ""
        return ExpectedOutput(
            output=self.generation(recipe),
            dataset_type=product.dataset_type,
            dimensions=product.dimensions,
            instrument=self.ticket.instrument,
            raws=self.construction.raws,
            where=self.where(selection, source.condition),
            run=self.run(recipe),
            but_for=tuple(sorted(self.construction.certify.but_for)),
        )

    # Verifications

    def verification(self, verified: Verified) -> CollectionName:
        """Return the CHAINED collection that something is verified into."""
        return f"{self.folder}/{verified.output}.{self._iteration(verified)}"

    def _iteration(self, verified: Verified) -> str:
        construction = self.construction
        verifying = construction.verify
        if verified.by_generation or verifying is None or verifying.rerun is None:
            return construction.rerun
        return verifying.rerun

    def verification_inputs(self) -> tuple[CollectionName, ...]:
        """Return what is searched for a verification, in order."""
        return (self.chain, self.construction.raws, *self.construction.start_from)

    def verification_query(self, verified: Verified) -> str:
        """Return the data query of a verification."""
        selection = self.construction.selection_to_verify(verified.name) or ""
        return self.where(selection, verified.condition)

    def verification_submission(self, verified: Verified) -> Submission:
        """Return what is submitted for a verification."""
        return Submission(
            home="cp_verify",
            template=verified.template,
            variables=self.variables(self.construction.rerun),
            output=self.verification(verified),
            inputs=self.verification_inputs(),
            query=self.verification_query(verified),
        )

    def verification_expected(self, verified: Verified) -> ExpectedOutput:
        """Return what a verification is expected to tell."""
        return ExpectedOutput(
            output=self.verification(verified),
            dataset_type=verified.dataset_type,
            otherwise=verified.results,
            dimensions=verified.dimensions,
            instrument=self.ticket.instrument,
            raws=self.construction.raws,
            where=self.verification_query(verified),
        )

    # Variables

    def variables(self, rerun: str) -> dict[str, str]:
        """Return the variables of the templates, but for those of a site.

        Parameters
        ----------
        rerun
            Iteration of what is made.
        """
        construction = self.construction
        verify_rerun = construction.rerun
        if construction.verify and construction.verify.rerun:
            verify_rerun = construction.verify.rerun
        variables = {
            "USER_CALIB_PREFIX": self.prefix,
            "INSTRUMENT": self.ticket.instrument,
            "TICKET": self.ticket.ticket,
            "RAW_COLLECTION": construction.raws,
            "CALIB_COLLECTIONS": ",".join(construction.start_from),
            "TAG": construction.tag,
            "RERUN": rerun,
            "VERIFY_RERUN": verify_rerun,
            "BOOTSTRAP_RUN_NUMBER": str(construction.bootstrap),
        }
        for word in construction.selections:
            selection = construction.selection(word)
            if word in SELECTIONS and selection:
                variables[variable_of(word)] = self.where(selection)
        for verified in construction.verified:
            selection = construction.selection_to_verify(verified.name)
            if selection:
                variables[f"{variable_of(verified.selection)}_V"] = self.where(selection)
        return variables

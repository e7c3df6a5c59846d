"""Making: which exposures a construction takes, and what it is made with.

What cannot be done is a mistake; this is what a reviewer would ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...errors import Where
from ...model.constructions import Construction, Recipe
from ...model.desired import Written
from ...model.policy import Level
from ...model.products import READ_FROM, needs_of
from ...model.tickets import Ticket
from ..judged import Judged, is_adopted, of_ticket
from ..products import product_of
from ..rule import Finding, Findings, rule

_SELECTIONS = "DMTN-222, sections 3.1 and 7"
_PIPELINES = f"the pipelines of {READ_FROM}"
_VERIFICATION = "DMTN-222, sections 3.2 and 7"
_NAMES = "DMTN-222, section 2"

_DATED = re.compile(r"\b(day_obs|science_program|seq_num)\b|\bexposure(\.id)?\s*(=|in\b)", re.IGNORECASE)
"""What keeps an expression from growing with every night."""

_TYPE = re.compile(r"observation_type\s*=\s*'(\w+)'")
_FILTER = re.compile(r"\b(physical_filter|band)\b")


@rule("M901", "selection-grows", title="Selection grows", level=Level.WARNING, source=_SELECTIONS)
def selections_that_grow(tree: Judged) -> Findings:
    """Find selections that take whatever will be exposed later, too."""
    for written, construction in _constructions(tree):
        for word, expression in construction.selections.items():
            # What is the same as another one is told of that one.
            if not isinstance(expression, str):
                continue
            if _DATED.search(expression):
                continue
            yield Finding(
                where=_at(written, word),
                detail=(
                    f"`{word}` names no night, program or exposure, so it is another selection as soon as "
                    "more is exposed, and what is made cannot be made again."
                ),
                hint="Add `exposure.day_obs`, `exposure.science_program`, or a list of exposures.",
                of=of_ticket(written.noun),
            )


@rule(
    "M902", "selection-of-others", title="Exposures of another type", level=Level.WARNING, source=_SELECTIONS
)
def selections_of_others(tree: Judged) -> Findings:
    """Find selections of exposures that a product is never made of."""
    for written, construction in _constructions(tree):
        for recipe in construction.recipes:
            word = recipe.product.selection
            if word is None:
                continue
            wanted = _type_for(recipe)
            expression = construction.selection(word) or ""
            types = set(_TYPE.findall(expression))
            # An expression may as well name exposures, without their type.
            if not types or wanted in types:
                continue
            selected = ", ".join(sorted(types))
            yield Finding(
                where=_at(written, word),
                detail=f"`{word}` selects {selected}, and it is made of {wanted} exposures.",
                hint=f"Select `exposure.observation_type='{wanted}'`.",
                of=of_ticket(written.noun),
            )


@rule("M903", "filter-open", title="Flats of any filter", level=Level.NOTE, source=_SELECTIONS)
def filters_open(tree: Judged) -> Findings:
    """Find selections of flats that leave the filter open."""
    for written, construction in _constructions(tree):
        for recipe in construction.recipes:
            product = recipe.product
            word = product.selection or ""
            expression = construction.selection(word)
            # The template of a flat adds its band itself.
            if product.condition or _type_for(recipe) != "flat":
                continue
            if not expression or _FILTER.search(expression):
                continue
            yield Finding(
                where=_at(written, word),
                detail=f"`{word}` selects flats of whatever filters that night had.",
                hint="Add `physical_filter='…'`.",
                of=of_ticket(written.noun),
            )


@rule("M904", "made-too-early", title="Made with what is not there", level=Level.WARNING, source=_PIPELINES)
def made_too_early(tree: Judged) -> Findings:
    """Find products that stand before what their pipeline applies."""
    for written, construction in _constructions(tree):
        older = _brought(tree, written.noun, construction)
        # Where nobody knows what a collection holds, nothing is asked.
        if older is None:
            continue
        earlier: set[str] = set()
        for index, recipe in enumerate(construction.recipes):
            product = recipe.product
            searched = older
            if product.searches_ticket:
                searched = older | earlier
            needs = needs_of(product.dataset_type, written.noun.instrument)
            missing = [need for need in needs if need.casefold() not in searched]
            earlier.add(product.dataset_type.casefold())
            if not missing or product.is_bootstrap:
                continue
            words = ", ".join(missing)
            yield Finding(
                where=written.lines.at("construction", "make", index),
                detail=(
                    f"`{product.name}` is made with {words}, which neither stand before it nor "
                    "are in `start_from`; the middleware finds nothing to do then."
                ),
                hint="Make it later, or add the collection that holds it to `start_from`.",
                of=of_ticket(written.noun),
            )


@rule(
    "M905",
    "start-not-adopted",
    title="Starts from what is not adopted",
    level=Level.WARNING,
    source=_SELECTIONS,
)
def starts_not_adopted(tree: Judged) -> Findings:
    """Find collections to start from that the board has not adopted."""
    for written, construction in _constructions(tree):
        for index, collection in enumerate(construction.start_from):
            declared = _ticket_of(tree, written.noun, collection)
            if declared is None or is_adopted(declared):
                continue
            ticket = declared.noun
            status = ticket.approval.status.value
            yield Finding(
                where=written.lines.at("construction", "start_from", index),
                detail=(
                    f"{ticket.ticket} is {status}; what is made with it "
                    "stands on what the board may never adopt."
                ),
                hint="Have it adopted first, or start from what is.",
                of=of_ticket(written.noun),
            )


@rule("M906", "verified-by-itself", title="Verified by itself", level=Level.NOTE, source=_VERIFICATION)
def verified_by_itself(tree: Judged) -> Findings:
    """Find products that are verified with their own exposures only."""
    for written, construction in _constructions(tree):
        for verified in construction.verified:
            name = verified.name
            selection = construction.selection(verified.selection)
            if selection is None:
                continue
            if construction.selection_to_verify(name) != selection:
                continue
            # Flats of a lamp are taken once, so section 7 has the same.
            if verified.condition:
                continue
            yield Finding(
                where=_verification(written, name),
                detail=f"`{name}` is verified with the very exposures that it is made of.",
                hint="Add exposures of other nights.",
                of=of_ticket(written.noun),
            )


@rule("M907", "verified-of-others", title="Verified, not made", level=Level.NOTE, source=_VERIFICATION)
def verified_of_others(tree: Judged) -> Findings:
    """Find verifications of what another ticket has made."""
    for written, construction in _constructions(tree):
        products = {recipe.product.name for recipe in construction.recipes}
        for verified in construction.verified:
            # Science frames are looked at with all that was made.
            name = verified.name
            if name in products or not verified.has_verdict:
                continue
            yield Finding(
                where=_verification(written, name),
                detail=f"`{name}` is verified, and this construction makes none.",
                hint="Make it too, or leave its verification out.",
                of=of_ticket(written.noun),
            )


def _constructions(tree: Judged) -> Iterator[tuple[Written[Ticket], Construction]]:
    """Yield the constructions of tickets that are being decided on."""
    for written in tree.proposed:
        construction = written.noun.construction
        if construction:
            yield written, construction


def _at(written: Written[Ticket], word: str) -> Where:
    return written.lines.at("construction", "selections", word)


def _verification(written: Written[Ticket], word: str) -> Where:
    return written.lines.at("construction", "verify", word)


def _type_for(recipe: Recipe) -> str:
    """Return the type of the exposures that a product is made of."""
    word = recipe.product.name.removesuffix("_bootstrap")
    if word in {"bias", "dark"}:
        return word
    return "flat"


def _ticket_of(tree: Judged, ticket: Ticket, collection: str) -> Written[Ticket] | None:
    """Return the ticket that a collection is of, if one is declared."""
    # A ticket may be named by its own chain, or by a collection of it.
    named = tree.desired.ticket_with(collection)
    if named:
        return named
    for written in tree.tickets:
        other = written.noun
        if other.instrument == ticket.instrument and collection in other.leaves:
            return written
    return None


def _brought(tree: Judged, ticket: Ticket, construction: Construction) -> set[str] | None:
    """Return what can be searched from the start; `None`: nobody knows."""
    brought: set[str] = set()
    for collection in construction.start_from:
        declared = _ticket_of(tree, ticket, collection)
        if declared is None:
            _, _, last = collection.rpartition("/")
            # The name of a ticket says nothing of what it holds.
            if "." not in last:
                return None
            brought.add(product_of(last))
            continue
        products = tree.products[declared.noun.key]
        if products is None:
            return None
        brought.update(products)
    return brought

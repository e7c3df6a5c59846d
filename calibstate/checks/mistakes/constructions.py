"""Whether what a construction says can be done: each word, each selection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...errors import Where
from ...model.constructions import Construction, SameAs
from ...model.desired import KeyPath, Written
from ...model.names import spelled
from ...model.policy import Level
from ...model.products import SELECTIONS, VERIFIED
from ...model.tickets import Ticket
from ..rule import Finding, Findings, mistake
from ..tree import Tree
from ..words import did_you_mean

_DOUBLED = re.compile(r"\b(and|or)\s+(and|or)\b", re.IGNORECASE)
_AT_AN_END = re.compile(r"^\s*(and|or)\b|\b(and|or|not)\s*$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")
_OF_SHELLS = re.compile(r"[\"`$\\{}]")
_TEXT = re.compile(r"'[^']*'")

_KNOWN_FAILURE = re.compile(r"verify (?P<word>\S+): (?P<failure>\S+( \S+)+)")


@mistake("Made twice")
def made_twice(tree: Tree) -> Findings:
    """Find products that `make` lists again."""
    for written, construction in _constructions(tree):
        words: set[str] = set()
        for index, recipe in enumerate(construction.recipes):
            word = recipe.product.name
            if word in words:
                yield Finding(
                    where=_entry(written, index),
                    detail=f"`{word}` stands further up already; one construction makes each product once.",
                    hint="Delete it; a retry takes the place of the first try, with a `rerun` of its own.",
                )
            words.add(word)


@mistake("Made before what it is made of")
def bootstraps_missing(tree: Tree) -> Findings:
    """Find products whose template takes bootstraps that are not made before.

    It names their RUNs, so that no other collection can stand in.
    """
    for written, construction in _constructions(tree):
        earlier: set[str] = set()
        for index, recipe in enumerate(construction.recipes):
            product = recipe.product
            # What else it needs may be in the collections to start from.
            missing = []
            for word in product.needs:
                if word.endswith("_bootstrap") and word not in earlier:
                    missing.append(word)
            if missing:
                words = ", ".join(missing)
                yield Finding(
                    where=_entry(written, index),
                    detail=f"`{product.name}` is made of {words}, which do not stand before it.",
                    hint="List them in front of it.",
                )
            earlier.add(product.name)


@mistake("Selection missing")
def selections_missing(tree: Tree) -> Findings:
    """Find products of which nobody says what exposures they are made of."""
    for written, construction in _constructions(tree):
        for index, recipe in enumerate(construction.recipes):
            product = recipe.product
            word = product.selection
            if word is None or word in construction.selections:
                continue
            hint = f"Give `selections.{word}`."
            # A bootstrap is most often made of what the product is made of.
            stem = word.removesuffix("_bootstrap")
            if stem != word and stem in construction.selections:
                hint = f"Give `selections.{word}`, such as `{word}: {{same_as: {stem}}}`."
            yield Finding(
                where=_entry(written, index),
                detail=f"`{product.name}` has no selection, and an empty one would take all raws.",
                hint=hint,
            )


@mistake("Selection of nothing", Level.WARNING)
def selections_unused(tree: Tree) -> Findings:
    """Find selections that no product of the table is made by."""
    for written, construction in _constructions(tree):
        for word in construction.selections:
            if word in SELECTIONS:
                continue
            vocabulary = ", ".join(sorted(SELECTIONS))
            hint = did_you_mean(word, SELECTIONS)
            yield Finding(
                where=_selection(written, word),
                detail=f"{spelled(word)} is the selection of no product.",
                hint=hint or f"Known are: {vocabulary}.",
            )


@mistake("Selection of another")
def selections_elsewhere(tree: Tree) -> Findings:
    """Find `same_as` that leads nowhere."""
    for written, construction in _constructions(tree):
        expressions = construction.expressions()
        for word, selection in construction.selections.items():
            if not isinstance(selection, SameAs):
                continue
            if expressions[word]:
                continue
            target = selection.same_as
            detail = f"`same_as: {target}` comes back to itself."
            if target not in construction.selections:
                detail = f"{spelled(f'same_as: {target}')} names no selection of this construction."
            yield Finding(
                where=_selection(written, word),
                detail=detail,
                hint="Write the expression itself, or name one that has an expression.",
            )


@mistake("Selection cannot be read")
def selections_broken(tree: Tree) -> Findings:
    """Find expressions that the butler would refuse, or take for others."""
    for written, path, expression in _expressions(tree):
        problem = _problem_of(expression)
        if problem:
            yield Finding(
                where=written.lines.value_at(*path),
                detail=f"`{expression}` {problem}.",
                hint="Correct it; it is in the butler's query language, without the instrument.",
            )


@mistake("Verified, and nothing says by what")
def verified_by_nothing(tree: Tree) -> Findings:
    """Find `same` where the product has no selection."""
    for written, construction in _constructions(tree):
        for verified in construction.verified:
            name = verified.name
            selection = verified.selection
            if construction.selection_to_verify(name):
                continue
            yield Finding(
                where=written.lines.at("construction", "verify", name),
                detail=f"`{name}: same` means `selections.{selection}`; there is none.",
                hint="Say which exposures, such as `exposure in (2024102100509, 2024102600031)`.",
            )


@mistake("Known failure of nothing")
def failures_of_nothing(tree: Tree) -> Findings:
    """Find reasons that no failure could ever have."""
    verifications = ", ".join(VERIFIED)
    for written, construction in _constructions(tree):
        for words in construction.known_failures:
            match = _KNOWN_FAILURE.fullmatch(words)
            where = written.lines.at("construction", "known_failures", words)
            # What cp_verify lists has no other form, so that nothing in it
            # could ever match.
            if match is None:
                yield Finding(
                    where=where,
                    detail=f"{spelled(words)} is no failure of a verification.",
                    hint='Write it as cp_verify does: "verify bias: R22_S11 C07 NOISE".',
                )
                continue
            word = match["word"]
            if word not in VERIFIED:
                yield Finding(
                    where=where,
                    detail=f"`{word}` is no verification that is known.",
                    hint=f"Known are: {verifications}.",
                )


@mistake("Bare ticket with a construction")
def of_bare_tickets(tree: Tree) -> Findings:
    """Find constructions whose collections would be in no ticket chain."""
    for written, _ in _constructions(tree):
        ticket = written.noun
        if ticket.bare:
            yield Finding(
                where=written.lines.at("construction"),
                detail=f"{ticket.ticket} is bare; a construction makes the ticket's own collections.",
                hint="Leave out `bare`; `construct --write` writes `collections`.",
            )


def _entry(written: Written[Ticket], index: int) -> Where:
    return written.lines.at("construction", "make", index)


def _selection(written: Written[Ticket], word: str) -> Where:
    return written.lines.at("construction", "selections", word)


def _constructions(tree: Tree) -> Iterator[tuple[Written[Ticket], Construction]]:
    for written in tree.tickets:
        construction = written.noun.construction
        if construction:
            yield written, construction


def _expressions(tree: Tree) -> Iterator[tuple[Written[Ticket], KeyPath, str]]:
    """Yield all expressions of the query language, with where they stand."""
    for written, construction in _constructions(tree):
        path: KeyPath
        for word, selection in construction.selections.items():
            if isinstance(selection, str):
                path = ("construction", "selections", word)
                yield written, path, selection
        to_verify: Mapping[str, str] = {}
        if construction.verify:
            to_verify = construction.verify.selections
        for word, expression in to_verify.items():
            if expression != "same":
                path = ("construction", "verify", word)
                yield written, path, expression
        for index, recipe in enumerate(construction.recipes):
            look_at = recipe.making.look_at
            if look_at and look_at.where is not None:
                path = ("construction", "make", index)
                yield written, path, look_at.where


def _problem_of(expression: str) -> str:
    """Say what is wrong with an expression, as far as its form tells.

    The butler alone knows its language; this is what was got wrong before.
    """
    if not expression.strip():
        return "is empty, which takes all raws"
    if _VARIABLE.search(expression):
        return "holds a variable, which would be left as it is"
    of_shells = _OF_SHELLS.search(expression)
    if of_shells:
        return f"holds {spelled(of_shells[0])}, which shells and BPS take for something of theirs"
    # What stands in quotes may hold anything.
    rest = _TEXT.sub("text", expression)
    if "'" in rest:
        return "has a quote that is not closed"
    if rest.count("(") != rest.count(")"):
        return "has parentheses that do not match"
    doubled = _DOUBLED.search(rest)
    if doubled:
        return f"has `{doubled[0]}`"
    if _AT_AN_END.search(rest):
        return "begins or ends with an operator"
    return ""

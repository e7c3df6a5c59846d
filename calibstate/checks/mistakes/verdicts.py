"""Whether verdicts are as they were made, and of a ticket that is declared."""

from __future__ import annotations

from ...model.verdicts import ProductVerdict, Verdict
from ..rule import Finding, Findings, mistake
from ..tree import Tree


@mistake("Verdict of no ticket")
def without_ticket(tree: Tree) -> Findings:
    """Find verdicts of what no file declares."""
    for written in tree.verdicts:
        kept = written.noun
        if kept.key in tree.desired.tickets:
            continue
        # Of a file that cannot be read nobody knows what it declares.
        if tree.unread.may_mean(kept.ticket):
            continue
        ticket = "/".join(kept.key)
        yield Finding(
            where=written.lines.at("ticket"),
            detail=f"{ticket} has a verdict, and no file declares it.",
            hint="Remove it.",
        )


@mistake("Verdict was edited")
def edited(tree: Tree) -> Findings:
    """Find verdicts that do not follow from the failures beside them."""
    for written in tree.verdicts:
        kept = written.noun
        for index, product in enumerate(kept.products):
            problem = _problem(product)
            if problem:
                yield Finding(
                    where=written.lines.at("products", index, "verdict"),
                    detail=f"A verdict is never edited by hand: {product.product} {problem}.",
                    hint=f"Make it anew: calibstate construct {kept.ticket} --write.",
                )


def _problem(product: ProductVerdict) -> str:
    """Say why a verdict cannot be that of its failures; empty: it can."""
    unexplained = [failed for failed in product.failures if not failed.known]
    match product.verdict:
        case Verdict.PASSED | Verdict.NONE if product.failures:
            return f"is said to have {product.verdict.value!r}, and has failures"
        case Verdict.KNOWN if unexplained or not product.failures:
            return "is said to have known failures, and not each has a reason"
        case Verdict.FAILED if product.failures and not unexplained:
            return "is said to have failed, and each failure has a reason"
        case _:
            return ""

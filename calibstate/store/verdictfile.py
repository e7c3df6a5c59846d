"""Files of verdicts: written by us, reviewed and committed by people.

A line for each detector, so that a difference reads as what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..model.files import FileChange
from ..model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from .sealfile import in_one_line

__all__ = ["dumps", "with_verdicts"]

_HEADER = "# Made by `calibstate construct --write`; never edited by hand.\n"

_MOST_BYTES = 1 << 19
"""Half of what a file of a tree may have: others are written by people."""


def with_verdicts(root: Path, verdicts: TicketVerdicts) -> FileChange | None:
    """Return the file that keeps verdicts in a tree; nothing is written.

    Parameters
    ----------
    root
        Root of the tree.
    verdicts
        What verifications say of a ticket.

    Returns
    -------
    FileChange or None
        `None` where the file says so already.
    """
    instrument = verdicts.instrument
    ticket = verdicts.ticket
    file = f"verdicts/{instrument}/{ticket}.yaml"
    path = root / file
    before: bytes | None = None
    if path.is_file():
        before = path.read_bytes()
    text = dumps(verdicts)
    after = text.encode()
    if len(after) > _MOST_BYTES:
        shorter = _without_places(verdicts)
        text = dumps(shorter)
        after = text.encode()
    if after == before:
        return None
    return FileChange(file, before, after)


def _without_places(verdicts: TicketVerdicts) -> TicketVerdicts:
    """Return verdicts in which failures are only counted.

    Known ones stay: a person wrote down each of them.
    """
    products = []
    for product in verdicts.products:
        if product.verdict is Verdict.FAILED:
            product = _counted(product)
        products.append(product)
    return verdicts.model_copy(update={"products": tuple(products)})


def _counted(product: ProductVerdict) -> ProductVerdict:
    """Return a verdict with the number of its failures alone."""
    number = 0
    for failed in product.failures:
        number += failed.number
    detail = f"{number} failures, too many to be kept one by one"
    changed = {"failures": (), "detail": detail}
    return product.model_copy(update=changed)


def dumps(verdicts: TicketVerdicts) -> str:
    """Return the text of a file of verdicts."""
    text = _HEADER
    for line in _lines(verdicts):
        text += f"{line}\n"
    return text


def _lines(verdicts: TicketVerdicts) -> Iterator[str]:
    """Yield the lines of a file, without its heading."""
    ticket = in_one_line(verdicts.ticket)
    instrument = in_one_line(verdicts.instrument)
    yield f"ticket: {ticket}"
    yield f"instrument: {instrument}"
    if not verdicts.products:
        yield "products: []"
        return
    yield "products:"
    for product in verdicts.products:
        yield from _product(product)


def _product(product: ProductVerdict) -> Iterator[str]:
    word = in_one_line(product.product)
    verdict = product.verdict.value
    yield f"  - product: {word}"
    yield f"    verdict: {verdict}"
    if product.run:
        run = in_one_line(product.run)
        yield f"    run: {run}"
    if product.detail:
        detail = in_one_line(product.detail)
        yield f"    detail: {detail}"
    if product.exposures:
        yield f"    exposures: {product.exposures}"
        yield f"    outside: {product.outside}"
    if product.collections:
        yield "    collections:"
    for collection in product.collections:
        name = in_one_line(collection)
        yield f"      - {name}"
    if product.failures:
        yield "    failures:"
    for failed in product.failures:
        yield from _failed(failed)


def _failed(failed: FailedTest) -> Iterator[str]:
    test = in_one_line(failed.test)
    exposures = list(failed.exposures)
    exposures_in_line = in_one_line(exposures)
    yield f"      - test: {test}"
    yield f"        number: {failed.number}"
    if failed.known:
        reason = in_one_line(failed.known)
        yield f"        known: {reason}"
    yield f"        exposures: {exposures_in_line}"
    if not failed.detectors:
        yield "        detectors: {}"
        return
    yield "        detectors:"
    for detector, names in failed.detectors.items():
        word = in_one_line(detector)
        amplifiers = in_one_line(list(names))
        yield f"          {word}: {amplifiers}"

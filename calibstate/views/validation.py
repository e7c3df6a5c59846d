"""What is wrong with a state tree, and how its files were laid out."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Diagnostic, Severity
from ..model.results.trees import Formatting, Inventory, SchemasWritten, Validation
from .findings import messages
from .messages import Aside, Message, count

__all__ = ["formatting", "nothing", "validation"]


def validation(result: Validation) -> Iterator[Message | str]:
    """Yield what is wrong with a state tree, and how much it declares."""
    for text in messages(result.shown, every=result.every):
        yield Message(text)
    if result.old and not result.every:
        yield Aside(_as_at_base(result))
    if result.inventory is None:
        return
    verdict = "sound"
    if result.has_errors:
        verdict = "sound, but against the policy"
    yield f"{result.root}: {_counted(result.inventory)}: {verdict}"


def _as_at_base(result: Validation) -> str:
    """Say how much was found that is no news."""
    severities = [problem.severity for problem in result.old]
    numbers = []
    for severity in Severity:
        number = severities.count(severity)
        if number:
            numbers.append(count(number, severity.value))
    return f"As at {result.base}: {', '.join(numbers)}; --all shows them."


def formatting(result: Formatting) -> Iterator[Diagnostic | str]:
    """Yield which files were not laid out, and how many."""
    yield from result.problems
    files = count(result.files, "file")
    done = "to be laid out"
    if result.written:
        done = "laid out"
    yield f"{result.root}: {files}, {result.changed} {done}"


def nothing(result: SchemasWritten) -> Iterator[str]:
    """Yield nothing: all that is to be said are footnotes."""
    return iter(())


def _counted(inventory: Inventory) -> str:
    numbers = (
        count(inventory.sites, "site"),
        count(inventory.repositories, "repository"),
        count(inventory.tickets, "ticket"),
        count(inventory.chains, "chain"),
    )
    return ", ".join(numbers)

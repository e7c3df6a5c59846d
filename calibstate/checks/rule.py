"""A rule: what it looks for, in which words it tells it, and what it weighs.

A rule is written once, as a decorated function in the file of its family.
Nothing else has to be changed for it: `rules_in` collects the rules of all
families.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any, Generic, TypeVar

from ..errors import Diagnostic, Severity, Where
from ..model.policy import Level

__all__ = ["Finding", "Findings", "Rule", "Weight", "mistake", "rule", "rules_in"]

T = TypeVar("T")
"""What is judged: `Tree` by mistakes, `Judged` by the policy."""

_SEVERITIES = {
    Level.NOTE: Severity.NOTE,
    Level.WARNING: Severity.WARNING,
    Level.ERROR: Severity.ERROR,
}


class Weight(Enum):
    """What a rule is for."""

    MUST = "must"
    """A mistake.  It is looked for whenever a tree is read, and refuses the
    tree unless its level is below *error*."""

    SHOULD = "should"
    """A rule of the policy.  ``validate`` and ``report`` tell its findings,
    and the settings of a tree say at what level."""


@dataclass(frozen=True)
class Finding:
    """Something that should be otherwise, at one line."""

    where: Where
    """The line."""

    detail: str
    """What is so here, and why it matters."""

    hint: str = ""
    """What to do about it."""

    of: frozenset[str] = frozenset()
    """Tickets, chains and repositories for which an exception may be made."""

    level: Level | None = None
    """What this one weighs; `None`: as much as its rule."""


Findings = Iterator[Finding]
"""What a rule yields."""


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One rule over what is declared."""

    judge: Callable[[T], Findings]
    """Yields what it finds."""

    title: str
    """What it finds, in fixed words."""

    weight: Weight
    """Whether it must or should be kept."""

    level: Level
    """How much its findings weigh, unless the settings say otherwise."""

    code: str = ""
    """A family's letter and three digits; mistakes have none."""

    name: str = ""
    """A short word for it; mistakes have none."""

    source: str = ""
    """The section or the decision that it is taken from."""

    @property
    def needs_base(self) -> bool:
        """Whether it compares with what was declared before."""
        return self.code.startswith("C")

    def diagnostic(self, finding: Finding, level: Level) -> Diagnostic:
        """Return what people are shown of a finding.

        Parameters
        ----------
        finding
            What the rule found.
        level
            How much it weighs, anything but *off*.
        """
        return Diagnostic(
            summary=self.title,
            detail=finding.detail,
            where=finding.where,
            hint=finding.hint,
            severity=_SEVERITIES[level],
            code=self.code,
        )


def mistake(title: str, level: Level = Level.ERROR) -> Callable[[Callable[[T], Findings]], Rule[T]]:
    """Make a rule of what must not be of the function below.

    Parameters
    ----------
    title
        What it finds, in fixed words.
    level
        How much it weighs; only errors refuse the tree.
    """

    def as_rule(judge: Callable[[T], Findings]) -> Rule[T]:
        return Rule(
            judge=judge,
            title=title,
            weight=Weight.MUST,
            level=level,
        )

    return as_rule


def rule(
    code: str, name: str, *, title: str, level: Level, source: str
) -> Callable[[Callable[[T], Findings]], Rule[T]]:
    """Make a rule of the policy of the function below.

    Parameters
    ----------
    code
        A family's letter and three digits.
    name
        A short word for it.
    title
        What it finds, in fixed words.
    level
        How much it weighs, unless the settings say otherwise.
    source
        The section or the decision that it is taken from.
    """

    def as_rule(judge: Callable[[T], Findings]) -> Rule[T]:
        return Rule(
            judge=judge,
            title=title,
            weight=Weight.SHOULD,
            level=level,
            code=code,
            name=name,
            source=source,
        )

    return as_rule


def rules_in(families: ModuleType) -> tuple[Rule[Any], ...]:
    """Return the rules that the modules of a package declare.

    Parameters
    ----------
    families
        The package; each of its modules is a family of rules.

    Returns
    -------
    tuple of Rule
        By number of their codes, then by title.
    """
    rules = []
    for module in pkgutil.iter_modules(families.__path__):
        name = f"{families.__name__}.{module.name}"
        family = importlib.import_module(name)
        for value in vars(family).values():
            # A decorated function is a `Rule` among the names of its module.
            # A family may import that of another one, which counts there.
            if not isinstance(value, Rule):
                continue
            if value.judge.__module__ == name:
                rules.append(value)
    # The digits tell the family too, in the order of the reference.
    return tuple(sorted(rules, key=lambda rule: (rule.code[1:], rule.title)))

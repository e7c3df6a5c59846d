"""Judge a state tree by the policy: the rules, their levels, exceptions.

No finding stops a plan or a run (docs/decisions/0015); what is told is for
the people who review a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from ...errors import Diagnostic, Severity, Where
from ...model.desired import DesiredState
from ...model.names import nearest, spelled
from ...model.policy import Exemption, Level, PolicySettings, day
from .judged import Finding, Judged, Rule
from .registry import RULES

__all__ = ["judge"]

_SEVERITIES = {Level.NOTE: Severity.NOTE, Level.WARNING: Severity.WARNING, Level.ERROR: Severity.ERROR}


def judge(desired: DesiredState, base: DesiredState | None, today: date) -> tuple[Diagnostic, ...]:
    """Return what the policy has to say of a tree, by file and line.

    Parameters
    ----------
    desired
        A sound tree.
    base
        What it said before; `None`: rules of changes (C…) are not judged.
    today
        The day in UTC.
    """
    policy = desired.settings.noun.policy
    asked = [rule for rule in RULES if base or not rule.needs_base]
    tree = Judged(desired, base, today)
    found = {rule.code: tuple(rule.judge(tree)) for rule in asked if _level(rule, policy) is not Level.OFF}
    told = [
        *_told(asked, found, policy, today),
        *_unknown_rules(desired),
        *_exceptions(desired, found, {rule.code for rule in asked}, today),
    ]
    return tuple(sorted(told, key=_by_line))


def _level(rule: Rule, policy: PolicySettings) -> Level:
    return policy.levels.get(rule.code, rule.level)


def _told(
    asked: Iterable[Rule], found: Mapping[str, tuple[Finding, ...]], policy: PolicySettings, today: date
) -> Iterator[Diagnostic]:
    excepted: dict[str, set[str]] = {}
    for exemption in policy.exceptions:
        if not _has_ended(exemption, today):
            excepted.setdefault(exemption.rule, set()).add(exemption.of)
    for rule in asked:
        severity = _SEVERITIES.get(_level(rule, policy))
        for one in found.get(rule.code, ()):
            if severity and one.of.isdisjoint(excepted.get(rule.code, ())):
                yield Diagnostic(rule.title, one.detail, one.where, one.hint, severity, rule.code)


def _unknown_rules(desired: DesiredState) -> Iterator[Diagnostic]:
    policy, lines = desired.settings.noun.policy, desired.settings.lines
    for code in policy.levels:
        yield from _unknown_rule(code, lines.at("policy", "levels", code))
    for index, exemption in enumerate(policy.exceptions):
        yield from _unknown_rule(exemption.rule, lines.value_at("policy", "exceptions", index, "rule"))


def _unknown_rule(code: str, where: Where) -> Iterator[Diagnostic]:
    codes = {rule.code: rule.code for rule in RULES} | {rule.name: rule.code for rule in RULES}
    if code not in {rule.code for rule in RULES}:
        near = nearest(code, codes)
        hint = f"Did you mean `{codes[near]}`?" if near else "They are in the reference, under Policy."
        yield Diagnostic("Unknown rule", f"{spelled(code)} is the code of no rule.", where, hint)


def _exceptions(
    desired: DesiredState, found: Mapping[str, tuple[Finding, ...]], asked: set[str], today: date
) -> Iterator[Diagnostic]:
    """Tell exceptions that have ended, and those that nothing needs."""
    settings = desired.settings
    subjects = {code: frozenset[str]().union(*(one.of for one in ones)) for code, ones in found.items()}
    for index, exemption in enumerate(settings.noun.policy.exceptions):
        where = settings.lines.at("policy", "exceptions", index)
        what = f"The exception to {exemption.rule} for {exemption.of}"
        if _has_ended(exemption, today):
            yield Diagnostic(
                "Exception has ended",
                f"{what} counted until {exemption.until}: {exemption.because}.",
                where,
                "Delete it and mend what it was for, or agree on another day.",
                Severity.WARNING,
            )
        elif exemption.rule in asked and exemption.of not in subjects.get(exemption.rule, ()):
            yield Diagnostic(
                "Exception to nothing",
                f"{what} silences nothing.",
                where,
                "Delete it, or mend what it names.",
                Severity.NOTE,
            )


def _has_ended(exemption: Exemption, today: date) -> bool:
    last = day(exemption.until)
    return last is not None and last < today


def _by_line(told: Diagnostic) -> tuple[Where, str, str]:
    return (told.where or Where("", 0), told.code, told.detail)

"""Judge a state tree by the policy: the rules, their levels, exceptions.

No finding stops a plan or a run (docs/decisions/0015); what is told is for
the people who review a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ..errors import Diagnostic, Severity, Where
from ..model.desired import DesiredState
from ..model.names import nearest, spelled
from ..model.policy import Exemption, Level, PolicySettings, day
from . import policy
from .judged import Judged
from .rule import Finding, Rule, rules_in

__all__ = ["RULES", "judge"]

RULES: tuple[Rule[Judged], ...] = rules_in(policy)
"""The rules of the policy, by family and number."""


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
    settings = desired.settings.noun.policy
    judged = [rule for rule in RULES if base or not rule.needs_base]
    tree = Judged(desired, base, today)
    findings: dict[str, tuple[Finding, ...]] = {}
    for rule in judged:
        if _level(rule, settings) is not Level.OFF:
            findings[rule.code] = tuple(rule.judge(tree))

    exempted = _exempted(settings, today)
    diagnostics = []
    for rule in judged:
        for finding in findings.get(rule.code, ()):
            if finding.of.isdisjoint(exempted.get(rule.code, ())):
                diagnostics.append(rule.diagnostic(finding, _level(rule, settings)))
    diagnostics.extend(_unknown_rules(desired))
    diagnostics.extend(_idle_exceptions(desired, judged, findings, today))
    return tuple(sorted(diagnostics, key=_by_line))


def _level(rule: Rule[Judged], settings: PolicySettings) -> Level:
    return settings.levels.get(rule.code, rule.level)


def _exempted(settings: PolicySettings, today: date) -> Mapping[str, set[str]]:
    """Return what each rule, by its code, is not to tell anything of."""
    exempted: dict[str, set[str]] = {}
    for exemption in settings.exceptions:
        if not _has_ended(exemption, today):
            exempted.setdefault(exemption.rule, set()).add(exemption.of)
    return exempted


def _unknown_rules(desired: DesiredState) -> Iterator[Diagnostic]:
    """Find codes in the settings that no rule has."""
    settings = desired.settings.noun.policy
    lines = desired.settings.lines
    written: list[tuple[str, Where]] = []
    for code in settings.levels:
        written.append((code, lines.at("policy", "levels", code)))
    for index, exemption in enumerate(settings.exceptions):
        written.append((exemption.rule, lines.value_at("policy", "exceptions", index, "rule")))

    # A rule's name is none of its codes, but tells which code was meant.
    codes: dict[str, str] = {}
    for rule in RULES:
        codes[rule.code] = rule.code
        codes[rule.name] = rule.code
    for code, where in written:
        if codes.get(code) == code:
            continue
        hint = "They are in the reference, under Policy."
        if near := nearest(code, codes):
            hint = f"Did you mean `{codes[near]}`?"
        yield Diagnostic("Unknown rule", f"{spelled(code)} is the code of no rule.", where, hint)


def _idle_exceptions(
    desired: DesiredState,
    judged: Sequence[Rule[Judged]],
    findings: Mapping[str, Sequence[Finding]],
    today: date,
) -> Iterator[Diagnostic]:
    """Find exceptions that have ended, and those that nothing needs."""
    # Of a rule that was not judged nobody knows whether it is needed.
    subjects: dict[str, set[str]] = {rule.code: set() for rule in judged}
    for code, found_by_rule in findings.items():
        for finding in found_by_rule:
            subjects[code].update(finding.of)

    settings = desired.settings
    for index, exemption in enumerate(settings.noun.policy.exceptions):
        where = settings.lines.at("policy", "exceptions", index)
        exception = f"The exception to {exemption.rule} for {exemption.of}"
        if _has_ended(exemption, today):
            yield Diagnostic(
                "Exception has ended",
                f"{exception} counted until {exemption.until}: {exemption.because}.",
                where,
                "Delete it and mend what it was for, or agree on another day.",
                Severity.WARNING,
            )
        elif exemption.rule in subjects and exemption.of not in subjects[exemption.rule]:
            yield Diagnostic(
                "Exception to nothing",
                f"{exception} silences nothing.",
                where,
                "Delete it, or mend what it names.",
                Severity.NOTE,
            )


def _has_ended(exemption: Exemption, today: date) -> bool:
    last = day(exemption.until)
    return last is not None and last < today


def _by_line(diagnostic: Diagnostic) -> tuple[Where, str, str]:
    return (diagnostic.where or Where("", 0), diagnostic.code, diagnostic.detail)

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

PolicyRule = Rule[Judged]

RULES: tuple[PolicyRule, ...] = rules_in(policy)
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
    tree = Judged(desired, base, today)
    exempted = _exempted(settings, today)
    judged = []
    findings: dict[str, list[Finding]] = {}
    diagnostics = []
    for rule in RULES:
        if rule.needs_base and base is None:
            continue
        judged.append(rule)
        code = rule.code
        level = settings.levels.get(code, rule.level)
        if level is Level.OFF:
            continue
        # Also what is silenced is kept: else nobody could tell which
        # exceptions nothing needs any more.
        findings[code] = list(rule.judge(tree))
        silenced = exempted.get(code, set())
        for finding in findings[code]:
            if finding.of.isdisjoint(silenced):
                diagnostic = rule.diagnostic(finding, level)
                diagnostics.append(diagnostic)
    diagnostics.extend(_unknown_rules(desired))
    diagnostics.extend(_idle_exceptions(desired, judged, findings, today))
    diagnostics.sort(key=_by_line)
    return tuple(diagnostics)


def _exempted(settings: PolicySettings, today: date) -> Mapping[str, set[str]]:
    """Return what each rule, by its code, is not to tell anything of."""
    exempted: dict[str, set[str]] = {}
    for exemption in settings.exceptions:
        if not _has_ended(exemption, today):
            subjects = exempted.setdefault(exemption.rule, set())
            subjects.add(exemption.of)
    return exempted


def _unknown_rules(desired: DesiredState) -> Iterator[Diagnostic]:
    """Find codes in the settings that no rule has."""
    settings = desired.settings.noun.policy
    lines = desired.settings.lines
    for code in settings.levels:
        where = lines.at("policy", "levels", code)
        yield from _unknown_rule(code, where)
    for index, exemption in enumerate(settings.exceptions):
        where = lines.value_at("policy", "exceptions", index, "rule")
        yield from _unknown_rule(exemption.rule, where)


def _unknown_rule(code: str, where: Where) -> Iterator[Diagnostic]:
    # The name of a rule is not its code, but tells which one was meant.
    codes: dict[str, str] = {}
    for rule in RULES:
        codes[rule.code] = rule.code
        codes[rule.name] = rule.code
    if codes.get(code) == code:
        # Not by its name: a word that is no code names no rule.
        return
    hint = "They are in the reference, under Policy."
    near = nearest(code, codes)
    if near:
        hint = f"Did you mean `{codes[near]}`?"
    yield Diagnostic(
        summary="Unknown rule",
        detail=f"{spelled(code)} is the code of no rule.",
        where=where,
        hint=hint,
    )


def _idle_exceptions(
    desired: DesiredState,
    judged: Sequence[PolicyRule],
    findings: Mapping[str, list[Finding]],
    today: date,
) -> Iterator[Diagnostic]:
    """Find exceptions that have ended, and those that nothing needs."""
    # Of a rule that was not judged nobody knows whether it is needed.
    subjects: dict[str, set[str]] = {rule.code: set() for rule in judged}
    for code, findings_of_rule in findings.items():
        for finding in findings_of_rule:
            subjects[code].update(finding.of)

    exceptions = desired.settings.noun.policy.exceptions
    lines = desired.settings.lines
    for index, exemption in enumerate(exceptions):
        where = lines.at("policy", "exceptions", index)
        exception = f"The exception to {exemption.rule} for {exemption.of}"
        if _has_ended(exemption, today):
            yield Diagnostic(
                summary="Exception has ended",
                detail=f"{exception} counted until {exemption.until}: {exemption.because}.",
                where=where,
                hint="Delete it and mend what it was for, or agree on another day.",
                severity=Severity.WARNING,
            )
            continue
        subjects_of_rule = subjects.get(exemption.rule)
        if subjects_of_rule is not None and exemption.of not in subjects_of_rule:
            yield Diagnostic(
                summary="Exception to nothing",
                detail=f"{exception} silences nothing.",
                where=where,
                hint="Delete it, or mend what it names.",
                severity=Severity.NOTE,
            )


def _has_ended(exemption: Exemption, today: date) -> bool:
    last = day(exemption.until)
    if last is None:
        return False
    return last < today


def _by_line(diagnostic: Diagnostic) -> tuple[Where, str, str]:
    where = diagnostic.where or Where("", 0)
    return where, diagnostic.code, diagnostic.detail

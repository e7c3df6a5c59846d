"""Judge a state tree by the policy: the rules, their levels, exceptions.

No finding stops a plan or a run (docs/decisions/0015); what is told is for
the people who review a change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ..errors import Diagnostic, Severity, Where
from ..model.desired import DesiredState
from ..model.names import nearest, spelled
from ..model.policy import CAPTURED, Exemption, Level, PolicySettings, day, is_of_making
from . import policy
from .judged import Judged
from .rule import Finding, Rule, rules_in

__all__ = ["RULES", "judge"]

PolicyRule = Rule[Judged]

RULES: tuple[PolicyRule, ...] = rules_in(policy)
"""The rules of the policy, by family and number."""

_MUCH = 4
"""Findings of captured tickets from which an exception for all is shown."""


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
    of_captured: Counter[str] = Counter()
    diagnostics: list[Diagnostic] = []
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
                if CAPTURED in finding.of and is_of_making(code):
                    of_captured[code] += 1
    diagnostics.extend(_unknown_rules(desired))
    diagnostics.extend(_idle_exceptions(desired, judged, findings, today))
    diagnostics.sort(key=_by_line)
    # Behind what it is about.
    diagnostics.extend(_much_of_captured(desired, of_captured))
    return tuple(diagnostics)


def _exempted(settings: PolicySettings, today: date) -> Mapping[str, set[str]]:
    """Return what each rule, by its code, is not to tell anything of."""
    exempted: dict[str, set[str]] = {}
    for exemption in settings.exceptions:
        if _has_ended(exemption, today):
            continue
        for code in exemption.rule:
            subjects = exempted.setdefault(code, set())
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
        for number, code in enumerate(exemption.rule):
            # A rule that is no list stands where the list would.
            where = lines.value_at("policy", "exceptions", index, "rule", number)
            yield from _unknown_rule(code, where)


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
        rules = ", ".join(exemption.rule)
        exception = f"The exception to {rules} for {exemption.of}"
        if _has_ended(exemption, today):
            yield Diagnostic(
                summary="Exception has ended",
                detail=f"{exception} counted until {exemption.until}: {exemption.because}.",
                where=where,
                hint="Delete it and mend what it was for, or agree on another day.",
                severity=Severity.WARNING,
            )
            continue
        for code in exemption.rule:
            subjects_of_rule = subjects.get(code)
            if subjects_of_rule is None or exemption.of in subjects_of_rule:
                continue
            yield Diagnostic(
                summary="Exception to nothing",
                detail=f"The exception to {code} for {exemption.of} silences nothing.",
                where=where,
                hint="Delete it, or mend what it names.",
                severity=Severity.NOTE,
            )


def _much_of_captured(desired: DesiredState, numbers: Counter[str]) -> Iterator[Diagnostic]:
    """Tell how much is found of what was captured can be excepted at once."""
    if numbers.total() < _MUCH:
        return
    rules = ", ".join(sorted(numbers))
    yield Diagnostic(
        summary="Found of what was captured",
        detail=(
            f"Captured tickets are against {rules}. They were made before anybody declared them, and "
            "are not made again."
        ),
        where=desired.settings.lines.at("policy", "exceptions"),
        hint=(
            "To be told no more of it, have in calibstate.yaml:\n\n"
            "policy:\n"
            "  exceptions:\n"
            f"    - rule: [{rules}]\n"
            f"      of: {CAPTURED}\n"
            "      because: made before these rules"
        ),
        severity=Severity.NOTE,
    )


def _has_ended(exemption: Exemption, today: date) -> bool:
    if exemption.until is None:
        return False
    last = day(exemption.until)
    return last is not None and last < today


def _by_line(diagnostic: Diagnostic) -> tuple[Where, str, str]:
    where = diagnostic.where or Where("", 0)
    return where, diagnostic.code, diagnostic.detail

"""The language between ``${{`` and ``}}``, as far as our workflows speak it.

What is not known here is an error, never empty text: a word that GitHub would
understand otherwise must not pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Expressions", "mentions_status"]

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>==|!=|&&|\|\||[!().,\[\]]))"
)
HOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
STATUS = re.compile(r"\b(?:success|failure|always|cancelled)\s*\(")

Function = Callable[..., Any]


def mentions_status(condition: str) -> bool:
    """Say whether a condition asks how things went, by itself."""
    return bool(STATUS.search(condition))


def _format(template: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)\}", lambda hole: as_text(values[int(hole[1])]), template)


def _contains(within: Any, wanted: Any) -> bool:
    if isinstance(within, list):
        return any(equal(one, wanted) for one in within)
    return as_text(wanted).casefold() in as_text(within).casefold()


FUNCTIONS: Mapping[str, Function] = {
    "contains": _contains,
    "format": _format,
    "fromjson": json.loads,
    "startswith": lambda text, start: as_text(text).casefold().startswith(as_text(start).casefold()),
    "tojson": lambda value: json.dumps(value, indent=2),
}


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    assert isinstance(value, str | int | float), f"{value!r} stands in a text"
    return str(value)


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if type(one) is type(other):
        return bool(one == other)
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


@dataclass(frozen=True)
class Expressions:
    """What the contexts of a job, or of a step, make of texts."""

    contexts: Mapping[str, Any]
    status: Mapping[str, Function]
    """What ``success()`` and its kin answer here."""

    def text(self, template: Any) -> str:
        """Return a text with its holes filled in."""
        return HOLE.sub(lambda hole: as_text(self.value(hole[1])), as_text(template))

    def anything(self, template: Any) -> Any:
        """Return a value, which a hole alone need not make a text of."""
        if not isinstance(template, str):
            return template
        alone = HOLE.fullmatch(template.strip())
        return self.value(alone[1]) if alone else self.text(template)

    def holds(self, condition: Any) -> bool:
        """Say whether a step or a job is to run."""
        if condition is None:
            return bool(self.value("success()"))
        said = as_text(condition).strip()
        alone = HOLE.fullmatch(said)
        said = alone[1] if alone else said
        assert "${{" not in said, f"half a condition: {condition}"
        if not mentions_status(said):
            said = f"success() && ({said})"
        return bool(self.value(said))

    def value(self, expression: str) -> Any:
        """Return what an expression is."""
        tokens, at = [], 0
        expression = expression.strip()
        while at < len(expression):
            found = TOKEN.match(expression, at)
            assert found, f"not understood: {expression[at:]!r} of {expression!r}"
            tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        reading = _Reading(tokens, self)
        value = reading.either()
        assert reading.at == len(tokens), f"not understood to its end: {expression!r}"
        return value

    def called(self, name: str, arguments: Sequence[Any]) -> Any:
        functions = {**FUNCTIONS, **self.status}
        assert name.casefold() in functions, f"no function {name}"
        return functions[name.casefold()](*arguments)


@dataclass
class _Reading:
    tokens: list[tuple[str, str]]
    expressions: Expressions
    at: int = 0

    def _is(self, *signs: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign":
            sign = self.tokens[self.at][1]
            if sign in signs:
                self.at += 1
                return sign
        return None

    def _must(self, sign: str) -> None:
        assert self._is(sign), f"{sign} is missing in {self.tokens}"

    def either(self) -> Any:
        value = self.both()
        while self._is("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.same()
        while self._is("&&"):
            other = self.same()
            value = value and other
        return value

    def same(self) -> Any:
        value = self.no()
        while sign := self._is("==", "!="):
            value = equal(value, self.no()) is (sign == "==")
        return value

    def no(self) -> Any:
        return not self.no() if self._is("!") else self.part()

    def part(self) -> Any:
        value = self.first()
        while sign := self._is(".", "["):
            if sign == ".":
                key: Any = self.tokens[self.at][1]
                self.at += 1
            else:
                key = self.either()
                self._must("]")
            value = _looked_up(value, key)
        return value

    def first(self) -> Any:
        if self._is("("):
            value = self.either()
            self._must(")")
            return value
        form, token = self.tokens[self.at]
        self.at += 1
        if form == "string":
            return token[1:-1].replace("''", "'")
        if form == "number":
            return float(token) if "." in token else int(token)
        assert form == "word", f"not understood: {token}"
        if token in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[token]
        if self._is("("):
            return self.expressions.called(token, self._arguments())
        assert token in self.expressions.contexts, f"no context {token}"
        return self.expressions.contexts[token]

    def _arguments(self) -> list[Any]:
        if self._is(")"):
            return []
        arguments = [self.either()]
        while self._is(","):
            arguments.append(self.either())
        self._must(")")
        return arguments


def _looked_up(value: Any, key: Any) -> Any:
    if isinstance(value, list):
        return value[key] if isinstance(key, int) and key < len(value) else None
    if not isinstance(value, Mapping):
        return None
    return next((v for k, v in value.items() if k.casefold() == as_text(key).casefold()), None)

"""What is wrong with a file that does not fit its noun, in words for people.

pydantic finds the mistakes, all of them; here each gets its line, the words
that a person would use, and the nearest word that would have been right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import Diagnostic, Where
from ..model.desired import KeyPath
from ..model.names import Noun, nearest, spelled, strange_in
from .forms import keys_at
from .yamlsource import MAX_PROBLEMS, Source, shortened

__all__ = ["mistakes"]

_WORD_RULE = "may hold only letters, digits and `. - _`"

_PATTERNS = {
    "^[A-Za-z0-9._-]+$": _WORD_RULE,
    "^sha256:[0-9a-f]{64}$": "must be `sha256:` and 64 hex digits",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "must be a day, YYYY-MM-DD",
}


def mistakes(invalid: ValidationError, noun: type[Noun], source: Source) -> Iterator[Diagnostic]:
    """Tell what keeps a file from being what it should be.

    Parameters
    ----------
    invalid
        What pydantic tells of it.
    noun
        What the file should be.
    source
        What it says.
    """
    errors = invalid.errors(include_url=False)
    for error in errors[:MAX_PROBLEMS]:
        path = _path(error["loc"], source.data)
        yield _diagnostic(error, path, noun, source)
    if len(errors) > MAX_PROBLEMS:
        detail = f"{len(errors) - MAX_PROBLEMS} more mistakes of this file are not told."
        yield Diagnostic("Too many mistakes", detail, source.lines.at())


def _path(location: tuple[str | int, ...], data: Any) -> KeyPath:
    """Return the keys and indices of a place, without pydantic's own marks.

    Between them stand the names of the alternatives that it took.
    """
    path: list[str | int] = []
    for number, step in enumerate(location):
        last = number == len(location) - 1
        if _holds(data, step):
            data = data[step]
        elif not last or step == "[key]" or (isinstance(step, str) and step.startswith("<")):
            continue
        path.append(step)
    return tuple(path)


def _holds(data: Any, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _diagnostic(error: ErrorDetails, path: KeyPath, noun: type[Noun], source: Source) -> Diagnostic:
    name = _name(path)
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(path, noun, source)
        case "missing":
            where = source.lines.at()
            if len(path) > 1:
                where = source.lines.value_at(*path[:-1])
            return Diagnostic("Key missing", f"{name} must be given.", where)
        case "union_tag_not_found":
            return Diagnostic("Key missing", f"{_name((*path, 'by'))} must be given.", source.lines.at(*path))
        case "string_pattern_mismatch" | "value_error":
            return Diagnostic("Not a valid value", _rule(error, name), _where(error, path, source))
        case "enum" | "literal_error" | "union_tag_invalid":
            return _not_one_of(error, path, source)
        case "string_too_short" | "too_short":
            return Diagnostic("Value missing", f"{name} must not be empty.", source.lines.value_at(*path))
        case kind:
            return _wrong_kind(kind, error, path, source)


def _unknown_key(path: KeyPath, noun: type[Noun], source: Source) -> Diagnostic:
    *outer, last = path
    key = str(last)
    keys = keys_at(noun, tuple(outer))
    within = ""
    if outer:
        within = f" in {_name(tuple(outer))}"
    detail = f"{spelled(shortened(key))} is not a key{within}; what it says would be lost."
    hint = f"Known keys: {_listed(keys)}."
    if near := nearest(key, keys):
        hint = f"Did you mean `{near}`?"
    return Diagnostic("Unknown key", detail, source.lines.at(*path), hint)


def _not_one_of(error: ErrorDetails, path: KeyPath, source: Source) -> Diagnostic:
    context = error.get("ctx", {})
    expected = str(context.get("expected_tags") or context.get("expected", ""))
    words: list[str] = []
    for word in expected.replace(" or ", ",").split(","):
        words.append(word.strip().strip("'"))
    given = context.get("tag", error["input"])
    # Of alternatives that a key tells apart, it is that key that is wrong.
    named = path
    if error["type"] == "union_tag_invalid" and path[-1:] != ("by",):
        named = (*path, "by")
    place = path
    if "tag" in context:
        place = (*path, "by")
    where = source.lines.value_at(*place)
    detail = f"{_name(named)} is {_quoted(given)}; it must be {_listed(words, 'or')}."
    near = None
    if isinstance(given, str):
        near = nearest(given, words)
    hint = ""
    if near:
        hint = f"Did you mean `{near}`?"
    if near == given:
        hint = "Write it without quotes."
    return Diagnostic("Unknown word", detail, where, hint)


def _rule(error: ErrorDetails, name: str) -> str:
    context = error.get("ctx", {})
    given = error["input"]
    reason = context.get("error")
    if not reason:
        rule = _PATTERNS.get(str(context.get("pattern")), "is not in the right form")
        return f"{name} {rule}; it is {_quoted(given)}."
    words = f"{name}: {shortened(str(reason), 300)}"
    if isinstance(given, str):
        strange = strange_in(given)
        if strange:
            words += f" (with {strange})"
    return f"{words}."


def _where(error: ErrorDetails, path: KeyPath, source: Source) -> Where:
    # Of a key that is wrong itself, the mark is behind its place.
    if error["loc"][-1:] == ("[key]",):
        return source.lines.at(*path)
    return source.lines.value_at(*path)


_KINDS = {
    "string_type": "text",
    "tuple_type": "a list (`[a, b]`, or lines that begin with `- `)",
    "dict_type": "a mapping (lines of `key: value`)",
    "model_type": "a mapping (lines of `key: value`)",
    "model_attributes_type": "a mapping (lines of `key: value`)",
}


def _wrong_kind(kind: str, error: ErrorDetails, path: KeyPath, source: Source) -> Diagnostic:
    given = error["input"]
    name = "The file"
    if path:
        name = _name(path)
    wanted = _KINDS.get(kind)
    if wanted is None:
        # A rule of pydantic's that none of our nouns had when this was
        # written: its own words are better than none.
        return Diagnostic("Not valid", f"{name}: {error['msg']}.", source.lines.value_at(*path))
    detail = f"{name} must be {wanted}; it is {_quoted(given)}."
    hint = ""
    if wanted == "text" and isinstance(given, int | float):
        hint = "Put it in quotes."
    return Diagnostic("Wrong kind of value", detail, source.lines.value_at(*path), hint)


def _quoted(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number {shortened(str(value))}"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            strange = strange_in(str(value))
            quoted = json.dumps(shortened(str(value)), ensure_ascii=False)
            if strange:
                return f"{quoted} (with {strange})"
            return quoted


def _name(path: KeyPath) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += f".{step}"
    return f"`{shortened(text.removeprefix('.'))}`"


def _listed(words: list[str], before_last: str = "and") -> str:
    quoted = [f"`{word}`" for word in words]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {before_last} {quoted[-1]}"

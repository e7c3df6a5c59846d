"""What is wrong with a file that does not fit its noun, in words for people.

pydantic finds the mistakes, all of them; here each gets its line, the words
that a person would use, and the nearest word that would have been right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import Diagnostic, Where
from ..model.desired import KeyPath
from ..model.names import ISSUE_PATTERN, Noun, issue_key_meant, nearest, spelled, strange_in
from ..model.skymaps import CONFIG_FILE, HASH
from .forms import keys_at
from .yamlsource import MAX_PROBLEMS, Source, shortened

__all__ = ["mistakes"]

_WORD_RULE = "may hold only letters, digits and `. - _`"

_PATTERNS = {
    ISSUE_PATTERN: "must be the key of a ticket, such as `TAXICAB-15`",
    "^[A-Za-z0-9._-]+$": _WORD_RULE,
    "^sha256:[0-9a-f]{64}$": "must be `sha256:` and 64 hex digits",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "must be a day, YYYY-MM-DD",
    HASH: "must be 40 hex digits",
    CONFIG_FILE: "must be the name of a file beside this one, and end in `.config`",
}

_KINDS = {
    "string_type": "text",
    "tuple_type": "a list (`[a, b]`, or lines that begin with `- `)",
    "dict_type": "a mapping (lines of `key: value`)",
    "model_type": "a mapping (lines of `key: value`)",
    "model_attributes_type": "a mapping (lines of `key: value`)",
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
        mistake = _Mistake(error, path, noun, source)
        yield mistake.diagnostic()
    more = len(errors) - MAX_PROBLEMS
    if more > 0:
        yield Diagnostic(
            "Too many mistakes",
            f"{more} more mistakes of this file are not told.",
            source.lines.at(),
        )


def _path(location: tuple[str | int, ...], data: Any) -> KeyPath:
    """Return the keys and indices of a place, without pydantic's own marks.

    Between them stand the names of the alternatives that it took.
    """
    path = []
    last = len(location) - 1
    for number, step in enumerate(location):
        is_held = False
        if isinstance(data, dict):
            is_held = step in data
        elif isinstance(data, list) and isinstance(step, int):
            is_held = step < len(data)
        if is_held:
            # From here on, what stands below it is looked at.
            data = data[step]
            path.append(step)
            continue
        # What the file does not hold is a mark, but for a key that is missing.
        is_mark = isinstance(step, str) and (step == "[key]" or step.startswith("<"))
        if number == last and not is_mark:
            path.append(step)
    return tuple(path)


@dataclass(frozen=True)
class _Mistake:
    """A mistake that pydantic found in a file."""

    error: ErrorDetails

    path: KeyPath
    """Where it is."""

    noun: type[Noun]
    """What the file should be."""

    source: Source
    """What the file says."""

    @property
    def name(self) -> str:
        """What is wrong, as a message names it."""
        return _name(self.path)

    @property
    def value_at(self) -> Where:
        """The line of the value that is wrong."""
        return self.source.lines.value_at(*self.path)

    def diagnostic(self) -> Diagnostic:
        """Return it in words for people."""
        lines = self.source.lines
        match self.error["type"]:
            case "extra_forbidden":
                return self.unknown_key()
            case "missing":
                where = lines.at()
                if len(self.path) > 1:
                    where = lines.value_at(*self.path[:-1])
                return Diagnostic(
                    "Key missing",
                    f"{self.name} must be given.",
                    where,
                )
            case "union_tag_not_found":
                name = _name((*self.path, "by"))
                return Diagnostic(
                    "Key missing",
                    f"{name} must be given.",
                    lines.at(*self.path),
                )
            case "string_pattern_mismatch" | "value_error":
                return self.not_valid()
            case "enum" | "literal_error" | "union_tag_invalid":
                return self.unknown_word()
            case "string_too_short" | "too_short":
                return Diagnostic(
                    "Value missing",
                    f"{self.name} must not be empty.",
                    self.value_at,
                )
            case kind:
                return self.wrong_kind(kind)

    def unknown_key(self) -> Diagnostic:
        """Tell of a key that no noun of this sort has."""
        *outer, last = self.path
        key = str(last)
        keys = keys_at(self.noun, tuple(outer))
        within = ""
        if outer:
            name = _name(tuple(outer))
            within = f" in {name}"
        hint = f"Known keys: {_listed(keys)}."
        near = nearest(key, keys)
        if near:
            hint = f"Did you mean `{near}`?"
        shown = spelled(shortened(key))
        return Diagnostic(
            "Unknown key",
            f"{shown} is not a key{within}; what it says would be lost.",
            self.source.lines.at(*self.path),
            hint,
        )

    def unknown_word(self) -> Diagnostic:
        """Tell of a word where only a few may stand."""
        context = self.error.get("ctx", {})
        expected = context.get("expected_tags") or context.get("expected", "")
        # pydantic writes them as 'a', 'b' or 'c'.
        listed = str(expected).replace(" or ", ",")
        words = []
        for word in listed.split(","):
            bare = word.strip()
            words.append(bare.strip("'"))
        given = context.get("tag", self.error["input"])
        # Of alternatives that a key tells apart, it is that key that is wrong.
        by = (*self.path, "by")
        named = self.path
        if self.error["type"] == "union_tag_invalid" and self.path[-1:] != ("by",):
            named = by
        place = self.path
        if "tag" in context:
            place = by
        near = None
        if isinstance(given, str):
            near = nearest(given, words)
        hint = ""
        if near:
            hint = f"Did you mean `{near}`?"
        if near == given:
            hint = "Write it without quotes."
        name = _name(named)
        allowed = _listed(words, "or")
        return Diagnostic(
            "Unknown word",
            f"{name} is {_quoted(given)}; it must be {allowed}.",
            self.source.lines.value_at(*place),
            hint,
        )

    def not_valid(self) -> Diagnostic:
        """Tell of a value that breaks a rule."""
        context = self.error.get("ctx", {})
        given = self.error["input"]
        where = self.value_at
        # Of a key that is wrong itself, the mark is behind its place.
        if self.error["loc"][-1:] == ("[key]",):
            where = self.source.lines.at(*self.path)
        reason = context.get("error")
        if not reason:
            pattern = str(context.get("pattern"))
            rule = _PATTERNS.get(pattern, "is not in the right form")
            hint = ""
            if pattern == ISSUE_PATTERN:
                hint = self._instead_of_a_key(given)
            return Diagnostic(
                "Not a valid value",
                f"{self.name} {rule}; it is {_quoted(given)}.",
                where,
                hint,
            )
        strange = None
        if isinstance(given, str):
            strange = strange_in(given)
        sentence = shortened(str(reason), 300)
        if strange:
            sentence += f" (with {strange})"
        return Diagnostic(
            "Not a valid value",
            f"{self.name}: {sentence}.",
            where,
        )

    def _instead_of_a_key(self, given: str) -> str:
        """Say what to write where the key of a ticket was meant."""
        meant = issue_key_meant(given)
        if meant:
            return f"Write `{meant}`."
        if self.path[0] == "approval":
            return "Give the key; as long as there is none, leave it out and write why in `note`."
        return "Give the key; as long as there is none, leave it out."

    def wrong_kind(self, kind: str) -> Diagnostic:
        """Tell of a value of which pydantic wants another kind."""
        given = self.error["input"]
        name = "The file"
        if self.path:
            name = self.name
        wanted = _KINDS.get(kind)
        if wanted is None:
            # A rule of pydantic's that none of our nouns had when this was
            # written: its own words are better than none.
            return Diagnostic(
                "Not valid",
                f"{name}: {self.error['msg']}.",
                self.value_at,
            )
        hint = ""
        if wanted == "text" and isinstance(given, int | float):
            hint = "Put it in quotes."
        return Diagnostic(
            "Wrong kind of value",
            f"{name} must be {wanted}; it is {_quoted(given)}.",
            self.value_at,
            hint,
        )


def _quoted(value: Any) -> str:
    """Return a value as a message shows it."""
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
            text = str(value)
            quoted = json.dumps(shortened(text), ensure_ascii=False)
            strange = strange_in(text)
            if strange:
                return f"{quoted} (with {strange})"
            return quoted


def _name(path: KeyPath) -> str:
    """Return a place as a message names it: `entries[2].only`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += f".{step}"
    text = text.removeprefix(".")
    return f"`{shortened(text)}`"


def _listed(words: list[str], before_last: str = "and") -> str:
    quoted = [f"`{word}`" for word in words]
    if len(quoted) < 2:
        return "".join(quoted)
    *others, last = quoted
    joined = ", ".join(others)
    return f"{joined} {before_last} {last}"

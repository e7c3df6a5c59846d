"""The forms of our files: which keys a mapping may have, and in what order.

Both are what the nouns say, so that a key is added in one place.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ..model.desired import KeyPath
from ..model.names import Noun

__all__ = ["keys_at"]


def keys_at(noun: type[Noun], path: KeyPath) -> list[str]:
    """Return the keys that a mapping within a noun's file may have.

    Parameters
    ----------
    noun
        What the file should be.
    path
        Where the mapping is in it.

    Returns
    -------
    list of str
        In the order in which they are written; none where any may be.
    """
    forms: list[Any] = [noun]
    # Several, since a value may be of one of several nouns.
    for step in path:
        below: list[Any] = []
        for form in forms:
            below.extend(_below(form, step))
        forms = below
    keys: dict[str, None] = {}
    for form in forms:
        for alternative in _alternatives(form):
            if not _is_noun(alternative):
                continue
            # A dictionary, since it keeps their order, and each once.
            for key in _fields(alternative):
                keys[key] = None
    return list(keys)


def _below(form: Any, step: str | int) -> Iterator[Any]:
    """Give the annotations of what stands below a step."""
    for plain in _alternatives(form):
        if _is_noun(plain) and step in _fields(plain):
            field = _fields(plain)[str(step)]
            yield field.annotation
        elif get_origin(plain) in (tuple, dict):
            # Of tuple[X, ...] the first, of dict[str, X] the last.
            arguments = get_args(plain)
            if isinstance(step, int):
                yield arguments[0]
            else:
                yield arguments[-1]


def _alternatives(form: Any) -> Iterator[Any]:
    """Give the alternatives of an annotation, without their constraints."""
    origin = get_origin(form)
    arguments = get_args(form)
    if origin is Annotated:
        yield from _alternatives(arguments[0])
    elif origin in (Union, types.UnionType):
        for alternative in arguments:
            yield from _alternatives(alternative)
    else:
        yield form


def _fields(noun: type[Noun]) -> dict[str, FieldInfo]:
    """Return the fields of a noun by what they are called in a file."""
    fields = {}
    for name, field in noun.model_fields.items():
        key = field.alias or name
        fields[key] = field
    return fields


def _is_noun(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, Noun)

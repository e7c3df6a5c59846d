"""The strings under the fields of nouns, put into their JSON Schemas.

They are read from the source with one walk of its syntax tree, and only where
schemas are written.  pydantic would do so for each class when it is imported,
which took a third of the start of every command.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import TypeAlias, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from ..model.names import Noun

__all__ = ["WithFieldStrings"]

_Strings: TypeAlias = Mapping[str, str | None]
"""The string under each field of a class; `None`: there is none."""


class WithFieldStrings(GenerateJsonSchema):
    """Writes a schema that says of each field what stands under it."""

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a noun."""
        written = super().model_schema(schema)
        noun = cast(type[Noun], schema["cls"])
        for name, field in noun.model_fields.items():
            key = field.alias or name
            # What stands in no document is in no schema of one.
            if key not in written["properties"]:
                continue
            string = field.description
            if not string:
                string = _string_under(noun, name)
            # What a noun or an enumeration says of itself is not said again.
            if string is None or string == inspect.getdoc(field.annotation):
                continue
            described = written["properties"][key]
            described["description"] = string
        return written

    @override
    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Return the schema of a plain noun, such as a line of a file."""
        written = super().dataclass_schema(schema)
        plain: type = schema["cls"]
        properties = written["properties"]
        for name, string in _strings_of(plain).items():
            if string and name in properties:
                properties[name]["description"] = string
        return written


def _string_under(noun: type[Noun], field: str) -> str | None:
    """Return what stands under a field where it was last declared."""
    for declaring in noun.__mro__:
        if declaring is Noun:
            break
        strings = _strings_of(declaring)
        if field in strings:
            return strings[field]
    return None


def _strings_of(declaring: type) -> _Strings:
    strings = _strings_in(declaring.__module__)
    return strings.get(declaring.__name__, {})


@cache
def _strings_in(module: str) -> Mapping[str, _Strings]:
    """Return, by class and field, the strings of a module.

    A field without a string is there too: it hides that of a base.
    """
    source = inspect.getsource(sys.modules[module])
    by_class: dict[str, _Strings] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        strings = {}
        # The string of a field is the statement behind it; behind the last
        # statement there is none.
        for statement, following in pairwise([*node.body, ast.Pass()]):
            if not isinstance(statement, ast.AnnAssign):
                continue
            if isinstance(statement.target, ast.Name):
                strings[statement.target.id] = _string(following)
        by_class[node.name] = strings
    return by_class


def _string(statement: ast.stmt) -> str | None:
    """Return the string of a statement that is nothing else."""
    if not isinstance(statement, ast.Expr):
        return None
    if not isinstance(statement.value, ast.Constant):
        return None
    value = statement.value.value
    if not isinstance(value, str):
        return None
    return inspect.cleandoc(value)

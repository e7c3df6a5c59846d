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
from typing import cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from ..model.names import Noun

__all__ = ["WithFieldStrings"]


class WithFieldStrings(GenerateJsonSchema):
    """Writes a schema that says of each field what stands under it."""

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a noun."""
        written = super().model_schema(schema)
        noun = cast(type[Noun], schema["cls"])
        for name, field in noun.model_fields.items():
            string = field.description or _string_under(noun, name)
            # What a noun or an enumeration says of itself is not said again.
            if string is None or string == inspect.getdoc(field.annotation):
                continue
            written["properties"][field.alias or name]["description"] = string
        return written

    @override
    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Return the schema of a plain noun, such as a line of a file."""
        written = super().dataclass_schema(schema)
        plain: type = schema["cls"]
        for name, string in _strings(plain.__module__).get(plain.__name__, {}).items():
            if string and name in written["properties"]:
                written["properties"][name]["description"] = string
        return written


def _string_under(noun: type[Noun], field: str) -> str | None:
    """Return what stands under a field where it was last declared."""
    for declaring in noun.__mro__[: noun.__mro__.index(Noun)]:
        strings = _strings(declaring.__module__).get(declaring.__name__, {})
        if field in strings:
            return strings[field]
    return None


@cache
def _strings(module: str) -> Mapping[str, Mapping[str, str | None]]:
    """Return, by class and field, the strings of a module.

    A field without a string is there too: it hides that of a base.
    """
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _strings_in(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _strings_in(declared: ast.ClassDef) -> dict[str, str | None]:
    strings: dict[str, str | None] = {}
    for statement, following in pairwise([*declared.body, ast.Pass()]):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            strings[statement.target.id] = _string(following)
    return strings


def _string(statement: ast.stmt) -> str | None:
    """Return the string of a statement that is nothing else."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        return inspect.cleandoc(value) if isinstance(value, str) else None
    return None

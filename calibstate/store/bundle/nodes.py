"""The text of an export as nodes, and these as plain data.

Nothing that it says is constructed but plain data, and nothing that could
bring the loader down is read.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from typing_extensions import override

__all__ = ["TIME", "TIMESPAN", "Tagged", "compose", "load", "path_nodes"]

TIME = "!butler_time/tai/iso"
"""Tag of a moment; its value is text."""

TIMESPAN = "!lsst.daf.butler.Timespan"
"""Tag of a range; its value is ``EMPTY``, or ``begin`` and ``end``."""

_MAX_CHARACTERS = 200 * 2**20

_MAX_DEPTH = 32
"""An export nests six deep; libyaml's loader overflows the stack at some ten
thousand."""

_MAX_NUMBER = 40
"""Characters of a number; ``1:1:1:…`` takes quadratic time to read."""

_STANDARD = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Tagged:
    """A value in a dimension record that only the butler can construct."""

    tag: str
    """Its YAML tag: `TIME`, `TIMESPAN`, ``lsst.sphgeom.ConvexPolygon`` …"""

    value: Any
    """What the tag was written on: text, a list or a mapping."""


def _guard(text: str) -> None:
    """Refuse what could bring the loader down.

    Raises
    ------
    ValueError
        It is too large, nests too deep, or is not YAML.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters; more than {_MAX_CHARACTERS} are not read")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise ValueError(f"it nests more than {_MAX_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def compose(text: str) -> yaml.MappingNode:
    """Return the nodes of a text; nothing is constructed.

    Raises
    ------
    ValueError
        It is too large, nests too deep, or is no mapping in YAML.
    """
    try:
        _guard(text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("it is not a mapping")  # noqa: TRY004 - one error for all that is unreadable
    return root


def _entry_nodes(root: yaml.MappingNode) -> list[yaml.Node]:
    data = _value_node(root, "data")
    if not isinstance(data, yaml.SequenceNode):
        raise ValueError("`data` is not a list")  # noqa: TRY004
    return list(data.value)


def path_nodes(root: yaml.MappingNode) -> Iterator[yaml.ScalarNode]:
    """Yield the path of each dataset of an export, in its order."""
    for entry in _entry_nodes(root):
        if _word(entry, "type") != "dataset":
            continue
        records = _value_node(entry, "records")
        if not isinstance(records, yaml.SequenceNode):
            continue
        for record in records.value:
            path = _value_node(record, "path")
            if isinstance(path, yaml.ScalarNode):
                yield path


def _value_node(node: yaml.Node, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    wanted: yaml.Node | None = None
    # The last of several equal keys wins, as in the stock reader.
    for name, value in node.value:
        if name.value == key:
            wanted = value
    return wanted


def _word(node: yaml.Node, key: str) -> str | None:
    value = _value_node(node, key)
    return value.value if isinstance(value, yaml.ScalarNode) else None


class _Loader(yaml.CSafeLoader):
    """Constructs plain data, nothing twice, and no objects."""

    tagged_allowed = False
    """Whether unknown tags may stand here."""

    @override
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # Merge keys (``<<``) can be nested so that they double at each
        # level.  No export has them; left alone, their tag is unknown.
        pass

    @override
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        # The butler repeats moments and ranges by alias, never lists or
        # records; those could multiply beyond all memory.
        plural = isinstance(node, yaml.CollectionNode) and node.value and node.tag.startswith(_STANDARD)
        if plural and node in self.constructed_objects:
            raise yaml.constructor.ConstructorError(
                None, None, "a list or a mapping is repeated by an alias", node.start_mark
            )
        return super().construct_object(node, deep=deep)


def _tagged(loader: _Loader, node: yaml.Node) -> Tagged:
    if isinstance(node, yaml.MappingNode):
        return Tagged(node.tag, loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return Tagged(node.tag, loader.construct_sequence(node, deep=True))
    return Tagged(node.tag, node.value)


def _unknown(loader: _Loader, node: yaml.Node) -> Tagged:
    if not loader.tagged_allowed or node.tag.startswith(_STANDARD):
        raise yaml.constructor.ConstructorError(None, None, f"unknown tag {node.tag!r}", node.start_mark)
    return _tagged(loader, node)


def _number(construct: Callable[[_Loader, Any], Any]) -> Callable[[_Loader, yaml.Node], Any]:
    def construct_short(loader: _Loader, node: yaml.Node) -> Any:
        if len(node.value) > _MAX_NUMBER:
            raise yaml.constructor.ConstructorError(None, None, "a number is too long", node.start_mark)
        return construct(loader, node)

    return construct_short


_Loader.add_constructor("!uuid", lambda _, node: uuid.UUID(hex=node.value))
_Loader.add_constructor(TIME, _tagged)
_Loader.add_constructor(TIMESPAN, _tagged)
_Loader.add_constructor(f"{_STANDARD}int", _number(_Loader.construct_yaml_int))
_Loader.add_constructor(f"{_STANDARD}float", _number(_Loader.construct_yaml_float))
_Loader.add_constructor(None, _unknown)


def load(text: str) -> tuple[dict[Any, Any], list[Any]]:
    """Return the head of an export and its entries.

    Raises
    ------
    ValueError
        It is not an export.
    """
    root = compose(text)
    entries = _entry_nodes(root)
    head = [pair for pair in root.value if pair[0].value != "data"]
    # The nodes are there already, so this one has nothing to parse.
    loader = _Loader("")
    try:
        return (
            loader.construct_mapping(yaml.MappingNode(root.tag, head), deep=True),
            [_construct_entry(loader, node) for node in entries],
        )
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except (TypeError, LookupError, AttributeError, RecursionError) as error:
        # What PyYAML raises where a standard tag stands on something else,
        # as in ``!!bool 7``, or where a key cannot be hashed.
        raise ValueError(f"a value does not fit its tag ({error})") from error


def _construct_entry(loader: _Loader, node: yaml.Node) -> Any:
    loader.tagged_allowed = _word(node, "type") == "dimension"
    return loader.construct_object(node, deep=True)

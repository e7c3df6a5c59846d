"""The text of an export as nodes, and these as plain data.

Nothing that it says is constructed but plain data, and nothing that could
bring the loader down is read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
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


def compose(text: str) -> yaml.MappingNode:
    """Return the nodes of a text; nothing is constructed.

    Raises
    ------
    ValueError
        It is too large, nests too deep, or is no mapping in YAML.
    """
    size = len(text)
    if size > _MAX_CHARACTERS:
        raise ValueError(f"it has {size} characters; more than {_MAX_CHARACTERS} are not read")
    try:
        # The depth is measured by events first, which take no stack.
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _MAX_DEPTH:
                raise ValueError(f"it nests more than {_MAX_DEPTH} deep")
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(_in_a_line(error)) from error
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("it is not a mapping")  # noqa: TRY004 - one error for all that is unreadable
    return root


def _in_a_line(error: yaml.YAMLError) -> str:
    """Return what is wrong with YAML, which has it in several lines."""
    words = str(error).split()
    return " ".join(words)


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
    """Return what stands under a key; `None`: nothing does."""
    if not isinstance(node, yaml.MappingNode):
        return None
    wanted: yaml.Node | None = None
    # The last of several equal keys wins, as in the stock reader.
    for name, value in node.value:
        if name.value == key:
            wanted = value
    return wanted


def _word(node: yaml.Node, key: str) -> str | None:
    """Return the text that stands under a key; `None`: there is none."""
    value = _value_node(node, key)
    if not isinstance(value, yaml.ScalarNode):
        return None
    word: str = value.value
    return word


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
        # Empty ones cannot.  Scalars, of which there are most, are no plural,
        # and nothing else is asked of them.
        is_plural = isinstance(node, yaml.CollectionNode) and node.value
        if is_plural and node.tag.startswith(_STANDARD):
            is_repeated = node in self.constructed_objects
            if is_repeated:
                raise _cannot_be_constructed(node, "a list or a mapping is repeated by an alias")
        return super().construct_object(node, deep=deep)

    def construct_int(self, node: yaml.ScalarNode) -> Any:
        """Return an integer that is not too long to read."""
        self._check_length(node)
        return self.construct_yaml_int(node)

    def construct_float(self, node: yaml.ScalarNode) -> Any:
        """Return a number that is not too long to read."""
        self._check_length(node)
        return self.construct_yaml_float(node)

    def _check_length(self, node: yaml.ScalarNode) -> None:
        if len(node.value) > _MAX_NUMBER:
            raise _cannot_be_constructed(node, "a number is too long")

    def construct_uuid(self, node: yaml.ScalarNode) -> uuid.UUID:
        """Return the UUID of a dataset."""
        return uuid.UUID(hex=node.value)

    def construct_tagged(self, node: yaml.Node) -> Tagged:
        """Return what only the butler can construct, with its tag."""
        value: Any = node.value
        if isinstance(node, yaml.MappingNode):
            value = self.construct_mapping(node, deep=True)
        elif isinstance(node, yaml.SequenceNode):
            value = self.construct_sequence(node, deep=True)
        return Tagged(node.tag, value)

    def construct_unknown(self, node: yaml.Node) -> Tagged:
        """Return what has an unknown tag, where there may be one."""
        if not self.tagged_allowed or node.tag.startswith(_STANDARD):
            raise _cannot_be_constructed(node, f"unknown tag {node.tag!r}")
        return self.construct_tagged(node)


def _cannot_be_constructed(node: yaml.Node, why: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(
        problem=why,
        problem_mark=node.start_mark,
    )


_Loader.add_constructor("!uuid", _Loader.construct_uuid)
_Loader.add_constructor(TIME, _Loader.construct_tagged)
_Loader.add_constructor(TIMESPAN, _Loader.construct_tagged)
_Loader.add_constructor(f"{_STANDARD}int", _Loader.construct_int)
_Loader.add_constructor(f"{_STANDARD}float", _Loader.construct_float)
# All other tags.
_Loader.add_constructor(None, _Loader.construct_unknown)


def load(text: str) -> tuple[dict[Any, Any], list[Any]]:
    """Return the head of an export and its entries.

    Raises
    ------
    ValueError
        It is not an export.
    """
    root = compose(text)
    entries = _entry_nodes(root)
    pairs = []
    for key, value in root.value:
        if key.value != "data":
            pairs.append((key, value))
    head_node = yaml.MappingNode(root.tag, pairs)
    # The nodes are there already, so this one has nothing to parse.
    loader = _Loader("")
    data = []
    try:
        head = loader.construct_mapping(head_node, deep=True)
        for node in entries:
            # Records of dimensions have regions, which only the butler reads.
            loader.tagged_allowed = _word(node, "type") == "dimension"
            entry = loader.construct_object(node, deep=True)
            data.append(entry)
    except yaml.YAMLError as error:
        raise ValueError(_in_a_line(error)) from error
    except (TypeError, LookupError, AttributeError, RecursionError) as error:
        # What PyYAML raises where a standard tag stands on something else,
        # as in ``!!bool 7``, or where a key cannot be hashed.
        raise ValueError(f"a value does not fit its tag ({error})") from error
    return head, data

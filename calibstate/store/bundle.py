"""The two texts of a bundle: ``export.yaml`` and ``manifest.json``.

What is read here from an export is what the stock reader of the butler
(``YamlRepoImportBackend`` of lsst.daf.butler) would make of it, without the
butler; whatever could be understood in two ways is refused.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, RefusedError
from ..model.bundles import BundledCollection, BundleFile, Contents, Manifest, StoredDataset
from ..model.contents import CollectionType
from ..model.fingerprints import ticket_fingerprint
from ..model.names import TicketKey
from ..model.seals import content_digest
from ..model.timespans import EMPTY, UNBOUNDED_BEGIN, UNBOUNDED_END, Range, parse_tai

__all__ = [
    "EXPORT",
    "MANIFEST",
    "TIME",
    "TIMESPAN",
    "Tagged",
    "check",
    "check_content",
    "check_export",
    "dump_manifest",
    "load_manifest",
    "manifest_from",
    "path_problem",
    "paths",
    "read_contents",
    "with_paths",
]

EXPORT = "export.yaml"
"""Name of the export within a bundle."""

MANIFEST = "manifest.json"
"""Name of the manifest within a bundle."""

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

# The rule by which the stock reader turns the integers of old exports into
# UUIDs (``_RefMapper`` of lsst.daf.butler.transfers).
_OLD_IDS = uuid.UUID("4d4851f4-2890-4d41-8779-5f38a3f5062b")

_READABLE = re.compile(r"1\.0(\.\d+)?")
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ADLER32 = re.compile(r"[0-9a-f]{8}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\%#?]")
_STANDARD = "tag:yaml.org,2002:"

_Type = TypeVar("_Type")


@dataclass(frozen=True)
class Tagged:
    """A value in a dimension record that only the butler can construct."""

    tag: str
    """Its YAML tag: `TIME`, `TIMESPAN`, ``lsst.sphgeom.ConvexPolygon`` …"""

    value: Any
    """What the tag was written on: text, a list or a mapping."""


def read_contents(text: str, *, name: str = EXPORT) -> Contents:
    """Return what an export says.

    Members of TAGGED collections are not kept.

    Parameters
    ----------
    text
        ``export.yaml`` of a butler, version 1.0.
    name
        What messages call it.

    Raises
    ------
    RefusedError
        It is not such an export, or contradicts itself.
    """
    try:
        return _contents(*_load(text))
    except ValueError as error:
        raise _unreadable(name, str(error)) from error


def paths(text: str) -> list[str]:
    """Return the paths of the datasets of an export, in its order."""
    try:
        return [node.value for node in _path_nodes(_compose(text))]
    except ValueError as error:
        raise _unreadable(EXPORT, str(error)) from error


def with_paths(text: str, new: Mapping[str, str]) -> str:
    """Return an export with other paths of its datasets.

    Parameters
    ----------
    text
        The export; all else in it, tags too, stays as it is.
    new
        New path by old path; those that are not in it stay.
    """
    try:
        root = _compose(text)
        for node in _path_nodes(root):
            node.value = new.get(node.value, node.value)
    except ValueError as error:
        raise _unreadable(EXPORT, str(error)) from error
    return str(yaml.serialize(root, Dumper=yaml.CSafeDumper, allow_unicode=True))


def path_problem(path: str) -> str | None:
    """Say why a path cannot be one of a file in a bundle.

    Returns
    -------
    str or None
        The reason, or `None` for a good path.
    """
    segments = path.split("/")
    if not all(segments) or _SCHEME.match(path):
        return "it is not relative"
    if {".", ".."} & set(segments):
        return "it would climb out of the bundle"
    if _UNFIT.search(path):
        return "it has a character that a URI or a file system reads in its own way"
    if path in {EXPORT, MANIFEST} or any(s.startswith(".calibstate-") for s in segments):
        return "the name is one of calibstate's own"
    return None


def check_export(
    contents: Contents, ticket: TicketKey, collections: Sequence[str], fingerprint: str, *, name: str = EXPORT
) -> None:
    """Check that an export holds a ticket, all of it and no more.

    Parameters
    ----------
    contents
        What the export says.
    ticket
        Instrument and ticket.
    collections
        Full names of the ticket's collections, in search order.
    fingerprint
        The ticket's fingerprint.
    name
        What messages call the export.

    Raises
    ------
    RefusedError
        It does not; the message says what was found and expected.
    """
    _check_collections(contents, collections, name)
    _check_chains(contents, ticket, collections, name)
    found = ticket_fingerprint((c, contents.holding(c).fingerprint) for c in collections)
    if found != fingerprint:
        counts = ", ".join(f"{len(contents.holding(c).rows)} in {c}" for c in collections)
        raise _refused(
            "Export is not what was asked for",
            f"{name} holds other datasets or ranges than the ticket has: its fingerprint is {found}, "
            f"expected was {fingerprint}. Rows found: {counts}.",
            "The export is partial, or the origin changed meanwhile; look again and make a new plan.",
        )
    _check_datasets(contents, collections, name)


def check(contents: Contents, manifest: Manifest, *, name: str = EXPORT) -> None:
    """Check that an export holds what a manifest says.

    Raises
    ------
    RefusedError
        A path climbs, a collection or a file is missing, more or another
        than the manifest says.
    """
    ticket = (manifest.instrument, manifest.ticket)
    check_export(contents, ticket, [c.name for c in manifest.collections], manifest.fingerprint, name=name)
    for collection in manifest.collections:
        _check_collection(contents, collection, name)
    said = {(uuid_, file.path) for file in manifest.files for uuid_ in file.datasets}
    held = {(d.uuid, d.path) for d in contents.datasets}
    if said != held:
        raise _refused(
            "Bundle contradicts itself",
            f"{name} and {MANIFEST} tell of different files: {_differences(held, said)}.",
            _RESTORE,
        )


def check_content(manifest: Manifest, content: str | None) -> None:
    """Check that the bytes of a bundle are those that were sealed.

    Parameters
    ----------
    manifest
        Of the bundle.
    content
        Digest of the sealed bytes; `None` where nothing was sealed.

    Raises
    ------
    RefusedError
        They are others.
    """
    if content is not None and content_digest(manifest) != content:
        raise _refused(
            "Files are not as sealed",
            f"The files of {manifest.instrument}/{manifest.ticket} at {manifest.exported_from} have the "
            f"digest {content_digest(manifest)}; {content} was sealed. Somebody changed a file since.",
            "Bring the sealed files back, or make a new ticket of the new ones.",
        )


def manifest_from(
    ticket: TicketKey,
    collections: Sequence[str],
    contents: Contents,
    files: Iterable[BundleFile],
    *,
    made_at: str,
    exported_from: str,
    by_reference: bool = False,
) -> Manifest:
    """Return the manifest of a bundle.

    Parameters
    ----------
    ticket
        Instrument and ticket.
    collections
        Full names of its collections, in search order.
    contents
        What its export says.
    files
        Its files, in any order.
    made_at
        UTC with ``Z``.
    exported_from
        Address of the origin.
    by_reference
        Whether the files stayed where they are.
    """
    held = [contents.holding(name) for name in collections]
    return Manifest(
        instrument=ticket[0],
        ticket=ticket[1],
        fingerprint=ticket_fingerprint((h.collection, h.fingerprint) for h in held),
        made_at=made_at,
        exported_from=exported_from,
        by_reference=by_reference,
        collections=tuple(
            BundledCollection(name=h.collection, type=h.type, fingerprint=h.fingerprint, datasets=len(h.rows))
            for h in held
        ),
        files=tuple(sorted(files, key=lambda file: file.path)),
    )


def dump_manifest(manifest: Manifest) -> str:
    """Return the text of a manifest; equal ones have equal texts."""
    return json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"


def load_manifest(text: str, *, name: str = MANIFEST) -> Manifest:
    """Return the manifest that a text is.

    Parameters
    ----------
    text
        ``manifest.json``.
    name
        What messages call it.

    Raises
    ------
    InvalidStateError
        It is not a manifest of ours, or names paths outside of its bundle.
    """
    try:
        manifest = Manifest.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise _bad_manifest(name, f"{at}: {first['msg']}" if at else first["msg"]) from error
    for problem in _manifest_problems(manifest):
        raise _bad_manifest(name, problem)
    return manifest


_RESTORE = (
    "The bundle was altered after it was made. Move its folder away; it is made anew from the origin, "
    "or can be brought back from a copy of the archive."
)


def _refused(summary: str, detail: str, hint: str) -> RefusedError:
    return RefusedError(Diagnostic(summary, detail, hint=hint))


def _unreadable(name: str, why: str) -> RefusedError:
    return _refused("Export cannot be read", f"{name}: {why}.", "Nothing of it was used.")


def _bad_manifest(name: str, why: str) -> InvalidStateError:
    return InvalidStateError(
        Diagnostic(
            "Manifest cannot be read",
            f"{name}: {why}. Without it nobody knows what the bundle should hold.",
            hint=_RESTORE,
        )
    )


# The text as nodes


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


def _compose(text: str) -> yaml.MappingNode:
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


def _path_nodes(root: yaml.MappingNode) -> Iterator[yaml.ScalarNode]:
    for entry in _entry_nodes(root):
        if _word(entry, "type") == "dataset":
            records = _value_node(entry, "records")
            for record in records.value if isinstance(records, yaml.SequenceNode) else ():
                path = _value_node(record, "path")
                if isinstance(path, yaml.ScalarNode):
                    yield path


def _value_node(node: yaml.Node, key: str) -> yaml.Node | None:
    # The last of several equal keys wins, as in the stock reader.
    pairs = reversed(node.value) if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _word(node: yaml.Node, key: str) -> str | None:
    value = _value_node(node, key)
    return value.value if isinstance(value, yaml.ScalarNode) else None


# The nodes as plain data


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


def _load(text: str) -> tuple[dict[Any, Any], list[Any]]:
    """Return the head of an export and its entries.

    Raises
    ------
    ValueError
        It is not an export.
    """
    root = _compose(text)
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


# The plain data as contents


@dataclass
class _Draft:
    """Contents while they are read."""

    dimensions: list[tuple[str, tuple[Mapping[str, Any], ...]]] = field(default_factory=list)
    dataset_types: dict[str, tuple[tuple[str, ...], str, bool]] = field(default_factory=dict)
    collections: dict[str, tuple[CollectionType, str | None, tuple[str, ...]]] = field(default_factory=dict)
    datasets: dict[str, StoredDataset] = field(default_factory=dict)
    certifications: dict[str, dict[Range, tuple[str, ...]]] = field(default_factory=dict)


def _contents(head: Mapping[str, Any], entries: list[Any]) -> Contents:
    _check_version(head)
    draft = _Draft()
    for entry in entries:
        read = _READERS.get(_field(entry, "type", str))
        if read is None:
            raise ValueError(f"an entry of `data` is of the unknown type {entry['type']!r}")
        read(draft, entry)
    _check_references(draft)
    return Contents(
        universe_version=_field(head, "universe_version", int, 0),
        dimensions=tuple(draft.dimensions),
        dataset_types=draft.dataset_types,
        collections=draft.collections,
        datasets=tuple(draft.datasets.values()),
        certifications={name: tuple(by.items()) for name, by in draft.certifications.items()},
    )


def _check_version(head: Mapping[str, Any]) -> None:
    version = head.get("version")
    # Files from before there were versions say ``version: 0``.
    if version != 0 and not _READABLE.fullmatch(str(version)):
        raise ValueError(f"its version is {version!r}; only 1.0 can be read")
    if (namespace := head.get("universe_namespace", "daf_butler")) != "daf_butler":
        raise ValueError(f"its dimensions are those of {namespace!r}, not the butler's")


def _check_references(draft: _Draft) -> None:
    runs = {name for name, (type_, _, _) in draft.collections.items() if type_ is CollectionType.RUN}
    for dataset in draft.datasets.values():
        if dataset.run not in runs:
            raise ValueError(f"dataset {dataset.uuid} is in {dataset.run!r}, which is no RUN of the export")
        if dataset.dataset_type not in draft.dataset_types:
            raise ValueError(f"the dataset type {dataset.dataset_type!r} is not defined")
    for name, ranges in draft.certifications.items():
        if name not in draft.collections or draft.collections[name][0] is not CollectionType.CALIBRATION:
            raise ValueError(f"{name!r} has certifications and is no CALIBRATION collection of the export")
        for uuid_ in (u for uuids in ranges.values() for u in uuids):
            if uuid_ not in draft.datasets:
                raise ValueError(f"{name!r} certifies dataset {uuid_}, which the export does not describe")


def _read_dimension(draft: _Draft, entry: Mapping[str, Any]) -> None:
    records = _field(entry, "records", list)
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a dimension record is not a mapping")
    draft.dimensions.append((_field(entry, "element", str), tuple(records)))


def _read_collection(draft: _Draft, entry: Mapping[str, Any]) -> None:
    type_ = _collection_type(entry)
    children = _field(entry, "children", list) if type_ is CollectionType.CHAINED else []
    doc = _field(entry, "doc", str) if entry.get("doc") is not None else None
    said = (type_, doc, tuple(_child(child) for child in children))
    _say_once(draft.collections, "the collection", _field(entry, "name", str), said)


def _read_run(draft: _Draft, entry: Mapping[str, Any]) -> None:
    _say_once(draft.collections, "the run", _field(entry, "name", str), (CollectionType.RUN, None, ()))


def _read_dataset_type(draft: _Draft, entry: Mapping[str, Any]) -> None:
    dimensions = _field(entry, "dimensions", list)
    if not all(isinstance(dimension, str) for dimension in dimensions):
        raise ValueError("a dimension of a dataset type is not a word")
    said = (
        tuple(dimensions),
        _field(entry, "storage_class", str),
        _field(entry, "is_calibration", bool, default=False),
    )
    _say_once(draft.dataset_types, "the dataset type", _field(entry, "name", str), said)


def _read_datasets(draft: _Draft, entry: Mapping[str, Any]) -> None:
    dataset_type, run = _field(entry, "dataset_type", str), _field(entry, "run", str)
    for record in _field(entry, "records", list):
        ids, data_ids = _listed(record, "dataset_id"), _listed(record, "data_id")
        if len(ids) != len(data_ids):
            raise ValueError(f"a record of {run!r} has {len(ids)} dataset_id and {len(data_ids)} data_id")
        path, formatter = _field(record, "path", str, ""), _field(record, "formatter", str, "")
        for id_, data_id in zip(ids, data_ids, strict=True):
            dataset = StoredDataset(_uuid(id_), dataset_type, run, _data_id(data_id), path, formatter)
            if dataset.uuid in draft.datasets:
                raise ValueError(f"dataset {dataset.uuid} is described twice")
            draft.datasets[dataset.uuid] = dataset


def _read_associations(draft: _Draft, entry: Mapping[str, Any]) -> None:
    if _collection_type(entry) is CollectionType.TAGGED:
        return
    collection = _field(entry, "collection", str)
    ranges = draft.certifications.setdefault(collection, {})
    for certified in _field(entry, "validity_ranges", list):
        uuids = tuple(_uuid(id_) for id_ in _field(certified, "dataset_ids", list))
        if len(set(uuids)) != len(uuids):
            raise ValueError(f"{collection!r} certifies a dataset twice for one range")
        # The stock reader would keep the last of two equal ranges only.
        _say_once(ranges, f"a range of {collection!r},", _range(certified), uuids)


_READERS: Mapping[str, Callable[[_Draft, Mapping[str, Any]], None]] = {
    "dimension": _read_dimension,
    "collection": _read_collection,
    "run": _read_run,
    "dataset_type": _read_dataset_type,
    "dataset": _read_datasets,
    "associations": _read_associations,
}


_Key = TypeVar("_Key")


def _say_once(known: dict[_Key, _Type], what: str, name: _Key, said: _Type) -> None:
    if known.setdefault(name, said) != said:
        raise ValueError(f"{what} {name!r} is told in two ways")


_MISSING: Any = object()


def _field(entry: Any, key: str, type_: type[_Type], default: _Type = _MISSING) -> _Type:
    value = entry.get(key, default) if isinstance(entry, dict) else None
    if isinstance(value, type_) and (type_ is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"`{key}` is missing or no {type_.__name__} where one should be")


def _listed(record: Any, key: str) -> list[Any]:
    """Return a list, also where old exports have its only item."""
    value = record.get(key) if isinstance(record, dict) else None
    return value if isinstance(value, list) else [value]


def _collection_type(entry: Mapping[str, Any]) -> CollectionType:
    name = _field(entry, "collection_type", str)
    if name.upper() not in CollectionType.__members__:
        raise ValueError(f"{name!r} is no type of collection")
    return CollectionType[name.upper()]


def _child(child: Any) -> str:
    # Old exports give a restriction beside each child; the butler drops it.
    name = child[0] if isinstance(child, list) and len(child) == 2 else child
    if not isinstance(name, str):
        raise ValueError("a child of a chain has no name")  # noqa: TRY004
    return name


def _uuid(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(uuid.uuid3(_OLD_IDS, str(value)))
    raise ValueError(f"{value!r} is no dataset id")


def _data_id(value: Any) -> Mapping[str, int | str]:
    pairs = value.items() if isinstance(value, dict) else [(None, None)]
    if not all(isinstance(k, str) and isinstance(v, int | str) and not isinstance(v, bool) for k, v in pairs):
        raise ValueError("a data ID is no mapping of words to words and integers")
    return dict(pairs)


def _range(certified: Mapping[str, Any]) -> Range:
    if "timespan" not in certified:
        # The form of old exports.
        return _span(certified)
    timespan = certified["timespan"]
    if not isinstance(timespan, Tagged) or timespan.tag != TIMESPAN:
        raise ValueError("a validity range is no timespan")
    return EMPTY if timespan.value == "EMPTY" else _span(timespan.value)


def _span(bounds: Any) -> Range:
    if not isinstance(bounds, dict) or not {"begin", "end"} <= bounds.keys():
        raise ValueError("a validity range has no begin and end")
    begin, end = _bound(bounds["begin"], UNBOUNDED_BEGIN), _bound(bounds["end"], UNBOUNDED_END)
    if begin == end:
        # The butler makes an instant one nanosecond long.
        return (begin, end + 1)
    return (begin, end) if begin < end else EMPTY


def _bound(value: Any, unbounded: int) -> int:
    if value is None:
        return unbounded
    if not isinstance(value, Tagged) or value.tag != TIME or not isinstance(value.value, str):
        raise ValueError("a bound of a validity range is no moment")
    # What lies outside of 1970 to 2100 the butler takes for unbounded.
    return min(max(parse_tai(value.value), UNBOUNDED_BEGIN), UNBOUNDED_END)


# The contents against what they should be


def _check_collections(contents: Contents, collections: Sequence[str], name: str) -> None:
    missing = [c for c in collections if c not in contents.collections]
    known = set(collections)
    more = [
        c
        for c, (type_, _, _) in contents.collections.items()
        if c not in known and type_ in {CollectionType.CALIBRATION, CollectionType.TAGGED}
    ]
    if missing or more:
        raise _refused(
            "Export is not what was asked for",
            f"{name} lacks {_some(missing)} and has {_some(more)} besides what the ticket holds.",
            "The export is partial, or of another ticket.",
        )


def _check_chains(contents: Contents, ticket: TicketKey, collections: Sequence[str], name: str) -> None:
    known = (f"{ticket[0]}/calib/{ticket[1]}", tuple(collections))
    for chain, (type_, _, children) in contents.collections.items():
        if type_ is CollectionType.CHAINED and (chain, children) != known:
            raise _refused(
                "Export is not what was asked for",
                f"{name} defines the chain {chain} of {_some(children)}.",
                "The stock import would put it in the place of the destination's own chain.",
            )


def _check_datasets(contents: Contents, collections: Sequence[str], name: str) -> None:
    held = {row.uuid for c in collections for row in contents.holding(c).rows}
    if more := [d.uuid for d in contents.datasets if d.uuid not in held]:
        raise _refused(
            "Export is not what was asked for",
            f"{name} describes {_some(more)}, in no collection of the ticket.",
            "What no collection of the ticket holds would be imported unseen.",
        )
    for dataset in contents.datasets:
        if problem := path_problem(dataset.path):
            raise _refused(
                "Unfit path in an export",
                f"{name} gives dataset {dataset.uuid} the path {dataset.path!r}: {problem}.",
                "Files are read and placed by these paths; none may lead elsewhere.",
            )


def _check_collection(contents: Contents, said: BundledCollection, name: str) -> None:
    found = contents.holding(said.name)
    if (found.type, found.fingerprint, len(found.rows)) != (said.type, said.fingerprint, said.datasets):
        raise _refused(
            "Bundle contradicts itself",
            f"{name} has {said.name} as a {found.type.value} collection of {len(found.rows)} rows, "
            f"{found.fingerprint}; {MANIFEST} says {said.type.value}, {said.datasets}, {said.fingerprint}.",
            _RESTORE,
        )


def _differences(found: set[tuple[str, str]], expected: set[tuple[str, str]]) -> str:
    more, fewer = sorted(p for _, p in found - expected), sorted(p for _, p in expected - found)
    return f"only the export has {_some(more)}, only the manifest has {_some(fewer)}"


def _some(items: Sequence[str]) -> str:
    """Name the first few of some items."""
    if not items:
        return "nothing"
    rest = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return ", ".join(items[:3]) + rest


def _is_utc(text: str) -> bool:
    try:
        return text.endswith("Z") and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _manifest_problems(manifest: Manifest) -> Iterator[str]:
    for fingerprint in (manifest.fingerprint, *manifest.fingerprints.values()):
        if not _FINGERPRINT.fullmatch(fingerprint):
            yield f"{fingerprint[:80]!r} is no fingerprint"
    if not _is_utc(manifest.made_at):
        yield f"`made_at` is {manifest.made_at[:80]!r}, no moment in UTC"
    if manifest.fingerprint != ticket_fingerprint((c.name, c.fingerprint) for c in manifest.collections):
        yield "the fingerprint is not that of its collections"
    for file in manifest.files:
        if problem := path_problem(file.path):
            yield f"the path {file.path!r}: {problem}"
        if not (file.size >= 0 and _SHA256.fullmatch(file.sha256) and _ADLER32.fullmatch(file.adler32)):
            yield f"the size or a checksum of {file.path} cannot be"
    names = Counter(f.path for f in manifest.files) + Counter(u for f in manifest.files for u in f.datasets)
    if twice := [name for name, count in names.items() if count > 1]:
        yield f"{_some(twice)} stands there twice"

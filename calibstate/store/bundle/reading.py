"""How the files of an export are read: its digests.

Whatever two butlers write differently for the same thing is left out, so
that an export of the destination has the digests of that of the origin: a
dataset type's implied dimensions and fields without a value depend on the
version of the dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ...model.bundles import Contents
from ...model.fingerprints import digest_of_lines
from ...model.readings import Reading, means_something
from .nodes import Tagged

__all__ = ["reading_of"]


def reading_of(contents: Contents, collections: Sequence[str]) -> Reading:
    """Return how the files of an export are read.

    Parameters
    ----------
    contents
        What the export says.
    collections
        Full names of the ticket's collections.
    """
    files = []
    docs = []
    namespace = ["namespace", contents.universe_namespace]
    types = [json.dumps(namespace)]
    for name in collections:
        type_, doc, _ = contents.collections[name]
        collection = ["collection", name, type_.value]
        types.append(json.dumps(collection))
        if doc:
            docs.append(json.dumps([name, doc]))
    for dataset in contents.datasets:
        # A formatter may read a file by what its name ends with.
        suffixes = PurePosixPath(dataset.path).suffixes
        extension = "".join(suffixes[-2:])
        file = [
            dataset.uuid,
            dataset.run,
            dataset.formatter,
            extension,
        ]
        files.append(json.dumps(file))
        _, storage_class, is_calibration = contents.dataset_types[dataset.dataset_type]
        dataset_type = [
            "type",
            dataset.dataset_type,
            sorted(dataset.data_id),
            storage_class,
            is_calibration,
        ]
        types.append(json.dumps(dataset_type))
    # What records say without a meaning for the files depends on the version
    # of the dimensions, so that stands with them.
    rest = [f"version\t{contents.universe_version}"]
    rest.extend(_records(contents, with_meaning=False))
    return Reading(
        files=_digest(files),
        types=_digest(types),
        records=_digest(_records(contents, with_meaning=True)),
        rest=_digest(rest),
        docs=_digest(docs),
    )


def _digest(lines: Iterable[str]) -> str:
    """Return the digest of lines, in whatever order and how often."""
    unique = set(lines)
    return digest_of_lines(sorted(unique))


def _records(contents: Contents, *, with_meaning: bool) -> Iterator[str]:
    """Yield what of dimension records means something, or all else.

    Parameters
    ----------
    contents
        What the export says.
    with_meaning
        Which of the two.
    """
    named: set[str] = set()
    for dataset in contents.datasets:
        named.update(dataset.data_id)
    for element, records in contents.dimensions:
        for record in records:
            fields: dict[str, Any] = {}
            for name, value in record.items():
                # Whether it is written without a value depends on versions.
                if value is None:
                    continue
                has_meaning = element in named and means_something(element, name)
                if has_meaning is with_meaning:
                    fields[name] = _plain(value)
            if fields:
                yield json.dumps([element, fields], sort_keys=True)


def _plain(value: Any) -> Any:
    """Return a field of a dimension record as JSON can write it."""
    match value:
        case Tagged(tag, inner):
            return [tag, _plain(inner)]
        case bytes():
            return ["bytes", value.hex()]
        case Mapping():
            plain = {}
            for key, inner in value.items():
                plain[str(key)] = _plain(inner)
            return plain
        case list():
            return [_plain(inner) for inner in value]
        case int() | float() | str() | bool() | None:
            return value
        case _:
            return str(value)

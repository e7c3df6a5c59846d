"""How the files of an export are read: its digests.

Whatever two butlers write differently for the same thing is left out, so
that an export of the destination has the digests of that of the origin: a
dataset type's implied dimensions and fields without a value depend on the
version of the dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
    return Reading(
        files=_digest(_of_files(contents)),
        types=_digest(_of_types(contents, collections)),
        records=_digest(_of_records(contents, with_meaning=True)),
        rest=_digest([f"version\t{contents.universe_version}", *_of_records(contents, with_meaning=False)]),
        docs=_digest(_of_docs(contents, collections)),
    )


def _digest(lines: Iterator[str] | list[str]) -> str:
    return digest_of_lines(sorted(set(lines)))


def _of_files(contents: Contents) -> Iterator[str]:
    for dataset in contents.datasets:
        # A formatter may read a file by what its name ends with.
        extension = "".join(PurePosixPath(dataset.path).suffixes[-2:])
        yield json.dumps([dataset.uuid, dataset.run, dataset.formatter, extension])


def _of_types(contents: Contents, collections: Sequence[str]) -> Iterator[str]:
    yield json.dumps(["namespace", contents.universe_namespace])
    for name in collections:
        yield json.dumps(["collection", name, contents.collections[name][0].value])
    for dataset in contents.datasets:
        _, storage_class, is_calibration = contents.dataset_types[dataset.dataset_type]
        required = sorted(dataset.data_id)
        yield json.dumps(["type", dataset.dataset_type, required, storage_class, is_calibration])


def _of_records(contents: Contents, *, with_meaning: bool) -> Iterator[str]:
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
                means = element in named and means_something(element, name)
                if means is with_meaning:
                    fields[name] = _plain(value)
            if fields:
                yield json.dumps([element, fields], sort_keys=True)


def _of_docs(contents: Contents, collections: Sequence[str]) -> Iterator[str]:
    for name in collections:
        if doc := contents.collections[name][1]:
            yield json.dumps([name, doc])


def _plain(value: Any) -> Any:
    """Return a field of a dimension record as JSON can write it."""
    match value:
        case Tagged(tag, inner):
            return [tag, _plain(inner)]
        case bytes():
            return ["bytes", value.hex()]
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case int() | float() | str() | bool() | None:
            return value
        case _:
            return str(value)

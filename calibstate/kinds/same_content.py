"""Whether a collection holds what it should under other UUIDs.

Who runs a command that others have run gets datasets that differ in nothing
but their UUIDs.  That is no small thing: what is certified, sealed or looked
up by UUID is another one.  But nobody's exposures come out otherwise, and
people should know which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..errors import CalibstateError
from ..model.bundles import BundleFile, Manifest
from ..model.contents import Holding, Row
from ..model.pins import Pin
from .whole import tell_rows

__all__ = ["FilesOf", "OtherUuids", "other_uuids"]

FilesOf = Callable[[str], Mapping[str, BundleFile]]
"""Reads the files of a collection where they are, by UUID of the dataset."""


@dataclass(frozen=True)
class OtherUuids:
    """A collection that differs in UUIDs, and perhaps in more."""

    words: str
    """What agrees and what does not, for people."""

    is_same: bool = False
    """Whether every byte agrees; else it does not, or nobody knows."""


def other_uuids(
    live: Holding,
    expected: Iterable[Row],
    pin: Pin,
    files_of: FilesOf,
) -> OtherUuids | None:
    """Compare a collection with one of the same types, data IDs and ranges.

    Bytes are read only where all else agrees, and sizes are compared first.

    Parameters
    ----------
    live
        What it holds.
    expected
        What it should hold.
    pin
        Who says so; without a bundle nobody knows the bytes.
    files_of
        Reads its files.

    Returns
    -------
    OtherUuids or None
        `None` where more differs than UUIDs.
    """
    # The rows without their UUIDs tell what is meant.
    here = _by_meaning(live.rows)
    there = _by_meaning(expected)
    if here.keys() != there.keys() or len(here) != len(live.rows):
        return None
    pairs: list[tuple[str, str, Row]] = []
    number = 0
    for meaning, uuid in here.items():
        other = there[meaning]
        pairs.append((uuid, other, meaning))
        # Some may be the very datasets that are expected.
        if uuid != other:
            number += 1
    agrees = f"other UUIDs than {pin.witness} says for {number} of {len(here)}, of the same types, "
    agrees += "data IDs and ranges"
    if pin.manifest is None:
        return OtherUuids(f"{agrees}; without a bundle nobody can compare their bytes")
    # Nobody looked at the files, which costs a question for each.
    if not live.sizes:
        return OtherUuids(f"{agrees}; --files compares their bytes")
    return _compare_bytes(live, pairs, pin.manifest, files_of, agrees)


def _compare_bytes(
    live: Holding,
    pairs: list[tuple[str, str, Row]],
    manifest: Manifest,
    files_of: FilesOf,
    agrees: str,
) -> OtherUuids:
    """Compare files: their sizes, and where these agree every byte.

    Parameters
    ----------
    live
        What the collection holds.
    pairs
        UUID here, UUID in the bundle, and what both are.
    manifest
        Of the bundle.
    files_of
        Reads the files here.
    agrees
        What agrees, in words.
    """
    bundled = _by_uuid(manifest.files)
    resized: list[Row] = []
    for uuid, other, row in pairs:
        if live.sizes.get(uuid) != bundled[other].size:
            resized.append(row)
    # Files of other sizes are other files, and need not be read.
    if resized:
        words = f"{agrees}, and the files of {len(resized)} have another size: {tell_rows(resized)}"
        return OtherUuids(words)
    try:
        read = files_of(live.collection)
    except CalibstateError as error:
        detail = error.first.detail.rstrip(".")
        return OtherUuids(f"{agrees}; their bytes could not be compared: {detail}")
    altered: list[Row] = []
    for uuid, other, row in pairs:
        if uuid not in read or read[uuid].sha256 != bundled[other].sha256:
            altered.append(row)
    if altered:
        words = f"{agrees}, and the files of {len(altered)} have other bytes: {tell_rows(altered)}"
        return OtherUuids(words)
    return OtherUuids(f"same content, other UUIDs: {agrees}, and every byte agrees", is_same=True)


def _by_meaning(rows: Iterable[Row]) -> dict[Row, str]:
    """Return UUIDs by type, data ID and range."""
    by_meaning: dict[Row, str] = {}
    for row in rows:
        meaning = row._replace(uuid="")
        by_meaning[meaning] = row.uuid
    return by_meaning


def _by_uuid(files: Iterable[BundleFile]) -> dict[str, BundleFile]:
    by_uuid: dict[str, BundleFile] = {}
    for file in files:
        for uuid in file.datasets:
            by_uuid[uuid] = file
    return by_uuid

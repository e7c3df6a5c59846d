"""``manifest.json``."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from pydantic import ValidationError

from ...errors import Diagnostic, InvalidStateError
from ...model.bundles import (
    BundledCollection,
    BundleFile,
    Contents,
    FilesOnDemand,
    Manifest,
    content_line,
)
from ...model.fingerprints import ticket_fingerprint
from ...model.names import TicketKey
from .names import MANIFEST, path_problem
from .reading import reading_of
from .refusals import RESTORE, some

__all__ = ["dump_manifest", "load_head", "load_manifest", "manifest_from"]

_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")

_SHA256 = re.compile(r"[0-9a-f]{64}")

_ADLER32 = re.compile(r"[0-9a-f]{8}")

_BEFORE_FILES = '\n "files": [\n'
_AFTER_FILES = "\n ],\n"
"""What stands around the files, as `dump_manifest` writes them."""


def manifest_from(
    ticket: TicketKey,
    collections: Sequence[str],
    contents: Contents,
    files: Iterable[BundleFile],
    *,
    made_at: str,
    exported_from: str,
    text: str,
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
    text
        The export itself.
    by_reference
        Whether the files stayed where they are.
    """
    bundled = []
    for name in collections:
        holding = contents.holding(name)
        collection = BundledCollection(
            name=name,
            type=holding.type,
            fingerprint=holding.fingerprint,
            datasets=len(holding.rows),
        )
        bundled.append(collection)
    fingerprints = [(collection.name, collection.fingerprint) for collection in bundled]
    instrument, ticket_name = ticket
    return Manifest(
        instrument=instrument,
        ticket=ticket_name,
        fingerprint=ticket_fingerprint(fingerprints),
        made_at=made_at,
        exported_from=exported_from,
        by_reference=by_reference,
        collections=tuple(bundled),
        files=tuple(sorted(files, key=lambda file: file.path)),
        export=hashlib.sha256(text.encode()).hexdigest(),
        reading=reading_of(contents, collections),
    )


def dump_manifest(manifest: Manifest) -> str:
    """Return the text of a manifest; equal ones have equal texts."""
    # Files that are read on demand are read now.
    whole = manifest.model_copy(update={"files": tuple(manifest.files)})
    plain = whole.model_dump(mode="json")
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


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
        why = first["msg"]
        parts = map(str, first["loc"])
        key = ".".join(parts)
        if key:
            why = f"{key}: {why}"
        raise _bad_manifest(name, why) from error
    # The first of them is enough: nothing of the bundle is used.
    for problem in _manifest_problems(manifest):
        raise _bad_manifest(name, problem)
    return manifest


def load_head(text: str, *, name: str = MANIFEST, read_again: Callable[[], str]) -> Manifest:
    """Return a manifest whose files are read once somebody asks for them.

    Parameters
    ----------
    text
        ``manifest.json``.
    name
        What messages call it.
    read_again
        Returns the same text once more.

    Raises
    ------
    InvalidStateError
        All but its files is not as it should be; or the text is not laid out
        as calibstate does it, and anything is.
    """
    before, begin, rest = text.partition(_BEFORE_FILES)
    files, end, after = rest.partition(_AFTER_FILES)
    if not (begin and end and files):
        return load_manifest(text, name=name)
    # No string holds a line break, so these stand between values, and what is
    # cut out is a list of its own wherever the whole is JSON.
    without_files = f"{before}{begin}{end}{after}"
    try:
        head = load_manifest(without_files, name=name)
    except InvalidStateError:
        # The whole tells it with the right line.
        return load_manifest(text, name=name)

    def read_files() -> tuple[BundleFile, ...]:
        whole = load_manifest(read_again(), name=name)
        return tuple(whole.files)

    def read_content_lines() -> list[str]:
        return _content_lines(read_again(), name)

    on_demand = FilesOnDemand(read_files, read_content_lines)
    return head.model_copy(update={"files": on_demand})


def _content_lines(text: str, name: str) -> list[str]:
    """Return what the digest of the bytes is over, quickly.

    The files are not checked here: with a digest that is the sealed one they
    are what was sealed, and with any other the bundle is not used.
    """
    lines = []
    try:
        for entry in json.loads(text)["files"]:
            for uuid in entry["datasets"]:
                line = content_line(uuid, entry["size"], entry["sha256"])
                lines.append(line)
    except (ValueError, KeyError, TypeError, RecursionError):
        # Something is not as it should be: read with care, it tells what.
        lines.clear()
        manifest = load_manifest(text, name=name)
        for file in manifest.files:
            for uuid in file.datasets:
                lines.append(content_line(uuid, file.size, file.sha256))
    return lines


def _bad_manifest(name: str, why: str) -> InvalidStateError:
    return InvalidStateError(
        Diagnostic(
            "Manifest cannot be read",
            f"{name}: {why}. Without it nobody knows what the bundle should hold.",
            hint=RESTORE,
        )
    )


def _is_utc(text: str) -> bool:
    if not text.endswith("Z"):
        return False
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.tzinfo is not None


def _manifest_problems(manifest: Manifest) -> Iterator[str]:
    """Yield what a manifest says that cannot be so."""
    for fingerprint in (manifest.fingerprint, *manifest.fingerprints.values()):
        if not _FINGERPRINT.fullmatch(fingerprint):
            shown = fingerprint[:80]
            yield f"{shown!r} is no fingerprint"
    if not _is_utc(manifest.made_at):
        shown = manifest.made_at[:80]
        yield f"`made_at` is {shown!r}, no moment in UTC"
    fingerprints = [(collection.name, collection.fingerprint) for collection in manifest.collections]
    if manifest.fingerprint != ticket_fingerprint(fingerprints):
        yield "the fingerprint is not that of its collections"
    for file in manifest.files:
        if problem := path_problem(file.path):
            yield f"the path {file.path!r}: {problem}"
        has_sha256 = _SHA256.fullmatch(file.sha256)
        has_adler32 = _ADLER32.fullmatch(file.adler32)
        if file.size < 0 or not has_sha256 or not has_adler32:
            yield f"the size or a checksum of {file.path} cannot be"
    if manifest.export is not None and not _SHA256.fullmatch(manifest.export):
        yield "the checksum of its export cannot be"
    if twice := _paths_and_datasets_given_twice(manifest):
        yield f"{some(twice)} stands there twice"


def _paths_and_datasets_given_twice(manifest: Manifest) -> list[str]:
    # No path looks like a UUID, so they are counted together: all paths come
    # first, and then all datasets.
    times = Counter(file.path for file in manifest.files)
    for file in manifest.files:
        times.update(file.datasets)
    twice = []
    for name, number in times.items():
        if number > 1:
            twice.append(name)
    return twice

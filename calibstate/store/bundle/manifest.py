"""``manifest.json``."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pydantic import ValidationError

from ...errors import Diagnostic, InvalidStateError
from ...model.bundles import BundledCollection, BundleFile, Contents, Manifest
from ...model.fingerprints import ticket_fingerprint
from ...model.names import TicketKey
from .names import MANIFEST, path_problem
from .reading import reading_of
from .refusals import RESTORE, some

__all__ = ["dump_manifest", "load_manifest", "manifest_from"]

_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")

_SHA256 = re.compile(r"[0-9a-f]{64}")

_ADLER32 = re.compile(r"[0-9a-f]{8}")


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
        export=hashlib.sha256(text.encode()).hexdigest(),
        reading=reading_of(contents, collections),
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


def _bad_manifest(name: str, why: str) -> InvalidStateError:
    return InvalidStateError(
        Diagnostic(
            "Manifest cannot be read",
            f"{name}: {why}. Without it nobody knows what the bundle should hold.",
            hint=RESTORE,
        )
    )


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
    if manifest.export is not None and not _SHA256.fullmatch(manifest.export):
        yield "the checksum of its export cannot be"
    names = Counter(f.path for f in manifest.files) + Counter(u for f in manifest.files for u in f.datasets)
    if twice := [name for name, count in names.items() if count > 1]:
        yield f"{some(twice)} stands there twice"

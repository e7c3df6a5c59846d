"""What was read of a database in a file, kept for as long as it stays so.

It is told only of the very state of the database that it was read of
(`states`), and whatever is odd about what is kept, it is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ... import __version__
from ...model.contents import CollectionType, HeldDigest
from ..cachefolder import CacheFolder
from .plain import PlainRepository
from .states import state_of
from .tables import Snapshot
from .tried import TRIED

__all__ = ["RememberedDigests"]

_FORMAT = 1
"""To be raised with whatever `Snapshot.digests` tells otherwise."""

_MOST = 100_000
"""Collections of a database that are kept."""

_Fingerprint = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
_Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Entry = tuple[
    Literal["RUN", "TAGGED", "CALIBRATION"],
    _Fingerprint,
    Annotated[int, Field(ge=0)],
    tuple[_Uuid, ...],
]
"""Type, fingerprint, number of rows, and what is not recorded."""


class _Kept(BaseModel):
    """What is kept of a database, by the names of collections.

    `None` stands for those that do not exist, or are CHAINED.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    state: str
    """State of the database, and how it was read."""

    whole: dict[str, _Entry | None]
    """What collections hold."""

    calibrations: dict[str, _Entry | None]
    """What they hold of calibrations."""


class RememberedDigests:
    """Digests of the collections of one repository, read or remembered.

    What is kept is read before the database is locked and written after that,
    so a home that is slow keeps nobody else waiting.

    Parameters
    ----------
    folder
        Where they are kept.
    repository
        Whose.
    """

    def __init__(self, folder: CacheFolder, repository: PlainRepository) -> None:
        self._folder = folder
        self._repository = repository
        self._name = hashlib.sha256(self._source.encode()).hexdigest()[:32]
        self._kept = _read_kept(folder.read(self._name))
        self._is_new = False

    @property
    def _source(self) -> str:
        """What was read, and how; what was read otherwise is not ours."""
        repository = self._repository
        parts = (
            repository.identity,
            repository.namespace,
            repository.records,
            sorted(TRIED.items()),
            __version__,
            _FORMAT,
        )
        return " ".join(map(str, parts))

    def digests(
        self, snapshot: Snapshot, names: Sequence[str], *, calibrations_only: bool
    ) -> dict[str, HeldDigest]:
        """Return what the rows of collections come to.

        Parameters
        ----------
        snapshot
            Of the database.
        names, calibrations_only
            As for `Snapshot.digests`.
        """
        file = self._repository.database
        # Only a database in a file has states that can be told apart.
        state_of_file = state_of(file) if isinstance(file, Path) else None
        if state_of_file is None:
            return snapshot.digests(names, calibrations_only=calibrations_only)
        state = f"{self._source} {state_of_file}"
        if self._kept is None or self._kept.state != state:
            self._kept = _Kept(state=state, whole={}, calibrations={})
        entries = self._kept.calibrations if calibrations_only else self._kept.whole
        lacking = [name for name in names if name not in entries]
        if lacking:
            looked_up = snapshot.digests(lacking, calibrations_only=calibrations_only)
            for name in lacking:
                digest = looked_up.get(name)
                # That there is none is remembered, too.
                entries[name] = None if digest is None else _entry(digest)
            self._is_new = True
        digests: dict[str, HeldDigest] = {}
        for name in names:
            entry = entries[name]
            if entry is not None:
                type_, fingerprint, count, unrecorded = entry
                digests[name] = HeldDigest(
                    type=CollectionType(type_),
                    fingerprint=fingerprint,
                    count=count,
                    unrecorded=frozenset(unrecorded),
                )
        return digests

    def keep(self) -> None:
        """Keep what was read for the next time."""
        kept = self._kept
        if kept is None or not self._is_new:
            return
        if len(kept.whole) + len(kept.calibrations) > _MOST:
            return
        body = kept.model_dump_json().encode()
        # By its digest what was cut off, or edited, is not taken for whole.
        self._folder.write(self._name, _digest(body) + b"\n" + body)


def _entry(digest: HeldDigest) -> _Entry:
    """Return a digest as it is kept."""
    type_: str = digest.type.value
    unrecorded = tuple(sorted(digest.unrecorded))
    return type_, digest.fingerprint, digest.count, unrecorded  # type: ignore[return-value]


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _read_kept(data: bytes | None) -> _Kept | None:
    """Return what is kept; `None`: nothing that is whole."""
    if data is None:
        return None
    digest, _, body = data.partition(b"\n")
    if digest != _digest(body):
        return None
    try:
        return _Kept.model_validate_json(body)
    except ValidationError:
        return None

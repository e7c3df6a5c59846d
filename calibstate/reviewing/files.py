"""Check that the files of a ticket are there, and are what was sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import CalibstateError, RefusedError, UnreachableError
from ..model.bundles import Manifest
from ..model.contents import Holding, Row
from ..model.reviews import Check, Checked, Fault, Finding, Note
from ..model.seals import content_digest
from ..model.timespans import format_bound
from ..ports.archive import ArchiveReader
from ..ports.butler import ButlerReader
from ..ports.progress import Watch
from .expect import Expected
from .look_closely import Showed

__all__ = ["check_bytes", "check_files"]

_NO_SIZES = "sizes could not be compared: there is neither bundle nor seal"


def check_files(expected: Expected, showed: Showed) -> Checked:
    """Look whether every file of a ticket is there, with its size.

    Parameters
    ----------
    expected
        What the ticket should hold.
    showed
        What the repository showed.
    """
    held = _held(expected, showed)
    sizes = {uuid: size for holding in held for uuid, size in holding.sizes.items()}
    there = {uuid: size for uuid, size in sizes.items() if size is not None}
    findings = [f for holding in held for f in _of_collection(holding, expected, showed.butler)]
    notes = [*_empty_files(held)]
    if not sizes and any(holding.rows for holding in held):
        notes.append(Note(detail="its files could not be looked at: the repository does not tell of them"))
    if expected.manifest is None:
        findings += _against_seal(there, expected) if not findings else []
        notes += [] if expected.seal else [Note(detail=_NO_SIZES)]
    counts = {"datasets": len(sizes), "bytes": sum(there.values())}
    return Checked(Check.FILES, counts, tuple(findings), tuple(notes))


def check_bytes(expected: Expected, showed: Showed, archive: ArchiveReader, watch: Watch) -> Checked:
    """Read every file of a ticket, and compare its checksum.

    Parameters
    ----------
    expected
        What the ticket should hold.
    showed
        What the repository showed.
    archive
        Reads the files.
    watch
        Told of progress in files.
    """
    whole = [holding.collection for holding in _held(expected, showed) if _is_readable(holding)]
    unread = [name for name in expected.ticket.leaves if name not in whole]
    notes = [Note(detail=f"not read, since it is not whole: {name}") for name in unread]
    try:
        read = _read(expected, showed, archive, whole, watch)
    except UnreachableError:
        raise
    except CalibstateError as error:
        finding = Finding(check=Check.BYTES, what=Fault.UNREADABLE, detail=_reason(error))
        return Checked(Check.BYTES, {"files": 0, "bytes": 0}, (finding,), tuple(notes))
    comparison = _Comparison(expected, showed, read.manifest, read.uris)
    counts = {"files": len(read.manifest.files), "bytes": sum(file.size for file in read.manifest.files)}
    return Checked(
        Check.BYTES,
        counts,
        tuple(comparison.findings(everything=not unread)),
        (*notes, *comparison.notes(everything=not unread)),
        failed_elsewhere=bool(unread),
    )


@dataclass(frozen=True)
class _Read:
    """Files that were read."""

    manifest: Manifest
    uris: Mapping[str, str]
    """By path."""


def _read(
    expected: Expected, showed: Showed, archive: ArchiveReader, leaves: Sequence[str], watch: Watch
) -> _Read:
    export = showed.butler.export(leaves, to_read=True)
    manifest = archive.describe(
        expected.ticket.key, leaves, export, exported_from=showed.address, watch=watch
    )
    return _Read(manifest, {file.path: file.uri for file in export.files})


def _reason(error: CalibstateError) -> str:
    cause = error.__cause__
    if isinstance(error, RefusedError) or cause is None:
        return error.diagnostics[0].detail
    return str(cause)


def _held(expected: Expected, showed: Showed) -> list[Holding]:
    return [showed.holdings[name] for name in expected.ticket.leaves if name in showed.holdings]


def _is_readable(holding: Holding) -> bool:
    return not holding.unrecorded and None not in holding.sizes.values()


def _of_collection(holding: Holding, expected: Expected, butler: ButlerReader) -> Iterator[Finding]:
    sizes = expected.manifest.sizes if expected.manifest else {}
    lost = {uuid for uuid, size in holding.sizes.items() if size is None}
    altered = {
        uuid
        for uuid, size in holding.sizes.items()
        if size is not None and uuid in sizes and sizes[uuid] != size
    }
    wrong = lost | altered | holding.altered
    uris = _uris(butler, holding.collection) if wrong else {}
    if holding.unrecorded:
        detail = "the datastore has no record of it"
        yield from _findings(Fault.UNRECORDED, holding, holding.unrecorded, {}, detail)
    yield from _findings(Fault.LOST, holding, lost, uris, "the file is gone")
    for uuid in sorted(altered):
        detail = f"the file has {holding.sizes[uuid]} bytes, in the bundle {sizes[uuid]}"
        yield from _findings(Fault.ALTERED, holding, {uuid}, uris, detail)
    for uuid in sorted(holding.altered - altered):
        detail = (
            f"the file has {holding.sizes[uuid]} bytes, the datastore recorded {holding.recorded[uuid]}; "
            "the butler refuses to read it"
        )
        yield from _findings(Fault.ALTERED, holding, {uuid}, uris, detail)


def _empty_files(held: Iterable[Holding]) -> Iterator[Note]:
    """Tell of files without a single byte: as recorded, but hardly meant."""
    for holding in held:
        empty = {row for row in holding.rows if holding.sizes.get(row.uuid) == 0}
        for dataset_type in sorted({row.dataset_type for row in empty}):
            data_ids = {row.data_id for row in empty if row.dataset_type == dataset_type}
            detail = f"the files of {len(data_ids)} in {holding.collection} are empty"
            yield Note(dataset_type=dataset_type, data_ids=tuple(sorted(data_ids)), detail=detail)


def _uris(butler: ButlerReader, collection: str) -> Mapping[str, str]:
    """Return where the files of a collection are, as far as it is told."""
    try:
        return {file.uuid: file.uri for file in butler.stored([collection])}
    except RefusedError:
        return {}  # Not every dataset has a file of its own.


def _findings(
    what: Fault, holding: Holding, uuids: Iterable[str], uris: Mapping[str, str], detail: str
) -> Iterator[Finding]:
    """Yield what is wrong with some files, by dataset type and range."""
    wrong = set(uuids)
    alike: dict[tuple[str, int, int], list[Row]] = {}
    for row in sorted(holding.rows):
        if row.uuid in wrong:
            alike.setdefault((row.dataset_type, row.begin, row.end), []).append(row)
    for (dataset_type, begin, end), rows in alike.items():
        yield Finding(
            check=Check.FILES,
            what=what,
            collection=holding.collection,
            dataset_type=dataset_type,
            data_ids=tuple(sorted({row.data_id for row in rows})),
            begin=format_bound(begin),
            end=format_bound(end),
            files=tuple(sorted({uris[row.uuid] for row in rows if row.uuid in uris})),
            detail=detail,
        )


def _against_seal(there: Mapping[str, int], expected: Expected) -> Iterator[Finding]:
    """Compare all files together, where none is known by itself."""
    if expected.seal and (detail := expected.seal.other_size(list(there.values()))):
        yield Finding(check=Check.FILES, what=Fault.ALTERED, detail=detail)


@dataclass(frozen=True)
class _Comparison:
    """What was read, beside what was sealed or archived."""

    expected: Expected
    showed: Showed
    read: Manifest
    uris: Mapping[str, str]

    def findings(self, *, everything: bool) -> Iterator[Finding]:
        """Yield the files that are others.

        Parameters
        ----------
        everything
            Whether every file of the ticket was read.
        """
        if self.expected.manifest:
            yield from self._by_file(self.expected.manifest)
        elif self.expected.seal and everything and content_digest(self.read) != self.expected.seal.content:
            detail = "its files are not what was sealed; without a bundle nobody can tell which of them"
            yield Finding(check=Check.BYTES, what=Fault.ALTERED, detail=detail)

    def notes(self, *, everything: bool) -> Iterator[Note]:
        """Yield what could not be compared."""
        if self.expected.manifest is None and not (self.expected.seal and everything):
            yield Note(detail="checksums could not be compared: no bundle, and no seal of what was read")

    def _by_file(self, archived: Manifest) -> Iterator[Finding]:
        sums = {uuid: file.sha256 for file in archived.files for uuid in file.datasets}
        rows = {row.uuid: row for holding in _held(self.expected, self.showed) for row in holding.rows}
        for file in self.read.files:
            altered = [uuid for uuid in file.datasets if sums.get(uuid, file.sha256) != file.sha256]
            if altered:
                yield Finding(
                    check=Check.BYTES,
                    what=Fault.ALTERED,
                    dataset_type=rows[altered[0]].dataset_type,
                    data_ids=tuple(sorted({rows[uuid].data_id for uuid in altered})),
                    files=(self.uris[file.path],),
                    detail=f"SHA-256 {file.sha256[:16]}…, in the bundle {sums[altered[0]][:16]}…",
                )

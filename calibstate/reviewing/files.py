"""Check that the files of a ticket are there, and are what was sealed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ..errors import CalibstateError, RefusedError, UnreachableError
from ..model.bundles import Manifest
from ..model.contents import Holding, Row
from ..model.reviews import Check, Checked, Fault
from ..model.seals import content_digest
from ..ports.archive import ArchiveReader
from ..ports.butler import ButlerReader
from ..ports.progress import Watch
from .by_range import by_range
from .checking import Checking
from .expect import Expected
from .look_closely import Showed

__all__ = ["check_bytes", "check_files"]


def check_files(expected: Expected, showed: Showed) -> Checked:
    """Look whether every file of a ticket is there, with its size.

    Parameters
    ----------
    expected
        What the ticket should hold.
    showed
        What the repository showed.
    """
    checking = Checking(Check.FILES)
    held = showed.held_in(expected.ticket.leaves)
    manifest = expected.manifest
    sizes: dict[str, int | None] = {}
    holds_anything = False
    for holding in held:
        files = _CollectionFiles(holding, manifest, showed.butler, checking)
        files.compare()
        files.note_empty()
        sizes.update(holding.sizes)
        holds_anything |= len(holding.rows) > 0
    # A file that is gone has no size, and its dataset counts all the same.
    sizes_there = [size for size in sizes.values() if size is not None]
    checking.counts["datasets"] = len(sizes)
    checking.counts["bytes"] = sum(sizes_there)
    if holds_anything and not sizes:
        checking.note("its files could not be looked at: the repository does not tell of them")
    if manifest:
        return checking.checked()
    seal = expected.seal
    if seal is None:
        checking.note("sizes could not be compared: there is neither bundle nor seal")
    elif not checking.findings:
        # A seal knows the size of all files together only, and so has
        # nothing to add where single files are wrong already.
        other_size = seal.other_size(sizes_there)
        if other_size:
            checking.add(Fault.ALTERED, other_size)
    return checking.checked()


@dataclass(frozen=True)
class _CollectionFiles:
    """The files of one collection, beside what was archived and recorded."""

    holding: Holding

    manifest: Manifest | None
    """The bundle, where there is one."""

    butler: ButlerReader
    checking: Checking

    def compare(self) -> None:
        """Add what is wrong with the files, by kind of fault."""
        recorded = self.holding.recorded
        altered = self.holding.altered
        archived: Mapping[str, int] = {}
        if self.manifest:
            archived = self.manifest.sizes
        lost: set[str] = set()
        resized: set[str] = set()
        for uuid, size_there in self.holding.sizes.items():
            if size_there is None:
                lost.add(uuid)
            elif archived.get(uuid, size_there) != size_there:
                resized.add(uuid)
        # Where files are is asked only if something is wrong with one.
        uris: Mapping[str, str] = {}
        if lost or resized or altered:
            uris = self.uris()
        self.add(
            Fault.UNRECORDED,
            self.holding.unrecorded,
            {},
            "the datastore has no record of it",
        )
        self.add(Fault.LOST, lost, uris, "the file is gone")
        for uuid in sorted(resized):
            size = archived[uuid]
            self.add_resized(uuid, uris, f"in the bundle {size}")
        # What differs from the bundle is not told again for its record.
        for uuid in sorted(altered - resized):
            size = recorded[uuid]
            self.add_resized(
                uuid,
                uris,
                f"the datastore recorded {size}; the butler refuses to read it",
            )

    def add_resized(self, uuid: str, uris: Mapping[str, str], instead: str) -> None:
        """Add a file with another size than is known of it.

        Parameters
        ----------
        uuid
            Its dataset.
        uris
            Where files are.
        instead
            Which size it should have, and who says so.
        """
        size = self.holding.sizes[uuid]
        detail = f"the file has {size} bytes, {instead}"
        self.add(Fault.ALTERED, {uuid}, uris, detail)

    def uris(self) -> Mapping[str, str]:
        """Return where the files are by UUID, as far as that is told."""
        uris: dict[str, str] = {}
        try:
            for file in self.butler.stored([self.holding.collection]):
                uris[file.uuid] = file.uri
        except RefusedError:
            return {}  # Not every dataset has a file of its own.
        return uris

    def add(
        self,
        what: Fault,
        uuids: Collection[str],
        uris: Mapping[str, str],
        detail: str,
    ) -> None:
        """Add the same fault of some datasets, by dataset type and range."""
        rows = [row for row in self.holding.rows if row.uuid in uuids]
        for span, rows_alike in by_range(sorted(rows)).items():
            files: set[str] = set()
            for row in rows_alike:
                if row.uuid in uris:
                    files.add(uris[row.uuid])
            self.checking.add(
                what,
                detail,
                collection=self.holding.collection,
                dataset_type=span.dataset_type,
                data_ids={row.data_id for row in rows_alike},
                begin=span.begin,
                end=span.end,
                files=files,
            )

    def note_empty(self) -> None:
        """Note files without a single byte: as recorded, but hardly meant."""
        collection = self.holding.collection
        sizes = self.holding.sizes
        empty: defaultdict[str, set[str]] = defaultdict(set)
        for row in self.holding.rows:
            if sizes.get(row.uuid) == 0:
                empty[row.dataset_type].add(row.data_id)
        for dataset_type, data_ids in sorted(empty.items()):
            number = len(data_ids)
            self.checking.note(
                f"the files of {number} in {collection} are empty",
                dataset_type,
                data_ids,
            )


def check_bytes(
    expected: Expected,
    showed: Showed,
    archive: ArchiveReader,
    watch: Watch,
) -> Checked:
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
    checking = Checking(Check.BYTES, {"files": 0, "bytes": 0})
    ticket = expected.ticket
    # Files are read as they are exported, and of a collection without one of
    # its files there is no export.
    whole: list[str] = []
    for name in ticket.leaves:
        holding = showed.holdings.get(name)
        if holding and _is_whole(holding):
            whole.append(name)
        else:
            checking.note(f"not read, since it is not whole: {name}")
    try:
        export = showed.butler.export(whole, to_read=True)
        read = archive.describe(
            ticket.key,
            whole,
            export,
            exported_from=showed.address,
            watch=watch,
        )
    except UnreachableError:
        raise
    except CalibstateError as error:
        detail = error.diagnostics[0].detail
        cause = error.__cause__
        # What lies beneath names the file, and what was the matter with it.
        if cause is not None and not isinstance(error, RefusedError):
            detail = str(cause)
        checking.add(Fault.UNREADABLE, detail)
        return checking.checked()
    sizes = [file.size for file in read.files]
    checking.counts["files"] = len(sizes)
    checking.counts["bytes"] = sum(sizes)
    everything = len(whole) == len(ticket.leaves)
    checking.failed_elsewhere = not everything
    if expected.manifest:
        uris = {file.path: file.uri for file in export.files}
        rows: list[Row] = []
        for holding in showed.held_in(ticket.leaves):
            rows.extend(holding.rows)
        _compare_with_bundle(read, expected.manifest, uris, rows, checking)
    elif expected.seal and everything:
        # The one checksum of a seal is that of all files together.
        if content_digest(read) != expected.seal.content:
            detail = "its files are not what was sealed; without a bundle nobody can tell which of them"
            checking.add(Fault.ALTERED, detail)
    else:
        checking.note("checksums could not be compared: no bundle, and no seal of what was read")
    return checking.checked()


def _is_whole(holding: Holding) -> bool:
    """Say whether every dataset is recorded, and has its file."""
    if holding.unrecorded:
        return False
    return None not in holding.sizes.values()


def _compare_with_bundle(
    read: Manifest,
    archived: Manifest,
    uris: Mapping[str, str],
    rows: Iterable[Row],
    checking: Checking,
) -> None:
    """Add the files whose checksums are others than in the bundle.

    Parameters
    ----------
    read
        What was read.
    archived
        The bundle.
    uris
        Where the files are, by path.
    rows
        What the collections hold.
    checking
        What is added to.
    """
    # A file may have another path in the bundle; its datasets have the same
    # UUIDs everywhere.
    checksums: dict[str, str] = {}
    for bundled in archived.files:
        for uuid in bundled.datasets:
            checksums[uuid] = bundled.sha256
    row_of = {row.uuid: row for row in rows}
    for file in read.files:
        checksum = file.sha256
        altered: list[str] = []
        for uuid in file.datasets:
            # What the bundle does not have is told by the content.
            if checksums.get(uuid, checksum) != checksum:
                altered.append(uuid)
        if not altered:
            continue
        first = altered[0]
        begins = checksum[:16]
        archived_begins = checksums[first][:16]
        checking.add(
            Fault.ALTERED,
            f"SHA-256 {begins}…, in the bundle {archived_begins}…",
            dataset_type=row_of[first].dataset_type,
            data_ids={row_of[uuid].data_id for uuid in altered},
            files={uris[file.path]},
        )

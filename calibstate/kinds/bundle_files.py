"""The files of a bundle, whether they are there with the bytes exported.

Nobody needs them until a repository is built anew from the archive, and then
the origin may be gone.  So they are looked at while there is another copy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from ..errors import Diagnostic, InvalidStateError, PlanIsStaleError, RefusedError, UnreachableError
from ..model.bundles import EXPORT, BundleFile, Manifest
from ..model.damage import DamagedFile
from ..model.names import RepositoryAddress
from ..ports.archive import ArchiveReader, ArchiveWriter
from ..ports.places import WritePlaces
from ..ports.progress import Pace, Watch, unlimited, unwatched
from ..ports.records import Fence
from ..ports.silence import heard, hearing, listening

__all__ = ["BundleFiles", "FileProblem", "Reading", "look_at_export", "look_at_files", "restore_files"]

_AT_ONCE = 4
"""Files of the archive that are read at a time."""

_EXAMPLES = 3
"""Reasons why nobody has a file that a sentence names."""


@dataclass(frozen=True)
class Reading:
    """How closely the files of bundles are looked at."""

    every_byte: bool = False
    """Read each file, for its checksum; else only its size is asked."""

    pace: Pace = unlimited
    """Told how many bytes were read; it may keep us waiting."""

    watch: Watch = unwatched
    """Told of progress in files."""


@dataclass(frozen=True)
class FileProblem:
    """A file of a bundle that could not be read, or be understood."""

    path: str
    """Path within the bundle."""

    detail: str
    """Why, in a sentence."""


@dataclass(frozen=True)
class BundleFiles:
    """What the files of a bundle are like."""

    damaged: tuple[DamagedFile, ...] = ()
    """Those that are gone, or hold other bytes, by path."""

    problems: tuple[FileProblem, ...] = ()
    """Those that could not be read, ``export.yaml`` among them."""


def look_at_files(
    manifest: Manifest,
    files: Collection[BundleFile],
    archive: ArchiveReader,
    reading: Reading,
) -> BundleFiles:
    """Look at files of a bundle, but for ``export.yaml`` and the manifest.

    Parameters
    ----------
    manifest
        Of the bundle.
    files
        Those of its files that are looked at.
    archive
        Where they are.
    reading
        How closely.

    Raises
    ------
    UnreachableError
        The archive does not answer.
    """
    if manifest.by_reference or not files:
        return BundleFiles()
    sizes = archive.sizes(manifest)
    damaged: list[DamagedFile] = []
    for file in files:
        size = sizes.get(file.path)
        if size != file.size:
            damaged.append(DamagedFile(file=file, found_size=size))
    if not reading.every_byte:
        return BundleFiles(tuple(damaged))
    # A file of another size is read too: what is moved aside is known.
    damaged = [file for file in damaged if file.is_gone]
    gone = {lost.file.path for lost in damaged}
    to_read = [file for file in files if file.path not in gone]
    problems: list[FileProblem] = []
    read_file = partial(_read_file, manifest, archive, reading.pace)
    for answer in _read(to_read, read_file, reading.watch):
        if isinstance(answer, DamagedFile):
            damaged.append(answer)
        elif answer:
            problems.append(answer)
    damaged.sort(key=lambda file: file.file.path)
    return BundleFiles(tuple(damaged), tuple(problems))


def look_at_export(manifest: Manifest, archive: ArchiveReader) -> BundleFiles:
    """Look whether ``export.yaml`` of a bundle is there and as it was.

    Parameters
    ----------
    manifest
        Of the bundle.
    archive
        Where it is.
    """
    try:
        archive.contents(manifest)
    except RefusedError as error:
        return BundleFiles(problems=(FileProblem(EXPORT, error.first.detail),))
    return BundleFiles()


def _read(
    files: Sequence[BundleFile],
    read: Callable[[BundleFile], DamagedFile | FileProblem | None],
    watch: Watch,
) -> list[DamagedFile | FileProblem | None]:
    """Read files, several at a time; the first failure ends it."""
    answers = []
    with ThreadPoolExecutor(
        _AT_ONCE,
        initializer=listening,
        initargs=(hearing(),),
    ) as threads:
        try:
            for answer in threads.map(read, files):
                answers.append(answer)
                heard()
                watch("files", len(answers), len(files))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
    return answers


def _read_file(
    manifest: Manifest,
    archive: ArchiveReader,
    pace: Pace,
    file: BundleFile,
) -> DamagedFile | FileProblem | None:
    try:
        return archive.read_file(manifest, file, pace)
    except InvalidStateError as error:
        return FileProblem(file.path, error.first.detail)


def restore_files(
    manifest: Manifest,
    damaged: Sequence[DamagedFile],
    sources: Sequence[RepositoryAddress],
    places: WritePlaces,
    watch: Watch,
    fence: Fence,
) -> None:
    """Write files of a bundle again, from the first repository that has them.

    Parameters
    ----------
    manifest
        Of the bundle.
    damaged
        What is wrong with the files.
    sources
        Repositories that may hold the bytes, in the order in which they are
        asked.
    places
        Where these and the archive are.
    watch
        Told of progress in files.
    fence
        Asked before each that is written.

    Raises
    ------
    RefusedError
        Nobody has the bytes of a file; the others were written.
    PlanIsStaleError
        A file is not as it was seen.
    """
    archive = places.change_archive()
    # What is lacking shrinks from repository to repository.
    lacking = list(damaged)
    reasons: list[str] = []
    for address in sources:
        if not lacking:
            return
        try:
            uris = _stored(manifest, address, places)
        except UnreachableError as error:
            reasons.append(f"{address}: {error.first.detail}")
            continue
        # What this repository does not have is asked of the next.
        not_there = []
        for file in lacking:
            try:
                _restore(manifest, file, uris, archive, fence)
                watch("files", len(damaged) - len(lacking) + 1, len(damaged))
            except PlanIsStaleError:
                raise
            except RefusedError as error:
                reasons.append(f"{address}: {error.first.detail}")
                not_there.append(file)
        lacking = not_there
    if lacking:
        raise _nobody_has(manifest, lacking, reasons)


def _restore(
    manifest: Manifest,
    damaged: DamagedFile,
    uris: Mapping[str, str],
    archive: ArchiveWriter,
    fence: Fence,
) -> None:
    # Several datasets may share the file; any of them has its bytes.
    for uuid in damaged.file.datasets:
        if uuid in uris:
            archive.restore_file(manifest, damaged, uris[uuid], fence=fence)
            return
    detail = f"it has no record of the dataset of {damaged.file.path}."
    raise RefusedError(Diagnostic("Dataset is not there", detail))


def _stored(
    manifest: Manifest,
    address: RepositoryAddress,
    places: WritePlaces,
) -> Mapping[str, str]:
    """Return where a repository has the files of a bundle, by UUID."""
    uris: dict[str, str] = {}
    for collection in manifest.collections:
        # What one collection lacks does not hide the others.
        with suppress(RefusedError):
            for file in places.butler(address).stored([collection.name]):
                uris[file.uuid] = file.uri
    return uris


def _nobody_has(
    manifest: Manifest,
    lacking: Sequence[DamagedFile],
    reasons: Sequence[str],
) -> RefusedError:
    return RefusedError(
        Diagnostic(
            "Nobody has the bytes",
            f"{len(lacking)} of the damaged files of {manifest.folder} could be read nowhere: "
            f"{'; '.join(reasons[:_EXAMPLES])}. What is damaged was left as it is.",
            hint="Bring the files back from a backup of the archive, or restore them at the origin.",
        )
    )

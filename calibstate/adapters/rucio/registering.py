"""Registering files with Rubin's own registrar.

Names and URLs are what the registrar makes of a file's path, and the site
finds files by them, so they are checked before anything is written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.resources import ResourcePath
from lsst.rucio.register.data_type import DataType  # type: ignore[import-untyped]
from lsst.rucio.register.rucio_interface import RucioInterface  # type: ignore[import-untyped]
from rucio.common.exception import (
    AccessDenied,
    DataIdentifierNotFound,
    FileConsistencyMismatch,
    InvalidPath,
    ScopeNotFound,
    UnsupportedOperation,
)
from typing_extensions import override

from ...errors import Diagnostic, RefusedError
from ...model.rucio import expected_path, expected_pfn, name_problem
from ...model.settings import RucioSettings
from ...ports.progress import Watch
from ...ports.records import Fence, unfenced
from ...ports.rucio import FileToRegister, RucioReader
from .asking import Hints, Rucio

if TYPE_CHECKING:
    from rucio.client import Client

__all__ = ["register"]

_CHUNK = 100
"""Files that are registered at once; Rucio gets slower above."""


def register(
    reader: RucioReader,
    rucio: Rucio,
    settings: RucioSettings,
    dataset: str,
    files: Sequence[FileToRegister],
    watch: Watch,
    fence: Fence = unfenced,
) -> None:
    """Register files at the origin's RSE and attach them to a dataset.

    Parameters
    ----------
    reader, rucio
        The server.
    settings
        How datasets and files are called.
    dataset
        Name of the dataset.
    files
        What it lacks.
    watch
        Told of progress in files.
    fence
        Asked before each lot that is registered.

    Raises
    ------
    RefusedError
        The dataset is closed, a file is not where the RSE would have it, or
        the account may not register.
    """
    # Several datasets may share a file: of each name the first one counts.
    by_name = {file.name: file for file in reversed(files)}
    distinct = list(by_name.values())
    distinct.reverse()
    _check(reader, rucio, settings, dataset, distinct)
    hints = _hints(settings, dataset, rucio.account)
    total = len(distinct)
    for begin in range(0, total, _CHUNK):
        chunk = distinct[begin : begin + _CHUNK]
        fence()
        with _unheard():
            rucio.ask(
                f"register {len(chunk)} files such as `{settings.scope}:{chunk[0].name}` "
                f"at {settings.origin_rse} for `{settings.scope}:{dataset}`",
                lambda client, chunk=chunk: _Registrar(client, settings, chunk).register(dataset),  # type: ignore[misc]
                hints,
            )
        watch("files", begin + len(chunk), total)


@dataclass(frozen=True)
class _Ref:
    """What the registrar takes for a dataset's reference."""

    file: FileToRegister

    def to_json(self) -> str:
        return self.file.sidecar


class _Origin:
    """What the registrar takes for a butler."""

    def getURI(self, ref: _Ref) -> ResourcePath:  # noqa: N802
        return ResourcePath(ref.file.uri)


class _Registrar(RucioInterface):  # type: ignore[misc]
    """The registrar, with our client and without reading the files."""

    def __init__(
        self,
        client: Client,
        settings: RucioSettings,
        files: Sequence[FileToRegister],
    ) -> None:
        # Not that of the registrar: it would sign in twice more.
        self.butler = _Origin()
        self.rse = settings.origin_rse
        self.scope = settings.scope
        self.rse_root = (settings.rse_root or "").rstrip("/")
        self.pfn_base = self.dtn_url = (settings.dtn_url or "").rstrip("/")
        self.rubin_butler_type = DataType.DATA_PRODUCT
        self.replica_client = self.did_client = client
        self._files = {ResourcePath(file.uri): file for file in files}
        # We try again ourselves, the whole of it.
        self.set_backoff(1, 1, 1)

    def register(self, dataset: str) -> None:
        references = [_Ref(file) for file in self._files.values()]
        self.register_as_replicas(dataset, references)

    @override
    def compute_hashes(self, resource_path: ResourcePath) -> tuple[int, str]:
        file = self._files[resource_path]
        return file.size, file.adler32


def _check(
    reader: RucioReader,
    rucio: Rucio,
    settings: RucioSettings,
    dataset: str,
    files: Sequence[FileToRegister],
) -> None:
    if settings.rse_root is None or settings.dtn_url is None:
        raise _refused(
            "Origin is not described",
            "without `rse_root` and `dtn_url` nobody knows under which URLs the files of the origin are.",
            "Set both below `rucio` in calibstate.yaml, as `rucio-register` wants them.",
        )
    names = [dataset, *(file.name for file in files)]
    for name in names:
        problem = name_problem(name, settings.names)
        if problem:
            raise _refused("Name is not fit for Rucio", f"{name}: {problem}.", "Call it otherwise.")
    _check_places(reader, settings, files)
    if not reader.has_scope():
        # Rucio itself would tell of a trouble of its database.
        raise _refused(
            "Scope does not exist",
            f"Rucio has no scope {settings.scope}.",
            f"An administrator can run `rucio scope add --account {rucio.account} {settings.scope}`.",
        )
    _check_open(rucio, settings, dataset)
    _check_known(reader, settings, files)


def _check_places(
    reader: RucioReader,
    settings: RucioSettings,
    files: Sequence[FileToRegister],
) -> None:
    for file in files:
        wanted = expected_path(settings, file.name)
        if ResourcePath(file.uri).unquoted_path != wanted:
            raise _refused(
                "File is not where the storage element would have it",
                f"{file.uri} is to be `{settings.scope}:{file.name}`, which at {settings.origin_rse} "
                f"is {wanted}; nobody would find it.",
                _PLACES,
            )
    # The element builds all URLs in the same way, so that one tells of all.
    for file in files[:1]:
        built = expected_pfn(settings, file.name)
        have = reader.pfn(file.name)
        if built != have:
            where = have or "no place: there is no such storage element"
            raise _refused(
                "URLs of the origin differ",
                f"`{settings.scope}:{file.name}` would be registered as {built}; "
                f"{settings.origin_rse} has it at {where}.",
                _PLACES,
            )


def _check_open(
    rucio: Rucio,
    settings: RucioSettings,
    dataset: str,
) -> None:
    """Refuse a name that is taken by something else, or a closed dataset."""
    did = f"`{settings.scope}:{dataset}`"

    def describe(client: Client) -> Mapping[str, str] | None:
        try:
            return dict(client.get_did(settings.scope, dataset))
        except DataIdentifierNotFound:
            return None

    there = rucio.ask(f"describe {did}", describe)
    if there is None:
        return
    if there["type"] != "DATASET":
        kind = there["type"].lower()
        raise _refused(
            "Name is taken",
            f"{did} is a {kind} in Rucio, not a dataset.",
            "Set another `dataset` below `rucio` in calibstate.yaml.",
        )
    if not there["open"]:
        raise _refused(
            "Rucio dataset is closed",
            f"{did} takes no more files.",
            _reopen(settings, dataset),
        )


def _check_known(
    reader: RucioReader,
    settings: RucioSettings,
    files: Sequence[FileToRegister],
) -> None:
    # Adding a replica of a known file, Rucio believes what it knew before;
    # attaching it, it compares.  In between, half would be written.
    registered = reader.files(file.name for file in files)
    for file in files:
        have = registered.get(file.name)
        if have and (have.size, have.adler32) != (file.size, file.adler32):
            raise _refused(
                "File is known with other bytes",
                f"`{settings.scope}:{file.name}` has {have.size} bytes and adler32 {have.adler32} in Rucio, "
                f"and is to have {file.size} and {file.adler32}. Sites would get either.",
                _OTHER_BYTES,
            )


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep the registrar off standard error.

    It writes to the root logger, which at that sets up an output of its own
    unless there is one.
    """
    root = logging.getLogger()
    silence = logging.NullHandler()
    root.addHandler(silence)
    try:
        yield
    finally:
        root.removeHandler(silence)


_PLACES = (
    "Check `scope`, `origin_rse`, `rse_root` and `dtn_url` below `rucio` in calibstate.yaml: the origin's "
    "datastore must be the folder of the scope at the storage element."
)


_OTHER_BYTES = (
    "What is registered is final: what was made anew needs a collection of another name, in a new ticket."
)


def _reopen(settings: RucioSettings, dataset: str) -> str:
    return (
        "What is closed is final: new calibrations are a new ticket. "
        f"An administrator can run `rucio did update --open {settings.scope}:{dataset}`."
    )


def _hints(settings: RucioSettings, dataset: str, account: str) -> Hints:
    return {
        AccessDenied: f"An administrator must let the account {account} add files at {settings.origin_rse}; "
        f"by Rucio's generic policy, `rucio account attribute set {account} --key admin --value true`.",
        FileConsistencyMismatch: _OTHER_BYTES,
        InvalidPath: _PLACES,
        ScopeNotFound: f"An administrator can run `rucio scope add --account {account} {settings.scope}`.",
        UnsupportedOperation: _reopen(settings, dataset),
    }


def _refused(summary: str, detail: str, hint: str) -> RefusedError:
    return RefusedError(Diagnostic(summary, detail, hint=hint))

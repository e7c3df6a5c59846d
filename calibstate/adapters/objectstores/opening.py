"""Which object store is at a path or URI."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from ...errors import Diagnostic, InvalidStateError, without_secrets
from ...model.names import spelled
from ...ports.silence import USUAL_TIMEOUT
from ..local import path_of
from .folder import Folder
from .objectstore import ObjectStore

if TYPE_CHECKING:
    from .bucket import Bucket

__all__ = ["open_store", "opened", "server_of"]

_IN_MEMORY = 32 * 2**20

_IN_ZIP = "#zip-path="


def open_store(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> ObjectStore:
    """Return the object store at a path or an ``s3://`` URI.

    Nothing is read yet.

    Parameters
    ----------
    uri
        A path, or ``s3://BUCKET/PREFIX``.
    timeout
        How long it may be silent.

    Raises
    ------
    InvalidStateError
        It is neither.
    """
    if uri.startswith("s3://"):
        return _bucket(uri, timeout)
    if urlsplit(uri).scheme in {"", "file"}:
        return Folder(Path(path_of(uri)))
    named = spelled(without_secrets(uri))
    raise InvalidStateError(
        Diagnostic(
            "Unknown kind of store",
            f"{named} is neither a folder nor an s3:// URI; nothing could be kept there.",
            hint="Name a path, or s3://BUCKET/PREFIX.",
        )
    )


def server_of(uri: str) -> str:
    """Return what answers for a path or URI; nothing is asked.

    All buckets of an endpoint answer, or say nothing, together; a folder is
    by itself.
    """
    if not uri.startswith("s3://"):
        return uri
    profile = unquote(urlsplit(uri).netloc.rpartition("@")[0])
    named = os.environ.get(f"LSST_RESOURCES_S3_PROFILE_{profile}") if profile else None
    url = urlsplit(named or os.environ.get("S3_ENDPOINT_URL", ""))
    return f"s3 {url.netloc.rpartition('@')[2] or profile}"


@contextmanager
def opened(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> Iterator[IO[bytes]]:
    """Open a file, wherever it is, to be read more than once.

    The URI of a member of a zip file has a fragment, as the butler writes it.

    Parameters
    ----------
    uri
        A path, or a URI.
    timeout
        How long an object store may be silent.

    Raises
    ------
    FileNotFoundError
        There is none.
    OSError
        It cannot be read.
    """
    whole, is_member, member = uri.partition(_IN_ZIP)
    if is_member:
        with (
            opened(whole, timeout) as stream,
            zipfile.ZipFile(stream) as archive,
            archive.open(unquote(member)) as part,
        ):
            yield part
        return
    if uri.startswith("s3://"):
        folder, _, name = uri.rpartition("/")
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            _bucket(folder, timeout).fetch(unquote(name), cast(IO[bytes], spool))
            spool.seek(0)
            yield cast(IO[bytes], spool)
        return
    if urlsplit(uri).scheme in {"", "file"}:
        with Path(path_of(uri)).open("rb") as stream:
            yield stream
        return
    from lsst.resources import ResourcePath

    with ResourcePath(uri).as_local() as local, Path(local.ospath).open("rb") as stream:
        yield stream


def _bucket(uri: str, timeout: timedelta) -> Bucket:
    from .bucket import Bucket

    return Bucket(uri, timeout)

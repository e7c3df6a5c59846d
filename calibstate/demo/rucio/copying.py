"""Copies one file from one storage to another, and proves it.

A copy is there when its size and checksum, read back at the destination, are
those that were asked for; anything else leaves nothing there.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import unquote, urlparse

from typing_extensions import override

__all__ = ["Content", "copy"]

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Content:
    """What a file must hold."""

    size: int
    """Bytes."""

    adler32: str
    """Checksum, eight hexadecimal digits."""


def copy(source: str, destination: str, content: Content) -> None:
    """Copy a file.

    Parameters
    ----------
    source, destination
        URLs, ``file`` or ``s3``.
    content
        What must arrive.

    Raises
    ------
    OSError
        The source cannot be read or is not ``content``, or the destination
        cannot be written.
    """
    reading, writing = _place(source), _place(destination)
    with tempfile.TemporaryFile() as between:
        with reading.read() as stream:
            _check("SOURCE", _pour(stream, between), content)
        between.seek(0)
        writing.write(between)
    with writing.read() as stream:
        arrived = _pour(stream)
    if arrived != content:
        writing.remove()
    _check("DESTINATION", arrived, content)


def _check(side: str, actual: Content, content: Content) -> None:
    """Raise an error of FTS unless a file has the content that it should."""
    if actual.size != content.size:
        raise OSError(f"{side} SIZE MISMATCH {actual.size} != {content.size}")
    if actual.adler32 != content.adler32:
        raise OSError(f"{side} CHECKSUM MISMATCH {actual.adler32} != {content.adler32}")


def _pour(stream: IO[bytes], into: IO[bytes] | None = None) -> Content:
    """Read to the end; return what came."""
    size, checksum = 0, 1
    while block := stream.read(_BLOCK):
        size += len(block)
        checksum = zlib.adler32(block, checksum)
        if into is not None:
            into.write(block)
    return Content(size, f"{checksum:08x}")


class _Place(Protocol):
    """Where one file is, or is to be."""

    @contextmanager
    def read(self) -> Iterator[IO[bytes]]: ...

    def write(self, stream: IO[bytes]) -> None: ...

    def remove(self) -> None: ...


def _place(url: str) -> _Place:
    parts = urlparse(url)
    path = unquote(parts.path)
    if parts.scheme == "file":
        return _InFolder(Path(path))
    if parts.scheme == "s3":
        bucket, _, key = path.lstrip("/").partition("/")
        return _InBucket(parts.netloc, bucket, key)
    raise OSError(f"no storage speaks {parts.scheme}")


@dataclass(frozen=True)
class _InFolder(_Place):
    path: Path

    @override
    @contextmanager
    def read(self) -> Iterator[IO[bytes]]:
        with self.path.open("rb") as stream:
            yield stream

    @override
    def write(self, stream: IO[bytes]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Nobody sees half a file under its name.
        part = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}.part")
        with part.open("wb") as written:
            shutil.copyfileobj(stream, written, _BLOCK)
        part.replace(self.path)

    @override
    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _InBucket(_Place):
    server: str
    """Host and port."""

    bucket: str
    key: str

    @override
    @contextmanager
    def read(self) -> Iterator[IO[bytes]]:
        with _told_as_os_error():
            body = self._client.get_object(Bucket=self.bucket, Key=self.key)["Body"]
            yield body
            body.close()

    @override
    def write(self, stream: IO[bytes]) -> None:
        with _told_as_os_error():
            self._client.put_object(Bucket=self.bucket, Key=self.key, Body=stream)

    @override
    def remove(self) -> None:
        with _told_as_os_error():
            self._client.delete_object(Bucket=self.bucket, Key=self.key)

    @property
    def _client(self) -> Any:
        return _client(self.server)


@functools.cache
def _client(server: str) -> Any:
    """Return the client of a server, with the keys of the environment."""
    import boto3
    from botocore.config import Config

    settings = Config(s3={"addressing_style": "path"}, max_pool_connections=32)
    return boto3.client("s3", endpoint_url=f"http://{server}", config=settings)


@contextmanager
def _told_as_os_error() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from error

"""Shelves: files by key, in a folder or under a prefix of an S3 bucket.

A file on a shelf is there in full or not at all: in a folder it is written
under a temporary name and renamed, in a bucket a PUT is one step.  Whatever
goes wrong is an `OSError`, in the words of the system, without passwords.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import glob
import hashlib
import os
import tempfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import validate_bucket_name
from lsst.resources import ResourcePath
from typing_extensions import override

from ..errors import Diagnostic, InvalidStateError, keep_secret, without_secrets
from ..ports.silence import allowed, at_work, heard
from .lazy import lazy

__all__ = ["Bucket", "Digest", "Folder", "Shelf", "digest_of", "open_shelf", "opened", "reason"]

TEMPORARY = ".calibstate-"
"""How the names of our temporary files begin."""

_CHUNK = 2**20
_OFTEN = 5
_IN_MEMORY = 32 * 2**20
_SWAPPED = 2**20
"""Bytes of what can be swapped."""

_TRIES = 3
"""How often S3 is asked before it counts as unreachable."""

_ONE_PUT = 5 * 10**9
"""Bytes that S3 takes in one request."""


@dataclass(frozen=True)
class Digest:
    """What identifies the bytes of a file."""

    size: int
    """Bytes."""
    sha256: str
    """Hex."""
    adler32: str
    """Eight hex digits."""
    md5: bytes
    """What S3 compares the bytes that it received with."""


@dataclass
class _Digester:
    """Digests bytes as they pass."""

    size: int = 0
    adler32: int = 1
    sha256: Any = field(default_factory=hashlib.sha256)
    md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def pass_through(self, stream: IO[bytes]) -> Iterator[bytes]:
        while chunk := stream.read(_CHUNK):
            self.size += len(chunk)
            self.adler32 = zlib.adler32(chunk, self.adler32)
            self.sha256.update(chunk)
            self.md5.update(chunk)
            heard()
            yield chunk

    @property
    def digest(self) -> Digest:
        return Digest(self.size, self.sha256.hexdigest(), f"{self.adler32:08x}", self.md5.digest())


def digest_of(stream: IO[bytes]) -> Digest:
    """Return the digest of what is left in a stream."""
    digester = _Digester()
    for _ in digester.pass_through(stream):
        pass
    return digester.digest


class Shelf(ABC):
    """Files by key; keys are relative paths with ``/``."""

    uri: str
    """URI of the shelf, without passwords, ended by ``/``."""

    @abstractmethod
    def look(self) -> None:
        """Raise `OSError` if the shelf cannot be seen from here."""

    @abstractmethod
    def folders(self, key: str) -> list[str]:
        """Return the names of the folders directly in a folder."""

    @abstractmethod
    def files(self, key: str) -> list[str]:
        """Return the names of the files directly in a folder, sorted."""

    @abstractmethod
    def read(self, key: str, *, limit: int) -> bytes | None:
        """Return the bytes of a file, or `None` where there is none.

        Parameters
        ----------
        key
            Key of the file.
        limit
            Bytes; a larger file is an `OSError`.
        """

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Write a file in one step, in place of the one that is there."""

    @abstractmethod
    def create(self, key: str, data: bytes) -> bool:
        """Write a file unless there is one; say whether it was written.

        Of several who try at once only one is told so.
        """

    @abstractmethod
    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        """Write a file in place of certain bytes; say whether it was.

        Of several who try at once on this host only one is told so.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def withdraw(self, key: str, data: bytes) -> bool:
        """Remove a file of certain bytes; say whether it was removed.

        Of several who remove or swap it at once only one is told so.
        """

    @abstractmethod
    def resume(self, key: str) -> None:
        """Clear away what an interrupted run left unfinished in a folder."""

    @abstractmethod
    def add(self, key: str, stream: IO[bytes]) -> Digest:
        """Write a large file, unless the same bytes are there already.

        Parameters
        ----------
        key
            Key of the file; `resume` was called for a folder above it.
        stream
            Its bytes; can be read from the start again.
        """

    @abstractmethod
    def settle(self, key: str) -> None:
        """Have the files of a folder on the disk before returning."""


def open_shelf(uri: str) -> Shelf:
    """Return the shelf at a path or an ``s3://`` URI; nothing is read yet.

    Raises
    ------
    InvalidStateError
        It is neither.
    """
    if uri.startswith("s3://"):
        return Bucket(uri)
    if urlsplit(uri).scheme in {"", "file"}:
        return Folder(Path(ResourcePath(uri, forceDirectory=True).ospath))
    raise InvalidStateError(
        Diagnostic(
            "Unknown kind of store",
            f"{without_secrets(uri)!r} is neither a folder nor an s3:// URI; nothing could be kept there.",
            hint="Name a path, or s3://BUCKET/PREFIX.",
        )
    )


@contextmanager
def opened(uri: str) -> Iterator[IO[bytes]]:
    """Open a file, wherever it is, to be read more than once.

    Raises
    ------
    FileNotFoundError
        There is none.
    OSError
        It cannot be read.
    """
    if uri.startswith("s3://"):
        folder, _, name = uri.rpartition("/")
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            Bucket(folder).fetch(unquote(name), cast(IO[bytes], spool))
            spool.seek(0)
            yield cast(IO[bytes], spool)
        return
    with ResourcePath(uri).as_local() as local, Path(local.ospath).open("rb") as stream:
        yield stream


def reason(error: OSError) -> str:
    """Return what the system says, with the file that it concerns."""
    at = f" ({without_secrets(str(error.filename))})" if error.filename else ""
    return f"{error.strerror or error}{at}"


class Folder(Shelf):
    """A folder.

    Parameters
    ----------
    root
        It may be missing as long as the folder above it is there.
    """

    def __init__(self, root: Path) -> None:
        self.path = self._root = root
        self.uri = str(ResourcePath(str(root), forceDirectory=True))

    @override
    def look(self) -> None:
        if self._root.is_dir():
            with os.scandir(self._root) as entries:
                next(entries, None)
        elif self._root.exists():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self._root))
        elif not self._root.parent.is_dir():
            # Something that should be mounted there may not be.
            raise FileNotFoundError(
                errno.ENOENT, "Neither the folder nor the one above it exists", str(self._root)
            )

    @override
    def folders(self, key: str) -> list[str]:
        try:
            with os.scandir(self._root / key) as entries:
                return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        except FileNotFoundError:
            return []

    @override
    def files(self, key: str) -> list[str]:
        try:
            with os.scandir(self._root / key) as entries:
                return sorted(e.name for e in entries if e.is_file() and not e.name.startswith("."))
        except FileNotFoundError:
            return []

    @override
    def read(self, key: str, *, limit: int) -> bytes | None:
        try:
            with (self._root / key).open("rb") as stream:
                return _limited(stream, limit, key)
        except FileNotFoundError:
            return None

    @override
    def write(self, key: str, data: bytes) -> None:
        path = self._made(key)
        with self._temporary(path.parent, f"{path.name}-") as (temporary, stream):
            stream.write(data)
            _sync(stream)
            temporary.replace(path)
        _sync_folder(path.parent)

    @override
    def create(self, key: str, data: bytes) -> bool:
        path = self._made(key)
        with self._temporary(path.parent, f"{path.name}-") as (temporary, stream):
            stream.write(data)
            _sync(stream)
            try:
                # Unlike an open file a link appears with all its content.
                os.link(temporary, path)
            except (FileExistsError, FileNotFoundError):
                # Who was quicker has perhaps cleared our temporary file away.
                return False
        self._clear(path)
        return True

    @override
    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        with self._alone_at(key):
            if self.read(key, limit=_SWAPPED) != old:
                return False
            self.write(key, new)
            self._clear(self._root / key)
            return True

    @override
    def remove(self, key: str) -> None:
        (self._root / key).unlink(missing_ok=True)

    @override
    def withdraw(self, key: str, data: bytes) -> bool:
        with self._alone_at(key):
            if self.read(key, limit=_SWAPPED) != data:
                return False
            self.remove(key)
            return True

    @override
    def resume(self, key: str) -> None:
        for leftover in (self._root / key).rglob(f"{TEMPORARY}*"):
            _clear_away(leftover)

    @override
    def add(self, key: str, stream: IO[bytes]) -> Digest:
        path = self._made(key)
        if path.exists():
            with path.open("rb") as there:
                digest = digest_of(there)
            if digest == digest_of(stream):
                return digest
            stream.seek(0)
        return self._place(stream, path)

    @override
    def settle(self, key: str) -> None:
        for folder, _, _ in os.walk(self._root / key):
            _sync_folder(Path(folder))
        for above in Path(key).parents:
            _sync_folder(self._root / above)

    def append(self, key: str, data: bytes) -> None:
        """Append to a file, and have it on the disk before returning."""
        path = self._made(key)
        new = not path.exists()
        with path.open("ab", buffering=0) as stream:
            before = stream.tell()
            try:
                while data:
                    data = data[stream.write(data) :]
                os.fsync(stream.fileno())
            except OSError:
                # Half a line would spoil the next one.
                stream.truncate(before)
                raise
        if new:
            _sync_folder(path.parent)

    @contextmanager
    def _alone_at(self, key: str) -> Iterator[None]:
        """Keep others from swapping meanwhile."""
        # A file of its own: the one that is swapped is another one afterwards.
        with (self._made(key).parent / ".guard").open("ab") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    def _clear(self, path: Path) -> None:
        """Remove what others, killed or too late, made to create a file."""
        for leftover in path.parent.glob(f"{TEMPORARY}{glob.escape(path.name)}-*"):
            leftover.unlink(missing_ok=True)
        _sync_folder(path.parent)

    def _place(self, stream: IO[bytes], path: Path) -> Digest:
        digester = _Digester()
        with self._temporary(path.parent) as (temporary, target):
            target.writelines(digester.pass_through(stream))
            _sync(target)
            temporary.replace(path)
        return digester.digest

    def _made(self, key: str) -> Path:
        """Return the path of a key, its folder made."""
        # The shelf's own folder is made, never the one above: that may be a
        # mount which is not there at the moment.
        with suppress(FileExistsError):
            self._root.mkdir()
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def _temporary(self, folder: Path, purpose: str = "") -> Iterator[tuple[Path, IO[bytes]]]:
        path = folder / f"{TEMPORARY}{purpose}{os.getpid()}-{uuid4().hex}"
        try:
            with _in_use(path) as stream:
                yield path, stream
        finally:
            path.unlink(missing_ok=True)


class Bucket(Shelf):
    """A prefix of a bucket.

    Parameters
    ----------
    uri
        ``s3://BUCKET/PREFIX``, or ``s3://PROFILE@BUCKET/PREFIX``; endpoint
        and keys are found as lsst.resources finds them.
    """

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        profile, _, self._bucket = parts.netloc.rpartition("@")
        self._profile = profile or None
        self._prefix = unquote(parts.path).strip("/")
        self.uri = f"s3://{parts.netloc}/{self._prefix}".rstrip("/") + "/"
        self._left: dict[str, str] = {}

    @lazy
    def _client(self) -> Any:
        return _client(self._profile)

    @override
    def look(self) -> None:
        with _answers():
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._key(""), MaxKeys=1)

    def date(self) -> str | None:
        """Return what time it is there, as HTTP tells it."""
        with _answers():
            told = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._key(""), MaxKeys=1)
        date: str | None = told["ResponseMetadata"]["HTTPHeaders"].get("date")
        return date

    @override
    def folders(self, key: str) -> list[str]:
        prefix = self._key(key) + "/"
        found: list[str] = []
        for page in self._listed(Prefix=prefix, Delimiter="/"):
            found += [f["Prefix"][len(prefix) : -1] for f in page.get("CommonPrefixes", ())]
        return found

    @override
    def files(self, key: str) -> list[str]:
        prefix = self._key(key) + "/"
        listed = self._listed(Prefix=prefix, Delimiter="/")
        return sorted(f["Key"][len(prefix) :] for page in listed for f in page.get("Contents", ()))

    @override
    def read(self, key: str, *, limit: int) -> bytes | None:
        return (self._get(key, limit) or (None, ""))[0]

    def fetch(self, key: str, stream: IO[bytes]) -> None:
        """Copy a file of any size into a stream."""
        with _answers():
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=self._key(key))["Body"]
            except self._client.exceptions.NoSuchKey as error:
                at = f"{self.uri}{key}"
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), at) from error
            for chunk in body.iter_chunks(_CHUNK):
                stream.write(chunk)
                heard()

    @override
    def write(self, key: str, data: bytes) -> None:
        with _answers():
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=data)

    @override
    def create(self, key: str, data: bytes) -> bool:
        return self._put_if(key, data, IfNoneMatch="*")

    @override
    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        found = self._get(key, _SWAPPED)
        if found is None or found[0] != old:
            return False
        return self._put_if(key, new, IfMatch=found[1])

    @override
    def remove(self, key: str) -> None:
        with _answers():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    @override
    def withdraw(self, key: str, data: bytes) -> bool:
        found = self._get(key, _SWAPPED)
        if found is None or found[0] != data:
            return False
        # Not every server knows this condition; then the moment since it was
        # seen to be the one is all that somebody else has.
        try:
            return self._if_so(self._client.delete_object, key, IfMatch=found[1])
        except OSError as error:
            if not _is_not_implemented(error.__cause__):
                raise
        self.remove(key)
        return True

    @override
    def resume(self, key: str) -> None:
        # A PUT leaves nothing unfinished.  What is there in full is known by
        # its ETag, which is the MD5 unless the bucket encrypts.
        for page in self._listed(Prefix=self._key(key) + "/"):
            self._left |= {f["Key"]: f["ETag"].strip('"') for f in page.get("Contents", ())}

    @override
    def add(self, key: str, stream: IO[bytes]) -> Digest:
        digest = digest_of(stream)
        if self._left.get(self._key(key)) != digest.md5.hex():
            stream.seek(0)
            self._upload(self._key(key), stream, digest)
        return digest

    @override
    def settle(self, key: str) -> None:
        pass

    def _upload(self, key: str, stream: IO[bytes], digest: Digest) -> None:
        with _answers(), at_work():
            if digest.size > _ONE_PUT:
                self._client.upload_fileobj(stream, self._bucket, key)
                return
            # S3 refuses the bytes if they are not those that were digested.
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=stream,
                ContentLength=digest.size,
                ContentMD5=base64.b64encode(digest.md5).decode(),
            )

    def _get(self, key: str, limit: int) -> tuple[bytes, str] | None:
        """Return the bytes and the ETag of an object."""
        with _answers():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
            except self._client.exceptions.NoSuchKey:
                return None
            return _limited(found["Body"], limit, key), found["ETag"]

    def _put_if(self, key: str, data: bytes, **condition: str) -> bool:
        return self._if_so(self._client.put_object, key, Body=data, **condition)

    def _if_so(self, call: Callable[..., Any], key: str, **more: Any) -> bool:
        """Ask for something on a condition; say whether it was so."""
        with _answers():
            try:
                call(Bucket=self._bucket, Key=self._key(key), **more)
            except ClientError as error:
                # 404: it is gone.  409: somebody else's came in between.
                missed = error.response["Error"]["Code"] == "NoSuchKey"
                if missed or error.response["ResponseMetadata"]["HTTPStatusCode"] in {409, 412}:
                    return False
                raise
        return True

    def _listed(self, **which: str) -> Iterator[Mapping[str, Any]]:
        with _answers():
            yield from self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **which)

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}".strip("/")


def _client(profile: str | None) -> Any:
    """Return a client with the settings of lsst.resources and less patience.

    Raises
    ------
    OSError
        The profile or the endpoint cannot be understood.
    """
    named = os.environ.get(f"LSST_RESOURCES_S3_PROFILE_{profile}") if profile else None
    url = urlsplit(named or os.environ.get("S3_ENDPOINT_URL", ""))
    keep_secret(url.password and unquote(url.password))
    with _answers():
        session = boto3.Session(profile_name=None if url.password else profile)
        client = session.client(
            "s3",
            endpoint_url=f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}" if url.scheme else None,
            aws_access_key_id=unquote(url.username) if url.username and url.password else None,
            aws_secret_access_key=unquote(url.password) if url.username and url.password else None,
            config=Config(
                connect_timeout=min(5.0, allowed() / _TRIES),
                read_timeout=min(30.0, allowed() / _TRIES),
                retries={"total_max_attempts": _TRIES},
                max_pool_connections=16,
            ),
        )
    client.meta.events.register("after-call.s3", _hear)
    if os.environ.get("LSST_DISABLE_BUCKET_VALIDATION", "0").lower() not in {"", "0", "f", "n", "false"}:
        client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    return client


def _hear(**_: Any) -> None:
    heard()


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what boto3 raises into `OSError`."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, ValueError) as error:
        # ValueError is what botocore raises for an endpoint that is no URL.
        raise OSError(without_secrets(str(error))) from error


def _is_not_implemented(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def _limited(stream: Any, limit: int, key: str) -> bytes:
    data: bytes = stream.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"It is larger than {limit} bytes", key)
    return data


def _in_use(path: Path) -> IO[bytes]:
    """Create a temporary file, so that whoever clears up leaves it alone."""
    for _ in range(_OFTEN):
        stream = path.open("xb")
        # Where there are no such locks, that of the place must do.
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        if path.exists():
            return stream
        stream.close()  # It was cleared away before it was known to be in use.
    return path.open("xb")


def _clear_away(path: Path) -> None:
    """Remove a temporary file, unless somebody writes to it."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    except OSError:
        path.unlink(missing_ok=True)


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

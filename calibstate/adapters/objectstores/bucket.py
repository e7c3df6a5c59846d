"""A prefix of an S3 bucket as an object store, where a PUT is one step.

It is imported where there is one: boto3 keeps everybody else waiting.
"""

from __future__ import annotations

import base64
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import validate_bucket_name
from botocore.loaders import Loader, create_loader
from typing_extensions import override

from ...errors import keep_secret, without_secrets
from ...ports.progress import Pace, unlimited
from ...ports.records import Fence, unfenced
from ...ports.silence import USUAL_TIMEOUT, at_work, heard
from ..lazy import lazy
from .digests import CHUNK, Digest, digest_of
from .objectstore import SWAPPED, ObjectStore, limited

__all__ = ["Bucket"]

_TRIES = 3
"""How often S3 is asked before it counts as unreachable."""

_ONE_PUT = 5 * 10**9
"""Bytes that S3 takes in one request."""

_PART = 256 * 2**20
"""Bytes of a part of what it takes in several."""


class Bucket(ObjectStore):
    """A prefix of a bucket.

    Parameters
    ----------
    uri
        ``s3://BUCKET/PREFIX``, or ``s3://PROFILE@BUCKET/PREFIX``; endpoint
        and keys are found as lsst.resources finds them.
    timeout
        How long it may be silent.
    """

    def __init__(self, uri: str, timeout: timedelta = USUAL_TIMEOUT) -> None:
        parts = urlsplit(uri)
        profile, _, self._bucket = parts.netloc.rpartition("@")
        # Keys have no place there, and are told to nobody all the same.
        _, _, secret_key = profile.partition(":")
        keep_secret(unquote(secret_key))
        self._profile = profile or None
        self._timeout = timeout
        self._prefix = unquote(parts.path).strip("/")
        prefix = f"s3://{parts.netloc}/{self._prefix}"
        self.uri = prefix.rstrip("/") + "/"
        self._left: dict[str, str] = {}
        """ETags of what an earlier run left, by the key in the bucket."""

    @lazy
    def _client(self) -> Any:
        return _client(self._profile, self._timeout)

    @override
    def look(self) -> None:
        self._list_little()

    @override
    def date(self) -> str | None:
        listing = self._list_little()
        headers: Mapping[str, str] = listing["ResponseMetadata"]["HTTPHeaders"]
        return headers.get("date")

    def _list_little(self) -> Mapping[str, Any]:
        """Ask what costs least and still needs the bucket and our rights."""
        with _answers():
            answer: Mapping[str, Any] = self._client.list_objects_v2(
                Bucket=self._bucket,
                Prefix=self._key(""),
                MaxKeys=1,
            )
        return answer

    @override
    def time(self, key: str) -> datetime | None:
        # Every answer has it, so that nothing has to be written.
        try:
            there = parsedate_to_datetime(self.date() or "")
        except (TypeError, ValueError):
            return None
        if there.tzinfo is None:
            return None
        return there.astimezone(UTC)

    @override
    def folders(self, key: str) -> list[str]:
        above = self._key(key) + "/"
        names = []
        for page in self._listed(Prefix=above, Delimiter="/"):
            for folder in page.get("CommonPrefixes", ()):
                name = folder["Prefix"].removeprefix(above)
                names.append(name.removesuffix("/"))
        return names

    @override
    def files(self, key: str) -> list[str]:
        above = self._key(key) + "/"
        names = []
        for page in self._listed(Prefix=above, Delimiter="/"):
            for file in page.get("Contents", ()):
                names.append(file["Key"].removeprefix(above))
        return sorted(names)

    @override
    def read(self, key: str, *, limit: int) -> bytes | None:
        current = self._get(key, limit)
        if current is None:
            return None
        return current.data

    @override
    def read_part(self, key: str, begin: int, size: int) -> bytes | None:
        # S3 counts the last byte too.
        last = begin + size - 1
        with _answers():
            try:
                answer = self._get_object(key, Range=f"bytes={begin}-{last}")
            except ClientError as error:
                status = _status(error)
                if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    return b""  # The file ends before.
                if status != HTTPStatus.FORBIDDEN:
                    raise
                # Of this object nothing is told, and others may be.
                where = f"{self.uri}{key}"
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), where) from error
            if answer is None:
                return None
            data: bytes = answer["Body"].read()
            return data

    def fetch(self, key: str, stream: IO[bytes]) -> None:
        """Copy a file of any size into a stream."""
        with _answers():
            answer = self._get_object(key)
            if answer is None:
                where = f"{self.uri}{key}"
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), where)
            for chunk in answer["Body"].iter_chunks(CHUNK):
                stream.write(chunk)
                heard()

    @override
    def write(self, key: str, data: bytes) -> None:
        with _answers():
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=data)

    @override
    def create(self, key: str, data: bytes) -> bool:
        return self._put_if(key, data, IfNoneMatch="*")

    def create_from(self, key: str, stream: IO[bytes], size: int) -> bool:
        """Write a file of any size unless there is one.

        Parameters
        ----------
        key
            Key of the file.
        stream
            Its bytes; can be read from the start again.
        size
            How many they are.

        Returns
        -------
        bool
            Whether it was written.
        """
        with at_work():
            if size > _ONE_PUT:
                return self._put_in_parts(key, stream, {"IfNoneMatch": "*"})
            return self._if_so(
                self._client.put_object,
                key,
                Body=stream,
                ContentLength=size,
                IfNoneMatch="*",
            )

    def _put_in_parts(
        self,
        key: str,
        stream: IO[bytes],
        condition: Mapping[str, str],
        fence: Fence = unfenced,
    ) -> bool:
        """Write a file that is too large for one request.

        The condition is that of the last request, which makes it a file.
        """
        where = self._where(key)
        with _answers():
            upload = self._client.create_multipart_upload(**where)["UploadId"]
        parts: list[dict[str, Any]] = []
        try:
            while data := stream.read(_PART):
                number = len(parts) + 1
                with _answers():
                    part = self._client.upload_part(
                        **where,
                        UploadId=upload,
                        PartNumber=number,
                        Body=data,
                    )
                parts.append({"PartNumber": number, "ETag": part["ETag"]})
            fence()
            # Not every server knows `If-Match` here; with one that does not,
            # somebody else has the moment between this look and the request.
            is_written = self._is_still(key, condition.get("IfMatch")) and self._if_so(
                self._client.complete_multipart_upload,
                key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **condition,
            )
        except BaseException:
            self._abandon(where, upload)
            raise
        if not is_written:
            self._abandon(where, upload)
        return is_written

    def _is_still(self, key: str, etag: str | None) -> bool:
        """Say whether an object has an ETag; `None`: whatever it has."""
        if etag is None:
            return True
        etags: list[str] = []

        def look(**where: str) -> None:
            head = self._client.head_object(**where)
            etags.append(head["ETag"])

        return self._if_so(look, key) and etags == [etag]

    def _abandon(self, where: Mapping[str, str], upload: str) -> None:
        # Parts that nobody completes are no file, and cost room.
        with suppress(OSError), _answers():
            self._client.abort_multipart_upload(**where, UploadId=upload)

    @override
    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        current = self._get(key, SWAPPED)
        if current is None or current.data != old:
            return False
        return self._put_if(key, new, IfMatch=current.etag)

    @override
    def remove(self, key: str) -> None:
        with _answers():
            self._client.delete_object(**self._where(key))

    @override
    def withdraw(self, key: str, data: bytes) -> bool:
        current = self._get(key, SWAPPED)
        if current is None or current.data != data:
            return False
        # Not every server knows this condition; then the moment since it was
        # seen to be the one is all that somebody else has.
        try:
            return self._if_so(self._client.delete_object, key, IfMatch=current.etag)
        except OSError as error:
            cause = error.__cause__
            if not isinstance(cause, ClientError) or _status(cause) != HTTPStatus.NOT_IMPLEMENTED:
                raise
        self.remove(key)
        return True

    @override
    def resume(self, key: str) -> None:
        # A PUT leaves nothing unfinished.  What is there in full is known by
        # its ETag, which is the MD5 unless the bucket encrypts.
        for page in self._listed(Prefix=self._key(key) + "/"):
            for file in page.get("Contents", ()):
                etag = file.get("ETag", "")
                self._left[file["Key"]] = etag.strip('"')

    @override
    def clear_leftovers(self) -> None:
        pass

    @override
    def add(self, key: str, stream: IO[bytes]) -> Digest:
        digest = digest_of(stream)
        left = self._left.get(self._key(key))
        if left != digest.md5.hex():
            stream.seek(0)
            self._upload_if(key, stream, digest, {})
        return digest

    @override
    def sizes(self, key: str, since: str = "") -> Mapping[str, int]:
        above = self._key(key) + "/"
        which = {"Prefix": above}
        if since:
            # It begins behind this key, and no file is called like a folder.
            which["StartAfter"] = f"{above}{since}"
        sizes = {}
        for page in self._listed(**which):
            for file in page.get("Contents", ()):
                name = file["Key"].removeprefix(above)
                sizes[name] = file["Size"]
        return sizes

    @override
    def digest(self, key: str, pace: Pace = unlimited) -> Digest | None:
        with _answers():
            answer = self._get_object(key)
            if answer is None:
                return None
            return digest_of(answer["Body"], pace)

    @override
    def put_back(
        self,
        key: str,
        stream: IO[bytes],
        digest: Digest,
        aside: str | None,
        fence: Fence = unfenced,
    ) -> None:
        condition = {"IfNoneMatch": "*"}
        if aside:
            # The copy replaces nothing; what is there goes when the upload
            # ends, and only if it still is what was copied.
            source = self._where(key)
            with _answers(), at_work():
                etag = self._client.head_object(**source).get("ETag", "")
                self._client.copy(
                    source,
                    self._bucket,
                    self._key(aside),
                    ExtraArgs={"CopySourceIfMatch": etag},
                )
            condition = {"IfMatch": etag}
        if not self._upload_if(key, stream, digest, condition, fence):
            where = f"{self.uri}{key}"
            raise OSError(errno.EEXIST, "Another file has appeared meanwhile", where)

    @override
    def settle(self, key: str) -> None:
        pass

    def _upload_if(
        self,
        key: str,
        stream: IO[bytes],
        digest: Digest,
        condition: Mapping[str, str],
        fence: Fence = unfenced,
    ) -> bool:
        """Write an object on a condition; say whether it was written."""
        with at_work():
            if digest.size > _ONE_PUT:
                return self._put_in_parts(key, stream, condition, fence)
            fence()
            # S3 refuses bytes that are not those that were digested.
            md5 = base64.b64encode(digest.md5).decode()
            return self._if_so(
                self._client.put_object,
                key,
                Body=stream,
                ContentLength=digest.size,
                ContentMD5=md5,
                **condition,
            )

    def _get(self, key: str, limit: int) -> _Object | None:
        """Return an object of no more than some bytes, if it is there."""
        with _answers():
            answer = self._get_object(key)
            if answer is None:
                return None
            data = limited(answer["Body"], limit, key)
            # Without an ETag no condition of a later request can be met.
            return _Object(data, answer.get("ETag", ""))

    def _get_object(self, key: str, **which: str) -> Mapping[str, Any] | None:
        """Ask for an object; its body is still to be read."""
        try:
            answer: Mapping[str, Any] = self._client.get_object(**self._where(key), **which)
        except self._client.exceptions.NoSuchKey:
            return None
        return answer

    def _put_if(self, key: str, data: bytes, **condition: str) -> bool:
        return self._if_so(self._client.put_object, key, Body=data, **condition)

    def _if_so(
        self,
        call: Callable[..., Any],
        key: str,
        **more: Any,
    ) -> bool:
        """Ask for something on a condition; say whether it was so."""
        with _answers():
            try:
                call(**self._where(key), **more)
            except ClientError as error:
                # It is gone, or somebody else's came in between.
                is_gone = error.response["Error"]["Code"] == "NoSuchKey"
                if is_gone or _status(error) in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
                    return False
                raise
        return True

    def _listed(self, **which: str) -> Iterator[Mapping[str, Any]]:
        with _answers():
            paginator = self._client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self._bucket, **which)

    def _where(self, key: str) -> dict[str, str]:
        """Return how boto3 is told which object is meant."""
        return {"Bucket": self._bucket, "Key": self._key(key)}

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}".strip("/")


@dataclass(frozen=True)
class _Object:
    """What was in the bucket under a key."""

    data: bytes
    etag: str
    """What it is known by in conditions."""


def _client(profile: str | None, timeout: timedelta) -> Any:
    """Return a client with the settings of lsst.resources and less patience.

    Raises
    ------
    OSError
        The profile or the endpoint cannot be understood.
    """
    # All tries together take no longer than the place may be silent.
    each_try = timeout.total_seconds() / _TRIES
    # The profile's own endpoint comes before that of everybody; either may
    # have a key and its secret in it, as user and password.
    address = None
    if profile:
        address = os.environ.get(f"LSST_RESOURCES_S3_PROFILE_{profile}")
    url = urlsplit(address or os.environ.get("S3_ENDPOINT_URL", ""))
    access_key = None
    secret_key = None
    if url.password:
        keep_secret(unquote(url.password))
        # Then no credentials are looked for below the profile's name.
        profile = None
        if url.username:
            access_key = unquote(url.username)
            secret_key = unquote(url.password)
    endpoint = None
    if url.scheme:
        _, _, host = url.netloc.rpartition("@")
        endpoint = f"{url.scheme}://{host}{url.path}"
    with _answers():
        session = _session(profile)
        client = session.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                connect_timeout=min(5.0, each_try),
                read_timeout=min(30.0, each_try),
                retries={"total_max_attempts": _TRIES},
                max_pool_connections=16,
            ),
        )
    client.meta.events.register("after-call.s3", _hear)
    # Ceph knows buckets with a colon in their names, which boto3 refuses.
    disabled = os.environ.get("LSST_DISABLE_BUCKET_VALIDATION", "0")
    if disabled.lower() not in {"", "0", "f", "n", "false"}:
        client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    return client


def _session(profile: str | None) -> boto3.Session:
    """Return a session that knows S3 from what others have read.

    What botocore knows of its services takes a tenth of a second to read, and
    there may be a client for each file.
    """
    session = botocore.session.Session(profile=profile)
    loader = _loader(session.get_config_variable("data_path"))
    session.register_component("data_loader", loader)
    return boto3.Session(botocore_session=session)


@cache
def _loader(data_path: str | None) -> Loader:
    return create_loader(data_path)


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
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        # An answer lacks what botocore, or we, take for granted.
        detail = f"Its answer cannot be understood ({type(error).__name__}: {error})"
        raise OSError(without_secrets(detail)) from error


def _status(error: ClientError) -> int:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status

"""S3 on loopback: one moto server for all tests of a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import boto3
import pytest
from botocore.client import BaseClient
from moto.server import ThreadedMotoServer

_KEYS = {
    "AWS_ACCESS_KEY_ID": "loopback",
    "AWS_SECRET_ACCESS_KEY": "loopback-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass(frozen=True)
class S3:
    """The server, for tests and for the processes that they start."""

    endpoint: str

    @property
    def client(self) -> BaseClient:
        return boto3.client("s3", endpoint_url=self.endpoint)

    def bucket(self, name: str = "bucket") -> str:
        """Make a bucket that nobody else has, and return its URI."""
        unique = f"{name}-{uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=unique)
        return f"s3://{unique}"

    def keys(self, uri: str) -> list[str]:
        """Return the keys of all objects in the bucket of a URI."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=uri.split("/")[2])
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


def with_key(endpoint: str) -> str:
    """Return the endpoint of a profile, with the key that it is used with."""
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://{_KEYS['AWS_ACCESS_KEY_ID']}:{_KEYS['AWS_SECRET_ACCESS_KEY']}@{host}"


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    # Port 0: the kernel chooses a free one, so that workers do not collide.
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    settings = {**_KEYS, "S3_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL": endpoint}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield S3(endpoint)
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

"""Digests: what identifies the bytes of a file, taken as they pass."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from ...ports.progress import Pace, unlimited
from ...ports.silence import heard

__all__ = ["CHUNK", "Digest", "Digester", "digest_of"]

CHUNK = 2**20
"""Bytes that are read at once."""


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
class Digester:
    """Digests bytes as they pass."""

    size: int = 0
    adler32: int = 1
    sha256: Any = field(default_factory=hashlib.sha256)
    md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def pass_through(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Yield what is left in a stream, chunk by chunk."""
        while chunk := stream.read(CHUNK):
            self.size += len(chunk)
            self.adler32 = zlib.adler32(chunk, self.adler32)
            self.sha256.update(chunk)
            self.md5.update(chunk)
            heard()
            yield chunk

    @property
    def digest(self) -> Digest:
        """Digest of all that passed."""
        return Digest(self.size, self.sha256.hexdigest(), f"{self.adler32:08x}", self.md5.digest())


def digest_of(stream: IO[bytes], pace: Pace = unlimited) -> Digest:
    """Return the digest of what is left in a stream.

    Parameters
    ----------
    stream
        Its bytes.
    pace
        Told how many were read; it may keep us waiting.
    """
    digester = Digester()
    for chunk in digester.pass_through(stream):
        pace(len(chunk))
    return digester.digest

"""What all stand-ins do: bytes in, bytes out."""

from __future__ import annotations

from typing import Any

from lsst.daf.butler import FormatterV2
from lsst.resources import ResourcePath


class BytesFormatter(FormatterV2):
    """Bytes in, bytes out, whatever the file is called."""

    default_extension = ".fits"
    supported_extensions = frozenset({".fits", ".fits.gz", ".fits.fz", ".ecsv", ".yaml", ".zip", ".dat"})
    can_read_from_uri = True

    def read_from_uri(self, uri: ResourcePath, component: str | None = None, expected_size: int = -1) -> Any:
        return uri.read()

    def to_bytes(self, in_memory_dataset: Any) -> bytes:
        return bytes(in_memory_dataset)

"""Object stores: files by key, in a folder or under a prefix of a bucket."""

from .digests import Digest, digest_of
from .folder import Folder
from .objectstore import SWAPPED, ObjectStore, reason
from .opening import open_store, opened, server_of

__all__ = [
    "SWAPPED",
    "Digest",
    "Folder",
    "ObjectStore",
    "digest_of",
    "open_store",
    "opened",
    "reason",
    "server_of",
]

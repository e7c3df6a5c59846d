"""Shelves: files by key, in a folder or under a prefix of an S3 bucket."""

from .digests import Digest, digest_of
from .folder import Folder
from .opening import open_shelf, opened, server_of
from .shelf import Shelf, reason

__all__ = ["Digest", "Folder", "Shelf", "digest_of", "open_shelf", "opened", "reason", "server_of"]

"""Repositories of ``lsst.daf.butler``.

The butler is imported with this, which takes seconds; so this is imported
when the first repository is asked, never at start.
"""

from .exclusion import exclude_others
from .formatters import why_not_usable
from .opening import identity, recover, resolve, server_of
from .reader import DafButlerReader, open_reader
from .writer import DafButlerWriter, clear_leftovers, open_writer

__all__ = [
    "DafButlerReader",
    "DafButlerWriter",
    "clear_leftovers",
    "exclude_others",
    "identity",
    "open_reader",
    "open_writer",
    "recover",
    "resolve",
    "server_of",
    "why_not_usable",
]

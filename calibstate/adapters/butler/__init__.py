"""Repositories of ``lsst.daf.butler``.

The butler is imported with this, which takes seconds; so this is imported
when the first repository is asked, never at start.
"""

from .exclusion import exclude_others
from .formatters import why_not_usable
from .opening import identity, known_labels, read_whole, recover, server_of, unknown_label
from .reader import DafButlerReader, open_reader
from .writer import DafButlerWriter, clear_leftovers, open_writer

__all__ = [
    "DafButlerReader",
    "DafButlerWriter",
    "clear_leftovers",
    "exclude_others",
    "identity",
    "known_labels",
    "open_reader",
    "open_writer",
    "read_whole",
    "recover",
    "server_of",
    "unknown_label",
    "why_not_usable",
]

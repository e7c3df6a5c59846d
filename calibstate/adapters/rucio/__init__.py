"""Rucio, asked through its own client.

How one signs in is Rucio's own configuration: nothing of it is ours.  The
client is made with the first question, never at start.
"""

from .writer import RucioServerWriter, open_rucio

__all__ = ["RucioServerWriter", "open_rucio"]

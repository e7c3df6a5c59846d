"""Rucio, asked through its own client.

How one signs in is Rucio's own configuration: nothing of it is ours.  The
client is made with the first question, never at start.
"""

from .checkup import examine
from .writer import RucioServerWriter, open_rucio

__all__ = ["RucioServerWriter", "examine", "open_rucio"]

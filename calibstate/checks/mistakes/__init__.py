"""Whether what the files say agrees: each file with its name and all others.

A word that means nothing, or two things, would be found out at the worst
moment, in the middle of a deployment; so it is found here, and all of them
at once.  What a file that could not be read may have said is not held
against the others.
"""

from .checks import MAX_ERRORS, crosscheck
from .nesting import MAX_NESTING
from .tree import Claim, Tree, Unread

__all__ = ["MAX_ERRORS", "MAX_NESTING", "Claim", "Tree", "Unread", "crosscheck"]

"""Commands that packages of the stack add to ``butler``, in their place.

The real ``butler`` loads them by ``DAF_BUTLER_PLUGINS``.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["plugins"]

_HERE = Path(__file__).parent


def plugins(*names: str) -> str:
    """Return ``DAF_BUTLER_PLUGINS`` with which some of them are loaded.

    Parameters
    ----------
    *names
        Files of this folder, without ``.yaml``.
    """
    return os.pathsep.join(str(_HERE / f"{name}.yaml") for name in names)

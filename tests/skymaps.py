"""Skymaps of tests: their files, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["CELLS", "CELLS_HASH", "RINGS", "declare"]

RINGS = """\
config.name = "{name}"
config.skyMap = "rings"
config.skyMap["rings"].numRings = 120
config.skyMap["rings"].projection = "TAN"
config.skyMap["rings"].tractOverlap = 1.0 / 60
config.skyMap["rings"].pixelScale = {scale}
"""

CELLS = RINGS.format(name="lsst_cells_v1", scale=0.2) + 'config.skyMap.active.tractBuilder.name = "cells"\n'
"""That of the LSST pipelines."""

CELLS_HASH = "e2736e41244df00bbdb93aecac0ae4b2d19dda91"


def declare(state: Path, name: str = "lsst_cells_v1", content: str | bytes = CELLS, **more: Any) -> None:
    """Declare a skymap in a state tree.

    Parameters
    ----------
    state
        The tree.
    name
        Of the skymap and its files.
    content
        What its configuration holds.
    **more
        What else its file says.
    """
    folder = state / "skymaps"
    folder.mkdir(exist_ok=True)
    file = f"{name}.skymap.config"
    data = content if isinstance(content, bytes) else content.encode()
    (folder / file).write_bytes(data)
    said = {"skymap": name, "config": file, **more}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(said, sort_keys=False))

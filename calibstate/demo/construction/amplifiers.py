"""Images of 16 by 16 pixels, which sixteen amplifiers read.

A calibration is a table of one row an amplifier, as all calibrations of the
demonstration are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from ..world import AMPLIFIERS

__all__ = ["SIZE", "Image", "by_amplifier", "mask", "spread", "table_of", "values_of"]

Image = NDArray[np.floating[Any]]

SIZE = 16
"""Pixels of an image in each direction."""

_ROWS, _COLUMNS = 2, 8


def by_amplifier(image: Image) -> Image:
    """Return the pixels of an image, a row for each amplifier."""
    # Each amplifier reads a block of eight rows and two columns.
    height, width = SIZE // _ROWS, SIZE // _COLUMNS
    blocks = image.reshape(_ROWS, height, _COLUMNS, width)
    return blocks.transpose(0, 2, 1, 3).reshape(len(AMPLIFIERS), height * width)


def spread(values: Image) -> Image:
    """Return an image whose pixels have the value of their amplifier."""
    pixels = np.ones((SIZE // _ROWS, SIZE // _COLUMNS))
    return np.kron(values.reshape(_ROWS, _COLUMNS), pixels)


def table_of(values: Sequence[float] | Image) -> Table:
    """Return a calibration of one value an amplifier."""
    return Table({"amplifier": AMPLIFIERS, "value": np.round(values, 6)})


def values_of(calibration: Table) -> Image:
    """Return the values of a calibration in the order of the amplifiers."""
    return np.asarray(calibration["value"], dtype=float)


def mask(image: Image, defects: Table) -> Image:
    """Return an image whose defects have the median of their amplifier."""
    # As if they were interpolated.
    medians = spread(np.median(by_amplifier(image), axis=1))
    masked = image.copy()
    rows, columns = np.asarray(defects["y"], dtype=int), np.asarray(defects["x"], dtype=int)
    masked[rows, columns] = medians[rows, columns]
    return masked

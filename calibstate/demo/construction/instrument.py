"""The instrument of the stand-ins: LSSTComCam, as far as a butler knows it."""

from __future__ import annotations

from typing import Any

from lsst.daf.butler import Formatter, FormatterV2
from lsst.daf.butler.formatters.pickle import PickleFormatter
from lsst.daf.butler.registry import Registry
from lsst.pipe.base import Instrument
from typing_extensions import override

from ..world import INSTRUMENT, instrument_records

__all__ = ["LsstComCam"]


class LsstComCam(Instrument):
    """Stands for ``lsst.obs.lsst.LsstComCam``."""

    @classmethod
    @override
    def getName(cls) -> str:
        """Return the name that data IDs have."""
        return INSTRUMENT

    @override
    def register(self, registry: Registry, *, update: bool = False) -> None:
        """Register the instrument, its filters and its detectors."""
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        with registry.transaction():
            for element, record in instrument_records(name):
                registry.syncDimensionData(element, record, update=update)

    @override
    def getRawFormatter(self, dataId: Any) -> type[Formatter | FormatterV2]:
        """Return the class that reads and writes raws."""
        return PickleFormatter

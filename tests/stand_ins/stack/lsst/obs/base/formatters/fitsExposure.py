"""Stands in for the module of this name in a Rubin stack."""

from ._bytes import BytesFormatter


class FitsExposureFormatter(BytesFormatter):
    pass

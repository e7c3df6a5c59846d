"""Stands in for the module of this name in a Rubin stack."""

from lsst.obs.base.formatters._bytes import BytesFormatter


class NNModelPackageFormatter(BytesFormatter):
    pass

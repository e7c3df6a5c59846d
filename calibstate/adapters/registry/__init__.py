"""The registry of a butler repository, read without the butler.

The import of ``lsst.daf.butler`` takes longer than all that a look at a
plain repository asks, so nothing here imports it.
"""

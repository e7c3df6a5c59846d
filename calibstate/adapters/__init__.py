"""The world: the only importers of lsst, boto3, and the only users of Git."""

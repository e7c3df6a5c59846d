"""A bundle of three files, one of them with two datasets."""

from calibstate.model.bundles import BundledCollection, BundleFile, Manifest
from calibstate.model.contents import CollectionType

FILES = tuple(
    BundleFile(
        path=f"LSSTCam/calib/DM-1/bias/{name}.fits", size=size, sha256="0" * 64, adler32=adler32, datasets=ids
    )
    for name, size, adler32, ids in (
        ("a", 100, "00000001", ("uuid-a",)),
        ("b", 200, "00000002", ("uuid-b",)),
        ("c", 300, "00000003", ("uuid-c", "uuid-d")),
    )
)

MANIFEST = Manifest(
    instrument="LSSTCam",
    ticket="DM-1",
    fingerprint=f"sha256:{'1' * 64}",
    made_at="2026-11-22T18:00:00.000Z",
    exported_from="usdf/main",
    collections=(
        BundledCollection(
            name="LSSTCam/calib/DM-1/bias",
            type=CollectionType.CALIBRATION,
            fingerprint=f"sha256:{'2' * 64}",
            datasets=4,
        ),
    ),
    files=FILES,
)

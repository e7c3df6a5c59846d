"""A sample of every action."""

from calibstate.kinds.bundle import ExportBundle
from calibstate.kinds.chain import PrependToChain, RewriteChain
from calibstate.kinds.collection import ImportBundle
from calibstate.model.names import Address

_FINGERPRINT = f"sha256:{'0' * 64}"
_CALIB = Address(place="summit/LSSTCam", kind="chain", name="LSSTCam/calib")

SAMPLES = (
    ExportBundle(
        target=Address(place="archive", kind="bundle", name="LSSTCam/DM-1"),
        because="DM-1 is adopted and not in the archive",
        ticket="DM-1",
        instrument="LSSTCam",
        origin="usdf/main",
        fingerprint=_FINGERPRINT,
        collections=("LSSTCam/calib/DM-1/bias.20250101a",),
        chain="LSSTCam/calib/DM-1",
    ),
    ImportBundle(
        target=Address(place="summit/LSSTCam", kind="collection", name="LSSTCam/DM-1"),
        because="DM-1 is adopted and not here",
        ticket="DM-1",
        instrument="LSSTCam",
        fingerprint=_FINGERPRINT,
        collections={"LSSTCam/calib/DM-1/bias.20250101a": _FINGERPRINT},
    ),
    PrependToChain(target=_CALIB, because="declared", children=("LSSTCam/calib/DM-1",), onto=("a", "b")),
    PrependToChain(target=_CALIB, because="new", children=("LSSTCam/calib/DM-1",), onto=None),
    RewriteChain(target=_CALIB, because="retired", children_before=("a", "b"), children=("b",)),
)

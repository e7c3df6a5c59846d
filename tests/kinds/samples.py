"""A sample of every action."""

from calibstate.kinds.bundle import ExportBundle, RestoreBundle
from calibstate.kinds.certification import CertifyDatasets, CertifyDatasetsAgain
from calibstate.kinds.chain import PrependToChain, RewriteChain
from calibstate.kinds.collection import ImportBundle
from calibstate.kinds.curated import WriteCurated
from calibstate.kinds.generation import SubmitGeneration
from calibstate.kinds.ingest import IngestFiles
from calibstate.kinds.rucio_dataset import RegisterDataset
from calibstate.kinds.rucio_rule import AddRule, BoostRule, KeepRule
from calibstate.kinds.skymap import RegisterSkymap
from calibstate.kinds.skymap_file import read_config
from calibstate.kinds.source_actions import FilesOfDay, IngestReadings
from calibstate.kinds.verification import SubmitVerification
from calibstate.model.bundles import BundleFile
from calibstate.model.damage import DamagedFile
from calibstate.model.ingests import Ingest
from calibstate.model.names import Address, Place
from tests.skymaps import CELLS, CELLS_HASH

_FINGERPRINT = f"sha256:{'0' * 64}"
_CALIB = Address(place=Place("summit/LSSTCam"), kind="chain", name="LSSTCam/calib")

_RULE = {
    "target": Address(place=Place("rucio"), kind="rucio_rule", name="LSSTCam/DM-1/SUMMIT_CALIB_DISK"),
    "because": "no rule brings it there",
    "ticket": "DM-1",
    "instrument": "LSSTCam",
    "scope": "ancillary",
    "dataset": "Dataset/LSSTCam/calib/DM-1",
    "rse": "SUMMIT_CALIB_DISK",
}

_CERTIFICATION = {
    "target": Address(place=Place("usdf/main"), kind="certification", name="LSSTCam/DM-1/DP1/bias.20250101a"),
    "because": "none of 3 datasets of LSSTCam/calib/DM-1/DP1/biasGen.20250101a/20250101T000000Z is certified",
    "ticket": "DM-1",
    "instrument": "LSSTCam",
    "collection": "LSSTCam/calib/DM-1/DP1/bias.20250101a",
    "source": "LSSTCam/calib/DM-1/DP1/biasGen.20250101a/20250101T000000Z",
    "dataset_type": "bias",
    "datasets": _FINGERPRINT,
    "number": 3,
    "begin": "2025-01-01T00:00:00",
}

_SUBMISSION = {
    "home": "cp_pipe",
    "template": "bias",
    "variables": {"USER_CALIB_PREFIX": "", "INSTRUMENT": "LSSTCam", "TICKET": "DM-1"},
    "output": "LSSTCam/calib/DM-1/DP1/biasGen.20250101a",
    "inputs": ("LSSTCam/calib/DM-1", "LSSTCam/raw/all"),
    "query": "instrument='LSSTCam' and exposure.day_obs=20250101",
}

_EXPECTED = {
    "output": "LSSTCam/calib/DM-1/DP1/biasGen.20250101a",
    "dataset_type": "bias",
    "dimensions": ("detector",),
    "instrument": "LSSTCam",
    "raws": "LSSTCam/raw/all",
    "where": "instrument='LSSTCam' and exposure.day_obs=20250101",
}

_SUBMITTED = {
    "because": "0 of 3 bias; nothing is there yet",
    "submission": _SUBMISSION,
    "expected": _EXPECTED,
    "searched": ("LSSTCam/raw/all",),
}

SAMPLES = (
    SubmitGeneration.model_validate(
        {
            **_SUBMITTED,
            "target": Address(
                place=Place("usdf/main"), kind="generation", name="LSSTCam/DM-1/DP1/biasGen.20250101a"
            ),
        }
    ),
    SubmitVerification.model_validate(
        {
            **_SUBMITTED,
            "target": Address(
                place=Place("usdf/main"), kind="verification", name="LSSTCam/DM-1/DP1/verifyBias.20250101a"
            ),
            "by_exposure": True,
        }
    ),
    CertifyDatasets.model_validate(_CERTIFICATION),
    CertifyDatasetsAgain.model_validate(
        {**_CERTIFICATION, "held": _FINGERPRINT, "decertifies": ("3 bias for […, …)",)}
    ),
    IngestFiles(
        target=Address(place=Place("usdf/main"), kind="ingest", name="any/DM-1/refcats/DM-1/gaia/gaia"),
        because="none of 3 gaia of tickets/any/DM-1.ecsv is ingested",
        ticket="DM-1",
        instrument="any",
        entry=Ingest(
            run="refcats/DM-1/gaia",
            type="gaia",
            dimensions=("htm7",),
            storage_class="SimpleCatalog",
            table="DM-1.ecsv",
            transfer="direct",
        ),
        table="tickets/any/DM-1.ecsv",
        digest=_FINGERPRINT,
        datasets=_FINGERPRINT,
        number=3,
    ),
    WriteCurated.model_validate(
        {
            "target": Address(place=Place("usdf/main"), kind="curated", name="LSSTCam/DM-1"),
            "because": "none of 3 calibrations of obs_lsst_data c8fc86a is written",
            "ticket": "DM-1",
            "instrument": "LSSTCam",
            "key": {
                "class": "lsst.obs.lsst.LsstCam",
                "label": "DM-1",
                "collection": "LSSTCam/calib/DM-1",
                "data": {"obs_lsst_data": "c8fc86a"},
            },
            "expected": _FINGERPRINT,
            "number": 3,
        }
    ),
    ExportBundle(
        target=Address(place=Place("archive"), kind="bundle", name="LSSTCam/DM-1"),
        because="DM-1 is adopted and not in the archive",
        ticket="DM-1",
        instrument="LSSTCam",
        origin=Place("usdf/main"),
        fingerprint=_FINGERPRINT,
        collections=("LSSTCam/calib/DM-1/bias.20250101a",),
        chain="LSSTCam/calib/DM-1",
    ),
    RestoreBundle(
        target=Address(place=Place("archive"), kind="bundle", name="LSSTCam/DM-1"),
        because="1 of 3 files of its bundle are gone or were altered",
        ticket="DM-1",
        instrument="LSSTCam",
        fingerprint=_FINGERPRINT,
        files=(
            DamagedFile(
                file=BundleFile(
                    path="LSSTCam/calib/DM-1/bias/a.fits",
                    size=100,
                    sha256="0" * 64,
                    adler32="00000001",
                    datasets=("uuid-a",),
                ),
                found_size=0,
            ),
        ),
        sources=(Place("usdf/main"), Place("summit/LSSTCam")),
    ),
    ImportBundle(
        target=Address(place=Place("summit/LSSTCam"), kind="collection", name="LSSTCam/DM-1"),
        because="DM-1 is adopted and not here",
        ticket="DM-1",
        instrument="LSSTCam",
        fingerprint=_FINGERPRINT,
        collections={"LSSTCam/calib/DM-1/bias.20250101a": _FINGERPRINT},
    ),
    ImportBundle(
        target=Address(place=Place("summit/LSSTCam"), kind="collection", name="LSSTCam/DM-1"),
        because="DM-1 is adopted and not here",
        ticket="DM-1",
        instrument="LSSTCam",
        fingerprint=_FINGERPRINT,
        collections={"LSSTCam/calib/DM-1/bias.20250101a": _FINGERPRINT},
        prefix="s3://calibrations/rucio/ancillary",
    ),
    RegisterDataset(
        target=Address(place=Place("rucio"), kind="rucio_dataset", name="LSSTCam/DM-1"),
        because="it is not registered",
        ticket="DM-1",
        instrument="LSSTCam",
        origin=Place("usdf/main"),
        scope="ancillary",
        dataset="Dataset/LSSTCam/calib/DM-1",
        fingerprint=_FINGERPRINT,
        collections=("LSSTCam/calib/DM-1/bias.20250101a",),
    ),
    AddRule.model_validate(_RULE),
    KeepRule.model_validate({**_RULE, "rule": "27be67cd"}),
    BoostRule.model_validate({**_RULE, "rule": "27be67cd"}),
    RegisterSkymap(
        target=Address(place=Place("summit/LSSTCam"), kind="skymap", name="lsst_cells_v1"),
        because="no skymap of that name is registered",
        hash=CELLS_HASH,
        config=read_config(CELLS.encode(), "skymaps/lsst_cells_v1.skymap.config").noun,
    ),
    IngestReadings(
        target=Address(place=Place("usdf/main"), kind="source", name="LSSTCam/photodiode"),
        because="1 file of 2025-06-07 with an exposure here and no dataset",
        instrument="LSSTCam",
        dataset_type="photodiode",
        run="LSSTCam/calib/photodiode",
        stores=("s3://lfa@rubinobs-lfa-cp/Electrometer:103/fits/",),
        days=(
            FilesOfDay(
                day=20250607,
                folder="s3://lfa@rubinobs-lfa-cp/Electrometer:103/fits/2025/06/07/",
                files={"EM103_O_20250607_000389.fits": 2025060700017},
            ),
        ),
    ),
    PrependToChain(
        target=_CALIB,
        because="declared",
        children=("LSSTCam/calib/DM-1",),
        onto=("a", "b"),
        entering={"LSSTCam/calib/DM-1/bias.20250101a": _FINGERPRINT},
        below={"LSSTCam/calib/DM-1": ("LSSTCam/calib/DM-1/bias.20250101a",)},
        tickets={"LSSTCam/DM-1": _FINGERPRINT},
    ),
    PrependToChain(target=_CALIB, because="new", children=("LSSTCam/calib/DM-1",), onto=None),
    RewriteChain(target=_CALIB, because="retired", children_before=("a", "b"), children=("b",)),
)

"""A small ticket as an origin exports it, with real files and no butler."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.model.names import TicketKey
from calibstate.ports.butler import Export, ExportedFile
from calibstate.store.bundle import read_contents

TICKET = TicketKey("LATISS", "DM-40002")
CALIBRATION = "LATISS/calib/DM-40002/tag/bias"
RUN = "LATISS/calib/DM-40002/biasGen"

HEAD = """\
description: Butler Data Repository Export
version: 1.0.2
universe_version: 8
universe_namespace: daf_butler
data:
- type: dimension
  element: instrument
  records:
  - {name: LATISS, visit_max: 1, visit_system: 2, exposure_max: 1, detector_max: 256, class_name: none.Latiss}
"""

_COLLECTIONS = f"""\
- type: collection
  collection_type: RUN
  name: {RUN}
  host: null
  timespan_begin: null
  timespan_end: null
- {{type: collection, collection_type: CALIBRATION, name: {CALIBRATION}, doc: some biases}}
- type: collection
  collection_type: CHAINED
  name: LATISS/calib/DM-40002
  children: [{CALIBRATION}]
- type: dataset_type
  name: bias
  dimensions: [instrument, detector]
  storage_class: ExposureF
  is_calibration: true
"""


@dataclass(frozen=True)
class Sample:
    """An export, and what it is the export of."""

    export: Export
    ticket: TicketKey = TICKET
    collections: tuple[str, ...] = (CALIBRATION,)

    @property
    def fingerprint(self) -> str:
        contents = read_contents(self.export.text)
        return ticket_fingerprint((c, contents.holding(c).fingerprint) for c in self.collections)

    @property
    def bytes(self) -> dict[str, bytes]:
        return {file.path: Path(file.uri).read_bytes() for file in self.export.files}


def make_sample(folder: Path, detectors: int = 3, *, salt: str = "") -> Sample:
    """Write files into a folder and describe them as an export."""
    ids = {n: str(uuid.uuid5(uuid.NAMESPACE_URL, f"bias {n} {salt}")) for n in range(detectors)}
    paths = {n: f"{RUN}/bias/2024-01-08T00:00:00/bias_{n}{salt}.fits" for n in ids}
    files = []
    for n, path in paths.items():
        file = folder / f"{n}{salt}.fits"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"bytes of {n} {salt}".encode() * (n + 1) * 1000)
        files.append(ExportedFile(path, str(file)))
    return Sample(Export(export_text(ids, paths), tuple(files)))


def export_text(ids: dict[int, str], paths: dict[int, str], *, certified: Sequence[int] | None = None) -> str:
    """Return ``export.yaml`` of biases by detector."""
    records = "".join(
        f"  - dataset_id: [!uuid '{ids[n]}']\n"
        f"    data_id: [{{instrument: LATISS, detector: {n}}}]\n"
        f"    path: '{paths[n]}'\n"
        f"    formatter: none.Formatter\n"
        for n in ids
    )
    certifications = "".join(f"    - !uuid '{ids[n]}'\n" for n in (ids if certified is None else certified))
    return (
        f"{HEAD}{_COLLECTIONS}"
        f"- type: dataset\n  dataset_type: bias\n  run: {RUN}\n  records:\n{records}"
        f"- type: associations\n  collection: {CALIBRATION}\n  collection_type: CALIBRATION\n"
        "  validity_ranges:\n"
        "  - timespan: !lsst.daf.butler.Timespan\n"
        "      begin: !butler_time/tai/iso '2024-01-08 00:00:00.000000000'\n"
        "      end: null\n"
        f"    dataset_ids:\n{certifications}"
    )

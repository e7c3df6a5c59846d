"""Check that the files of a ticket are read as they were sealed.

The right bytes are another calibration where another formatter reads them,
or where the detector that they are for is another one.
"""

from __future__ import annotations

from ..errors import CalibstateError
from ..model.bundles import Contents, Manifest, StoredDataset
from ..model.contents import format_data_id
from ..model.readings import Reading
from ..model.reviews import Check, Checked, Fault
from ..ports.archive import ArchiveReader
from ..store.bundle import reading_of
from .checking import Checking
from .expect import Expected
from .look_closely import Showed

__all__ = ["check_reading"]

_EXAMPLES = 3
"""Datasets that a sentence names."""


def check_reading(
    expected: Expected,
    showed: Showed,
    archive: ArchiveReader,
) -> Checked:
    """Compare how files are read at a repository with how that was sealed.

    Parameters
    ----------
    expected
        What the ticket should hold; the repository holds it.
    showed
        What the repository showed.
    archive
        Asked for examples where something differs.
    """
    checking = Checking(Check.READING, {"datasets": 0})
    manifest, seal = expected.manifest, expected.seal
    sealed: Reading | None = None
    if manifest:
        sealed = manifest.reading
    # The seal was reviewed and approved, so it goes before the bundle.
    if seal and seal.reading:
        sealed = seal.reading
    if sealed is None:
        checking.note(
            "nothing tells by which classes its files should be read: seal and bundle are of before that was "
            f"covered. To cover it: calibstate seal {expected.ticket.name}"
        )
        return checking.checked()
    leaves = expected.ticket.leaves
    described = showed.butler.described(leaves)
    if described is None:
        checking.note(
            "how its files are read was not compared: not every dataset is recorded in a file of its own"
        )
        return checking.checked()
    checking.counts["datasets"] = len(described.datasets)
    difference = reading_of(described, leaves).differs_from(sealed)
    if difference:
        # Only a bundle tells how each single dataset was read.
        examples = ""
        if manifest:
            examples = _examples(manifest, described, archive)
        checking.add(
            Fault.CHANGED,
            f"other {difference} than were sealed; the same bytes are read as something else here{examples}",
        )
    return checking.checked()


def _examples(manifest: Manifest, described: Contents, archive: ArchiveReader) -> str:
    """Name some datasets that are read otherwise than in a bundle."""
    bundled: dict[str, StoredDataset] = {}
    try:
        contents = archive.contents(manifest)
    except CalibstateError:
        return ""  # Without examples it is no less a finding.
    for dataset in contents.datasets:
        bundled[dataset.uuid] = dataset
    differing: list[str] = []
    for here in described.datasets:
        sealed = bundled.get(here.uuid)
        if sealed is None:
            continue
        if here.formatter != sealed.formatter:
            difference = f"by {here.formatter}, in the bundle by {sealed.formatter}"
        elif here.run != sealed.run:
            difference = f"is in {here.run}, in the bundle in {sealed.run}"
        else:
            continue
        data_id = format_data_id(here.data_id)
        differing.append(f"{here.dataset_type} {data_id} {difference}")
    if not differing:
        return ""
    listed = "; ".join(differing[:_EXAMPLES])
    rest = len(differing) - _EXAMPLES
    if rest > 0:
        listed += f"; and {rest} more"
    return f": {listed}"

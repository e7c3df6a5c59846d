"""Check that the files of a ticket are read as they were sealed.

The right bytes are another calibration where another formatter reads them,
or where the detector that they are for is another one.
"""

from __future__ import annotations

from ..errors import CalibstateError
from ..model.bundles import Contents, StoredDataset
from ..model.contents import format_data_id
from ..model.readings import Reading
from ..model.reviews import Check, Checked, Fault, Finding, Note
from ..ports.archive import ArchiveReader
from ..store.bundle import reading_of
from .expect import Expected
from .look_closely import Showed

__all__ = ["check_reading"]

_TOLD = 3
"""Examples that are told."""


def check_reading(expected: Expected, showed: Showed, archive: ArchiveReader) -> Checked:
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
    sealed = _sealed(expected)
    if sealed is None:
        detail = (
            "nothing tells by which classes its files should be read: seal and bundle are of before that was "
            f"covered. To cover it: calibstate seal {expected.ticket.name}"
        )
        return Checked(Check.READING, {"datasets": 0}, notes=(Note(detail=detail),))
    leaves = expected.ticket.leaves
    described = showed.butler.described(leaves)
    if described is None:
        detail = "how its files are read was not compared: not every dataset is recorded in a file of its own"
        return Checked(Check.READING, {"datasets": 0}, notes=(Note(detail=detail),))
    difference = reading_of(described, leaves).differs_from(sealed)
    counts = {"datasets": len(described.datasets)}
    if not difference:
        return Checked(Check.READING, counts)
    examples = _examples(expected, described, archive)
    detail = f"other {difference} than were sealed; the same bytes are read as something else here{examples}"
    finding = Finding(check=Check.READING, what=Fault.CHANGED, detail=detail)
    return Checked(Check.READING, counts, (finding,))


def _sealed(expected: Expected) -> Reading | None:
    if expected.seal and expected.seal.reading:
        return expected.seal.reading
    return expected.manifest.reading if expected.manifest else None


def _examples(expected: Expected, described: Contents, archive: ArchiveReader) -> str:
    """Name some datasets that are read otherwise, where there is a bundle."""
    if expected.manifest is None:
        return ""
    try:
        bundled = {dataset.uuid: dataset for dataset in archive.contents(expected.manifest).datasets}
    except CalibstateError:
        return ""
    differing = [
        f"{here.dataset_type} {format_data_id(here.data_id)} {_difference(here, bundled[here.uuid])}"
        for here in described.datasets
        if here.uuid in bundled and _difference(here, bundled[here.uuid])
    ]
    rest = f"; and {len(differing) - _TOLD} more" if len(differing) > _TOLD else ""
    return f": {'; '.join(differing[:_TOLD])}{rest}" if differing else ""


def _difference(here: StoredDataset, sealed: StoredDataset) -> str:
    if here.formatter != sealed.formatter:
        return f"by {here.formatter}, in the bundle by {sealed.formatter}"
    return "" if here.run == sealed.run else f"is in {here.run}, in the bundle in {sealed.run}"

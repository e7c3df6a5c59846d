"""What in a repository contradicts a bundle.

The butler would find some of this halfway through, and some of it never: it
keeps a differing detector as it is, and takes a range that ends before it
begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, DataCoordinate, DatasetType, DimensionElement, DimensionRecord
from lsst.resources import ResourcePath

from ...errors import Diagnostic, Severity
from ...model.bundles import BundleFile, Contents, StoredDataset
from ...model.contents import Row, format_data_id
from ...model.formatters import ALLOW_IT, not_allowed
from ...model.readings import means_something
from ...model.timespans import UNBOUNDED, format_range
from ...ports.progress import Tally
from ...store.bundle import path_problem
from ..batches import for_each
from .datastore import is_in_zip, lack_of_files, others_recorded_at, sizes_of
from .formatters import why_not_usable
from .placing import holds, lack_of_space
from .survey import Survey, find_dataset_types, find_records, needed_records
from .translation import Translation, translate

__all__ = ["Rules", "conflicts", "objections"]

Records = Mapping[DimensionElement, Mapping[DataCoordinate, DimensionRecord]]
"""Dimension records of a repository, by what they describe."""

_SHOWN = 5
"""Examples of a kind of conflict that are told."""


@dataclass(frozen=True)
class Rules:
    """What a bundle is held to besides what the repository has."""

    bookkeeping_is_as_sealed: bool
    """Whether it says of the dimension records that it would add what was
    sealed, also where that gives no data ID its meaning."""

    formatters: tuple[str, ...]
    """Packages whose formatter classes may be imported."""


def conflicts(survey: Survey, rules: Rules, tally: Tally) -> Iterator[Diagnostic]:
    """Tell of all that keeps a bundle from being imported.

    Parameters
    ----------
    survey
        The bundle and what the repository has of it.
    rules
        What it is held to besides.
    tally
        Told of each file that nobody vouches for and that was read.
    """
    yield from survey.translation.problems
    yield from _of_the_bundle(survey)
    yield from _of_dataset_types(survey.translation, survey.types)
    yield from _of_dimension_records(survey.translation, survey.records)
    if not rules.bookkeeping_is_as_sealed:
        yield from _of_unsealed_records(survey)
    yield from _of_collections(survey)
    yield from _of_datasets(survey)
    yield from _of_ranges(survey)
    yield from _of_formatters(survey.unrecorded, rules.formatters)
    if survey.source is None:
        yield from _of_arrivals(survey)
    else:
        yield from _of_what_is_away(survey)
        yield from _of_sources(survey)
    yield from _of_targets(survey, tally)
    yield from lack_of_space(survey.placements)


def objections(
    butler: Butler, name: str, contents: Contents, formatters: Sequence[str]
) -> Iterator[Diagnostic]:
    """Tell what keeps a bundle from being imported, of what it defines.

    Parameters
    ----------
    butler
        The repository.
    name
        What messages call it.
    contents
        What the bundle says, or will say.
    formatters
        Packages whose formatter classes may be imported.

    Yields
    ------
    Diagnostic
        A note, where it keeps nothing from being imported.
    """
    if none := lack_of_files(butler, name):
        yield none
    translation = translate(contents, butler.dimensions)
    yield from translation.problems
    records = find_records(butler, translation)
    yield from _of_dataset_types(translation, find_dataset_types(butler, contents.dataset_types))
    yield from _of_dimension_records(translation, records)
    yield from _of_bookkeeping(translation, records)
    uuids = [dataset.uuid for dataset in contents.datasets]
    recorded_here = {str(ref.id) for ref in butler.get_many_datasets(uuids)}
    unrecorded = [dataset for dataset in contents.datasets if dataset.uuid not in recorded_here]
    yield from _of_formatters(unrecorded, formatters)


def _of_the_bundle(survey: Survey) -> Iterator[Diagnostic]:
    listed = {file.path for file in survey.manifest.files}
    unlisted = [d.path for d in survey.contents.datasets if d.path not in listed or path_problem(d.path)]
    yield from _told("Bundle contradicts itself", "its manifest does not list", unlisted, _RESTORE)
    keys = Counter((d.run, d.dataset_type, format_data_id(d.data_id)) for d in survey.contents.datasets)
    twice = [f"{type_} {data_id} of {run}" for (run, type_, data_id), count in keys.items() if count > 1]
    yield from _told("Bundle contradicts itself", "it has more than one dataset for", twice, _RESTORE)


def _of_dataset_types(translation: Translation, types: Mapping[str, DatasetType]) -> Iterator[Diagnostic]:
    for name, wanted in translation.types.items():
        have = types.get(name, wanted)
        differing = [
            f"{what} {there}, in the bundle {here}"
            for what, there, here in (
                ("dimensions", ", ".join(have.dimensions.required), ", ".join(wanted.dimensions.required)),
                ("storage class", have.storageClass_name, wanted.storageClass_name),
                ("isCalibration", have.isCalibration(), wanted.isCalibration()),
            )
            if there != here
        ]
        if differing:
            yield Diagnostic(
                "Dataset type differs",
                f"{name} has here the {'; '.join(differing)}.",
                hint="A dataset type is defined once for all; agree on one definition.",
            )


def _of_dimension_records(translation: Translation, records_here: Records) -> Iterator[Diagnostic]:
    for element, records in translation.records.items():
        records_of_element = records_here[element]
        differing: list[str] = []
        for record in records:
            have = records_of_element.get(record.dataId)
            if have is None:
                continue
            if difference := _differences(element.name, have, record):
                differing.append(f"{_key(record)}: {difference}")
        yield from _told(
            "Dimension record differs",
            f"{element.name}",
            differing,
            "The same data ID would mean two things; correct the record at one of the two.",
        )
    for element, needed in needed_records(translation).items():
        described = {record.dataId for record in translation.records.get(element, ())}
        missing = needed - described - records_here[element].keys()
        yield from _told(
            "Dimension record is missing",
            f"neither the repository nor the bundle describes the {element.name}",
            sorted(format_data_id(dict(data_id.required)) for data_id in missing),
            "Register the instrument there first.",
        )


def _of_bookkeeping(translation: Translation, records_here: Records) -> Iterator[Diagnostic]:
    """Tell of differences that give no data ID another meaning."""
    for element, records in translation.records.items():
        for record in records:
            have = records_here[element].get(record.dataId)
            difference = _differences(element.name, have, record, that_matter=False) if have else ""
            if difference:
                yield Diagnostic(
                    "Bookkeeping differs",
                    f"{element.name} {_key(record)}: {difference}. No data ID means anything else; it stays.",
                    severity=Severity.NOTE,
                )


def _of_unsealed_records(survey: Survey) -> Iterator[Diagnostic]:
    """Tell of new records whose bookkeeping is not what was sealed."""
    for element, records in survey.new_records.items():
        yield from _told(
            "Dimension record is not as sealed",
            f"the bundle would register the {element.name}",
            [_key(record) for record in records],
            "Its class or its numbers are not those of the seal. Register it with the stock tools first "
            "(`butler register-instrument`), or bring back the bundle that was sealed.",
        )


def _of_collections(survey: Survey) -> Iterator[Diagnostic]:
    for name, (wanted, _, _) in survey.contents.collections.items():
        have = survey.collections.get(name, wanted)
        if have is not wanted:
            yield Diagnostic(
                "Collection has another type",
                f"{name} is a {have.value} collection; in the bundle it is a {wanted.value} collection.",
                hint="Rename or remove that collection; nothing of it is used.",
            )


def _of_datasets(survey: Survey) -> Iterator[Diagnostic]:
    in_runs: dict[tuple[str, str, str], str] = {}
    for run in survey.runs:
        for row in survey.rows(run):
            in_runs[run, row.dataset_type, row.data_id] = row.uuid
    other_meaning, other_uuid = [], []
    for dataset in survey.contents.datasets:
        data_id = survey.data_id(dataset.uuid)
        wanted = (dataset.run, dataset.dataset_type, data_id)
        if ref := survey.refs.get(dataset.uuid):
            have = (ref.run, ref.datasetType.name, format_data_id(dict(ref.dataId.required)))
            if have != wanted:
                other_meaning.append(f"{dataset.uuid} is {_named(*have)}, in the bundle {_named(*wanted)}")
        # What is the same was recorded between two looks, by somebody else.
        elif in_runs.get(wanted, dataset.uuid) != dataset.uuid:
            other_uuid.append(f"{_named(*wanted)} is {in_runs[wanted]}, in the bundle {dataset.uuid}")
    yield from _told("UUID means another dataset", "the dataset", other_meaning, _OTHER_DATA)
    yield from _told("Dataset has another UUID", "the dataset", other_uuid, _OTHER_DATA)


def _of_ranges(survey: Survey) -> Iterator[Diagnostic]:
    datasets = {d.uuid: d for d in survey.contents.datasets}
    for name in survey.calibrations:
        given = survey.contents.certifications.get(name, ())
        empty: list[str] = []
        for (begin, end), uuids in given:
            if begin >= end:
                empty += [_dataset(datasets[uuid]) for uuid in uuids]
        yield from _told(
            "Validity range ends before it begins",
            f"{name} certifies for an empty range",
            empty,
            "No exposure would ever find these. Certify them anew at the origin, in a new ticket.",
        )
        overlapping = list(_overlapping(name, survey))
        yield from _told(
            "Validity ranges overlap",
            f"{name} holds already",
            overlapping,
            "One moment would have two calibrations. What a ticket holds is final; this is another one's.",
        )


def _overlapping(name: str, survey: Survey) -> Iterator[str]:
    held: dict[tuple[str, str], list[Row]] = {}
    for row in survey.rows(name):
        held.setdefault((row.dataset_type, row.data_id), []).append(row)
    datasets = {d.uuid: d for d in survey.contents.datasets}
    for span, uuids in survey.uncertified.get(name, {}).items():
        for uuid in uuids:
            dataset = datasets[uuid]
            new = Row(dataset.dataset_type, survey.data_id(uuid), uuid, *span)
            rows = held.setdefault((new.dataset_type, new.data_id), [])
            for row in rows:
                if _overlap(row, new):
                    have = format_range((row.begin, row.end))
                    yield (
                        f"{row.dataset_type} {row.data_id} {row.uuid} for {have}, "
                        f"the bundle has {uuid} for {format_range(span)}"
                    )
            rows.append(new)


def _overlap(row: Row, other: Row) -> bool:
    begin, end = max(row.begin, other.begin, UNBOUNDED[0]), min(row.end, other.end, UNBOUNDED[1])
    return begin < end


def _of_formatters(datasets: Sequence[StoredDataset], packages: Sequence[str]) -> Iterator[Diagnostic]:
    refused = not_allowed(datasets, packages)
    for name, why in sorted(refused.items()):
        yield Diagnostic(
            "Formatter class is not allowed",
            f"the bundle has its files read by {name or 'a class that it does not name'}; {why}. "
            "Nothing of it was imported.",
            hint=ALLOW_IT,
        )
    for name in sorted({dataset.formatter for dataset in datasets} - refused.keys()):
        if unusable := why_not_usable(name, packages):
            yield Diagnostic(
                "Formatter class cannot be imported",
                f"the butler reads these files by {name}, which is not usable here: {unusable}.",
                hint="Classes of lsst.obs.* live in the Rubin stack: run this in an environment that has it.",
            )


def _of_sources(survey: Survey) -> Iterator[Diagnostic]:
    if survey.manifest.by_reference:
        yield Diagnostic(
            "Bundle has no files",
            "the files of this bundle stayed where they are; they cannot be copied from it.",
            hint="Declare the route by which they come, or export the ticket with its files.",
        )
        return
    sizes = sizes_of(placement.source for placement in survey.placements)
    missing = [str(p.source) for p in survey.placements if sizes[p.source] is None]
    yield from _told("File of the bundle is missing", "there is no", missing, _RESTORE)
    altered = [
        f"{p.source} has {sizes[p.source]} bytes, the manifest says {p.file.size}"
        for p in survey.placements
        if sizes[p.source] not in {None, p.file.size}
    ]
    yield from _told("File of the bundle was altered", "the file", altered, _RESTORE)


def _of_what_is_away(survey: Survey) -> Iterator[Diagnostic]:
    """Tell of recorded files that may only be away, with their file system.

    Files are placed in the repository's own folder alone: what is made where
    something should be mounted is hidden when it is there again.
    """
    gone = [target for target in survey.absent if target in survey.recorded_files]
    outside = [str(target) for target in gone if target.relative_to(survey.home) is None]
    where = "outside of the datastore there is no"
    yield from _told("Recorded file is away", where, outside, _MOUNT.format(survey.home))
    if gone and len(outside) < len(gone) and _is_away(survey.home):
        detail = f"{survey.home} is not there, or empty, and {len(gone)} files are recorded in it."
        yield Diagnostic("Datastore is away", detail, hint=_MOUNT.format(survey.home))


def _is_away(folder: ResourcePath) -> bool:
    """Say whether a folder may be where something is not mounted."""
    if not folder.isLocal:
        return False
    path = Path(folder.ospath)
    return not path.is_dir() or not any(path.iterdir())


def _of_arrivals(survey: Survey) -> Iterator[Diagnostic]:
    recorded, awaited = _split(survey, survey.absent)
    yield from _told("Recorded file is gone", "there is no", recorded, _LOOK_FIRST)
    yield from _told("File has not arrived", "there is no", awaited, _LOOK_FIRST)


def _of_targets(survey: Survey, tally: Tally) -> Iterator[Diagnostic]:
    yield from _told(
        "Zip file is gone",
        "there is no",
        [str(target) for target in survey.absent if is_in_zip(target)],
        "Nothing is put in the place of a zip file, which others' datasets may be in. Bring it back.",
    )
    bad = [t for t, file in survey.expected.items() if survey.sizes[t] not in {None, file.size}]
    # Nobody vouches for a file that is not recorded, so its bytes are read.
    bad += [target for target, right in _compared(survey.unvouched, tally).items() if not right]
    recorded, others = _split(survey, bad)
    what = "other bytes than the bundle's are in"
    if survey.source is None:
        yield from _told("Recorded file was altered", what, recorded, _BRING_AGAIN)
        yield from _told("Arrived file is damaged", what, others, _BRING_AGAIN)
        return
    yield from _told(
        "Recorded file was altered",
        what,
        recorded,
        "It is never overwritten: whoever reads that dataset reads it. Find out which of the two is right, "
        "who changed it, and what else is in it, before anything is done to it.",
    )
    owned, orphans = _by_owner(survey, others)
    yield from _told(
        "File of another dataset is in the way",
        "another dataset is recorded in",
        owned,
        "It is never overwritten, and it must stay. Two datasets have got one path: ask who made the ticket "
        "to ingest its files under a path of their own, in a new ticket.",
    )
    yield from _told(
        "A file is in the way",
        "this repository has no record of, and the bundle has other bytes for,",
        orphans,
        "It is never overwritten. Find out whose it is, and keep it. Once it is renamed, run this again.",
    )


def _split(survey: Survey, targets: Iterable[ResourcePath]) -> tuple[list[str], list[str]]:
    """Return the files that are recorded, and the others."""
    recorded: list[str] = []
    others: list[str] = []
    for target in targets:
        (recorded if target in survey.recorded_files else others).append(str(target))
    return recorded, others


def _by_owner(survey: Survey, targets: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the files that other datasets are recorded in, and the others."""
    of_the_bundle = [dataset.uuid for dataset in survey.contents.datasets]
    owned: list[str] = []
    orphans: list[str] = []
    for target in targets:
        owners = others_recorded_at(survey.store, ResourcePath(target), of_the_bundle)
        if owners:
            owned.append(f"{target} ({', '.join(owners[:_SHOWN])})")
        else:
            orphans.append(target)
    return owned, orphans


def _compared(files: Mapping[ResourcePath, BundleFile], tally: Tally) -> dict[ResourcePath, bool]:
    """Read files that are there; say of each whether it is the bundle's."""

    def is_right(target: ResourcePath) -> bool:
        answer = holds(target, files[target], tally.passed)
        tally.file_done()
        return answer

    targets = list(files)
    return dict(zip(targets, for_each(is_right, targets), strict=True))


_RESTORE = (
    "Bring the files back from a copy of the archive, or move the bundle's folder away so that it is made "
    "anew from the origin."
)
_BRING_AGAIN = (
    "Rucio believes that what it brought is there and right. Once an administrator has told it, Rucio brings "
    "them again: rucio replica state update bad --reason lost --rse RSE --scope SCOPE --lfn FILE_WITH_NAMES; "
    "what is not Rucio's comes back from whoever recorded it."
)
_LOOK_FIRST = f"See first that the prefix is right and the file system mounted. {_BRING_AGAIN}"
_MOUNT = (
    "Mount what was there, or bring the files back to where they are recorded; nothing is ever placed "
    "outside of {}."
)
_OTHER_DATA = "The repository has other data under this name; it was not deployed from this ticket."


def _told(summary: str, what: str, items: Sequence[str], hint: str) -> Iterator[Diagnostic]:
    """Tell of a kind of conflict once, with some examples."""
    if items:
        rest = f"; and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        yield Diagnostic(summary, f"{what} {'; '.join(items[:_SHOWN])}{rest}.", hint=hint)


def _key(record: DimensionRecord) -> str:
    return format_data_id(dict(record.dataId.required))


def _differences(
    element: str, have: DimensionRecord, wanted: DimensionRecord, *, that_matter: bool = True
) -> str:
    """Say in what two records for one data ID mean different things.

    Parameters
    ----------
    element
        Dimension element of the records.
    have, wanted
        The record of the repository, and that of the bundle.
    that_matter
        Tell of what changes the meaning; else of all else.
    """
    there, here = have.toDict(), wanted.toDict()
    return ", ".join(
        f"{name} is {there[name]!r}, in the bundle {here[name]!r}"
        for name in there
        if _contradict(there[name], here[name]) and means_something(element, name) is that_matter
    )


def _contradict(there: Any, here: Any) -> bool:
    # A version of the dimensions that lacks a field says nothing of it.
    return there is not None and here is not None and there != here


def _dataset(dataset: StoredDataset) -> str:
    return f"{dataset.uuid}, {_named(dataset.run, dataset.dataset_type, format_data_id(dataset.data_id))}"


def _named(run: str, dataset_type: str, data_id: str) -> str:
    return f"{dataset_type} {data_id} of {run}"

"""What in a repository contradicts a bundle.

The butler would find some of this halfway through, and some of it never: it
keeps a differing detector as it is, and takes a range that ends before it
begins.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lsst.daf.butler import Butler, DataCoordinate, DatasetType, DimensionElement, DimensionRecord
from lsst.resources import ResourcePath
from typing_extensions import override

from ...errors import Diagnostic, Severity
from ...model.bundles import Contents, StoredDataset
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
"""Examples of a kind of conflict that a message names."""


class _Meaning(NamedTuple):
    """What a dataset is, besides its UUID."""

    run: str
    dataset_type: str
    data_id: str

    @classmethod
    def of(cls, dataset: StoredDataset) -> _Meaning:
        """Return what the bundle says that a dataset is."""
        return cls(
            run=dataset.run,
            dataset_type=dataset.dataset_type,
            data_id=format_data_id(dataset.data_id),
        )

    @override
    def __str__(self) -> str:
        return f"{self.dataset_type} {self.data_id} of {self.run}"


@dataclass(frozen=True)
class Rules:
    """What a bundle is held to besides what the repository has."""

    bookkeeping_is_as_sealed: bool
    """Whether it says of the dimension records that it would add what was
    sealed, also where that gives no data ID its meaning."""

    formatters: tuple[str, ...]
    """Packages whose formatter classes may be imported."""


def conflicts(survey: Survey, rules: Rules, tally: Tally) -> Iterator[Diagnostic]:
    """Yield all that keeps a bundle from being imported.

    Parameters
    ----------
    survey
        The bundle and what the repository has of it.
    rules
        What it is held to besides.
    tally
        Told of each file that nobody vouches for and that was read.
    """
    comparison = _Comparison(survey)
    # Definitions come before files: where they differ, what is said of files
    # may only follow from that.
    yield from survey.translation.problems
    yield from comparison.within_bundle()
    yield from _of_dataset_types(survey.translation, survey.types)
    yield from _of_dimension_records(survey.translation, survey.records)
    if not rules.bookkeeping_is_as_sealed:
        yield from comparison.of_unsealed_records()
    yield from comparison.of_collections()
    yield from comparison.of_datasets()
    yield from comparison.of_ranges()
    yield from _of_formatters(survey.unrecorded, rules.formatters)
    if survey.source is None:
        yield from comparison.of_files_that_others_bring()
    else:
        yield from comparison.of_files_away()
        yield from comparison.of_sources()
    yield from comparison.of_files_there(tally)
    yield from lack_of_space(survey.placements)


def objections(
    butler: Butler, name: str, contents: Contents, formatters: Sequence[str]
) -> Iterator[Diagnostic]:
    """Yield what keeps a bundle from being imported, of what it defines.

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
    records_here = find_records(butler, translation)
    yield from _of_dataset_types(translation, find_dataset_types(butler, contents.dataset_types))
    yield from _of_dimension_records(translation, records_here)
    # Differences that give no data ID another meaning are notes only.
    for element, records in translation.records.items():
        name = element.name
        for record in records:
            have = records_here[element].get(record.dataId)
            if have is None:
                continue
            difference = _differences(name, have, record, that_matter=False)
            if difference:
                yield Diagnostic(
                    "Bookkeeping differs",
                    f"{name} {_key(record)}: {difference}. No data ID means anything else; it stays.",
                    severity=Severity.NOTE,
                )
    # Files that are recorded already are read by what is recorded of them.
    uuids = [dataset.uuid for dataset in contents.datasets]
    recorded_here = {str(ref.id) for ref in butler.get_many_datasets(uuids)}
    unrecorded = [dataset for dataset in contents.datasets if dataset.uuid not in recorded_here]
    yield from _of_formatters(unrecorded, formatters)


def _of_dataset_types(
    translation: Translation,
    types: Mapping[str, DatasetType],
) -> Iterator[Diagnostic]:
    """Yield the dataset types that the repository defines otherwise."""
    for name, wanted in translation.types.items():
        have = types.get(name)
        if have is None:
            continue
        in_bundle = _definition(wanted)
        differences: list[str] = []
        for aspect, value in _definition(have).items():
            if value != in_bundle[aspect]:
                differences.append(f"{aspect} {value}, in the bundle {in_bundle[aspect]}")
        if differences:
            all_of_them = "; ".join(differences)
            yield Diagnostic(
                "Dataset type differs",
                f"{name} has here the {all_of_them}.",
                hint="A dataset type is defined once for all; agree on one definition.",
            )


def _definition(dataset_type: DatasetType) -> dict[str, object]:
    """Return what must be the same of a dataset type wherever it is used."""
    return {
        "dimensions": ", ".join(dataset_type.dimensions.required),
        "storage class": dataset_type.storageClass_name,
        "isCalibration": dataset_type.isCalibration(),
    }


def _of_dimension_records(
    translation: Translation,
    records_here: Records,
) -> Iterator[Diagnostic]:
    """Yield records by which a data ID would mean two things, or nothing."""
    for element, records in translation.records.items():
        records_of_element = records_here[element]
        differences: list[str] = []
        for record in records:
            have = records_of_element.get(record.dataId)
            if have is None:
                continue
            difference = _differences(element.name, have, record)
            if difference:
                data_id = _key(record)
                differences.append(f"{data_id}: {difference}")
        yield from _with_examples(
            "Dimension record differs",
            element.name,
            differences,
            "The same data ID would mean two things; correct the record at one of the two.",
        )
    for element, needed in needed_records(translation).items():
        missing = needed.difference(records_here[element])
        for record in translation.records.get(element, ()):
            missing.discard(record.dataId)
        data_ids = [format_data_id(dict(data_id.required)) for data_id in missing]
        yield from _with_examples(
            "Dimension record is missing",
            f"neither the repository nor the bundle describes the {element.name}",
            sorted(data_ids),
            "Register the instrument there first.",
        )


def _of_formatters(
    datasets: Sequence[StoredDataset],
    packages: Sequence[str],
) -> Iterator[Diagnostic]:
    """Yield the formatter classes that may not be used here, or cannot."""
    refused = not_allowed(datasets, packages)
    for name, why in sorted(refused.items()):
        title = name or "a class that it does not name"
        yield Diagnostic(
            "Formatter class is not allowed",
            f"the bundle has its files read by {title}; {why}. Nothing of it was imported.",
            hint=ALLOW_IT,
        )
    # To look at a class imports it, so only those that are allowed come here.
    formatters = {dataset.formatter for dataset in datasets}
    for name in sorted(formatters.difference(refused)):
        unusable = why_not_usable(name, packages)
        if unusable:
            yield Diagnostic(
                "Formatter class cannot be imported",
                f"the butler reads these files by {name}, which is not usable here: {unusable}.",
                hint="Classes of lsst.obs.* live in the Rubin stack: run this in an environment that has it.",
            )


@dataclass(frozen=True)
class _Comparison:
    """A bundle beside what a repository has of it."""

    survey: Survey

    def within_bundle(self) -> Iterator[Diagnostic]:
        """Yield where the bundle contradicts itself."""
        listed = {file.path for file in self.survey.manifest.files}
        unlisted: list[str] = []
        copies: Counter[_Meaning] = Counter()
        for dataset in self.survey.contents.datasets:
            path = dataset.path
            if path not in listed or path_problem(path):
                unlisted.append(path)
            meaning = _Meaning.of(dataset)
            copies[meaning] += 1
        summary = "Bundle contradicts itself"
        yield from _with_examples(summary, "its manifest does not list", unlisted, _RESTORE)
        repeated = [str(meaning) for meaning, count in copies.items() if count > 1]
        yield from _with_examples(summary, "it has more than one dataset for", repeated, _RESTORE)

    def of_unsealed_records(self) -> Iterator[Diagnostic]:
        """Yield new records whose bookkeeping is not what was sealed."""
        for element, records in self.survey.new_records.items():
            yield from _with_examples(
                "Dimension record is not as sealed",
                f"the bundle would register the {element.name}",
                [_key(record) for record in records],
                "Its class or its numbers are not those of the seal. Register it with the stock tools first "
                "(`butler register-instrument`), or bring back the bundle that was sealed.",
            )

    def of_collections(self) -> Iterator[Diagnostic]:
        """Yield collections whose names are taken by those of other types."""
        collections_here = self.survey.collections
        for name, (wanted, _, _) in self.survey.contents.collections.items():
            have = collections_here.get(name, wanted)
            if have is not wanted:
                type_here, type_in_bundle = have.value, wanted.value
                yield Diagnostic(
                    "Collection has another type",
                    f"{name} is a {type_here} collection; in the bundle it is a {type_in_bundle} collection.",
                    hint="Rename or remove that collection; nothing of it is used.",
                )

    def of_datasets(self) -> Iterator[Diagnostic]:
        """Yield where a UUID and a data ID do not belong together."""
        survey = self.survey
        in_runs: dict[_Meaning, str] = {}
        for run in survey.runs:
            for row in survey.rows(run):
                meaning = _Meaning(run, row.dataset_type, row.data_id)
                in_runs[meaning] = row.uuid
        other_meaning: list[str] = []
        other_uuid: list[str] = []
        for dataset in survey.contents.datasets:
            uuid = dataset.uuid
            wanted = _Meaning(
                run=dataset.run,
                dataset_type=dataset.dataset_type,
                data_id=survey.data_id(uuid),
            )
            ref = survey.refs.get(uuid)
            if ref is None:
                # Somebody else may have recorded the same between two looks.
                uuid_here = in_runs.get(wanted, uuid)
                if uuid_here != uuid:
                    other_uuid.append(f"{wanted} is {uuid_here}, in the bundle {uuid}")
                continue
            have = _Meaning(
                run=ref.run,
                dataset_type=ref.datasetType.name,
                data_id=format_data_id(dict(ref.dataId.required)),
            )
            if have != wanted:
                other_meaning.append(f"{uuid} is {have}, in the bundle {wanted}")
        yield from _with_examples("UUID means another dataset", "the dataset", other_meaning, _OTHER_DATA)
        yield from _with_examples("Dataset has another UUID", "the dataset", other_uuid, _OTHER_DATA)

    def of_ranges(self) -> Iterator[Diagnostic]:
        """Yield certifications by which no calibration is found, or two."""
        contents = self.survey.contents
        datasets = {dataset.uuid: dataset for dataset in contents.datasets}
        for name in self.survey.calibrations:
            empty: list[str] = []
            for (begin, end), uuids in contents.certifications.get(name, ()):
                if begin < end:
                    continue
                for uuid in uuids:
                    meaning = _Meaning.of(datasets[uuid])
                    empty.append(f"{uuid}, {meaning}")
            yield from _with_examples(
                "Validity range ends before it begins",
                f"{name} certifies for an empty range",
                empty,
                "No exposure would ever find these. Certify them anew at the origin, in a new ticket.",
            )
            yield from _with_examples(
                "Validity ranges overlap",
                f"{name} holds already",
                self.overlaps(name, datasets),
                "One moment would have two calibrations. What a ticket holds is final; "
                "this is another one's.",
            )

    def overlaps(
        self,
        collection: str,
        datasets: Mapping[str, StoredDataset],
    ) -> list[str]:
        """Return what is certified already for some time of a new range."""
        held: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.survey.rows(collection):
            held[row.dataset_type, row.data_id].append(row)
        overlaps: list[str] = []
        uncertified = self.survey.uncertified.get(collection, {})
        for span, uuids in uncertified.items():
            for uuid in uuids:
                dataset_type = datasets[uuid].dataset_type
                data_id = self.survey.data_id(uuid)
                new = Row(dataset_type, data_id, uuid, *span)
                rows = held[dataset_type, data_id]
                for row in rows:
                    if _overlap(row, new):
                        have = format_range((row.begin, row.end))
                        overlaps.append(
                            f"{dataset_type} {data_id} {row.uuid} for {have}, "
                            f"the bundle has {uuid} for {format_range(span)}"
                        )
                # The bundle's own ranges may overlap each other, too.
                rows.append(new)
        return overlaps

    def of_files_that_others_bring(self) -> Iterator[Diagnostic]:
        """Yield files that others were to bring, and that are not there."""
        recorded, awaited = self.by_record(self.survey.absent)
        what = "there is no"
        yield from _with_examples("Recorded file is gone", what, recorded, _LOOK_FIRST)
        yield from _with_examples("File has not arrived", what, awaited, _LOOK_FIRST)

    def of_files_away(self) -> Iterator[Diagnostic]:
        """Yield recorded files that may only be away, with their file system.

        Files are placed in the repository's own folder alone: what is made
        where something should be mounted is hidden when it is there again.
        """
        survey, home = self.survey, self.survey.home
        hint = _MOUNT.format(home)
        gone = [target for target in survey.absent if target in survey.recorded_files]
        outside: list[str] = []
        for target in gone:
            if target.relative_to(home) is None:
                outside.append(str(target))
        where = "outside of the datastore there is no"
        yield from _with_examples("Recorded file is away", where, outside, hint)
        if len(outside) == len(gone) or not home.isLocal:
            return
        folder = Path(home.ospath)
        # An empty folder may be one that something is usually mounted on.
        is_empty = not folder.is_dir() or not any(folder.iterdir())
        if is_empty:
            count = len(gone)
            detail = f"{home} is not there, or empty, and {count} files are recorded in it."
            yield Diagnostic("Datastore is away", detail, hint=hint)

    def of_sources(self) -> Iterator[Diagnostic]:
        """Yield files that are to be placed and are not in the bundle."""
        if self.survey.manifest.by_reference:
            yield Diagnostic(
                "Bundle has no files",
                "the files of this bundle stayed where they are; they cannot be copied from it.",
                hint="Declare the route by which they come, or export the ticket with its files.",
            )
            return
        placements = self.survey.placements
        sizes = sizes_of(placement.source for placement in placements)
        missing: list[str] = []
        altered: list[str] = []
        for placement in placements:
            source, wanted = placement.source, placement.file.size
            size = sizes[source]
            if size is None:
                missing.append(str(source))
            elif size != wanted:
                altered.append(f"{source} has {size} bytes, the manifest says {wanted}")
        yield from _with_examples("File of the bundle is missing", "there is no", missing, _RESTORE)
        yield from _with_examples("File of the bundle was altered", "the file", altered, _RESTORE)

    def of_files_there(self, tally: Tally) -> Iterator[Diagnostic]:
        """Yield files that are where the bundle's go, and are not these."""
        survey = self.survey
        zip_files = [str(target) for target in survey.absent if is_in_zip(target)]
        yield from _with_examples(
            "Zip file is gone",
            "there is no",
            zip_files,
            "Nothing is put in the place of a zip file, which others' datasets may be in. Bring it back.",
        )
        bad: list[ResourcePath] = []
        for target, file in survey.expected.items():
            size = survey.sizes[target]
            if size is not None and size != file.size:
                bad.append(target)

        def is_right(target: ResourcePath) -> bool:
            file = survey.unvouched[target]
            is_held = holds(target, file, tally.passed)
            tally.file_done()
            return is_held

        # Nobody vouches for a file without a record, so its bytes are read.
        to_read = list(survey.unvouched)
        answers = for_each(is_right, to_read)
        for target, is_held in zip(to_read, answers, strict=True):
            if not is_held:
                bad.append(target)
        recorded, others = self.by_record(bad)
        what = "other bytes than the bundle's are in"
        if survey.source is None:
            yield from _with_examples("Recorded file was altered", what, recorded, _BRING_AGAIN)
            yield from _with_examples("Arrived file is damaged", what, others, _BRING_AGAIN)
            return
        yield from _with_examples(
            "Recorded file was altered",
            what,
            recorded,
            "It is never overwritten: whoever reads that dataset reads it. Find out which of the two is "
            "right, who changed it, and what else is in it, before anything is done to it.",
        )
        yield from self.of_files_in_the_way(others)

    def of_files_in_the_way(self, targets: Iterable[str]) -> Iterator[Diagnostic]:
        """Yield files that are in the way, by whether anybody has a record."""
        of_the_bundle = [dataset.uuid for dataset in self.survey.contents.datasets]
        owned: list[str] = []
        orphans: list[str] = []
        for target in targets:
            owners = others_recorded_at(self.survey.store, ResourcePath(target), of_the_bundle)
            if owners:
                examples = ", ".join(owners[:_SHOWN])
                owned.append(f"{target} ({examples})")
            else:
                orphans.append(target)
        yield from _with_examples(
            "File of another dataset is in the way",
            "another dataset is recorded in",
            owned,
            "It is never overwritten, and it must stay. Two datasets have got one path: ask who made the "
            "ticket to ingest its files under a path of their own, in a new ticket.",
        )
        yield from _with_examples(
            "A file is in the way",
            "this repository has no record of, and the bundle has other bytes for,",
            orphans,
            "It is never overwritten. Find out whose it is, and keep it. Once it is renamed, run this again.",
        )

    def by_record(self, targets: Iterable[ResourcePath]) -> tuple[list[str], list[str]]:
        """Return the files that datasets are recorded in, and the others."""
        recorded: list[str] = []
        others: list[str] = []
        for target in targets:
            if target in self.survey.recorded_files:
                recorded.append(str(target))
            else:
                others.append(str(target))
        return recorded, others


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


def _with_examples(
    summary: str,
    what: str,
    items: Sequence[str],
    hint: str,
) -> Iterator[Diagnostic]:
    """Yield a conflict of many things as one, with some of them as examples.

    Without any thing there is no conflict.
    """
    if not items:
        return
    examples = "; ".join(items[:_SHOWN])
    others = len(items) - _SHOWN
    if others > 0:
        examples += f"; and {others} more"
    yield Diagnostic(summary, f"{what} {examples}.", hint=hint)


def _key(record: DimensionRecord) -> str:
    """Return the data ID of a dimension record."""
    return format_data_id(dict(record.dataId.required))


def _differences(
    element: str, have: DimensionRecord, wanted: DimensionRecord, *, that_matter: bool = True
) -> str:
    """Return in what two records for one data ID mean different things.

    Parameters
    ----------
    element
        Dimension element of the records.
    have, wanted
        The record of the repository, and that of the bundle.
    that_matter
        Whether what changes the meaning is wanted; else it is all else.
    """
    in_bundle = wanted.toDict()
    differences: list[str] = []
    for name, there in have.toDict().items():
        here = in_bundle[name]
        # A version of the dimensions that lacks a field says nothing of it.
        if there is None or here is None:
            continue
        if there != here and means_something(element, name) is that_matter:
            differences.append(f"{name} is {there!r}, in the bundle {here!r}")
    return ", ".join(differences)


def _overlap(row: Row, other: Row) -> bool:
    """Say whether two rows are for a moment that both have.

    Parameters
    ----------
    row, other
        Rows of one dataset type and data ID.
    """
    first, last = UNBOUNDED
    begin = max(row.begin, other.begin, first)
    end = min(row.end, other.end, last)
    return begin < end

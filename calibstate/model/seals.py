"""A seal: the committed record of what a ticket contains.

It says enough to hold every bundle and every repository against it, and to
tell which lookups a ticket answers without any butler: fingerprints, the
digest of the bytes, and the coverage, written compactly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Annotated

from pydantic import Field

from .bundles import Manifest
from .contents import Block, CollectionType, Holding, Row, parse_data_id
from .fingerprints import digest_of_lines, ticket_fingerprint
from .names import ANY, CollectionName, InstrumentName, Noun, TicketKey, Word
from .number_ranges import as_ranges, ranges_in
from .readings import Reading
from .timespans import EMPTY, UNBOUNDED, Range, format_bound, parse_tai

__all__ = [
    "MOST_DATA_IDS",
    "Coverage",
    "Seal",
    "SealedCollection",
    "SealedFrom",
    "SealedType",
    "content_digest",
    "cover",
    "covered",
    "extent",
    "fold",
    "is_read_as",
    "seal_of",
    "sealed_name",
    "sealed_rows",
    "unfold",
    "unnamed_run",
]

_Written = int | str | list[str] | None

Coverage = dict[str, _Written]
"""Data IDs and a range: dimensions with their values, ``begin`` and ``end``.

Whole numbers are written as ``0..8,10``, words as themselves or in a list.
``begin`` and ``end`` are TAI, `None` where unbounded, ``empty`` both in an
EMPTY range.  The instrument is the seal's, and not repeated.  ``run`` is
there where it is not that of the type.
"""

_Values = tuple[str, ...]
"""Values of a data ID, in the order of its dimensions."""

_Box = tuple[frozenset[str], ...]
"""All data IDs with one of these values along each of their dimensions."""

_Dimension = tuple[str, int | str | tuple[str, ...] | None]
"""A dimension with what a seal writes for it, as a cache can keep it."""

_Count = Annotated[int, Field(ge=0, strict=True)]
_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_NUMBERS = re.compile(r"[0-9]+(\.\.[0-9]+)?(,[0-9]+(\.\.[0-9]+)?)*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_EMPTY = "empty"
_NOT_DIMENSIONS = frozenset({"begin", "end", "run"})
MOST_DATA_IDS = 1_000_000
"""Data IDs that a seal may stand for; a few words could stand for more than
any machine holds."""


class SealedFrom(Noun):
    """Where and when a seal was made."""

    repository: str
    """Address of the origin."""

    at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}Z$")]
    """UTC, with ``Z``."""


class SealedType(Noun):
    """What a collection holds of one dataset type."""

    datasets: _Count
    """Number of certifications, or of datasets of a RUN."""

    run: str | None = None
    """RUN that the datasets are in.  With the dataset type and a data ID it
    tells one dataset from any other, at every site."""

    coverage: tuple[Coverage, ...]
    """For which data IDs and ranges."""

    @cached_property
    def extent(self) -> int:
        """For how many data IDs and ranges it stands.

        Raises
        ------
        ValueError
            An entry cannot be read, or they stand for more than anybody has.
        """
        return extent(self.coverage)

    @property
    def ranges(self) -> frozenset[Range]:
        """Ranges that it is certified for.

        Raises
        ------
        ValueError
            One of them cannot be read.
        """
        ranges = map(_range, self.coverage)
        return frozenset(ranges)

    @property
    def runs(self) -> frozenset[str]:
        """RUNs that the datasets are in, as far as it tells."""
        runs: set[str] = set()
        if self.run:
            runs.add(self.run)
        for entry in self.coverage:
            # An entry names its RUN where it is not that of the type.
            run = str(entry.get("run", ""))
            if run:
                runs.add(run)
        return frozenset(runs)


class SealedCollection(Noun):
    """A collection of a sealed ticket."""

    fingerprint: _Digest
    types: dict[str, SealedType]
    """By dataset type."""

    def without_runs(self) -> SealedCollection:
        """Return it without the RUNs."""
        types: dict[str, SealedType] = {}
        for name, sealed in self.types.items():
            types[name] = sealed.model_copy(update={"run": None})
        return self.model_copy(update={"types": types})


class Seal(Noun):
    """``seals/INSTRUMENT/TICKET.yaml``."""

    ticket: Word
    instrument: InstrumentName

    # What an approval names is over these two, and over how files are read.
    fingerprint: _Digest
    """Of the ticket."""

    content: _Digest
    """Over UUID, size and SHA-256 of every file."""

    digest: _Digest
    """Over fingerprint, content and reading; what an approval names."""

    reading: Reading | None = None
    """How the files are read, and what data IDs mean; `None` in a seal of
    before, whose digest is over fingerprint and content only."""

    sealed_from: SealedFrom
    files: _Count
    """Number of files."""

    bytes: _Count
    """Their sizes together."""

    full_names: bool = False
    """Whether all collections are named in full, since one of them would not
    be known again otherwise; those of bare tickets may have any names."""

    collections: dict[CollectionName, SealedCollection]
    """In search order; named as in the ticket."""

    @property
    def key(self) -> TicketKey:
        """Instrument and ticket."""
        return TicketKey(self.instrument, self.ticket)

    @cached_property
    def fingerprints(self) -> Mapping[str, str]:
        """Fingerprint of each collection, by its full name."""
        fingerprints: dict[str, str] = {}
        for name, sealed in self.collections.items():
            full_name = self._full(name)
            fingerprints[full_name] = sealed.fingerprint
        return fingerprints

    @cached_property
    def problem(self) -> str | None:
        """Why it cannot be as it was written, if so."""
        fingerprint = ticket_fingerprint(self.fingerprints.items())
        if self.fingerprint != fingerprint:
            return "its fingerprint is not that of its collections"
        digest = _digest(self.fingerprint, self.content, self.reading)
        if self.digest == digest:
            return None
        problem = "its digest is not that of its fingerprint and its content"
        if self.reading:
            problem += " and how it is read"
        return problem

    @cached_property
    def covers_what_it_says(self) -> bool:
        """Whether coverages can be read, and stand for as many as it says.

        A history asks this of the same seals at every revision.
        """
        total = 0
        for sealed in self.collections.values():
            for contents in sealed.types.values():
                try:
                    number = contents.extent
                except ValueError:
                    return False
                if number != contents.datasets:
                    return False
                total += number
        return total <= MOST_DATA_IDS

    @property
    def former_digest(self) -> str:
        """The digest that it had as seals were before they had a reading.

        An approval that names it stays valid, for what it covers.
        """
        return _digest(self.fingerprint, self.content, None)

    @cached_property
    def holdings(self) -> Mapping[str, Holding]:
        """What each collection holds, by its full name.

        For the UUID stands the RUN, which tells datasets of one type and data
        ID apart just as well; where the seal does not tell it, the
        collection, in brackets.
        """
        holdings: dict[str, Holding] = {}
        for collection, sealed in self.collections.items():
            name = self._full(collection)
            rows: list[Row] = []
            for dataset_type, sealed_type in sealed.types.items():
                for entry in sealed_type.coverage:
                    run = _run_of(entry, sealed_type, name)
                    # Hundreds of thousands of rows: nothing else is done here.
                    for data_id, (begin, end) in covered([entry], self.instrument):
                        rows.append(Row(dataset_type, data_id, run, begin, end))
            # Whether it is a RUN is not told; a range is a range.
            holdings[name] = Holding(name, CollectionType.CALIBRATION, tuple(rows))
        return holdings

    @cached_property
    def blocks(self) -> Mapping[str, tuple[Block, ...]]:
        """What each collection holds, by its full name.

        They stand for the same as the rows of `holdings`, which are hundreds
        of times as many.
        """
        blocks: dict[str, tuple[Block, ...]] = {}
        for collection, sealed in self.collections.items():
            name = self._full(collection)
            blocks_here: list[Block] = []
            for dataset_type, sealed_type in sealed.types.items():
                for entry in sealed_type.coverage:
                    run = _run_of(entry, sealed_type, name)
                    data_ids = _set_of_data_ids(entry, self.instrument)
                    begin, end = _range(entry)
                    block = Block(dataset_type, data_ids, run, begin, end)
                    blocks_here.append(block)
            blocks[name] = tuple(blocks_here)
        return blocks

    def without_runs(self) -> Seal:
        """Return it as seals were before they told of RUNs."""
        collections: dict[CollectionName, SealedCollection] = {}
        for name, sealed in self.collections.items():
            collections[name] = sealed.without_runs()
        return self.model_copy(update={"collections": collections})

    def without_reading(self) -> Seal:
        """Return it as seals were before they told how files are read."""
        update = {"reading": None, "digest": self.former_digest}
        return self.model_copy(update=update)

    def fits(self, manifest: Manifest) -> bool:
        """Say whether a bundle is what was sealed, to the byte."""
        if manifest.fingerprint != self.fingerprint:
            return False
        if content_digest(manifest) != self.content:
            return False
        return is_read_as(manifest, self.reading)

    def other_size(self, sizes: Collection[int]) -> str | None:
        """Say that files of a ticket have another size together, if so.

        Parameters
        ----------
        sizes
            Size of each dataset's file, in bytes.
        """
        # A file with several datasets counts once in a seal.
        if len(sizes) != self.files:
            return None
        total = sum(sizes)
        if total == self.bytes:
            return None
        return f"its files have {total} bytes together, sealed were {self.bytes}"

    def _full(self, name: str) -> str:
        """Return the full name of a collection; the seal's may be short."""
        if self.full_names or name.startswith(f"{self.instrument}/"):
            return name
        return f"{self.instrument}/calib/{self.ticket}/{name}"


def content_digest(manifest: Manifest) -> str:
    """Return the digest of a bundle's bytes.

    It is over the sorted lines ``{UUID}\\t{size}\\t{SHA-256 of the file}``.
    """
    return manifest.content


def is_read_as(manifest: Manifest, reading: Reading | None) -> bool:
    """Say whether the files of a bundle are read as was sealed.

    A bundle of before does not tell: its export is looked at when it is
    imported.
    """
    if manifest.reading is None:
        return True
    return not manifest.reading.differs_from(reading)


def unnamed_run(collection: str) -> str:
    """Return what stands for the RUN of datasets where a seal names none.

    Parameters
    ----------
    collection
        The collection that holds them.
    """
    return f"({collection})"


def sealed_name(instrument: str, ticket: str, collection: str) -> str:
    """Return how a seal and a ticket name a collection."""
    return collection.removeprefix(f"{instrument}/calib/{ticket}/")


def sealed_rows(seal: Seal, name: str, live: Iterable[Row]) -> tuple[Row, ...]:
    """Return what a seal says that one of its collections holds.

    Parameters
    ----------
    seal
        The seal.
    name
        Full name of the collection.
    live
        What the collection holds somewhere.  A seal does not name datasets by
        their UUIDs, so those are taken over for the same data IDs and ranges;
        a row that is not there has none.
    """
    # By all that a seal tells of a certification but for the dataset.
    uuids: dict[tuple[str, str, int, int], str] = {}
    for row in live:
        uuids[row.dataset_type, row.data_id, row.begin, row.end] = row.uuid
    rows = []
    for row in seal.holdings[name].rows:
        uuid = uuids.get((row.dataset_type, row.data_id, row.begin, row.end), "")
        rows.append(row._replace(uuid=uuid))
    return tuple(rows)


def seal_of(
    manifest: Manifest,
    held: Mapping[str, Holding],
    runs: Mapping[str, str],
    sealed_from: SealedFrom,
) -> Seal:
    """Return the seal of a ticket.

    Parameters
    ----------
    manifest
        What a bundle of it holds.
    held
        What its collections hold, by full name.
    runs
        RUN of each dataset, by UUID.
    sealed_from
        Where and when that was seen.
    """
    instrument = manifest.instrument
    ticket = manifest.ticket
    content = content_digest(manifest)
    # Names are written short only if all of them are known again from that:
    # what begins with the instrument is read as a full name.
    full_names = False
    for name in manifest.fingerprints:
        short = sealed_name(instrument, ticket, name)
        if short.startswith(f"{instrument}/") != (short == name):
            full_names = True
    collections: dict[str, SealedCollection] = {}
    for name, fingerprint in manifest.fingerprints.items():
        named = name
        if not full_names:
            named = sealed_name(instrument, ticket, name)
        by_type: dict[str, list[Row]] = {}
        for row in held[name].rows:
            by_type.setdefault(row.dataset_type, []).append(row)
        types: dict[str, SealedType] = {}
        for dataset_type, rows in sorted(by_type.items()):
            types[dataset_type] = _sealed_type(rows, instrument, runs)
        collections[named] = SealedCollection(fingerprint=fingerprint, types=types)
    digest = _digest(manifest.fingerprint, content, manifest.reading)
    return Seal(
        ticket=ticket,
        instrument=instrument,
        fingerprint=manifest.fingerprint,
        content=content,
        digest=digest,
        reading=manifest.reading,
        sealed_from=sealed_from,
        files=len(manifest.files),
        bytes=sum(file.size for file in manifest.files),
        full_names=full_names,
        collections=collections,
    )


def cover(rows: Iterable[tuple[str, Range]], instrument: str) -> Iterator[Coverage]:
    """Yield data IDs and ranges compactly.

    Parameters
    ----------
    rows
        Data IDs (``key=value``, joined with ``,``) with their ranges.
    instrument
        The instrument that is not repeated.
    """
    # An entry has one range, and one order of dimensions; what has both in
    # common is cut into boxes.
    by_range: dict[tuple[Range, tuple[str, ...]], set[_Values]] = {}
    not_repeated = _not_repeated(instrument)
    for data_id, span in rows:
        values = parse_data_id(data_id)
        its_own = values.pop("instrument", "")
        # Only a data ID of another instrument, or of none, names it.
        if its_own != not_repeated:
            values["instrument"] = its_own
        dimensions = tuple(values)
        alike = by_range.setdefault((span, dimensions), set())
        alike.add(tuple(values.values()))
    for (span, dimensions), data_ids in sorted(by_range.items()):
        begin, end = span
        for box in _boxes(data_ids, len(dimensions)):
            entry: Coverage = {}
            for dimension, along in zip(dimensions, box, strict=True):
                entry[dimension] = _written(along)
            if begin >= end:
                entry["begin"] = _EMPTY
                entry["end"] = _EMPTY
            else:
                entry["begin"] = format_bound(begin)
                entry["end"] = format_bound(end)
            yield entry


def fold(data_ids: Iterable[str], instrument: str) -> tuple[Coverage, ...]:
    """Return data IDs compactly, as boxes.

    Parameters
    ----------
    data_ids
        As text: ``key=value``, joined with ``,``.
    instrument
        The instrument that is not repeated.
    """
    # Of one range, so that only the boxes count.
    rows = [(data_id, UNBOUNDED) for data_id in data_ids]
    return tuple(map(_dimensions_of, cover(rows, instrument)))


def unfold(boxes: Iterable[Coverage], instrument: str) -> Iterator[str]:
    """Yield each data ID as text; what `fold` was given, in another order.

    Raises
    ------
    ValueError
        A box cannot be read, or they stand for more than anybody has.
    """
    for box in boxes:
        yield from _data_ids(box, instrument)


def _not_repeated(instrument: str) -> str:
    """Return the instrument of data IDs that name none; empty: they have none.

    Parameters
    ----------
    instrument
        Whose ticket it is.
    """
    if instrument == ANY:
        return ""
    return instrument


def extent(coverage: Iterable[Coverage]) -> int:
    """Return for how many data IDs and ranges it stands.

    Raises
    ------
    ValueError
        An entry cannot be read, or they stand for more than anybody has.
    """
    number = 0
    for entry in coverage:
        # A range that cannot be read is refused, though it counts nothing.
        _range(entry)
        number += _number_of(_dimensions_of(entry))
        _refuse_too_many(number)
    return number


def _number_of(dimensions: Coverage) -> int:
    """Return for how many data IDs dimensions stand, without making them."""
    return prod(map(_how_many, dimensions.values()))


def _refuse_too_many(number: int) -> None:
    if number > MOST_DATA_IDS:
        raise ValueError(f"it stands for more than {MOST_DATA_IDS:,} data IDs")


def covered(coverage: Iterable[Coverage], instrument: str) -> Iterator[tuple[str, Range]]:
    """Yield each data ID with its range; what `cover` was given.

    Raises
    ------
    ValueError
        An entry cannot be read, or they stand for more than anybody has.
    """
    for entry in coverage:
        span = _range(entry)
        for data_id in _data_ids(_dimensions_of(entry), instrument):
            yield data_id, span


def _dimensions_of(entry: Coverage) -> Coverage:
    """Return the dimensions of an entry, with their values."""
    return {key: value for key, value in entry.items() if key not in _NOT_DIMENSIONS}


def _data_ids(dimensions: Coverage, instrument: str) -> Iterator[str]:
    """Return the data IDs of an entry, as text."""
    # A few words of a file may stand for more than there is memory.
    _refuse_too_many(_number_of(dimensions))
    values = {"instrument": [_not_repeated(instrument)]}
    for dimension, written in dimensions.items():
        values[dimension] = _values(written)
    # Empty says that the data IDs have no instrument.
    if values["instrument"] == [""]:
        del values["instrument"]
    # Text is made once for each value, not once for each data ID; and the
    # product is taken without a loop of ours, since there are so many.
    pairs = []
    for dimension in sorted(values):
        pairs.append([f"{dimension}={value}" for value in values[dimension]])
    return map(",".join, product(*pairs))


def _set_of_data_ids(entry: Coverage, instrument: str) -> frozenset[str]:
    """Return the data IDs of an entry; those of equal ones are one set."""
    dimensions: list[_Dimension] = []
    for dimension, written in _dimensions_of(entry).items():
        # A cache looks up only what cannot change.
        if isinstance(written, list):
            dimensions.append((dimension, tuple(written)))
        else:
            dimensions.append((dimension, written))
    return _expanded(instrument, *dimensions)


@lru_cache(maxsize=1024, typed=True)
def _expanded(instrument: str, *dimensions: _Dimension) -> frozenset[str]:
    """Return a set of data IDs; thousands of entries stand for the same."""
    entry: Coverage = {}
    for dimension, written in dimensions:
        if isinstance(written, tuple):
            entry[dimension] = list(written)
        else:
            entry[dimension] = written
    return frozenset(_data_ids(entry, instrument))


def _run_of(entry: Coverage, sealed_type: SealedType, collection: str) -> str:
    """Return the RUN of an entry's datasets, or what stands for it."""
    run_of_type = sealed_type.run or unnamed_run(collection)
    run = entry.get("run", run_of_type)
    return str(run)


def _digest(fingerprint: str, content: str, reading: Reading | None) -> str:
    lines = [fingerprint, content]
    # A seal of before has no reading.
    if reading:
        lines.append(reading.digest)
    return digest_of_lines(lines)


def _sealed_type(
    rows: Sequence[Row],
    instrument: str,
    runs: Mapping[str, str],
) -> SealedType:
    """Return what a seal says of the rows of one dataset type."""
    by_run: dict[str, list[tuple[str, Range]]] = {}
    for row in rows:
        of_run = by_run.setdefault(runs[row.uuid], [])
        of_run.append((row.data_id, (row.begin, row.end)))
    # The RUN of most datasets is told once, for the type; of equal ones the
    # first by name, so that the same rows have the same seal.
    most = max(sorted(by_run), key=lambda run: len(by_run[run]))
    of_most = by_run.pop(most)
    coverage = list(cover(of_most, instrument))
    for run, of_run in sorted(by_run.items()):
        for entry in cover(of_run, instrument):
            entry["run"] = run
            coverage.append(entry)
    return SealedType(
        datasets=len(rows),
        run=most,
        coverage=tuple(coverage),
    )


def _boxes(points: set[_Values], dimensions: int) -> list[_Box]:
    """Cut a set of points into few boxes, each a product of sets."""
    # At first each point is a box of its own.
    boxes: set[_Box] = set()
    for point in points:
        boxes.add(tuple(frozenset([value]) for value in point))
    # Along one axis after the other, boxes that are equal along all other
    # axes become one.
    for axis in range(dimensions):
        merged: dict[tuple[_Box, _Box], set[str]] = {}
        for box in boxes:
            elsewhere = (box[:axis], box[axis + 1 :])
            along = merged.setdefault(elsewhere, set())
            along.update(box[axis])
        boxes = set()
        for (before, after), values in merged.items():
            boxes.add((*before, frozenset(values), *after))
    # Sets have no order; that of their values makes equal seals equal texts.
    return sorted(boxes, key=_order_of_box)


def _order_of_box(box: _Box) -> list[list[str]]:
    return [sorted(along, key=_order) for along in box]


def _order(value: str) -> tuple[int, str]:
    """Return what values are sorted by: words first, numbers as numbers."""
    if _NUMBER.fullmatch(value):
        return int(value), ""
    return -1, value


def _written(values: frozenset[str]) -> int | str | list[str]:
    """Return the values of a dimension as a seal has them."""
    # Whole numbers are written as ranges; a zero in front makes a word of
    # one, since ``007`` read as a number would come back as ``7``.
    ordered = sorted(values, key=_order)
    if all(map(_NUMBER.fullmatch, ordered)):
        text = as_ranges(map(int, ordered))
        if text.isdigit():
            return int(text)
        return text
    # A list keeps a single word that would be read as nothing or as numbers.
    first = ordered[0]
    if len(ordered) == 1 and first and not _NUMBERS.fullmatch(first):
        return first
    return ordered


def _values(written: _Written) -> list[str]:
    """Return the values that a seal writes for a dimension, as text."""
    # A list holds words as they are, whatever they look like.
    if isinstance(written, list):
        return list(map(str, written))
    if written is None:
        return [""]
    text = str(written)
    if not _NUMBERS.fullmatch(text):
        return [text]
    values: list[str] = []
    for numbers in ranges_in(text):
        values.extend(map(str, numbers))
    return values


def _how_many(written: _Written) -> int:
    """Return how many values there are, without making them."""
    if isinstance(written, list):
        return len(written)
    text = str(written)
    if not _NUMBERS.fullmatch(text):
        return 1
    number = 0
    for numbers in ranges_in(text):
        # ``len`` fails for a range of more than a machine can count.
        number += max(0, numbers.stop - numbers.start)
    return number


def _range(entry: Coverage) -> Range:
    """Return the range of an entry, in nanoseconds of TAI.

    Raises
    ------
    ValueError
        It cannot be read.
    """
    # A bound that was forgotten must not be read as unbounded.
    missing = {"begin", "end"} - entry.keys()
    if missing:
        raise ValueError(f"{min(missing)} is missing; write `null` where it is unbounded")
    begin = entry["begin"]
    end = entry["end"]
    if begin == end == _EMPTY:
        return EMPTY
    first, last = UNBOUNDED
    if begin is not None:
        first = parse_tai(str(begin))
    if end is not None:
        last = parse_tai(str(end))
    if first >= last:
        raise ValueError(f"it ends, {end}, before it begins, {begin}")
    return first, last

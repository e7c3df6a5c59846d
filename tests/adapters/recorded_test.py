"""A repository from memory answers as the real one did, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from calibstate.adapters.recorded import RecordedButler, RecordingButler
from calibstate.adapters.repositories import open_reader
from calibstate.errors import UnreachableError
from calibstate.model.contents import CollectionType, Holding
from calibstate.ports.butler import ButlerReader
from calibstate.store import observationfile
from tests import world
from tests.fakes.butler import MemoryButler

AT = "2026-11-22T18:00:00Z"
TOP, BIAS, STATISTICS, LOST = "calib", "calib/bias", "calib/statistics", "calib/lost"
LEAVES = (BIAS, STATISTICS, LOST)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with something of everything."""
    folder = tmp_path_factory.mktemp("recorded") / "repository"
    with world.make_repo(folder) as butler:
        world.add_calibration(butler, BIAS, "bias", world.SINCE_2024)
        world.add_calibration(butler, LOST, "flat")
        world.add_run(butler, STATISTICS, "verifyBiasStats")
        world.add_skymap(butler, "rings", "ab" * 20)
        world.add_chain(butler, TOP, [BIAS, STATISTICS, LOST])
        lost = sorted(butler.registry.queryDatasets("flat", collections=LOST))
        Path(butler.getURI(lost[0]).ospath).unlink()
    return folder


@pytest.fixture
def live(folder: Path) -> Iterator[ButlerReader]:
    with closing(open_reader(str(folder))) as reader:
        yield reader


@pytest.fixture
def recording(live: ButlerReader) -> RecordingButler:
    return RecordingButler(live, AT)


def remembered(recording: RecordingButler) -> RecordedButler:
    """Return what another site gets to see, by way of a file."""
    told = recording.observation("a/b", butler="sha256:b", version="1", declared="sha256:d")
    (read,) = observationfile.loads(observationfile.dumps([told]), "f")
    assert read == told
    return RecordedButler(read)


def as_sets(butler: ButlerReader, names: Sequence[str], **how: Any) -> dict[str, tuple[Any, ...]]:
    held = butler.holdings(names, **how)
    return {
        name: (h.collection, h.type, sorted(h.rows), h.unrecorded, dict(h.sizes)) for name, h in held.items()
    }


def test_what_was_asked_is_answered_the_same(live: ButlerReader, recording: RecordingButler) -> None:
    names = [TOP, *LEAVES, "none"]
    recording.collections(iter(names))
    recording.holdings(iter(names), files=iter(LEAVES))
    recording.holdings(iter(LEAVES), calibrations_only=True)
    memory = remembered(recording)

    assert memory.collections(iter(names)) == live.collections(names)
    assert memory.collections([TOP])[TOP].children == (BIAS, STATISTICS, LOST)
    assert as_sets(memory, names) == as_sets(live, names, files=LEAVES)
    without_sizes = {name: held[:4] for name, held in as_sets(live, LEAVES, calibrations_only=True).items()}
    told = as_sets(memory, LEAVES, calibrations_only=True)
    assert {name: held[:4] for name, held in told.items()} == without_sizes
    assert memory.holdings([STATISTICS])[STATISTICS].rows
    assert not memory.holdings([STATISTICS], calibrations_only=True)[STATISTICS].rows
    assert None in memory.holdings([LOST])[LOST].sizes.values()
    assert memory.holdings([BIAS])[BIAS].type is CollectionType.CALIBRATION


def test_absent_is_not_unknown(recording: RecordingButler) -> None:
    recording.collections(["none"])
    recording.holdings(["none", TOP])
    memory = remembered(recording)

    assert memory.collections(["none"]) == {}
    assert memory.holdings(["none", TOP]) == {}
    for ask in (
        lambda: memory.collections([BIAS]),
        lambda: memory.collections(["none", BIAS]),
        lambda: memory.holdings([BIAS]),
        lambda: memory.holdings([BIAS], calibrations_only=True),
    ):
        with pytest.raises(UnreachableError, match=f"the observation of {AT} does not tell of {BIAS};"):
            ask()
    with pytest.raises(UnreachableError, match=r"calib/bias and 2 more; observe again"):
        memory.collections(LEAVES)


def test_skymaps_are_told_once_somebody_has_asked(recording: RecordingButler) -> None:
    with pytest.raises(UnreachableError, match="does not tell of its skymaps"):
        remembered(recording).skymaps()
    assert recording.skymaps() == {"rings": "ab" * 20}
    assert remembered(recording).skymaps() == {"rings": "ab" * 20}


def test_what_was_asked_of_calibrations_only_is_no_answer_of_all(recording: RecordingButler) -> None:
    recording.holdings(LEAVES, calibrations_only=True)
    memory = remembered(recording)
    assert memory.holdings([BIAS], calibrations_only=True)[BIAS].rows
    with pytest.raises(UnreachableError, match=BIAS):
        memory.holdings([BIAS])


def test_calibrations_are_kept_apart_only_where_they_are_not_all(recording: RecordingButler) -> None:
    recording.holdings([*LEAVES, "none"])
    recording.holdings([*LEAVES, "none"], calibrations_only=True)
    told = recording.observation("a/b", butler="b", version="1", declared="d")
    assert list(told.calibrations) == [STATISTICS]


def test_files_that_were_looked_at_once_are_not_forgotten(recording: RecordingButler) -> None:
    recording.holdings(LEAVES, files=[BIAS])
    recording.holdings([BIAS, LOST])
    memory = remembered(recording)

    held = memory.holdings(LEAVES, files=LEAVES)

    assert len(held[BIAS].sizes) == len({row.uuid for row in held[BIAS].rows}) > 0
    assert held[LOST].sizes == {}
    assert memory.without_files == {LOST, STATISTICS}


def test_a_later_answer_counts() -> None:
    butler = MemoryButler("a/b")
    recording = RecordingButler(butler, AT)
    recording.collections([TOP])
    assert remembered(recording).collections([TOP]) == {}
    butler.set_chain(TOP, (), expected=None)
    recording.collections([TOP])
    assert set(remembered(recording).collections([TOP])) == {TOP}


def test_where_files_are_is_never_told(recording: RecordingButler) -> None:
    assert recording.export([BIAS]).files
    assert recording.stored([BIAS])
    recording.holdings([BIAS], files=[BIAS])
    memory = remembered(recording)
    for ask in (memory.export, memory.stored):
        with pytest.raises(UnreachableError, match="where its files are"):
            ask([BIAS])


def test_a_name_that_others_could_not_read_is_told(live: ButlerReader) -> None:
    class Odd(MemoryButler):
        """A repository with a name that would clear a screen."""

        @override
        def holdings(
            self, names: Iterable[str], *, files: Iterable[str] = (), calibrations_only: bool = False
        ) -> Mapping[str, Holding]:
            held = live.holdings(names)[BIAS]
            return {BIAS: replace(held, rows=(held.rows[0]._replace(data_id="detector=\x1b[2J"),))}

    recording = RecordingButler(Odd("a/b"), AT)
    recording.holdings([BIAS])
    with pytest.raises(UnreachableError, match=r"a/b gave 'detector=\\x1b\[2J', which others could not read"):
        recording.observation("a/b", butler="b", version="1", declared="d")

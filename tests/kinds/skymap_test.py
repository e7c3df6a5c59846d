"""How a skymap stands, is compared and is registered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from calibstate.errors import CalibstateError, RefusedError, Severity
from calibstate.kinds.skymap import RegisterSkymap, Skymap, SkymapKind
from calibstate.kinds.skymap_file import read_config
from calibstate.model.actions import Standing
from calibstate.model.drift import What
from calibstate.model.names import Address, Place
from calibstate.model.reasons import Code
from calibstate.ports.commands import Ran
from calibstate.ports.progress import unwatched
from calibstate.ports.records import unfenced
from tests.fakes.places import MemoryPlaces
from tests.skymaps import CELLS, CELLS_HASH

KIND = SkymapKind()
PLACE = Place("summit/LSSTCam")
ADDRESS = Address(place=PLACE, kind="skymap", name="lsst_cells_v1")
CONFIG = read_config(CELLS.encode(), "a.config").noun
DECLARED = Skymap(ADDRESS, CELLS_HASH, CONFIG)
OTHER = Skymap(ADDRESS, "ab" * 20)
NAMED_OTHERWISE = Skymap(ADDRESS, None, namesake="cells_of_old")
(REGISTER,) = KIND.remedy(DECLARED, None)


@pytest.fixture
def places() -> MemoryPlaces:
    return MemoryPlaces([PLACE])


def command(places: MemoryPlaces, effect: Callable[[str], Ran]) -> None:
    """Give the butler the command, which does something with its file."""

    def run(words: Sequence[str]) -> Ran:
        option, file = words
        assert option == "-C"
        return effect(Path(file).read_text())

    places.programs[PLACE].known["register-skymap"] = run


@pytest.mark.parametrize(
    ("live", "what", "standing", "code"),
    [
        (None, What.MISSING, Standing.READY, None),
        (Skymap(ADDRESS, CELLS_HASH), None, Standing.DONE, None),
        (OTHER, What.CHANGED, Standing.STALE, Code.SKYMAP_DIFFERS),
        (NAMED_OTHERWISE, What.MISSING, Standing.STALE, Code.SKYMAP_NAMED_OTHERWISE),
    ],
    ids=["absent", "equal", "other", "named otherwise"],
)
def test_each_sight_has_its_drift_its_standing_and_its_obstacle(
    live: Skymap | None, what: What | None, standing: Standing, code: Code | None
) -> None:
    drift = [drift.what for drift in KIND.compare(DECLARED, live)]
    obstacle = KIND.obstacle(DECLARED, live)

    assert drift == ([what] if what else [])
    assert REGISTER.standing(live) is standing
    assert (obstacle.code if obstacle else None) is code
    assert KIND.is_there(DECLARED, live) is (what is None)
    assert len(list(KIND.remedy(DECLARED, live))) == (live is None)


def test_all_is_looked_at_in_one_question(places: MemoryPlaces) -> None:
    places.butlers[PLACE].add_skymap("cells_of_old", CELLS_HASH)
    assert KIND.observe([DECLARED], places) == {ADDRESS: NAMED_OTHERWISE}
    places.butlers[PLACE].add_skymap("lsst_cells_v1", "ab" * 20)
    assert KIND.observe([DECLARED], places) == {ADDRESS: OTHER}


def test_the_command_is_given_a_text_of_ours_and_believed_once_it_is_seen(places: MemoryPlaces) -> None:
    texts: list[str] = []

    def register(text: str) -> Ran:
        texts.append(text)
        places.butlers[PLACE].add_skymap("lsst_cells_v1", CELLS_HASH)
        return Ran(1, "RuntimeError: it says that it has failed")

    command(places, register)
    KIND.apply(REGISTER, places, unwatched, unfenced)
    assert texts == [CONFIG.text]


@pytest.mark.parametrize(
    ("hash_", "ran", "words"),
    [
        (None, Ran(0, ""), "ended with 0, and summit/LSSTCam:skymap:lsst_cells_v1 is not as it should be"),
        (None, Ran(1, "OperationalError: no space is left."), "OperationalError: no space is left"),
        ("ab" * 20, Ran(0, ""), f"found one with the hash {'ab' * 20}"),
    ],
    ids=["nothing", "failure", "other"],
)
def test_what_the_command_says_proves_nothing(
    places: MemoryPlaces, hash_: str | None, ran: Ran, words: str
) -> None:
    def register(text: str) -> Ran:
        if hash_:
            places.butlers[PLACE].add_skymap("lsst_cells_v1", hash_)
        return ran

    command(places, register)
    with pytest.raises(CalibstateError) as failure:
        KIND.apply(REGISTER, places, unwatched, unfenced)
    assert words in failure.value.first.detail


def test_a_step_is_refused_beforehand_where_the_command_lacks_or_runs(places: MemoryPlaces) -> None:
    with pytest.raises(RefusedError, match="Butler has no command `register-skymap`"):
        KIND.foresee(REGISTER, [REGISTER], places)
    command(places, lambda text: Ran(0, ""))
    (note,) = KIND.foresee(REGISTER, [REGISTER], places)
    assert note.severity is Severity.NOTE
    places.programs[PLACE].running = "register-skymap"
    with pytest.raises(RefusedError, match="runs there already, as process 1"):
        KIND.foresee(REGISTER, [REGISTER], places)


def test_a_saved_step_cannot_say_more_than_values() -> None:
    said = REGISTER.model_dump(mode="json")
    assert RegisterSkymap.model_validate(said) == REGISTER
    for key in ("x = 1\nimport os\nconfig.a", "a.b", "__class__"):
        hostile = {**said, "config": {**said["config"], "settings": {key: 1}}}
        with pytest.raises(ValueError, match="pattern"):
            RegisterSkymap.model_validate(hostile)
    for key in ("name", "pixelization", "builder"):
        hostile = {**said, "config": {**said["config"], key: "a']\nimport os\n#"}}
        with pytest.raises(ValueError, match="pattern"):
            RegisterSkymap.model_validate(hostile)
    hostile = {**said, "config": {**said["config"], "settings": {"a": "'\nimport os\n#"}}}
    text = RegisterSkymap.model_validate(hostile).config.text
    assert "\nimport" not in text

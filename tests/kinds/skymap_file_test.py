"""The configuration of a skymap, and the hash that follows from it."""

from __future__ import annotations

import base64
import re

import pytest

from calibstate.errors import InvalidStateError
from calibstate.kinds.skymap_file import read_config
from calibstate.model.skymaps import SkymapConfig
from tests.real_files import DECAM, HSC, RealFile
from tests.skymaps import CELLS, CELLS_HASH, RINGS

FILE = "skymaps/a.config"


def read(text: str) -> SkymapConfig:
    return read_config(text.encode(), FILE).noun


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidStateError) as refusal:
        read(text)
    return [f"{problem.where}: {problem.summary}: {problem.detail}" for problem in refusal.value.diagnostics]


@pytest.mark.parametrize(
    ("real", "name", "scale"), [(HSC, "hsc_rings_v1", 0.168), (DECAM, "decam_rings_v1", 0.262)]
)
def test_the_hashes_of_published_records_follow_from_their_configurations(
    real: RealFile, name: str, scale: float
) -> None:
    record = re.search(rf"- name: {name}\n +hash: !!binary \|\n +(\S+)\n", real.text())
    assert record, f"{name} is not in {real.name}"
    assert read(RINGS.format(name=name, scale=scale)).hash == base64.b64decode(record[1]).hex()


def test_cells_have_a_hash_of_their_own() -> None:
    assert read(CELLS).hash == CELLS_HASH
    other = read(CELLS + 'config.skyMap["rings"].tractBuilder["cells"].cellBorder = 51\n')
    assert other.hash != read(CELLS).hash
    # Of a builder that is not chosen nothing is in the hash.
    inert = read(CELLS + 'config.skyMap["rings"].patchBorder = 51\n')
    assert inert.hash == read(CELLS).hash


def test_what_is_given_to_the_stack_says_all_that_the_hash_is_made_of() -> None:
    config = read(CELLS)
    assert read(config.text) == config
    for name in ("raStart", "rotation", "cellInnerDimensions", "numCellsInPatchBorder"):
        assert f".{name} = " in config.text


def test_it_is_the_same_from_a_file_of_ours() -> None:
    config = read(CELLS)
    assert SkymapConfig.model_validate_json(config.model_dump_json()) == config


def test_what_is_active_is_what_was_chosen_before() -> None:
    begun = 'config.name = "a"\nconfig.skyMap.active.numRings = 3\nconfig.skyMap = "rings"\n'
    assert problems(begun) == [
        f"{FILE}:1:1: Setting is missing: Nothing sets `numRings`, for which there is no default."
    ]
    assert read(begun + "config.skyMap.active.numRings = 3\n").settings["numRings"] == 3


def test_the_hash_of_another_pixelization_is_not_known() -> None:
    config = read(
        'config.name = "a"\nconfig.skyMap = "discrete"\nconfig.skyMap["discrete"].raList = [1.5, 2]\n'
    )
    assert config.hash is None
    assert config.settings == {"raList": (1.5, 2)}
    assert "config.skyMap['discrete'].raList = [1.5, 2]" in config.text


def test_a_builder_that_nobody_knows_has_no_hash() -> None:
    assert read(CELLS + 'config.skyMap["rings"].tractBuilder = "other"\n').hash is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("config.skyMap['rings'].numRing = 1", 'No skymap has `config.skyMap["rings"].numRing`.'),
        ("config.skyMap['rings'].numRings = 1.5", "must be a whole number of 32 bits."),
        ("config.skyMap['rings'].numRings = True", "must be a whole number of 32 bits."),
        ("config.skyMap['rings'].numRings = 2147483648", "must be a whole number of 32 bits."),
        ("config.skyMap['rings'].pixelScale = '0.2'", "must be a number."),
        (
            "config.skyMap['rings'].projection = 'TANGENT'",
            "must be a FITS code of three letters, such as TAN.",
        ),
        (
            "config.skyMap['rings'].tractBuilder['cells'].cellInnerDimensions = [1, 2, 3]",
            "must be a list of two",
        ),
        ("config.skyMap['rings'].patchInnerDimensions = [1, 2.5]", "must be a list of two"),
        ("config.skyMap['rings'].tractBuilder['legacy'].border = 1", "No skymap has"),
        ("config.skyMap['rings'].a.b.c.d = 1", "No skymap has"),
        ("config.skyMap['a b'].numRings = 1", "No skymap has"),
        ("config.skyMap['discrete'].__class__ = 1", "No skymap has"),
        ("config.skyMap = 3", "must be a name, such as"),
        ("config.skyMap.names = ['rings']", "No skymap has"),
        ("config.title = 'a'", "No skymap has `config.title`."),
        ("config.name = 'a; DROP TABLE'", "may hold only letters, digits and `. - _`."),
    ],
)
def test_what_no_skymap_has_is_told_at_its_line(line: str, problem: str) -> None:
    (told,) = problems(f"{CELLS}{line}\n")
    assert told.startswith(f"{FILE}:8:1: ")
    assert problem in told


def test_a_skymap_without_a_name_is_no_skymap() -> None:
    assert "Nothing sets `config.name`" in problems("config.skyMap = 'rings'\n")[0]

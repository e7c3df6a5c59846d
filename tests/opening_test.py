"""A butler that is opened quickly is the one that is opened as usual."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, ButlerConfig
from lsst.daf.butler.registry import RegistryConfig
from sqlalchemy.schema import CreateIndex, CreateTable

from tests import world
from tests.opening import open_quickly
from tests.tree import ROOT

PROGRAM = """
import json, sys
from tests.opening_test import description
print(json.dumps(description(sys.argv[1])))
"""


def description(path: str) -> dict[str, object]:
    """Return the tables of a repository, as SQL, and its configuration."""
    with Butler.from_config(path) as butler:
        database = butler._registry._db  # type: ignore[attr-defined]
        dialect = database._engine.dialect
        tables = {}
        for name, table in database._metadata._metadata.tables.items():
            indexes = sorted(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
            tables[name] = [str(CreateTable(table).compile(dialect=dialect)), *indexes]
        return {
            "tables": tables,
            "butler": str(ButlerConfig(path)),
            "registry": str(RegistryConfig(ButlerConfig(path))),
            "dimensions": str(butler.dimensions.dimensionConfig),
        }


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opened") / "repository"
    with world.make_repo(folder) as butler:
        world.add_ticket(butler, world.INSTRUMENT, "DM-1", {"bias.x": ("bias",), "flat.x": ("flat",)})
    return folder


def test_quickly_opened_a_butler_describes_what_it_describes_as_usual(repository: Path) -> None:
    usual = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(repository)], cwd=ROOT, check=True, capture_output=True, text=True
    )

    open_quickly()

    for _ in range(2):
        assert json.loads(json.dumps(description(str(repository)))) == json.loads(usual.stdout)
    assert len(json.loads(usual.stdout)["tables"]) > 40


def test_what_is_changed_in_one_configuration_is_in_no_other(repository: Path) -> None:
    open_quickly()
    before = str(ButlerConfig(str(repository)))

    ButlerConfig(str(repository))["storageClasses"].clear()
    ButlerConfig(str(repository))["datastore", "formatters"] = {}

    assert str(ButlerConfig(str(repository))) == before


def test_two_repositories_whose_dataset_types_came_in_another_order_are_kept_apart(
    repository: Path, tmp_path: Path
) -> None:
    """Their tables have the same names and other columns."""
    open_quickly()
    with world.make_repo(tmp_path / "other") as butler:
        world.add_ticket(butler, world.INSTRUMENT, "DM-1", {"flat.x": ("flat",), "bias.x": ("bias",)})

    with Butler.from_config(str(repository)) as first, Butler.from_config(str(tmp_path / "other")) as other:
        for butler in (first, other, first):
            for dataset_type in ("bias", "flat"):
                refs = butler.query_datasets(dataset_type, collections="LSSTComCam/calib/DM-1")
                assert {ref.datasetType.name for ref in refs} == {dataset_type}
                assert {ref.run for ref in refs} == {f"LSSTComCam/calib/DM-1/{dataset_type}.x.run"}

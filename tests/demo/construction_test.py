"""What stands in for cp_pipe and cp_verify asks for what they ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import Result
from lsst.ctrl.bps import BpsConfig
from lsst.ctrl.bps.parsl.site import SiteConfig
from lsst.ctrl.mpexec.cli.pipetask import cli as pipetask
from lsst.daf.butler import Butler
from lsst.daf.butler.cli.utils import LogCliRunner
from lsst.pipe.base import Pipeline

from calibstate.demo.construction import tasks
from calibstate.demo.construction.onemachine import Loopback, Threads
from calibstate.demo.construction.pipelines import write_pipelines
from calibstate.demo.construction.products import PRODUCTS, SECTION_7, start_from
from calibstate.demo.construction.templates import link_templates
from calibstate.demo.construction.ticket import SELECTIONS, VERIFIED
from calibstate.demo.construction.world import SMALL, ConstructionWorld, drift, make_world

REAL = Path(__file__).parents[2].parent / "shared" / "realdata"

VARIABLE = re.compile(r"\$\{?(\w+)")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ConstructionWorld:
    """A world whose ticket makes a bias."""
    return make_world(tmp_path_factory.mktemp("small") / "world", products=["bias"])


@pytest.fixture(scope="module")
def real(world: ConstructionWorld, tmp_path_factory: pytest.TempPathFactory) -> ConstructionWorld:
    """The same world with the real templates."""
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is not there: it has the templates of cp_pipe and cp_verify.")
    folder = tmp_path_factory.mktemp("real")
    linked = replace(world, cp_pipe=folder / "cp_pipe", cp_verify=folder / "cp_verify")
    write_pipelines(linked.cp_pipe, linked.cp_verify)
    link_templates(linked.cp_pipe, linked.cp_verify, REAL)
    return linked


def packages(world: ConstructionWorld) -> tuple[Path, Path]:
    return world.cp_pipe, world.cp_verify


def templates(world: ConstructionWorld) -> dict[str, str]:
    """Return the text of each template, by its name."""
    texts = {}
    for package in packages(world):
        for file in (package / "bps" / "templates").glob("bps_*.yaml"):
            texts[f"{package.name} {file.stem}"] = file.read_text()
    return texts


def variables(world: ConstructionWorld) -> dict[str, str]:
    """Return what the templates ask the environment for."""
    values = {
        "USER_CALIB_PREFIX": "",
        "INSTRUMENT": world.instrument,
        "TICKET": world.ticket,
        "REPO": str(world.repository),
        "RAW_COLLECTION": world.raws,
        "CALIB_COLLECTIONS": ",".join(world.start_from),
        "TAG": "DP1",
        "RERUN": "20250207a",
        "VERIFY_RERUN": "20250210a",
        "BOOTSTRAP_RUN_NUMBER": "1",
        "CP_PIPE_DIR": str(world.cp_pipe),
        "CP_VERIFY_DIR": str(world.cp_verify),
        "LED_NAME": "m455l4",
    }
    for name, selection in SELECTIONS.items():
        key = name if name.startswith("flat_") else name.upper()
        for suffix in ("", "_V"):
            values[f"SELECTION_{key}{suffix}"] = f"instrument='{world.instrument}' and {selection}"
    return values


def substituted(text: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a template as BPS reads it: variables, then its own lines."""
    content: dict[str, Any] = yaml.safe_load(Template(text).safe_substitute(values))
    lines = {name: value for name, value in content.items() if isinstance(value, str)}
    for name, value in content["payload"].items():
        while "{" in value.replace("${", ""):
            value = value.format_map({**lines, **{"LED_NAME": "${LED_NAME}"}})
        content["payload"][name] = value
    return content


def test_every_real_template_names_a_pipeline_that_is_here_and_builds(real: ConstructionWorld) -> None:
    values = variables(real)
    texts = templates(real)
    assert len(texts) == 47

    for text in texts.values():
        file = substituted(text, values)["pipelineYaml"]
        assert Pipeline.from_uri(file).to_graph().tasks, file


def test_written_templates_say_what_the_real_ones_say(
    world: ConstructionWorld, real: ConstructionWorld
) -> None:
    written, expected = templates(world), templates(real)
    values = variables(real)

    assert written.keys() == expected.keys()
    for name, text in expected.items():
        assert set(VARIABLE.findall(written[name])) == set(VARIABLE.findall(text)), name
        ours, theirs = substituted(written[name], values), substituted(text, values)
        assert ours["payload"] == theirs["payload"], name
        assert ours["pipelineYaml"] == theirs["pipelineYaml"], name


NEEDS = {
    "cpBiasBootstrap": {"crosstalk"},
    "cpDarkBootstrap": {"crosstalk", "biasBootstrap"},
    "cpFlatBootstrap": {"crosstalk", "biasBootstrap", "darkBootstrap"},
    "cpDefects": {"biasBootstrap", "darkBootstrap", "flatBootstrap"},
    "cpLinearizer": {"crosstalk", "defects"},
    "cpCti": {"defects", "linearizer"},
    "cpPtc": {"crosstalk", "defects", "linearizer", "cti"},
    "cpBfk": {"crosstalk", "defects", "linearizer", "cti"},
    "cpElectrostaticBFDistortionMatrix": {"ptc"},
    "cpBias": {"crosstalk", "linearizer", "ptc", "cti"},
    "cpDark": {"crosstalk", "linearizer", "ptc", "cti", "bias", "defects"},
    "cpFlat": {"crosstalk", "linearizer", "ptc", "cti", "bias", "dark"},
}
"""What pipelines of cp_pipe f029a3f look up for LSSTComCam."""


@pytest.mark.parametrize("name", NEEDS)
def test_a_pipeline_looks_up_what_the_real_one_looks_up(world: ConstructionWorld, name: str) -> None:
    file = world.cp_pipe / "pipelines" / world.instrument / f"{name}.yaml"
    with Butler.from_config(str(world.repository)) as butler:
        graph = Pipeline.fromFile(str(file)).to_graph(butler.registry)
    inputs = {dataset_type for dataset_type, _ in graph.iter_overall_inputs()}

    assert inputs - {"raw"} == NEEDS[name]


@pytest.mark.parametrize("products", [SMALL, SECTION_7, tuple(PRODUCTS)], ids=["small", "section 7", "all"])
def test_whatever_is_needed_is_made_before_or_started_from(products: tuple[str, ...]) -> None:
    available = set(start_from(products).values())
    for name in products:
        assert NEEDS[PRODUCTS[name].pipeline] <= available, name
        available.add(PRODUCTS[name].dataset_type)


def test_the_selections_of_section_7_find_what_they_are_for(tmp_path: Path) -> None:
    built = make_world(tmp_path / "world", detectors=3, each=2)
    document = yaml.safe_load(built.document)["construction"]

    with Butler.from_config(str(built.repository)) as butler:
        for name, selection in document["selections"].items():
            if isinstance(selection, dict):
                selection = document["selections"][selection["same_as"]]
            where = f"instrument='{built.instrument}' and {selection}"
            raws = butler.query_datasets("raw", built.raws, where=where)
            assert len(raws) == 3 * 2, name
        for name in ("science", "bias", "dark"):
            where = f"instrument='{built.instrument}' and {document['verify'][name]}"
            assert len(butler.query_datasets("raw", built.raws, where=where)) == 3 * 2, name


def run(world: ConstructionWorld, pipeline: str, inputs: Sequence[str], output: str, where: str) -> Result:
    """Run a pipeline of the world by pipetask, in this process."""
    package = world.cp_verify if pipeline.startswith("verify") else world.cp_pipe
    command = [
        *("--log-level", "CRITICAL", "run", "--register-dataset-types"),
        *("-b", str(world.repository), "-i", ",".join(inputs), "-o", output),
        *("-p", str(package / "pipelines" / world.instrument / f"{pipeline}.yaml")),
        *("-d", f"instrument='{world.instrument}' and {where}"),
    ]
    return LogCliRunner().invoke(pipetask, command)


@pytest.fixture(scope="module")
def bias(world: ConstructionWorld) -> str:
    """Return the output collection of a bias."""
    output = "LSSTComCam/calib/DM-48520/DP1/biasGen.20250207a"
    done = run(world, "cpBias", [world.raws, *world.start_from], output, SELECTIONS["bias"])
    assert done.exit_code == 0, done.output
    return output


def test_a_bias_is_the_median_of_its_raws(world: ConstructionWorld, bias: str) -> None:
    with Butler.from_config(str(world.repository), collections=bias) as butler:
        refs = butler.query_datasets("bias", find_first=True)
        for ref in refs:
            table = butler.get(ref)
            assert len(table) == 16
            assert np.allclose(table["value"], 100 + int(ref.dataId["detector"]), atol=1)
        assert len(refs) == world.detectors
        assert butler.get("biasMosaic8", instrument=world.instrument).shape == (16, 16 * world.detectors)


def test_a_drifted_exposure_fails_and_the_words_say_where(world: ConstructionWorld, bias: str) -> None:
    good, drifted = VERIFIED["bias"]
    drift(world, drifted, 1, amplifier="C07")
    output = "LSSTComCam/calib/DM-48520/DP1/verifyBias.20250210a"
    where = f"exposure in ({good}, {drifted})"

    done = run(world, "verifyBias", [bias, world.raws, *world.start_from], output, where)

    assert done.exit_code == 0, done.output
    with Butler.from_config(str(world.repository), collections=output) as butler:
        stats = butler.get("verifyBiasStats", instrument=world.instrument)
        results = butler.get("verifyBiasResults", instrument=world.instrument)
    failed = {"SUCCESS": False, "FAILURES": ["R22_S01 C07 MEAN"]}
    assert stats == {good: {"SUCCESS": True}, drifted: failed, "SUCCESS": False}
    assert len(results) == 2 * world.detectors * 16
    assert list(results["amplifier"][~results["BIAS_VERIFY_MEAN"]]) == ["C07"]


def test_a_quantum_fails_where_it_is_asked_to_and_no_other(
    world: ConstructionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tasks.FAIL, "cpBiasCombine:2")
    output = "u/somebody/bias"

    done = run(world, "cpBias", [world.raws, *world.start_from], output, SELECTIONS["bias"])

    assert done.exit_code == 1
    with Butler.from_config(str(world.repository), collections=output) as butler:
        refs = butler.query_datasets("bias", find_first=True)
    assert [ref.dataId["detector"] for ref in refs] == [0]


@pytest.mark.parametrize(
    ("which", "fails"),
    [
        ("cpBiasIsr", [(1, 0), (1, 1), (2, 0), (2, 1)]),
        ("cpBiasIsr:2", [(1, 1), (2, 1)]),
        ("cpBiasIsr:detector=1", [(1, 1), (2, 1)]),
        ("cpBiasIsr:exposure=2,detector=0", [(2, 0)]),
        ("cpDarkIsr", []),
    ],
)
def test_trouble_is_for_a_label_and_parts_of_a_data_id(
    which: str, fails: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tasks.FAIL, which)
    failed = []
    for exposure, detector in product((1, 2), (0, 1)):
        try:
            tasks.make_trouble("cpBiasIsr", {"exposure": exposure, "detector": detector})
        except RuntimeError:
            failed.append((exposure, detector))

    assert failed == fails


def test_a_missing_prerequisite_leaves_nothing_to_run(world: ConstructionWorld) -> None:
    without = [collection for collection in world.start_from if "linearizer" not in collection]

    done = run(world, "cpBias", [world.raws, *without], "u/somebody/nothing", SELECTIONS["bias"])

    assert done.exit_code == 1
    assert "linearizer" in done.output


@pytest.mark.parametrize("site", [Threads, Loopback])
def test_a_batch_on_one_machine_runs_as_many_jobs_at_once_as_its_site_says(site: type[SiteConfig]) -> None:
    settings = {"class": f"{site.__module__}.{site.__name__}", "cores": 3}
    config = BpsConfig({"computeSite": "here", "site": {"here": settings}}, defaults={})

    (executor,) = SiteConfig.from_config(config).get_executors()

    if site is Threads:
        assert executor.max_threads == 3
    else:
        assert (executor.max_workers_per_node, executor.address) == (3, "127.0.0.1")

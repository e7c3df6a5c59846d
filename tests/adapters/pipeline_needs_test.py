"""What a pipeline is asked to have is what one of its tasks insists on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from calibstate.adapters.construction.needs import needs_of_pipeline

DETECTOR = ("instrument", "detector")


def calibration(name: str, minimum: int) -> PrerequisiteInput:
    return PrerequisiteInput(
        doc="Applied.",
        name=name,
        storageClass="StructuredDataDict",
        dimensions=DETECTOR,
        isCalibration=True,
        minimum=minimum,
    )


class _StrictConnections(PipelineTaskConnections, dimensions=DETECTOR):
    linearizer = calibration("linearizer", 1)
    cti = calibration("cti", 0)
    bootstrap = Input(
        doc="Made before.", name="biasBootstrap", storageClass="StructuredDataDict", dimensions=DETECTOR
    )
    output = Output(doc="Made.", name="strictly", storageClass="StructuredDataDict", dimensions=DETECTOR)


class _StrictConfig(PipelineTaskConfig, pipelineConnections=_StrictConnections):
    pass


class Strict(PipelineTask):
    ConfigClass = _StrictConfig
    _DefaultName = "strict"


class _LenientConnections(PipelineTaskConnections, dimensions=DETECTOR):
    made = Input(doc="Of the other.", name="strictly", storageClass="StructuredDataDict", dimensions=DETECTOR)
    linearizer = calibration("linearizer", 0)
    ptc = calibration("ptc", 0)
    output = Output(doc="Made.", name="leniently", storageClass="StructuredDataDict", dimensions=DETECTOR)


class _LenientConfig(PipelineTaskConfig, pipelineConnections=_LenientConnections):
    pass


class Lenient(PipelineTask):
    ConfigClass = _LenientConfig
    _DefaultName = "lenient"


def pipeline(folder: Path, *tasks: str) -> str:
    file = folder / "pipeline.yaml"
    lines = ["description: Of a test.", "tasks:", *(f"  {task}: {__name__}.{task}" for task in tasks)]
    file.write_text("\n".join(lines))
    return str(file)


@pytest.mark.parametrize(
    ("tasks", "needs"),
    [
        # What one task could do without, the other insists on.
        (("Strict", "Lenient"), {"linearizer", "biasBootstrap"}),
        (("Strict",), {"linearizer", "biasBootstrap"}),
        # What another task makes is no need; alone it is.
        (("Lenient",), {"strictly"}),
    ],
)
def test_a_pipeline_needs_what_one_of_its_tasks_insists_on(
    tmp_path: Path, tasks: tuple[str, ...], needs: set[str]
) -> None:
    assert needs_of_pipeline(pipeline(tmp_path, *tasks), {}) == frozenset(needs)


def test_of_a_pipeline_that_cannot_be_loaded_nothing_is_known(tmp_path: Path) -> None:
    assert needs_of_pipeline(pipeline(tmp_path, "NoSuchTask"), {}) is None
    assert needs_of_pipeline(str(tmp_path / "nowhere.yaml"), {}) is None


def test_variables_are_set_only_as_long_as_a_pipeline_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipeline(tmp_path, "Strict")
    monkeypatch.setenv("SET_BEFORE", "as it was")
    variables = {"SET_BEFORE": "otherwise", "PACKAGE_OF_A_TEST_DIR": str(Path(file).parent)}

    assert needs_of_pipeline("$PACKAGE_OF_A_TEST_DIR/pipeline.yaml", variables)
    assert os.environ["SET_BEFORE"] == "as it was"
    assert "PACKAGE_OF_A_TEST_DIR" not in os.environ

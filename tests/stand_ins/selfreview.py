"""A pipeline's task that any repository of the tests can run.

What it was given is what it writes down; it reads its raw and no calibration,
since only a Rubin stack knows the classes of those.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput


class SelfReviewConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    raw = Input(
        name="raw",
        doc="What was exposed.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
    )
    bias = PrerequisiteInput(
        name="bias",
        doc="Bias.",
        storageClass="ExposureF",
        dimensions=("instrument", "detector"),
        isCalibration=True,
        deferLoad=True,
    )
    flat = PrerequisiteInput(
        name="flat",
        doc="Flat field.",
        storageClass="ExposureF",
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
        deferLoad=True,
    )
    report = Output(
        name="selfReview",
        doc="Which calibrations were given.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
    )


class SelfReviewConfig(PipelineTaskConfig, pipelineConnections=SelfReviewConnections):
    fails = Field(doc="Fail at every quantum.", dtype=bool, default=False)
    killed = Field(doc="Kill the process at the first quantum.", dtype=bool, default=False)
    interrupted = Field(doc="Be interrupted at the first quantum.", dtype=bool, default=False)


class SelfReviewTask(PipelineTask):
    ConfigClass = SelfReviewConfig
    _DefaultName = "selfReview"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802, N803 - the signature is the stack's
        if self.config.killed:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.interrupted:
            raise KeyboardInterrupt
        if self.config.fails:
            raise RuntimeError("told to fail")
        raw = butlerQC.get(inputRefs.raw)
        report = {name: str(getattr(inputRefs, name).datasetRef.id) for name in ("bias", "flat")}
        butlerQC.put(Struct(report={**raw, **report}), outputRefs)

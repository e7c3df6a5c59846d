"""Tasks that stand in for those of ip_isr, cp_pipe and cp_verify.

A pixel is really corrected, a calibration really the median of its raws, and
a verification really compares.  What an input has no pixel for (crosstalk,
linearity, gains, charge transfer) is asked for, read, and changes nothing.

Two environment variables, which jobs of a batch inherit, make trouble:

``CALIBSTATE_STANDIN_FAIL=LABEL:WHICH``
    Quanta of a task raise.  ``WHICH`` says which detector, counted from 1,
    or has parts of a data ID: ``cpBiasIsr:exposure=2024120800696,detector=1``
    (where detectors are counted from 0).  Nothing: all of them.
``CALIBSTATE_STANDIN_SLEEP=SECONDS``
    Each quantum takes so much longer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table, vstack
from lsst.daf.butler import DataCoordinate
from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput
from typing_extensions import override

from ..world import AMPLIFIERS, detector_name
from .amplifiers import Image, by_amplifier, mask, spread, table_of, values_of

__all__ = [
    "FAIL",
    "IMAGE",
    "SLEEP",
    "TABLE",
    "BootstrapDefectsTask",
    "CertifiedVerifyTask",
    "CleanTask",
    "CombineByFilterTask",
    "CombineTask",
    "DetectorMergeTask",
    "ExposureMergeTask",
    "ExposureVerifyTask",
    "IsrTask",
    "MeasureTask",
    "MosaicByFilterTask",
    "MosaicTask",
    "RunMergeByFilterTask",
    "RunMergeTask",
    "SolveFromPtcTask",
    "SolveTask",
    "SolvedVerifyTask",
]

FAIL = "CALIBSTATE_STANDIN_FAIL"
SLEEP = "CALIBSTATE_STANDIN_SLEEP"

IMAGE = "NumpyArray"
TABLE = "AstropyTable"
STATISTICS = "StructuredDataDict"
RESULTS = "ArrowAstropy"

BY_RUN = ("instrument",)
BY_FILTER = ("instrument", "physical_filter")
BY_EXPOSURE = ("instrument", "exposure")
BY_DETECTOR = ("instrument", "detector")
BY_DETECTOR_AND_FILTER = ("instrument", "detector", "physical_filter")
BY_EXPOSURE_AND_DETECTOR = ("instrument", "exposure", "detector")

Statistics = dict[Any, Any]


class StandInTask(PipelineTask):
    """A task that fails or dawdles where a test asks for it."""

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        make_trouble(self.getName(), butlerQC.quantum.dataId.required)
        super().runQuantum(butlerQC, inputRefs, outputRefs)


def make_trouble(label: str, data_id: Mapping[str, Any]) -> None:
    """Do what the environment asks of a quantum.

    Raises
    ------
    RuntimeError
        `FAIL` names this quantum.
    """
    # Jobs of a batch inherit the environment of who submits them.
    time.sleep(float(os.environ.get(SLEEP, "0")))
    wanted, _, which = os.environ.get(FAIL, "").partition(":")
    if wanted != label:
        return
    if which.isdigit():
        which = f"detector={int(which) - 1}"
    values = {name: str(value) for name, value in data_id.items()}
    for part in filter(None, which.split(",")):
        name, _, value = part.partition("=")
        if values.get(name) != value:
            return
    raise RuntimeError(f"{label} is made to fail for {values}.")


# Instrument signature removal: from a raw to an image.

CORRECTIONS = {
    "doCrosstalk": "crosstalk",
    "doLinearize": "linearizer",
    "doApplyGains": "ptc",
    "doDeferredCharge": "cti",
    "doBrighterFatter": "bfk",
    "doDefect": "defects",
    "doBias": "bias",
    "doDark": "dark",
    "doFlat": "flat",
}
"""Switch of IsrTaskLSST, and the calibration that it asks for."""


def _calibration(name: str) -> PrerequisiteInput:
    return PrerequisiteInput(
        name=name,
        doc=f"Certified {name}.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR_AND_FILTER if name == "flat" else BY_DETECTOR,
        isCalibration=True,
    )


class IsrConnections(PipelineTaskConnections, dimensions=BY_EXPOSURE_AND_DETECTOR):
    """A raw and the calibrations that are switched on, to an image."""

    ccdExposure = Input(name="raw", doc="Raw image.", storageClass=IMAGE, dimensions=BY_EXPOSURE_AND_DETECTOR)
    crosstalk = _calibration("crosstalk")
    linearizer = _calibration("linearizer")
    ptc = _calibration("ptc")
    cti = _calibration("cti")
    bfk = _calibration("bfk")
    defects = _calibration("defects")
    bias = _calibration("bias")
    dark = _calibration("dark")
    flat = _calibration("flat")
    outputExposure = Output(
        name="postISRCCD",
        doc="Corrected image.",
        storageClass=IMAGE,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
    )
    outputStatistics = Output(
        name="isrStatistics",
        doc="Mean of each amplifier.",
        storageClass=STATISTICS,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
    )

    def __init__(self, *, config: IsrConfig):
        super().__init__(config=config)
        # What is not applied must not be asked for: a prerequisite that is
        # missing leaves a graph without quanta.
        for switch, name in CORRECTIONS.items():
            if not getattr(config, switch):
                delattr(self, name)
        if not config.doCalculateStatistics:
            del self.outputStatistics


class IsrConfig(PipelineTaskConfig, pipelineConnections=IsrConnections):
    """Which calibrations are applied."""

    doCrosstalk = Field(doc="Ask for the crosstalk.", dtype=bool, default=False)
    doLinearize = Field(doc="Ask for the linearizer.", dtype=bool, default=False)
    doApplyGains = Field(doc="Ask for the gains of the PTC.", dtype=bool, default=False)
    doDeferredCharge = Field(doc="Ask for the CTI.", dtype=bool, default=False)
    doBrighterFatter = Field(doc="Ask for the kernel.", dtype=bool, default=False)
    doDefect = Field(doc="Mask defects.", dtype=bool, default=False)
    doBias = Field(doc="Subtract the bias.", dtype=bool, default=False)
    doDark = Field(doc="Subtract the dark.", dtype=bool, default=False)
    doFlat = Field(doc="Divide by the flat.", dtype=bool, default=False)
    doCalculateStatistics = Field(doc="Write statistics, too.", dtype=bool, default=False)


class IsrTask(StandInTask):
    """Stands for ``lsst.ip.isr.IsrTaskLSST``."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"

    @override
    def run(self, ccdExposure: Image, **calibrations: Table) -> Struct:
        image = np.asarray(ccdExposure, dtype=float)
        # In the order of IsrTaskLSST, but for defects, which are masked before
        # a flat can spread them.
        if "bias" in calibrations:
            image = image - spread(values_of(calibrations["bias"]))
        if "dark" in calibrations:
            image = image - spread(values_of(calibrations["dark"]))
        if "defects" in calibrations:
            image = mask(image, calibrations["defects"])
        if "flat" in calibrations:
            image = image / spread(values_of(calibrations["flat"]))
        return Struct(outputExposure=image, outputStatistics=means(image))


def means(image: Image) -> dict[str, float]:
    """Return the mean of each amplifier, by its name."""
    values = by_amplifier(image).mean(axis=1).round(6)
    return dict(zip(AMPLIFIERS, values.tolist(), strict=True))


# Construction: from images to calibrations.


class CleanConnections(PipelineTaskConnections, dimensions=BY_EXPOSURE_AND_DETECTOR):
    """An image, and the same without what does not belong into it."""

    inputExp = Input(name="isrExp", doc="Image.", storageClass=IMAGE, dimensions=BY_EXPOSURE_AND_DETECTOR)
    outputExp = Output(
        name="cleanExp",
        doc="Clean image.",
        storageClass=IMAGE,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
    )


class CleanConfig(PipelineTaskConfig, pipelineConnections=CleanConnections):
    """Nothing to set."""


class CleanTask(StandInTask):
    """Stands for CpDarkTask and what cleans images of the sky."""

    ConfigClass = CleanConfig
    _DefaultName = "clean"

    @override
    def run(self, inputExp: Image) -> Struct:
        return Struct(outputExp=inputExp)


class CombineConnections(PipelineTaskConnections, dimensions=BY_DETECTOR):
    """All images of a detector, to a calibration of it."""

    inputExpHandles = Input(
        name="isrExp",
        doc="Images.",
        storageClass=IMAGE,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
        multiple=True,
    )
    outputData = Output(
        name="calibration",
        doc="Their median.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )


class CombineConfig(PipelineTaskConfig, pipelineConnections=CombineConnections):
    """How images are combined."""

    normalize = Field(doc="Divide by the mean, as for flats.", dtype=bool, default=False)


class CombineTask(StandInTask):
    """Stands for ``lsst.cp.pipe.CalibCombineTask``."""

    ConfigClass = CombineConfig
    _DefaultName = "combine"

    @override
    def run(self, inputExpHandles: list[Image]) -> Struct:
        # The median of exposures, then of pixels: no cosmic ray and no defect
        # moves it.
        pixels = by_amplifier(np.median(np.stack(inputExpHandles), axis=0))
        values = np.median(pixels, axis=1)
        hottest = pixels.argmax(axis=1)
        if self.config.normalize:
            values = values / values.mean()
        table = table_of(values)
        # Defects are found by these two: one bad pixel an amplifier at most.
        table["excess"] = np.round(pixels.max(axis=1) - np.median(pixels, axis=1), 6)
        table["hottest"] = hottest
        return Struct(outputData=table)


class CombineByFilterConnections(CombineConnections, dimensions=BY_DETECTOR_AND_FILTER):
    """All images of a detector through a filter, to a calibration of both."""

    outputData = Output(
        name="calibration",
        doc="Their median.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR_AND_FILTER,
        isCalibration=True,
    )


class CombineByFilterConfig(CombineConfig, pipelineConnections=CombineByFilterConnections):
    """How images are combined."""


class CombineByFilterTask(CombineTask):
    """Stands for ``lsst.cp.pipe.CalibCombineByFilterTask``."""

    ConfigClass = CombineByFilterConfig


class BootstrapDefectsConnections(PipelineTaskConnections, dimensions=BY_DETECTOR):
    """The three bootstraps of a detector, to its defects."""

    inputBias = Input(
        name="biasBootstrap",
        doc="Bias.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )
    inputDark = Input(
        name="darkBootstrap",
        doc="Dark.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )
    inputFlats = Input(
        name="flatBootstrap",
        doc="Flats.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR_AND_FILTER,
        isCalibration=True,
        multiple=True,
    )
    mergedDefects = Output(
        name="defects",
        doc="Defects.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )


class BootstrapDefectsConfig(PipelineTaskConfig, pipelineConnections=BootstrapDefectsConnections):
    """What a defect is."""

    threshold = Field(doc="Counts above the median of its amplifier.", dtype=float, default=50.0)


class BootstrapDefectsTask(StandInTask):
    """Stands for the tasks that measure defects, and the one that merges."""

    ConfigClass = BootstrapDefectsConfig
    _DefaultName = "defects"

    @override
    def run(self, inputBias: Table, inputDark: Table, inputFlats: list[Table]) -> Struct:
        pixels: set[tuple[int, int]] = set()
        for bootstrap in (inputBias, inputDark, *inputFlats):
            for number, row in enumerate(bootstrap):
                if row["excess"] > self.config.threshold:
                    pixels.add(_pixel(number, int(row["hottest"])))
        positions = np.array(sorted(pixels), dtype=int).reshape(-1, 2)
        return Struct(mergedDefects=Table({"y": positions[:, 0], "x": positions[:, 1]}))


def _pixel(amplifier: int, place: int) -> tuple[int, int]:
    """Return row and column of a pixel that an amplifier reads."""
    row, column = divmod(amplifier, 8)
    down, right = divmod(place, 2)
    return row * 8 + down, column * 2 + right


class MeasureConnections(PipelineTaskConnections, dimensions=BY_EXPOSURE_AND_DETECTOR):
    """An image, and what was measured in it."""

    inputExp = Input(name="isrExp", doc="Image.", storageClass=IMAGE, dimensions=BY_EXPOSURE_AND_DETECTOR)
    outputStats = Output(
        name="measurement",
        doc="Mean of each amplifier.",
        storageClass=STATISTICS,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
    )


class MeasureConfig(PipelineTaskConfig, pipelineConnections=MeasureConnections):
    """Nothing to set."""


class MeasureTask(StandInTask):
    """Stands for what measures single exposures, or pairs of them."""

    ConfigClass = MeasureConfig
    _DefaultName = "measure"

    @override
    def run(self, inputExp: Image) -> Struct:
        return Struct(outputStats=means(inputExp))


class SolveConnections(PipelineTaskConnections, dimensions=BY_DETECTOR):
    """All measurements of a detector, to a calibration of it."""

    inputMeasurements = Input(
        name="measurement",
        doc="Means of amplifiers.",
        storageClass=STATISTICS,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
        multiple=True,
    )
    outputCalib = Output(
        name="calibration",
        doc="Mean of them.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )


class SolveConfig(PipelineTaskConfig, pipelineConnections=SolveConnections):
    """Nothing to set."""


class SolveTask(StandInTask):
    """Stands for the solvers of CTI, PTC, linearity, crosstalk and kernels."""

    ConfigClass = SolveConfig
    _DefaultName = "solve"

    @override
    def run(self, inputMeasurements: list[dict[str, float]]) -> Struct:
        rows = [[measurement[name] for name in AMPLIFIERS] for measurement in inputMeasurements]
        return Struct(outputCalib=table_of(np.mean(rows, axis=0)))


class FromPtcConnections(PipelineTaskConnections, dimensions=BY_DETECTOR):
    """A certified PTC, to a calibration that follows from it alone."""

    raws = Input(
        name="raw",
        doc="Which detectors, and when; not read.",
        storageClass=IMAGE,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
        multiple=True,
        deferLoad=True,
    )
    inputPtc = _calibration("ptc")
    output = Output(
        name="calibration",
        doc="Solution.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )

    # A quantum without an exposure has no time to look a calibration up at.
    @override
    def getTemporalBoundsConnections(self) -> tuple[str, ...]:
        """Return whose times a PTC must be valid at."""
        return ("raws",)


class FromPtcConfig(PipelineTaskConfig, pipelineConnections=FromPtcConnections):
    """Nothing to set."""


class SolveFromPtcTask(StandInTask):
    """Stands for ``lsst.cp.pipe.ElectrostaticBrighterFatterSolveTask``."""

    ConfigClass = FromPtcConfig
    _DefaultName = "solveFromPtc"

    @override
    def run(self, raws: list[Any], inputPtc: Table) -> Struct:
        return Struct(output=table_of(values_of(inputPtc)))


class MosaicConnections(PipelineTaskConnections, dimensions=BY_RUN):
    """Calibrations of all detectors, to a picture of the focal plane."""

    inputExps = Input(
        name="calibration",
        doc="Calibrations.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
        multiple=True,
    )
    outputData = Output(name="mosaic", doc="Mosaic.", storageClass=IMAGE, dimensions=BY_RUN)


class MosaicConfig(PipelineTaskConfig, pipelineConnections=MosaicConnections):
    """Nothing to set."""


class MosaicTask(StandInTask):
    """Stands for ``VisualizeMosaicCalibTask``, with the binning before it."""

    ConfigClass = MosaicConfig
    _DefaultName = "mosaic"

    @override
    def run(self, inputExps: list[Table]) -> Struct:
        # Detectors stand side by side; a raft would need its geometry.
        pictures = [spread(values_of(calibration)) for calibration in inputExps]
        return Struct(outputData=np.hstack(pictures))


class MosaicByFilterConnections(MosaicConnections, dimensions=BY_FILTER):
    """Calibrations through a filter, to a picture of the focal plane."""

    inputExps = Input(
        name="calibration",
        doc="Calibrations.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR_AND_FILTER,
        isCalibration=True,
        multiple=True,
    )
    outputData = Output(name="mosaic", doc="Mosaic.", storageClass=IMAGE, dimensions=BY_FILTER)


class MosaicByFilterConfig(PipelineTaskConfig, pipelineConnections=MosaicByFilterConnections):
    """Nothing to set."""


class MosaicByFilterTask(MosaicTask):
    """Stands for ``VisualizeMosaicCalibFilterTask``."""

    ConfigClass = MosaicByFilterConfig


# Verification: detectors first, then exposures, then the whole run.


def _statistics(name: str, dimensions: tuple[str, ...], *, multiple: bool = False) -> Input:
    return Input(
        name=name,
        doc="Statistics to merge.",
        storageClass=STATISTICS,
        dimensions=dimensions,
        multiple=multiple,
    )


class ExposureVerifyConnections(PipelineTaskConnections, dimensions=BY_EXPOSURE_AND_DETECTOR):
    """A corrected image, to its statistics and what they should be."""

    inputExp = Input(name="isrExp", doc="Image.", storageClass=IMAGE, dimensions=BY_EXPOSURE_AND_DETECTOR)
    outputStats = Output(
        name="detectorStats",
        doc="Statistics and verdicts.",
        storageClass=STATISTICS,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
    )
    outputResults = Output(
        name="detectorResults",
        doc="The same, a row for each amplifier.",
        storageClass=RESULTS,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
    )


class VerifyConfig(PipelineTaskConfig, pipelineConnections=ExposureVerifyConnections):
    """What passes."""

    stageName = Field(doc="Begins the names of columns.", dtype=str, default="BIAS")
    expected = Field(doc="Mean that an amplifier should have.", dtype=float, default=0.0)
    tolerance = Field(doc="Distance from it that passes.", dtype=float, default=3.0)
    noise = Field(doc="Standard deviation that passes.", dtype=float, default=4.0)


class ExposureVerifyTask(StandInTask):
    """Stands for CpVerifyBiasTask and its kin."""

    ConfigClass = VerifyConfig
    _DefaultName = "verify"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        data_id = butlerQC.quantum.dataId
        make_trouble(self.getName(), data_id.required)
        pixels = by_amplifier(butlerQC.get(inputRefs.inputExp))
        measured = {"MEAN": pixels.mean(axis=1), "NOISE": pixels.std(axis=1)}
        stats, results = judge(self.config, measured, data_id)
        butlerQC.put(Struct(outputStats=stats, outputResults=results), outputRefs)


def judge(config: Any, measured: dict[str, Image], data_id: DataCoordinate) -> tuple[Statistics, Table]:
    """Return what was measured and what passes, as cp_verify writes it.

    Parameters
    ----------
    config
        What passes.
    measured
        Values by test, in the order of the amplifiers.
    data_id
        What was verified.

    Returns
    -------
    stats, results
        Statistics with verdicts, and the table of them.
    """
    off = abs(measured["MEAN"] - config.expected)
    tests = {"MEAN": off < config.tolerance}
    if "NOISE" in measured:
        tests["NOISE"] = measured["NOISE"] < config.noise
    size = len(AMPLIFIERS)
    columns: dict[str, Any] = {}
    for dimension, value in data_id.required.items():
        columns[str(dimension)] = [value] * size
    if "exposure" in data_id.dimensions:
        exposure = data_id.records["exposure"]
        assert exposure is not None
        columns["mjd"] = [exposure.timespan.begin.mjd] * size
    columns["amplifier"] = list(AMPLIFIERS)
    for test, passed in tests.items():
        columns[f"{config.stageName}_{test}"] = measured[test]
        columns[f"{config.stageName}_VERIFY_{test}"] = passed
    # The same once more, an entry for each amplifier.
    amplifiers = {}
    verdicts = {}
    for number, name in enumerate(AMPLIFIERS):
        values = {}
        verdict = {}
        for test, passed in tests.items():
            values[test] = round(float(measured[test][number]), 6)
            verdict[test] = bool(passed[number])
        amplifiers[name] = values
        verdicts[name] = {**verdict, "SUCCESS": all(verdict.values())}
    stats: Statistics = {
        "AMP": amplifiers,
        "METADATA": {},
        "DET": {},
        "VERIFY": {"AMP": verdicts, "DET": {}},
        "SUCCESS": all(verdict["SUCCESS"] for verdict in verdicts.values()),
    }
    return stats, Table(columns)


class SolvedVerifyConnections(PipelineTaskConnections, dimensions=BY_DETECTOR):
    """A calibration of the same pipeline, to its statistics."""

    inputCalib = Input(
        name="calibration",
        doc="Calibration.",
        storageClass=TABLE,
        dimensions=BY_DETECTOR,
        isCalibration=True,
    )
    outputStats = Output(
        name="detectorStats",
        doc="Statistics.",
        storageClass=STATISTICS,
        dimensions=BY_DETECTOR,
    )
    outputResults = Output(name="detectorResults", doc="Table.", storageClass=RESULTS, dimensions=BY_DETECTOR)


class SolvedVerifyConfig(VerifyConfig, pipelineConnections=SolvedVerifyConnections):
    """What passes."""


class SolvedVerifyTask(StandInTask):
    """Stands for ``lsst.cp.verify.CpVerifyLinearityTask``."""

    ConfigClass = SolvedVerifyConfig
    _DefaultName = "verifyCalib"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        data_id = butlerQC.quantum.dataId
        make_trouble(self.getName(), data_id.required)
        values = values_of(butlerQC.get(inputRefs.inputCalib))
        stats, results = judge(self.config, {"MEAN": values}, data_id)
        butlerQC.put(Struct(outputStats=stats, outputResults=results), outputRefs)


class CertifiedVerifyConnections(SolvedVerifyConnections, dimensions=BY_DETECTOR):
    """A certified calibration, to its statistics."""

    raws = Input(
        name="raw",
        doc="Which detectors, and when; not read.",
        storageClass=IMAGE,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
        multiple=True,
        deferLoad=True,
    )
    inputCalib = _calibration("ptc")

    @override
    def getTemporalBoundsConnections(self) -> tuple[str, ...]:
        """Return whose times the calibration must be valid at."""
        return ("raws",)


class CertifiedVerifyConfig(VerifyConfig, pipelineConnections=CertifiedVerifyConnections):
    """What passes."""


class CertifiedVerifyTask(SolvedVerifyTask):
    """Stands for ``lsst.cp.verify.CpVerifyPtcTask``."""

    ConfigClass = CertifiedVerifyConfig


class ExposureMergeConnections(PipelineTaskConnections, dimensions=BY_EXPOSURE):
    """Statistics of all detectors, to those of an exposure."""

    inputStats = _statistics("detectorStats", BY_EXPOSURE_AND_DETECTOR, multiple=True)
    inputResults = Input(
        name="detectorResults",
        doc="Tables.",
        storageClass=RESULTS,
        dimensions=BY_EXPOSURE_AND_DETECTOR,
        multiple=True,
    )
    outputStats = Output(
        name="exposureStats",
        doc="Verdicts.",
        storageClass=STATISTICS,
        dimensions=BY_EXPOSURE,
    )
    outputResults = Output(name="exposureResults", doc="Table.", storageClass=RESULTS, dimensions=BY_EXPOSURE)


class ExposureMergeConfig(PipelineTaskConfig, pipelineConnections=ExposureMergeConnections):
    """Nothing to set."""


class ExposureMergeTask(StandInTask):
    """Stands for ``lsst.cp.verify.CpVerifyExpMergeTask``."""

    ConfigClass = ExposureMergeConfig
    _DefaultName = "mergeDetectors"

    merged = "detector"
    """Dimension whose values are the keys of the merged statistics."""

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        make_trouble(self.getName(), butlerQC.quantum.dataId.required)
        # Graphs of the same quanta may hold them in another order.
        refs = sorted(inputRefs.inputStats, key=lambda ref: ref.dataId)
        parts = {self._key(ref.dataId): butlerQC.get(ref) for ref in refs}
        tables = [butlerQC.get(ref) for ref in inputRefs.inputResults]
        struct = Struct(outputStats=merge(parts), outputResults=vstack(tables))
        butlerQC.put(struct, outputRefs)

    def _key(self, data_id: DataCoordinate) -> str | int:
        # Detectors have names in these documents, exposures numbers.
        if self.merged == "detector":
            return detector_name(int(data_id["detector"]))
        return int(data_id[self.merged])


def merge(parts: dict[str | int, Statistics]) -> Statistics:
    """Return one verdict on several parts, each with what failed in it.

    Failures are words, as cp_verify has them: ``C07 NOISE`` of a detector,
    ``R22_S11 C07 NOISE`` of an exposure.
    """
    merged: Statistics = {}
    for key, stats in parts.items():
        entry: Statistics = {"SUCCESS": stats["SUCCESS"]}
        if not stats["SUCCESS"]:
            entry["FAILURES"] = [*_failed_tests(stats), *_failed_parts(stats)]
        merged[key] = entry
    merged["SUCCESS"] = all(stats["SUCCESS"] for stats in parts.values())
    return merged


def _failed_tests(stats: Statistics) -> list[str]:
    """Return what failed in a detector."""
    failures = []
    for amplifier, verdicts in stats.get("VERIFY", {}).get("AMP", {}).items():
        for test, passed in verdicts.items():
            if test != "SUCCESS" and not passed:
                failures.append(f"{amplifier} {test}")
    return failures


def _failed_parts(stats: Statistics) -> list[str]:
    """Return what failed in the parts that were merged already."""
    failures = []
    for key, part in stats.items():
        if isinstance(part, dict):
            failures += [f"{key} {failure}" for failure in part.get("FAILURES", ())]
    return failures


class DetectorMergeConnections(ExposureMergeConnections, dimensions=BY_RUN):
    """Statistics of calibrations of all detectors, to those of a run."""

    inputStats = _statistics("detectorStats", BY_DETECTOR, multiple=True)
    inputResults = Input(
        name="detectorResults",
        doc="Tables.",
        storageClass=RESULTS,
        dimensions=BY_DETECTOR,
        multiple=True,
    )
    outputStats = Output(name="runStats", doc="Verdicts.", storageClass=STATISTICS, dimensions=BY_RUN)
    outputResults = Output(name="runResults", doc="Table.", storageClass=RESULTS, dimensions=BY_RUN)


class DetectorMergeConfig(PipelineTaskConfig, pipelineConnections=DetectorMergeConnections):
    """Nothing to set."""


class DetectorMergeTask(ExposureMergeTask):
    """Stands for ``lsst.cp.verify.CpVerifyCalibMergeTask``."""

    ConfigClass = DetectorMergeConfig


class RunMergeConnections(DetectorMergeConnections, dimensions=BY_RUN):
    """Statistics of all exposures, to those of a run."""

    inputStats = _statistics("exposureStats", BY_EXPOSURE, multiple=True)
    inputResults = Input(
        name="exposureResults",
        doc="Tables.",
        storageClass=RESULTS,
        dimensions=BY_EXPOSURE,
        multiple=True,
    )


class RunMergeConfig(PipelineTaskConfig, pipelineConnections=RunMergeConnections):
    """Nothing to set."""


class RunMergeTask(ExposureMergeTask):
    """Stands for ``lsst.cp.verify.CpVerifyRunMergeTask``."""

    ConfigClass = RunMergeConfig
    merged = "exposure"


class RunMergeByFilterConnections(RunMergeConnections, dimensions=BY_FILTER):
    """Statistics of all exposures through a filter, to those of a run."""

    outputStats = Output(name="runStats", doc="Verdicts.", storageClass=STATISTICS, dimensions=BY_FILTER)
    outputResults = Output(name="runResults", doc="Table.", storageClass=RESULTS, dimensions=BY_FILTER)


class RunMergeByFilterConfig(PipelineTaskConfig, pipelineConnections=RunMergeByFilterConnections):
    """Nothing to set."""


class RunMergeByFilterTask(RunMergeTask):
    """Stands for ``lsst.cp.verify.CpVerifyRunMergeByFilterTask``."""

    ConfigClass = RunMergeByFilterConfig

"""Writes the pipelines that the BPS templates of cp_pipe and cp_verify name.

Labels, dataset types and the calibrations that each asks for are those of
cp_pipe f029a3f and cp_verify 5855743 for LSSTComCam.  Several tasks of a kind
are one here, so that fewer jobs run: binning is part of a mosaic, measuring
defects part of merging them.  The bootstrap dark is made with the bootstrap
bias, as its template means it.  What those packages have for other
instruments only (crosstalk, gain correction, two sorts of flats) is here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..world import INSTRUMENT
from . import instrument, tasks

__all__ = ["CP_PIPE", "CP_VERIFY", "write_pipelines"]

Tasks = dict[str, Any]

_GAINS = ("doCrosstalk", "doLinearize", "doApplyGains", "doDeferredCharge")
_FLAT = (*_GAINS, "doBias", "doDark")
_SCIENCE = (*_FLAT, "doDefect", "doFlat", "doBrighterFatter")
_PAIRS = ("doCrosstalk", "doLinearize", "doDeferredCharge", "doDefect")

# What has no right value here passes, whatever its mean is.
_NO_LIMIT = 1e9


def write_pipelines(cp_pipe: Path, cp_verify: Path) -> None:
    """Write the pipelines of both packages.

    Parameters
    ----------
    cp_pipe, cp_verify
        Folders for ``CP_PIPE_DIR`` and ``CP_VERIFY_DIR``.
    """
    for package, pipelines in ((cp_pipe, CP_PIPE), (cp_verify, CP_VERIFY)):
        folder = package / "pipelines" / INSTRUMENT
        folder.mkdir(parents=True)
        for name, content in pipelines.items():
            document = {
                "description": f"Stands for {name} of {INSTRUMENT}.",
                "instrument": f"{instrument.__name__}.{instrument.LsstComCam.__name__}",
                "tasks": content,
            }
            text = yaml.safe_dump(document, sort_keys=False)
            (folder / f"{name}.yaml").write_text(text)


def _task(task: type[tasks.StandInTask], **config: Any) -> dict[str, Any]:
    """Return a task of a pipeline; what is no setting is a connection."""
    # A configuration keeps both in one file, connections with a prefix.
    fields = task.ConfigClass._fields
    settings = {}
    for name, value in config.items():
        key = name if name in fields else f"connections.{name}"
        settings[key] = value
    return {"class": f"{tasks.__name__}.{task.__name__}", "config": settings}


def _isr(output: str, switches: Sequence[str], **config: Any) -> dict[str, Any]:
    switched = dict.fromkeys(switches, True)
    return _task(tasks.IsrTask, outputExposure=output, **switched, **config)


def _bootstrap(name: str, switches: Sequence[str], combine: type[tasks.CombineTask]) -> Tasks:
    """Return the pipeline of a bootstrap, which uses those before it."""
    image = f"cp{name}BootstrapIsrExp"
    used = {}
    if "doBias" in switches:
        used["bias"] = "biasBootstrap"
    if "doDark" in switches:
        used["dark"] = "darkBootstrap"
    return {
        f"cp{name}BootstrapIsr": _isr(image, switches, **used),
        f"cp{name}BootstrapCombine": _task(
            combine,
            normalize=name == "Flat",
            inputExpHandles=image,
            outputData=f"{name.lower()}Bootstrap",
        ),
    }


def _pairs(name: str, switches: Sequence[str], output: str) -> Tasks:
    """Return the pipeline that solves for what pairs of flats tell."""
    image, partial = f"{name}IsrExp", f"{name}PtcPartial"
    return {
        f"{name}Isr": _isr(image, switches),
        f"{name}PtcExtractPair": _task(tasks.MeasureTask, inputExp=image, outputStats=partial),
        f"{name}Solve": _task(tasks.SolveTask, inputMeasurements=partial, outputCalib=output),
    }


def _flat(output: str, *, combine: str = "cpFlatCombine", switches: Sequence[str] = _FLAT) -> Tasks:
    """Return the pipeline of a flat; ``combine`` is its last task."""
    image = "cpFlatIsrExp"
    return {
        "cpFlatIsr": _isr(image, switches),
        "cpFlatMeasure": _task(tasks.MeasureTask, inputExp=image, outputStats="cpFlatStatistics"),
        combine: _task(
            tasks.CombineByFilterTask,
            normalize=True,
            inputExpHandles=image,
            outputData=output,
        ),
    }


def _illumination(name: str, output: str) -> Tasks:
    """Return the pipeline of an illumination correction."""
    image = f"{name}IsrExp"
    return {
        f"{name}Isr": _isr(image, _SCIENCE),
        f"{name}FgcmOutputIlluminationCorrection": _task(
            tasks.CombineByFilterTask,
            normalize=True,
            inputExpHandles=image,
            outputData=output,
        ),
    }


def _verify(
    name: str, switches: Sequence[str], merge: type[tasks.StandInTask] = tasks.RunMergeTask, **passes: float
) -> Tasks:
    """Return the pipeline that verifies a calibration by exposures."""
    stem = f"verify{name}"
    return {
        f"{stem}Isr": _isr(f"{stem}IsrExp", switches),
        f"{stem}Det": _task(
            tasks.ExposureVerifyTask,
            stageName=name.upper(),
            inputExp=f"{stem}IsrExp",
            outputStats=f"{stem}DetStats",
            outputResults=f"{stem}DetResults",
            **passes,
        ),
        f"{stem}Exp": _merge(tasks.ExposureMergeTask, f"{stem}Det", f"{stem}Exp"),
        stem: _merge(merge, f"{stem}Exp", stem),
    }


def _merge(task: type[tasks.StandInTask], parts: str, whole: str) -> dict[str, Any]:
    return _task(
        task,
        inputStats=f"{parts}Stats",
        inputResults=f"{parts}Results",
        outputStats=f"{whole}Stats",
        outputResults=f"{whole}Results",
    )


def _verify_twice(name: str, without: str) -> Tasks:
    """Return a verification that looks at uncorrected images, too."""
    pipeline = _verify(name, _SCIENCE, tolerance=_NO_LIMIT)
    # Nothing reads these images; they are there since a template groups them.
    uncorrected = [switch for switch in _SCIENCE if switch != without]
    pipeline[f"verifyUncorrected{name}Isr"] = _isr(f"verifyUncorrected{name}IsrExp", uncorrected)
    return pipeline


def _verify_calibration(task: type[tasks.StandInTask], label: str, name: str, calibration: str) -> Tasks:
    """Return what verifies a calibration by itself."""
    stem = f"verify{name}"
    return {
        label: _task(
            task,
            stageName=name.upper(),
            tolerance=_NO_LIMIT,
            inputCalib=calibration,
            outputStats=f"{stem}DetStats",
            outputResults=f"{stem}DetResults",
        ),
        stem: _merge(tasks.DetectorMergeTask, f"{stem}Det", stem),
    }


CP_PIPE: dict[str, Tasks] = {
    "cpBiasBootstrap": _bootstrap("Bias", ["doCrosstalk"], tasks.CombineTask),
    "cpDarkBootstrap": _bootstrap("Dark", ["doCrosstalk", "doBias"], tasks.CombineTask),
    "cpFlatBootstrap": _bootstrap("Flat", ["doCrosstalk", "doBias", "doDark"], tasks.CombineByFilterTask),
    "cpDefects": {"cpMergeDefects": _task(tasks.BootstrapDefectsTask)},
    "cpLinearizer": _pairs("cpLinearizer", ["doCrosstalk", "doDefect"], "linearizer"),
    "cpCti": {
        # Its gains are those of the linearizer: it asks for no PTC.
        "cpCtiIsr": _isr(
            "cpCtiIsrExp",
            ["doDefect", "doLinearize"],
            doCalculateStatistics=True,
            outputStatistics="cpCtiStatistics",
        ),
        "cpCtiSolve": _task(
            tasks.SolveTask,
            inputMeasurements="cpCtiStatistics",
            outputCalib="cti",
        ),
    },
    "cpPtc": {
        "cpPtcIsr": _isr("cpPtcIsrExp", _PAIRS),
        "cpPtcExtractPair": _task(
            tasks.MeasureTask,
            inputExp="cpPtcIsrExp",
            outputStats="cpPtcPartial",
        ),
        "cpPtcSolve": _task(
            tasks.SolveTask,
            inputMeasurements="cpPtcPartial",
            outputCalib="ptc",
        ),
    },
    "cpBfk": _pairs("cpBfk", _PAIRS, "bfk"),
    "cpElectrostaticBFDistortionMatrix": {
        "cpBfSolve": _task(tasks.SolveFromPtcTask, output="electroBfDistortionMatrix"),
    },
    "cpBias": {
        "cpBiasIsr": _isr("cpBiasIsrExp", _GAINS),
        "cpBiasCombine": _task(
            tasks.CombineTask,
            inputExpHandles="cpBiasIsrExp",
            outputData="bias",
        ),
        "cpBiasMosaic8": _task(tasks.MosaicTask, inputExps="bias", outputData="biasMosaic8"),
    },
    "cpDark": {
        "cpDarkIsr": _isr("cpDarkIsrExp", [*_GAINS, "doBias", "doDefect"]),
        "cpDark": _task(
            tasks.CleanTask,
            inputExp="cpDarkIsrExp",
            outputExp="cpDarkRemoveCRIsrExp",
        ),
        "cpDarkCombine": _task(
            tasks.CombineTask,
            inputExpHandles="cpDarkRemoveCRIsrExp",
            outputData="dark",
        ),
        "cpDarkMosaic8": _task(tasks.MosaicTask, inputExps="dark", outputData="darkMosaic8"),
    },
    "cpFlat": {
        **_flat("flat"),
        "cpFlatMosaic8": _task(tasks.MosaicByFilterTask, inputExps="flat", outputData="flatMosaic8"),
    },
    # Flats of two LEDs are combined as if they were of one.
    "cpFlatAnaglyph": _flat("flat", combine="cpFlatRedBlueCombine"),
    "cpFlatGradientReference": _flat("flatGradientReference"),
    "cpGainCorrection": {
        **_flat("cpGainCorrectionFlat", switches=[*_FLAT, "doDefect"]),
        "cpMeasureGainCorrection": _task(
            tasks.SolveTask,
            inputMeasurements="cpFlatStatistics",
            outputCalib="gain_correction",
        ),
    },
    "cpIlluminationCorrection": _illumination("cpIlluminationCorrection", "illuminationCorrection"),
    "cpSky": {
        "cpSkyIsr": _isr("cpSkyIsrExp", [*_FLAT, "doDefect", "doFlat"]),
        "cpSkyImage": _task(
            tasks.CleanTask,
            inputExp="cpSkyIsrExp",
            outputExp="cpSkyMaskedIsrExp",
        ),
        "cpSkySubtractBackground": _task(
            tasks.CleanTask,
            inputExp="cpSkyMaskedIsrExp",
            outputExp="cpSkyTileExp",
        ),
        "cpSkyCombine": _task(
            tasks.CombineByFilterTask,
            inputExpHandles="cpSkyTileExp",
            outputData="sky",
        ),
    },
    "cpCrosstalk": {
        "cpCrosstalkIsr": _isr("cpCrosstalkIsrExp", ["doApplyGains"]),
        "cpCrosstalkExtract": _task(
            tasks.MeasureTask,
            inputExp="cpCrosstalkIsrExp",
            outputStats="cpCrosstalkRatio",
        ),
        "cpCrosstalkSolve": _task(
            tasks.SolveTask,
            inputMeasurements="cpCrosstalkRatio",
            outputCalib="crosstalk",
        ),
    },
}
"""Tasks of each pipeline of cp_pipe, by the name of its file."""

_SECOND = "verifyLinearizerSecondLinearizer"
"""What is left to correct after the linearizer that is verified."""

CP_VERIFY: dict[str, Tasks] = {
    "verifyBias": _verify("Bias", [*_GAINS, "doBias", "doDefect"]),
    "verifyDark": _verify("Dark", [*_FLAT, "doDefect"]),
    "verifyFlat": _verify(
        "Flat",
        [*_FLAT, "doDefect", "doFlat"],
        tasks.RunMergeByFilterTask,
        expected=1000.0,
    ),
    "verifyScience": {"verifyScienceIsr": _isr("verifyScienceIsrExp", _SCIENCE)},
    "verifyDefects": _verify_twice("Defects", "doDefect"),
    "verifyBfk": _verify_twice("Bfk", "doBrighterFatter"),
    "verifyPtc": _verify_calibration(tasks.CertifiedVerifyTask, "verifyPtcDet", "Ptc", "ptc"),
    "verifyLinearizer": {
        **_pairs("verifyLinearizer", ["doCrosstalk", "doLinearize", "doDefect"], _SECOND),
        **_verify_calibration(tasks.SolvedVerifyTask, "verifyLinearizerCalib", "Linearizer", _SECOND),
    },
    "verifyIlluminationCorrection": _illumination(
        "verifyIlluminationCorrection", "verifyIlluminationCorrection"
    ),
}
"""Tasks of each pipeline of cp_verify, by the name of its file."""

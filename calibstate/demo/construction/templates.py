"""BPS templates: those of cp_pipe and cp_verify, or others that say the same.

The written ones have the variables and the payload of the real ones, with
their oddities: a folder called ``${outputRun}``, a verification that is named
after ``RERUN``, one without a submit folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..world import FILTERS
from .pipelines import CP_PIPE, CP_VERIFY

__all__ = ["link_templates", "write_templates"]

# Single braces are BPS's own, from other lines of the template; those after a
# dollar are variables of the environment.
_BASE = "${USER_CALIB_PREFIX}${INSTRUMENT}/calib/${TICKET}"
_START = "${RAW_COLLECTION},${CALIB_COLLECTIONS}"
_SUBMIT = "${SCRATCH}/submit/{outputRun}"
_CLUSTERS = "lsst.ctrl.bps.quantum_clustering_funcs.dimension_clustering"

_BOOTSTRAPS = {"bias": (), "dark": ("bias",), "flat": ("bias", "dark")}
"""The bootstraps, and those that each of them needs."""


@dataclass(frozen=True)
class _Template:
    name: str
    pipeline: str
    output: str
    query: str
    """Data query."""

    payload: str
    """End of the payload's name."""

    ticket_first: bool = True
    """What the ticket has certified by now is searched, before the rest."""

    submit: str = _SUBMIT


def link_templates(cp_pipe: Path, cp_verify: Path, templates: Path) -> None:
    """Link the real templates, which stay where they are.

    Parameters
    ----------
    cp_pipe, cp_verify
        Folders of the two packages.
    templates
        Folder of ``cp_pipe_bps`` and ``cp_verify_bps``.
    """
    for package in (cp_pipe, cp_verify):
        parent = package / "bps"
        parent.mkdir(parents=True)
        source = templates / f"{package.name}_bps"
        (parent / "templates").symlink_to(source.resolve(strict=True))
    _write_caching(cp_pipe)


def write_templates(cp_pipe: Path, cp_verify: Path) -> None:
    """Write templates with the variables and the payload of the real ones.

    Parameters
    ----------
    cp_pipe, cp_verify
        Folders of the two packages.
    """
    for template in _of_cp_pipe():
        _write(cp_pipe, template.name, _content(template, "${CP_PIPE_DIR}"))
    for name, needs in _BOOTSTRAPS.items():
        _write(cp_pipe, f"{name}Bootstrap", _bootstrap(name, needs))
    _write(cp_pipe, "defects", _defects())
    for template in _of_cp_verify():
        _write(cp_verify, template.name, _content(template, "${CP_VERIFY_DIR}"))
    _write_caching(cp_pipe)


def _of_cp_pipe() -> Iterator[_Template]:
    for product, selection in (("bias", "BIAS"), ("dark", "DARK"), ("ptc", "PTC"), ("bfk", "PTC_BFK")):
        yield _generation(product, selection)
    yield _generation("cti", "PTC_CTI")
    yield _generation("linearizer", "PTC_LINEARIZER")
    yield _generation("crosstalk", "CROSSTALK", submit="${SCRATCH}/submit/${outputRun}")
    yield _generation("sky", "SKY", ticket_first=False)
    yield _generation("illuminationCorrection", "ILLUMINATION_CORRECTION", ticket_first=False)
    yield _Template(
        name="electrostaticBFDistortionMatrix",
        pipeline="cpElectrostaticBFDistortionMatrix",
        output="electroBFDistortionMatrixGen.${RERUN}",
        query="${SELECTION_PTC_BF}",
        payload="bf_distortion_matrix",
    )
    yield _Template(
        name="gain_correction",
        pipeline="cpGainCorrection",
        output="gainCorrectionGen.${RERUN}",
        query="${SELECTION_GAIN_CORRECTION_FLAT}",
        payload="gainCorrection",
        ticket_first=False,
    )
    yield _Template(
        name="flat_singleled_white",
        pipeline="cpFlat",
        output="flatGen-white.${RERUN}",
        query="${SELECTION_FLAT_white} and band='white' and "
        "exposure.observation_reason='single_led_flat_${LED_NAME}'",
        payload="flat_white_${LED_NAME}",
    )
    for band in FILTERS:
        yield from _flats(band)


def _generation(product: str, selection: str, **more: Any) -> _Template:
    return _Template(
        name=product,
        pipeline=f"cp{product[0].upper()}{product[1:]}",
        output=f"{product}Gen.${{RERUN}}",
        query=f"${{SELECTION_{selection}}}",
        payload=product,
        **more,
    )


def _flats(band: str) -> Iterator[_Template]:
    query = f"${{SELECTION_FLAT_{band}}} and band='{band}'"
    yield _Template(
        name=f"flat_{band}",
        pipeline="cpFlat",
        output=f"flatGen-{band}.${{RERUN}}",
        query=query,
        payload=f"flat_{band}",
    )
    yield _Template(
        name=f"flat_gradient_reference_{band}",
        pipeline="cpFlatGradientReference",
        output=f"flatGradientReferenceGen-{band}.${{RERUN}}",
        query=query,
        payload=f"flat_gradient_reference_{band}",
        ticket_first=False,
    )
    # In the u band there is one LED only.
    if band != "u":
        yield _Template(
            name=f"flat_anaglyph_{band}",
            pipeline="cpFlatAnaglyph",
            output=f"flatAnaglyphGen-{band}.${{RERUN}}",
            query=query,
            payload=f"flat_{band}",
        )


def _of_cp_verify() -> Iterator[_Template]:
    yield _verification("bias", "BIAS")
    yield _verification("dark", "DARK")
    yield _verification("science", "SCIENCE")
    yield _verification("ptc", "PTC")
    yield _verification("bfk", "PTC_BFK")
    yield _verification("illuminationCorrection", "ILLUMINATION_CORRECTION")
    yield _verification("linearizer", "PTC_LINEARIZER", rerun="RERUN")
    yield _verification("defects", "DEFECTS", submit="")
    for band in FILTERS:
        yield _Template(
            name=f"verify_flat_{band}",
            pipeline="verifyFlat",
            output=f"verifyFlat-{band}.${{VERIFY_RERUN}}",
            query=f"${{SELECTION_FLAT_{band}_V}} and band='{band}'",
            payload=f"verify_flat_{band}",
        )


def _verification(product: str, selection: str, rerun: str = "VERIFY_RERUN", **more: Any) -> _Template:
    pipeline = f"verify{product[0].upper()}{product[1:]}"
    return _Template(
        name=f"verify_{product}",
        pipeline=pipeline,
        output=f"{pipeline}.${{{rerun}}}",
        query=f"${{SELECTION_{selection}_V}}",
        payload=f"verify_{product}",
        **more,
    )


def _content(template: _Template, package: str) -> dict[str, Any]:
    """Return a template, which searches what the ticket has certified."""
    start = _START
    if template.ticket_first:
        start = f"{_BASE},{_START}"
    content = _head(package, template.pipeline, template.submit)
    content["payload"] = _payload(
        template.payload,
        output=f"{_BASE}/${{TAG}}/{template.output}",
        search=start,
        query=template.query,
    )
    return content


def _bootstrap(name: str, needs: tuple[str, ...]) -> dict[str, Any]:
    """Return the template of a bootstrap, which names its RUN itself."""
    # The RUN has a number and no time, so that what comes after can name it.
    content = _head("${CP_PIPE_DIR}", f"cp{name.capitalize()}Bootstrap", _SUBMIT)
    collection = f"{name}BootstrapCollection"
    content[collection] = f"{_BASE}/${{TAG}}/{name}BootstrapGen.${{RERUN}}"
    content |= _bootstrap_runs(*needs)
    content[f"{name}BootstrapRun"] = f"{{{collection}}}/run${{BOOTSTRAP_RUN_NUMBER}}"
    content["payload"] = _payload(
        f"{name}Bootstrap",
        output=f"{{{collection}}}",
        search=_after_bootstraps(*needs),
        query=f"${{SELECTION_{name.upper()}_BOOTSTRAP}}",
    )
    content["payload"]["outputRun"] = f"{{{name}BootstrapRun}}"
    return content


def _defects() -> dict[str, Any]:
    content = _head("${CP_PIPE_DIR}", "cpDefects", _SUBMIT)
    content |= _bootstrap_runs(*_BOOTSTRAPS)
    content["payload"] = _payload(
        "defects",
        output=f"{_BASE}/${{TAG}}/defectGen.${{RERUN}}",
        search=_after_bootstraps(*_BOOTSTRAPS),
        query="instrument='${INSTRUMENT}'",
    )
    return content


def _bootstrap_runs(*names: str) -> dict[str, str]:
    runs = {}
    for name in names:
        collection = f"{_BASE}/${{TAG}}/{name}BootstrapGen.${{RERUN}}"
        runs[f"{name}BootstrapRun"] = f"{collection}/run${{BOOTSTRAP_RUN_NUMBER}}"
    return runs


def _after_bootstraps(*names: str) -> str:
    runs = [f"{{{name}BootstrapRun}}" for name in names]
    return ",".join([*runs, _START])


def _head(package: str, pipeline: str, submit: str) -> dict[str, Any]:
    """Return what a template says before its payload."""
    content: dict[str, Any] = {
        "pipelineYaml": f"{package}/pipelines/${{INSTRUMENT}}/{pipeline}.yaml",
        "project": "${TICKET}",
        "campaign": "${TICKET}",
    }
    if submit:
        content["submitPath"] = submit
    # The first task has a quantum for each exposure and detector: BPS makes
    # one job of those of an exposure.
    first, *_ = {**CP_PIPE, **CP_VERIFY}[pipeline]
    if first.endswith("Isr"):
        content["clusterAlgorithm"] = _CLUSTERS
        cluster = {"pipetasks": first, "dimensions": "exposure"}
        content["cluster"] = {f"{first}ByExposure": cluster}
    return content


def _payload(name: str, *, output: str, search: str, query: str) -> dict[str, str]:
    return {
        "payloadName": f"${{INSTRUMENT}}_${{TICKET}}_{name}",
        "output": output,
        "butlerConfig": "${REPO}",
        "inCollection": search,
        "dataQuery": query,
    }


def _write(package: Path, name: str, content: dict[str, Any]) -> None:
    folder = package / "bps" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    # Long lines are not broken: people look for collections in these files.
    text = yaml.safe_dump(content, sort_keys=False, width=1000)
    (folder / f"bps_{name}.yaml").write_text(text)


def _write_caching(cp_pipe: Path) -> None:
    """Write what the real template of the sky includes."""
    folder = cp_pipe / "bps" / "caching"
    folder.mkdir()
    (folder / "cp_caching.yaml").write_text("environment: {LSST_S3_USE_THREADS: False}\n")

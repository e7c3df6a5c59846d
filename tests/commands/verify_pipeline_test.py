"""What a real pipeline takes is what the declared chain selects."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, DatasetType

from calibstate.adapters.locks import open_locks
from calibstate.model.timespans import UNBOUNDED
from tests import world
from tests.commands.sites import INSTRUMENT, SUMMIT, TOP, Sites
from tests.tree import Ran

RAWS = f"{INSTRUMENT}/raw/all"
DAY = 20240601
WHERE = f"instrument = '{INSTRUMENT}' AND exposure = {DAY}00001"
QUANTA = world.DETECTORS

TASK = "tests.stand_ins.selfreview.SelfReviewTask"


@pytest.fixture(scope="module")
def observed_once(sites_deployed_once: Sites, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Return sites that are as declared; at the summit one has exposed."""
    sites = sites_deployed_once.copied_to(tmp_path_factory.mktemp("sites") / "observed")
    with sites.butler(SUMMIT) as butler:
        (exposure,) = world.add_exposures(butler, DAY)
        add_raws(butler, exposure)
    return sites


@pytest.fixture
def observed(observed_once: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sites]:
    with closing(observed_once.copied_to(tmp_path / "sites", capsys)) as copy:
        yield copy


def add_raws(butler: Butler, exposure: int) -> None:
    dimensions = butler.dimensions.conform(("instrument", "exposure", "detector"))
    butler.collections.register(RAWS)
    butler.registry.registerDatasetType(DatasetType("raw", dimensions, "StructuredDataDict"))
    for detector in range(world.DETECTORS):
        data_id = {"instrument": INSTRUMENT, "exposure": exposure, "detector": detector}
        butler.put({"exposure": exposure}, "raw", data_id, run=RAWS)


def pipeline(sites: Sites, **config: bool) -> str:
    """Write the pipeline of the stand-in task."""
    file = sites.tree.folder / "review.yaml"
    task = {"class": TASK, **({"config": config} if config else {})}
    file.write_text(json.dumps({"description": "a review", "tasks": {"selfReview": task}}))
    return str(file)


def verify(sites: Sites, *options: str, where: str = WHERE, **config: bool) -> Ran:
    given = ("--pipeline", pipeline(sites, **config), "--where", where, "--input", RAWS)
    return sites.run("verify", "--site", "summit", "--format", "json", *given, *options)


def result(ran: Ran, ticket: str = "DM-2") -> Any:
    """Return what became of the check of a ticket's quanta."""
    (found,) = (one for one in ran.json["reviews"] if one["ticket"] == ticket)
    there = found["repositories"][SUMMIT]
    (check,) = (check for check in there["checks"] if check["check"] == "pipeline")
    findings = [finding for finding in there["findings"] if finding["check"] == "pipeline"]
    return check, findings, [note["detail"] for note in there["notes"]]


def runs(sites: Sites) -> list[str]:
    return [name for name in sites.seen(SUMMIT).collections.query("*") if name.startswith("u/calibstate")]


def no_trace(sites: Sites) -> bool:
    """Say whether nothing is left of what a pipeline made."""
    folder = sites.path(SUMMIT) / "u" / "calibstate" / "verify"
    files = [path for path in folder.rglob("*") if folder.exists()]
    datasets = list(sites.seen(SUMMIT).registry.queryDatasets("selfReview*", collections=...))
    return not (files or datasets or runs(sites) or sites.locks())


# --- the graph alone ---


def test_quanta_that_take_the_new_calibrations_pass(observed: Sites) -> None:
    ran = verify(observed)
    assert ran.code == 0, ran.out
    check, findings, _ = result(ran)
    assert check == {"check": "pipeline", "passed": True, "counts": {"quanta": QUANTA, "inputs": 2 * QUANTA}}
    assert findings == []


def test_a_graph_writes_nothing(observed: Sites) -> None:
    options = ("--pipeline", pipeline(observed), "--where", WHERE, "--input", RAWS)
    before = observed.snapshot()
    assert observed.run("verify", "--site", "summit", *options).code == 0
    assert observed.snapshot() == before
    assert runs(observed) == []


def test_quanta_that_take_what_somebody_put_in_front_are_found(observed: Sites) -> None:
    own = observed.add_own(SUMMIT)
    observed.change_chain(SUMMIT, lambda children: [own, *children])
    ran = verify(observed)
    assert ran.code == 1
    check, (finding,), _ = result(ran)
    assert not check["passed"]
    assert (finding["what"], finding["dataset_type"], finding["found"]["collections"]) == (
        "shadowed",
        "bias",
        [own],
    )
    assert finding["data_ids"] == [f"detector={n},instrument={INSTRUMENT}" for n in range(QUANTA)]
    assert (finding["begin"], finding["end"]) == ("2024-06-01T23:00:00", "2024-06-01T23:00:15")


def test_quanta_of_another_time_try_nothing(observed: Sites) -> None:
    observed.make_ticket("DM-3", {"bias.20250101a": ("bias", world.IN_2025)})
    observed.tree.chain(["DM-3", "DM-2", "DM-1"])
    assert observed.apply("--repository", "usdf/main", "--site", "usdf").code in {0, 4}
    assert observed.apply("--site", "summit").code == 0
    check, findings, notes = result(verify(observed, "--ticket", "DM-3"), "DM-3")
    assert (check["counts"], findings) == ({"quanta": QUANTA, "inputs": 0}, [])
    assert "no quantum takes a calibration of DM-3; see --where" in notes


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (f"instrument = '{INSTRUMENT}' AND exposure = 1", "has no quantum for"),
        ("nonsense = 1", "InvalidQueryError: Unrecognized identifier 'nonsense'"),
    ],
)
def test_data_that_there_are_not_fail(observed: Sites, where: str, told: str) -> None:
    ran = verify(observed, where=where)
    assert ran.code == 1
    _, (finding,), _ = result(ran)
    assert finding["what"] == "failed"
    assert told in finding["detail"]
    assert "Traceback" not in ran.out + ran.err


def test_a_task_that_cannot_be_imported_fails(observed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.TASK", "nobody.has.ThisTask")
    _, (finding,), _ = result(verify(observed))
    assert "nobody" in finding["detail"]


def test_a_detector_without_any_flat_has_no_graph(observed: Sites) -> None:
    with observed.butler(SUMMIT) as butler:
        for ticket in ("DM-1", "DM-2"):
            data_ids = [{"instrument": INSTRUMENT, "detector": 1, "physical_filter": "g_01"}]
            name = f"{TOP}/{ticket}/flat.20240101a"
            butler.registry.decertify(name, "flat", world.timespan(UNBOUNDED), dataIds=data_ids)
    ran = verify(observed)
    assert ran.code == 1
    _, (finding,), _ = result(ran)
    assert "Not enough datasets (0) found" in finding["detail"]


# --- executed ---


def test_an_executed_pipeline_leaves_no_trace(observed: Sites) -> None:
    before = observed.files(SUMMIT)
    ran = verify(observed, "--execute")
    assert ran.code == 0, ran.out
    check, findings, notes = result(ran)
    assert (check["counts"]["quanta"], findings) == (QUANTA, [])
    assert any("registered dataset types, which stay: selfReview" in note for note in notes)
    assert no_trace(observed)
    assert observed.files(SUMMIT) == before

    _, _, notes = result(verify(observed, "--execute"))
    assert not any("registered" in note for note in notes)
    journals = sorted((observed.tree.folder / "records" / "journal").iterdir())
    told = [json.loads(line)["text"] for line in journals[-1].read_text().splitlines()]
    assert [text.partition(" --execute")[0] for text in told] == ["verify --pipeline"] * 2
    assert told[-1].endswith("is removed")


def test_a_task_that_fails_is_told_and_leaves_no_trace(observed: Sites) -> None:
    ran = verify(observed, "--execute", fails=True)
    assert ran.code == 1
    _, (finding,), _ = result(ran)
    assert finding["detail"] == "it failed: RuntimeError: told to fail"
    assert "Traceback" not in ran.out + ran.err
    assert no_trace(observed)
    assert verify(observed, "--execute").code == 0


def test_an_interrupted_pipeline_leaves_no_trace(observed: Sites) -> None:
    ran = verify(observed, "--execute", interrupted=True)
    assert ran.code == 1
    assert "Interrupted" in ran.err
    assert no_trace(observed)


def test_what_a_killed_run_has_left_is_removed(observed: Sites) -> None:
    given = ("--pipeline", pipeline(observed, killed=True), "--where", WHERE, "--input", RAWS, "--execute")
    with observed.tree.spawn("verify", "--site", "summit", *given) as killed:
        assert killed.wait(120) == -signal.SIGKILL
    (left,) = runs(observed)

    _, findings, notes = result(verify(observed, "--execute"))
    assert findings == []
    assert f"{left} was left by a run that was killed, and is removed" in notes
    assert any("was taken over" in note for note in notes)
    assert no_trace(observed)


def test_where_somebody_works_nothing_is_run(observed: Sites) -> None:
    locks = open_locks(str(observed.tree.folder / "records"))
    with locks.hold(SUMMIT, why="a test"):
        ran = verify(observed, "--execute")
    assert ran.code == 1
    _, (finding,), _ = result(ran)
    assert "is being worked on" in finding["detail"]
    assert runs(observed) == []


def test_in_a_held_repository_nothing_is_run(observed: Sites) -> None:
    observed.tree.site("summit", {"LSSTComCam": "copy"}, hold="observing")
    before = observed.snapshot("repo")
    ran = verify(observed, "--execute")
    assert ran.code == 0
    check, _, notes = result(ran)
    assert check["counts"]["quanta"] == QUANTA
    assert "the repository is held (observing), so the pipeline was not run" in notes
    assert observed.snapshot("repo") == before


# --- what is asked ---


@pytest.mark.parametrize(
    "options",
    [
        ("--execute",),
        ("--where", WHERE),
        ("--input", RAWS),
        ("--pipeline", "{pipeline}"),
        ("--pipeline", "nowhere.yaml", "--where", WHERE),
    ],
    ids=["execute", "where", "input", "no where", "no file"],
)
def test_half_a_question_is_a_mistake(deployed: Sites, options: tuple[str, ...]) -> None:
    given = [option.format(pipeline=pipeline(deployed)) for option in options]
    assert deployed.run("verify", *given).code == 64


def test_without_the_middleware_it_is_refused(deployed: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lsst.pipe.base", None)
    ran = verify(deployed)
    assert ran.code == 3
    assert "calibstate[pipeline]" in ran.err
    assert deployed.run("verify", "--site", "summit").code == 0

"""What the middleware is given of our environment, and how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from calibstate.adapters.construction.alive import may_run
from calibstate.adapters.construction.environment import SiteEnvironment
from calibstate.adapters.construction.folders import Attempt, error_in, newest_attempt
from calibstate.adapters.processes import this_process
from calibstate.errors import RefusedError
from calibstate.model.locks import Process
from calibstate.model.repositories import SiteConstruction
from calibstate.model.submissions import Batch

PROGRAMS = Path("/venv/bin")


def environment(site: Mapping[str, object], **ours: str) -> SiteEnvironment:
    return SiteEnvironment(SiteConstruction.model_validate(site), "/repo/main", ours, PROGRAMS)


HANDED_ON = """
HOME LC_ALL TZ PYTHONPATH LD_LIBRARY_PATH IP_ISR_DIR EUPS_PATH SETUP_IP_ISR
PGPASSFILE LSST_DB_AUTH AWS_PROFILE S3_ENDPOINT_URL DAF_BUTLER_REPOSITORY_INDEX
"""


@pytest.mark.parametrize("name", HANDED_ON.split())
def test_what_a_stack_and_a_butler_need_is_handed_on(name: str) -> None:
    assert environment({}, **{name: "value"}).complete({})[name] == "value"


@pytest.mark.parametrize(
    "name", ["JIRA_TOKEN", "SSH_AUTH_SOCK", "RUCIO_PASSWORD", "CALIBSTATE_HERE", "SELECTION_BIAS", "BPS_X"]
)
def test_nothing_else_is_handed_on_unless_the_site_names_it(name: str) -> None:
    assert name not in environment({}, **{name: "value"}).complete({})
    assert environment({"environment": [name]}, **{name: "value"}).complete({})[name] == "value"


def test_what_is_declared_stands_before_what_somebody_has_set() -> None:
    site = {"environment": ["RERUN"]}
    assert environment(site, RERUN="20240101z").complete({"RERUN": "20250207a"})["RERUN"] == "20250207a"


def test_programs_beside_calibstate_are_found_behind_those_of_a_stack() -> None:
    assert environment({}, PATH="/stack/bin").complete({})["PATH"] == "/stack/bin:/venv/bin"


def test_folders_of_packages_are_those_that_are_set_up() -> None:
    ours = {"SCRATCH": "/scratch", "CP_PIPE_DIR": "/stack/cp_pipe", "DAF_BUTLER_DIR": "/stack/daf_butler"}
    variables = environment({}, **ours).variables()
    assert variables["CP_PIPE_DIR"] == "/stack/cp_pipe"
    assert variables["DAF_BUTLER_DIR"] == "/stack/daf_butler"
    assert variables["REPO"] == "/repo/main"
    assert "CP_VERIFY_DIR" not in variables


def test_folders_of_packages_follow_from_their_templates_and_programs(tmp_path: Path) -> None:
    for program in ("pipetask", "butler"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)
    site = {"scratch": "/scratch", "templates": {"cp_pipe": "/here/cp_pipe/bps/templates"}}
    variables = environment(site, PATH=str(tmp_path / "bin")).variables()
    assert variables["CP_PIPE_DIR"] == "/here/cp_pipe"
    assert variables["CTRL_MPEXEC_DIR"] == variables["DAF_BUTLER_DIR"] == str(tmp_path)


@pytest.mark.parametrize("scratch", ["${SCRATCH}", "$SCRATCH/calib", "/data/${USER}/$SCRATCH"])
def test_a_folder_with_a_variable_that_is_not_set_is_refused(scratch: str) -> None:
    with pytest.raises(RefusedError, match="SCRATCH is not set here"):
        environment({"scratch": scratch}, USER="me").scratch()


def test_a_folder_of_templates_with_a_variable_that_is_not_set_is_refused() -> None:
    with pytest.raises(RefusedError, match="CP_VERIFY_DIR is not set here"):
        environment({}).templates("cp_verify")


# What is left of a batch


def begun(attempt: Attempt, process: Process) -> Batch:
    batch = Batch(
        submit="bps",
        run="a/run1",
        command=("bps",),
        variables={},
        begun="2026-01-01T00:00:00Z",
        process=process,
    )
    attempt.write(batch)
    return batch


def test_a_process_that_has_taken_over_a_number_is_not_taken_for_a_batch(tmp_path: Path) -> None:
    attempt = Attempt.new(tmp_path)
    here = this_process()
    assert may_run(attempt, begun(attempt, here)) == f"process {here.pid} on {here.host}"
    assert here.started is not None
    recycled = here.model_copy(update={"started": here.started + 1})
    assert may_run(attempt, begun(attempt, recycled)) == ""


def test_a_process_of_another_host_is_taken_to_run_until_its_end_is_known(tmp_path: Path) -> None:
    attempt = Attempt.new(tmp_path)
    there = this_process().model_copy(update={"host": "sdfiana001", "machine": "another"})
    batch = begun(attempt, there)
    assert "on sdfiana001, which cannot be seen from here" in may_run(attempt, batch)
    attempt.ended.write_text("0\n")
    assert may_run(attempt, batch) == ""


def test_of_two_attempts_the_newest_counts_and_a_folder_by_hand_is_none(tmp_path: Path) -> None:
    assert newest_attempt(tmp_path / "none") is None
    Attempt.new(tmp_path)
    second = Attempt.new(tmp_path)
    (tmp_path / "by-hand").mkdir()
    newest = newest_attempt(tmp_path)
    assert newest and newest.folder == second.folder


def test_a_batch_that_was_not_written_down_is_none(tmp_path: Path) -> None:
    attempt = Attempt.new(tmp_path)
    assert attempt.batch() is None
    (attempt.folder / "batch.json").write_text("{")
    assert attempt.batch() is None
    assert attempt.exit_code() is None


@pytest.mark.parametrize(
    ("log", "error"),
    [
        (
            "Traceback\n  File x\nlsst.daf.butler.MissingCollectionError: none\n",
            "lsst.daf.butler.MissingCollectionError: none",
        ),
        ("Usage: pipetask\n\nError: No such option: --x\n", "Error: No such option: --x"),
        ("all well\n", ""),
        ("", ""),
    ],
)
def test_the_error_of_a_log_is_its_last_line_that_names_one(tmp_path: Path, log: str, error: str) -> None:
    (tmp_path / "log").write_text(log)
    assert error_in(tmp_path / "log") == error

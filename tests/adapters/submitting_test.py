"""Templates really run by bps and pipetask, cut, and gone on with."""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, MissingCollectionError, MissingDatasetTypeError
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.adapters.construction.alive import processes_of
from calibstate.adapters.construction.folders import Attempt, newest_attempt, submission_folder
from calibstate.adapters.construction.runner import open_batch_runner
from calibstate.demo.construction.tasks import FAIL, SLEEP
from calibstate.demo.construction.world import ConstructionWorld, make_world
from calibstate.errors import CalibstateError, PlanIsStaleError, RefusedError
from calibstate.model.constructed import Constructed
from calibstate.model.repositories import SiteConstruction
from calibstate.model.submissions import BatchState, SeenBatch, Submission
from calibstate.model.tickets import Ticket
from calibstate.ports.construction import BatchRunner
from calibstate.ports.progress import Watch, unwatched
from calibstate.ports.records import unfenced

PARSL = "lsst.ctrl.bps.parsl.ParslService"

BPS = {
    "computeSite": "local",
    "site": {"local": {"class": "calibstate.demo.construction.onemachine.Threads", "cores": 1}},
}

BOTH = {"detector=0,instrument=LSSTComCam", "detector=1,instrument=LSSTComCam"}
"""What a bootstrap has when it is whole."""


@dataclass(frozen=True)
class Making:
    """One bootstrap, by one way, in a repository that others use too."""

    world: ConstructionWorld
    scratch: Path
    by: str
    number: int
    """Number of its RUN, so that no test meets another's."""

    service: str = PARSL
    """Class of the batch system's plugin."""

    @property
    def submission(self) -> Submission:
        document = {
            "ticket": "DM-48520",
            "instrument": "LSSTComCam",
            "approval": {"status": "proposed"},
            "collections": ["DP1/bias.20250207a"],
            "construction": {
                "tag": "DP1",
                "rerun": "20250207a",
                "bootstrap": self.number,
                "raws": self.world.raws,
                "start_from": list(self.world.start_from),
                "selections": {
                    "bias_bootstrap": "exposure.day_obs=20241208 and exposure.observation_type='bias'"
                },
                "make": ["bias_bootstrap"],
            },
        }
        constructed = Constructed(Ticket.model_validate(document))
        return constructed.submission(constructed.recipes["bias_bootstrap"])

    @property
    def site(self) -> SiteConstruction:
        settings = {
            "submit": self.by,
            "bps": {**BPS, "wmsServiceClass": self.service},
            "scratch": str(self.scratch),
            "environment": [FAIL, SLEEP],
            "templates": {
                "cp_pipe": str(self.world.cp_pipe / "bps" / "templates"),
                "cp_verify": str(self.world.cp_verify / "bps" / "templates"),
            },
        }
        return SiteConstruction.model_validate(settings)

    @property
    def runner(self) -> BatchRunner:
        return open_batch_runner(str(self.world.repository), self.site)

    @property
    def attempt(self) -> Attempt:
        attempt = newest_attempt(submission_folder(self.scratch, self.submission))
        assert attempt, "it was begun"
        return attempt

    def submit(self, watch: Watch = unwatched) -> None:
        self.runner.submit(self.submission, watch, unfenced)

    def cut(self, when: Callable[[Attempt], object], killing: Callable[[Attempt], None]) -> SeenBatch:
        """Submit, and kill at a moment; return what is seen directly after."""
        looks: list[SeenBatch] = []

        def look_and_kill() -> bool:
            if not looks and when(self.attempt):
                killing(self.attempt)
                looks.append(self.runner.look(self.submission))
            return False

        runner = self.runner
        # It is asked again and again while a batch runs.
        runner.leave_when(look_and_kill)
        with suppress(CalibstateError):
            runner.submit(self.submission, unwatched, unfenced)
        assert looks, f"the moment never came: {self.attempt.log.read_text()}"
        return looks[0]

    def data_ids(self) -> set[str]:
        """Return what the RUN holds, as the stock butler finds it."""
        run = self.submission.run
        with Butler.from_config(str(self.world.repository)) as butler:
            try:
                refs = butler.query_datasets("biasBootstrap", collections=run, explain=False)
            except (MissingCollectionError, MissingDatasetTypeError):
                return set()
            return {
                f"detector={ref.dataId['detector']},instrument={ref.dataId['instrument']}" for ref in refs
            }

    def children(self) -> tuple[str, ...]:
        with Butler.from_config(str(self.world.repository)) as butler:
            return butler.collections.get_info(self.submission.output).children


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ConstructionWorld:
    return make_world(tmp_path_factory.mktemp("world"), products=("bias_bootstrap",))


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return iter(range(1, 100))


@pytest.fixture
def making(world: ConstructionWorld, tmp_path: Path, numbers: Iterator[int]) -> Callable[[str], Making]:
    return lambda by: Making(world, tmp_path / "scratch", by, next(numbers))


def kill(attempt: Attempt, program: str) -> None:
    """Kill the process of a batch that runs a program, and no other one."""
    for pid in processes_of(attempt):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if any(Path(word).name == program for word in words[:2]) and "/bin/sh" not in words[0]:
            os.kill(pid, signal.SIGKILL)


def kill_bps(attempt: Attempt) -> None:
    kill(attempt, "bps")


def kill_pipetask(attempt: Attempt) -> None:
    kill(attempt, "pipetask")


def kill_all(attempt: Attempt) -> None:
    """Kill all processes of a batch, as the end of a machine does."""
    for pid in processes_of(attempt):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# pipetask


def test_a_quantum_that_fails_is_told_with_its_cause_and_made_in_the_same_run_again(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_pipetask = making("pipetask")
    submission = by_pipetask.submission
    assert by_pipetask.runner.look(submission).state is BatchState.ABSENT
    assert by_pipetask.runner.causes(submission) == ()
    monkeypatch.setenv(FAIL, "cpBiasBootstrapCombine:2")
    counts = []
    by_pipetask.submit(lambda what, done, total: counts.append((what, done, total)))
    assert counts[-1] == ("quanta", 6, 6)
    look = by_pipetask.runner.look(submission)
    assert (look.state, look.litter) == (BatchState.ABSENT, ())
    assert look.detail.startswith("pipetask ended with 1: ")
    assert by_pipetask.data_ids() == {"detector=0,instrument=LSSTComCam"}
    (cause,) = by_pipetask.runner.causes(submission)
    assert (cause.task, cause.data_id) == ("cpBiasBootstrapCombine", "detector=1,instrument=LSSTComCam")
    assert "RuntimeError" in cause.error
    monkeypatch.delenv(FAIL)
    by_pipetask.submit()
    assert by_pipetask.data_ids() == BOTH
    assert by_pipetask.children()[0] == submission.run
    assert by_pipetask.runner.causes(submission) == ()


RUN_AND_DIE = """
import os, pickle, signal, sys
making = pickle.load(open(sys.argv[1], "rb"))
making.submit(lambda *count: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_we_submitted_lives_on_when_somebody_stops_us_and_is_seen_to_run(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_pipetask = making("pipetask")
    runner = by_pipetask.runner
    runner.leave_when(lambda: True)
    # It lasts long enough to be looked at.
    monkeypatch.setenv(SLEEP, "1")
    runner.submit(by_pipetask.submission, unwatched, unfenced)
    look = runner.look(by_pipetask.submission)
    assert look.state is BatchState.RUNNING, look
    with pytest.raises(PlanIsStaleError, match="runs already"):
        by_pipetask.submit()
    wait_for_the_end(by_pipetask.attempt)
    look = runner.look(by_pipetask.submission)
    assert (look.state, look.detail) == (BatchState.ABSENT, "pipetask ended with 0")
    assert by_pipetask.data_ids() == BOTH


@pytest.mark.slow
def test_what_we_submitted_lives_on_when_we_are_killed_and_is_seen_to_run(
    making: Callable[[str], Making], tmp_path: Path
) -> None:
    by_pipetask = making("pipetask")
    (tmp_path / "making.pickle").write_bytes(pickle.dumps(by_pipetask))
    # It lasts long enough to be looked at after our death.
    environment = {**os.environ, SLEEP: "2"}
    ours = subprocess.run(
        [sys.executable, "-c", RUN_AND_DIE, str(tmp_path / "making.pickle")], env=environment, check=False
    )
    assert ours.returncode == -signal.SIGKILL
    look = by_pipetask.runner.look(by_pipetask.submission)
    assert look.state is BatchState.RUNNING, look
    with pytest.raises(PlanIsStaleError, match="runs already"):
        by_pipetask.submit()
    wait_for_the_end(by_pipetask.attempt)
    look = by_pipetask.runner.look(by_pipetask.submission)
    assert (look.state, look.detail) == (BatchState.ABSENT, "pipetask ended with 0")
    assert by_pipetask.data_ids() == BOTH


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        lambda attempt: any(attempt.folder.glob("*.qg")),
        lambda attempt: b"single_quantum_executor" in attempt.log.read_bytes(),
    ],
    ids=["graph", "quanta"],
)
def test_pipetask_that_was_killed_is_gone_on_with_under_the_same_name(
    moment: Callable[[Attempt], object],
    making: Callable[[str], Making],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_pipetask = making("pipetask")
    monkeypatch.setenv(SLEEP, "1")
    by_pipetask.cut(moment, kill_pipetask)
    assert by_pipetask.runner.look(by_pipetask.submission).state is BatchState.CUT
    assert by_pipetask.data_ids() < BOTH
    monkeypatch.delenv(SLEEP)
    by_pipetask.submit()
    assert by_pipetask.data_ids() == BOTH, by_pipetask.attempt.log.read_text()
    assert by_pipetask.children()[0] == by_pipetask.submission.run


# In this process


def test_in_this_process_the_same_is_made_and_nothing_stays_behind(making: Callable[[str], Making]) -> None:
    here = making("here")
    variables = here.runner.variables(here.submission)
    before = [os.environ.get(name) for name in variables]
    handlers = list(logging.getLogger().handlers)
    counts = []
    here.submit(lambda what, done, total: counts.append((what, done, total)))
    assert counts == [("quanta", 6, 6)]
    assert here.data_ids() == BOTH
    assert [os.environ.get(name) for name in variables] == before
    assert logging.getLogger().handlers == handlers


def test_what_could_not_even_be_planned_is_an_error_with_the_words_of_the_middleware(
    making: Callable[[str], Making],
) -> None:
    here = making("here")
    submission = here.submission
    no_raws = ("LSSTComCam/raw/none", *submission.inputs[1:])
    variables = {**submission.variables, "RAW_COLLECTION": no_raws[0]}
    wrong = submission.model_copy(update={"inputs": no_raws, "variables": variables})
    with pytest.raises(CalibstateError, match="Nothing was run") as nothing:
        here.runner.submit(wrong, unwatched, unfenced)
    assert "MissingCollectionError" in nothing.value.first.detail
    assert nothing.value.first.hint == f"See {here.attempt.log}."
    # It left nothing, and the next one begins anew.
    assert here.runner.look(submission).state is BatchState.ABSENT
    here.submit()
    assert here.data_ids() == BOTH


# Litter


def test_files_under_the_name_of_a_run_are_told_and_nothing_is_submitted_over_them(
    making: Callable[[str], Making],
) -> None:
    here = making("here")
    run = here.submission.run
    assert run
    litter = here.world.repository / run / "biasBootstrap" / "somebody's.fits"
    litter.parent.mkdir(parents=True)
    litter.write_text("left behind")
    assert here.runner.look(here.submission).litter == (str(litter),)
    with pytest.raises(RefusedError, match="Files lie under the name of a RUN") as refused:
        here.submit()
    assert "remove exactly these files" in refused.value.first.hint
    litter.unlink()
    here.submit()
    assert here.data_ids() == BOTH
    assert here.runner.look(here.submission).litter == ()


def test_a_run_that_others_have_made_is_not_written_to(making: Callable[[str], Making]) -> None:
    here = making("here")
    here.submit()
    elsewhere = replace(here, scratch=here.scratch / "elsewhere")
    with pytest.raises(RefusedError, match="RUN is there already") as refused:
        elsewhere.submit()
    assert "Raise `bootstrap`" in refused.value.first.hint


def test_what_was_cut_is_not_gone_on_with_by_other_variables(
    making: Callable[[str], Making],
) -> None:
    """Else one RUN would hold what two declarations say."""
    here = making("here")
    here.submit()
    submission = here.submission
    query = f"{submission.query} and exposure.seq_num > 0"
    variables = {**submission.variables, "SELECTION_BIAS_BOOTSTRAP": query}
    changed = submission.model_copy(update={"query": query, "variables": variables})
    with pytest.raises(RefusedError, match="RUN is there already"):
        here.runner.submit(changed, unwatched, unfenced)


# What is installed


def test_without_the_middleware_it_is_told_what_to_install(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    by_bps = making("bps")
    with pytest.raises(RefusedError, match="Calibrations cannot be made here") as refused:
        by_bps.submit()
    assert refused.value.first.detail.startswith("bps, pipetask, butler is not installed")
    assert "pip install 'calibstate[construct]'" in refused.value.first.hint
    # What can be said without it is said.
    assert by_bps.runner.command(by_bps.submission)[:2] == ("bps", "submit")
    assert by_bps.runner.look(by_bps.submission).state is BatchState.ABSENT


# bps


def begun(pattern: str) -> Callable[[Attempt], object]:
    """Return what says whether BPS has begun something."""
    return lambda attempt: any(attempt.submit.glob(pattern))


MOMENTS = {
    "graph": begun("quantumGraphGeneration.out"),
    "first job": begun("logs/pipetaskInit/*.stderr"),
    "quanta": begun("logs/cpBias*/**/*.stderr"),
    "final job": begun("logs/finalJob/*.stderr"),
}


def test_bps_that_was_killed_is_seen_to_run_as_long_as_its_jobs_and_is_restarted(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_bps = making("bps")
    monkeypatch.setenv(SLEEP, "1")
    monkeypatch.setenv("JIRA_TOKEN", "not-for-a-batch-system")
    during = by_bps.cut(MOMENTS["quanta"], kill_bps)
    assert during.state is BatchState.RUNNING, during
    look = by_bps.runner.look(by_bps.submission)
    assert look.state is BatchState.CUT
    # Its jobs had written before anything was registered.
    assert look.litter
    assert by_bps.data_ids() == set()
    monkeypatch.delenv(SLEEP)
    by_bps.submit()
    assert by_bps.data_ids() == BOTH
    assert by_bps.children()[0] == by_bps.submission.run
    look = by_bps.runner.look(by_bps.submission)
    assert (look.state, look.litter) == (BatchState.ABSENT, ())
    batch = by_bps.attempt.batch()
    assert batch and batch.command[:2] == ("bps", "restart")
    for file in by_bps.attempt.submit.glob("*.env.info.yaml"):
        environment = file.read_text()
        assert "SELECTION_BIAS_BOOTSTRAP" in environment
        assert "JIRA_TOKEN" not in environment


@pytest.mark.slow
@pytest.mark.parametrize("killing", [kill_bps, kill_all])
@pytest.mark.parametrize("moment", list(MOMENTS))
def test_bps_that_was_killed_at_any_moment_makes_the_same_when_it_is_gone_on_with(
    moment: str, killing: Callable[[Attempt], None], making: Callable[[str], Making]
) -> None:
    by_bps = making("bps")
    by_bps.cut(MOMENTS[moment], killing)
    assert by_bps.runner.look(by_bps.submission).state is not BatchState.RUNNING
    by_bps.submit()
    assert by_bps.data_ids() == BOTH
    assert by_bps.children()[0] == by_bps.submission.run
    look = by_bps.runner.look(by_bps.submission)
    assert (look.state, look.litter) == (BatchState.ABSENT, ())
    # The first job's too: without them nobody knows with what it was made.
    with Butler.from_config(str(by_bps.world.repository)) as butler:
        run = by_bps.submission.run
        for name in ("packages", "cpBiasBootstrapIsr_config"):
            assert butler.query_datasets(name, collections=run, explain=False), name


# What the stock commands do


def stock(making: Making, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a stock command with the variables that a person has set."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SELECTION")}
    return subprocess.run(
        words,
        env={**inherited, **variables},
        cwd=making.attempt.folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_stock_restart_without_variables_does_nothing_and_says_0(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_bps = making("bps")
    monkeypatch.setenv(SLEEP, "1")
    by_bps.cut(MOMENTS["quanta"], kill_all)
    monkeypatch.delenv(SLEEP)
    restart = ("bps", "restart", "--wms-service-class", PARSL, "--id", str(by_bps.attempt.submit))
    # What a stack sets up is there, and what the template asks for is not.
    variables = by_bps.runner.variables(by_bps.submission)
    stack = {name: variables[name] for name in ("CTRL_MPEXEC_DIR", "DAF_BUTLER_DIR")}
    assert stock(by_bps, *restart, **stack).returncode == 0
    assert by_bps.data_ids() == set()
    by_bps.submit()
    assert by_bps.data_ids() == BOTH


@pytest.mark.slow
def test_stock_bps_submits_over_litter_and_fails_where_ours_refuses(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_bps = making("bps")
    monkeypatch.setenv(SLEEP, "1")
    # Its jobs live on, and leave files that name quanta of their graph.
    by_bps.cut(MOMENTS["quanta"], kill_bps)
    monkeypatch.delenv(SLEEP)
    elsewhere = replace(by_bps, scratch=by_bps.scratch / "elsewhere")
    with pytest.raises(RefusedError, match="Files lie under the name of a RUN"):
        elsewhere.submit()
    again = by_bps.attempt.folder / "again.yaml"
    again.write_text(by_bps.attempt.wrapper.read_text().replace("/submit\n", "/again\n"))
    variables = dict(by_bps.runner.variables(by_bps.submission))
    submitted = stock(by_bps, "bps", "submit", str(again), **variables)
    assert submitted.returncode != 0, submitted.stderr
    assert by_bps.data_ids() < BOTH


@pytest.mark.slow
def test_bps_ends_with_0_when_a_quantum_failed_and_what_is_there_tells(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_bps = making("bps")
    monkeypatch.setenv(FAIL, "cpBiasBootstrapCombine:2")
    by_bps.submit()
    assert by_bps.attempt.exit_code() == 0
    assert by_bps.data_ids() == {"detector=0,instrument=LSSTComCam"}
    (cause,) = by_bps.runner.causes(by_bps.submission)
    assert (cause.task, cause.data_id) == ("cpBiasBootstrapCombine", "detector=1,instrument=LSSTComCam")
    monkeypatch.delenv(FAIL)
    # What failed is made, in the same RUN, and nothing else again.
    by_bps.submit()
    assert by_bps.data_ids() == BOTH


@pytest.mark.slow
def test_stock_pipetask_takes_all_raws_for_an_empty_selection(making: Callable[[str], Making]) -> None:
    """Ours refuses the variable, in the line of the template."""
    here = making("here")
    here.submit()
    words = list(here.runner.command(here.submission))
    words[words.index("--data-query") + 1] = ""
    words[words.index("run")] = "qgraph"
    words.remove("--register-dataset-types")
    words[words.index("--output-run") + 1] += "0"
    graph = stock(here, *words, **here.runner.variables(here.submission))
    assert graph.returncode == 0, graph.stderr
    # Its own selection has 4: two exposures of two detectors.
    assert "Generated 16 quanta for task cpBiasBootstrapIsr" in graph.stderr


# A batch system that returns at once


@pytest.mark.slow
def test_a_batch_that_was_taken_is_as_its_batch_system_says(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    taken = replace(making("bps"), service="tests.stand_ins.batch_system.Service")
    taken.submit()
    state = taken.attempt.submit / "state"
    seen = {}
    for word in ("PENDING", "RUNNING", "HELD", "SUCCEEDED", "FAILED", "DELETED"):
        state.write_text(word)
        look = taken.runner.look(taken.submission)
        seen[word] = (look.state, look.detail.rpartition("/submit ")[2])
    assert seen == {
        "PENDING": (BatchState.RUNNING, "waits in the queue"),
        "RUNNING": (BatchState.RUNNING, "runs"),
        "HELD": (BatchState.RUNNING, "is held"),
        "SUCCEEDED": (BatchState.ABSENT, "has succeeded"),
        "FAILED": (BatchState.CUT, "has failed"),
        "DELETED": (BatchState.CUT, "was deleted"),
    }
    taken.submit()
    assert state.read_text() == "RUNNING"
    with pytest.raises(PlanIsStaleError, match="runs already"):
        taken.submit()


@pytest.mark.slow
def test_a_batch_of_which_nobody_can_tell_runs_until_its_run_stands_in_its_chain(
    making: Callable[[str], Making], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    taken = replace(making("bps"), service="tests.stand_ins.batch_system.SilentService")
    taken.submit()
    look = taken.runner.look(taken.submission)
    assert look.state is BatchState.RUNNING
    assert "does not tell how it is" in look.detail
    output, run = taken.submission.output, taken.submission.run
    assert run
    with Butler.from_config(str(taken.world.repository), writeable=True) as butler:
        butler.collections.register(run)
        butler.collections.register(output, CollectionType.CHAINED)
        butler.collections.prepend_chain(output, [run])
    assert taken.runner.look(taken.submission).state is BatchState.ABSENT


def wait_for_the_end(attempt: Attempt) -> None:
    """Wait until no process of a batch is left, whosever child it is."""
    for pid in processes_of(attempt):
        try:
            ended = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        select.select([ended], [], [])
        os.close(ended)

"""Templates run by BPS: Parsl on machines of ours, or a batch system.

With Parsl ``bps submit`` lasts as long as the batch; other plugins return as
soon as the batch system has taken it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from typing_extensions import override

from ...model.repositories import SiteConstruction
from ...model.submissions import BatchState, Submission
from ...ports.progress import Watch
from ...ports.silence import at_work
from ...store.bpstemplates import BpsTemplate, around, service_of
from .folders import Attempt, error_in
from .middleware import Ended, Middleware, Work
from .quanta import quanta_in, quanta_planned

__all__ = ["Bps"]

_RUN_ID = re.compile(r"^Run Id: (.+)$", re.MULTILINE)
"""What ``bps submit`` says when all of it went well."""

_PARSL = "lsst.ctrl.bps.parsl."
"""Plugin whose ``bps submit`` ends with the batch."""

_WORKFLOW = "parsl_workflow.pickle"
"""What ``bps restart`` of Parsl reads."""

_FIRST_JOB = "pipetaskInit"

_INITIALIZE = """
repository=$1 graph=$2
shift 2
pipetask --long-log pre-exec-init-qbb "$repository" "$graph" && exec "$@"
"""
"""What the first job does, and then what goes on."""

_LIMIT = 60.0
"""Seconds in which a batch system has to say how a batch is."""

_UNDER_WAY = {
    12: "waits for its parents",
    13: "is ready",
    14: "waits in the queue",
    15: "runs",
    17: "is held",
}
"""Exit codes of ``bps status``: states of `lsst.ctrl.bps.WmsStates`."""

_CUT = {16: "was deleted", 19: "has failed", 20: "was pruned"}
_OVER = {0: "has succeeded"}


class Bps(Middleware):
    """Runs templates by BPS.

    Parameters
    ----------
    site
        What a site says around the templates.
    """

    submit: Literal["bps", "pipetask"] = "bps"
    programs = ("bps", "pipetask", "butler")

    def __init__(self, site: SiteConstruction) -> None:
        self._site = site

    @override
    def command(self, submission: Submission, template: BpsTemplate, folder: Path) -> tuple[str, ...]:
        return ("bps", "submit", str(folder / "bps.yaml"))

    @override
    def begin(self, work: Work, attempt: Attempt) -> tuple[str, ...]:
        text = around(
            Path(work.template.file), work.submission, self._site.bps, str(attempt.submit), work.run
        )
        attempt.wrapper.write_text(text, encoding="utf-8")
        return ("bps", "submit", str(attempt.wrapper))

    @override
    def go_on(self, work: Work, attempt: Attempt) -> tuple[str, ...]:
        words = ["bps", "restart"]
        service = self._service(attempt)
        # Of `bps restart` this is no matter of the file that was submitted.
        if service:
            words += ["--wms-service-class", service]
        words += ["--id", str(attempt.submit)]
        graph = self.graph(attempt)
        if service.startswith(_PARSL) and graph and not self._is_initialized(attempt):
            # Parsl's plugin never initializes again, and the RUN would lack
            # its configurations and versions.
            return ("/bin/sh", "-c", _INITIALIZE, "calibstate", work.template.butler, str(graph), *words)
        return tuple(words)

    def _is_initialized(self, attempt: Attempt) -> bool:
        """Say whether any job but the first was begun, which has to end."""
        labels = {folder.name for folder in attempt.submit.glob("logs/*")}
        return bool(labels - {_FIRST_JOB})

    @override
    def ended(self, attempt: Attempt, environment: Mapping[str, str]) -> Ended:
        run_id = self._run_id(attempt)
        if self._service(attempt).startswith(_PARSL):
            return self._ended_with_parsl(attempt, run_id)
        if run_id is None:
            return Ended(BatchState.ABSENT, self._why_nothing_ran(attempt), has_run=False)
        return self._as_the_batch_system_says(attempt, run_id, environment)

    def _ended_with_parsl(self, attempt: Attempt, run_id: str | None) -> Ended:
        if not (attempt.submit / _WORKFLOW).exists():
            return Ended(BatchState.ABSENT, self._why_nothing_ran(attempt), has_run=False)
        code = attempt.exit_code()
        if run_id is None or code is None or code > 0:
            detail = f"bps was ended before it was done; it works in {attempt.submit}"
            return Ended(BatchState.CUT, detail, has_run=True)
        return Ended(BatchState.ABSENT, "bps ended with 0, which says nothing of its quanta", has_run=True)

    def _why_nothing_ran(self, attempt: Attempt) -> str:
        error = error_in(attempt.submit / "quantumGraphGeneration.out") or error_in(attempt.log)
        return f"it ended before anything was run: {error or 'its log says no more'}"

    def _as_the_batch_system_says(
        self, attempt: Attempt, run_id: str, environment: Mapping[str, str]
    ) -> Ended:
        words = ["bps", "status", "--wms-service-class", self._service(attempt), "--id", run_id]
        code = None
        # What is slow here is the batch system, no place that is looked at.
        with at_work(), suppress(OSError, subprocess.TimeoutExpired):
            code = subprocess.run(
                words,
                env=dict(environment),
                cwd=attempt.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT,
                check=False,
            ).returncode
        if code in _UNDER_WAY:
            detail = f"bps status: {run_id} {_UNDER_WAY[code]}"
            return Ended(BatchState.RUNNING, detail, has_run=True)
        if code in _CUT:
            return Ended(BatchState.CUT, f"bps status: {run_id} {_CUT[code]}", has_run=True)
        if code in _OVER:
            return Ended(BatchState.ABSENT, f"bps status: {run_id} {_OVER[code]}", has_run=True)
        # What it cannot tell is taken to go on: nobody may begin it again.
        detail = (
            f"the batch system has taken {run_id}, and `bps status` does not tell how it is; if it has "
            f"ended, remove {attempt.folder}"
        )
        return Ended(BatchState.RUNNING, detail, has_run=True, is_certain=False)

    def _run_id(self, attempt: Attempt) -> str | None:
        try:
            ids: list[str] = _RUN_ID.findall(attempt.log.read_text(errors="replace"))
        except OSError:
            return None
        if not ids:
            return None
        # Of several the last: it was gone on with since.
        return ids[-1]

    def _service(self, attempt: Attempt) -> str:
        """Return the class of the plugin that an attempt was submitted to."""
        for config in attempt.submit.glob("*_config.yaml"):
            if service := service_of(config):
                return service
        return str(self._site.bps.get("wmsServiceClass", ""))

    @override
    def graph(self, attempt: Attempt) -> Path | None:
        return next(attempt.submit.glob("*.qg"), None)

    @override
    def tell(self, attempt: Attempt, watch: Watch) -> None:
        planned = quanta_planned(attempt.log)
        if planned is None:
            return
        done = 0
        for log in attempt.submit.glob("logs/**/*.stderr"):
            if quanta := quanta_in(log):
                done += quanta.done
        watch("quanta", min(done, planned), planned)

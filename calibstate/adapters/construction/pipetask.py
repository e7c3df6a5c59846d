"""Templates run by ``pipetask`` on this machine, in one process."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from typing_extensions import override

from ...model.submissions import BatchState, Submission
from ...ports.progress import Watch
from ...store.bpstemplates import BpsTemplate
from .folders import Attempt, error_in
from .middleware import Ended, Middleware, Work
from .quanta import quanta_in

__all__ = ["Pipetask"]

_BY_A_SIGNAL = 128
"""A shell ends with this and the number of the signal."""


class Pipetask(Middleware):
    """Runs templates on this machine."""

    submit: Literal["bps", "pipetask"] = "pipetask"
    programs = ("pipetask",)

    @override
    def command(self, submission: Submission, template: BpsTemplate, folder: Path) -> tuple[str, ...]:
        return _command(submission, template, submission.run)

    @override
    def begin(self, work: Work, attempt: Attempt) -> tuple[str, ...]:
        graph = attempt.folder / "1.qg"
        return (*_command(work.submission, work.template, work.run), "--save-qgraph", str(graph))

    @override
    def go_on(self, work: Work, attempt: Attempt) -> tuple[str, ...]:
        # Each graph has what was left to do, and is kept for its causes.
        number = len(list(attempt.folder.glob("*.qg"))) + 1
        graph = attempt.folder / f"{number}.qg"
        return (
            *_command(work.submission, work.template, work.run),
            "--extend-run",
            "--skip-existing",
            # What a killed process has half written is made again.
            "--clobber-outputs",
            "--save-qgraph",
            str(graph),
        )

    @override
    def ended(self, attempt: Attempt, environment: Mapping[str, str]) -> Ended:
        code = attempt.exit_code()
        has_run = self.graph(attempt) is not None
        error = error_in(attempt.log)
        if not has_run:
            detail = f"it ended before anything was run: {error or 'its log says no more'}"
            return Ended(BatchState.ABSENT, detail, has_run)
        if code is None or code >= _BY_A_SIGNAL:
            return Ended(BatchState.CUT, "pipetask was ended before it was done", has_run)
        if code:
            return Ended(BatchState.ABSENT, f"pipetask ended with {code}: {error}", has_run)
        return Ended(BatchState.ABSENT, "pipetask ended with 0", has_run)

    @override
    def graph(self, attempt: Attempt) -> Path | None:
        graphs = attempt.folder.glob("*.qg")
        return max(graphs, key=lambda path: int(path.stem), default=None)

    @override
    def tell(self, attempt: Attempt, watch: Watch) -> None:
        quanta = quanta_in(attempt.log)
        if quanta:
            watch("quanta", quanta.done, quanta.total)


def _command(submission: Submission, template: BpsTemplate, run: str | None) -> tuple[str, ...]:
    """Return the payload of a template as one command."""
    words = ["pipetask", "--long-log", "run", "--butler-config", template.butler]
    words += ["--input", ",".join(template.inputs), "--output", submission.output]
    if run is not None:
        words += ["--output-run", run]
    words += ["--pipeline", template.pipeline, "--data-query", template.query]
    words.append("--register-dataset-types")
    words += shlex.split(template.graph_options)
    return tuple(words)

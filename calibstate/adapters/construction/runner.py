"""Templates run for one repository: begun, and gone on with after a cut."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from lsst.daf.butler import Butler, CollectionInfo
from typing_extensions import override

from ...errors import CalibstateError, Diagnostic, PlanIsStaleError, RefusedError, without_secrets
from ...model.locks import Process
from ...model.observations import stamp
from ...model.repositories import SiteConstruction
from ...model.submissions import Batch, BatchState, Cause, PipelineSubmission, SeenBatch, Submission
from ...ports.construction import BatchRunner
from ...ports.progress import Watch
from ...ports.records import Fence
from ...ports.silence import USUAL_TIMEOUT
from ...store.bpstemplates import BpsTemplate, read_template
from ..butler.datastore import unrecorded_below
from ..butler.holdings import find_collections
from ..butler.opening import Repository
from ..processes import this_process
from .alive import may_run
from .bps import Bps
from .causes import causes_of
from .environment import SiteEnvironment
from .folders import Attempt, newest_attempt, submission_folder
from .in_process import in_this_process
from .launching import in_a_session
from .middleware import Ended, Launch, Middleware, Work
from .needs import needs_of_pipeline, taken_by_pipeline
from .pages import program_of, write_pages
from .pipelines import as_template
from .pipetask import Pipetask

__all__ = ["open_batch_runner"]

_NAMED = 3
"""Files that a message names."""


def open_batch_runner(
    uri: str, site: SiteConstruction | None, timeout: timedelta = USUAL_TIMEOUT
) -> BatchRunner:
    """Return what runs the templates for a repository.

    Parameters
    ----------
    uri
        URI or path of the repository.
    site
        What its site says of constructions; `None`: nothing.
    timeout
        How long the repository may be silent.
    """
    site = site or SiteConstruction()
    middleware: Middleware = Bps(site) if site.submit == "bps" else Pipetask()
    launch = in_this_process if site.submit == "here" else in_a_session
    environment = SiteEnvironment(site, uri, os.environ, Path(sys.executable).parent)
    return _Runner(Repository(uri, timeout), site, environment, middleware, launch)


@dataclass(frozen=True)
class _Look:
    """All that is seen of a submission."""

    attempt: Attempt | None
    batch: Batch | None
    ended: Ended
    litter: tuple[str, ...] = ()


_NEVER = Ended(BatchState.ABSENT, "", has_run=False)


class _Runner(BatchRunner):
    """Runs the templates for one repository.

    Parameters
    ----------
    repository
        The repository.
    site
        What its site says.
    environment
        What its site brings to the templates.
    middleware
        How templates are run.
    launch
        How commands are run.
    """

    def __init__(
        self,
        repository: Repository,
        site: SiteConstruction,
        environment: SiteEnvironment,
        middleware: Middleware,
        launch: Launch,
    ) -> None:
        self._repository = repository
        self._site = site
        self._environment = environment
        self._middleware = middleware
        self._launch = launch
        self._is_stopping: Callable[[], bool] = lambda: False

    @cached_property
    def _butler(self) -> Butler:
        return self._repository.open(writeable=False)

    @override
    def scratch(self) -> Path:
        return self._environment.scratch()

    # Rendering

    @override
    def variables(self, submission: Submission) -> Mapping[str, str]:
        self._template(submission)
        return self._variables(submission)

    def _variables(self, submission: Submission) -> dict[str, str]:
        return submission.variables | self._environment.variables()

    def _template(self, submission: Submission) -> BpsTemplate:
        """Return what the template comes to, when that is as declared."""
        variables = self._environment.complete(self._variables(submission))
        if isinstance(submission, PipelineSubmission):
            return as_template(submission, variables)
        # Else a variable that a person has set might stand in for one.
        return read_template(self._file(submission), submission, variables, self._site.bps)

    def _file(self, submission: Submission) -> Path:
        return self._environment.templates(submission.home) / f"bps_{submission.template}.yaml"

    @override
    def command(self, submission: Submission) -> Sequence[str]:
        middleware = self._middleware_for(submission)
        return middleware.command(submission, self._template(submission), self._folder(submission))

    @override
    def pages(self, collections: Sequence[str], folder: Path) -> str | None:
        variables = self._environment.variables()
        program = program_of(variables.get("CP_VERIFY_DIR"))
        if program is None:
            return None
        environment = self._environment.complete(variables)
        return write_pages(program, variables["REPO"], collections, folder, environment)

    @override
    def needs(self, submission: Submission) -> frozenset[str] | None:
        return needs_of_pipeline(self._template(submission).pipeline, self._environment.variables())

    @override
    def takes(self, submission: Submission) -> frozenset[str] | None:
        return taken_by_pipeline(self._template(submission).pipeline, self._environment.variables())

    @override
    def begun(self, submission: Submission) -> Batch | None:
        attempt = newest_attempt(self._folder(submission))
        if attempt is None:
            return None
        return attempt.batch()

    def _folder(self, submission: Submission) -> Path:
        return submission_folder(self._environment.scratch(), submission)

    # Looking

    @override
    def look(self, submission: Submission) -> SeenBatch:
        look = self._look(submission)
        log = None
        if look.attempt and look.attempt.log.exists():
            log = str(look.attempt.log)
        return SeenBatch(look.ended.state, look.ended.detail, look.litter, log)

    def _look(self, submission: Submission) -> _Look:
        attempt = newest_attempt(self._folder(submission))
        if attempt is None:
            return _Look(None, None, _NEVER, self._litter(submission.run))
        batch = attempt.batch()
        if process := may_run(attempt, batch):
            since = f", since {batch.begun}" if batch else ""
            return _Look(attempt, batch, Ended(BatchState.RUNNING, f"{process}{since}", has_run=True))
        if batch is None or batch.variables.get("REPO") != without_secrets(self._repository_uri()):
            # It was begun and not written down, or is another repository's.
            return _Look(attempt, None, _NEVER, self._litter(submission.run))
        ended = self._middleware_of(batch).ended(attempt, self._exported_to(batch))
        chain = None
        if not ended.is_certain:
            chain = self._collection(submission.output)
        # The final job puts a RUN into its chain, when all else has ended.
        if chain and batch.run in chain.children:
            ended = Ended(BatchState.ABSENT, f"{batch.run} stands in its chain", has_run=True)
        litter: tuple[str, ...] = ()
        if ended.state is BatchState.CUT:
            litter = self._litter(batch.run)
        elif ended.state is BatchState.ABSENT and not self._may_go_on(submission, batch, ended):
            # Under a name by the time nobody trips over what is left.
            litter = self._litter(submission.run)
        return _Look(attempt, batch, ended, litter)

    def _repository_uri(self) -> str:
        return self._environment.variables()["REPO"]

    def _exported_to(self, batch: Batch) -> dict[str, str]:
        """Return a batch's environment, with what is not written down."""
        return self._environment.complete({**batch.variables, "REPO": self._repository_uri()})

    def _middleware_for(self, submission: Submission) -> Middleware:
        """Return what runs a submission here."""
        # BPS takes templates only.
        if isinstance(submission, PipelineSubmission):
            return Pipetask()
        return self._middleware

    def _middleware_of(self, batch: Batch) -> Middleware:
        """Return what ran a batch; the site may say otherwise today."""
        return Bps(self._site) if batch.submit == "bps" else Pipetask()

    def _litter(self, run: str | None) -> tuple[str, ...]:
        """Return the files under a RUN's name that no dataset has."""
        if run is None:
            return ()
        with self._repository.asking():
            return unrecorded_below(self._butler, run)

    def _is_registered(self, run: str) -> bool:
        return self._collection(run) is not None

    def _collection(self, name: str) -> CollectionInfo | None:
        """Return a collection as it is now; `None`: there is none."""
        with self._repository.asking():
            # What a batch has registered since is not known here yet.
            self._butler.registry.refresh()
            return next(iter(find_collections(self._butler, [name])), None)

    @override
    def causes(self, submission: Submission) -> Sequence[Cause]:
        attempt = newest_attempt(self._folder(submission))
        batch = attempt.batch() if attempt else None
        if attempt is None or batch is None:
            return ()
        graph = self._middleware_of(batch).graph(attempt)
        if graph is None:
            return ()
        return causes_of(graph, self._repository_uri(), self._exported_to(batch))

    # Running

    @override
    def leave_when(self, is_stopping: Callable[[], bool]) -> None:
        self._is_stopping = is_stopping

    @override
    def submit(self, submission: Submission, watch: Watch, fence: Fence) -> None:
        middleware = self._middleware_for(submission)
        self._check_programs(middleware)
        template = self._template(submission)
        look = self._look(submission)
        if look.ended.state is BatchState.RUNNING:
            detail = f"{submission.name} runs already: {look.ended.detail}."
            raise PlanIsStaleError(Diagnostic("Batch runs already", detail, hint="Wait for its end."))
        if look.attempt and look.batch and self._may_go_on(submission, look.batch, look.ended):
            work = Work(submission, template, self._site, look.batch.run)
            words = middleware.go_on(work, look.attempt)
            self._run(work, look.attempt, words, watch, fence)
            return
        if submission.run is not None:
            self._refuse_occupied(submission, submission.run, look)
        fence()
        attempt = self._new_attempt(submission)
        work = Work(
            submission, template, self._site, submission.run or f"{submission.output}/{attempt.stamp}"
        )
        self._run(work, attempt, middleware.begin(work, attempt), watch, fence)

    def _may_go_on(self, submission: Submission, batch: Batch, ended: Ended) -> bool:
        """Say whether the last attempt is taken up, and not a new one made."""
        if not ended.has_run or batch.submit != self._middleware_for(submission).submit:
            return False
        # With other variables other data would go into the same RUN.
        if batch.variables != _written_down(self._variables(submission)):
            return False
        # Of one that has ended nothing is left to go on with where its RUN
        # was removed since.
        if self._is_registered(batch.run):
            return True
        # pipetask registers a RUN before it writes, BPS in its last job.
        return ended.state is BatchState.CUT and batch.submit == "bps"

    def _refuse_occupied(self, submission: Submission, run: str, look: _Look) -> None:
        """Refuse to write to a RUN that holds what is not gone on with."""
        if not look.litter:
            if self._is_registered(run):
                detail = f"{run} is there, and was not begun from here with the variables of today."
                hint = "Raise `bootstrap` in the ticket's construction, or take the next letter for `rerun`."
                raise RefusedError(Diagnostic("RUN is there already", detail, hint=hint))
            return
        named = ", ".join(look.litter[:_NAMED])
        if len(look.litter) > _NAMED:
            named = f"{named} …"
        ways = "Raise `bootstrap` in the ticket's construction, or take the next letter for `rerun`"
        if look.batch is not None and look.ended.has_run:
            today = _written_down(self._variables(submission))
            changed = sorted(look.batch.variables.items() ^ today.items())
            names = ", ".join(dict.fromkeys(name for name, _ in changed))
            other = f"with other values of {names}" if names else f"by {look.batch.submit}"
            ways = f"It was begun {other}: so again it goes on. {ways}"
        raise RefusedError(
            Diagnostic(
                "Files lie under the name of a RUN",
                f"{run}: {len(look.litter)} files that no dataset has, left by a batch that was cut: "
                f"{named}. With them the middleware fails, or takes them for its own.",
                hint=f"{ways}; or remove exactly these files.",
            )
        )

    def _check_programs(self, middleware: Middleware) -> None:
        """Refuse to go on where there is nothing to run templates with."""
        missing = [name for name in middleware.programs if not self._environment.program(name)]
        if missing:
            raise RefusedError(
                Diagnostic(
                    "Calibrations cannot be made here",
                    f"{', '.join(missing)} is not installed, or not on the PATH.",
                    hint="Install it with `pip install 'calibstate[construct]'`, or set up a Rubin stack.",
                )
            )

    def _new_attempt(self, submission: Submission) -> Attempt:
        folder = self._folder(submission)
        try:
            return Attempt.new(folder)
        except OSError as error:
            detail = f"{folder} cannot be made: {error.strerror}."
            hint = "Say another `scratch` under `construction` in the site's file."
            raise CalibstateError(Diagnostic("Batch was not begun", detail, hint=hint)) from error

    def _run(self, work: Work, attempt: Attempt, words: Sequence[str], watch: Watch, fence: Fence) -> None:
        """Run a command for an attempt, and look that it ran something."""
        variables = self._variables(work.submission)
        middleware = self._middleware_for(work.submission)

        def begun(process: Process) -> None:
            attempt.write(
                Batch(
                    submit=middleware.submit,
                    run=work.run,
                    command=tuple(without_secrets(word) for word in words),
                    variables=_written_down(variables),
                    begun=stamp(datetime.now(UTC)),
                    process=process,
                )
            )

        def is_awaited() -> bool:
            middleware.tell(attempt, watch)
            return not self._is_stopping()

        environment = self._environment.complete(variables)
        begun(this_process())
        fence()
        self._launch(words, environment, attempt, begun, is_awaited)
        # A process that has only just been begun has no mark yet.
        if may_run(attempt, attempt.batch()):
            return
        ended = middleware.ended(attempt, environment)
        if not ended.has_run:
            detail = f"{work.submission.name}: {ended.detail.rstrip('.')}."
            raise CalibstateError(Diagnostic("Nothing was run", detail, hint=f"See {attempt.log}."))


def _written_down(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables as a file of ours has them: no password in the URI."""
    return {**variables, "REPO": without_secrets(variables["REPO"])}

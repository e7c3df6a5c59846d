"""Carries out a workflow as GitHub does, on a machine of ours.

Steps run in their order, in a clone of their own, by bash as GitHub calls it.
Our own action and workflows are carried out; the actions of others have
stand-ins that behave.  What is not known here is an error.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.github.expressions import Expressions
from tests.github.hub import REPOSITORY, Event, Hub

__all__ = ["ROOT", "Job", "Run", "Runner", "Step", "files", "load", "run_steps"]

ROOT = Path(__file__).parents[2]
SECRETS = {"CALIBSTATE_READER_ID": "reader-7f2", "CALIBSTATE_READER_SECRET": "hush-5d1c0b"}
VARIABLES = {"CALIBSTATE_S3_ENDPOINT_URL": "https://s3.example.org"}
SHELLS = {None: ("bash", "-e"), "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail")}
"""As GitHub's reference of workflows has them."""

ACTION = re.compile(r"(?P<name>[\w-]+/[\w-]+)@(?P<commit>[0-9a-f]{40})")
OURS = re.compile(r"[\w-]+/[\w-]+/\.github/actions/calibstate@[0-9a-f]{40}")
# The runner takes a line for a command whose first characters are blanks, too.
COMMAND = re.compile(r"^\s*::(?P<word>[a-z-]+|\w{20})(?: (?P<about>[^:]*))?::(?P<text>.*)$")


def files() -> Iterator[Path]:
    """Yield all workflows and actions of ours."""
    yield from sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    yield from sorted((ROOT / ".github" / "actions").glob("*/action.yml"))


def load(file: Path) -> dict[str, Any]:
    # To YAML 1.1 the key `on` is a truth.
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text())
    return {"on" if key is True else str(key): value for key, value in loaded.items()}


def run_steps() -> set[str]:
    """Return all steps that are scripts, as `Runner.executed` names them."""
    found = set()
    for file in files():
        said = load(file)
        jobs = {"action": said["runs"]} if "runs" in said else said["jobs"]
        for name, job in jobs.items():
            steps = job.get("steps", ())
            found |= {_named(file, name, step, n) for n, step in enumerate(steps) if "run" in step}
    return found


def _named(file: Path, job: str, step: Mapping[str, Any], number: int) -> str:
    inside = file.is_relative_to(ROOT)
    return f"{file.relative_to(ROOT / '.github') if inside else file}: {job}: {step.get('name', number)}"


@dataclass
class Step:
    """What became of a step."""

    name: str
    outcome: str
    """``success``, ``failure`` or ``skipped``."""
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    code: int = 0


@dataclass
class Job:
    """What became of a job."""

    name: str
    result: str
    """As GitHub has it; or ``queued``, or ``waiting`` for people."""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    summary: str = ""
    group: str | None = None

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


@dataclass
class Run:
    """What became of a workflow."""

    number: int
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, str]:
        return {name: job.result for name, job in self.jobs.items()}

    def annotations(self, word: str = "error") -> list[str]:
        """Return what GitHub would put beside the changes."""
        found, stopped = [], None
        for line in "".join(job.log for job in self.jobs.values()).splitlines():
            said = COMMAND.match(line)
            if said is None or (stopped and said["word"] != stopped):
                continue
            if said["word"] == stopped:
                stopped = None
            elif said["word"] == "stop-commands":
                stopped = said["text"]
            elif said["word"] == word:
                found.append(f"{said['about'] or ''}: {said['text']}")
        return found


@dataclass
class Runner:
    """GitHub's side: it has machines, and starts jobs on them."""

    hub: Hub
    programs: Path
    executed: set[str]
    """Scripts that were run, by any runner that shares this."""
    away: set[str] = field(default_factory=set)
    """Sites whose runners do not answer."""
    guarded: set[str] = field(default_factory=lambda: {"summit"})
    """Environments that people have to approve."""
    variables: dict[str, str] = field(default_factory=lambda: dict(VARIABLES))
    """Variables of the repository."""
    workflows: Path = ROOT / ".github" / "workflows"
    top: Path = ROOT
    """The repository that the workflows call others of."""

    def run(self, workflow: str, event: Event, *, approved: bool = False, resumed: Run | None = None) -> Run:
        """Carry out a workflow, if it is for such an event.

        Parameters
        ----------
        workflow
            Its file's name.
        event
            What happened.
        approved
            Whether people have approved what is guarded.
        resumed
            A run whose jobs that went well are not run again.
        """
        file = self.workflows / workflow
        said = load(file)
        assert event.name in said["on"], f"{workflow} is not for {event.name}"
        run = Run(self.hub.begun(workflow, event))
        done = {name: job for name, job in (resumed.jobs if resumed else {}).items() if job.steps}
        going = _Going(self, run, event, approved, {n: j for n, j in done.items() if j.result == "success"})
        contexts = going.github(said)
        secrets = {} if event.from_fork else SECRETS
        going.jobs(file, said, contexts, dict(event.inputs), None, "", secrets)
        failed = any(job.result == "failure" for job in run.jobs.values())
        self.hub.ended(run.number, "failure" if failed else "success")
        return run


@dataclass
class _Going:
    """A run that is going on."""

    runner: Runner
    run: Run
    event: Event
    approved: bool
    done: Mapping[str, Job]
    """Jobs that went well before."""
    count: Iterator[int] = field(default_factory=itertools.count)

    def github(self, said: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "event": dict(self.event.payload),
            "event_name": self.event.name,
            "ref": self.event.ref,
            "ref_name": self.event.ref.split("/", 2)[2],
            "repository": REPOSITORY,
            "run_id": self.run.number,
            "server_url": "https://github.com",
            "sha": self.event.sha,
            "workflow": said["name"],
        }

    def jobs(
        self,
        file: Path,
        said: Mapping[str, Any],
        github: Mapping[str, Any],
        inputs: Mapping[str, Any],
        caller: Mapping[str, str] | None,
        prefix: str,
        secrets: Mapping[str, str],
    ) -> str:
        """Run the jobs of a workflow, and return how it went."""
        done: dict[str, Job] = {}
        left = dict(said["jobs"])
        while left:
            name = next(n for n, job in left.items() if not left.keys() & set(_needs(job)))
            job = left.pop(name)
            contexts = {
                "github": {**github, "token": "not for jobs"},
                "inputs": inputs,
                "secrets": secrets,
                "vars": self.runner.variables,
                "needs": {n: {"result": done[n].result, "outputs": done[n].outputs} for n in _needs(job)},
                "env": {},
            }
            needed = _ancestors(said["jobs"], name)
            status = _status([done[n].result for n in needed])
            at_jobs = Expressions(contexts, status)
            if any(done[n].result in {"queued", "waiting"} for n in needed):
                done[name] = Job(name, "queued")
            elif not at_jobs.holds(job.get("if")):
                done[name] = Job(name, "skipped")
            else:
                done[name] = self._matrix(file, said, name, job, contexts, caller, prefix)
            self.run.jobs.setdefault(prefix + name, done[name])
        return _together([job.result for job in done.values()])

    def _matrix(
        self,
        file: Path,
        said: Mapping[str, Any],
        name: str,
        job: Mapping[str, Any],
        contexts: Mapping[str, Any],
        caller: Mapping[str, str] | None,
        prefix: str,
    ) -> Job:
        at_jobs = Expressions(contexts, {})
        axes = {
            axis: at_jobs.anything(values)
            for axis, values in job.get("strategy", {}).get("matrix", {}).items()
        }
        if not axes:
            return self._job(file, said, name, job, {**contexts, "matrix": {}}, caller, prefix, name)
        assert job["strategy"]["fail-fast"] is False, "which of them run on is a matter of chance"
        cells = []
        for values in itertools.product(*axes.values()):
            matrix = dict(zip(axes, values, strict=True))
            title = f"{name} ({', '.join(matrix.values())})"
            cell = self._job(file, said, name, job, {**contexts, "matrix": matrix}, caller, prefix, title)
            self.run.jobs[prefix + title] = cell
            cells.append(cell)
        return Job(name, _together([cell.result for cell in cells]))

    def _job(
        self,
        file: Path,
        said: Mapping[str, Any],
        name: str,
        job: Mapping[str, Any],
        contexts: dict[str, Any],
        caller: Mapping[str, str] | None,
        prefix: str,
        title: str,
    ) -> Job:
        at_jobs = Expressions(contexts, {})
        permissions = job.get("permissions", said["permissions"])
        if caller is not None:
            assert all(caller.get(p) in {right, "write"} for p, right in permissions.items()), permissions
        if "uses" in job:
            called = self.runner.top / job["uses"].removeprefix("./")
            inner = load(called)
            given = {key: at_jobs.anything(value) for key, value in job.get("with", {}).items()}
            on = inner["on"]["workflow_call"]
            inputs = _inputs(on.get("inputs", {}), given)
            # It has no others than it is handed.
            secrets = {key: at_jobs.text(value) for key, value in job.get("secrets", {}).items()}
            assert secrets.keys() <= on.get("secrets", {}).keys()
            below = f"{prefix}{title} / "
            result = self.jobs(called, inner, contexts["github"], inputs, permissions, below, secrets)
            return Job(title, result)
        if before := self.done.get(prefix + title):
            return before
        assert job["timeout-minutes"]
        at_jobs.text(job.get("name", ""))
        group = at_jobs.text(job["concurrency"]["group"]) if "concurrency" in job else None
        environment = job.get("environment")
        environment = environment["name"] if isinstance(environment, Mapping) else environment
        if at_jobs.text(environment) in self.runner.guarded and not self.approved:
            return Job(title, "waiting", group=group)
        labels = job["runs-on"]
        variables = {}
        if isinstance(labels, list):
            kind, use, site = (at_jobs.text(label) for label in labels)
            assert (kind, use) == ("self-hosted", "calibstate")
            variables = {"CALIBSTATE_HERE": site}
            if site in self.runner.away:
                return Job(title, "queued", group=group)
        else:
            assert labels == "ubuntu-latest"
        token = self.runner.hub.token(permissions, fork=self.event.from_fork)
        contexts = {
            **contexts,
            "github": {**contexts["github"], "token": token},
        }
        going = _Job(self, file, name, said, job, contexts, variables, next(self.count))
        done = going.carry_out(Job(title, "success", group=group))
        assert not [secret for secret in SECRETS.values() if secret in done.log + done.summary]
        return done


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _ancestors(jobs: Mapping[str, Any], name: str) -> set[str]:
    needs = _needs(jobs[name])
    return {*needs, *(far for near in needs for far in _ancestors(jobs, near))}


def _together(results: Sequence[str]) -> str:
    for result in ("queued", "waiting", "failure"):
        if result in results:
            return result
    return "success" if "success" in results else "skipped"


def _status(results: Sequence[str]) -> dict[str, Callable[..., Any]]:
    return {
        "always": lambda: True,
        "cancelled": lambda: False,
        "failure": lambda: "failure" in results,
        "success": lambda: all(result == "success" for result in results),
    }


def _inputs(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    assert given.keys() <= declared.keys(), f"no such inputs: {given.keys() - declared.keys()}"
    missing = [name for name, about in declared.items() if about.get("required") and name not in given]
    assert not missing, f"inputs are missing: {missing}"
    # What is null is as good as not given.
    return {n: about.get("default") if given.get(n) is None else given[n] for n, about in declared.items()}


@dataclass
class _Job:
    """A job on its machine."""

    going: _Going
    file: Path
    name: str
    workflow: Mapping[str, Any]
    job: Mapping[str, Any]
    contexts: dict[str, Any]
    variables: dict[str, str]
    number: int

    def __post_init__(self) -> None:
        self.hub = self.going.runner.hub
        self.folder = self.hub.folder / "jobs" / f"{self.going.run.number}-{self.number}"
        self.workspace, self.temp = self.folder / "workspace", self.folder / "temp"
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True)
        self.summary = self.folder / "summary.md"
        self.summary.touch()
        self.contexts["runner"] = {"temp": str(self.temp), "os": "Linux"}
        at_jobs = Expressions(self.contexts, {})
        env = {key: at_jobs.text(value) for key, value in self.workflow.get("env", {}).items()}
        env |= {key: at_jobs.text(value) for key, value in self.job.get("env", {}).items()}
        self.contexts["env"] = env

    def carry_out(self, done: Job) -> Job:
        steps: dict[str, Any] = {}
        failed: list[str] = []
        for number, step in enumerate(self.job["steps"]):
            contexts = {**self.contexts, "steps": steps}
            named = _named(self.file, self.name, step, number)
            became = self._step(step, contexts, ["failure"] * bool(failed), named, self.job_shell())
            done.steps.append(became)
            if "id" in step:
                steps[step["id"]] = _as_context(became)
            if became.outcome == "failure":
                failed.append(became.name)
        done.result = "failure" if failed else "success"
        at_end = Expressions({**self.contexts, "steps": steps}, {})
        done.outputs = {key: at_end.text(value) for key, value in self.job.get("outputs", {}).items()}
        if isinstance(environment := self.job.get("environment"), Mapping):
            assert at_end.text(environment["url"]).startswith("https://")
        done.summary = self.summary.read_text()
        return done

    def job_shell(self) -> str | None:
        shell: str | None = self.workflow.get("defaults", {}).get("run", {}).get("shell")
        return shell

    def _step(
        self,
        step: Mapping[str, Any],
        contexts: dict[str, Any],
        before: Sequence[str],
        named: str,
        shell: str | None,
    ) -> Step:
        here = Expressions(contexts, _status(before))
        name = step.get("name") or step.get("uses") or named
        assert "continue-on-error" not in step, "not known here"
        env = {key: here.text(value) for key, value in step.get("env", {}).items()}
        contexts = {**contexts, "env": {**contexts["env"], **env}}
        if not Expressions(contexts, _status(before)).holds(step.get("if")):
            return Step(name, "skipped")
        if "uses" in step:
            given = {key: here.text(value) for key, value in step.get("with", {}).items()}
            return self._use(name, step["uses"], given, contexts)
        return self._script(name, step, contexts, named, step.get("shell", shell))

    def _script(
        self, name: str, step: Mapping[str, Any], contexts: dict[str, Any], named: str, shell: str | None
    ) -> Step:
        assert "${{" not in step["run"], f"what a shell reads comes by the environment: {named}"
        self.going.runner.executed.add(named)
        script, output = (
            self.temp / f"{next(self.going.count)}.sh",
            self.temp / f"{next(self.going.count)}.out",
        )
        script.write_text(step["run"])
        output.touch()
        done = subprocess.run(
            [*SHELLS[shell], str(script)],
            cwd=self.workspace,
            env=self._environment(contexts) | {"GITHUB_OUTPUT": str(output)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        result = "failure" if done.returncode else "success"
        return Step(name, result, outputs, done.stdout, done.returncode)

    def _environment(self, contexts: Mapping[str, Any]) -> dict[str, str]:
        github = contexts["github"]
        return {
            "PATH": f"{self.going.runner.programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self.hub.folder / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.going.event.name,
            "GITHUB_REF": self.going.event.ref,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(github["run_id"]),
            "GITHUB_SHA": self.going.event.sha,
            "GITHUB_STAND_IN": str(self.hub.folder),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **({"GITHUB_ACTION_PATH": github["action_path"]} if "action_path" in github else {}),
            **self.variables,
            **contexts["env"],
        }

    def _use(self, name: str, action: str, given: Mapping[str, str], contexts: dict[str, Any]) -> Step:
        if action.startswith("./"):
            folder = self.workspace / action.removeprefix("./")
            return self._ours(name, folder, given, contexts)
        if OURS.fullmatch(action):
            return self._ours(name, self._downloaded(action), given, contexts)
        pinned = ACTION.fullmatch(action)
        assert pinned, f"{action} is not pinned"
        try:
            stand_in, known = STAND_INS[pinned["name"]]
            assert given.keys() <= known, f"{action} does not know {given.keys() - known}"
            return Step(name, "success", stand_in(self, given))
        except subprocess.CalledProcessError as error:
            return Step(name, "failure", log=f"{error}\n", code=1)

    def _downloaded(self, action: str) -> Path:
        """Return our action at the revision that another repository uses."""
        repository, _, commit = action.partition("@")
        owner, name, *folders = repository.split("/")
        whole = self.folder / "_actions" / owner / name / commit
        if not whole.exists():
            for part in (".github", "requirements"):
                shutil.copytree(ROOT / part, whole / part)
            shutil.copy(ROOT / "pyproject.toml", whole)
        return whole.joinpath(*folders)

    def _ours(self, name: str, folder: Path, given: Mapping[str, str], contexts: dict[str, Any]) -> Step:
        assert (folder / "action.yml").is_file(), f"{folder} before the checkout"
        said = load(folder / "action.yml")
        inside = {
            "github": {**contexts["github"], "action_path": str(folder)},
            "inputs": _inputs(said["inputs"], given),
            "runner": contexts["runner"],
            "env": contexts["env"],
        }
        steps: dict[str, Any] = {}
        became = Step(name, "success")
        file = ROOT / ".github" / "actions" / folder.name / "action.yml"
        for number, step in enumerate(said["runs"]["steps"]):
            named = _named(file, "action", step, number)
            before = [became.outcome]
            one = self._step(step, {**inside, "steps": steps}, before, named, None)
            assert "run" not in step or step["shell"], "an action says its shell"
            became.log += one.log
            steps[step["id"]] = _as_context(one)
            if one.outcome == "failure":
                became.outcome, became.code = "failure", one.code
        # Also of an action that fails, as the runner has it.
        at_end = Expressions({**inside, "steps": steps}, {})
        became.outputs = {key: at_end.text(about["value"]) for key, about in said["outputs"].items()}
        return became


def _as_context(step: Step) -> dict[str, Any]:
    return {"outputs": step.outputs, "outcome": step.outcome, "conclusion": step.outcome}


# What others' actions do


def _checkout(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    assert given["persist-credentials"] == "false"
    ref = given.get("ref") or job.going.event.sha
    folder = job.workspace / given.get("path", ".")
    folder.mkdir(exist_ok=True)
    commits = given.get("fetch-depth", "1")
    # None stands for all of them.
    depth = () if commits == "0" else (f"--depth={commits}",)
    for words in (
        ("init", "--quiet"),
        ("remote", "add", "origin", f"file://{job.hub.bare}"),
        ("fetch", "--quiet", "--no-tags", *depth, "origin", ref),
        ("checkout", "--quiet", "--detach", "FETCH_HEAD"),
    ):
        job.hub.git(*words, at=folder)
    return {"ref": ref}


def _setup_python(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    if pattern := given.get("cache-dependency-path"):
        assert list(job.workspace.glob(pattern)), f"nothing to cache by: {pattern}"
    return {"python-version": given["python-version"], "python-path": sys.executable}


def _upload(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    source = job.workspace / given["path"]
    if not source.exists() and given.get("if-no-files-found") == "ignore":
        return {}
    assert source.is_dir(), f"no {given['path']}"
    target = job.hub.artifact(job.going.run.number, given["name"])
    assert given.get("overwrite") == "true" or not target.exists()
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return {"artifact-id": str(job.number)}


def _upload_pages(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    return _upload(job, {"name": "github-pages", "path": given["path"]})


def _deploy_pages(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    permissions = job.job["permissions"]
    assert (permissions["pages"], permissions["id-token"]) == ("write", "write")
    pages = job.hub.artifact(job.going.run.number, "github-pages")
    shutil.copytree(pages, job.hub.folder / "pages", dirs_exist_ok=True)
    return {"page_url": "https://observatory.github.io/calibrations/"}


def _download(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    uploaded = job.hub.artifact(job.going.run.number, given["name"])
    shutil.copytree(uploaded, job.workspace / given["path"])
    return {"download-path": given["path"]}


def _publish(job: _Job, given: Mapping[str, str]) -> dict[str, str]:
    # What is published is what lies in dist; who publishes has no token.
    assert job.job["permissions"] == {"id-token": "write"}
    assert not given
    shutil.copytree(job.workspace / "dist", job.hub.folder / "pypi")
    return {}


STAND_INS: Mapping[str, tuple[Callable[[_Job, Mapping[str, str]], dict[str, str]], set[str]]] = {
    "actions/checkout": (_checkout, {"fetch-depth", "path", "persist-credentials", "ref"}),
    "actions/deploy-pages": (_deploy_pages, set()),
    "actions/download-artifact": (_download, {"name", "path"}),
    "actions/setup-python": (_setup_python, {"cache", "cache-dependency-path", "python-version"}),
    "actions/upload-artifact": (_upload, {"if-no-files-found", "name", "overwrite", "path"}),
    "actions/upload-pages-artifact": (_upload_pages, {"path"}),
    "pypa/gh-action-pypi-publish": (_publish, set()),
}
"""Stand-ins, and which inputs of an action's own they know."""

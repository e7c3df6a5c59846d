"""A small GitHub in a folder: a repository, pull requests, issues, artifacts.

`gh.py` reads and writes the same folder, and is all that a workflow sees of
it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["REPOSITORY", "Event", "Hub", "state"]

REPOSITORY = "observatory/calibrations"
FORK = "somebody/calibrations"
EMPTY: Mapping[str, Any] = {
    "pulls": [],
    "comments": [],
    "issues": [],
    "labels": [],
    "runs": [],
    "tokens": {},
    "pages": "",
    "asked": [],
}


@contextmanager
def state(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what GitHub knows, and keep what becomes of it."""
    file = folder / "hub.json"
    known = json.loads(file.read_text())
    yield known
    file.write_text(json.dumps(known, indent=1))


@dataclass(frozen=True)
class Event:
    """What sets off a workflow."""

    name: str
    sha: str
    ref: str = "refs/heads/main"
    payload: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    from_fork: bool = False


@dataclass(frozen=True)
class Hub:
    """GitHub, with one repository."""

    folder: Path

    @classmethod
    def founded(cls, folder: Path, files: Path) -> Hub:
        """Return one whose main holds the files of a folder."""
        hub = cls(folder)
        (folder / "home").mkdir(parents=True)
        (folder / "hub.json").write_text(json.dumps(EMPTY))
        shutil.copytree(files, hub.desk)
        hub.git("init", "--quiet", "--bare", "--initial-branch=main", str(hub.bare), at=folder)
        hub.git("config", "uploadpack.allowAnySHA1InWant", "true", at=hub.bare)
        hub.git("init", "--quiet", "--initial-branch=main")
        hub.git("remote", "add", "origin", str(hub.bare))
        hub._commit("Begin")
        hub.git("push", "--quiet", "origin", "main")
        return hub

    @property
    def bare(self) -> Path:
        return self.folder / "repository.git"

    @property
    def desk(self) -> Path:
        """A checkout of who writes."""
        return self.folder / "desk"

    @property
    def known(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads((self.folder / "hub.json").read_text())
        return known

    @property
    def comments(self) -> list[str]:
        return [comment["body"] for comment in self.known["comments"]]

    def artifact(self, run: int, name: str) -> Path:
        return self.folder / "artifacts" / str(run) / name

    def git(self, *arguments: str, at: Path | None = None) -> str:
        who = ("-c", "user.name=Observer", "-c", "user.email=observer@example.org")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=at or self.desk,
            env={**os.environ, "HOME": str(self.folder / "home"), "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _commit(self, title: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", title)
        return self.git("rev-parse", "HEAD")

    # What people do

    def propose(self, files: Mapping[str, str], *, pull: int | None = None, fork: bool = False) -> int:
        """Open a pull request with changed files, or push to an open one."""
        with state(self.folder) as known:
            number = pull or len(known["pulls"]) + 1
            branch = f"proposal-{number}"
            self.git("checkout", "--quiet", *(() if pull else ("-b",)), branch)
            for name, text in files.items():
                (self.desk / name).parent.mkdir(parents=True, exist_ok=True)
                (self.desk / name).write_text(text)
            head = self._commit("Propose")
            self.git("push", "--quiet", "origin", branch)
            self.git("checkout", "--quiet", "main")
            known["pulls"] = [p for p in known["pulls"] if p["number"] != number]
            whose = {"full_name": FORK if fork else REPOSITORY}
            known["pulls"].append(
                {
                    "number": number,
                    "head": {"sha": head, "repo": whose},
                    "merged_at": None,
                    "merge_commit_sha": None,
                }
            )
        return number

    def pull(self, number: int) -> dict[str, Any]:
        return next(pull for pull in self.known["pulls"] if pull["number"] == number)

    def opened(self, number: int) -> Event:
        """Return the event of an open pull request, with its merge commit."""
        pull = self.pull(number)
        self.git("checkout", "--quiet", "--detach", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", "Merge", pull["head"]["sha"])
        merged = self.git("rev-parse", "HEAD")
        self.git("push", "--quiet", "--force", "origin", f"{merged}:refs/pull/{number}/merge")
        self.git("checkout", "--quiet", "main")
        fork = pull["head"]["repo"]["full_name"] != REPOSITORY
        payload = {"pull_request": pull}
        return Event("pull_request", merged, f"refs/pull/{number}/merge", payload, from_fork=fork)

    def merge(self, number: int) -> Event:
        """Squash a pull request into main, and return the push."""
        self.git("merge", "--quiet", "--squash", f"proposal-{number}")
        with state(self.folder) as known:
            pull = next(pull for pull in known["pulls"] if pull["number"] == number)
            pull["merge_commit_sha"] = self._commit(f"Propose (#{number})")
            pull["merged_at"] = "2026-11-24T08:15:30Z"
        return self.pushed()

    def push(self, files: Mapping[str, str]) -> Event:
        """Push to main, past all pull requests."""
        for name, text in files.items():
            (self.desk / name).parent.mkdir(parents=True, exist_ok=True)
            (self.desk / name).write_text(text)
        self._commit("Change")
        return self.pushed()

    def tag(self, name: str) -> Event:
        """Push a tag of what main is."""
        self.git("tag", "--annotate", "--message", name, name)
        self.git("push", "--quiet", "origin", name)
        return Event("push", self.git("rev-parse", "main"), f"refs/tags/{name}")

    def pushed(self) -> Event:
        self.git("push", "--quiet", "origin", "main")
        return Event("push", self.git("rev-parse", "main"))

    def scheduled(self, cron: str) -> Event:
        return Event("schedule", self.git("rev-parse", "main"), payload={"schedule": cron})

    def dispatched(self, **inputs: str) -> Event:
        return Event(
            "workflow_dispatch", self.git("rev-parse", "main"), payload={"inputs": inputs}, inputs=inputs
        )

    def set_up_pages(self, url: str = "https://observatory.github.io/calibrations/") -> None:
        """Have Pages published at an address."""
        with state(self.folder) as known:
            known["pages"] = url

    # What GitHub does

    def begun(self, workflow: str, event: Event) -> int:
        """Note a run, and return its number."""
        pull = event.payload.get("pull_request")
        with state(self.folder) as known:
            number = len(known["runs"]) + 1001
            run = {
                "id": number,
                "path": f".github/workflows/{workflow}",
                "event": event.name,
                "head_sha": pull["head"]["sha"] if pull else event.sha,
                "head_repository": pull["head"]["repo"] if pull else {"full_name": REPOSITORY},
                "conclusion": None,
            }
            known["runs"].append(run)
        return number

    def ended(self, number: int, conclusion: str) -> None:
        with state(self.folder) as known:
            run = next(run for run in known["runs"] if run["id"] == number)
            run["conclusion"] = conclusion

    def token(self, permissions: Mapping[str, str], *, fork: bool) -> str:
        """Return a token that may do just that."""
        with state(self.folder) as known:
            token = f"ghs_{len(known['tokens']):036d}"
            known["tokens"][token] = {p: "read" if fork else right for p, right in permissions.items()}
        return token

    def asked(self, *beginning: str) -> Sequence[list[str]]:
        """Return the calls of ``gh`` that begin so."""
        return [call for call in self.known["asked"] if call[: len(beginning)] == list(beginning)]

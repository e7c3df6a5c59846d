"""What a pull request may bring, and a clone that it is checked out in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tree import Tree

__all__ = [
    "GIT_CONFIG",
    "PLACES",
    "READ_FROM_DISK",
    "STRANGERS",
    "STRUCTURES",
    "TEXTS",
    "WORKFLOWS",
    "Clone",
    "Seen",
    "git",
    "make_clone",
    "watched",
]

STRANGERS = (
    ("validate",),
    ("validate", "--base", "main"),
    ("validate", "--base", "main", "--format", "github"),
    ("show",),
    ("show", "--at", "main"),
    ("fmt", "--check"),
    ("diff",),
    ("diff", "main"),
    ("impact", "main"),
    ("report", "--base", "main", "--format", "markdown"),
    ("history", "LSSTComCam/calib"),
    ("rollback", "DM-100", "--dry-run"),
    ("approvals",),
)
"""What security.md calls fit for strangers, or lets touch nothing."""

READ_FROM_DISK = {"validate", "diff", "impact", "report", "approvals"}
"""Of these, what reads the tree as it is proposed."""

WORKFLOWS = (
    ("validate", "--base", "HEAD^1", "--format", "github"),
    ("report", "--base", "HEAD^1", "--format", "json"),
    ("plan", "--site", "summit"),
    ("drift", "--files", "--format", "markdown"),
    ("status",),
    ("observe", "--site", "summit", "--publish"),
    ("apply", "--yes", "--format", "markdown"),
    ("verify", "--site", "summit", "--publish", "--format", "markdown"),
)
"""What the workflows run, and who works at a site."""

GIT_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = {bare}
{worktree}\tfsmonitor = {canary}
\thooksPath = {hooks}
\tpager = {canary}
\teditor = {canary}
\taskPass = {canary}
\tsshCommand = {canary}
\talternateRefsCommand = {canary}
[credential]
\thelper = !{canary}
[diff]
\texternal = {canary}
[diff "any"]
\ttextconv = {canary}
[filter "any"]
\tclean = {canary}
\tsmudge = {canary}
\tprocess = {canary}
\trequired = true
[gpg]
\tprogram = {canary}
[log]
\tshowSignature = true
[alias]
\trev-parse = !{canary}
\trev-list = !{canary}
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = .
\tpromisor = true
\tuploadpack = {canary}
\tvcs = ext
"""
"""All by which Git's settings name a program."""

STRUCTURES: Mapping[str, str | None] = {
    "bare": None,
    "with this folder as worktree": ".",
    "with the tree as worktree": "state",
    "with the tree's path as worktree": "{state}",
}
"""Folders that look like a repository, by the worktree that they name."""

PLACES = (".", "sub", "sub/state", "sub/state/tickets", "sub/state/tickets/LSSTComCam", "sub/state/docs")
"""Where in the checkout it is put: above the tree, at its root, within."""

TEXTS: Mapping[str, str] = {
    "a substitution": "$({canary})",
    "backticks": "`{canary}`",
    "an end of single quotes": "'; {canary}; '",
    "an end of double quotes": '"; {canary}; "',
    "an end of a line": "x\nEOF\n{canary}\n",
    "an end of a command": "; {canary} & {canary} | {canary} #",
    "a secret": "$AWS_SECRET_ACCESS_KEY ${{AWS_SECRET_ACCESS_KEY}}",
    "a secret or a command": "${{AWS_SECRET_ACCESS_KEY:-$({canary})}} !! ${{!AWS*}} $((1+1)) ~ *",
    "a key of a template": "{{payloadName}} {{AWS_SECRET_ACCESS_KEY}}",
    "what a terminal obeys": "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "what nobody sees": "a\u202e\u2066b\u200b\ufeff\u2028c",
    "a command of the runner": "\n::add-mask::owned\n  ::error file=x::owned\n##[error]owned\n",
    "markup": "</details>\n\n# owned\n<img src=x>|**a**|`[x](http://owned.invalid)",
    "mentions": "@lsst/owned #1 GH-1 www.owned.invalid https://owned.invalid/ DM-1 [~owned] !x.png!",
    "options": "--help -o owned --butler-config owned",
    "Python": "'+__import__('os').system('{canary}')+'",
    "an object of YAML": "!!python/object/apply:os.system ['{canary}']",
    "a path": "../../../../../../etc/passwd",
}
"""Words that mean something to whoever reads them, before `format`."""


def git(folder: Path, *words: str, **variables: str) -> str:
    who = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(
        ["git", *words],
        cwd=folder,
        env={**os.environ, **who, **variables},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@dataclass(frozen=True)
class Clone:
    """A clone whose branch is a proposal, and what is real in it."""

    top: Path
    canary: Path
    """A program; once it was run there is a file beside it."""

    main: str
    """The commit of the main branch."""

    @property
    def tree(self) -> Tree:
        return Tree(self.top / "sub")

    @property
    def head(self) -> str:
        return git(self.top, "rev-parse", "HEAD")

    @property
    def ran(self) -> bool:
        """Whether anything that was proposed was run."""
        return self.canary.with_suffix(".ran").exists()

    def propose(self, files: Mapping[str, str]) -> None:
        """Commit files as somebody who wishes no good."""
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(canary=self.canary, state=self.tree.state))
            if text.startswith("#!"):
                path.chmod(0o755)
        git(self.top, "add", "-A", "-f")
        git(self.top, "commit", "-q", "-m", "a proposal")

    def put_repository(self, where: str, worktree: str | None) -> str:
        """Make a folder look like a repository; return the commit in it."""
        other = self.canary.parent / "other"
        shutil.rmtree(other, ignore_errors=True)
        git(self.canary.parent, "init", "-q", "-b", "main", "other")
        shutil.copytree(self.tree.state, other / "sub" / "state", ignore=shutil.ignore_patterns(".git"))
        (other / "sub" / "state" / "chains" / "a.yaml").write_text("chain: false\n")
        git(other, "add", "-A")
        git(other, "commit", "-q", "-m", "false")
        into = self.top / where
        into.mkdir(parents=True, exist_ok=True)
        for name in ("HEAD", "objects", "refs"):
            source = other / ".git" / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, into / name)
        # Git keeps no empty folder.
        (into / "refs" / "keep").write_text("")
        (into / "config").write_text(self.settings(worktree))
        false = git(other, "rev-parse", "HEAD")
        git(self.top, "add", "-A", "-f")
        git(self.top, "commit", "-q", "-m", "a proposal")
        return false

    def settings(self, worktree: str | None = None) -> str:
        """Return a file of settings that names the canary everywhere."""
        tree = f"\tworktree = {worktree.format(state=self.tree.state)}\n" if worktree else ""
        hooks = self.top / ".hooks"
        return GIT_CONFIG.format(canary=self.canary, hooks=hooks, bare="false", worktree=tree)


def make_clone(folder: Path, tree: Tree | None = None, digests: str = "sha1") -> Clone:
    """Make a clone with a tree in it, and a branch off its main."""
    top = folder / "clone"
    canary = folder / "outside" / "canary"
    canary.parent.mkdir(parents=True)
    canary.write_text(f"#!/bin/sh\ntouch {canary}.ran\nexit 1\n")
    canary.chmod(0o755)
    if tree is None:
        tree = Tree(top / "sub")
        tree.settings()
        tree.site("usdf", {"main": "origin"})
        tree.ticket("DM-100", "bias.20240101a")
        tree.chain(["DM-100"])
    git(top, "init", "-q", "-b", "main", f"--object-format={digests}")
    git(top, "config", "user.name", "nobody")
    git(top, "config", "user.email", "nobody@example.org")
    git(top, "add", "sub/state")
    git(top, "commit", "-q", "-m", "as it is")
    main = git(top, "rev-parse", "HEAD")
    git(top, "switch", "-q", "-c", "proposal")
    return Clone(top, canary, main)


# --- what a process does ---


@dataclass
class Seen:
    """What this process has opened and started."""

    opened: list[str]
    started: list[tuple[str, ...]]
    connected: list[Any]

    def below(self, folder: Path) -> list[str]:
        """Return what was opened in a folder, by whatever name."""
        root = os.path.realpath(folder)
        return [path for path in self.opened if os.path.realpath(path).startswith(f"{root}/")]


_watching: list[Seen] = []
_hooked: list[bool] = []


@contextmanager
def watched() -> Iterator[Seen]:
    """Note what this process opens and starts."""
    if not _hooked:
        # There is no way to take one off again.
        _hooked.append(True)
        sys.addaudithook(_note)
    seen = Seen([], [], [])
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if note := _NOTES.get(event):
        note(_watching[-1], arguments)


def _path(seen: Seen, arguments: tuple[Any, ...]) -> None:
    if isinstance(arguments[0], str | bytes | os.PathLike):
        seen.opened.append(os.fsdecode(arguments[0]))


def _started(seen: Seen, arguments: tuple[Any, ...]) -> None:
    program, words = arguments[0], arguments[1]
    seen.started.append((str(program), *map(str, words)))


_NOTES: Mapping[str, Callable[[Seen, tuple[Any, ...]], None]] = {
    "open": _path,
    "os.listdir": _path,
    "os.scandir": _path,
    "subprocess.Popen": _started,
    "os.exec": _started,
    "os.posix_spawn": _started,
    "os.system": lambda seen, arguments: seen.started.append((str(arguments[0]),)),
    "socket.connect": lambda seen, arguments: seen.connected.append(arguments[1]),
}

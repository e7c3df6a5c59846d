"""What is proposed is read: no word of it is run, obeyed or believed.

Whoever opens a pull request writes every file of the checkout but its
``.git``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters import git as adapter
from calibstate.adapters.checkout import base_of
from calibstate.adapters.git import opened
from calibstate.factory.past import checked_out
from tests.commands.hostile import (
    PLACES,
    READ_FROM_DISK,
    STRANGERS,
    STRUCTURES,
    WORKFLOWS,
    Clone,
    git,
    make_clone,
    watched,
)
from tests.commands.sites import Sites, make_sites
from tests.tree import ROOT, Tree

AT_ROOT = PLACES[2:]
"""Where the tree itself would hold it."""

SAMPLE = [("with the tree as worktree", "sub/state"), ("bare", "sub"), ("with this folder as worktree", ".")]
EVERY = [(kind, where) for kind in STRUCTURES for where in PLACES]
STRUCTURED = [
    pytest.param(*one, marks=() if one in SAMPLE else pytest.mark.slow, id=" ".join(one)) for one in EVERY
]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return make_clone(tmp_path)


# --- folders that look like a repository ---


@pytest.mark.parametrize(("kind", "where"), STRUCTURED)
def test_no_folder_is_taken_for_a_repository_by_any_command_for_strangers(
    clone: Clone, kind: str, where: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    false = clone.put_repository(where, STRUCTURES[kind])
    # Whoever works in a clone may stand anywhere in it.
    monkeypatch.chdir(clone.top / where)

    for words in STRANGERS:
        ran = clone.tree.run(capsys, *words)
        assert not clone.ran, words
        assert false[:10] not in ran.out + ran.err, words
        assert ran.code in {0, 1}, (words, ran.err)
        if words[0] in READ_FROM_DISK:
            refused = "Git repository within the tree" in ran.err + ran.out
            assert refused == (ran.code == 1) == (where in AT_ROOT), (words, ran.err)
    if where not in AT_ROOT:
        assert clone.main[:10] in clone.tree.run(capsys, "show", "--at", "main").out


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", STRUCTURES)
def test_the_commit_is_that_of_the_clone_wherever_a_repository_is_put(
    clone: Clone, kind: str, where: str
) -> None:
    # Below the commands, which refuse what is within the tree.
    false = clone.put_repository(where, STRUCTURES[kind])
    root = str(clone.tree.state)

    assert clone.head != false
    assert checked_out(root).commit == clone.head
    assert base_of(root, "main")[0] == clone.main
    assert base_of(root, None)[0] == clone.main
    assert not clone.ran


@pytest.fixture
def sites_in_a_clone(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Clone, Sites]]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    sites = make_sites(tmp_path / "clone" / "sub", tickets=("DM-1",), detectors=1)
    clone = make_clone(tmp_path, sites.tree)
    with closing(Sites(sites.tree, capsys)) as made:
        yield clone, made


def test_no_folder_is_taken_for_a_repository_by_who_works_at_a_site(
    sites_in_a_clone: tuple[Clone, Sites], tmp_path: Path
) -> None:
    clone, sites = sites_in_a_clone
    false = [clone.put_repository(where, STRUCTURES["with the tree as worktree"]) for where in (".", "sub")]

    for words in WORKFLOWS:
        ran = sites.run(*words)
        assert not clone.ran, words
        assert ran.code in {0, 2, 4}, (words, ran.err)
        assert not any(commit in ran.out + ran.err for commit in false), words
    plan = tmp_path / "plan.json"
    sites.run("plan", "-o", str(plan))
    assert f'"commit": "{clone.head}"' in plan.read_text()
    (journal,) = (sites.tree.folder / "records" / "journal").glob("*.jsonl")
    assert clone.head in journal.read_text()
    assert not clone.ran


@pytest.mark.parametrize("words", [WORKFLOWS[0], WORKFLOWS[6]], ids=lambda words: words[0])
def test_a_tree_that_holds_a_repository_is_refused_at_a_site(
    sites_in_a_clone: tuple[Clone, Sites], words: tuple[str, ...]
) -> None:
    clone, sites = sites_in_a_clone
    clone.put_repository("sub/state", STRUCTURES["with the tree as worktree"])

    ran = sites.run(*words)

    assert (ran.code, "Git repository within the tree" in ran.err + ran.out) == (1, True)
    assert not clone.ran
    assert not (sites.tree.folder / "archive").exists()


def damage(clone: Clone) -> None:
    """Leave of a .git at the tree's root only what makes it look like one."""
    (clone.tree.state / ".git").mkdir()
    (clone.tree.state / ".git" / "HEAD").write_text("ref: refs/heads/main\n")


def test_where_a_clone_is_damaged_no_other_one_is_taken(clone: Clone) -> None:
    damage(clone)

    found = checked_out(str(clone.tree.state))

    assert (found.commit, "not a git repository" in found.unknown) == (None, True)


def test_an_old_git_that_takes_the_folder_instead_is_not_believed(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.put_repository("sub/state", STRUCTURES["with this folder as worktree"])
    damage(clone)
    # Before 2.38 it knew no such setting.
    monkeypatch.setitem(adapter._SETTINGS, "safe.bareRepository", "all")

    found = checked_out(str(clone.tree.state))

    assert (found.commit, "which is not what .git names" in found.unknown) == (None, True)
    assert not clone.ran


def test_a_name_that_a_file_system_takes_for_git_is_not(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone.top / ".git").rename(clone.tree.state / ".git")
    listed = os.listdir
    unseen = ".g\u200cit"
    monkeypatch.setattr(os, "listdir", lambda at: [unseen if n == ".git" else n for n in listed(at)])

    assert checked_out(str(clone.tree.state)).commit is None


# --- words that Git would obey ---


HOOKS = ("pre-commit", "commit-msg", "post-checkout", "post-commit", "post-index-change", "pre-auto-gc")


@pytest.fixture
def included(clone: Clone) -> Clone:
    """A clone whose settings include a file of the checkout."""
    git(clone.top, "config", "include.path", "../settings")
    clone.propose(
        {
            ".gitattributes": "* filter=any diff=any\n",
            **{f".hooks/{name}": "#!/bin/sh\n{canary}\n" for name in HOOKS},
        }
    )
    (clone.top / "settings").write_text(clone.settings())
    return clone


def test_no_program_of_included_settings_is_run(included: Clone, capsys: Any) -> None:
    # That they are read at all is shown by Git itself.
    subprocess.run(["git", "status"], cwd=included.top, capture_output=True, check=False)
    assert included.ran
    included.canary.with_suffix(".ran").unlink()

    for words in (*STRANGERS, ("rollback", "DM-100", "--commit")):
        ran = included.tree.run(capsys, *words)
        assert not included.ran, words
        assert ran.code in {0, 1}, (words, ran.err)
    assert git(included.top, "log", "-1", "--format=%s", GIT_CONFIG_GLOBAL="/dev/null") == "Roll back DM-100"


def test_a_file_of_the_checkout_calls_no_author_otherwise(clone: Clone, capsys: Any) -> None:
    clone.propose({".mailmap": "Director <nobody> <nobody>\n"})
    clone.tree.chain([], retired={"DM-100": "striped"})
    git(clone.top, "commit", "-q", "-a", "-m", "retire")
    git(clone.top, "switch", "-q", "main")
    git(clone.top, "merge", "-q", "--no-ff", "proposal", "-m", "Merge pull request #7 from x/y")

    told = clone.tree.run(capsys, "history", "LSSTComCam/calib", "--format", "json")

    assert "nobody" in told.out
    assert "Director" not in told.out


@pytest.mark.parametrize("lacking", ["blob", "tree", "commit"])
def test_what_a_clone_lacks_is_fetched_from_nowhere(clone: Clone, lacking: str, capsys: Any) -> None:
    name = {"blob": "main:sub/state/chains/LSSTComCam-calib.yaml", "tree": "main:sub/state", "commit": "main"}
    digest = git(clone.top, "rev-parse", name[lacking])
    git(clone.top, "checkout", "-q", "--orphan", "alone")
    for setting in ("extensions.partialClone=origin", "remote.origin.url=.", "remote.origin.promisor=true"):
        git(clone.top, "config", *setting.split("="))
    git(clone.top, "config", "core.repositoryFormatVersion", "1")
    git(clone.top, "config", "remote.origin.uploadpack", str(clone.canary))
    (clone.top / ".git" / "objects" / digest[:2] / digest[2:]).unlink()
    # What stands in the working tree too is not asked of Git.
    chain = clone.tree.state / "chains" / "LSSTComCam-calib.yaml"
    chain.write_text(f"{chain.read_text()}# another one\n")

    for words in (("show", "--at", "main"), ("diff", "main"), ("validate", "--base", "main")):
        ran = clone.tree.run(capsys, *words)
        assert not clone.ran, words
        assert ran.code == 1, (words, ran.err)
        assert "Git knows no" not in ran.err
        assert digest in ran.err, ran.err


def test_every_git_is_told_in_its_variables_too_to_fetch_nothing(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Settings alone would do; one that allows a protocol counts more."""
    noted, stand_in = tmp_path / "noted", tmp_path / "bin" / "git"
    stand_in.parent.mkdir()
    fetching = "$GIT_ALLOW_PROTOCOL|${GIT_ALLOW_PROTOCOL+set}|$GIT_NO_LAZY_FETCH"
    stand_in.write_text(f'#!/bin/sh\necho "{fetching}" >> {noted}\nexec {shutil.which("git")} "$@"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent), prepend=os.pathsep)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")

    assert clone.tree.run(capsys, "validate", "--base", "main").code == 0

    assert set(noted.read_text().splitlines()) == {"|set|1"}


def test_no_object_is_replaced_by_another(clone: Clone) -> None:
    git(clone.top, "commit", "-q", "--allow-empty", "-m", "another")
    git(clone.top, "replace", clone.main, clone.head)

    with opened(str(clone.tree.state)) as checkout:
        assert checkout.commit(clone.main).message == "as it is\n"


def test_a_tag_that_is_called_as_the_main_branch_is_not_the_base(clone: Clone) -> None:
    git(clone.top, "commit", "-q", "--allow-empty", "-m", "another")
    git(clone.top, "tag", "main")
    git(clone.top, "tag", "origin/main")

    assert base_of(str(clone.tree.state), None)[0] == clone.main


def test_variables_of_another_git_name_no_other_repository(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "other")
    for name, value in {
        "GIT_DIR": "other/.git",
        "GIT_WORK_TREE": "other",
        "GIT_COMMON_DIR": "other/.git",
        "GIT_INDEX_FILE": "other/index",
        "GIT_OBJECT_DIRECTORY": "other/.git/objects",
        "GIT_NAMESPACE": "other",
        "GIT_CEILING_DIRECTORIES": ".",
    }.items():
        monkeypatch.setenv(name, str(tmp_path / value))

    assert (
        checked_out(str(clone.tree.state)).commit
        == subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=clone.top,
            env={"PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )


# --- hooks, of a person's own commit ---


def test_a_hook_in_the_checkout_is_not_run_for_a_commit(clone: Clone, capsys: Any) -> None:
    clone.propose({f".hooks/{name}": "#!/bin/sh\n{canary}\n" for name in HOOKS})
    git(clone.top, "config", "core.hooksPath", ".hooks")

    ran = clone.tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, clone.ran) == (0, False), ran.err


@pytest.mark.parametrize("where", [".git/hooks", "../elsewhere"])
def test_a_hook_that_no_proposal_can_change_is_run_for_a_commit(
    clone: Clone, where: str, capsys: Any
) -> None:
    hooks = clone.top / where
    hooks.mkdir(exist_ok=True)
    shutil.copy(clone.canary, hooks / "pre-commit")
    if where != ".git/hooks":
        git(clone.top, "config", "core.hooksPath", str(hooks))

    ran = clone.tree.run(capsys, "rollback", "DM-100", "--commit")

    assert (ran.code, clone.ran) == (1, True), ran.err


# --- programs and modules that lie about ---

MODULES = {
    f"{folder}/{name}": "#!/bin/sh\n{canary}\n" if "." not in name else "import os\nos.system('{canary}')\n"
    for folder in (".", "sub", "sub/state")
    for name in (
        *(
            "git",
            "sitecustomize.py",
            "usercustomize.py",
            "conftest.py",
            "yaml.py",
            "typer.py",
            "pip.py",
            "html.py",
        ),
        *(
            "typing_extensions.py",
            "lsst.py",
            "rich.py",
            "pydantic.py",
            "calibstate.py",
            "json.py",
            "__init__.py",
        ),
    )
}
SETTINGS = {
    f"{folder}/{name}": "[x]\ninclude = {canary}\n"
    for folder in (".", "sub", "sub/state")
    for name in (
        ".env",
        "pyproject.toml",
        "setup.cfg",
        "rucio.cfg",
        "etc/rucio.cfg",
        ".aws/credentials",
        ".netrc",
    )
}


@pytest.mark.parametrize("where", [".", pytest.param("sub/state", marks=pytest.mark.slow)])
@pytest.mark.parametrize("program", ["calibstate", "module"])
def test_no_module_or_program_of_the_checkout_is_run(
    clone: Clone, where: str, program: str, tmp_path: Path
) -> None:
    clone.propose({**MODULES, **SETTINGS})
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "calibstate").symlink_to(ROOT / "calibstate")
    command = (
        [sys.executable, "-m", "calibstate"]
        if program == "module"
        else [sys.executable, "-I", "-c", _PROGRAM, str(tmp_path / "installed")]
    )
    # A relative folder on the path is one of the checkout.
    paths = f".:{os.environ['PATH']}:"
    variables = {**os.environ, "PATH": paths, "PYTHONPATH": str(tmp_path / "installed")}
    if program == "module":
        # What lies in the working directory in its place cannot be told.
        for name in ("calibstate.py", "sitecustomize.py", "usercustomize.py"):
            (clone.top / where / name).unlink()

    ran = subprocess.run(
        [*command, "-C", str(clone.tree.state), "validate", "--base", "main", "--format", "json"],
        cwd=clone.top / where,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert not clone.ran, ran.stderr
    assert (ran.returncode, "S801" in ran.stdout) == (1, True), ran.stderr


_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from calibstate.cli.main import main; main()"
"""What the installed command does."""


# --- what is outside ---


def test_nothing_outside_is_opened_and_git_alone_is_started(
    clone: Clone, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = clone.canary.parent
    for folder in ("archive", "records", "butler"):
        (outside / folder).mkdir()
    tree = Tree(clone.tree.folder, archive=str(outside / "archive"), records="s3://attacker.invalid/records")
    tree.settings(requires=">=0.1")
    usdf = {"main": {"butler": str(outside / "butler"), "instruments": ["LSSTComCam"], "route": "origin"}}
    tree._write("sites/usdf.yaml", {"site": "usdf", "repositories": usdf, "hosts": ["*"]})
    clone.propose({"sub/state/docs/x": "x"})

    for words in STRANGERS:
        with watched() as seen:
            ran = tree.run(capsys, *words)
        assert ran.code in {0, 1}, (words, ran.err)
        assert seen.below(outside) == [], words
        assert seen.connected == [], words
        for program, *command in seen.started:
            assert Path(program).is_absolute(), words
            assert Path(program).name == "git", (words, program)
            assert "safe.bareRepository=explicit" in command


LINKS = {
    "sub/state/calibstate.yaml": "file",
    "sub/state/tickets/LSSTComCam/DM-100.yaml": "file",
    "sub/state/tickets/LSSTComCam/DM-200.yaml": "missing",
    "sub/state/chains": "folder",
    "sub/state/tickets/LSSTComCam": "folder",
    "sub/state/seals": "folder",
    "sub/state/sites/more.yaml": "loop",
    "sub/state": "folder",
    "sub": "parent",
}


@pytest.mark.parametrize("link", LINKS)
def test_no_link_is_followed_out_of_what_is_proposed(clone: Clone, link: str, capsys: Any) -> None:
    outside = clone.canary.parent / "secret"
    shutil.copytree(clone.tree.state, outside / "folder")
    shutil.copytree(clone.tree.state, outside / "parent" / "state")
    (outside / "file").write_text("version: 1\narchive: a\nrecords: r\n")
    path = clone.top / link
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(path if LINKS[link] == "loop" else outside / LINKS[link])
    git(clone.top, "add", "-A")
    git(clone.top, "commit", "-q", "-m", "linked")

    for words in STRANGERS:
        with watched() as seen:
            ran = clone.tree.run(capsys, *words)
        assert ran.code == 1 or words[0] not in READ_FROM_DISK, (words, ran.out)
        assert seen.below(outside) == [], words
    told = clone.tree.run(capsys, "validate").err
    assert "Link out of the" in told


def test_what_is_not_read_is_not_copied_either(clone: Clone, capsys: Any) -> None:
    # Who reads it waits for ever.
    os.mkfifo(clone.tree.state / "chains" / "README")
    (clone.tree.state / "tickets" / "notes.md").symlink_to(clone.canary)

    with watched() as seen:
        assert clone.tree.run(capsys, "rollback", "DM-100", "--dry-run").code == 0
    assert seen.below(clone.canary.parent) == []


# --- as the system sees it ---


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
@pytest.mark.parametrize(
    "words",
    [
        ("validate", "--base", "main"),
        *(
            pytest.param(words, marks=pytest.mark.slow)
            for words in STRANGERS
            if words[1:] != ("--base", "main")
        ),
    ],
    ids=" ".join,
)
def test_the_system_sees_no_other_program_and_nothing_outside(
    clone: Clone, words: tuple[str, ...], tmp_path: Path
) -> None:
    clone.put_repository("sub", STRUCTURES["with the tree as worktree"])
    git(clone.top, "config", "include.path", "../settings")
    (clone.top / "settings").write_text(clone.settings())
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=execve,openat,connect", "-o", str(trace), sys.executable]

    subprocess.run(
        [*command, "-P", "-m", "calibstate", "-C", str(clone.tree.state), *words],
        cwd=clone.top,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )

    lines = trace.read_text().splitlines()
    programs = {line.split('"')[1] for line in lines if "execve(" in line and line.endswith("= 0")}
    assert {Path(program).name for program in programs} <= {Path(sys.executable).name, "python", "git"}
    assert not [line for line in lines if f'"{clone.canary.parent}' in line]
    assert not [line for line in lines if "connect(" in line and "AF_INET" in line]

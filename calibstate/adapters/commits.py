"""Git: some files of the working tree, committed on a branch of their own.

What else is changed or staged stays as it is, uncommitted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..errors import CalibstateError, Diagnostic, RefusedError
from ..store.yamlsource import MAX_BYTES, in_lines
from .checkout import check_begun, entries_of
from .git import Checkout, GitFailedError, opened

__all__ = ["check_committable", "commit_on_branch"]

_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_WRITTEN = "The files are written: mend it, and commit them by hand."
_BRANCHES = "refs/heads/"


def check_committable(folder: str, files: Sequence[str], branch: str) -> None:
    """Refuse where files could not be committed by themselves.

    Parameters
    ----------
    folder
        The root of a state tree.
    files
        Files in it, that nobody has changed yet.
    branch
        The branch that will be made.

    Raises
    ------
    RefusedError
        They have uncommitted changes, or the branch exists or cannot be called
        so, or a merge or the like is under way.
    CalibstateError
        The tree is not in Git, or has no commit yet.
    """
    with opened(folder) as checkout:
        try:
            check_begun(checkout)
            changed = _changed(checkout, folder, files)
            # Where there is a branch a/b, none can be called a.
            names = checkout.tell("for-each-ref", "--format=%(refname)", _BRANCHES).splitlines()
        except GitFailedError as error:
            raise _failed(error) from None
        if changed:
            detail = f"{', '.join(changed)}: the commit would hold changes that are no part of this."
            raise RefusedError(
                Diagnostic("Uncommitted changes", detail, hint="Commit them or put them aside (git stash).")
            )
        _check_name(checkout, branch)
        branches = [name.removeprefix(_BRANCHES) for name in names]
        there = [name for name in branches if f"{name}/".startswith(f"{branch}/")]
        if there:
            hint = f"Delete or rename it (git branch -m {there[0]} NEW), or leave --commit out."
            raise RefusedError(
                Diagnostic("Branch exists", f"There is a branch {there[0]} already.", hint=hint)
            )
        under_way = [name for name in _UNDER_WAY if (checkout.git_dir / name).exists()]
        if under_way:
            detail = f"{under_way[0]} is there: a merge or the like is under way."
            raise RefusedError(Diagnostic("Git is busy", detail, hint="End it first; see git status."))


def _changed(checkout: Checkout, folder: str, files: Sequence[str]) -> list[str]:
    """Return the files that are not as HEAD has them, on the disk or staged.

    They are compared here: what `git status` tells depends on a person's
    settings, and it runs their filters.
    """
    tree = checkout.commit(checkout.tell("rev-parse", "--verify", "HEAD")).tree
    top = checkout.inside(folder)
    changed = []
    for file in files:
        path = top / file
        staged = checkout.tell("diff-index", "--cached", "--raw", "HEAD", "--", str(path))
        entries = entries_of(checkout, tree, path.parent.parts)
        committed = next((entry for entry in entries if entry.name == path.name), None)
        content = in_lines(Path(folder, file).read_bytes())
        if staged or committed is None or in_lines(checkout.file(committed.digest, MAX_BYTES)) != content:
            changed.append(file)
    return changed


def _check_name(checkout: Checkout, branch: str) -> None:
    if checkout.ask("check-ref-format", "--branch", branch).code:
        detail = f"Git allows no branch to be called {branch}."
        hint = "Leave --commit out, and commit the files on a branch of another name."
        raise RefusedError(Diagnostic("Not a name of a branch", detail, hint=hint))


def commit_on_branch(folder: str, files: Sequence[str], branch: str, message: str) -> str:
    """Commit files on a new branch, and stay there.

    Parameters
    ----------
    folder
        The root of a state tree.
    files
        Files in it.
    branch
        The branch that is made, from where HEAD is.
    message
        What the commit says.

    Returns
    -------
    str
        Hex digest of the commit.

    Raises
    ------
    CalibstateError
        Git made none, for want of a name or because of a hook, say.  The
        branch is as before, and so are the files.
    """
    with opened(folder) as checkout:
        try:
            settings = (*_careful(checkout), *_hooks(checkout))
            before = _branch_or_commit(checkout)
            checkout.tell(*settings, "checkout", "--quiet", "-b", branch)
        except GitFailedError as error:
            raise _failed(error, _WRITTEN) from None
        try:
            only = ("--quiet", "--only", "--message", message)
            checkout.tell(*settings, "commit", *only, "--", *_paths(folder, files))
            return checkout.tell("rev-parse", "--verify", "HEAD")
        except GitFailedError as error:
            checkout.ask(*settings, "checkout", "--quiet", before)
            checkout.ask("branch", "--delete", "--force", branch)
            raise _failed(error, _WRITTEN) from None


def _branch_or_commit(checkout: Checkout) -> str:
    """Return where HEAD is, as it is called to go back there."""
    answer = checkout.ask("symbolic-ref", "--quiet", "HEAD")
    if answer.code == 0:
        return answer.out.removeprefix(_BRANCHES)
    return checkout.tell("rev-parse", "--verify", "HEAD")


def _careful(checkout: Checkout) -> list[str]:
    """Return settings by which Git reads files and runs no filter on them.

    What files are filtered by is named by ``.gitattributes``, which may be
    proposed by anybody; what that means, by the settings of this clone.
    """
    answer = checkout.ask("config", "--null", "--name-only", "--get-regexp", r"^filter\.")
    filters = {key.rpartition(".")[0] for key in answer.out.split("\0") if key}
    settings: list[str] = []
    for name in sorted(filters):
        for key in ("clean=", "smudge=", "process=", "required=false"):
            settings += ["-c", f"{name}.{key}"]
    return settings


def _hooks(checkout: Checkout) -> tuple[str, ...]:
    """Return the setting by which Git runs the hooks of this clone.

    A commit is a person's own, so their hooks have a say; but not those that
    lie in the checkout, where whoever proposes a change can write them.
    """
    answer = checkout.ask("config", "--null", "--type=path", "--get-all", "core.hooksPath")
    # The last one is ours; each ends with a NUL.
    theirs = answer.out.split("\0")[:-2]
    named = theirs[-1] if theirs else ""
    shared = Path(checkout.top, checkout.tell("rev-parse", "--git-common-dir"))
    hooks = Path(checkout.top, named or shared / "hooks").resolve()
    if hooks.is_relative_to(checkout.top) and not hooks.is_relative_to(shared.resolve()):
        return ()
    return ("-c", f"core.hooksPath={hooks}")


def _paths(folder: str, files: Sequence[str]) -> list[str]:
    return [os.fspath(Path(folder) / PurePosixPath(file)) for file in files]


def _failed(error: GitFailedError, hint: str = "") -> CalibstateError:
    return CalibstateError(Diagnostic("Git made no commit", error.words, hint=hint))

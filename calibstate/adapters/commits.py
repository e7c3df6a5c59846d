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

__all__ = ["check_committable", "commit_on_branch", "current_branch", "never_committed"]

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
        Files in it, that nobody has changed yet; some may not be there.
    branch
        The branch that will be made, or that is checked out.

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
            references = checkout.tell("for-each-ref", "--format=%(refname)", _BRANCHES)
            here = _branch_of(checkout)
        except GitFailedError as error:
            raise _failed(error) from None
        if changed:
            names = ", ".join(changed)
            raise RefusedError(
                Diagnostic(
                    "Uncommitted changes",
                    f"{names}: the commit would hold changes that are no part of this.",
                    hint="Commit them or put them aside (git stash).",
                )
            )
        if checkout.ask("check-ref-format", "--branch", branch).code:
            raise RefusedError(
                Diagnostic(
                    "Not a name of a branch",
                    f"Git allows no branch to be called {branch}.",
                    hint="Leave --commit out, and commit the files on a branch of another name.",
                )
            )
        for reference in references.splitlines():
            there = reference.removeprefix(_BRANCHES)
            # What is checked out is gone on with.
            if branch == here:
                break
            # Where there is a branch a/b, none can be called a.
            if not f"{there}/".startswith(f"{branch}/"):
                continue
            raise RefusedError(
                Diagnostic(
                    "Branch exists",
                    f"There is a branch {there} already.",
                    hint=f"Delete or rename it (git branch -m {there} NEW), or leave --commit out.",
                )
            )
        for name in _UNDER_WAY:
            if not (checkout.git_dir / name).exists():
                continue
            raise RefusedError(
                Diagnostic(
                    "Git is busy",
                    f"{name} is there: a merge or the like is under way.",
                    hint="End it first; see git status.",
                )
            )


def current_branch(folder: str) -> str:
    """Return the branch that is checked out; empty: none is.

    Parameters
    ----------
    folder
        The root of a state tree.

    Raises
    ------
    CalibstateError
        The tree is not in Git.
    """
    with opened(folder) as checkout:
        return _branch_of(checkout)


def _branch_of(checkout: Checkout) -> str:
    """Return the branch that is checked out; empty: none is."""
    head = checkout.ask("symbolic-ref", "--quiet", "HEAD")
    if head.code:
        return ""
    return head.out.strip().removeprefix(_BRANCHES)


def never_committed(folder: str, files: Sequence[str]) -> list[str]:
    """Return the files that are on the disk, and not in HEAD.

    Parameters
    ----------
    folder
        The root of a state tree.
    files
        Files in it.

    Raises
    ------
    CalibstateError
        The tree is not in Git, or has no commit yet.
    """
    with opened(folder) as checkout:
        try:
            check_begun(checkout)
            tree = checkout.commit(checkout.tell("rev-parse", "--verify", "HEAD")).tree
        except GitFailedError as error:
            raise _failed(error) from None
        top = checkout.inside(folder)
        new = []
        for file in files:
            if Path(folder, file).exists() and _committed(checkout, tree, top / file) is None:
                new.append(file)
        return new


def _changed(
    checkout: Checkout,
    folder: str,
    files: Sequence[str],
) -> list[str]:
    """Return the files that are not as HEAD has them, on the disk or staged.

    They are compared here: what `git status` tells depends on a person's
    settings, and it runs their filters.
    """
    head = checkout.tell("rev-parse", "--verify", "HEAD")
    tree = checkout.commit(head).tree
    top = checkout.inside(folder)
    changed = []
    for file in files:
        path = top / file
        staged = checkout.tell(
            "diff-index",
            "--cached",
            "--raw",
            "HEAD",
            "--",
            str(path),
        )
        on_disk = None
        if Path(folder, file).exists():
            # Line ends may be changed by Git between the disk and the commit.
            on_disk = in_lines(Path(folder, file).read_bytes())
        if staged or _committed(checkout, tree, path) != on_disk:
            changed.append(file)
    return changed


def _committed(checkout: Checkout, tree: str, path: PurePosixPath) -> bytes | None:
    """Return what a tree of Git has of a file; `None`: it has none."""
    for entry in entries_of(checkout, tree, path.parent.parts):
        if entry.name == path.name:
            return in_lines(checkout.file(entry.digest, MAX_BYTES))
    return None


def commit_on_branch(folder: str, files: Sequence[str], branch: str, message: str) -> str:
    """Commit files on a branch, and stay there.

    Parameters
    ----------
    folder
        The root of a state tree.
    files
        Files in it.
    branch
        The branch; unless it is checked out it is made, from where HEAD is.
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
            settings = (*_without_filters(checkout), *_with_hooks(checkout))
            # Where HEAD is, as it is called to go back there.
            before = _branch_of(checkout) or checkout.tell("rev-parse", "--verify", "HEAD")
            if branch != before:
                checkout.tell(*settings, "checkout", "--quiet", "-b", branch)
        except GitFailedError as error:
            raise _failed(error, _WRITTEN) from None
        paths = [os.fspath(Path(folder) / PurePosixPath(file)) for file in files]
        new: list[str] = []
        try:
            # A commit of some files takes only what Git has heard of.
            for path in paths:
                if not checkout.tell("ls-files", "--", path):
                    checkout.tell(*settings, "add", "--intent-to-add", "--", path)
                    new.append(path)
            checkout.tell(
                *settings,
                "commit",
                "--quiet",
                "--only",
                "--message",
                message,
                "--",
                *paths,
            )
            return checkout.tell("rev-parse", "--verify", "HEAD")
        except GitFailedError as error:
            if new:
                checkout.ask(*settings, "reset", "--quiet", "--", *new)
            if branch != before:
                checkout.ask(*settings, "checkout", "--quiet", before)
                checkout.ask("branch", "--delete", "--force", branch)
            raise _failed(error, _WRITTEN) from None


def _without_filters(checkout: Checkout) -> list[str]:
    """Return settings by which Git reads files and runs no filter on them.

    What files are filtered by is named by ``.gitattributes``, which may be
    proposed by anybody; what that means, by the settings of this clone.
    """
    answer = checkout.ask(
        "config",
        "--null",
        "--name-only",
        "--get-regexp",
        r"^filter\.",
    )
    filters = set()
    for key in answer.out.split("\0"):
        # The last one ends with a NUL, and nothing follows.
        if key:
            name, _, _ = key.rpartition(".")
            filters.add(name)
    settings: list[str] = []
    for name in sorted(filters):
        for setting in ("clean=", "smudge=", "process=", "required=false"):
            settings += ["-c", f"{name}.{setting}"]
    return settings


def _with_hooks(checkout: Checkout) -> tuple[str, ...]:
    """Return the setting by which Git runs the hooks of this clone.

    A commit is a person's own, so their hooks have a say; but not those that
    lie in the checkout, where whoever proposes a change can write them.
    """
    git_folder = checkout.tell("rev-parse", "--git-common-dir")
    shared = Path(checkout.top, git_folder)
    hooks = shared / "hooks"
    answer = checkout.ask(
        "config",
        "--null",
        "--type=path",
        "--get-all",
        "core.hooksPath",
    )
    # The last one is ours; each ends with a NUL.
    theirs = answer.out.split("\0")[:-2]
    if theirs and theirs[-1]:
        hooks = Path(checkout.top, theirs[-1])
    hooks = hooks.resolve()
    is_in_checkout = hooks.is_relative_to(checkout.top)
    if is_in_checkout and not hooks.is_relative_to(shared.resolve()):
        return ()
    return ("-c", f"core.hooksPath={hooks}")


def _failed(error: GitFailedError, hint: str = "") -> CalibstateError:
    return CalibstateError(Diagnostic("Git made no commit", error.words, hint=hint))

"""What stands around a new tree: pre-commit, GitHub, and the next commands."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import Diagnostic
from ..model.desired import DesiredState
from . import remarks
from .files import Beginning
from .github import Layout, github_files, pre_commit, workflows
from .program import named_program, program_here
from .sites import origins
from .wishes import Wishes

__all__ = ["Surroundings", "next_commands", "surroundings"]

_PLAIN_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
"""Folders that mean the same in YAML, in a pattern and to a shell."""


@dataclass(frozen=True)
class Surroundings:
    """Files that are no part of a tree."""

    texts: Mapping[str, str]
    """What they hold, by path relative to the root of the tree."""

    remarks: tuple[Diagnostic, ...] = ()
    """What a person should know."""


def surroundings(root: Path, top: Path, tree: DesiredState, wishes: Wishes) -> Surroundings:
    """Return the files that stand around a tree.

    Parameters
    ----------
    root
        Root of the tree.
    top
        Top of the Git repository that it is, or is to be, in.
    tree
        What it declares.
    wishes
        Which of the files are wanted.

    Raises
    ------
    UsageError
        The program is not named as it should be.
    """
    program = program_here()
    if wishes.program:
        program = named_program(wishes.program)
    folder = ""
    if root != top:
        folder = root.relative_to(top).as_posix()
        if not _PLAIN_FOLDER.fullmatch(folder):
            return Surroundings({}, (remarks.strange_folder(folder),))
    # There is an origin in every tree that has a site.
    origin = origins(tree)[0].site
    others = tuple(name for name in tree.sites if name != origin)
    layout = Layout(folder, origin, others)
    texts = {".pre-commit-config.yaml": pre_commit(layout)}
    diagnostics: list[Diagnostic] = []
    if wishes.github:
        texts.update(github_files(layout))
        # Workflows that are there know what they run.
        if program is None and not (top / ".github/workflows").exists():
            diagnostics.append(remarks.program_unknown())
        if program:
            texts.update(workflows(layout, program))
            diagnostics.append(remarks.program_used(program.repository, program.ref))
            if not program.is_fixed:
                diagnostics.append(remarks.program_unfixed(program.repository, program.ref))
    above = os.path.relpath(top, root)
    placed: dict[str, str] = {}
    for file, text in texts.items():
        placed[os.path.normpath(f"{above}/{file}")] = text
    return Surroundings(placed, tuple(diagnostics))


def next_commands(beginning: Beginning, *, is_in_clone: bool) -> tuple[str, ...]:
    """Return what a person runs next.

    Parameters
    ----------
    beginning
        What was written.
    is_in_clone
        Whether there is a Git repository.
    """
    if not beginning.changes:
        return ()
    commands: list[str] = []
    here = Path.cwd()
    folder = beginning.root
    if folder != here:
        if folder.is_relative_to(here):
            folder = folder.relative_to(here)
        commands.append(f"cd {shlex.quote(str(folder))}")
    if not is_in_clone:
        commands.append("git init -b main")
    commands.append("calibstate capture")
    added = ["."]
    for change in beginning.changes:
        if change.file.startswith("../"):
            added.append(shlex.quote(change.file))
    commands.append(f'git add {" ".join(added)} && git commit -m "Declare what is live"')
    return tuple(commands)

"""A small world of each kind, in which every command has to show it.

A kind brings one file here, called after it, with a ``WORLD``: a `KindWorld`,
or why it has none (`Elsewhere`).  ``tests/commands/every_kind_test.py`` walks
them, and misses the file of a kind that has none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tests.commands.sites import SUMMIT, Sites

__all__ = ["Elsewhere", "KindWorld", "edit", "line_with", "put_butler", "world_of"]

_BUTLER = """\
#!{python}
import sys
if sys.argv[1:] == ["--help"]:
    print("\\nCommands:\\n  {command}  Do what a package of the stack does.")
else:
    from tests.stand_ins.commands.{module} import {function}
    {function}(sys.argv[2:], standalone_mode=False)
"""
"""A ``butler`` that need not import all packages to list its command."""


class KindWorld:
    """Deployed sites, to which one thing of a kind is declared."""

    kind: ClassVar[str]

    place: ClassVar[str] = SUMMIT
    """Where it lacks."""

    told: ClassVar[str]
    """Its name, as people are told of it."""

    file: ClassVar[str] = ""
    """The file that declares it, where `diff` tells of a file that declares
    several; empty: it tells of the name."""

    deployed: ClassVar[str] = "DM-2"
    """A ticket that is deployed in the end."""

    silent: ClassVar[Mapping[str, str]] = {}
    """Commands that say nothing of it, each with the reason."""

    def prepare(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """Set up what its actions need, besides repositories."""

    def prepare_sites(self, sites: Sites) -> None:
        """Make the sites as they are before it is declared."""

    def apply(self, sites: Sites) -> int:
        """Apply until all is done; return what the last run ends with."""
        return sites.apply().code

    def declare(self, sites: Sites) -> None:
        """Declare it, so that it lacks at its place."""
        raise NotImplementedError

    def spoil(self, sites: Sites) -> str:
        """Spoil its declaration; return the line, ``FILE:LINE``."""
        raise NotImplementedError

    def hold(self, sites: Sites) -> None:
        """Have it held; unless it says otherwise, by its repository."""
        site, _, name = self.place.partition("/")
        edit(sites, f"sites/{site}.yaml", lambda said: said["repositories"][name].update(hold="at night"))

    def free(self, sites: Sites) -> None:
        """Take the hold away."""
        site, _, name = self.place.partition("/")
        edit(sites, f"sites/{site}.yaml", lambda said: said["repositories"][name].pop("hold"))


@dataclass(frozen=True)
class Elsewhere:
    """Why a kind is not walked."""

    reason: str

    tests: tuple[str, ...]
    """Where it is shown instead, in tests/."""


def world_of(kind: str) -> KindWorld | Elsewhere | None:
    """Return the world of a kind; `None`: nobody brought one."""
    try:
        module = import_module(f"{__name__}.{kind}")
    except ModuleNotFoundError:
        return None
    world: KindWorld | Elsewhere = module.WORLD
    return world


def put_butler(monkeypatch: pytest.MonkeyPatch, folder: Path, module: str, command: str) -> None:
    """Put a ``butler`` in front of all others that has one command.

    Parameters
    ----------
    monkeypatch
        Sets the environment.
    folder
        Where the program is, made by this.
    module
        Module of `tests.stand_ins.commands`.
    command
        The command.
    """
    folder.mkdir()
    program = folder / "butler"
    function = command.replace("-", "_")
    text = _BUTLER.format(python=sys.executable, command=command, module=module, function=function)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


def line_with(sites: Sites, file: str, words: str) -> str:
    """Return the only line of a file that has some words, ``FILE:LINE``."""
    lines = (sites.tree.state / file).read_text().splitlines()
    (line,) = [number for number, text in enumerate(lines, 1) if words in text]
    return f"{file}:{line}"


def edit(sites: Sites, file: str, change: Any) -> None:
    """Change what a file of the tree says."""
    path = sites.tree.state / file
    said = yaml.safe_load(path.read_text())
    change(said)
    path.write_text(yaml.safe_dump(said, sort_keys=False))

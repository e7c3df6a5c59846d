"""The names that a state tree declares, as far as they can be read.

For who types them: a tree in the middle of a change still has names, so what
cannot be read is passed over.  Nothing is checked, and only what is asked for
is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import CalibstateError
from .yamlsource import read_yaml

__all__ = ["chains", "instruments", "repositories", "sites", "tickets"]


def sites(root: Path) -> list[str]:
    """Return the names of the sites, sorted."""
    return sorted(file.stem for file in (root / "sites").glob("*.yaml"))


def repositories(root: Path) -> list[str]:
    """Return the addresses of the repositories, sorted."""
    return sorted({f"{file.stem}/{name}" for file, said in _said(root, "sites") for name in _within(said)})


def instruments(root: Path) -> list[str]:
    """Return the instruments that repositories and tickets have, sorted."""
    of_repositories = {
        name
        for _, said in _said(root, "sites")
        for repository in _within(said).values()
        if isinstance(repository, dict)
        for name in _words(repository.get("instruments"))
    }
    return sorted(of_repositories | {instrument for instrument, _ in tickets(root)})


def tickets(root: Path) -> list[tuple[str, str]]:
    """Return the tickets, as instrument and name, sorted."""
    return sorted((file.parent.name, file.stem) for file in (root / "tickets").glob("*/*.yaml"))


def chains(root: Path) -> list[str]:
    """Return the names of the declared chains, sorted."""
    return sorted({name for _, said in _said(root, "chains") for name in _words([said.get("chain")])})


def _said(root: Path, part: str) -> Iterator[tuple[Path, dict[Any, Any]]]:
    """Yield what the files of a part of the tree say."""
    for file in sorted((root / part).glob("*.yaml")):
        try:
            said = read_yaml(file.read_bytes(), file.name).data
        except (CalibstateError, OSError):
            continue
        if isinstance(said, dict):
            yield file, said


def _within(site: dict[Any, Any]) -> dict[Any, Any]:
    found = site.get("repositories")
    return found if isinstance(found, dict) else {}


def _words(found: Any) -> list[str]:
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []

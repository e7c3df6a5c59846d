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
    folder = root / "sites"
    names = []
    for file in folder.glob("*.yaml"):
        names.append(file.stem)
    return sorted(names)


def repositories(root: Path) -> list[str]:
    """Return the addresses of the repositories, sorted."""
    addresses = set()
    for file, site in _documents(root, "sites"):
        for name in _repositories_of(site):
            addresses.add(f"{file.stem}/{name}")
    return sorted(addresses)


def instruments(root: Path) -> list[str]:
    """Return the instruments that repositories and tickets have, sorted."""
    names = set()
    for instrument, _ in tickets(root):
        names.add(instrument)
    for _, site in _documents(root, "sites"):
        for repository in _repositories_of(site).values():
            if not isinstance(repository, dict):
                continue
            words = repository.get("instruments")
            if not isinstance(words, list):
                continue
            for word in words:
                if isinstance(word, str):
                    names.add(word)
    return sorted(names)


def tickets(root: Path) -> list[tuple[str, str]]:
    """Return the tickets, as instrument and name, sorted."""
    folder = root / "tickets"
    keys = []
    for file in folder.glob("*/*.yaml"):
        instrument = file.parent.name
        keys.append((instrument, file.stem))
    return sorted(keys)


def chains(root: Path) -> list[str]:
    """Return the names of the declared chains, sorted."""
    names = set()
    for _, document in _documents(root, "chains"):
        name = document.get("chain")
        if isinstance(name, str):
            names.add(name)
    return sorted(names)


def _documents(root: Path, part: str) -> Iterator[tuple[Path, dict[Any, Any]]]:
    """Yield the files of a part of the tree, with the mapping each holds."""
    folder = root / part
    for file in sorted(folder.glob("*.yaml")):
        try:
            content = file.read_bytes()
            source = read_yaml(content, file.name)
        except (CalibstateError, OSError):
            continue
        if isinstance(source.data, dict):
            yield file, source.data


# Files are not checked, so a value may be of any kind: what is not of the
# right one has no names.


def _repositories_of(site: dict[Any, Any]) -> dict[Any, Any]:
    declared = site.get("repositories")
    if not isinstance(declared, dict):
        return {}
    return declared

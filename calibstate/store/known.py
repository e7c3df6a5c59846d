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
    addresses: set[str] = set()
    for file, site in _documents(root, "sites"):
        addresses.update(f"{file.stem}/{name}" for name in _repositories_of(site))
    return sorted(addresses)


def instruments(root: Path) -> list[str]:
    """Return the instruments that repositories and tickets have, sorted."""
    names = {instrument for instrument, _ in tickets(root)}
    for _, site in _documents(root, "sites"):
        for repository in _repositories_of(site).values():
            if isinstance(repository, dict):
                names.update(_words(repository.get("instruments")))
    return sorted(names)


def tickets(root: Path) -> list[tuple[str, str]]:
    """Return the tickets, as instrument and name, sorted."""
    return sorted((file.parent.name, file.stem) for file in (root / "tickets").glob("*/*.yaml"))


def chains(root: Path) -> list[str]:
    """Return the names of the declared chains, sorted."""
    names: set[str] = set()
    for _, document in _documents(root, "chains"):
        name = document.get("chain")
        if isinstance(name, str):
            names.add(name)
    return sorted(names)


def _documents(root: Path, part: str) -> Iterator[tuple[Path, dict[Any, Any]]]:
    """Yield the files of a part of the tree, with the mapping each holds."""
    for file in sorted((root / part).glob("*.yaml")):
        try:
            document = read_yaml(file.read_bytes(), file.name).data
        except (CalibstateError, OSError):
            continue
        if isinstance(document, dict):
            yield file, document


# Files are not checked, so a value may be of any kind: what is not of the
# right one has no names.


def _repositories_of(site: dict[Any, Any]) -> dict[Any, Any]:
    declared = site.get("repositories")
    if not isinstance(declared, dict):
        return {}
    return declared


def _words(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [word for word in value if isinstance(word, str)]

"""The kinds, a line each, in the order in which a ticket travels.

A line names the class and, where a kind is declared by files of its own, their
folder.  So a tree is read without importing kinds of which it has nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from ..model.forms import Form

__all__ = ["ASIDE", "TABLE", "Line", "forms", "own_folders"]


@dataclass(frozen=True)
class Line:
    """Where a kind is found."""

    module: str
    """Full name of its module."""

    name: str
    """Name of its class."""

    folder: str | None = None
    """Folder of the files that declare it; `None`: it has none of its own."""

    form: str | None = None
    """Full name of the module that has their form, as ``FORM``, where it is
    not the kind's: so a tree is read without importing the kind."""

    def load(self) -> Any:
        """Return the class."""
        return getattr(import_module(self.module), self.name)


TABLE: list[Line] = [
    Line("calibstate.kinds.generation", "GenerationKind"),
    Line("calibstate.kinds.verification", "VerificationKind"),
    Line("calibstate.kinds.certification", "CertificationKind"),
    Line("calibstate.kinds.ingest", "IngestKind"),
    Line("calibstate.kinds.curated", "CuratedKind"),
    Line("calibstate.kinds.bundle", "BundleKind"),
    Line("calibstate.kinds.rucio_dataset", "RucioDatasetKind"),
    Line("calibstate.kinds.rucio_rule", "RucioRuleKind"),
    Line(
        "calibstate.kinds.skymap",
        "SkymapKind",
        folder="skymaps",
        form="calibstate.kinds.skymap_file",
    ),
    Line("calibstate.kinds.collection", "CollectionKind"),
    Line("calibstate.kinds.external", "ExternalKind"),
    Line("calibstate.kinds.chain", "ChainKind"),
    Line(
        "calibstate.kinds.source",
        "SourceKind",
        folder="sources",
        form="calibstate.kinds.source_checks",
    ),
]
"""A new kind is a line here."""


ASIDE: Mapping[str, str] = {
    "daily": "calibstate.kinds.daily_file",
}
"""Folders of files that declare no resource, and the modules that have their
forms, as ``FORM``."""


def own_folders() -> Mapping[str, Callable[[], Form]]:
    """Return what gives the form of the files in each kind's own folder."""
    folders = {line.folder: partial(_form, line) for line in TABLE if line.folder}
    for folder, module in ASIDE.items():
        folders[folder] = partial(_form_in, module)
    return folders


def forms() -> tuple[Form, ...]:
    """Return the forms of all files by which kinds are declared."""
    return tuple(form() for form in own_folders().values())


def _form(line: Line) -> Form:
    # Only now is the module of the kind, or of its form, imported.
    form: Form = _form_in(line.form) if line.form else line.load().form
    assert form.folder == line.folder, f"{line.name} is declared in {form.folder}, says its form"
    return form


def _form_in(module: str) -> Form:
    form: Form = import_module(module).FORM
    return form

"""The files of skymaps, and the configuration that stands beside each.

The stack fills in what a file does not say, and so does this: of ``rings``,
whose hash is computed, with the defaults of lsst/skymap at commit 91c88c0.
What is registered is then told all of it, so that another default of another
stack makes no other skymap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Diagnostic, InvalidStateError, Where
from ..model.desired import DesiredState, KeyPath, Lines, Mark, Written
from ..model.forms import Beside, Form
from ..model.names import nearest, spelled
from ..model.skymaps import Plain, SkymapConfig, SkymapFile
from ..store.stackconfig import Setting, read_settings

__all__ = ["FOLDER", "FORM", "config_of", "read_config"]

FOLDER = "skymaps"
"""Folder of these files."""

_CLASS = "MakeSkyMapConfig"
"""The class of the configuration, in pipe_tasks."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z0-9._-]+")
_CODE = re.compile(r"[A-Z]{3}")
_INT32 = 2**31


@dataclass(frozen=True)
class _Sort:
    """What a setting may hold."""

    words: str
    """For people."""

    plain: Callable[[Plain], Plain]
    """Gives a value as the stack takes it; `None`: it does not."""


def _whole(value: Plain) -> Plain:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    if not -_INT32 <= value < _INT32:
        return None
    return value


def _real(value: Plain) -> Plain:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _code(value: Plain) -> Plain:
    if not isinstance(value, str):
        return None
    if not _CODE.fullmatch(value):
        return None
    return value


def _pair(value: Plain) -> Plain:
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    for item in value:
        if _whole(item) is None:
            return None
    return value


_WHOLE = _Sort("a whole number of 32 bits", _whole)
_REAL = _Sort("a number", _real)
_PROJECTION = _Sort("a FITS code of three letters, such as TAN", _code)
_PAIR = _Sort("a list of two whole numbers", _pair)


@dataclass(frozen=True)
class _Field:
    """A setting that is known."""

    sort: _Sort

    default: Plain = None
    """What it is if nobody sets it; `None`: it has to be set."""


_RINGS: Mapping[str, _Field] = {
    "numRings": _Field(_WHOLE),
    "raStart": _Field(_REAL, 0.0),
    "tractOverlap": _Field(_REAL, 1.0),
    "pixelScale": _Field(_REAL, 0.333),
    "projection": _Field(_PROJECTION, "STG"),
    "rotation": _Field(_REAL, 0.0),
}

_BUILDERS: Mapping[str, Mapping[str, _Field]] = {
    "legacy": {
        "patchInnerDimensions": _Field(_PAIR, (4000, 4000)),
        "patchBorder": _Field(_WHOLE, 100),
    },
    "cells": {
        "cellInnerDimensions": _Field(_PAIR, (150, 150)),
        "cellBorder": _Field(_WHOLE, 50),
        "numCellsPerPatchInner": _Field(_WHOLE, 20),
        "numCellsInPatchBorder": _Field(_WHOLE, 1),
    },
}


def read_config(content: bytes, file: str) -> Written[SkymapConfig]:
    """Return what the configuration of a skymap says.

    Parameters
    ----------
    content
        What the file holds.
    file
        Its name, for messages.

    Raises
    ------
    InvalidStateError
        It is no configuration of a skymap: all that is wrong, by line.
    """
    reader = _Reader(file)
    for setting in read_settings(content, file, _CLASS):
        reader.take(setting)
    return reader.written()


@dataclass
class _Pixelization:
    """What is set of one way to divide the sky."""

    settings: dict[str, Setting] = field(default_factory=dict)
    builder: str = "legacy"
    patches: dict[str, dict[str, Setting]] = field(default_factory=dict)
    """Settings of each builder."""


@dataclass
class _Reader:
    """Takes settings in their order, as the stack would."""

    file: str
    name: Setting | None = None
    selected: str = "dodeca"
    """The way that counts; until one is named, the stack's own default."""
    pixelizations: dict[str, _Pixelization] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)

    def take(self, setting: Setting) -> None:
        """Take a setting."""
        match setting.path:
            case ("name",):
                self._take_name(setting)
            case ("skyMap",) | ("skyMap", "name"):
                self.selected = self._choice(setting, self.selected)
            case ("skyMap", which, *rest) if rest:
                chosen = self._chosen(which, self.selected, setting)
                if chosen:
                    self._take_of(
                        self.pixelizations.setdefault(chosen, _Pixelization()), chosen, rest, setting
                    )
            case _:
                self._unknown(setting)

    def _take_name(self, setting: Setting) -> None:
        if isinstance(setting.value, str) and _WORD.fullmatch(setting.value):
            self.name = setting
            return
        self._problem(
            setting,
            "Not a name",
            "A skymap's name may hold only letters, digits and `. - _`.",
        )

    def _take_of(self, pixelization: _Pixelization, chosen: str, rest: list[str], setting: Setting) -> None:
        """Take a setting of one way to divide the sky."""
        match rest:
            case ["tractBuilder"] | ["tractBuilder", "name"]:
                pixelization.builder = self._choice(setting, pixelization.builder)
            case ["tractBuilder", which, name]:
                builder = self._chosen(which, pixelization.builder, setting)
                if builder:
                    self._take_patches(pixelization, builder, name, setting)
            case [name] if name in _BUILDERS["legacy"]:
                # So the stack has them, from before there were builders.
                self._take_patches(pixelization, "legacy", name, setting)
            case [name]:
                fields = _RINGS if chosen == "rings" else None
                self._take_into(pixelization.settings, fields, name, setting)
            case _:
                self._unknown(setting)

    def _take_patches(self, pixelization: _Pixelization, builder: str, name: str, setting: Setting) -> None:
        into = pixelization.patches.setdefault(builder, {})
        self._take_into(into, _BUILDERS.get(builder), name, setting)

    def _take_into(
        self,
        into: dict[str, Setting],
        fields: Mapping[str, _Field] | None,
        name: str,
        setting: Setting,
    ) -> None:
        """Take a setting under its name, if it has one."""
        if not _IDENTIFIER.fullmatch(name):
            self._unknown(setting)
            return
        # What is known of ways whose hash is not computed is nothing.
        if fields is None:
            into[name] = setting
            return
        if name not in fields:
            self._unknown(setting, nearest(name, fields))
            return
        sort = fields[name].sort
        value = sort.plain(setting.value)
        if value is None:
            self._problem(
                setting,
                "Wrong value",
                f"`{setting.name}` must be {sort.words}.",
            )
            return
        into[name] = Setting(setting.path, value, setting.where)

    def _choice(self, setting: Setting, before: str) -> str:
        """Return what a setting chooses."""
        if isinstance(setting.value, str) and _IDENTIFIER.fullmatch(setting.value):
            return setting.value
        self._problem(
            setting,
            "Wrong value",
            f'`{setting.name}` must be a name, such as "rings".',
        )
        return before

    def _chosen(self, step: str, selected: str, setting: Setting) -> str | None:
        """Return of which way a setting is: ``["rings"]`` or ``active``."""
        if step == "active":
            return selected
        if step.startswith("[") and _IDENTIFIER.fullmatch(step[1:-1]):
            return step[1:-1]
        self._unknown(setting)
        return None

    def _unknown(self, setting: Setting, meant: str | None = None) -> None:
        hint = ""
        if meant:
            hint = f"Did you mean `{meant}`?"
        self._problem(
            setting,
            "Unknown setting",
            f"No skymap has `{setting.name}`.",
            hint,
        )

    def _problem(self, setting: Setting, summary: str, detail: str, hint: str = "") -> None:
        self.problems.append(Diagnostic(summary, detail, setting.where, hint))

    # --- all of it ---

    def written(self) -> Written[SkymapConfig]:
        """Return what all settings come to, and where they are."""
        if self.name is None and not self.problems:
            detail = "Nothing sets `config.name`, without which the stack registers nothing."
            problem = Diagnostic("No name", detail, Where(self.file, 1))
            self.problems.append(problem)
        chosen = self.pixelizations.get(self.selected, _Pixelization())
        values: dict[str, Plain] = {}
        for name, setting in chosen.settings.items():
            values[name] = setting.value
        values_of_patches: dict[str, Plain] = {}
        for name, setting in chosen.patches.get(chosen.builder, {}).items():
            values_of_patches[name] = setting.value
        if self.selected == "rings":
            self._fill(values, _RINGS)
            self._fill(values_of_patches, _BUILDERS.get(chosen.builder, {}))
        if self.problems:
            raise InvalidStateError(*self.problems)
        assert self.name, "it would have been a problem"
        values_of_all: Any = {
            "name": self.name.value,
            "pixelization": self.selected,
            "settings": values,
            "builder": chosen.builder,
            "patches": values_of_patches,
        }
        where = self.name.where
        marks: dict[KeyPath, Mark] = {("name",): (where.line, where.column)}
        lines = Lines(self.file, marks, marks)
        return Written(SkymapConfig.model_validate(values_of_all), lines)

    def _fill(self, values: dict[str, Plain], fields: Mapping[str, _Field]) -> None:
        """Add what nobody set."""
        for name, setting_field in fields.items():
            if name in values:
                continue
            if setting_field.default is None:
                detail = f"Nothing sets `{name}`, for which there is no default."
                problem = Diagnostic("Setting is missing", detail, Where(self.file, 1))
                self.problems.append(problem)
            values[name] = setting_field.default


# --- what files must agree on ---


def config_of(written: Written[SkymapFile], desired: DesiredState) -> Written[Any] | None:
    """Return the configuration that a file names; `None`: there is none.

    Parameters
    ----------
    written
        The file.
    desired
        All that is declared.
    """
    return desired.beside.get(f"{FOLDER}/{written.noun.config}")


def _check(
    written: Written[SkymapFile],
    desired: DesiredState,
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a file beside its configuration and sites."""
    noun = written.noun
    lines = written.lines
    places = {*desired.sites, *desired.repositories}
    for index, place in enumerate(noun.only):
        if place not in places:
            yield Diagnostic(
                "Unknown place",
                f"{spelled(place)} is neither a site nor a repository.",
                lines.at("only", index),
            )
    file = f"{FOLDER}/{noun.config}"
    config = config_of(written, desired)
    if config:
        yield from _check_config(written, config)
    elif file not in desired.beside:
        yield Diagnostic(
            "Configuration is not there",
            f"There is no {file}, by which {noun.skymap} is registered.",
            lines.value_at("config"),
            "Put the configuration of the skymap there.",
        )
    # What is there and cannot be read was told by itself.


def _check_config(
    written: Written[SkymapFile],
    config: Written[Any],
) -> Iterator[Diagnostic]:
    """Yield in what a file and its configuration do not agree."""
    noun = written.noun
    lines = written.lines
    file = config.lines.file
    name = config.noun.name
    if name != noun.skymap:
        yield Diagnostic(
            "Configuration of another skymap",
            f"{file} is the configuration of {name}, and not of {noun.skymap}.",
            config.lines.at("name"),
        )
    computed = config.noun.hash
    if noun.hash and computed and noun.hash != computed:
        yield Diagnostic(
            "Hash does not fit",
            f"`hash` says {noun.hash}, and from {file} follows {computed}.",
            lines.value_at("hash"),
            "Correct the one that is wrong: a repository that has the skymap tells its hash.",
        )
    if noun.hash or computed:
        return
    way = f"{config.noun.pixelization} by {config.noun.builder}"
    yield Diagnostic(
        "Hash is not known",
        f"The hash of {noun.skymap} does not follow from {file}: it is computed for `rings` alone, "
        f"with patches by `legacy` or `cells`; this is {way}.",
        lines.at("skymap"),
        "Give `hash`, as a repository that has it tells it: butler query-dimension-records REPO skymap.",
    )


FORM = Form(
    FOLDER,
    SkymapFile,
    "skymap",
    "how the sky is divided for coadds",
    _check,
    Beside(".config", "configuration", read_config),
)
"""The files of skymaps."""

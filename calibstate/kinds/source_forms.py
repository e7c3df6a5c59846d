"""Sorts of readings: what their files are called, and what they say.

Sources: the ingest tasks of obs_lsst, the ``make_key`` of ts_salobj, and the
calibration classes of ip_isr.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..ports.butler import TakenExposure
from ..ports.sources import LabelledFile, ListedFile

__all__ = ["FORMS", "SourceForm"]

_GROUP = re.compile(r"[^#]+#[^#]+")
"""A group that an exposure can have: what began it, and its number in it."""


@dataclass(frozen=True)
class SourceForm:
    """One sort of readings."""

    field: str
    """How the file calls it that declares them."""

    dataset_type: str

    command: str
    """The command of ``butler`` that ingests them."""

    ending: str
    """How the names of the files end."""

    keys: tuple[str, ...]
    """What a file is asked: first what names its exposure."""

    called: str
    """What of an exposure they name: its group, or its obs_id."""

    is_open: str = ""
    """What a file must say of whether the shutter opens; empty: nothing."""

    expects_flats: bool = False
    """Whether each flat should have one."""

    by_folder: bool = False
    """Whether the command is given a folder: it takes each file that is
    named by itself for an opening and for a closing."""

    def name_of(self, exposure: TakenExposure) -> str:
        """Return what files call an exposure."""
        if self.called == "group":
            return exposure.group
        return exposure.obs_id

    def exposure_named(self, file: ListedFile, label: LabelledFile) -> tuple[str, str]:
        """Return the name of the exposure of a file, or why it has none.

        Returns
        -------
        tuple of str
            The name, and an empty text; or the other way round.
        """
        if label.trouble:
            return "", label.trouble
        name = label.values.get(self.keys[0], "")
        if not name:
            return "", f"it has no {self.keys[0]}"
        # ip_isr passes over what has another form, and says so in a warning.
        if self.called == "group" and not _GROUP.fullmatch(name):
            return "", f"its {self.keys[0]} is `{name}`, and not of the form X#Y"
        # No task looks at this, and would record a closing as an opening.
        if self.is_open and label.values.get(self.keys[1]) != self.is_open:
            value = label.values.get(self.keys[1], "not there")
            return "", f"its isOpen is {value}, which is not what its name says"
        return name, ""


FORMS: Mapping[str, SourceForm] = {
    form.dataset_type: form
    for form in (
        SourceForm(
            field="photodiode",
            dataset_type="photodiode",
            command="ingest-photodiode",
            ending=".fits",
            keys=("GROUPID",),
            called="group",
            expects_flats=True,
        ),
        SourceForm(
            field="shutter_motion",
            dataset_type="shutterMotionProfileOpen",
            command="ingest-shuttermotion",
            ending="_shutterMotionProfileOpen.json",
            keys=("obsId", "motionProfile.isOpen"),
            called="obs_id",
            is_open="True",
            by_folder=True,
        ),
        SourceForm(
            field="shutter_motion",
            dataset_type="shutterMotionProfileClose",
            command="ingest-shuttermotion",
            ending="_shutterMotionProfileClose.json",
            keys=("obsId", "motionProfile.isOpen"),
            called="obs_id",
            is_open="False",
            by_folder=True,
        ),
    )
}
"""All sorts, by dataset type, in the order in which they are ingested."""

"""Folders of what was submitted, one for each time that it was begun.

``{scratch}/calibstate/{instrument}/{ticket}/{submission}/{time}/`` holds what
was begun (``batch.json``), what was said (``log``), with what it ended
(``exit``), and what the middleware keeps there for itself.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from ...model.submissions import Batch, Submission

__all__ = ["Attempt", "error_in", "newest_attempt", "submission_folder"]

_STAMP = "%Y%m%dT%H%M%SZ"
_IS_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")

_ERROR = re.compile(r"(?:[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|NotFound)\w*|Error|usage)\b.*")
"""How the last line of a traceback, or of a refusal, begins."""

_TAIL = 1 << 16
"""Bytes at the end of a log in which its error is looked for."""


class Attempt:
    """A submission, as it was begun once and perhaps gone on with.

    Parameters
    ----------
    folder
        Its folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        """What the middleware says."""
        self.ended = folder / "exit"
        """Exit code, written when a command ends by itself."""
        self.wrapper = folder / "bps.yaml"
        """The file that is submitted."""
        self.submit = folder / "submit"
        """Folder in which BPS works."""
        self._record = folder / "batch.json"

    @classmethod
    def new(cls, folder: Path) -> Attempt:
        """Make a folder by the time, which is that of its RUN too.

        Parameters
        ----------
        folder
            That of the submission.
        """
        moment = datetime.now(UTC)
        while True:
            path = folder / moment.strftime(_STAMP)
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                moment += timedelta(seconds=1)
            else:
                return cls(path)

    @property
    def stamp(self) -> str:
        """When it was begun, as names of RUNs have it."""
        return self.folder.name

    def batch(self) -> Batch | None:
        """Return what was begun; `None`: that was not written down."""
        try:
            return Batch.model_validate_json(self._record.read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, batch: Batch) -> None:
        """Write down what is begun."""
        aside = self._record.with_suffix(".new")
        aside.write_text(batch.model_dump_json(indent=2) + "\n")
        aside.replace(self._record)

    def exit_code(self) -> int | None:
        """Return with what it ended; `None`: that is not known."""
        try:
            return int(self.ended.read_text())
        except (OSError, ValueError):
            return None


def error_in(log: Path) -> str:
    """Return what a log has for an error, in one line; empty: it has none.

    Parameters
    ----------
    log
        The file.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if match := _ERROR.match(line.strip()):
            return match[0]
    return ""


def submission_folder(scratch: Path, submission: Submission) -> Path:
    """Return where all attempts at a submission are.

    Parameters
    ----------
    scratch
        Folder of the site.
    submission
        The submission.
    """
    instrument = submission.variables["INSTRUMENT"]
    ticket = submission.variables["TICKET"]
    return scratch / "calibstate" / instrument / ticket / submission.name


def newest_attempt(folder: Path) -> Attempt | None:
    """Return the last attempt at a submission, if there was any.

    Parameters
    ----------
    folder
        That of the submission.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if _IS_STAMP.fullmatch(entry.name)]
    except OSError:
        return None
    if not names:
        return None
    return Attempt(folder / max(names))

"""A store of readings in memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from typing_extensions import override

from calibstate.errors import Diagnostic, RefusedError, UnreachableError
from calibstate.ports.sources import LabelledFile, ListedFile, SourceStore

__all__ = ["MemorySource"]


def _is_day(number: str) -> bool:
    try:
        day = datetime.strptime(number, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return len(number) == 8 and day.date() < date.max


@dataclass
class MemorySource(SourceStore):
    """A store with the files that a test gives it."""

    uri: str = "memory://source/"
    files: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """What files say of themselves, by path; `None`: nothing is there."""

    odd: dict[str, str] = field(default_factory=dict)
    """Why files cannot be read, by path."""

    at: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    is_away: bool = False
    opened: list[str] = field(default_factory=list)
    """Names of the files that were opened, in order."""

    _read: dict[ListedFile, LabelledFile] = field(default_factory=dict)

    @override
    def listed(self, since: int, endings: Sequence[str]) -> Sequence[ListedFile]:
        self._reach()
        files = []
        for path in self.files:
            day, _, name = path.rpartition("/")
            number = day.replace("/", "")
            if _is_day(number) and int(number) >= since and name.endswith(tuple(endings)):
                files.append(ListedFile(int(number), name, f"{self.uri}{quote(path, safe='/:')}"))
        return sorted(files)

    @override
    def labels(self, files: Sequence[ListedFile], keys: Sequence[str]) -> Mapping[ListedFile, LabelledFile]:
        self._reach()
        for file in files:
            if file not in self._read:
                self.opened.append(file.name)
                self._read[file] = self._label(file, keys)
        return {file: self._read[file] for file in files}

    def _label(self, file: ListedFile, keys: Sequence[str]) -> LabelledFile:
        path = unquote(file.uri.removeprefix(self.uri))
        if path in self.odd:
            return LabelledFile({}, self.odd[path])
        said = self.files[path]
        if said is None:
            return LabelledFile({}, "it is listed, and is not there")
        return LabelledFile({key: str(said[key]) for key in keys if key in said})

    @override
    @contextmanager
    def copied(self, files: Sequence[ListedFile]) -> Iterator[str]:
        self._reach()
        with tempfile.TemporaryDirectory() as folder:
            for file in files:
                said = self.files[unquote(file.uri.removeprefix(self.uri))]
                if said is None:
                    raise RefusedError(Diagnostic("File cannot be read", f"{file.uri}: it is not there."))
                Path(folder, file.name).write_text(json.dumps(said))
            yield folder

    @override
    def now(self) -> datetime:
        return self.at

    def _reach(self) -> None:
        if self.is_away:
            raise UnreachableError(Diagnostic("Source cannot be seen", f"{self.uri} does not answer."))

"""Commands in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from calibstate.errors import Diagnostic, PlanIsStaleError, RefusedError
from calibstate.ports.commands import NO_FILES, CommandRunner, Ran
from calibstate.ports.records import Fence

__all__ = ["MemoryCommands"]


@dataclass
class MemoryCommands(CommandRunner):
    """A ``butler`` with the commands that a test gives it."""

    known: dict[str, Callable[[Sequence[str]], Ran]] = field(default_factory=dict)
    """What each does with its arguments."""

    running: str = ""
    """The command that somebody runs; empty: nobody does."""

    variables: dict[str, str] = field(default_factory=dict)

    @override
    def lacks(self, command: str) -> str:
        return "" if command in self.known else f"butler has no command `{command}`"

    @override
    def under_way(self, command: str) -> str:
        return "process 1 on here" if command == self.running else ""

    @override
    def variable(self, name: str) -> str | None:
        return self.variables.get(name)

    @override
    def run(
        self,
        command: str,
        arguments: Sequence[str],
        fence: Fence,
        meanwhile: Callable[[], None] = lambda: None,
        files: Mapping[str, str] = NO_FILES,
    ) -> Ran:
        if self.lacks(command):
            raise RefusedError(Diagnostic("Command is not there", self.lacks(command)))
        if self.under_way(command):
            raise PlanIsStaleError(Diagnostic("Command runs already", self.under_way(command)))
        fence()
        with tempfile.TemporaryDirectory() as folder:
            words: list[str] = []
            for argument in arguments:
                word = argument
                if argument in files:
                    path = Path(folder) / argument
                    path.write_text(files[argument])
                    word = str(path)
                words.append(word)
            return self.known[command](words)

"""The ``butler`` of a site, run as it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from typing_extensions import override

from ..errors import CalibstateError, Diagnostic, PlanIsStaleError, RefusedError
from ..ports.commands import NO_FILES, CommandRunner, Ran
from ..ports.records import Fence
from ..ports.silence import heard
from .construction.folders import error_in
from .processes import processes_with, this_process
from .programs import Programs

__all__ = ["Listed", "SiteButler", "open_site_butler"]

_MARK = "CALIBSTATE_COMMAND"
"""Variable that says what a process was begun for."""

_COMMAND = re.compile(r"  ([a-z][a-z0-9-]*)(?: |$)")
"""A line of the list of commands in the help of ``butler``."""

_TICK = 1.0
"""Seconds between two looks at whether a command has ended."""


Listed = dict[tuple[str, frozenset[tuple[str, str]]], frozenset[str]]
"""Commands of programs, by program and environment, as they told them."""


def open_site_butler(
    uri: str,
    environment: Sequence[str],
    timeout: timedelta,
    listed: Listed | None = None,
) -> SiteButler:
    """Return the ``butler`` that this host has for a repository.

    Parameters
    ----------
    uri
        The repository.
    environment
        Variables that it gets besides the usual ones, as shell patterns.
    timeout
        How long it may take to list its commands.
    listed
        What programs listed before; kept from repository to repository, since
        a list takes seconds.
    """
    programs = Programs(os.environ, Path(sys.executable).parent, environment)
    return SiteButler(uri, programs.find("butler"), programs.environment(), timeout, listed)


class _UntoldError(Exception):
    """Nobody knows which commands a program has; its text says why."""


class SiteButler(CommandRunner):
    """Runs commands of ``butler`` for one repository.

    Parameters
    ----------
    uri
        The repository.
    program
        The program; `None`: it is not installed.
    environment
        In which it is run.
    timeout
        How long it may take to list its commands.
    listed
        What programs listed before.
    """

    def __init__(
        self,
        uri: str,
        program: str | None,
        environment: Mapping[str, str],
        timeout: timedelta,
        listed: Listed | None = None,
    ) -> None:
        self._listed: Listed = {} if listed is None else listed
        self._uri = uri
        self._program = program
        self._environment = environment
        self._timeout = timeout

    @override
    def lacks(self, command: str) -> str:
        if self._program is None:
            return "no `butler` is on the PATH"
        try:
            commands = self._commands
        except _UntoldError as error:
            return f"{self._program} does not tell its commands: {error}"
        if command not in commands:
            return f"{self._program} has no command `{command}`"
        return ""

    @property
    def _commands(self) -> frozenset[str]:
        assert self._program, "it is installed"
        key = (self._program, frozenset(self._environment.items()))
        if key not in self._listed:
            self._listed[key] = self._list_commands(self._program)
        return self._listed[key]

    def _list_commands(self, program: str) -> frozenset[str]:
        """Return the commands of a program.

        Raises
        ------
        _UntoldError
            It does not tell them, which is no proof that it has none.
        """
        try:
            help_text = subprocess.run(
                [program, "--help"],
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._timeout.total_seconds(),
                check=False,
            )
        except OSError as error:
            raise _UntoldError(error.strerror) from error
        except subprocess.TimeoutExpired as error:
            seconds = self._timeout.total_seconds()
            raise _UntoldError(f"`--help` has not ended after {seconds:.0f} s") from error
        _, _, listed = help_text.stdout.partition("\nCommands:\n")
        names = map(_COMMAND.match, listed.splitlines())
        commands = frozenset(name[1] for name in names if name)
        if not commands:
            raise _UntoldError(f"`--help` ended with {help_text.returncode}, and lists none")
        return commands

    @override
    def under_way(self, command: str) -> str:
        processes = processes_with(_MARK, self._mark(command))
        if not processes:
            return ""
        return f"process {processes[0]} on {this_process().host}"

    def _mark(self, command: str) -> str:
        return f"{command} {self._uri}"

    @override
    def variable(self, name: str) -> str | None:
        return self._environment.get(name)

    @override
    def run(
        self,
        command: str,
        arguments: Sequence[str],
        fence: Fence,
        meanwhile: Callable[[], None] = lambda: None,
        files: Mapping[str, str] = NO_FILES,
    ) -> Ran:
        lacking = self.lacks(command)
        if self._program is None or lacking:
            raise RefusedError(
                Diagnostic(
                    "Command is not there",
                    f"{lacking[:1].upper()}{lacking[1:]}.",
                    hint="Set up the Rubin stack that has it, then run this again.",
                )
            )
        running = self.under_way(command)
        if running:
            detail = f"butler {command} runs already, as {running}."
            raise PlanIsStaleError(Diagnostic("Command runs already", detail, hint="Wait for its end."))
        fence()
        with tempfile.TemporaryDirectory(prefix="calibstate-") as folder:
            paths: dict[str, str] = {}
            for name, text in files.items():
                path = Path(folder) / "given" / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
                paths[name] = str(path)
            words = [paths.get(argument, argument) for argument in arguments]
            log = Path(folder) / "log"
            code = self._run([self._program, command, self._uri, *words], log, meanwhile)
            return Ran(code, error_in(log))

    def _run(self, words: Sequence[str], log: Path, meanwhile: Callable[[], None]) -> int:
        try:
            with log.open("wb") as stream:
                process = subprocess.Popen(
                    words,
                    env={**self._environment, _MARK: self._mark(words[1])},
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    # What ends us does not half end it.
                    start_new_session=True,
                )
        except OSError as error:
            detail = f"{words[0]} cannot be run: {error.strerror}."
            raise CalibstateError(Diagnostic("Command was not begun", detail)) from error
        while True:
            try:
                return process.wait(_TICK)
            except subprocess.TimeoutExpired:
                heard()
                meanwhile()

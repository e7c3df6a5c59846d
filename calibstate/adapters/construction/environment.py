"""What a site brings to the templates: variables, folders, programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import Diagnostic, RefusedError
from ...model.repositories import SiteConstruction
from ..programs import Programs

__all__ = ["SiteEnvironment"]

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))")


class SiteEnvironment:
    """What a site brings to the templates.

    Parameters
    ----------
    site
        What its file says.
    repository
        URI of the repository.
    ours
        Our own environment.
    programs
        Folder of the programs that are installed beside calibstate.
    """

    def __init__(
        self, site: SiteConstruction, repository: str, ours: Mapping[str, str], programs: Path
    ) -> None:
        self._site = site
        self._repository = repository
        self._ours = ours
        self._programs = Programs(ours, programs, site.environment)

    def scratch(self) -> Path:
        """Return the folder for submissions.

        Raises
        ------
        RefusedError
            A variable in it is not set.
        """
        return Path(self._expanded(self._site.scratch, "scratch")).absolute()

    def templates(self, home: str) -> Path:
        """Return the folder of templates of a package.

        Parameters
        ----------
        home
            ``cp_pipe`` or ``cp_verify``.

        Raises
        ------
        RefusedError
            A variable in it is not set.
        """
        folder = getattr(self._site.templates, home)
        return Path(self._expanded(folder, f"templates.{home}")).absolute()

    def variables(self) -> dict[str, str]:
        """Return the variables of templates that a site sets, as far as known.

        Raises
        ------
        RefusedError
            Where submissions are kept is not known.
        """
        variables = {"REPO": self._repository, "SCRATCH": str(self.scratch())}
        for home, name in (("cp_pipe", "CP_PIPE_DIR"), ("cp_verify", "CP_VERIFY_DIR")):
            package = self._package(home, name)
            if package:
                variables[name] = package
        # BPS runs ${CTRL_MPEXEC_DIR}/bin/pipetask; under pip nothing sets it.
        for name, program in (("CTRL_MPEXEC_DIR", "pipetask"), ("DAF_BUTLER_DIR", "butler")):
            package = self._ours.get(name) or self._root_of(program)
            if package:
                variables[name] = package
        return variables

    def complete(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return all of an environment.

        Parameters
        ----------
        variables
            Those of the templates.
        """
        return self._programs.environment() | dict(variables)

    def program(self, name: str) -> str | None:
        """Return where a program is; `None`: it is not installed."""
        return self._programs.find(name)

    def _root_of(self, program: str) -> str | None:
        path = self.program(program)
        if path is None:
            return None
        return str(Path(path).parent.parent)

    def _package(self, home: str, name: str) -> str | None:
        """Return the folder of a package, by its variable or its templates."""
        if value := self._ours.get(name):
            return value
        folder = getattr(self._site.templates, home)
        if _VARIABLE.search(folder):
            return None
        path = Path(folder).absolute()
        if path.parts[-2:] != ("bps", "templates"):
            return None
        return str(path.parent.parent)

    def _expanded(self, text: str, key: str) -> str:
        """Return a setting of the site with what its variables hold."""
        for match in _VARIABLE.finditer(text):
            name = match[1] or match[2]
            if not self._ours.get(name):
                raise RefusedError(
                    Diagnostic(
                        "Variable is not set",
                        f"{name} is not set here, and `{key}` of the site's construction is {text}.",
                        hint=f"Set {name}, or write a folder for `{key}` into the site's file.",
                    )
                )
        return _VARIABLE.sub(lambda match: self._ours[match[1] or match[2]], text)

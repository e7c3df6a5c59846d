"""A state tree under construction, and the command run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from calibstate.cli.app import run
from tests.calibrations import FORMATTERS

ROOT = Path(__file__).parents[1]


class _Dumper(yaml.SafeDumper):
    """Writes a text as a text, whatever else it is."""


_Dumper.add_multi_representer(str, yaml.SafeDumper.represent_str)


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, f"it wrote nothing, and ended with {self.code}: {self.err}"
        return json.loads(self.out)


@dataclass(frozen=True)
class Tree:
    """A folder with a state tree in ``state`` and whatever lies beside it."""

    folder: Path
    instrument: str = "LSSTComCam"
    archive: str = "../archive"
    records: str = "../records"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def settings(self, **more: Any) -> None:
        # Files of the tests are read by classes that only the tests have.
        said = {
            "version": 1,
            "archive": self.archive,
            "records": self.records,
            "formatters": list(FORMATTERS),
            **more,
        }
        self._write("calibstate.yaml", said)

    def site(
        self,
        site: str,
        repositories: Mapping[str, Any],
        *,
        absolute: bool = False,
        instruments: Sequence[str] = (),
        **more: Any,
    ) -> None:
        """Declare a site; its repositories are given with their routes.

        Their paths are relative, so that the folder can be copied, unless
        they are to be ``absolute``, and so mean something at the site only.
        """
        self._write(
            f"sites/{site}.yaml",
            {
                "site": site,
                "repositories": {
                    name: {
                        "butler": self._butler(f"{site}/{name}", absolute=absolute),
                        "instruments": list(instruments) or [self.instrument],
                        "route": route,
                    }
                    for name, route in repositories.items()
                },
                **more,
            },
        )

    def repository(self, address: str) -> Path:
        return self.folder / "repo" / address.replace("/", "-")

    def _butler(self, address: str, *, absolute: bool) -> str:
        path = self.repository(address)
        return str(path) if absolute else os.path.relpath(path, self.state / "sites")

    def ticket(self, ticket: str, *collections: str, status: str = "adopted", **more: Any) -> None:
        self._write(
            f"tickets/{self.instrument}/{ticket}.yaml",
            {
                "ticket": ticket,
                "instrument": self.instrument,
                "approval": {"status": status, "note": "made for a test"},
                **({"collections": list(collections)} if collections else {}),
                **more,
            },
        )

    def chain(self, entries: Sequence[Any], chain: str | None = None, **more: Any) -> None:
        name = chain or f"{self.instrument}/calib"
        said = {"chain": name, "instrument": self.instrument, "entries": list(entries), **more}
        self._write(f"chains/{name.replace('/', '-')}.yaml", said)

    def run(self, capsys: Any, *arguments: str) -> Ran:
        """Run a command in this process."""
        capsys.readouterr()
        code = run(["-C", str(self.state), *arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    def spawn(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "calibstate", "-C", str(self.state), *arguments],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _write(self, name: str, said: Mapping[str, Any]) -> None:
        path = self.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.dump(said, Dumper=_Dumper, sort_keys=False))

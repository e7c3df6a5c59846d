"""Three sites that keep themselves: a hub, a clone each, and who merges."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, Sites
from tests.tree import Ran

BTS = "bts/LSSTComCam"
PLACES = (ORIGIN, EMBARGO, BTS, SUMMIT)
CARRIES = ["export-bundle", "import-bundle"]


@dataclass
class Watched:
    """Sites, each with a clone of one repository."""

    sites: Sites
    printed: list[str] = field(default_factory=list)
    """What turns printed, one after the other."""

    @property
    def folder(self) -> Path:
        return self.sites.tree.folder

    @property
    def hub(self) -> Path:
        return self.folder / "hub.git"

    def clone(self, site: str) -> Path:
        return self.folder / f"clone-{site}"

    def begin(self) -> None:
        """Push the tree as it is, and have each site clone it."""
        git(self.folder, "init", "-q", "--bare", "-b", "main", str(self.hub))
        git(self.sites.tree.state, "init", "-q", "-b", "main")
        git(self.sites.tree.state, "remote", "add", "origin", str(self.hub))
        self.merge("Begin")
        for site in ("usdf", "bts", "summit"):
            git(self.folder, "clone", "-q", str(self.hub), str(self.clone(site)))

    def merge(self, message: str = "Change") -> str:
        """Commit and push the tree as it is; return the commit."""
        git(self.sites.tree.state, "add", "-A")
        git(self.sites.tree.state, "commit", "-q", "--allow-empty", "-m", message)
        git(self.sites.tree.state, "push", "-q", "origin", "main")
        return git(self.sites.tree.state, "rev-parse", "HEAD")

    def rewrite(self, message: str = "Another history") -> str:
        """Push a history that nobody has seen."""
        git(self.sites.tree.state, "commit", "-q", "--amend", "--allow-empty", "-m", message)
        git(self.sites.tree.state, "push", "-q", "--force", "origin", "main")
        return git(self.sites.tree.state, "rev-parse", "HEAD")

    def at(self, site: str) -> str:
        """Return the commit of a clone."""
        return git(self.clone(site), "rev-parse", "HEAD")

    def turn(self, site: str, *more: str) -> Ran:
        ran = self.run(site, "watch", site, "--once", *more)
        self.printed.append(ran.out)
        return ran

    def run(self, site: str, *arguments: str) -> Ran:
        """Run a command in the clone of a site."""
        return self.run_at(self.clone(site), *arguments)

    def run_at(self, tree: Path, *arguments: str) -> Ran:
        """Run a command on a tree."""
        from calibstate.cli.app import run

        self.sites.capsys.readouterr()
        code = int(run(["-C", str(tree), *arguments]))
        printed = self.sites.capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    def state(self, site: str) -> dict[str, Any]:
        """Return how the loop of a site goes on, as it is kept."""
        file = self.folder / "records" / "watch" / f"{site}.json"
        kept: dict[str, Any] = json.loads(file.read_text())
        return kept

    def reasons(self, site: str) -> list[str]:
        return [finding["reason"] for finding in self.state(site)["findings"]]

    def word(self, site: str) -> str:
        state = self.state(site)
        return next(word for word in ("stalled", "reconciling", "ready") if state[word]["holds"])

    def alter(self, site: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Alter what is kept of a loop."""
        state = self.state(site)
        change(state)
        (self.folder / "records" / "watch" / f"{site}.json").write_text(json.dumps(state))

    def lets(self, site: str, apply: list[str], chains: str = "ask") -> None:
        """Declare what a site lets run by itself."""
        file = self.sites.tree.state / "sites" / f"{site}.yaml"
        said = [line for line in file.read_text().splitlines() if not line.startswith("watch:")]
        said.append(f"watch: {{every: 1m, apply: [{', '.join(apply)}], chains: {chains}}}")
        file.write_text("\n".join(said) + "\n")


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    ran = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()

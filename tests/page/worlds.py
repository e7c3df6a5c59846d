"""A rich world to make pages of: the demonstration's, some weeks later."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lsst.daf.butler import Butler

from calibstate.cli.app import run

INSTRUMENT = "LSSTComCam"
CHAIN = "LSSTComCam/calib"
SUMMIT = "summit/LSSTComCam"
BTS = "bts/LSSTComCam"
ORIGIN = "usdf/main"

_GIT = ("-c", "user.name=Kari Ewer", "-c", "user.email=kari@example.org")


def command(*arguments: str) -> int:
    """Run the real command line without a word; return how it ended."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return run(list(arguments))


def commit(folder: Path, title: str) -> None:
    """Commit the state tree as it is."""
    for words in (("add", "state"), ("commit", "-qm", title)):
        subprocess.run(["git", "-C", str(folder), *_GIT, *words], check=True)


def change_chain(folder: Path, address: str, children: Sequence[str]) -> None:
    """Change a chain by hand, as nobody should."""
    path = folder / "repo" / address.replace("/", "-")
    with Butler.from_config(str(path), writeable=True) as butler:
        butler.collections.redefine_chain(CHAIN, list(children))


def age(folder: Path, address: str, by: timedelta) -> None:
    """Have what a site published be of some time ago."""
    at = (datetime.now(UTC) - by).strftime("%Y-%m-%dT%H:%M:%SZ")
    file = folder / "records" / "observations" / f"{address}.json"
    said = json.loads(file.read_text())
    said["observations"][0]["at"] = at
    file.write_text(json.dumps(said))


def make_world(folder: Path) -> Path:
    """Make the demonstration's world, and have it live for a while.

    One site is behind, at one a hand changed the chain, one was not seen for
    days; tickets are sealed, runs have journals, reviews were published.

    Returns
    -------
    pathlib.Path
        Its pages, in a folder beside the state tree.
    """
    assert command("demo", str(folder), "--fast", "--only-build") == 0
    state = str(folder / "state")
    subprocess.run(["git", "-C", str(folder), "init", "-qb", "main"], check=True)
    commit(folder, "The tree as it is")
    assert command("-C", state, "seal") == 0
    commit(folder, "Seal what was verified (#2)")
    assert command("-C", state, "apply", "--yes", "--site", "usdf") in {0, 1}
    path = folder / "repo" / SUMMIT.replace("/", "-")
    with Butler.from_config(str(path), writeable=False) as butler:
        children = butler.collections.get_info(CHAIN).children
    change_chain(folder, SUMMIT, [*children[1:], children[0]])
    assert command("-C", state, "verify", "--publish") in {0, 1}
    assert command("-C", state, "observe", "--publish") == 0
    age(folder, BTS, timedelta(days=3))
    pages = folder / "pages"
    assert command("-C", state, "page", "-o", str(pages), "--since", "HEAD~1") in {0, 1}
    return pages

"""A command that tells how it was run, to hold runners of commands to it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click
from lsst.daf.butler.cli.opt import repo_argument
from lsst.daf.butler.cli.utils import ButlerCommand

__all__ = ["tell"]


@click.command(cls=ButlerCommand, short_help="Tell how it was run.")
@repo_argument(required=True)
@click.argument("into")
@click.option("--raising", default="")
@click.option("--reading", default="")
@click.option("--for", "seconds", type=float, default=0)
def tell(*, repo: str, into: str, raising: str, reading: str, seconds: float) -> None:
    """Tell how it was run, in a file."""
    told = {"repo": repo, "environment": dict(os.environ)}
    if reading:
        told["text"] = Path(reading).read_text()
    Path(into).write_text(json.dumps(told))
    time.sleep(seconds)
    if raising:
        raise RuntimeError(raising)

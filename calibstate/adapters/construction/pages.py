"""Pages of cp_verify's own report, made by its program.

The program ends with 0 whatever it could not find, so what counts is whether
there are pages.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...ports.silence import at_work

__all__ = ["program_of", "write_pages"]


def program_of(cp_verify: str | None) -> Path | None:
    """Return the program, if the package has it.

    Parameters
    ----------
    cp_verify
        Folder of the package; `None`: nobody knows.
    """
    if not cp_verify:
        return None
    program = Path(cp_verify) / "bin" / "cpv_report.py"
    return program if program.is_file() else None


def write_pages(
    program: Path,
    repository: str,
    collections: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
) -> str:
    """Have the pages written, and return why there are none.

    Parameters
    ----------
    program
        As `program_of` returns it.
    repository
        URI of the repository.
    collections
        Where results are looked for; the first that has one counts.
    folder
        Where the pages go; it holds none yet.
    environment
        All of the environment of the program.
    """
    words = [str(program), "-r", repository, "-O", str(folder)]
    for collection in collections:
        words += ["-c", collection]
    try:
        with at_work():
            ran = subprocess.run(
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
    except OSError as error:
        return f"{program} cannot be run: {error.strerror}"
    if any(folder.rglob("*.html")):
        return ""
    lines = ran.stdout.decode(errors="replace").split("\n")
    last = [line.strip() for line in lines if line.strip()][-1:]
    return ": ".join([f"{program} wrote no page, and ended with {ran.returncode}", *last])

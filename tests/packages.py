"""A small data package: curated calibrations of a camera, as text."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["CAMERA", "FILES", "FIRST", "SECOND", "commit", "revision", "write_package"]

CAMERA = "comCam"
"""Folder of the camera."""

FIRST, SECOND = "19700101T000000", "20240601T000000"

FILES: Mapping[str, str] = {
    f"crosstalk/r00_s00/{FIRST}": "0.1",
    f"crosstalk/r00_s00/{SECOND}": "0.2",
    f"crosstalk/r00_s01/{FIRST}": "0.3",
    f"crosstalk/r00_s01/{SECOND}": "0.4",
    f"transmission_filter/g_01/{FIRST}": "0.5",
}
"""What each file says, by its name without ``.ecsv``."""

_ECSV = """\
# %ECSV 1.0
# ---
# datatype:
# - {{name: value, datatype: float64}}
# meta: !!omap
{meta}
# schema: astropy-2.0
value
{value}
"""

_DETECTORS = {"r00_s00": 0, "r00_s01": 1, "r00_s02": 2, "r00_s10": 3}


def write_package(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write files of a package; what stands there stays.

    Parameters
    ----------
    root
        Folder of the package.
    files
        What each says, by its name without ``.ecsv``.
    """
    for name, value in files.items():
        dataset_type, *folders, date = name.split("/")
        moment = f"{date[:4]}-{date[4:6]}-{date[6:8]}T00:00:00"
        meta = {"INSTRUME": "ComCam", "OBSTYPE": dataset_type, "CALIBDATE": f"'{moment}'"}
        for folder in folders:
            if folder in _DETECTORS:
                meta["DETECTOR"] = str(_DETECTORS[folder])
            else:
                meta["FILTER"] = folder
        lines = "\n".join(f"# - {{{key}: {word}}}" for key, word in meta.items())
        path = root / CAMERA / f"{name}.ecsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_ECSV.format(meta=lines, value=value))
        readme = root / CAMERA / dataset_type / "README.md"
        readme.write_text("Where it comes from.\n")
    return root


def commit(root: Path) -> str:
    """Commit a package as it stands; return the revision."""
    _git(root, "init", "-q")
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "As it is")
    return revision(root)


def revision(root: Path, name: str = "HEAD") -> str:
    """Return the revision of a package."""
    return _git(root, "rev-parse", name)


def _git(root: Path, *words: str) -> str:
    git = ["git", "-C", str(root), "-c", "user.name=N", "-c", "user.email=n@example.org"]
    done = subprocess.run([*git, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()

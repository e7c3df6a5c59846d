"""Published exports of real calibrations, in repositories of their own.

The exports name files, and formatter classes that only a Rubin stack has; the
files are made here, and modules under ``tests/stand_ins/stack`` stand in for
the stack.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import lsst
import pytest
import yaml
from lsst.daf.butler import Butler, Config

FOLDER = Path(__file__).parents[2] / "shared" / "realdata"
STACK = Path(__file__).parent / "stand_ins" / "stack"
"""To be on the path where formatter classes of the stack are wanted."""

_STACK_ONLY = ("lsst.obs", "lsst.meas")


@dataclass(frozen=True)
class RealFile:
    """One published export, and how it is declared."""

    name: str
    instrument: str
    tickets: Mapping[str, tuple[str, ...]]
    """Bare collections of each ticket."""
    chains: Mapping[str, tuple[str, ...]]
    """Entries of each chain: tickets, chains, and what others make."""
    top: str
    """What is searched for calibrations."""
    certifications: int
    foreign: str
    """A formatter class of the stack that its calibrations name."""
    empty: frozenset[str] = field(default=frozenset())
    """Tickets whose collections the export knows, and of which it holds
    nothing."""

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.export.yaml"

    @property
    def leaves(self) -> tuple[str, ...]:
        """Collections of the tickets that hold something."""
        return tuple(
            name for ticket, names in self.tickets.items() if ticket not in self.empty for name in names
        )

    def text(self) -> str:
        """Return the export, or skip the test where it is not to be had."""
        if not self.path.is_file():
            pytest.skip(f"{self.path.name} is not on this machine: not run")
        return self.path.read_text()


FORMATTERS = ["lsst", "lsst.daf.butler.formatters.pickle.PickleFormatter"]
"""What has to be allowed: published kernels and tables are pickled."""

_FITS = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"

HSC = RealFile(
    "ap_verify_ci_cosmos_pdr2",
    "HSC",
    tickets={
        "curated": ("HSC/calib/curated",),
        "DM-28636": ("HSC/calib/DM-28636",),
        "gen2-20180117": ("HSC/calib/gen2/20180117",),
        "DM-32378": ("HSC/calib/DM-32378",),
    },
    chains={
        "HSC/calib": ("curated", "DM-28636", "gen2-20180117", "DM-32378"),
        "HSC/defaults": (
            "templates/goodSeeing",
            "skymaps",
            "HSC/calib",
            "refcats",
            "sso",
            "dia_catalogs",
            "models",
            "fake_injection_catalog",
        ),
    },
    top="HSC/calib",
    certifications=1000,
    foreign=_FITS,
    empty=frozenset({"DM-28636", "DM-32378"}),
)
"""Four chained CALIBRATION collections."""

DECAM = RealFile(
    "ap_verify_ci_hits2015",
    "DECam",
    tickets={"community-2015": ("DECam/calib",)},
    chains={
        "DECam/defaults": (
            "templates/goodSeeing",
            "skymaps",
            "community-2015",
            "refcats",
            "sso",
            "dia_catalogs",
            "models",
            "fake-injection-catalog",
        )
    },
    top="DECam/calib",
    certifications=506,
    foreign=_FITS,
)
"""What is searched is itself a CALIBRATION collection; datasets of several
detectors share a file, and most of those are certified nowhere."""

OLD = RealFile(
    "pipelines_check",
    "HSC",
    tickets={"gen2": ("HSC/calib",)},
    chains={"HSC/defaults": ("gen2", "refcats")},
    top="HSC/calib",
    certifications=10,
    foreign=_FITS,
)
"""Of the first format: integer ids, RUNs with a ``:`` in their names."""

REAL_FILES = (HSC, DECAM, OLD)


def load(real: RealFile, folder: Path, db: str | None = None) -> None:
    """Make a repository of a real export, with the stock import.

    Its registry is in a file, or where ``db`` says.

    The files are where the export says, each with bytes of its own.
    """
    text = real.text()
    config = Config()
    if db:
        config["registry", "db"] = db
    Butler.makeRepo(str(folder), config)
    for path in paths_of(text):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"{real.name} {path}\n".encode() * 3)
    with stack(), Butler.from_config(str(folder), writeable=True) as butler:
        butler.import_(filename=str(real.path), transfer=None)


def paths_of(text: str) -> set[str]:
    """Return the files that an export names."""
    return {yaml.safe_load(found) for found in re.findall(r"^ +path: (.*)$", text, re.MULTILINE)}


@contextmanager
def stack() -> Iterator[None]:
    """Let this process have the formatter classes of the stack."""
    folder = str(STACK / "lsst")
    lsst.__path__.append(folder)
    try:
        yield
    finally:
        lsst.__path__.remove(folder)
        for name in [name for name in sys.modules if name.startswith(_STACK_ONLY)]:
            del sys.modules[name]
        for attribute in ("obs", "meas"):
            if hasattr(lsst, attribute):
                delattr(lsst, attribute)

"""A small good state tree as text, to be spoilt by tests of its reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from calibstate.errors import Diagnostic, InvalidStateError
from calibstate.store.statefile import load

GOOD: Mapping[str, str] = {
    "calibstate.yaml": """\
version: 1
requires: ">=0.1"
archive: ../archive
records: ../records
rucio:
  scope: ancillary
  origin_rse: SLAC_BUTLER_DISK
""",
    "sites/usdf.yaml": """\
site: usdf
repositories:
  main:
    butler: /repo/main
    instruments: [LATISS, LSSTCam]
    route: origin
  embargo:
    butler: /repo/embargo
    instruments: [LATISS, LSSTCam]
    route: copy
""",
    "sites/summit.yaml": """\
site: summit
hosts: ["*.summit.example"]
route: {by: rucio, rse: SUMMIT_CALIB_DISK, prefix: "s3://summit/ancillary"}
repositories:
  LATISS:
    butler: /repo/LATISS
    instruments: [LATISS]
""",
    "sites/tts.yaml": """\
site: tts
hosts: ["*.tts.example"]
route: copy
repositories:
  LATISS:
    butler: /repo/LATISS
    instruments: [LATISS]
""",
    "tickets/LATISS/DM-1.yaml": """\
ticket: DM-1
instrument: LATISS
approval:
  status: adopted
  taxicab: TAXICAB-1
collections:
  - new/bias.20240101a
  - new/dark.20240101a
""",
    "tickets/LATISS/DM-2.yaml": """\
ticket: DM-2
instrument: LATISS
approval:
  status: adopted
  note: older than the records
bare:
  - LATISS/calib/DM-2
  - LATISS/calib/DM-2/unbounded
""",
    "tickets/LATISS/DM-3.yaml": """\
ticket: DM-3
instrument: LATISS
approval: {status: flagged, taxicab: TAXICAB-3}
collections: [late/flat.20240301a]
skip:
  tts: no use there
""",
    "chains/LATISS.yaml": """\
chain: LATISS/calib
instrument: LATISS
entries:
  - DM-1
  - LATISS/calib/DM-2
  - external: LATISS/raw/all
    only: [usdf/main]
retired:
  LATISS/calib/DM-0: replaced by DM-1
""",
    "chains/defaults.yaml": """\
chain: LATISS/defaults
instrument: LATISS
only: [usdf, summit/LATISS]
entries:
  - LATISS/calib
  - external: refcats
""",
}


def written(root: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write the good tree with some files changed, or (`None`) left out."""
    for file, content in {**GOOD, **(changes or {})}.items():
        if content is None:
            continue
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def spoilt(file: str, old: str, new: str) -> dict[str, str]:
    """Return one file of the good tree with a text replaced."""
    assert GOOD[file].count(old) == 1, f"{old!r} does not stand once in {file}"
    return {file: GOOD[file].replace(old, new)}


def mistakes(root: Path) -> list[Diagnostic]:
    """Return all that is wrong with a tree."""
    try:
        load(root)
    except InvalidStateError as exc:
        return list(exc.diagnostics)
    return []


def told(found: list[Diagnostic]) -> list[str]:
    """Return diagnostics as ``file:line:column summary``."""
    return [f"{d.where} {d.summary}" for d in found]


def besides_seals(told_: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return remarks but those on tickets that nobody has sealed."""
    return tuple(one for one in told_ if one.summary != "Tickets without a seal")

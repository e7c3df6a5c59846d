"""Characters that no eye tells from others, and a tree with every field."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from tests.tree import ROOT

__all__ = ["LOOK_ALIKES", "TREE", "spoilt", "write_tree"]

LOOK_ALIKES = {
    "\N{NON-BREAKING HYPHEN}": "U+2011",
    "\N{ZERO WIDTH JOINER}": "U+200D",
    "\N{NO-BREAK SPACE}": "U+00A0",
    "\N{CYRILLIC SMALL LETTER A}": "U+0430",
    "\N{FULLWIDTH DIGIT ONE}": "U+FF11",
    "\N{COMBINING ACUTE ACCENT}": "U+0301",
}
"""Characters, and how they are to be shown."""

_TREE = """
calibstate.yaml:
  version: 1
  requires: ">=0.1"
  archive: ../archive
  records: ../records
  bundles: by_reference
  formatters: [lsst, tests.calibrations]
  guards: {chain_changes: 10}
  waves: [[usdf], [summit, bts]]
  windows:
    - {deny: summit, from: "0 18 * * *", for: 14h, zone: America/Santiago, because: observing}
  retention: {keep: {intermediates: 90d}}
  policy:
    levels: {A302: warning}
    exceptions:
      - {rule: V401, of: DM-1, because: the u filter is changed, until: "2098-12-31"}
      - {rule: [N101, N102], of: captured, because: it is older}
  rucio:
    scope: ancillary
    dataset: "Dataset/{instrument}/{label}/{ticket}"
    origin_rse: SLAC_BUTLER_DISK
    rse_root: /data/rse/SLAC_BUTLER_DISK
    dtn_url: davs://dtn.example.org:1094/data/rse/SLAC_BUTLER_DISK
    names: {pattern: '^[\\w\\.\\-\\+\\~/]*$', length: 500}
sites/usdf.yaml:
  site: usdf
  title: US Data Facility
  hosts: ["*.slac.example.org"]
  records: ../records
  hold: a migration
  repositories:
    main: {butler: /repo/main, instruments: [LSSTComCam, any], route: origin, note: large, hold: moving}
  construction:
    submit: bps
    bps: {wmsServiceClass: lsst.ctrl.bps.htcondor.HTCondorService, computeSite: s3df}
    templates: {cp_pipe: ../cp_pipe, cp_verify: ../cp_verify}
    scratch: /sdf/scratch
    user_prefix: u/someone/
    environment: [MY_VARIABLE]
  watch: {every: 30m, apply: [import-bundle], chains: apply}
sites/summit.yaml:
  site: summit
  title: Cerro Pachón summit
  route: {by: rucio, rse: SUMMIT_DISK, prefix: s3://summit-disk/ancillary}
  repositories:
    main: {butler: summit-label, instruments: [LSSTComCam]}
sites/bts.yaml:
  site: bts
  repositories:
    main: {butler: /repo/bts, instruments: [LSSTComCam], route: {by: rucio, rse: BTS_DISK, prefix: /data/bts}}
tickets/LSSTComCam/DM-1.yaml:
  ticket: DM-1
  instrument: LSSTComCam
  summary: Gains, and more
  approval:
    status: adopted
    taxicab: TAXICAB-15
    note: as it was
    report: https://example.org/report
    date: "2025-02-11"
    captured: "2025-02-11"
    seal: "sha256:1111111111111111111111111111111111111111111111111111111111111111"
  deployment: DM-99
  collections: [gainFixup/bias.20241107a, LSSTComCam/calib/DM-0/dark.20241107a]
  skip: {bts/main: it has no camera, summit: nor has this}
  hold: until the meeting
  bundles: by_reference
  rucio: {label: calib}
tickets/LSSTComCam/DM-2.yaml:
  ticket: DM-2
  instrument: LSSTComCam
  approval: {status: proposed}
  construction:
    tag: DP1
    rerun: 20250207a
    bootstrap: 2
    raws: LSSTComCam/raw/all
    start_from: [LSSTComCam/calib/DM-1]
    selections:
      bias: exposure.day_obs=20241208
      bias_bootstrap: {same_as: bias}
    make:
      - bias_bootstrap
      - bias: {rerun: 20250208a, look_at: {type: biasMosaic8, where: exposure=1}}
    certify:
      rerun: 20250209a
      begin: "2024-10-24T00:00:00"
      end: "2024-10-25T00:00:00"
      but_for: {R22_S11: it is dead}
    verify: {rerun: 20250210a, bias: exposure in (2024102100509)}
    known_failures: {"verify bias: R22_S11 C07 NOISE": a warm column}
verdicts/LSSTComCam/DM-2.yaml:
  ticket: DM-2
  instrument: LSSTComCam
  products:
    - product: bias
      verdict: known failures
      detail: a column
      run: LSSTComCam/calib/DM-2/DP1/verifyBias.20250210a/20250210T101112Z
      exposures: 2
      outside: 1
      collections: [LSSTComCam/calib/DM-2/DP1/bias.20250208a]
      failures:
        - {test: NOISE, number: 1, exposures: [1], detectors: {R22_S11: [C07]}, known: a warm column}
tickets/LSSTComCam/DM-3.yaml:
  ticket: DM-3
  instrument: LSSTComCam
  approval: {status: proposed}
  collections: [warmUp/bias.20250301a]
  certify:
    - as: warmUp/bias.20250301a
      datasets_of: LSSTComCam/calib/DM-1/gainFixup/bias.20241107a
      begin: "2024-11-07T00:00:00"
      end: "2024-12-07T00:00:00"
tickets/any/DM-4.yaml:
  ticket: DM-4
  instrument: any
  approval: {status: proposed}
  bare: [refcats/DM-4/gaia_dr4]
  ingest:
    - run: refcats/DM-4/gaia_dr4
      type: gaia_dr4
      dimensions: [htm7]
      storage_class: SimpleCatalog
      table: DM-4.ecsv
      prefix: /data/gaia
      transfer: direct
      formatter: lsst.daf.butler.formatters.yaml.YamlFormatter
  bundles: by_reference
tickets/LSSTComCam/DM-5.yaml:
  ticket: DM-5
  instrument: LSSTComCam
  approval: {status: proposed}
  bare: [LSSTComCam/calib/DM-5, LSSTComCam/calib/DM-5/unbounded]
  curated:
    class: lsst.obs.lsst.LsstComCam
    label: DM-5
    collection: LSSTComCam/calib/DM-5
    data: {obs_lsst_data: c8fc86a}
    folder: comCam
tickets/LSSTComCam/DM-9.yaml:
  ticket: DM-9
  instrument: LSSTComCam
  approval: {status: adopted, note: it was}
  collections: [old/bias.20240101a]
chains/LSSTComCam.yaml:
  chain: LSSTComCam/calib
  instrument: LSSTComCam
  only: [usdf/main, summit]
  hold: until it is seen
  entries:
    - DM-1
    - external: u/somebody/verifyBias
      only: [usdf/main]
  retired: {DM-9: it is old}
chains/LSSTComCam-defaults.yaml:
  chain: LSSTComCam/defaults
  instrument: LSSTComCam
  entries: [LSSTComCam/calib]
skymaps/lsst_cells_v1.yaml:
  skymap: lsst_cells_v1
  config: lsst_cells_v1.skymap.config
  hash: e2736e41244df00bbdb93aecac0ae4b2d19dda91
  only: [usdf/main]
daily/LSSTComCam.yaml:
  instrument: LSSTComCam
  at: usdf/main
  chain: LSSTComCam/calib
  raws: LSSTComCam/raw/all
  since: "2024-12-01"
  verify: {bias: verifyBias, dark: verifyDark, flat: verifyFlat}
  alarms: {MEAN: 1}
  send:
    sasquatch: {url: "https://proxy.example.org", namespace: lsst.dm}
sources/LSSTComCam.yaml:
  instrument: LSSTComCam
  at: usdf/main
  photodiode:
    from: s3://lfa/Electrometer/
    since: "2025-06-07"
    into: LSSTComCam/calib/photodiode
    delay: 24h
    ignore: {"*.tmp": they are not whole}
  shutter_motion:
    from: s3://lfa/Shutter/
    since: "2025-06-07"
    into: LSSTComCam/calib/shutter
"""

TREE = yaml.safe_load(_TREE)
"""A tree, by file, in which each key of a state file stands."""


def spoilt(word: str, character: str) -> str:
    """Return a word with a character behind its first."""
    return word[:1] + character + word[1:]


def write_tree(folder: Path) -> None:
    """Write the tree; it is sound."""
    for name, data in TREE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    config = ROOT / "state" / "skymaps" / "lsst_cells_v1.skymap.config"
    shutil.copy(config, folder / "skymaps" / config.name)
    (folder / "tickets" / "any" / "DM-4.ecsv").write_text("filename,htm7\na.fits,1\n")

"""A ticket of many files in Rucio, beside the plain calls of the client.

The files are metadata only: what is measured is Rucio's work and ours, not
that of disks and networks.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from calibstate.adapters.rucio import open_rucio
from calibstate.demo.rucio.site import ORIGIN, RucioSite
from calibstate.model.settings import RucioSettings
from calibstate.ports.rucio import FileToRegister, RucioWriter

from .measure import Measured, measure

__all__ = ["look_question", "register_question"]

FILES = 3_000
CHUNK = 100
SCOPE = "ancillary"


def register_question(folder: Path, turns: int) -> Measured:
    """Measure registering a ticket's files in a dataset of their own."""
    with _site(folder) as (site, rucio):
        plain = site.client()

        def ours(turn: int) -> None:
            rucio.register(f"ours-{turn}", _files(site, f"ours-{turn}"))

        def by_hand(turn: int) -> None:
            _register_plainly(plain, f"plain-{turn}", _files(site, f"plain-{turn}"))

        return measure(
            f"Register {FILES:,} files with their sidecars",
            {
                "calibstate: check each name and URL, register, attach": ours,
                f"the client's add_replicas and add_files_to_datasets, {CHUNK} files a call": by_hand,
            },
            turns,
        )


def look_question(folder: Path, turns: int) -> Measured:
    """Measure looking at a registered ticket and at what keeps it."""
    with _site(folder) as (site, rucio):
        plain, name = site.client(), "looked-at"
        files = _files(site, name)
        rucio.register(name, files)
        rucio.close(name)
        rucio.add_rule(name, ORIGIN, comment="bench")
        site.round("injector")

        def ours(turn: int) -> None:
            held = rucio.datasets([name])[name].files
            if len(held) != FILES or rucio.available(name) != {ORIGIN: FILES} or not rucio.rules(name):
                raise RuntimeError(f"{len(held)} files, {rucio.available(name)}, {rucio.rules(name)}")

        def by_hand(turn: int) -> None:
            plain.get_did(SCOPE, name)
            held = list(plain.list_files(SCOPE, name))
            there = list(plain.list_dataset_replicas(SCOPE, name, deep=True))
            rules = list(plain.list_did_rules(SCOPE, name))
            if len(held) != FILES or len(there) != 1 or len(rules) != 1:
                raise RuntimeError(f"{len(held)} files, {there}, {rules}")

        def with_sidecars(turn: int) -> None:
            held = rucio.datasets([name], sidecars=[name])[name].files
            if any(file.uuid is None for file in held.values()):
                raise RuntimeError("a file has no sidecar")

        return measure(
            f"Look at a dataset of {FILES:,} files and its rule",
            {
                "calibstate: content, availability, rules": ours,
                "calibstate: content with the sidecars (`--files`)": with_sidecars,
                "the client's get_did, list_files, list_dataset_replicas, list_did_rules": by_hand,
            },
            turns,
        )


@contextmanager
def _site(folder: Path) -> Iterator[tuple[RucioSite, RucioWriter]]:
    with RucioSite.running(folder / "rucio") as site:
        site.configure()
        yield site, open_rucio(_settings(site))


def _settings(site: RucioSite) -> RucioSettings:
    origin = site.rses[ORIGIN]
    return RucioSettings(scope=SCOPE, origin_rse=ORIGIN, rse_root=str(origin.folder), dtn_url=origin.url)


def _files(site: RucioSite, tag: str) -> list[FileToRegister]:
    root = site.rses[ORIGIN].folder
    return [_file(f"{root}/{SCOPE}", f"{tag}/bias/bias_LSSTCam_{number:05d}.fits") for number in range(FILES)]


def _file(root: str, name: str) -> FileToRegister:
    sidecar = {"id": str(uuid5(NAMESPACE_URL, name)), "run": name.partition("/")[0], "note": "x" * 500}
    adler32 = f"{zlib.adler32(name.encode()):08x}"
    return FileToRegister(name, f"file://{root}/{name}", len(name), adler32, json.dumps(sidecar))


def _register_plainly(client: Any, dataset: str, files: Sequence[FileToRegister]) -> None:
    client.add_dataset(SCOPE, dataset, statuses={"monotonic": True})
    for first in range(0, len(files), CHUNK):
        said = [
            {
                "scope": SCOPE,
                "name": file.name,
                "bytes": file.size,
                "adler32": file.adler32,
                "meta": {"rubin_butler": "data_product", "rubin_sidecar": file.sidecar},
            }
            for file in files[first : first + CHUNK]
        ]
        client.add_replicas(ORIGIN, said)
        client.add_files_to_datasets([{"scope": SCOPE, "name": dataset, "dids": said}], ignore_duplicate=True)

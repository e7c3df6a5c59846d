"""Datasets of the real Rucio, made by an administrator's hand."""

from __future__ import annotations

import os
import zlib
from typing import Any

from calibstate.demo.rucio.site import ORIGIN, RucioSite


def make_dataset(site: RucioSite, scope: str, files: int = 5) -> dict[str, bytes]:
    """Register new files of the origin as the dataset ``DM-1``."""
    content = {f"run/f{number}.fits": os.urandom(1000 + number) for number in range(files)}
    for name, data in content.items():
        path = site.storage(ORIGIN, scope) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    register(site, scope, content, ORIGIN)
    return content


def register(site: RucioSite, scope: str, content: dict[str, bytes], rse: str) -> None:
    url = site.rses[rse].url
    files = [
        {
            "scope": scope,
            "name": name,
            "bytes": len(data),
            "adler32": f"{zlib.adler32(data):08x}",
            "pfn": f"{url}/{scope}/{name}",
        }
        for name, data in content.items()
    ]
    client = site.client()
    client.add_replicas(rse, files)
    client.add_dataset(scope, "DM-1", statuses={"monotonic": True})
    client.add_files_to_datasets([{"scope": scope, "name": "DM-1", "dids": files}], ignore_duplicate=True)
    client.close(scope, "DM-1")


def add_rule(client: Any, scope: str, rse: str) -> str:
    (rule,) = client.add_replication_rule([{"scope": scope, "name": "DM-1"}], 1, rse)
    return str(rule)

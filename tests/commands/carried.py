"""Sites that Rucio carries to: a real server, a real butler at each end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from lsst.daf.butler import Butler, FileDataset
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.demo.rucio.site import ORIGIN as ORIGIN_RSE
from calibstate.demo.rucio.site import Rse, RucioSite
from tests import world
from tests.commands.sites import INSTRUMENT, LEAVES, ORIGIN, SUMMIT, TOP, Sites, add_ticket
from tests.tree import Tree

BTS = "bts/LSSTComCam"
ARRIVES_AT = {SUMMIT: "SUMMIT_CALIB_DISK", BTS: "BASE_CALIB_DISK"}
STORE = "store"


@dataclass(frozen=True)
class Carried(Sites):
    """An origin in one RSE, and repositories that receive at others."""

    rucio: RucioSite = field(kw_only=True)
    scope: str = field(kw_only=True)

    def dataset(self, ticket: str = "DM-1") -> str:
        """Return the name of a ticket's Rucio dataset, without the scope."""
        return f"Dataset/{INSTRUMENT}/calib/{ticket}"

    def arrive(self) -> None:
        """Have everything that is on its way arrive, or fail for good."""
        self.rucio.drain(self.scope)

    def at(self, rse: str) -> Path:
        """Return the folder of the scope at an RSE."""
        return self.rucio.storage(rse, self.scope)

    def rules(self, rse: str | None = None, ticket: str = "DM-1") -> list[Mapping[str, Any]]:
        """Return the rules on a ticket's dataset, as the server has them."""
        rules = self.rucio.client().list_did_rules(self.scope, self.dataset(ticket))
        return [rule for rule in rules if rse in {None, rule["rse_expression"]}]

    def content(self, ticket: str = "DM-1") -> dict[str, tuple[int, str]]:
        """Return what a ticket's dataset holds, as the server has it."""
        files = self.rucio.client().list_files(self.scope, self.dataset(ticket))
        return {file["name"]: (file["bytes"], file["adler32"]) for file in files}

    def is_open(self, ticket: str = "DM-1") -> bool:
        did = self.rucio.client().get_did(self.scope, self.dataset(ticket))
        return bool(did["open"])

    def arrived_files(self, rse: str) -> dict[str, bytes]:
        """Return the bytes of every file of the scope at an RSE."""
        root = self.at(rse)
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}

    def ingest_at(self, address: str, rse: str, transfer: str = "direct") -> None:
        """Record what has arrived, as an ingest daemon does."""
        source = self.seen(ORIGIN)
        (root,) = source.get_datastore_roots().values()
        assert root is not None
        with self.butler(address) as butler:
            for dataset_type in source.registry.queryDatasetTypes(...):
                butler.registry.registerDatasetType(dataset_type)
                for ref in set(source.registry.queryDatasets(dataset_type, collections=...)):
                    butler.collections.register(ref.run)
                    path = source.getURI(ref).relative_to(root)
                    assert path
                    file = FileDataset(str(self.at(rse) / path), [ref], formatter=world.STAND_IN)
                    butler.ingest(file, transfer=transfer)

    def uris(self, address: str) -> dict[str, str]:
        """Return where each dataset is recorded to be, by UUID."""
        butler = self.seen(address)
        return {
            str(ref.id): str(butler.getURI(ref))
            for dataset_type in butler.registry.queryDatasetTypes(...)
            for ref in set(butler.registry.queryDatasets(dataset_type, collections=...))
        }


def make_origin(
    folder: Path, tickets: Sequence[str] = ("DM-1",), leaves: Any = LEAVES, store: str | None = None
) -> Path:
    """Make an origin whose files are elsewhere, and an empty repository."""
    origin = world.make_repo(folder / "origin", datastore_root=store or str(folder / STORE))
    origin.close()
    world.make_repo(folder / "empty").close()
    with Butler.from_config(str(folder / "origin"), writeable=True) as butler:
        for ticket in tickets:
            add_ticket(butler, ticket, leaves)
            butler.collections.register(TOP, CollectionType.CHAINED)
            butler.collections.prepend_chain(TOP, f"{TOP}/{ticket}")
    return folder


def carry(
    made: Path,
    folder: Path,
    rucio: RucioSite,
    capsys: Any = None,
    *,
    arrives_at: Mapping[str, str] = ARRIVES_AT,
    tickets: Sequence[str] = ("DM-1",),
    leaves: Mapping[str, Sequence[Any]] = LEAVES,
    **settings: Any,
) -> Carried:
    """Copy what `make_origin` made to where a scope of its own has its files.

    Parameters
    ----------
    made
        What was made.
    folder
        Where the copy goes.
    rucio
        The server.
    capsys
        What the commands print to.
    arrives_at
        RSE of each repository that receives.
    tickets, leaves
        Tickets to declare, the oldest first, and their collections.
    **settings
        More of ``rucio`` in ``calibstate.yaml``.
    """
    scope = f"calib-{uuid4().hex[:8]}"
    rucio.add_scope(scope)
    tree, origin = Tree(folder), rucio.rses[ORIGIN_RSE]
    shutil.copytree(made / STORE, rucio.storage(ORIGIN_RSE, scope), dirs_exist_ok=True)
    _copy_repository(made / "origin", tree.repository(ORIGIN), made / STORE, rucio.storage(ORIGIN_RSE, scope))
    declare(tree, origin, scope, {a: rucio.rses[rse] for a, rse in arrives_at.items()}, rucio, **settings)
    for address in arrives_at:
        shutil.copytree(made / "empty", tree.repository(address))
    for ticket in tickets:
        tree.ticket(ticket, *leaves)
    tree.chain(list(reversed(tickets)))
    return Carried(tree, capsys, rucio=rucio, scope=scope)


def declare(
    tree: Tree, origin: Rse, scope: str, arrives_at: Mapping[str, Rse], rucio: RucioSite, **settings: Any
) -> None:
    """Declare an origin, and sites that are reached by Rucio."""
    tree.settings(
        rucio={
            "scope": scope,
            "origin_rse": origin.name,
            "rse_root": str(origin.folder) if origin.folder else "",
            "dtn_url": origin.url,
            **settings,
        }
    )
    tree.site("usdf", {"main": "origin"})
    for address, rse in arrives_at.items():
        site, _, name = address.partition("/")
        prefix = f"{rse.folder}/{scope}" if rse.folder else f"{_plain(rse.url)}/{scope}"
        tree.site(site, {name: {"by": "rucio", "rse": rse.name, "prefix": prefix}})


def _plain(url: str) -> str:
    """Return the URI of a bucket without its server."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[2]}"


def _copy_repository(source: Path, target: Path, store: Path, new_store: Path) -> None:
    shutil.copytree(source, target)
    config = target / "butler.yaml"
    text = config.read_text()
    assert str(store) in text
    config.write_text(text.replace(str(store), str(new_store)))

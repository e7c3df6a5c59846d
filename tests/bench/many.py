"""A world of many tickets in many repositories, made of one real ticket.

The ticket is made by the butler; all others are copies of its rows, by SQL,
with datasets of their own.  Their bundles have manifests only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from calibstate.adapters.repositories import open_reader
from calibstate.model.bundles import BundledCollection, BundleFile, Manifest
from calibstate.model.contents import Row
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.store.bundle import dump_manifest
from tests.tree import Tree

from .worlds import CALIB, INSTRUMENT, LEAVES, copy_repository, declare, make_origin, ticket_names

__all__ = ["make_many"]

_IDS = {"collection_id", "run_id", "parent", "child"}
"""Columns that hold the number of a collection."""


def make_many(folder: Path, tickets: int, repositories: int) -> Tree:
    """Make a state tree and repositories that are as it says.

    Parameters
    ----------
    folder
        Where.
    tickets, repositories
        How many.
    """
    names = ticket_names(tickets)
    addresses = [f"site{number}/main" for number in range(repositories)]
    tree = Tree(folder, INSTRUMENT)
    declare(tree, names, dict.fromkeys(addresses, "copy") | {addresses[0]: "origin"})
    first = tree.repository(addresses[0])
    make_origin(first, names[-1:])
    with closing(sqlite3.connect(first / "gen3.sqlite3")) as database:
        _copy_tickets(database, names[-1], names[:-1])
    _write_manifests(first, folder / "archive", names)
    for address in addresses[1:]:
        copy_repository(first, tree.repository(address))
    return tree


def _copy_tickets(database: sqlite3.Connection, source: str, names: Iterable[str]) -> None:
    base = f"{CALIB}/{source}"
    (step,) = database.execute("SELECT max(collection_id) + 1 FROM collection").fetchone()
    own = f"SELECT collection_id FROM collection WHERE name = '{base}' OR name LIKE '{base}/%'"
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {
        table: [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')] for table in tables
    }
    for number, name in enumerate(names, 1):
        for table, among in columns.items():
            where = _rows_of_ticket(table, among, own)
            if where is None:
                continue
            values = ", ".join(_copied(table, column, number, step, source, name) for column in among)
            # What was copied before has greater numbers.
            database.execute(f'INSERT INTO "{table}" SELECT {values} FROM "{table}" WHERE {where}')
    (top,) = database.execute("SELECT collection_id FROM collection WHERE name = ?", [CALIB]).fetchone()
    database.execute("DELETE FROM collection_chain WHERE parent = ?", [top])
    database.execute(
        "INSERT INTO collection_chain (parent, child, position) "
        "SELECT ?, collection_id, row_number() OVER (ORDER BY name DESC) FROM collection "
        "WHERE type = 3 AND name LIKE ?",
        [top, f"{CALIB}/%"],
    )
    database.commit()


def _rows_of_ticket(table: str, columns: list[str], own: str) -> str | None:
    """Return the condition of rows of the ticket; `None`: it has none."""
    if table == "collection_chain":
        return f"parent IN ({own})"
    if found := _IDS.intersection(columns):
        return f"{min(found)} IN ({own})"
    if "dataset_id" in columns:
        return f"dataset_id IN (SELECT id FROM dataset WHERE run_id IN ({own}))"
    return None


def _copied(table: str, column: str, number: int, step: int, source: str, name: str) -> str:
    """Return the expression of a column of a copy."""
    if column in _IDS:
        return f'"{column}" + {number * step}'
    if column == "dataset_id" or (table, column) == ("dataset", "id"):
        return f"printf('%08x', {number}) || substr(\"{column}\", 9)"
    if column == "id":
        return "NULL"
    if column in {"name", "path"}:
        return f"replace(\"{column}\", '{source}', '{name}')"
    return f'"{column}"'


def _write_manifests(repository: Path, archive: Path, names: Iterable[str]) -> None:
    reader = open_reader(str(repository))
    for name in names:
        leaves = [f"{CALIB}/{name}/{leaf}" for leaf in LEAVES]
        held = reader.holdings(leaves)
        fingerprints = {leaf: held[leaf].fingerprint for leaf in leaves}
        manifest = Manifest(
            instrument=INSTRUMENT,
            ticket=name,
            fingerprint=ticket_fingerprint(fingerprints.items()),
            made_at="2026-01-01T00:00:00.000Z",
            exported_from="site0/main",
            collections=tuple(
                BundledCollection(
                    name=leaf,
                    type=held[leaf].type,
                    fingerprint=fingerprints[leaf],
                    datasets=len(held[leaf].rows),
                )
                for leaf in leaves
            ),
            files=tuple(_files(name, [row for leaf in leaves for row in held[leaf].rows])),
        )
        folder = archive / manifest.folder
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(dump_manifest(manifest))
    reader.close()


def _files(name: str, rows: Iterable[Row]) -> Iterable[BundleFile]:
    datasets = {row.uuid: row.dataset_type for row in rows}
    for uuid, dataset_type in sorted(datasets.items()):
        yield BundleFile(
            path=f"{CALIB}/{name}/{dataset_type}/{dataset_type}_{INSTRUMENT}_{uuid}_{name}.fits",
            size=2880,
            sha256="0" * 64,
            adler32="0" * 8,
            datasets=(uuid,),
        )

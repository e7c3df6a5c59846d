"""A world of many tickets in many repositories, made of one real ticket.

The ticket is made by the butler; all others are copies of its rows, by SQL,
with datasets of their own.  Their bundles have manifests only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from calibstate.adapters.repositories import open_reader
from calibstate.model.bundles import BundledCollection, BundleFile, Manifest
from calibstate.model.contents import Row
from calibstate.model.fingerprints import ticket_fingerprint
from calibstate.store.bundle import dump_manifest
from tests.services.postgres import Postgres
from tests.tree import Tree

from .worlds import CALIB, INSTRUMENT, LEAVES, copy_repository, declare, make_origin, ticket_names

__all__ = ["address_of", "declare_many", "make_many"]

_IDS = {"collection_id", "run_id", "parent", "child"}
"""Columns that hold the number of a collection."""

_SCHEMA = "butler"
"""Schema of the tables in PostgreSQL."""


def address_of(number: int) -> str:
    """Return the address of a repository of such a world."""
    return f"site{number}/main"


def make_many(folder: Path, tickets: int, repositories: int, server: Postgres | None = None) -> Tree:
    """Make a state tree and repositories that are as it says.

    Parameters
    ----------
    folder
        Where.
    tickets, repositories
        How many.
    server
        Database of the first repository, which nobody else uses; the others
        have copies of it.  `None`: all are SQLite.
    """
    names = ticket_names(tickets)
    tree = declare_many(folder, tickets, repositories)
    first = tree.repository(address_of(0))
    make_origin(first, names[-1:], **({"db": server.url, "namespace": _SCHEMA} if server else {}))
    if server:
        with psycopg.connect(server.url) as connection:
            # No reference is looked up for each of millions of rows.
            connection.execute("SET session_replication_role = replica")
            connection.execute(f"SET search_path TO {_SCHEMA}")
            _copy_tickets(connection, _columns_in_postgres(connection), names, is_postgres=True)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    else:
        with closing(sqlite3.connect(first / "gen3.sqlite3")) as database:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
                database.execute(f"PRAGMA {pragma}")
            _copy_tickets(database, _columns_in_sqlite(database), names, is_postgres=False)
            database.commit()
        with closing(sqlite3.connect(first / "gen3.sqlite3")) as database:
            database.execute("PRAGMA journal_mode = DELETE")
    _write_manifests(first, folder / "archive", names)
    for number in range(1, repositories):
        other = tree.repository(address_of(number))
        copy_repository(first, other)
        if server:
            config = other / "butler.yaml"
            config.write_text(config.read_text().replace(server.url, server.copy().url))
    return tree


def declare_many(folder: Path, tickets: int, repositories: int) -> Tree:
    """Write the state tree of such a world alone.

    Parameters
    ----------
    folder
        Where.
    tickets, repositories
        How many.
    """
    tree = Tree(folder, INSTRUMENT)
    routes = {address_of(number): "copy" if number else "origin" for number in range(repositories)}
    declare(tree, ticket_names(tickets), routes)
    return tree


def _columns_in_sqlite(database: sqlite3.Connection) -> dict[str, list[str]]:
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')] for table in tables}


def _columns_in_postgres(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    statement = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    for table, column in connection.execute(statement, [_SCHEMA]):
        columns.setdefault(table, []).append(column)
    return columns


def _copy_tickets(
    database: Any, columns: Mapping[str, list[str]], names: list[str], *, is_postgres: bool
) -> None:
    """Copy the rows of the last ticket for each other one, table by table."""
    source, base = names[-1], f"{CALIB}/{names[-1]}"
    (step,) = database.execute("SELECT max(collection_id) + 1 FROM collection").fetchone()
    own = f"SELECT collection_id FROM collection WHERE name = '{base}' OR name LIKE '{base}/%'"
    # Before their numbers are used there are no others that these could be.
    ids = ", ".join(str(row[0]) for row in database.execute(own).fetchall())
    database.execute("CREATE TEMPORARY TABLE copies (number INTEGER, ticket TEXT)")
    for number, name in enumerate(names[:-1], 1):
        database.execute(f"INSERT INTO copies VALUES ({number}, '{name}')")
    # What names other tables' rows comes last, so that all are found by then.
    for table, among in sorted(columns.items(), key=lambda item: not _IDS.intersection(item[1])):
        where = _rows_of_ticket(table, among, ids)
        if where is None:
            continue
        values = ", ".join(_copied(table, column, step, source, is_postgres=is_postgres) for column in among)
        into = ", ".join(f'"{column}"' for column in among)
        database.execute(
            f'INSERT INTO "{table}" ({into}) SELECT {values} FROM "{table}" t, copies k WHERE {where}'
        )
    (top,) = database.execute(f"SELECT collection_id FROM collection WHERE name = '{CALIB}'").fetchone()
    database.execute(f"DELETE FROM collection_chain WHERE parent = {top}")
    database.execute(
        "INSERT INTO collection_chain (parent, child, position) "
        f"SELECT {top}, collection_id, row_number() OVER (ORDER BY name DESC) FROM collection "
        f"WHERE type = 3 AND name LIKE '{CALIB}/%'"
    )


def _rows_of_ticket(table: str, columns: list[str], ids: str) -> str | None:
    """Return the condition of rows of the ticket; `None`: it has none."""
    if table == "collection_chain":
        return f"t.parent IN ({ids})"
    if found := _IDS.intersection(columns):
        return f"t.{min(found)} IN ({ids})"
    if "dataset_id" in columns:
        return f"t.dataset_id IN (SELECT id FROM dataset WHERE run_id IN ({ids}))"
    return None


def _copied(table: str, column: str, step: int, source: str, *, is_postgres: bool) -> str:
    """Return the expression of a column of a copy."""
    if column in _IDS:
        return f't."{column}" + k.number * {step}'
    if column == "dataset_id" or (table, column) == ("dataset", "id"):
        if is_postgres:
            return f"(lpad(to_hex(k.number), 8, '0') || substr(t.\"{column}\"::text, 9))::uuid"
        return f"printf('%08x', k.number) || substr(t.\"{column}\", 9)"
    if column == "id":
        return f't.id + k.number * (SELECT max(id) + 1 FROM "{table}")'
    if column in {"name", "path"}:
        return f"replace(t.\"{column}\", '{source}', k.ticket)"
    return f't."{column}"'


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

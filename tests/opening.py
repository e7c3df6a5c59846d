"""Butlers that are opened quickly: what is the same for all is done once.

Whenever a butler is opened it parses the same dozen files of defaults and
describes the same fifty tables to SQLAlchemy, which is two thirds of its
time.  A user opens a few butlers, the tests thousands.  The results depend
on nothing but the keys under which they are kept here, so the first result
is given again.  Tables that are yet to be created are described as usual.
"""

from __future__ import annotations

import pickle
from functools import cache
from threading import Lock
from typing import Any

import sqlalchemy
from lsst.daf.butler import Config
from lsst.daf.butler.registry.interfaces import Database, StaticTablesContext

_PACKAGE = "resource://lsst.daf.butler/"
"""How the address of a file begins that no test changes."""

_read_yaml: Any = Config._Config__initFromYaml  # type: ignore[attr-defined]
_add_table: Any = StaticTablesContext.addTable

_parsed: dict[tuple[str, bytes], bytes] = {}
_tables: dict[tuple[Any, ...], sqlalchemy.Table] = {}
_describing = Lock()


@cache
def open_quickly() -> None:
    """Open butlers quickly in this process from now on."""
    Config._Config__initFromYaml = _read_yaml_once  # type: ignore[attr-defined]
    StaticTablesContext.addTable = _add_table_once  # type: ignore[assignment,method-assign]


def _read_yaml_once(config: Config, stream: Any) -> Config:
    name = getattr(stream, "name", "")
    if not name.startswith(_PACKAGE):
        read: Config = _read_yaml(config, stream)
        return read
    key = (name, stream.getvalue())
    if key not in _parsed:
        _parsed[key] = pickle.dumps(_read_yaml(Config(), stream)._data)
    # Whoever reads it may change it.
    config._data = pickle.loads(_parsed[key])
    return config


def _add_table_once(context: StaticTablesContext, name: str, spec: Any) -> sqlalchemy.Table:
    if name not in context._tableNames:
        described: sqlalchemy.Table = _add_table(context, name, spec)
        return described
    key = (*_kind_of_database(context._db), name, *_description(spec))
    metadata: Any = context._db._metadata
    with _describing:
        if key not in _tables:
            _tables[key] = _add_table(context, name, spec)
        elif name not in metadata._tables:
            # Tables that are described later refer to this one by its name.
            metadata._metadata._add_table(name, metadata._metadata.schema, _tables[key])
            metadata._tables[name] = _tables[key]
    return _tables[key]


def _kind_of_database(database: Database) -> tuple[type[Database], str | None]:
    return type(database), database.namespace


def _description(spec: Any) -> tuple[Any, ...]:
    """Return all that tells one description of a table from another."""
    fields = [tuple(map(repr, vars(field).values())) for field in spec.fields]
    keys = [tuple(map(repr, vars(key).values())) for key in spec.foreignKeys]
    sets = [frozenset(map(repr, parts)) for parts in (spec.unique, spec.indexes, spec.exclusion)]
    return (tuple(fields), tuple(keys), *sets, spec.recycleIds)

"""Butlers that are opened quickly: what is the same for all is done once.

Whenever a butler is opened it parses the same dozen files of defaults and
describes the same fifty tables to SQLAlchemy, which is two thirds of its
time; and each compiles the same queries.  A user opens a few butlers, the
tests thousands.  The results depend on nothing but the keys under which they
are kept here, so the first result is given again.  Tables that are yet to be
created with the repository are described as usual.
"""

from __future__ import annotations

import pickle
from functools import cache
from threading import RLock
from typing import Any

import sqlalchemy
from lsst.daf.butler import Config
from lsst.daf.butler.registry.interfaces import Database, StaticTablesContext
from lsst.daf.butler.registry.interfaces._database import DatabaseMetadata
from sqlalchemy.util import LRUCache
from typing_extensions import override

_PACKAGE = "resource://lsst.daf.butler/"
"""How the address of a file begins that no test changes."""

_read_yaml: Any = Config._Config__initFromYaml  # type: ignore[attr-defined]
_describe: Any = DatabaseMetadata.add_table
_begin: Any = Database.__init__

_parsed: dict[tuple[str, bytes], bytes] = {}
_tables: dict[tuple[Any, ...], sqlalchemy.Table] = {}
_describing = RLock()


@cache
def open_quickly() -> None:
    """Open butlers quickly in this process from now on."""
    Config._Config__initFromYaml = _read_yaml_once  # type: ignore[attr-defined]
    StaticTablesContext.addTable = _add_static_table  # type: ignore[assignment,method-assign]
    DatabaseMetadata.add_table = _describe_once  # type: ignore[assignment,method-assign]
    Database.__init__ = _begin_with_queries  # type: ignore[assignment,method-assign]


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


def _add_static_table(context: StaticTablesContext, name: str, spec: Any) -> sqlalchemy.Table:
    describe = _describe_once if name in context._tableNames else _describe
    table: sqlalchemy.Table = describe(context._db._metadata, context._db, name, spec)
    return table


def _describe_once(metadata: Any, database: Database, name: str, spec: Any, **more: Any) -> Any:
    if more or name in metadata._tables:
        return _describe(metadata, database, name, spec, **more)
    key = (type(database), database.namespace, name, *_description(spec))
    with _describing:
        if key not in _tables:
            _tables[key] = _describe(metadata, database, name, spec)
        else:
            # Tables that are described later refer to this one by its name.
            metadata._metadata._add_table(name, metadata._metadata.schema, _tables[key])
            metadata._tables[name] = _tables[key]
    return _tables[key]


def _description(spec: Any) -> tuple[Any, ...]:
    """Return all that tells one description of a table from another."""
    fields = [tuple(map(repr, vars(field).values())) for field in spec.fields]
    keys = [tuple(map(repr, vars(key).values())) for key in spec.foreignKeys]
    sets = [frozenset(map(repr, parts)) for parts in (spec.unique, spec.indexes, spec.exclusion)]
    return (tuple(fields), tuple(keys), *sets, spec.recycleIds)


class _Queries(LRUCache[Any, Any]):
    """Compiled queries, of whichever engine."""

    @override
    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    @override
    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_any_engine(key), value)


def _of_any_engine(key: Any) -> Any:
    # Each engine has a dialect of its own, and all are set up alike.
    dialect, *rest = key
    return (type(dialect), getattr(dialect, "server_version_info", None), *rest)


_queries = _Queries(5000)


def _begin_with_queries(database: Database, *, engine: sqlalchemy.Engine, **more: Any) -> None:
    _begin(database, engine=engine, **more)
    engine._compiled_cache = _queries

"""The registry's tables, over a connection of the butler's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy.engine import Connection as AlchemyConnection
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from typing_extensions import override

from ...model.contents import Holding
from ...model.sights import Ingested
from ..registry.tables import Connection, Snapshot
from ..registry.tried import DATASTORE, NotTriedError
from ..registry.troubles import first_line
from .opening import Repository

__all__ = ["Tables"]

_T = TypeVar("_T")


class Tables:
    """The registry's tables of one repository, to look at.

    Parameters
    ----------
    repository
        Whose; it need not be one whose tables are known.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.aside: str | None = None
        """Why the butler was asked for what these tables should tell; `None`:
        it was not."""

    @cached_property
    def _engine(self) -> Engine:
        return self._repository.engine()

    def read(
        self,
        names: Iterable[str],
        *,
        calibrations_only: bool = False,
    ) -> dict[str, Holding] | None:
        """Return what collections hold, all in one state of the database.

        Parameters
        ----------
        names
            Collections; absent and CHAINED ones are left out of the answer.
        calibrations_only
            Leave out datasets of types that are no calibrations, and do not
            look at the datastore.

        Returns
        -------
        dict or None
            By name; `None` where these tables cannot tell, for whatever
            reason: the butler can, or says what is wrong.
        """
        wanted = list(dict.fromkeys(names))
        return self._ask(lambda snapshot: snapshot.holdings(wanted, calibrations_only=calibrations_only))

    def ingested(self, names: Sequence[str]) -> dict[str, Ingested] | None:
        """Return when datasets arrived; `None` where that is not told."""
        return self._ask(lambda snapshot: snapshot.ingested(names))

    def probe(self) -> None:
        """Try whether these tables can tell; `aside` says why not."""
        self._ask(lambda snapshot: snapshot.probe())

    def _ask(self, question: Callable[[Snapshot], _T]) -> _T | None:
        """Return the answer to a question; `None` where there is none."""
        try:
            with self.snapshot() as snapshot:
                return question(snapshot)
        except NotTriedError as error:
            self.aside = str(error)
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            # The butler meets a trouble of the database too, and tells it.
            # What only our statements meet would be known to nobody.
            cause = error.orig if isinstance(error, DBAPIError) else error
            line = first_line(cause)
            self.aside = f"its tables cannot be read without the butler: {line}"
        return None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Hold on to one state of the database; nothing can be written.

        Raises
        ------
        NotTriedError
            These are no tables that are known.
        """
        config = self._repository.config
        if config.get(("datastore", "cls")) != DATASTORE:
            raise NotTriedError("its datastore is not a single one of files")
        records = str(config["datastore", "records", "table"])
        with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield Snapshot(_OfAlchemy(connection), self._repository.namespace, records)

    def close(self) -> None:
        """Let go of the database."""
        if "_engine" in vars(self):
            self._engine.dispose()


@dataclass(frozen=True)
class _OfAlchemy(Connection):
    """A connection of the butler's own."""

    connection: AlchemyConnection

    @property
    @override
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        return self.connection.dialect.name == "postgresql"

    @override
    def select(
        self,
        statement: str,
        values: Sequence[str] = (),
    ) -> list[tuple[Any, ...]]:
        cursor = self.connection.exec_driver_sql(statement, tuple(values)).cursor
        assert cursor is not None
        # Tuples as the database's module makes them; wrapped ones cost more.
        return list(cursor.fetchall())

    @override
    def columns(self, table: str) -> list[str]:
        return list(self.connection.exec_driver_sql(f"SELECT * FROM {table} LIMIT 0").keys())

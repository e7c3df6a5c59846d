"""One repository: opened for reading, for writing and for pipelines."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import Diagnostic, NeedsRecoveryError, Severity, UnreachableError
from ..model.checkups import Examined
from ..model.names import RepositoryAddress
from ..model.seen import Seen
from ..model.sights import Sight
from ..ports.butler import ButlerReader, ButlerWriter
from ..ports.commands import CommandRunner
from ..ports.construction import BatchRunner, ConstructionReader
from ..ports.packages import DataPackages
from ..ports.pipelines import PipelineReader, PipelineRunner
from ..ports.retention import RetentionReader
from . import clock
from .addresses import Addresses
from .asking import Asking
from .observed import ObservedByOthers, SeenByOthers
from .once import Once

if TYPE_CHECKING:
    from ..adapters.butler import DafButlerReader, DafButlerWriter
    from ..adapters.commands import Listed
    from ..adapters.repositories import RegistryReader

__all__ = ["RepositoryPlace", "Settings"]


@dataclass(frozen=True)
class Settings:
    """How repositories are opened."""

    formatters: tuple[str, ...]
    """Packages whose formatter classes may be imported."""

    remembers: bool = False
    """Whether what collections hold may be remembered of the last look."""

    commands: Listed = field(default_factory=dict)
    """What commands there are, as programs listed them."""


class RepositoryPlace:
    """One repository, opened when it is first asked for.

    Parameters
    ----------
    address
        Its address.
    settings
        How it is opened.
    addresses
        Tells where it is.
    asking
        How it is asked.
    others
        What others observed, if it cannot be seen from here.
    """

    def __init__(
        self,
        address: RepositoryAddress,
        settings: Settings,
        addresses: Addresses,
        asking: Asking,
        others: ObservedByOthers,
    ) -> None:
        self._address = address
        self._settings = settings
        self._addresses = addresses
        self._asking = asking
        self._others = others
        self._live: Once[RegistryReader | DafButlerReader] = Once(self._open_live)
        self._seen_by_others: SeenByOthers | None = None
        self._looked_at: datetime | None = None
        """When the first look of this command began; `None`: none did."""
        self._writer: Once[DafButlerWriter] = Once(self._open_writer)
        self._pipelines: Once[PipelineReader] = Once(self._open_pipelines)
        self._pipeline_runner: Once[PipelineRunner] = Once(self._open_pipeline_runner)
        self._construction: Once[ConstructionReader] = Once(self._open_construction)
        self._batches: Once[BatchRunner] = Once(self._open_batches)
        self._commands: Once[CommandRunner] = Once(self._open_commands)
        self._retention: Once[RetentionReader] = Once(self._open_retention)

    # Reading

    def reader(self) -> ButlerReader:
        """Return it to look at, or as others saw it."""
        by_others = self._by_others()
        if by_others:
            return by_others.relied_on()
        return self._live.get()

    def sight(self) -> Sight | None:
        """Return the sight of what others saw; `None`: it is to be read.

        Raises
        ------
        UnreachableError
            Nobody saw it, or too long ago.
        """
        by_others = self._by_others()
        if by_others is None:
            return None
        by_others.check_relied_on()
        return by_others.sight()

    def _by_others(self) -> SeenByOthers | None:
        """Return it as others saw it; `None`: it can be seen from here."""
        if self._seen_by_others:
            return self._seen_by_others
        began = clock.now()
        try:
            self._live.get()
        except NeedsRecoveryError:
            raise  # It is within reach, and was changed since anyone saw it.
        except UnreachableError as error:
            self._seen_by_others = self._others.stand_in(self._address, error)
            return self._seen_by_others
        self._note_look(began)
        self._begin_to_ask()
        return None

    def seen_too_long_ago(self) -> bool:
        """Say whether it was seen, and too long ago to rely on."""
        return self._seen_by_others is not None and bool(self._seen_by_others.doubt)

    def last_seen(self) -> ButlerReader | None:
        """Return it as it was seen last, where that is too old to rely on.

        Raises
        ------
        UnreachableError
            That cannot be read.
        """
        if self._seen_by_others and self._seen_by_others.doubt:
            return self._seen_by_others.butler()
        return None

    def sight_last_seen(self) -> Sight | None:
        """Return the sight of what was seen last, where that is too old."""
        if self._seen_by_others and self._seen_by_others.doubt:
            return self._seen_by_others.sight()
        return None

    @property
    def is_by_sight(self) -> bool:
        """Whether rows of it are read only where nothing else tells."""
        return self._seen_by_others is not None and self._seen_by_others.is_by_sight

    def _note_look(self, began: datetime) -> None:
        if self._looked_at is None:
            self._looked_at = began

    def _open_live(self) -> RegistryReader | DafButlerReader:
        return self._asking.ask_repository(self._address, self._open_reader)

    def _open_reader(self) -> RegistryReader | DafButlerReader:
        from ..adapters.repositories import digests_cache, open_reader, server_of

        uri = self._addresses.repository(self._address)
        server = server_of(uri)
        cache = digests_cache() if self._settings.remembers else None
        in_time = self._asking.in_time(self._address, server)
        # While it is opened, all databases of its server answer, or none.
        with self._asking.silences.asking(server, self._address):
            return open_reader(uri, self._settings.formatters, in_time, cache, self._asking.timeout)

    def _begin_to_ask(self) -> None:
        # What is asked of it from now on counts for it alone: a database that
        # somebody has locked says nothing of the others of its server.
        self._asking.silences.ask(self._address, self._address)

    def identity(self) -> str:
        """Return what tells it from other butlers, without opening it."""
        from ..adapters.repositories import identity

        return self._asking.ask_repository(
            self._address, lambda: identity(self._addresses.repository(self._address))
        )

    def examine(self) -> Examined:
        """Look whether one can work there; nothing is written."""
        began = clock.now()
        examined = self._examine()
        self._note_look(began)
        return examined

    def _examine(self) -> Examined:
        from ..adapters.repositories import open_reader

        # What was opened a moment ago to plan is not opened again.
        if self._live.opened:
            return self._live.opened.examine()
        uri = self._addresses.repository(self._address)
        with (
            self._asking.silences.asking(self._address, self._address),
            closing(open_reader(uri, timeout=self._asking.timeout)) as reader,
        ):
            # Nothing was looked at yet, so nothing can have failed.
            reader.probe()
            return reader.examine()

    # Writing

    def writer(self) -> ButlerWriter:
        """Return it to change."""
        writer = self._writer.get()
        self._begin_to_ask()
        return writer

    def _open_writer(self) -> DafButlerWriter:
        from ..adapters.butler import open_writer

        uri = self._addresses.repository(self._address)
        writer = open_writer(uri, self._settings.formatters, self._asking.timeout)
        # The first writer of a repository makes tables, of which a reader
        # from before it knows nothing.
        self._live.forget()
        return writer

    def recover(self) -> None:
        """Undo what a killed writer left half done there."""
        from ..adapters.butler import clear_leftovers, recover

        uri = self._addresses.repository(self._address)
        recover(uri, self._asking.timeout)
        clear_leftovers(uri, self._asking.timeout)

    def exclude_others(self) -> AbstractContextManager[Callable[[], None]]:
        """Keep away also who keeps locks elsewhere, where the database can."""
        from ..adapters.butler import exclude_others

        uri = self._addresses.repository(self._address)
        return exclude_others(uri, self._address, self._asking.timeout)

    # Pipelines

    def pipelines(self) -> PipelineReader:
        """Return it to look at pipelines in."""
        return self._pipelines.get()

    def _open_pipelines(self) -> PipelineReader:
        from ..adapters.pipelines import open_pipeline_reader

        return open_pipeline_reader(self._addresses.repository(self._address), self._asking.timeout)

    def pipeline_runner(self) -> PipelineRunner:
        """Return it to run pipelines in."""
        return self._pipeline_runner.get()

    def _open_pipeline_runner(self) -> PipelineRunner:
        from ..adapters.pipelines import open_pipeline_runner

        return open_pipeline_runner(self._addresses.repository(self._address), self._asking.timeout)

    # Construction

    def construction(self) -> ConstructionReader:
        """Return it to look at what was made."""
        reader = self._construction.get()
        self._begin_to_ask()
        return reader

    def _open_construction(self) -> ConstructionReader:
        return self._asking.ask_repository(self._address, self._open_construction_reader)

    def _open_construction_reader(self) -> ConstructionReader:
        from ..adapters.construction.reader import open_construction_reader

        return open_construction_reader(self._addresses.repository(self._address), self._asking.timeout)

    def batches(self) -> BatchRunner:
        """Return what runs templates for it."""
        return self._batches.get()

    def _open_batches(self) -> BatchRunner:
        from ..adapters.construction.runner import open_batch_runner

        uri = self._addresses.repository(self._address)
        return open_batch_runner(uri, self._addresses.construction(self._address), self._asking.timeout)

    # Retention

    def retention(self) -> RetentionReader:
        """Return it to look at all that it keeps."""
        began = clock.now()
        reader = self._retention.get()
        self._note_look(began)
        self._begin_to_ask()
        return reader

    def _open_retention(self) -> RetentionReader:
        return self._asking.ask_repository(self._address, self._open_retention_reader)

    def _open_retention_reader(self) -> RetentionReader:
        from ..adapters.butler.retention import open_retention_reader

        uri = self._addresses.repository(self._address)
        return open_retention_reader(self._address, uri, self._asking.timeout)

    # Commands

    def commands(self) -> CommandRunner:
        """Return the ``butler`` that this host has for it."""
        return self._commands.get()

    def _open_commands(self) -> CommandRunner:
        from ..adapters.commands import open_site_butler

        uri = self._addresses.repository(self._address)
        construction = self._addresses.construction(self._address)
        environment = construction.environment if construction else ()
        listed = self._settings.commands
        return open_site_butler(uri, environment, self._asking.timeout, listed)

    def packages(self) -> DataPackages:
        """Return the packages that are set up for that ``butler``."""
        from ..adapters.packages import SiteDataPackages

        return SiteDataPackages(self.commands().variable)

    # What a person should know

    def seen(self, now: datetime, declared: str) -> Seen | None:
        """Return when it was seen, and by whom; `None`: nobody saw it.

        Parameters
        ----------
        now
            The time in UTC.
        declared
            Digest of what is declared today.
        """
        if self._seen_by_others and not self._seen_by_others.is_unreadable:
            return self._seen_by_others.seen(now, declared)
        if self._looked_at is None:
            return None
        return Seen.live(self._looked_at, now)

    def note_of_others(self, now: datetime, declared: str) -> Diagnostic | None:
        """Return that it is shown as others saw it, if so.

        Parameters
        ----------
        now
            The time in UTC.
        declared
            Digest of what is declared today.
        """
        if self._seen_by_others is None or self._seen_by_others.is_unreadable:
            return None
        return self._seen_by_others.note(now, declared)

    def note_of_server(self) -> Diagnostic | None:
        """Return that it was read through a butler server, if so."""
        reader = self._live.opened
        if reader is None or not reader.is_server:
            return None
        return Diagnostic(
            "Read through a server",
            f"{self._address} is a butler server: whether files are recorded and there is not known, and "
            "nothing can be changed through it.",
            severity=Severity.NOTE,
        )

    def note_of_slow_looks(self) -> Diagnostic | None:
        """Return why looks at it took longer than they might, if so."""
        for opened in (self._live.opened, self._writer.opened):
            if opened and opened.aside:
                return Diagnostic(
                    "Read by the butler",
                    f"{self._address}: {opened.aside}. It is read as any other, and takes longer.",
                    severity=Severity.DETAIL,
                )
        return None

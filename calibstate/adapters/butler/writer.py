"""A butler repository to change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from lsst.daf.butler import CollectionCycleError, CollectionTypeError, MissingCollectionError
from lsst.daf.butler.registry import (  # type: ignore[attr-defined]
    CollectionType as ButlerCollectionType,
)
from lsst.daf.butler.registry import ConflictingDefinitionError
from typing_extensions import override

from ...errors import Diagnostic, PlanIsStaleError, RefusedError
from ...model.bundles import Contents, Manifest
from ...model.contents import Row
from ...model.readings import Reading
from ...model.settings import RUBIN
from ...model.timespans import Range
from ...ports.butler import ButlerWriter, ImportCount
from ...ports.progress import Watch, unwatched
from ...ports.records import Fence, unfenced
from ...ports.silence import USUAL_TIMEOUT
from . import incoming
from .certifying import CertificationOf
from .datastore import file_stores
from .importing import BundleImport
from .opening import Repository
from .reader import DafButlerReader
from .tables import Tables

__all__ = ["DafButlerWriter", "clear_leftovers", "open_writer"]


class DafButlerWriter(DafButlerReader, ButlerWriter):
    """A repository of ``lsst.daf.butler``, to change."""

    @override
    def set_chain(
        self,
        name: str,
        children: Sequence[str],
        *,
        expected: Sequence[str] | None,
        fence: Fence = unfenced,
    ) -> None:
        """Give a chain its children, in one transaction."""
        with self._repository.asking(), _refusing(name), self._butler.transaction():
            if expected is None:
                self._make_chain(name)
            elif name not in self.collections([name]):
                raise _stale(name, "it is gone", expected)
            # Prepending nothing takes the butler's lock on the chain and
            # changes nothing else, so what is read next stays true until
            # the end of the transaction.
            self._butler.collections.prepend_chain(name, [])
            present = self._butler.collections.get_info(name).children
            if tuple(present) != tuple(expected or ()):
                raise _stale(name, f"it has the children {_listed(present)}", expected)
            fence()
            self._butler.collections.redefine_chain(name, list(children))

    @override
    def certify(
        self,
        collection: str,
        uuids: Sequence[str],
        span: Range,
        *,
        expected: Collection[Row] = (),
        decertified: Collection[Row] = (),
        fence: Fence = unfenced,
    ) -> int:
        """Certify datasets for a range, in one transaction."""
        with self._repository.asking():
            # Dataset types may have been registered since it was opened.
            self._butler.registry.refresh()
            return CertificationOf(
                self._butler,
                self._repository.name,
                collection,
                tuple(uuids),
                span,
                frozenset(expected),
                frozenset(decertified),
                fence,
            ).run()

    @override
    def import_bundle(
        self,
        manifest: Manifest,
        contents: Contents,
        source: str,
        *,
        in_place: str | None = None,
        sealed: Reading | None = None,
        watch: Watch = unwatched,
        fence: Fence = unfenced,
    ) -> ImportCount:
        """Add what a bundle holds and the repository lacks."""
        with self._asking_refreshed():
            return BundleImport(
                self._butler,
                self._repository.name,
                manifest,
                contents,
                source,
                in_place,
                sealed,
                self._formatters,
                watch,
                fence,
                self._repository.timeout,
            ).run()

    def _make_chain(self, name: str) -> None:
        """Make a chain without children, where there is nothing yet."""
        if self._butler.collections.register(name, ButlerCollectionType.CHAINED):
            return
        # A name that is taken is no error to the butler, whatever has it.
        info = self._butler.collections.get_info(name)
        if info.type is ButlerCollectionType.CHAINED:
            children = _listed(info.children)
            raise _stale(name, f"somebody made it, with the children {children}", None)
        raise _refused(f"{name} is a {info.type.name} collection", _OTHER_TYPE)


def open_writer(
    uri: str, formatters: Sequence[str] = RUBIN, timeout: timedelta = USUAL_TIMEOUT
) -> DafButlerWriter:
    """Return a repository, opened for writing.

    What a killed writer left half done is undone by this.

    Parameters
    ----------
    uri
        URI or path of the repository.
    formatters
        Packages whose formatter classes may be imported.
    timeout
        How long it may be silent.

    Raises
    ------
    UnreachableError
        It cannot be opened from here.
    """
    repository = Repository(uri, timeout)
    return DafButlerWriter(repository, repository.open(writeable=True), Tables(repository), formatters)


def clear_leftovers(uri: str, timeout: timedelta = USUAL_TIMEOUT) -> None:
    """Remove what an import that was killed left among the files.

    Parameters
    ----------
    uri
        URI or path of the repository; its lock is held.
    timeout
        How long it may be silent.

    Raises
    ------
    UnreachableError
        It cannot be opened from here.
    """
    repository = Repository(uri, timeout)
    if repository.is_server:
        return
    # Without a datastore of files nothing was ever imported.
    with repository.open(writeable=True) as butler:
        for store in file_stores(butler):
            incoming.clear_leftovers(store.root)


_OTHER_TYPE = "Rename or remove that collection, or declare the chain under another name."


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Raise what the butler refuses of a chain as errors of our own."""
    try:
        yield
    except MissingCollectionError as error:
        hint = "A chain is written when all of its children have arrived."
        raise _refused(f"a child of {name} does not exist: {error}", hint) from error
    except CollectionCycleError as error:
        hint = "Break the circle in the declared chains."
        raise _refused(f"{name} would hold itself: {error}", hint) from error
    except (CollectionTypeError, ConflictingDefinitionError) as error:
        raise _refused(f"{name} is no chain: {error}", _OTHER_TYPE) from error


def _refused(detail: str, hint: str) -> RefusedError:
    return RefusedError(Diagnostic("Chain cannot be written", f"{detail.rstrip('.')}.", hint=hint))


def _stale(
    name: str,
    difference: str,
    expected: Sequence[str] | None,
) -> PlanIsStaleError:
    """Return the error that a chain is not as the plan has it."""
    wanted = "it did not exist"
    if expected is not None:
        wanted = f"it had the children {_listed(expected)}"
    return PlanIsStaleError(
        Diagnostic(
            "Chain has changed",
            f"{name}: {difference}; when the plan was made, {wanted}. Writing would undo somebody's work.",
            hint="Plan again.",
        )
    )


def _listed(children: Sequence[str]) -> str:
    return f"[{', '.join(children)}]"

"""The files of a butler: where they are recorded to be, and whether they are.

The datastore's records and its files are two things; each can be there
without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lsst.daf.butler import Butler, DatasetRef
from lsst.resources import ResourcePath

from ...errors import Diagnostic, RefusedError
from ...ports.silence import heard, hearing, listening

__all__ = ["datastore_root", "for_each", "locations", "recorded", "size_of", "sizes_of"]

_AT_ONCE = 16
"""Files that are asked for, read or written at a time."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def datastore_root(butler: Butler, name: str) -> ResourcePath:
    """Return the folder of a butler's files.

    Parameters
    ----------
    butler
        Whose.
    name
        What messages call it.

    Raises
    ------
    RefusedError
        The datastore is not a single one of files.
    """
    roots = list(butler.get_datastore_roots().values())
    if len(roots) != 1 or roots[0] is None:
        datastores = ", ".join(butler.get_datastore_names())
        raise RefusedError(
            Diagnostic(
                "Datastore is not one of files",
                f"{name} has the datastores {datastores}; files could be in any of them or in none.",
                hint="Only repositories with a single datastore of files can be exported or changed.",
            )
        )
    return roots[0]


def locations(butler: Butler, refs: Iterable[DatasetRef]) -> dict[str, tuple[ResourcePath, ...]]:
    """Return where the files of datasets are recorded to be.

    Parameters
    ----------
    butler
        Where.
    refs
        Datasets; those that the datastore has no record of are left out of
        the answer.

    Returns
    -------
    dict
        By UUID; more than one where a dataset was written in components.
    """
    asked = list(refs)
    if not asked:
        return {}
    return {
        str(ref.id): (uris.primaryURI,) if uris.primaryURI else tuple(uris.componentURIs.values())
        for ref, uris in butler.get_many_uris(asked, allow_missing=True).items()
    }


def recorded(butler: Butler, refs: Iterable[DatasetRef]) -> set[str]:
    """Return the UUIDs of those datasets that the datastore has a record of.

    Parameters
    ----------
    butler
        Where.
    refs
        Datasets.
    """
    asked = list(refs)
    if not asked:
        # A repository that was never written to has no table of records.
        return set()
    # The butler has no public question for this that does not also make a
    # URI for each (four times as long) or look at each file.
    known = butler._datastore.knows_these(asked)
    return {str(ref.id) for ref, is_known in known.items() if is_known}


def size_of(file: ResourcePath) -> int | None:
    """Return the size of a file in bytes; `None` where there is none."""
    try:
        return file.size()
    except (FileNotFoundError, NotADirectoryError):
        return None


def sizes_of(files: Iterable[ResourcePath]) -> dict[ResourcePath, int | None]:
    """Return the sizes of files in bytes; `None` where there is none."""
    asked = list(dict.fromkeys(files))
    return dict(zip(asked, for_each(size_of, asked), strict=True))


def for_each(
    ask: Callable[[_Item], _Answer],
    items: Sequence[_Item],
    *,
    done: Callable[[int], None] = lambda count: None,
) -> list[_Answer]:
    """Ask the same of many files, several at a time.

    The first that raises ends it; those not begun are not asked.

    Parameters
    ----------
    ask
        The question.
    items
        The files.
    done
        Told how many have answered.
    """
    answers = []
    with ThreadPoolExecutor(_AT_ONCE, initializer=listening, initargs=(hearing(),)) as pool:
        try:
            for answer in pool.map(ask, items):
                answers.append(answer)
                heard()
                done(len(answers))
        finally:
            pool.shutdown(cancel_futures=True)
    return answers

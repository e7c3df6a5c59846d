"""What repositories keep, and what of it nobody needs any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...model.names import Noun, RepositoryAddress
from ...model.results.retention import RetentionTold
from ...model.retention import Keeps, LineState, RetentionClass, RetentionLine
from ...model.seen import Seen

__all__ = [
    "ClassEntry",
    "KeeperEntry",
    "RetentionDocument",
    "RetentionEntry",
    "RetentionOfRepository",
    "retention_document",
]


class ClassEntry(Noun):
    """A class, in words."""

    means: str
    """What is in it."""

    loses: str
    """What is lost with it."""


class KeeperEntry(Noun):
    """What keeps something."""

    by: Keeps
    """Why, in a word."""

    name: str
    """A chain, collection, ticket or account; empty: the reason says all."""

    repository: str
    """Where that is; empty: in the state tree, in Rucio, or beside it."""


class RetentionEntry(Noun):
    """Datasets of one class that one command would remove."""

    retention_class: RetentionClass
    """A to G."""

    state: LineState
    """`offered`: nothing that was looked at needs it."""

    collection: str
    """The CALIBRATION collection (A to C) or the RUN."""

    dataset_type: str | None
    """null: all of that class that the collection has."""

    ticket: str | None
    """`INSTRUMENT/TICKET`, where its name tells."""

    datasets: int
    certifications: int
    """Of these datasets, in whatever collection; they would go with them."""

    files: int | None
    """null: the repository does not tell."""

    bytes: int | None
    """null: the repository does not tell."""

    kept: tuple[KeeperEntry, ...]
    """Why it is kept."""

    not_before: str | None
    """Day before which it is not offered, `YYYY-MM-DD`; null: none is set."""

    command: tuple[str, ...]
    """What a person would use, word by word, the repository as `$REPO`; empty:
    no command does it, or nothing is offered."""

    paths: tuple[str, ...]
    """URIs of the files that no dataset has."""


class RetentionOfRepository(Noun):
    """What one repository keeps."""

    butler: str
    """How its butler is declared."""

    lines: tuple[RetentionEntry, ...]
    """By class, then by collection and type."""


class RetentionDocument(Noun):
    """What repositories keep; nothing was deleted."""

    format_version: Literal["1.0"] = "1.0"
    kind: Literal["retention"] = "retention"

    classes: Mapping[str, ClassEntry]
    """By letter."""

    repositories: Mapping[str, RetentionOfRepository]
    """By address."""

    published: tuple[str, ...] = ()
    """Repositories of which only what they published was looked at."""

    unreachable: Mapping[str, str] = {}
    """Why places could not be seen: then nothing is offered."""

    seen: Mapping[RepositoryAddress, Seen] = {}
    """When each repository was seen, and by whom, by address."""


def retention_document(result: RetentionTold) -> RetentionDocument:
    """Return the document of what repositories keep."""
    classes: dict[str, ClassEntry] = {}
    for retention in RetentionClass:
        classes[retention.value] = ClassEntry(means=retention.means, loses=retention.loses)
    repositories: dict[str, RetentionOfRepository] = {}
    for address, lines in result.lines.items():
        entries = [_entry(line) for line in lines]
        repositories[address] = RetentionOfRepository(
            butler=result.butlers[address],
            lines=tuple(entries),
        )
    unreachable: dict[str, str] = {}
    for place, why in result.unreachable.items():
        unreachable[place] = why.for_anybody
    return RetentionDocument(
        classes=classes,
        repositories=repositories,
        published=result.published,
        unreachable=unreachable,
        seen=result.ages,
    )


def _entry(line: RetentionLine) -> RetentionEntry:
    kept: list[KeeperEntry] = []
    for keeper in line.kept:
        entry = KeeperEntry(
            by=keeper.by,
            name=keeper.name,
            repository=keeper.repository,
        )
        kept.append(entry)
    ticket = None
    if line.ticket:
        ticket = line.ticket.name
    not_before = None
    if line.not_before:
        not_before = line.not_before.isoformat()
    return RetentionEntry(
        retention_class=line.retention,
        state=line.state,
        collection=line.collection,
        dataset_type=line.dataset_type,
        ticket=ticket,
        datasets=line.datasets,
        certifications=line.certifications,
        files=line.files,
        bytes=line.bytes,
        kept=tuple(kept),
        not_before=not_before,
        command=line.command,
        paths=line.paths,
    )

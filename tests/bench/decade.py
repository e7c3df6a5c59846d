"""Ten years of one camera: a tree, its seals, and what repositories published.

520 weekly tickets of 15 collections, each for all of 189 detectors: flats in
six filters, and nine of sixteen other dataset types.  There are no butlers:
seals tell what tickets hold, and sights tell what repositories show.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from calibstate import __version__
from calibstate.factory.addresses import Addresses
from calibstate.lookups.searched import declared_searches
from calibstate.model.chains import usual_chains
from calibstate.model.contents import CollectionType
from calibstate.model.desired import DesiredState
from calibstate.model.fingerprints import digest_of_lines, ticket_fingerprint
from calibstate.model.names import RepositoryAddress
from calibstate.model.observations import SeenEntry, stamp
from calibstate.model.pages import DeclaredSearch
from calibstate.model.scope import Scope
from calibstate.model.seals import Coverage, Seal, SealedCollection, SealedFrom, SealedType
from calibstate.model.sights import Ingested, Sight, SightOfChain, SightOfTicket
from calibstate.store import sealfile, sightfile, statefile
from tests.tree import Tree

__all__ = ["CALM", "MIXED", "REPOSITORIES", "WILD", "Mood", "commit_weekly", "make_decade"]

INSTRUMENT = "LSSTCam"
CALIB = f"{INSTRUMENT}/calib"
DETECTORS = 189
FILTERS = ("u_24", "g_6", "r_57", "i_39", "z_20", "y_10")

OTHER_TYPES = (
    "bias",
    "dark",
    "defects",
    "manual_defects",
    "ptc",
    "cti",
    "crosstalk",
    "linearizer",
    "bfk",
    "electroBfDistortionMatrix",
    "gain_correction",
    "fringe",
    "camera",
    "transmission_sensor",
    "transmission_optics",
    "straylightData",
)
_TYPES_OF_A_TICKET = 9

REPOSITORIES = (
    "usdf/main",
    "usdf/embargo",
    "summit/LSSTCam",
    "summit/mirror",
    "bts/LSSTCam",
    "tts/LSSTCam",
    "base/LSSTCam",
    "frdf/main",
    "ukdf/main",
    "cloud/main",
)
"""The first one is the origin."""

_LAST_DAY = datetime(2026, 11, 27, tzinfo=UTC)
_WEEK = timedelta(weeks=1)
_FIRST_TICKET = 30000
_FEW = "3,40,97..98,150"
"""Detectors of a ticket that has few."""


@dataclass(frozen=True)
class Mood:
    """How unlike each other tickets are, as shares of them."""

    few: float = 0
    """For five detectors only."""

    far_back: float = 0
    """Valid from 400 days before."""

    bounded: float = 0
    """Valid for half a year only."""


CALM = Mood()
MIXED = Mood(few=0.1, far_back=0.01, bounded=0.1)
WILD = Mood(few=0.5, far_back=0.01, bounded=0.1)


@dataclass(frozen=True)
class _Week:
    """A ticket, as it is made up."""

    name: str
    day: datetime
    leaves: Mapping[str, Coverage]
    """Coverage by collection, in search order."""


def make_decade(
    folder: Path,
    *,
    tickets: int = 520,
    mood: Mood = MIXED,
    repositories: Sequence[str] = REPOSITORIES,
    seen: datetime | None = None,
) -> Tree:
    """Write the tree, its seals, and the sights of its repositories.

    Parameters
    ----------
    folder
        Where.
    tickets
        How many, one a week; the newest is of November 2026.
    mood
        How unlike each other they are.
    repositories
        Their addresses; the first is the origin.
    seen
        When the repositories were looked at; `None`: now.
    """
    tree = Tree(folder, INSTRUMENT)
    tree.settings()
    for site in dict.fromkeys(address.partition("/")[0] for address in repositories):
        here = [address for address in repositories if address.startswith(f"{site}/")]
        routes = {a.partition("/")[2]: "origin" if a == repositories[0] else "copy" for a in here}
        tree.site(site, routes)
    weeks = list(_weeks(tickets, mood))
    for week in weeks:
        _declare(tree, week)
    tree.chain([week.name for week in weeks])
    _publish(tree, repositories, seen or datetime.now(UTC))
    return tree


def commit_weekly(tree: Tree) -> None:
    """Put the tree under Git as it grew: each week one ticket, a merge each.

    Parameters
    ----------
    tree
        The tree; its chain lists the newest ticket first.
    """
    subprocess.run(["git", "init", "-qb", "main"], cwd=tree.folder, check=True)
    chain = next((tree.state / "chains").glob("*.yaml"))
    head, _, listed = chain.read_text().partition("entries:\n")
    entries = listed.splitlines(keepends=True)
    others = [path for path in tree.state.rglob("*.yaml") if path.parent.name not in {INSTRUMENT, "chains"}]
    stream = bytearray()
    for number, entry in enumerate(reversed(entries)):
        name = entry.strip(" -\n")
        files = {path: path.read_bytes() for path in (others if number == 0 else ())}
        for folder in ("tickets", "seals"):
            path = tree.state / folder / INSTRUMENT / f"{name}.yaml"
            files[path] = path.read_bytes()
        files[chain] = f"{head}entries:\n{''.join(entries[-number - 1 :])}".encode()
        day = _LAST_DAY - (len(entries) - 1 - number) * _WEEK
        stream += _commit(f"Deploy {name} (#{number + 1})", day, files, tree.folder)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=tree.folder, input=bytes(stream), check=True)
    subprocess.run(["git", "reset", "-q", "--mixed"], cwd=tree.folder, check=True)


def _commit(title: str, day: datetime, files: Mapping[Path, bytes], root: Path) -> bytes:
    """Return a commit as `git fast-import` reads it."""
    who = f"Kari Ewer <kari@example.org> {int(day.timestamp())} +0000"
    lines = [f"commit refs/heads/main\ncommitter {who}\ndata {len(title)}\n{title}\n".encode()]
    for path, data in files.items():
        name = path.relative_to(root).as_posix()
        lines.append(f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n")
    return b"".join(lines)


def _weeks(number: int, mood: Mood) -> Iterator[_Week]:
    """Yield tickets, the newest first."""
    chance = random.Random(number)
    for back in range(number):
        day = _LAST_DAY - back * _WEEK
        begin = day
        if chance.random() < mood.far_back:
            begin = day - timedelta(days=400)
        end: str | None = None
        if chance.random() < mood.bounded:
            end = _tai(begin + timedelta(days=182))
        detectors = f"0..{DETECTORS - 1}"
        if chance.random() < mood.few:
            detectors = _FEW
        common: Coverage = {"detector": detectors, "begin": _tai(begin), "end": end}
        leaves: dict[str, Coverage] = {}
        for name in FILTERS:
            leaves[f"weekly/flat-{name[0]}.{day:%Y%m%d}a"] = {"physical_filter": name, **common}
        first = (number - back) * _TYPES_OF_A_TICKET
        for place in range(first, first + _TYPES_OF_A_TICKET):
            leaves[f"weekly/{OTHER_TYPES[place % len(OTHER_TYPES)]}.{day:%Y%m%d}a"] = common
        yield _Week(f"DM-{_FIRST_TICKET + number - back}", day, leaves)


def _tai(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def _declare(tree: Tree, week: _Week) -> None:
    """Declare a ticket, adopted on its day, with its seal."""
    number = week.name.removeprefix("DM-")
    collections: dict[str, SealedCollection] = {}
    full: list[tuple[str, str]] = []
    for leaf, coverage in week.leaves.items():
        name = f"{CALIB}/{week.name}/{leaf}"
        fingerprint = digest_of_lines([name])
        full.append((name, fingerprint))
        kind = leaf.removeprefix("weekly/").partition(".")[0]
        datasets = 5 if coverage["detector"] == _FEW else DETECTORS
        run = f"{CALIB}/{week.name}/weekly/{kind}Gen.{week.day:%Y%m%d}a/{week.day:%Y%m%d}T000000Z"
        sealed = SealedType(datasets=datasets, run=run, coverage=(coverage,))
        dataset_type = kind.partition("-")[0]
        collections[leaf] = SealedCollection(fingerprint=fingerprint, types={dataset_type: sealed})
    fingerprint = ticket_fingerprint(full)
    content = digest_of_lines([week.name])
    digest = digest_of_lines([fingerprint, content])
    number_of_files = sum(held.datasets for each in collections.values() for held in each.types.values())
    seal = Seal(
        ticket=week.name,
        instrument=INSTRUMENT,
        fingerprint=fingerprint,
        content=content,
        digest=digest,
        sealed_from=SealedFrom(repository=REPOSITORIES[0], at=f"{week.day:%Y-%m-%d}T00:00:00.000Z"),
        files=number_of_files,
        bytes=number_of_files * 2880,
        collections=collections,
    )
    sealfile.write(tree.state, seal)
    tree.ticket(
        week.name,
        *week.leaves,
        summary=f"Weekly flats and {_TYPES_OF_A_TICKET} others of {week.day:%Y-%m-%d}",
        approval={
            "status": "adopted",
            "taxicab": f"TAXICAB-{number}",
            "date": f"{week.day:%Y-%m-%d}",
            "report": f"https://example.org/reports/{number}",
            "seal": digest,
        },
    )


def _publish(tree: Tree, repositories: Sequence[str], seen: datetime) -> None:
    """Write what repositories show: the last two lack the newest ticket."""
    desired, _ = statefile.load(tree.state)
    (search,) = declared_searches(desired, Scope())[CALIB]
    behind = _without_first(desired, search)
    for index, name in enumerate(repositories):
        address = RepositoryAddress(name)
        is_behind = index >= max(len(repositories) - 2, 1)
        sight = _sight(desired, address, behind if is_behind else search, seen)
        folder = tree.folder / "records" / "sights" / address
        folder.mkdir(parents=True)
        (folder / "newest.json").write_bytes(sightfile.dumps(sight))


def _without_first(desired: DesiredState, search: DeclaredSearch) -> DeclaredSearch:
    """Return what is searched where the newest ticket has not come yet."""
    newest = desired.chains[CALIB].noun.entries[0]
    entries = desired.chains[CALIB].noun.entries[1:]
    chain = desired.chains[CALIB]
    older = replace(chain, noun=chain.noun.model_copy(update={"entries": entries}))
    before = replace(desired, chains={**desired.chains, CALIB: older})
    tickets = {key: written for key, written in desired.tickets.items() if key.name != newest}
    (then,) = declared_searches(replace(before, tickets=tickets), Scope())[CALIB]
    return then


def _sight(
    desired: DesiredState, address: RepositoryAddress, search: DeclaredSearch, seen: datetime
) -> Sight:
    timeline = replace(search.timeline, fingerprint=digest_of_lines(search.children))
    searched = frozenset(search.children)
    chain = SightOfChain(
        children=search.children,
        searched=search.children,
        selected=tuple(f"{CALIB}/{name}" for name in search.timeline.tickets),
        effective=timeline.fingerprint,
        timeline=timeline,
    )
    tickets: dict[str, SightOfTicket] = {}
    listed: dict[str, SeenEntry | None] = {
        CALIB: SeenEntry(type=CollectionType.CHAINED, children=search.children)
    }
    for name in usual_chains(INSTRUMENT):
        listed.setdefault(name, None)
    for written in desired.tickets.values():
        ticket = written.noun
        seal = desired.seals[ticket.key].noun
        number = len(ticket.leaves)
        if ticket.collection not in searched:
            listed |= dict.fromkeys((*ticket.children, *ticket.leaves))
            nothing = ticket_fingerprint([])
            tickets[ticket.name] = SightOfTicket(fingerprint=nothing, collections=0, of_collections=number)
            continue
        day = f"{seal.sealed_from.at[:10]}T12:00:00Z"
        tickets[ticket.name] = SightOfTicket(
            fingerprint=seal.fingerprint,
            collections=number,
            of_collections=number,
            ingested=Ingested(first=day, last=day),
            whole=True,
        )
    return Sight(
        address=address,
        at=stamp(seen),
        version=__version__,
        declared=desired.digest,
        butler=Addresses(desired).butler_digest(address),
        chains={CALIB: chain},
        tickets=tickets,
        listed=listed,
    )

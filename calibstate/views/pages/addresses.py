"""Addresses of pages: they never change, and never name a host or a path.

An address is the folder of a page, with a slash at its end; empty is the root.
Names in it come from files and from repositories, so all but a few characters
are spelled.
"""

from __future__ import annotations

import re
from hashlib import sha256
from posixpath import relpath

from ...model.names import InstrumentName, RepositoryAddress

__all__ = [
    "chain_address",
    "commit_address",
    "compare_address",
    "daily_address",
    "document_of",
    "go_address",
    "instrument_address",
    "merge_address",
    "page_of",
    "relative",
    "repository_anchor",
    "run_address",
    "seal_address",
    "segment",
    "ticket_address",
    "tickets_address",
    "timeline_address",
]

_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 80
_COMMIT = 10
"""Digits of a commit, where two stand in one name."""

_OWN = frozenset({"index.html", "data.json", "history"})
"""Names of what lies in the folder of a page."""


def segment(name: str) -> str:
    """Return a name as one part of an address, of the checked alphabet.

    Parameters
    ----------
    name
        Any text.
    """
    spelled = _STRANGE.sub(lambda match: f"~{ord(match[0]):X}~", name)
    # What begins with a dot is hidden by servers, or another folder.
    if spelled.startswith(".") or spelled in _OWN or not spelled:
        spelled = f"~{spelled}"
    if len(spelled) > _LONGEST:
        digest = sha256(name.encode(errors="surrogatepass")).hexdigest()
        spelled = f"{spelled[:_LONGEST]}~{digest[:12]}"
    return spelled


def instrument_address(instrument: InstrumentName) -> str:
    """Return the address of an instrument."""
    return f"{segment(instrument)}/"


def tickets_address(instrument: InstrumentName, year: str = "") -> str:
    """Return the address of the tickets of an instrument, or of a year."""
    address = f"{segment(instrument)}/tickets/"
    if year:
        address += f"{segment(year)}/"
    return address


def ticket_address(instrument: InstrumentName, ticket: str) -> str:
    """Return the address of a ticket."""
    return f"{segment(instrument)}/ticket/{segment(ticket)}/"


def go_address(key: str) -> str:
    """Return the address that leads from a ticket's key to its page."""
    return f"go/{segment(key)}/"


def chain_address(instrument: InstrumentName, chain: str, first: int = 1) -> str:
    """Return the address of a declared chain, from one of its rows on."""
    name = chain.removeprefix(f"{instrument}/")
    segments = [segment(part) for part in name.split("/")]
    address = f"{segment(instrument)}/chain/{'/'.join(segments)}/"
    if first > 1:
        address += f"from-{first}/"
    return address


def timeline_address(instrument: InstrumentName, dataset_type: str = "") -> str:
    """Return the address of timelines, of all types or of one."""
    address = f"{segment(instrument)}/timeline/"
    if dataset_type:
        address += f"{segment(dataset_type)}/"
    return address


def compare_address(
    instrument: InstrumentName,
    a: RepositoryAddress | None = None,
    b: RepositoryAddress | None = None,
) -> str:
    """Return the address of all repositories compared, or of two."""
    address = f"{segment(instrument)}/compare/"
    if a and b:
        address += f"{repository_anchor(a)}..{repository_anchor(b)}/"
    return address


def merge_address(instrument: InstrumentName, older: str, newer: str) -> str:
    """Return the address of a commit compared with the one before."""
    address = compare_address(instrument)
    return f"{address}{segment(older[:_COMMIT])}..{segment(newer[:_COMMIT])}/"


def daily_address(instrument: InstrumentName, *names: str | None) -> str:
    """Return the address of daily verification, or of one of its tests.

    Parameters
    ----------
    instrument
        The camera.
    *names
        Sort of exposure, filter (`None`: it has none) and test.
    """
    address = f"{segment(instrument)}/daily/"
    if names:
        address += f"{segment('-'.join(filter(None, names)))}/"
    return address


def run_address(run: str) -> str:
    """Return the address of a run."""
    return f"run/{segment(run)}/"


def commit_address(commit: str) -> str:
    """Return the address of a commit."""
    return f"commit/{segment(commit)}/"


def seal_address(digest: str) -> str:
    """Return the address of a seal, by its digest."""
    return f"seal/{segment(digest.removeprefix('sha256:')[:16])}/"


def repository_anchor(address: RepositoryAddress) -> str:
    """Return the name by which the row of a repository is reached."""
    return segment(address.replace("/", "-"))


def page_of(address: str) -> str:
    """Return the file of a page."""
    return f"{address}index.html"


def document_of(address: str) -> str:
    """Return the file of a page's document."""
    return f"{address}data.json"


def relative(file: str, address: str) -> str:
    """Return a link from a page to a file, which works from the disk, too.

    Parameters
    ----------
    file
        The file, from the root.
    address
        Of the page that has the link.
    """
    return relpath(f"/{file}", f"/{address}")

"""What the files of a new tree say."""

from __future__ import annotations

from pathlib import Path

from .. import __version__
from ..errors import without_secrets
from ..store.treefile import read_again, scalar
from .remarks import address_unwritable, in_a_line, secret_in_address
from .sites import BegunSite
from .wanted import absolute
from .wishes import Wishes

__all__ = ["ignored", "not_ignored", "place_of", "settings_text", "site_text"]

_OF_A_SITE = """\
# A facility, and its butler repositories.
site: {site}
# title: its name for people
#
# Where labels and paths of this site mean something: from other hosts nobody
# opens what has the same path there.
# hosts: ["*.example.org"]
#
# Locks and journals of this site, if they are to be kept here and not where
# calibstate.yaml says.
# records: /data/calibstate/records
repositories:
"""

_OF_A_REPOSITORY = """\
  {name}:
    butler: {butler}
    instruments: [{instruments}]
    route: {route}
"""

_ROUTES = {
    "origin": "origin  # calibrations are made here",
    "copy": "copy  # or {by: rucio, rse: RSE, prefix: URI}",
}

_LEFT_OUT = """\
  # Not declared: {why}
  # {name}:
  #   butler: {butler}
  #   instruments: [LSSTCam]
  #   route: copy
"""

_SETTINGS = """\
# What holds for the whole tree.
version: 1
# Versions of calibstate that may use it.
requires: ">={version}"
# Where each deployed ticket is kept as a bundle: a folder, or s3://BUCKET/PREFIX.
# A relative path starts here.  All sites read it.
archive: {archive}
# Where locks, journals and what sites publish of themselves are kept: the same
# for all who change something.  A site may have its own, in its file.
records: {records}
#
# What one may set besides; `calibstate validate` tells what is wrong with it:
# waves:  # a change comes to one list of sites after the other
#   - [usdf]
#   - [summit]
# windows:  # when nothing is changed, and where
#   - {{deny: summit, from: "0 18 * * *", for: 14h, zone: America/Santiago, because: observing}}
# rucio: {{scope: SCOPE, origin_rse: RSE}}  # where a route is rucio
# formatters: [lsst]  # packages whose classes may read files
"""


def site_text(site: BegunSite) -> str:
    """Return the file of a site.

    Parameters
    ----------
    site
        What it declares, and what is left to write by hand.
    """
    text = _OF_A_SITE.format(site=scalar(site.noun.site))
    for name, repository in site.noun.repositories.items():
        assert repository.route, "each has one of its own"
        text += _OF_A_REPOSITORY.format(
            name=scalar(name),
            butler=scalar(repository.butler),
            instruments=", ".join(map(scalar, repository.instruments)),
            route=_ROUTES[repository.route.by],
        )
    for left_out in site.left_out:
        text += _LEFT_OUT.format(
            why=in_a_line(left_out.why_not),
            name=scalar(left_out.address.name),
            butler=scalar(left_out.butler),
        )
    read_again(text, site.file, site.noun)
    return text


def settings_text(archive: str, records: str) -> str:
    """Return the file ``calibstate.yaml``.

    Parameters
    ----------
    archive, records
        Where they are: a URI, or a path that may start at the file.
    """
    major, minor, *_ = __version__.split(".")
    return _SETTINGS.format(
        version=f"{major}.{minor}",
        archive=scalar(archive),
        records=scalar(records),
    )


def ignored(*places: str) -> str:
    """Return the file ``.gitignore``.

    Parameters
    ----------
    *places
        The archive and the records; what is within the tree is no part of it.
    """
    lines = ["# Files that are being written.", ".calibstate-*"]
    for place in places:
        # What begins at the root, or leads out of the tree, is elsewhere.
        if "://" not in place and not place.startswith(("/", "..")):
            lines.append(f"/{place}/")
    text = "\n".join(lines)
    return f"{text}\n"


def not_ignored(root: Path, text: str) -> list[str]:
    """Return what a ``.gitignore`` that is there lacks of ours.

    Parameters
    ----------
    root
        Root of the tree.
    text
        What we would write.
    """
    file = root / ".gitignore"
    if not file.is_file():
        return []
    theirs = file.read_text(encoding="utf-8", errors="replace").splitlines()
    folders = [line for line in text.splitlines() if line.startswith("/")]
    return [line for line in folders if line not in theirs]


def place_of(root: Path, given: str, option: str) -> str:
    """Return the archive or the records as ``calibstate.yaml`` has them.

    Parameters
    ----------
    root
        Root of the tree; a path within it becomes relative.
    given
        A URI or a path, as it was written.
    option
        The option that says so.

    Raises
    ------
    UsageError
        No file should hold it.
    """
    if not given.strip() or not given.isprintable():
        raise address_unwritable(option, given)
    if without_secrets(given) != given:
        raise secret_in_address(option)
    # Those that nobody gave are in the folder of the tree, wherever that is.
    if given in {Wishes.archive, Wishes.records}:
        return given
    if "/" not in given:
        given = f"./{given}"
    place = absolute(given)
    if "://" in place or not Path(place).is_relative_to(root):
        return place
    return str(Path(place).relative_to(root))

"""Begin a state tree of one's own, from one's own butlers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..beginning.files import Beginning, tree_with
from ..beginning.folders import check_folder, root_of, top_of_clone
from ..beginning.remarks import kept_not_ignoring
from ..beginning.repositories import Reach, begun_repositories
from ..beginning.sites import begun_sites, files_of_sites
from ..beginning.surroundings import next_commands, surroundings
from ..beginning.texts import ignored, not_ignored, place_of, settings_text, site_text
from ..beginning.wishes import Wishes
from ..model.results.beginnings import TreeBegun
from ..store import statefile
from .session import Session

__all__ = ["init"]


def init(session: Session, folder: Path | None, wishes: Wishes, *, write: bool = True) -> TreeBegun:
    """Return a state tree that was begun, or what would be written of it.

    Parameters
    ----------
    session
        It says how long a butler may be silent.
    folder
        Root of the tree; `None`: as the session says, or where we are.
    wishes
        What is wanted.
    write
        Whether anything is written.

    Raises
    ------
    CalibstateError
        No tree can begin there.
    RefusedError
        Something is in the way; nothing was written.
    UsageError
        What is wanted means nothing.
    """
    from ..factory.host import repository_index, site_here
    from ..factory.places import Places

    root = root_of(session.folder, folder)
    check_folder(root)
    archive = place_of(root, wishes.archive, "--archive")
    records = place_of(root, wishes.records, "--records")
    settings = settings_text(archive, records)
    declared = tree_with(root, {}, settings)
    reach = Reach(
        site_here(),
        partial(repository_index, session.timeout),
        partial(Places, timeout=session.timeout),
        partial(session.counting, "looking at", "repositories"),
    )
    begun = begun_repositories(wishes, declared, reach)
    texts: dict[str, str] = {}
    for site in begun_sites(begun.repositories):
        texts[site.file] = site_text(site)
    # It is sound, or nothing of it is written.
    tree = tree_with(root, texts, settings)
    clone = top_of_clone(root)
    around = surroundings(root, clone or root, tree, wishes)
    texts[".gitignore"] = ignored(archive, records)
    diagnostics = [*begun.remarks, *around.remarks]
    not_left_out = not_ignored(root, texts[".gitignore"])
    if not_left_out:
        diagnostics.append(kept_not_ignoring(not_left_out))
    texts.update(around.texts)
    # The last, so that what is not whole is taken for no tree.
    texts[statefile.ROOT_FILE] = settings
    beginning = Beginning.of(root, texts)
    following: tuple[str, ...] = ()
    if write:
        beginning.write()
        following = next_commands(beginning, is_in_clone=clone is not None)
    return TreeBegun(
        str(root),
        begun.repositories,
        beginning.changes,
        (*files_of_sites(declared), *beginning.kept),
        following,
        tuple(diagnostics),
        written=write,
    )

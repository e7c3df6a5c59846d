"""A lock that is broken within a step, and what changes at its last moment.

A moment is just before or just after a call of the program; what is done
there is what another host does that broke the lock, or a hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calibstate.adapters import archive as archives
from calibstate.adapters.butler import DafButlerWriter
from calibstate.adapters.butler.importing import BundleImport
from calibstate.adapters.objectstores.folder import Folder
from calibstate.store.bundle.manifest import dump_manifest
from tests import world
from tests.commands.sites import SUMMIT, TOP, Sites
from tests.commands.unlock_test import a_lock

NEW, OLD = f"{TOP}/DM-2", f"{TOP}/DM-1"
LEAF = f"{NEW}/flat.20240101a"


def break_lock(sites: Sites, place: str) -> Path:
    """Have another host hold a place that we held."""
    path = sites.tree.folder / "records" / "locks" / f"{place.replace('/', '__')}.json"
    path.unlink()
    path.write_bytes(a_lock(place=place))
    return path


def at(
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    do: Callable[[], object],
    which: Callable[..., bool] = lambda *arguments, **more: True,
    *,
    after: bool = False,
) -> None:
    """Do something once, before or after the first such call."""
    whole, left = getattr(owner, name), [do]

    def called(*arguments: Any, **more: Any) -> Any:
        now = left.pop() if left and which(*arguments, **more) else None
        if now and not after:
            now()
        answer = whole(*arguments, **more)
        if now and after:
            now()
        return answer

    monkeypatch.setattr(owner, name, called)


def lost(ran: Any, lock: Path) -> bool:
    """Say whether a loss was told, with its exit code and the new holder."""
    told = ran.err.count("Lock was lost") == 1 and "somebody on elsewhere (process 4711) holds" in ran.err
    # The lock of the other host is left alone.
    return told and ran.code == 3 and json.loads(lock.read_text())["process"]["host"] == "elsewhere"


def locked(sites: Sites, place: str) -> Path:
    return sites.tree.folder / "records" / "locks" / f"{place.replace('/', '__')}.json"


def test_a_chain_is_not_written_by_who_lost_the_lock(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.change_chain(SUMMIT, lambda live: [OLD])
    at(monkeypatch, DafButlerWriter, "set_chain", lambda: break_lock(deployed, SUMMIT))

    ran = deployed.apply("--site", "summit")

    assert lost(ran, locked(deployed, SUMMIT)), ran.err
    assert deployed.chain(SUMMIT) == (OLD,)


@pytest.mark.parametrize("moment", ["_refuse_conflicts", "_ingest"])
def test_nothing_is_placed_nor_recorded_by_who_lost_the_lock(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    here = Path(sites.path(SUMMIT))
    at(
        monkeypatch,
        BundleImport,
        moment,
        lambda: break_lock(sites, SUMMIT),
        lambda run, *_: str(here) in run.butler.get_datastore_roots().popitem()[1].ospath,
    )
    ran = sites.apply()

    assert lost(ran, locked(sites, SUMMIT)), ran.err
    assert sites.certifications(SUMMIT) == []
    assert (sites.files(SUMMIT) == {}) == (moment == "_refuse_conflicts")
    assert sites.leftovers() == []


def test_a_manifest_is_not_written_by_who_lost_the_lock(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, Folder, "settle", lambda: break_lock(sites, "archive"))
    ran = sites.apply()
    assert lost(ran, locked(sites, "archive")), ran.err
    assert list((sites.tree.folder / "archive").rglob("manifest.json")) == []


@pytest.mark.slow
def test_a_bundle_that_others_completed_meanwhile_is_not_written_again(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs: list[bytes] = []

    def complete() -> None:
        """Complete it with the time of another run."""
        (export,) = (sites.tree.folder / "archive").rglob("export.yaml")
        given, more = arguments[-1]
        made = whole(*given, **{**more, "made_at": "2026-01-01T00:00:00.000Z"})
        theirs.append(dump_manifest(made).encode())
        (export.parent / "manifest.json").write_bytes(theirs[0])

    arguments: list[tuple[Any, Any]] = []
    whole: Callable[..., Any] = vars(archives)["manifest_from"]

    def manifest_from(*given: Any, **more: Any) -> Any:
        arguments.append((given, more))
        return whole(*given, **more)

    monkeypatch.setattr(archives, "manifest_from", manifest_from)
    at(monkeypatch, Folder, "settle", complete)
    assert sites.apply().code == 0
    kept = [path.read_bytes() for path in (sites.tree.folder / "archive").rglob("manifest.json")]
    assert theirs[0] in kept


def test_a_lock_that_was_lost_after_the_last_write_is_told_with_its_exit_code(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.change_chain(SUMMIT, lambda live: [OLD])
    at(monkeypatch, DafButlerWriter, "set_chain", lambda: break_lock(deployed, SUMMIT), after=True)

    ran = deployed.apply("--site", "summit")

    assert lost(ran, locked(deployed, SUMMIT)), ran.err
    assert deployed.chain(SUMMIT) == (NEW, OLD)


def decertify(sites: Sites) -> None:
    with sites.butler(SUMMIT) as butler:
        butler.registry.decertify(LEAF, "flat", world.timespan(world.IN_2024))


def remove_a_file(sites: Sites) -> None:
    (sites.path(SUMMIT) / next(path for path in sites.files(SUMMIT) if "DM-2" in path)).unlink()


def take_a_leaf_out(sites: Sites) -> None:
    sites.change_chain(SUMMIT, lambda children: children[:1], NEW)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (decertify, f"{LEAF} in {SUMMIT}: expected content"),
        pytest.param(remove_a_file, "1 have no file", marks=pytest.mark.slow),
        pytest.param(take_a_leaf_out, f"{NEW} in {SUMMIT}: expected children", marks=pytest.mark.slow),
    ],
)
def test_what_changes_between_the_last_look_and_the_write_is_told(
    deployed: Sites, monkeypatch: pytest.MonkeyPatch, change: Callable[[Sites], None], told: str
) -> None:
    deployed.change_chain(SUMMIT, lambda live: [OLD])
    at(monkeypatch, DafButlerWriter, "set_chain", lambda: change(deployed))

    ran = deployed.apply("--site", "summit")

    assert ran.code == 1
    assert "was written, and is not as it should be" in ran.out
    assert told in " ".join(ran.out.split())
    assert deployed.chain(SUMMIT) == (NEW, OLD)


def test_a_file_of_somebody_that_appears_during_an_import_is_kept_and_nothing_is_recorded(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sites.path(SUMMIT) / next(path for path in sites.files("usdf/main") if "DM-1" in path)

    def save_work() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("SOMEBODY'S WORK")

    here = str(sites.path(SUMMIT))
    at(
        monkeypatch,
        BundleImport,
        "_refuse_conflicts",
        save_work,
        lambda run, *_: here in run.butler.get_datastore_roots().popitem()[1].ospath,
    )
    ran = sites.apply()

    assert ran.code == 3
    assert "File is in the way" in ran.out
    assert path.read_text() == "SOMEBODY'S WORK"
    assert sites.of_ticket(SUMMIT, "DM-1") == []

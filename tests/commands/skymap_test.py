"""Skymaps, from their files to the registries of real repositories."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import world
from tests.commands import stock
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, Sites
from tests.skymaps import CELLS, CELLS_HASH, RINGS, declare
from tests.stand_ins.commands import plugins
from tests.stand_ins.commands.skymaps import PAUSE

NAME = "lsst_cells_v1"
FILE = f"skymaps/{NAME}.yaml"
CONFIG = f"skymaps/{NAME}.skymap.config"
OTHER_HASH = "ab" * 20

DISCRETE = """\
config.name = "field"
config.skyMap = "discrete"
config.skyMap["discrete"].raList = [53.1]
config.skyMap["discrete"].decList = [-28.1]
config.skyMap["discrete"].radiusList = [0.5]
"""


@pytest.fixture
def with_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the command to the ``butler`` of this host."""
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("skymaps"))


@pytest.fixture
def pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where the command tells that it stands still in its middle."""
    folder = tmp_path / "pause"
    folder.mkdir()
    monkeypatch.setenv(PAUSE, str(folder))
    yield folder
    # Whatever became of the test, nothing waits for ever.
    (folder / "go").touch()


@pytest.fixture
def at_summit(deployed: Sites) -> Sites:
    """Return sites of which the summit is to have a skymap."""
    declare(deployed.tree.state, only=[SUMMIT])
    return deployed


def add(sites: Sites, address: str, name: str = NAME, hash_: str = CELLS_HASH) -> None:
    """Register a skymap by hand."""
    with sites.butler(address) as butler:
        world.add_skymap(butler, name, hash_)


def registered(sites: Sites, address: str) -> dict[str, str]:
    """Return what the stock butler tells."""
    records = sites.seen(address).registry.queryDimensionRecords("skymap")
    return {str(record.dataId["skymap"]): record.hash.hex() for record in records}


# --- one that is not there ---


@pytest.mark.usefixtures("with_command")
def test_what_is_not_there_is_registered_by_the_stock_command_and_believed_when_seen(
    at_summit: Sites,
) -> None:
    sites = at_summit
    saved = sites.tree.folder / "plan.json"

    plan = sites.run("plan", "-o", str(saved))

    assert plan.code == 2
    assert f"register-skymap   {NAME}  no skymap of that name is registered" in plan.out
    assert f"+ {CELLS_HASH}: rings, patches by cells" in plan.out
    assert "takes 3 to 5 GB of the registry's database" in plan.err
    (step,) = json.loads(saved.read_text())["steps"]
    assert step["with"]["config"]["settings"]["tractOverlap"] == 1 / 60

    ran = sites.apply(str(saved))

    assert ran.code == 0, ran.out + ran.err
    assert registered(sites, SUMMIT) == {NAME: CELLS_HASH}
    assert sites.seen(SUMMIT).query_datasets("skyMap", collections="skymaps")
    assert registered(sites, ORIGIN) == {}
    before = sites.snapshot(str(sites.path(SUMMIT).relative_to(sites.tree.folder)))
    assert sites.apply().code == 0
    assert sites.snapshot(str(sites.path(SUMMIT).relative_to(sites.tree.folder))) == before
    assert "register-skymap" in sites.run("log").out


def test_without_the_command_its_step_is_refused_and_all_else_goes_on(at_summit: Sites) -> None:
    sites = at_summit
    sites.make_ticket("DM-3")
    sites.tree.chain(["DM-3", "DM-2", "DM-1"])

    ran = sites.apply()

    assert ran.code == 3
    assert "butler has no command `register-skymap`" in ran.out + ran.err
    assert "Set up the Rubin stack that has it" in ran.out + ran.err
    assert sites.chain(SUMMIT)[0].endswith("/DM-3")
    assert registered(sites, SUMMIT) == {}


@pytest.mark.slow
@pytest.mark.usefixtures("with_command")
def test_the_stock_command_beside_ours_changes_nothing_either_way(at_summit: Sites) -> None:
    sites = at_summit
    file = sites.tree.state / CONFIG
    assert sites.apply().code == 0
    stock.register_skymap(sites.path(SUMMIT), file)

    assert registered(sites, SUMMIT) == {NAME: CELLS_HASH}
    (sites.tree.state / FILE).write_text(f"skymap: {NAME}\nconfig: {NAME}.skymap.config\nonly: [{EMBARGO}]\n")
    stock.register_skymap(sites.path(EMBARGO), file)
    assert sites.run("drift").code == 0


@pytest.mark.slow
@pytest.mark.usefixtures("with_command")
def test_one_whose_hash_is_declared_is_held_to_it(deployed: Sites) -> None:
    sites = deployed
    declare(sites.tree.state, "field", DISCRETE, only=[SUMMIT], hash=OTHER_HASH)

    ran = sites.apply()

    # It is registered by now, and by nobody changed again.
    assert ran.code == 1
    hash_ = registered(sites, SUMMIT)["field"]
    assert f"expected no skymap of that name; found one with the hash {hash_}" in ran.out + ran.err
    assert sites.run("plan").code == 3
    declare(sites.tree.state, "field", DISCRETE, only=[SUMMIT], hash=hash_)
    assert sites.run("drift").code == 0


@pytest.mark.slow
@pytest.mark.usefixtures("with_command")
def test_a_run_that_is_killed_amid_the_command_is_taken_up(at_summit: Sites, pause: Path) -> None:
    sites = at_summit
    run = sites.tree.spawn("apply", "--yes")
    wait_for(lambda: (pause / "begun").exists(), run)
    run.send_signal(signal.SIGKILL)
    run.wait()
    # The command itself goes on.  SQLite lets nobody look meanwhile, so the
    # place says nothing, which is never that the skymap is absent.
    amid = sites.apply("--timeout", "1s")
    assert amid.code == 1
    assert "register-skymap" not in amid.out

    (pause / "go").touch()

    ran = sites.apply()
    assert ran.code == 0, ran.out + ran.err
    assert registered(sites, SUMMIT) == {NAME: CELLS_HASH}
    assert sites.seen(SUMMIT).query_datasets("skyMap", collections="skymaps")
    assert sites.run("drift").code == 0


@pytest.mark.slow
@pytest.mark.usefixtures("with_command")
def test_a_command_that_is_killed_itself_leaves_nothing_and_is_begun_again(
    at_summit: Sites, pause: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = at_summit
    repository = str(sites.path(SUMMIT))
    command = subprocess.Popen(
        [stock.PROGRAM, "register-skymap", repository, "-C", str(sites.tree.state / CONFIG)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: (pause / "begun").exists(), command)
    command.kill()
    command.wait()
    monkeypatch.delenv(PAUSE)

    ran = sites.apply()

    assert ran.code == 0, ran.out + ran.err
    assert registered(sites, SUMMIT) == {NAME: CELLS_HASH}
    assert sites.seen(SUMMIT).query_datasets("skyMap", collections="skymaps")


def wait_for(
    so: Callable[[], bool], process: subprocess.Popen[str] | subprocess.Popen[bytes] | None = None
) -> None:
    """Wait until something is so; no process may end before."""
    while not so():
        assert process is None or process.poll() is None, "it has ended"


# --- what is there ---


def test_each_way_in_which_a_registry_departs_is_told_and_never_mended(deployed: Sites) -> None:
    sites = deployed
    declare(sites.tree.state)
    add(sites, ORIGIN)
    add(sites, EMBARGO, hash_=OTHER_HASH)
    add(sites, SUMMIT, name="cells_of_old")
    before = sites.snapshot()

    drift = sites.run("drift", "--format", "json").json["drift"]

    told = {entry["target"]["place"]: (entry["what"], entry["detail"], entry["reason"]) for entry in drift}
    assert told == {
        EMBARGO: (
            "changed",
            f"it is registered with the hash {OTHER_HASH}; declared is {CELLS_HASH}",
            "",
        ),
        SUMMIT: (
            "missing",
            f"no skymap of that name is registered; {SUMMIT} has this skymap as cells_of_old, and a registry "
            "lets none have two names",
            "skymap-named-otherwise",
        ),
    }
    assert {entry["declared_at"]["file"] for entry in drift} == {FILE}
    plan = sites.run("plan")
    assert plan.code == 3
    assert "what is registered is never changed, since coadds are made on it" in plan.out + plan.err
    assert "Declare it as cells_of_old" in plan.out + plan.err
    status = sites.run("status", "--format", "json").json
    (row,) = [row for table in status["tables"] for row in table["rows"] if row["name"] == NAME]
    assert {cell["repository"]: cell["state"] for cell in row["cells"]} == {
        ORIGIN: "there",
        EMBARGO: "changed",
        SUMMIT: "missing",
    }
    assert sites.apply().code == 3
    assert {path for path in sites.snapshot() if "gen3" in path} == {
        path for path in before if "gen3" in path
    }
    assert registered(sites, EMBARGO) == {NAME: OTHER_HASH}


def test_what_others_observed_tells_of_skymaps_too(deployed: Sites) -> None:
    sites = deployed
    declare(sites.tree.state, only=["summit"])
    add(sites, SUMMIT)
    file = sites.tree.folder / "seen.json"
    assert sites.run("observe", "-o", str(file)).code == 0
    shutil.rmtree(sites.path(SUMMIT))

    assert sites.run("drift", "--site", "summit", "--observed", str(file)).code == 0

    other = RINGS.format(name=NAME, scale=0.3)
    declare(sites.tree.state, content=other, only=["summit"])
    drift = sites.run("drift", "--site", "summit", "--observed", str(file))
    assert drift.code == 2
    assert f"it is registered with the hash {CELLS_HASH}" in drift.out


def test_an_observation_of_a_tree_without_skymaps_says_nothing_of_them(deployed: Sites) -> None:
    file = deployed.tree.folder / "seen.json"
    deployed.run("observe", "-o", str(file))
    assert b"skymaps" not in file.read_bytes()


def test_who_asks_for_a_ticket_or_an_instrument_is_told_of_no_skymap(at_summit: Sites) -> None:
    assert at_summit.run("drift", "--instrument", "LSSTComCam").code == 0
    assert at_summit.run("drift", "--ticket", "DM-1").code == 0
    assert at_summit.run("drift", "--site", "usdf").code == 0


# --- holds and waves ---


def test_a_hold_of_a_skymap_or_of_its_repository_is_told_with_its_reason(deployed: Sites) -> None:
    sites = deployed
    declare(sites.tree.state, only=[SUMMIT], hold="its name is not decided")

    held = sites.apply()

    assert held.code == 4
    assert f"{NAME} is on hold: its name is not decided" in held.out + held.err
    declare(sites.tree.state, only=[SUMMIT])
    site = sites.tree.state / "sites/summit.yaml"
    said = yaml.safe_load(site.read_text())
    said["repositories"]["LSSTComCam"]["hold"] = "the database moves"
    site.write_text(yaml.safe_dump(said))
    assert "the database moves" in sites.apply().out
    assert registered(sites, SUMMIT) == {}


# --- what is declared ---


def test_diff_and_report_tell_of_the_file_and_of_its_configuration(at_summit: Sites) -> None:
    sites = at_summit
    sites.commit()
    (sites.tree.state / CONFIG).write_text(CELLS.replace("0.2", "0.25"))

    diff = sites.run("diff", "HEAD")

    assert f"~ {NAME}.skymap.config" in diff.out
    assert "0.25" in diff.out
    assert f"{NAME}.skymap.config" in sites.run("report", "--base", "HEAD").out
    # Blanks and remarks are no change, and neither is what the stack fills in.
    (sites.tree.state / CONFIG).write_text(f"# Anything\n\n{CELLS}config.skyMap.active.raStart = 0\n")
    assert NAME not in sites.run("diff", "HEAD").out
    (sites.tree.state / FILE).unlink()
    (sites.tree.state / CONFIG).unlink()
    gone = sites.run("diff", "HEAD").out
    assert f"- {NAME} is declared no more" in gone


def test_a_digest_is_another_with_another_configuration(at_summit: Sites) -> None:
    def digest() -> object:
        return at_summit.run("show", "--format", "json").json["resources"]

    before = digest()
    (at_summit.tree.state / CONFIG).write_text(CELLS.replace("0.2", "0.25"))
    assert digest() != before


NEVER_RUN = "Nothing in this file is run"


@pytest.mark.parametrize(
    ("more", "content", "where", "words"),
    [
        ({"hash": OTHER_HASH}, CELLS, f"{FILE}:3:7", f"`hash` says {OTHER_HASH}, and from {CONFIG} follows"),
        ({"hash": "e2736e"}, CELLS, f"{FILE}:3:7", "must be 40 hex digits"),
        ({"config": "../../a.config"}, CELLS, f"{FILE}:2:9", "must be the name of a file beside this one"),
        ({"config": "other.config"}, CELLS, f"{FILE}:2:9", "There is no skymaps/other.config"),
        ({"only": ["nowhere"]}, CELLS, f"{FILE}:4:3", "`nowhere` is neither a site nor a repository"),
        ({"hashes": "x"}, CELLS, f"{FILE}:3:1", "Did you mean `hash`?"),
        ({}, CELLS.replace(NAME, "another"), f"{CONFIG}:1:1", "is the configuration of another, and not of"),
        ({}, DISCRETE.replace("field", NAME), f"{FILE}:1:1", "it is computed for `rings` alone"),
        ({}, f"{CELLS}import os\n", f"{CONFIG}:8:1", NEVER_RUN),
        ({}, f"{CELLS}__import__('os').system('touch sprung')\n", f"{CONFIG}:8:1", NEVER_RUN),
        ({}, f"{CELLS}config.skyMap['rings'].rotation = 9**9**9**9\n", f"{CONFIG}:8:1", NEVER_RUN),
        ({}, b"config.name = '\0'\n", f"{CONFIG}:1:16", "U+0000"),
        ({}, b"config.name = '\xff'\n", f"{CONFIG}:1:16", "0xff"),
        ({}, b"config.name = " + b"[" * 50_000, f"{CONFIG}:1", "too many nested parentheses"),
        ({}, b"#" * 100_000_000, f"{CONFIG}:1:1", "larger than 64 KiB"),
        ({}, b"", f"{CONFIG}:1:1", "Nothing sets `config.name`"),
    ],
    ids=[
        "other hash",
        "no hash",
        "out of the folder",
        "not there",
        "no place",
        "no key",
        "other name",
        "not computed",
        "import",
        "call",
        "power",
        "NUL",
        "no text",
        "nested",
        "100 MB",
        "empty",
    ],
)
def test_a_mistake_is_told_at_its_line(
    sites: Sites, more: dict[str, Any], content: str | bytes, where: str, words: str
) -> None:
    declare(sites.tree.state, content=content)
    said = {"skymap": NAME, "config": f"{NAME}.skymap.config", **more}
    (sites.tree.state / FILE).write_text(yaml.safe_dump(said, sort_keys=False))

    ran = sites.run("validate")

    assert ran.code == 1
    assert where in ran.out + ran.err
    assert words in ran.out + ran.err
    assert not Path("sprung").exists()


def test_a_configuration_that_is_a_link_out_of_the_tree_is_not_read(sites: Sites, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("config.name = 'secret'\n")
    declare(sites.tree.state)
    (sites.tree.state / CONFIG).unlink()
    (sites.tree.state / CONFIG).symlink_to(secret)

    ran = sites.run("validate")

    assert ran.code == 1
    assert f"{CONFIG}:1:1" in ran.out + ran.err
    assert "leads out of the state tree" in ran.out + ran.err


def test_a_tree_with_skymaps_is_sound_and_laid_out(sites: Sites) -> None:
    declare(sites.tree.state, hash=CELLS_HASH)
    assert sites.run("validate").code == 0
    (sites.tree.state / FILE).write_text(
        f"hash: {CELLS_HASH}\nconfig: {NAME}.skymap.config\nskymap: {NAME}\n"
    )
    assert sites.run("fmt").code == 0
    assert (sites.tree.state / FILE).read_text().startswith(f"skymap: {NAME}\n")
    assert (sites.tree.state / CONFIG).read_text() == CELLS


def test_what_commands_add_to_a_tree_is_checked_with_its_skymaps(deployed: Sites) -> None:
    sites = deployed
    declare(sites.tree.state, hash=CELLS_HASH)
    sites.add_own(SUMMIT, "LSSTComCam/calib/DM-9/bias.20240909a")
    ran = sites.run("capture", SUMMIT, "LSSTComCam", "--write")
    assert "Configuration is not there" not in ran.out + ran.err
    sites.commit()
    rolled = sites.run("rollback", "DM-2", "--because", "it is wrong")
    assert "Configuration is not there" not in rolled.out + rolled.err
    assert rolled.code in {0, 2}, rolled.err


@pytest.mark.slow
@pytest.mark.usefixtures("with_command")
def test_the_run_that_the_command_makes_enters_the_chain_that_expects_it(at_summit: Sites) -> None:
    sites = at_summit
    sites.tree.chain([{"external": "skymaps", "only": [SUMMIT]}, "DM-2", "DM-1"])

    assert sites.apply().code == 0
    # A look after the run shows it, and the next run has the chain search it.
    assert sites.run("plan").code == 2
    assert sites.apply().code == 0

    assert sites.chain(SUMMIT)[0] == "skymaps"
    assert sites.run("drift").code == 0

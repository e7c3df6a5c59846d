"""The documentation says what is so.

Every ``console`` block of README.md and docs/ is run, page by page and in
order, each page in a demonstration world of its own:

* lines that begin with ``$ `` are commands, the others their output; ``...``
  stands for any text;
* only ``calibstate``, ``rucio``, ``git``, ``echo $?``, and ``cd``,
  ``mkdir`` and ``rm`` within the world are run; a block with other commands
  is a ``sh`` block;
* a ``yaml`` or ``python`` block that begins with ``# state/FILE`` is that
  file, from there on;
* ``<!-- world: without TICKET -->`` begins with a ticket that nobody declared,
  ``<!-- world: after COMMAND -->`` with one that nobody sees;
* ``<!-- world: to construct -->`` is the one of `demo --construct`;
* ``<!-- world: of a stranger -->`` is four butlers that nobody prepared;
* ``<!-- world: in git, … -->`` is one whose tree is then committed;
* ``<!-- meanwhile: WHAT -->`` in front of a block is what others do then;
* ``<!-- world: by rucio -->`` is one where a real Rucio carries, whose daemons
  do nothing but when such a word says so;
* moments, ids of rules, ports and where the world is are told as always the
  same;
* on a page with ``approvals --check`` a Jira is there, on one with
  ``ingest-photodiode`` that command;
* ``<!-- not run: REASON -->`` in front of a block leaves it out;
* a picture of a page is what its commands have drawn.

``UPDATE_DOCS=1 make test-words`` writes the output of
blocks that hold no ``...`` into the pages.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from astropy.table import Table
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.demo.construction.tasks import FAIL
from calibstate.demo.construction.tree import build_construction, declare_adopted
from calibstate.demo.construction.world import SMALL, Exposure
from calibstate.demo.rucio.site import RucioSite
from calibstate.factory import clock
from tests.annex import electrometer_file, electrometer_path
from tests.commands import cut
from tests.nightly import Origin
from tests.services.jira import JiraServer, open_jira
from tests.stand_ins.commands import plugins
from tests.strangers import make_strangers
from tests.world import add_exposures
from tests.written import besides_seals

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = ROOT / "docs" / "reference"

FILES = frozenset({"yaml", "python"})
"""Languages of blocks that may be files of the tree."""

FENCE = re.compile(
    r"(?P<comment><!-- (?P<word>[a-z ]+): (?P<said>(?:(?!-->).)*?) -->)?\n*"
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
WORLD = re.compile(
    r"<!-- world: (?P<git>in git)?(?P<rucio>by rucio)?(?P<raws>to construct)?"
    r"(?P<stranger>of a stranger)?(?:, )?"
    r"(?:without (?P<ticket>\S+)|after (?P<command>.+?))? -->"
)

MASKS = {
    r"\b20(?!25)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "2026-11-24T08:15:30Z",
    r"\b[0-9a-f]{32}\b": "0b7e9b4c5f6d4e4f8a1d2c3b4a596877",
    r"(?<=ompared with )[0-9a-f]{10}": "3f9c2d71ab",
    r"(?<=Z  )[0-9a-f]{10}": "3f9c2d71ab",
    r"(?<=\()[0-9a-f]{10}(?=\b)": "3f9c2d71ab",
    r"(?<=Committed as )[0-9a-f]{10}": "3f9c2d71ab",
    r"http://127\.0\.0\.1:\d+": "http://127.0.0.1:8443",
}
"""What is another one each time, and what the pages say."""

NOBODY = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
"""Who commits on a page."""

LOST = "LSSTComCam/calib/DM-48520/DP1/biasGen.20250207a/bias/bias_LSSTComCam_4.ecsv"
DATASET = "Dataset/LSSTComCam/calib/DM-48520"

SUMMIT, BASE = "SUMMIT_CALIB_DISK", "BASE_CALIB_DISK"


def _fail(rucio: RucioSite) -> None:
    rucio.transfers.fail(BASE, reason="no route to host")
    rucio.drain()


def _mend(rucio: RucioSite) -> None:
    rucio.transfers.mend()
    rucio.round("repairer")
    rucio.drain()


def _declare_lost(rucio: RucioSite) -> None:
    about = {"scope": "ancillary", "name": LOST, "rse": SUMMIT}
    rucio.client().declare_bad_file_replicas([about], "lost")
    rucio.round("necromancer")


def _rule(rucio: RucioSite) -> str:
    rules = rucio.client().list_did_rules("ancillary", DATASET)
    return next(str(rule["id"]) for rule in rules if rule["rse_expression"] == SUMMIT)


MEANWHILE: Mapping[str, Callable[[RucioSite], object]] = {
    "files arrive": lambda rucio: rucio.drain(),
    "transfers to the base fail": _fail,
    "transfers to the base work": _mend,
    "somebody declares the loss": _declare_lost,
    "a file is lost at the summit": lambda rucio: (rucio.storage(SUMMIT) / LOST).unlink(),
    "somebody deletes a rule": lambda rucio: rucio.client().delete_replication_rule(_rule(rucio)),
    "a file leaves the dataset": lambda rucio: rucio.client().detach_dids(
        "ancillary", DATASET, [{"scope": "ancillary", "name": LOST}]
    ),
    "Rucio is down": lambda rucio: rucio.stop_server(),
}
"""What others do while somebody follows a page."""


def _lose_power(world: Path) -> None:
    process = {"host": "calib-deploy01", "pid": 4711, "machine": "m", "boot": "b", "namespace": "n"}
    said = {"id": "0b7e9b4c5f6d4e4f8a1d2c3b4a596877", "place": "summit/LSSTComCam", "who": "observer"}
    began, beat = (datetime.now(UTC) - timedelta(minutes=minutes, seconds=30) for minutes in (14, 12))
    moments = {"since": f"{began:%Y-%m-%dT%H:%M:%SZ}", "beat": f"{beat:%Y-%m-%dT%H:%M:%SZ}"}
    locks = world / "records" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = {**said, **moments, "process": process, "why": "plan sha256:d1f0a7c3b852"}
    (locks / "summit__LSSTComCam.json").write_text(json.dumps(lock))


def _kill_a_run(world: Path) -> None:
    applies = ("apply", "--yes", "--ticket", "DM-48955")
    amid_the_import = ("after INSERT", 30)
    killed = cut.run(
        world.parent / "killed", cut.calibstate, world / "state", *applies, killed_at=amid_the_import
    )
    assert killed.code == -signal.SIGKILL, killed.err


def _merge_through_the_year(world: Path) -> None:
    """Commit what the tree says now in three steps, in the past."""
    state, chain = world / "state", world / "state" / "chains" / "LSSTComCam.yaml"
    now = chain.read_text()
    earlier = now.replace("  - DM-48955\n", "")
    steps = (
        ("2025-01-15T18:00:00Z", earlier.replace("  - DM-48520\n", ""), "As published"),
        ("2025-02-12T15:30:00Z", earlier, "Merge pull request #41 from a/fork\n\nDeploy DM-48520"),
        ("2025-03-04T16:00:00Z", now, "Merge pull request #57 from a/fork\n\nDeploy DM-48955"),
    )
    _git(state, "", "", "init", "-q", "-b", "main")
    for moment, text, message in steps:
        chain.write_text(text)
        if not message.startswith("Merge"):
            _git(state, moment, "librarian", "add", "-A")
            _git(state, moment, "librarian", "commit", "-q", "-m", message)
            continue
        _git(state, moment, "builder", "switch", "-q", "-c", "proposal")
        _git(state, moment, "builder", "commit", "-q", "-a", "-m", "Propose it")
        _git(state, moment, "librarian", "switch", "-q", "main")
        _git(state, moment, "librarian", "merge", "-q", "--no-ff", "-m", message, "proposal")
        _git(state, moment, "librarian", "branch", "-q", "-d", "proposal")


def _git(folder: Path, moment: str, who: str, *words: str) -> None:
    dates = {f"GIT_{role}_DATE": moment for role in ("AUTHOR", "COMMITTER") if moment}
    names = ["-c", f"user.name={who or 'nobody'}", "-c", "user.email=nobody@example.org"]
    environment = {**os.environ, **dates}
    subprocess.run(["git", *names, *words], cwd=folder, env=environment, check=True, capture_output=True)


def _clock_says(moment: datetime) -> Callable[[Path], None]:
    def turn(world: Path) -> None:
        clock.source = lambda: moment

    return turn


def _fail_a_quantum(world: Path) -> None:
    os.environ[FAIL] = "cpBiasCombine:detector=1"


def _remove_the_cause(world: Path) -> None:
    del os.environ[FAIL]


def _adopt(world: Path) -> None:
    declare_adopted(world / "state")


def _give_a_letter(world: Path) -> None:
    file = world / "state" / "tickets" / "LSSTComCam" / "DM-48520.yaml"
    file.write_text(file.read_text().replace("- {bias: {", "- {bias: {rerun: 20250209b, "))


def _deliver_a_catalogue(world: Path) -> None:
    incoming = world / "incoming" / "gaia_dr4"
    incoming.mkdir(parents=True)
    rows = ["filename,htm7"]
    for pixel in (147456, 147457, 147458):
        stars = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: id, datatype: int64}\nid\n"
        (incoming / f"{pixel}.ecsv").write_text(f"{stars}{pixel}\n")
        rows.append(f"{pixel}.ecsv,{pixel}")
    table = world / "state" / "tickets" / "any" / "DM-50001.csv"
    table.write_text("\n".join(rows) + "\n")


def _set_up_a_stack(world: Path) -> None:
    os.environ["DAF_BUTLER_PLUGINS"] = plugins("skymaps")


def _leave_the_stack(world: Path) -> None:
    del os.environ["DAF_BUTLER_PLUGINS"]


def _measure_flats(world: Path) -> None:
    """Take three flats, and write what an electrometer writes of them."""
    day, annex = 20250607, world / "annex"
    (repository,) = (world / "repo").glob("usdf*main*")
    with Butler.from_config(str(repository), writeable=True) as butler:
        for seq in (1, 2, 3):
            group = f"2025-06-07T20:30:0{seq}.000#1"
            fields = {"group": group, "observation_type": "flat"}
            add_exposures(butler, day, seq, physical_filter="r_03", **fields)
            if seq < 3:
                _write(annex / electrometer_path(day, seq + 387), electrometer_file(group))
    _write(annex / electrometer_path(day, 390), electrometer_file("2025-06-07T20:31:00.000"))


def _take_biases(world: Path) -> None:
    """Have the chain search a bias and all that was certified before it, and
    take two biases a night; an amplifier is off in both.
    """
    origin = Origin(world / "repo")
    with origin.butler() as butler:
        older = butler.collections.query("*", collection_types=CollectionType.CALIBRATION)
    origin.make_chain(sorted(older))
    # Each detector has a pixel that is hot.
    defects = [Table({"y": [3], "x": [detector]}) for detector in range(2)]
    origin.certify_tables("defects", "LSSTComCam/calib/DM-1/defects.20241201a", defects)
    origin.certify("bias", "LSSTComCam/calib/DM-1/bias.20241201a", [100.0, 101.0])
    for night in (20241220, 20241221):
        origin.add([Exposure(night, 1, "bias"), Exposure(night, 2, "bias")])
        for number in (1, 2):
            origin.drift(night * 100000 + number)


def _deploy_another_bias(world: Path) -> None:
    """Deploy a bias that has what is off."""
    origin = Origin(world / "repo")
    origin.certify("bias", "LSSTComCam/calib/DM-2/bias.20241222a", [100.0, 101.0], C07=20.0)


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


AROUND: Mapping[str, Callable[[Path], object]] = {
    "flats are measured": _measure_flats,
    "a host at the summit loses its power": _lose_power,
    "a run is killed at the summit": _kill_a_run,
    "two pull requests are merged": _merge_through_the_year,
    "a catalogue is delivered": _deliver_a_catalogue,
    "the board adopts what was made": _adopt,
    "a chain is deployed, and biases are taken": _take_biases,
    "another bias is deployed": _deploy_another_bias,
    "a quantum of the bias fails": _fail_a_quantum,
    "the cause is removed": _remove_the_cause,
    "the bias gets a letter of its own": _give_a_letter,
    "a Rubin stack is set up": _set_up_a_stack,
    "it is set up no more": _leave_the_stack,
    "it is night at the summit": _clock_says(datetime(2025, 2, 12, 5, tzinfo=UTC)),
    "it is morning at the summit": _clock_says(datetime(2025, 2, 12, 11, tzinfo=UTC)),
}
"""What others do that concerns no Rucio, given the folder of the world."""


@dataclass(frozen=True)
class Block:
    """A fenced block that is to be carried out."""

    language: str
    body: str
    line: int
    meanwhile: str | None


def blocks(text: str) -> Iterator[Block]:
    for fence in FENCE.finditer(text):
        if fence["language"] not in {"console", *FILES} or fence["word"] == "not run":
            continue
        if fence["language"] in FILES and not fence["body"].startswith("# state/"):
            continue
        meanwhile = fence["said"] if fence["word"] == "meanwhile" else None
        yield Block(fence["language"], fence["body"], text.count("\n", 0, fence.start("body")) + 1, meanwhile)


def runnable(page: Path) -> bool:
    return any(block.language == "console" for block in blocks(page.read_text()))


def exchanges(body: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with the output that it promises."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


class Shell:
    """Carries out the commands of one page in one world."""

    def __init__(
        self, world: Path, capture: pytest.CaptureFixture[str], rucio: RucioSite | None = None
    ) -> None:
        self.here = self.world = world
        self._rucio = rucio
        self._told = {str(world.parent): "/home/you"}
        if rucio:
            self._told = {str(rucio.folder): "/home/you/calibstate-demo/rucio", **self._told}
        self.code = 0
        self._capture = capture

    def run(self, command: str) -> str:
        """Return what a command prints, results behind all else."""
        match shlex.split(command):
            case ["cd", folder]:
                self.here = self.here / folder
                os.chdir(self.here)
                return ""
            case ["mkdir", folder]:
                (self.here / folder).mkdir()
                return ""
            case ["git", *arguments]:
                return self._git(arguments)
            case ["rm", "-r", *folders]:
                for folder in folders:
                    shutil.rmtree(self.here / folder)
                return ""
            case ["rm", file]:
                (self.here / file).unlink()
                return ""
            case ["echo", "$?"]:
                return f"{self.code}\n"
            case ["calibstate", *arguments]:
                return self._calibstate(arguments)
            case ["rucio", *arguments]:
                return self._stock_rucio(arguments)
        raise AssertionError(f"only calibstate is run here, not {command!r}: make it a sh block")

    def _calibstate(self, arguments: list[str]) -> str:
        from calibstate.cli.app import run

        self._capture.readouterr()
        self.code = int(run(arguments))
        printed = self._capture.readouterr()
        return self._masked(printed.err + printed.out)

    def _git(self, arguments: list[str]) -> str:
        ran = subprocess.run(
            ["git", *NOBODY, *arguments], cwd=self.here, capture_output=True, text=True, check=False
        )
        self.code = ran.returncode
        return self._masked(ran.stderr + ran.stdout)

    def _stock_rucio(self, arguments: list[str]) -> str:
        assert self._rucio, "this world has no Rucio"
        program = Path(sys.executable).parent / "rucio"
        ran = subprocess.run(
            [program, *arguments],
            env={**os.environ, **self._rucio.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        self.code = ran.returncode
        return self._masked(ran.stderr + ran.stdout)

    def _masked(self, printed: str) -> str:
        for real, told in self._told.items():
            printed = printed.replace(real, told)
        for pattern, told in MASKS.items():
            printed = re.sub(pattern, told, printed)
        return "".join(f"{line.rstrip()}\n" for line in printed.splitlines())

    def picture(self, name: str) -> str:
        """Return a picture that a command has drawn."""
        return self._masked((self.here / name).read_text())

    def write(self, name: str, content: str) -> None:
        """Write a file of the declaration, as a page has it."""
        for real, told in self._told.items():
            content = content.replace(told, real)
        file = self.world / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)

    def meanwhile(self, what: str) -> None:
        """Have others do what they do."""
        if what in AROUND:
            AROUND[what](self.world)
            return
        assert self._rucio, "this world has no Rucio"
        MEANWHILE[what](self._rucio)


@pytest.fixture(scope="session")
def carried_world(tmp_path_factory: pytest.TempPathFactory, rucio_site: RucioSite) -> Path:
    """Return one that Rucio carries to.

    What Rucio and its storage elements hold is one for all pages, so each
    page deploys a ticket of its own.
    """
    from calibstate.cli.demo import build_world
    from calibstate.demo.world import Carrier

    folder = tmp_path_factory.mktemp("carried") / "calibstate-demo"
    return build_world(folder, Carrier(rucio_site)).folder


@pytest.fixture
def shell(
    page: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shell]:
    said = WORLD.search(page.read_text())
    carried = said is not None and said["rucio"] is not None
    rucio: RucioSite | None = request.getfixturevalue("rucio_site") if carried else None
    world = tmp_path / "calibstate-demo"
    if said and said["raws"]:
        # Templates and scratch have their places in it: it is not copied.
        build_construction(world, SMALL, "here")
        # What a page sets is gone behind it.
        monkeypatch.setenv(FAIL, "")
    elif said and said["stranger"]:
        make_strangers(world)
    else:
        made: Path = request.getfixturevalue("carried_world" if carried else "demo_world")
        shutil.copytree(made, world)
    monkeypatch.chdir(world)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("COLUMNS", "100")
    # A page may turn it; here it is turned back.
    monkeypatch.setattr(clock, "source", clock.source)
    for variable in [name for name in os.environ if name.startswith("CALIBSTATE_")]:
        monkeypatch.delenv(variable)
    if "ingest-photodiode" in page.read_text():
        monkeypatch.setenv("DAF_BUTLER_PLUGINS", plugins("ingesting"))
    with ExitStack() as around:
        if "approvals --check" in page.read_text():
            address = around.enter_context(board()).address
            monkeypatch.setenv("CALIBSTATE_JIRA_URL", address)
        yield Shell(world, capsys, rucio)
    if rucio:
        as_before(rucio)


@contextmanager
def board() -> Iterator[JiraServer]:
    """Open a Jira that says something else of one ticket."""
    with open_jira() as jira:
        for ticket in (ROOT / "state" / "tickets").rglob("*.yaml"):
            jira.file(ticket.stem)
        jira.file("TAXICAB-15", "Adopted", "Done", ["2024-11-12"])
        jira.file("TAXICAB-23", "Flagged", links=["DM-48520"])
        yield jira


def as_before(rucio: RucioSite) -> None:
    """Undo what a page had happen to the server."""
    rucio.start_server()
    rucio.transfers.mend()
    rucio.drain()


def forget(world: Path, ticket: str) -> None:
    """Take a ticket out of the declaration, as before anyone wrote it."""
    for file in (world / "state" / "tickets").rglob(f"{ticket}.yaml"):
        file.unlink()
    for file in (world / "state" / "chains").glob("*.yaml"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if f"- {ticket}" not in line))


def begin(world: re.Match[str], shell: Shell) -> None:
    """Take a world to where a page begins."""
    if world["ticket"]:
        forget(shell.here, world["ticket"])
    elif world["command"]:
        shell.run(world["command"])
    if world["git"]:
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as it was"]):
            subprocess.run(
                ["git", *NOBODY, *words], cwd=shell.here / "state", check=True, capture_output=True
            )


def how_often(page: Path) -> list[pytest.MarkDecorator]:
    """Return the marks of a page; those that people read first have none."""
    if "<!-- world: by rucio" in page.read_text():
        return [pytest.mark.slow]
    return [] if page.name in {"README.md", "first-deployment.md"} else [pytest.mark.words]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=str(page.relative_to(ROOT)), marks=how_often(page))
        for page in PAGES
        if runnable(page)
    ],
)
def test_the_console_blocks_of_a_page_are_true(page: Path, shell: Shell) -> None:
    text = page.read_text()
    if world := WORLD.search(text):
        begin(world, shell)
    for block in blocks(text):
        if block.language in FILES:
            name, _, content = block.body.partition("\n")
            shell.write(name.removeprefix("# "), content)
            continue
        if block.meanwhile:
            shell.meanwhile(block.meanwhile)
        became = ""
        for command, promised in exchanges(block.body):
            printed = shell.run(command)
            became += f"$ {command}\n{printed}"
            if "UPDATE_DOCS" not in os.environ or "..." in block.body:
                difference = _difference(promised, printed)
                assert not difference, f"{page.relative_to(ROOT)}:{block.line}: $ {command}\n{difference}"
        if "UPDATE_DOCS" in os.environ and "..." not in block.body:
            page.write_text(
                page.read_text().replace(f"```console\n{block.body}```", f"```console\n{became}```")
            )
    for picture in re.findall(r"^!\[[^\]]+\]\((pictures/\S+)\)$", text, re.MULTILINE):
        shown, drawn = page.parent / picture, shell.picture(Path(picture).name)
        if "UPDATE_DOCS" in os.environ:
            shown.write_text(drawn)
        assert shown.read_text() == drawn, f"{picture} is not what the commands of the page draw"


def _difference(promised: str, printed: str) -> str:
    if OutputChecker().check_output(promised, printed, ELLIPSIS):
        return ""
    return f"--- the page says\n{promised}--- it printed\n{printed}"


def test_the_tree_of_the_reference_page_is_sound(tmp_path: Path) -> None:
    from calibstate.kinds.table import own_folders
    from calibstate.store import statefile

    text = (REFERENCE / "state-files.md").read_text()
    files = [fence["body"] for fence in FENCE.finditer(text) if fence["language"] in FILES]
    assert files
    for body in files:
        name, _, content = body.partition("\n")
        file = tmp_path / name.removeprefix("# ")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    declared, remarks = statefile.load(tmp_path, own=own_folders())
    assert besides_seals(remarks) == ()
    assert len(declared.chains) == 3
    assert set(declared.own["skymaps"]) == {"lsst_cells_v1"}
    assert list(declared.own["sources"]) == ["LSSTCam"]
    assert list(declared.own["daily"]) == ["LSSTComCam"]


def test_every_kind_and_action_has_its_place_in_the_reference() -> None:
    from calibstate.kinds.registry import ACTIONS, KINDS

    headings = set(re.findall(r"^#{2,3} `(.+)`$", (REFERENCE / "kinds.md").read_text(), re.MULTILINE))
    assert headings == {*KINDS, *ACTIONS}


def test_every_command_has_its_place_in_the_reference() -> None:
    from calibstate.cli.commands import COMMANDS

    headings = set(re.findall(r"^## ([a-z]+)$", (REFERENCE / "commands.md").read_text(), re.MULTILINE))
    assert headings == set(COMMANDS)


def test_every_option_is_in_the_reference() -> None:
    from calibstate.cli.app import program
    from calibstate.cli.commands import COMMANDS, command
    from calibstate.cli.layout import OLD_NAMES

    options = {
        word
        for described in (program(), *map(command, COMMANDS))
        for parameter in described.params
        for word in parameter.opts
        if word.startswith("-")
    }
    text = (REFERENCE / "commands.md").read_text()
    assert {"--site", "--yes"} <= options
    told = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", text))
    assert options - told - OLD_NAMES - {"--version", "--install-completion", "--show-completion"} == set()


def test_every_field_of_a_state_file_is_in_the_reference() -> None:
    from calibstate.model.chains import ChainFile
    from calibstate.model.daily import Daily, Sasquatch, Send
    from calibstate.model.repositories import Repository, Site
    from calibstate.model.settings import RucioSettings, Settings
    from calibstate.model.skymaps import SkymapFile
    from calibstate.model.sources import Feed, Sources
    from calibstate.model.tickets import Approval, RucioLabel, Ticket
    from calibstate.model.windows import Window

    text = (REFERENCE / "state-files.md").read_text()
    fields = {
        field.alias or name
        for noun in (
            Settings,
            RucioSettings,
            Site,
            Repository,
            Ticket,
            Approval,
            RucioLabel,
            ChainFile,
            SkymapFile,
            Window,
            Sources,
            Feed,
            Daily,
            Send,
            Sasquatch,
        )
        for name, field in noun.model_fields.items()
    }
    assert {name for name in fields if not re.search(rf"\b{name}\b", text)} == set()


def test_every_exit_code_is_in_the_reference() -> None:
    from calibstate.errors import ExitCode

    told = set(re.findall(r"^\| (\d+) \|", (REFERENCE / "exit-codes.md").read_text(), re.MULTILINE))
    assert told == {str(int(code)) for code in ExitCode}


def test_every_test_that_a_page_names_is_there() -> None:
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"`((?:tests/)?(?:\w+/)*\w+_test\.py)`", page.read_text())
    }
    assert ("promises.md", "twice_test.py") in named
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*_test.py")}
    assert {name for _, name in named if name not in there and f"tests/commands/{name}" not in there} == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "state/README.md"])
def test_a_page_beside_the_documentation_links_to_files_that_are_there(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_file_that_the_developers_pages_name_is_there() -> None:
    pages = sorted((ROOT / "docs" / "developers").glob("*.md"))
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"`((?:calibstate|tests|docs)/[\w./-]*)`", page.read_text())
    }
    gone = {(page, name) for page, name in named if not (ROOT / name).exists()}

    assert ("add-a-verb.md", "calibstate/work/") in named
    assert gone == set()


def test_the_figures_of_the_promises_are_those_of_the_tests() -> None:
    from tests.commands import any_state_test, crowd_test
    from tests.engine import convergence_test

    source = Path(convergence_test.__file__).read_text()
    crowd = len(crowd_test.TICKETS) + 2 + 1  # two clones and a hand
    text = " ".join((ROOT / "docs" / "explanation" / "promises.md").read_text().split())
    for figure in (
        f"for each of {source.count(chr(10) + '@given')} properties | 15 | 500 |",
        f"a real kill | {any_state_test.FEW} | 300 |",
        f"at one repository | 5 | {crowd}, 20 times over",
        "spoilt files given to each reader | 200 | 20,000 |",
    ):
        assert figure in text


def test_a_comment_counts_for_the_block_behind_it_alone() -> None:
    page = "<!-- world: by rucio -->\n\nWords\n\n```console\n$ a\n```\n"
    page += "<!-- meanwhile: files arrive -->\n\n```console\n$ b\n```\n"

    assert [(block.body, block.meanwhile) for block in blocks(page)] == [
        ("$ a\n", None),
        ("$ b\n", "files arrive"),
    ]


def test_all_that_happens_meanwhile_is_known_and_told_somewhere() -> None:
    said = {block.meanwhile for page in PAGES for block in blocks(page.read_text())} - {None}
    assert said == MEANWHILE.keys() | AROUND.keys()


def test_a_wrong_transcript_is_seen() -> None:
    assert _difference("0 steps\n", "1 step\n")
    assert not _difference("usdf: ... sound\n", "usdf: 4 repositories: sound\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_console_block_is_left_out_without_a_reason(page: Path) -> None:
    fences = [f for f in FENCE.finditer(page.read_text()) if f["language"] == "console"]
    for fence in fences:
        commands = re.findall(r"^\$ (\S+)", fence["body"], re.MULTILINE)
        assert commands, fence["body"]
        assert fence["word"] == "not run" or set(commands) <= {
            *("calibstate", "cd", "echo", "git", "mkdir", "rm", "rucio"),
        }

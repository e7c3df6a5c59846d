"""Live chains that nobody declared, captured from the command line.

The demonstration's four sites, the published exports of real calibrations and
the published chain of DP1.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType  # type: ignore[attr-defined]

from calibstate.store import statefile
from calibstate.store.schemas import schemas
from tests import real_files, world
from tests.commands.sites import EMBARGO, INSTRUMENT, ORIGIN, SUMMIT, TOP, Sites
from tests.real_files import DECAM, FOLDER, HSC, OLD, RealFile
from tests.tree import Ran, Tree

NEW = "new/main"
RTN = FOLDER / "rtn-103.LSSTComCam_DP1_defaults.chain-tree.txt"
DEFAULTS = "LSSTComCam/DP1/defaults"


@pytest.fixture
def undeclared(deployed: Sites) -> Sites:
    """Return deployed sites of which nothing but the sites is declared."""
    undeclare(deployed.tree)
    return deployed


def undeclare(tree: Tree) -> None:
    for part in ("tickets", "chains", "seals"):
        shutil.rmtree(tree.state / part, ignore_errors=True)


def files(tree: Tree) -> dict[str, bytes]:
    return {str(p.relative_to(tree.state)): p.read_bytes() for p in tree.state.rglob("*") if p.is_file()}


def changes_a_butler(ran: Ran) -> list[dict[str, Any]]:
    return [step for step in ran.json["steps"] if "/" in step["target"]["place"]]


def is_described(run: Callable[..., Ran]) -> bool:
    """Say whether a tree is sound and would change no repository."""
    return run("validate").code == 0 and changes_a_butler(run("plan", "--format", "json")) == []


def effective(run: Callable[..., Ran], chain: str) -> dict[str, str]:
    """Return the effective fingerprint of a chain at each repository."""
    repositories = run("fingerprint", "--format", "json").json["repositories"]
    return {
        a: there["chains"][chain]["effective"]
        for a, there in repositories.items()
        if chain in there["chains"]
    }


def deploy_to_new(run: Callable[..., Ran], tree: Tree) -> Ran:
    """Declare an empty repository that is to have all chains, and apply."""
    Butler.makeRepo(str(tree.repository(NEW)))
    tree.site("new", {"main": "copy"})
    for file in (tree.state / "chains").iterdir():
        file.write_text(re.sub(r"^only: .*\n", "", file.read_text(), flags=re.MULTILINE))
    return run("apply", "--yes")


# --- what is said and written ---


def test_sites_are_captured_one_after_the_other(undeclared: Sites) -> None:
    before = {
        address: undeclared.snapshot(f"repo/{address.replace('/', '-')}") for address in (ORIGIN, SUMMIT)
    }
    for address in (ORIGIN, EMBARGO, SUMMIT):
        ran = undeclared.run("capture", address, INSTRUMENT)
        assert ran.code == 0, ran.err
        assert is_described(undeclared.run)

    again = undeclared.run("capture", SUMMIT, INSTRUMENT)

    assert (again.code, again.out.splitlines()[-1]) == (
        0,
        "Nothing to write: 5 files say it already.",
    )
    assert undeclared.run("drift").code == 0
    assert undeclared.run("plan").code == 0, "the bundles are there, and are what was sealed"
    for address, snapshot in before.items():
        assert undeclared.snapshot(f"repo/{address.replace('/', '-')}") == snapshot


def test_a_dry_run_shows_what_would_be_written(undeclared: Sites) -> None:
    before = undeclared.snapshot()

    ran = undeclared.run("capture", ORIGIN, INSTRUMENT, "--dry-run", "--no-seals")

    assert ran.code == 0
    assert "+++ tickets/LSSTComCam/DM-1.yaml" in ran.out
    assert "+  - bias.20240101a  # CALIBRATION: 4 bias [2024-01-01T00:00:00, …)" in ran.out
    assert ran.out.splitlines()[-1] == "3 new; nothing was written."
    assert undeclared.snapshot() == before


def test_a_change_is_shown_as_a_difference(undeclared: Sites) -> None:
    undeclared.run("capture", ORIGIN, INSTRUMENT, "--no-seals")

    ran = undeclared.run("capture", SUMMIT, INSTRUMENT, "--no-seals", "--dry-run")

    lines = ran.out.splitlines()
    assert f"-only: [{ORIGIN}]" in lines
    assert f"+only: [{ORIGIN}, {SUMMIT}]" in lines


def test_the_document_is_what_its_schema_says(undeclared: Sites) -> None:
    undeclared.add_own(ORIGIN)
    undeclared.change_chain(ORIGIN, lambda children: [*children, "u/somebody/bias"])

    document = undeclared.run("capture", ORIGIN, INSTRUMENT, "--format", "json").json

    Draft202012Validator(schemas()["capture.json"]).validate(document)
    assert document["written"] is True
    assert {f["what"] for f in document["files"]} == {"new"}
    assert document["found"][-1] == {
        "repository": ORIGIN,
        "chain": TOP,
        "child": "u/somebody/bias",
        "as": "collection of the bare ticket u-somebody-bias",
        "holds": "CALIBRATION: 4 bias […, …)",
    }
    again = undeclared.run("capture", ORIGIN, INSTRUMENT, "--format", "json").json
    assert {f["what"] for f in again["files"]} == {"same"}
    ends = [(c["repository"], c["instrument"], c["end"]) for c in (*document["captures"], *again["captures"])]
    assert ends == [(ORIGIN, INSTRUMENT, "captured"), (ORIGIN, INSTRUMENT, "same")]


def test_markdown_has_the_same(undeclared: Sites) -> None:
    ran = undeclared.run("capture", ORIGIN, INSTRUMENT, "--no-seals", "--dry-run", "--format", "markdown")

    assert f"| {TOP} | {TOP}/DM-2 | ticket DM-2 | CHAINED: 2 collections |" in ran.out
    assert "```diff\n--- /dev/null" in ran.out


def test_another_order_is_told_and_nothing_is_written(undeclared: Sites) -> None:
    undeclared.run("capture", ORIGIN, INSTRUMENT, "--no-seals")
    undeclared.change_chain(SUMMIT, lambda children: children[::-1])
    before = undeclared.snapshot()

    ran = undeclared.run("capture", SUMMIT, INSTRUMENT)

    assert ran.code == 3
    assert f"Another order\n  chains/{INSTRUMENT}-calib.yaml:5:1" in ran.err
    assert "Nothing was written." in ran.err
    assert undeclared.snapshot() == before
    document = undeclared.run("capture", SUMMIT, INSTRUMENT, "--format", "json").json
    Draft202012Validator(schemas()["capture.json"]).validate(document)
    assert [told["summary"] for told in document["told"]] == ["Another order"]
    assert document["written"] is False


def test_a_tree_of_a_person_gets_lines_and_keeps_all_else(deployed: Sites) -> None:
    """Declared by hand, with a ticket that a site has besides."""
    chain, ticket = "chains/LSSTComCam-calib.yaml", f"tickets/{INSTRUMENT}/DM-2.yaml"
    said = {
        chain: f"# Ours.\nchain: '{TOP}'   # the top\ninstrument: {INSTRUMENT}\nentries: # newest first\n"
        "- DM-2       # second\n\n# the oldest\n- DM-1\n",
        ticket: (deployed.tree.state / ticket).read_text() + "# approved by mail\n",
    }

    def read(file: str) -> str:
        return (deployed.tree.state / file).read_text()

    for file, text in said.items():
        (deployed.tree.state / file).write_text(text)
    deployed.add_own(SUMMIT)
    deployed.change_chain(SUMMIT, lambda children: ["u/somebody/bias", *children[1:]])

    ran = deployed.run("capture", SUMMIT, INSTRUMENT, "--no-seals")

    assert ran.code == 0, ran.err
    entry = "- u-somebody-bias  # CALIBRATION: 4 bias […, …)\n"
    assert read(chain) == said[chain].replace("# second\n", f"# second\n{entry}")
    reason = r"not searched when captured on 20\d\d-\d\d-\d\d"
    lines = re.sub(reason, "WHY", read(ticket)).splitlines()
    assert [line for line in lines if line not in said[ticket].splitlines()] == ["skip:", f"  {SUMMIT}: WHY"]
    assert [line for line in said[ticket].splitlines() if line not in lines] == []
    assert is_described(deployed.run)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("usdf/mian", INSTRUMENT), "Did you mean usdf/main?"),
        (("usdf/x*", INSTRUMENT), "is not declared as a repository"),
        (("usfd", INSTRUMENT), "Did you mean usdf?"),
        ((ORIGIN, "LSSTComCan"), "Did you mean LSSTComCam?"),
        ((ORIGIN, INSTRUMENT, "--chain", "no/chain"), "has no collection no/chain"),
        ((ORIGIN, "--exclude", "usdf/*"), "No repository is left"),
    ],
)
def test_wrong_words_are_told(undeclared: Sites, arguments: tuple[str, ...], word: str) -> None:
    ran = undeclared.run("capture", *arguments)

    assert (ran.code, word in ran.err) == (64, True), ran.err


def test_a_repository_that_cannot_be_seen_is_told(undeclared: Sites) -> None:
    shutil.rmtree(undeclared.path(SUMMIT))
    before = files(undeclared.tree)

    assert undeclared.run("capture", SUMMIT, INSTRUMENT).code == 1
    assert files(undeclared.tree) == before
    ran = undeclared.run("capture", ORIGIN, INSTRUMENT)
    assert ran.code == 0
    assert "Repository cannot be seen from here" in ran.err


# --- real chains ---


def only_slow(*real: RealFile) -> list[Any]:
    return [pytest.param(one, id=one.name, marks=[] if one is OLD else [pytest.mark.slow]) for one in real]


@pytest.mark.parametrize("real", only_slow(OLD, DECAM, HSC))
def test_real_files_are_captured_and_select_the_same_when_deployed(
    real: RealFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(tmp_path, instrument=real.instrument)
    real_files.load(real, tree.repository(ORIGIN))
    tree.settings(formatters=real_files.FORMATTERS)
    tree.site("usdf", {"main": "origin"})
    run = runner(tree, capsys)
    chain = list(real.chains)[-1]
    make_chain(real, chain, tree.repository(ORIGIN))

    with real_files.stack():
        ran = run("capture", ORIGIN, real.instrument, "--chain", chain)
        assert ran.code == 0, ran.err
        assert is_described(run)
        assert (
            run("capture", ORIGIN, real.instrument, "--chain", chain)
            .out.splitlines()[-1]
            .startswith("Nothing")
        )
        deploy_to_new(run, tree)
        prints = effective(run, chain)

    assert prints.keys() == {ORIGIN, NEW}
    assert len(set(prints.values())) == 1
    sealed = [seal for seal in (tree.state / "seals").rglob("*.yaml")]
    assert len(sealed) == len(real.tickets) - len(real.empty)


def make_chain(real: RealFile, chain: str, folder: Path) -> None:
    """Make the chain that is to be captured, where the export has none."""
    with Butler.from_config(str(folder), writeable=True) as butler:
        there = set(butler.collections.query("*"))
        if chain not in there:
            names = [name for word in real.chains[chain] for name in real.tickets.get(word, (word,))]
            world.add_chain(butler, chain, [name for name in names if name in there])


def runner(tree: Tree, capsys: Any) -> Callable[..., Ran]:
    return lambda *arguments: tree.run(capsys, *arguments)


@pytest.mark.slow
def test_the_sites_of_the_demonstration_are_captured_in_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from calibstate.cli.app import run as command

    folder = tmp_path / "demo"
    with redirect_stdout(io.StringIO()) as printed:
        assert command(["demo", "--fast", "--only-build", str(folder)]) == 0
    assert printed.getvalue().splitlines() == ["", "next:", f"  cd {folder}", "  calibstate drift"]
    tree = Tree(folder)
    undeclare(tree)
    run = runner(tree, capsys)

    for address in ("usdf/main", "usdf/embargo", "summit/LSSTComCam", "bts/LSSTComCam"):
        ran = run("capture", address, INSTRUMENT, *(["--chain", DEFAULTS] if address == ORIGIN else []))
        assert ran.code == 0, ran.err
        assert is_described(run)

    before = effective(run, TOP)
    assert run("apply", "--yes").code in {0, 4}
    assert effective(run, TOP) == before
    entries = statefile.load(tree.state)[0].chains[TOP].noun.entries
    deploy_to_new(run, tree)
    assert effective(run, TOP)[NEW] == before[ORIGIN]
    assert entries[entries.index("DM-47547") - 1] == "u-observer-flat-r-test"


def chain_tree() -> Iterator[tuple[int, str, str]]:
    """Yield depth, name and type of each line of the published tree."""
    if not RTN.is_file():
        pytest.skip(f"{RTN.name} is not on this machine: not run")
    lines = re.findall(r"^( *)(\S+) +(CHAINED|CALIBRATION|RUN|TAGGED) *$", RTN.read_text(), re.MULTILINE)
    return ((len(indent) // 2, name, type_) for indent, name, type_ in lines)


def build_chain_tree(butler: Butler) -> int:
    """Make the published chains, with few datasets; return how many lines."""
    path: list[str] = []
    children: dict[str, list[str]] = {}
    lines = list(chain_tree())
    for depth, name, type_ in lines:
        path[depth:] = [name]
        if depth:
            children.setdefault(path[depth - 1], []).append(name)
        match type_:
            case "CALIBRATION":
                kind = name.rpartition("/")[2].partition(".")[0].partition("-")[0]
                kind = kind if kind in world.TYPES else "defects"
                world.add_calibration(butler, name, kind, world.SINCE_2024, detectors=[0])
            case "RUN" if name.endswith("/unbounded"):
                world.add_run(butler, name, "camera")
            case _:
                butler.collections.register(name, CollectionType[type_])
    for name in reversed(children):
        butler.collections.redefine_chain(name, children[name])
    return len(lines)


@pytest.mark.slow
def test_the_published_chain_of_dp1_is_captured_and_deployed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    with world.make_repo(tree.repository(ORIGIN), detectors=1) as butler:
        number = build_chain_tree(butler)
    run = runner(tree, capsys)

    ran = run("capture", ORIGIN, INSTRUMENT, "--chain", DEFAULTS)

    assert ran.code == 0, ran.err
    assert is_described(run)
    declared = statefile.load(tree.state)[0]
    reviewed = statefile.load(Path(__file__).parents[2] / "state")[0]
    assert declared.chains[TOP].noun.entries == reviewed.chains[TOP].noun.entries
    for key, written in reviewed.tickets.items():
        assert declared.tickets[key].noun.leaves == written.noun.leaves
    leaves = sum(len(t.noun.leaves) + bool(t.noun.collection) for t in declared.tickets.values())
    externals = sum(
        len(c.noun.entries) for c in declared.chains.values() if c.noun.chain not in (TOP, DEFAULTS)
    )
    assert number == leaves + externals + len(declared.chains) + 3, "nothing is lost"
    assert deploy_to_new(run, tree).code == 0
    for chain in (TOP, DEFAULTS):
        assert len(set(effective(run, chain).values())) == 1
        assert effective(run, chain).keys() == {ORIGIN, NEW}

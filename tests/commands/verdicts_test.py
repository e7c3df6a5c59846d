"""What verifications say of a ticket is kept in the tree for reviewers."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.constructing.failures import Failure, fold
from calibstate.model.desired import DesiredState
from calibstate.model.verdicts import FailedTest, ProductVerdict, TicketVerdicts, Verdict
from calibstate.store.statefile import load
from calibstate.store.verdictfile import dumps, with_verdicts
from tests.commands.impact_test import git
from tests.sealing import certified, seal, since
from tests.tree import Ran, Tree

CHAIN = "LSSTComCam/calib/DM-300"
KEPT = "verdicts/LSSTComCam/DM-300.yaml"

FAILURES = [
    Failure("NOISE", "R22_S11", "C07", 2024102100509),
    Failure("NOISE", "R22_S11", "C07", 2024102600031),
    Failure("NOISE", "R22_S12", "C00", 2024102600031),
    Failure("MEAN", "R22_S11", "C07", 2024102600031),
]


def verdicts_of(ticket: str = "DM-300", reason: str = "a lamp: it was left on") -> TicketVerdicts:
    """Return verdicts in which there is one of each sort."""
    known = {"verify bias: R22_S11 C07 MEAN": reason}
    collections = (f"{CHAIN}/bias.20250201a",)

    def run(product: str) -> str:
        return f"{CHAIN}/DP1/{product}.20250210a/20250210T101112Z"

    bias = ProductVerdict(
        product="bias",
        verdict=Verdict.FAILED,
        run=run("verifyBias"),
        exposures=2,
        outside=1,
        failures=fold(FAILURES, "bias", known),
        collections=collections,
    )
    dark = ProductVerdict(
        product="dark", verdict=Verdict.PASSED, run=run("verifyDark"), exposures=3, collections=collections
    )
    flat = ProductVerdict(product="flat_g", verdict=Verdict.NONE, detail="1 of 2: verifyFlatStats")
    return TicketVerdicts(ticket=ticket, instrument="LSSTComCam", products=(bias, dark, flat))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a tree with a ticket at its base, and another one since then."""
    tree = Tree(tmp_path / "tree")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    seal(tree, "DM-100", {"bias.20241024a": [certified("bias", since("2024-10-24"))]})
    tree.chain(["DM-100"])
    git(tree.state, "init", "-q", "-b", "main")
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "as it was")
    tree.ticket("DM-300", "bias.20250201a", status="proposed")
    return tree


def keep(tree: Tree, verdicts: TicketVerdicts) -> Path:
    """Keep verdicts in a tree."""
    file = tree.state / f"verdicts/{verdicts.instrument}/{verdicts.ticket}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dumps(verdicts))
    return file


def loaded(tree: Tree) -> DesiredState:
    desired, _ = load(tree.state)
    return desired


def report(tree: Tree, capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    return tree.run(capsys, "report", "--base", "main", "--observed-until", "2025-02-11", *arguments)


def test_what_is_kept_is_read_again_as_it_was(tree: Tree) -> None:
    digest = loaded(tree).digest

    keep(tree, verdicts_of(reason='it\'s "known": # yes, 1\nand on'))

    desired = loaded(tree)
    (kept,) = desired.verdicts.values()
    assert kept.noun == verdicts_of(reason='it\'s "known": # yes, 1\nand on')
    # It tells of what is declared, and declares nothing: no plan is another.
    assert desired.digest == digest
    assert with_verdicts(tree.state, kept.noun) is None
    change = with_verdicts(tree.state, verdicts_of())
    assert change
    assert change.before == (tree.state / KEPT).read_bytes()


def test_what_fails_everywhere_does_not_make_a_tree_that_cannot_be_read(tree: Tree) -> None:
    tests = [f"TEST_{number}" for number in range(30)]
    amplifiers = tuple(f"C{amplifier:02}" for amplifier in range(16))
    detectors = {f"R{number:03}": amplifiers for number in range(189)}
    failed = [FailedTest(test=test, detectors=detectors, exposures=(1,), number=3024) for test in tests]
    product = ProductVerdict(product="bias", verdict=Verdict.FAILED, failures=tuple(failed))
    verdicts = TicketVerdicts(ticket="DM-300", instrument="LSSTComCam", products=(product,))

    change = with_verdicts(tree.state, verdicts)

    assert change
    (tree.state / KEPT).parent.mkdir(parents=True)
    (tree.state / KEPT).write_bytes(change.after)
    (kept,) = loaded(tree).verdicts.values()
    assert kept.noun.verdict is Verdict.FAILED
    assert kept.noun.products[0].detail == "90720 failures, too many to be kept one by one"


def test_a_tree_with_verdicts_is_valid_and_they_are_not_laid_out(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tree, verdicts_of())

    problems = tree.run(capsys, "validate", "--format", "json").json["problems"]
    assert not [problem for problem in problems if problem["severity"] == "error"]
    # Nobody writes it, so nobody lays it out.
    assert KEPT not in tree.run(capsys, "fmt", "--check").out


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("verdict: failed", "verdict: passed", 6, "Verdict was edited"),
        ("verdict: failed", "verdict: known failures", 6, "not each has a reason"),
        ("verdict: failed", "verdict: fine", 6, "fine"),
        ("number: 3", "numbre: 3", None, "numbre"),
        ("ticket: DM-300", "ticket: DM-301", 2, "Verdict of no ticket"),
        ("ticket: DM-300", "ticket: DM-100", 2, "verdicts/LSSTComCam/DM-100.yaml"),
        ("products:", "products: [", None, "YAML"),
    ],
)
def test_a_broken_file_is_told_at_its_line(
    tree: Tree, capsys: pytest.CaptureFixture[str], old: str, new: str, line: int | None, words: str
) -> None:
    file = keep(tree, verdicts_of())
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))

    ran = tree.run(capsys, "validate", "--format", "json")

    assert ran.code == 1
    problems = [problem for problem in ran.json["problems"] if problem["severity"] == "error"]
    assert {problem["at"]["file"] for problem in problems} == {KEPT}
    told = [problem for problem in problems if words in f"{problem['summary']} {problem['detail']}"]
    assert told, problems
    if line:
        assert told[0]["at"]["line"] == line


def test_a_file_of_no_instrument_is_told(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tree, verdicts_of()).rename(tree.state / "verdicts/DM-300.yaml")

    assert "File in the wrong place" in tree.run(capsys, "validate").err


def test_approvals_tell_the_verdict_where_there_is_one(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree.run(capsys, "approvals").out
    assert "verdict" not in before

    keep(tree, verdicts_of())

    text = tree.run(capsys, "approvals").out.splitlines()
    assert text[0].split()[-1] == "verdict"
    assert [line.split()[-1] for line in text[1:3]] == ["-", "failed"]
    markdown = tree.run(capsys, "approvals", "--format", "markdown").out
    assert "| failed |" in markdown
    approvals = tree.run(capsys, "approvals", "--format", "json").json["approvals"]
    assert {said["ticket"]: said["verdict"] for said in approvals} == {"DM-100": None, "DM-300": "failed"}


def test_a_report_tells_reviewers_what_failed_and_why_that_is_known(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tree, verdicts_of())

    markdown = report(tree, capsys, "--format", "markdown").out

    assert "| **verdict** | DM-300 failed: bias; no verdict: flat\\_g; passed: dark |" in markdown
    assert "Verification of DM-300: failed" in markdown
    assert "| product | verdict | exposures | it was not made of | failures |" in markdown
    (bias,) = [line for line in markdown.splitlines() if line.startswith("| bias | failed | 2 | 1 |")]
    assert "NOISE in R22\\_S11 C07, R22\\_S12 C00 (2 exposures)" in bias
    assert "MEAN in R22\\_S11 C07 (1 exposure), known: a lamp: it was left on" in bias
    text = report(tree, capsys).out
    assert "NOISE in R22_S11 C07, R22_S12 C00 (2 exposures)" in text
    (said,) = report(tree, capsys, "--format", "json").json["verdicts"]
    assert (said["ticket"], said["verdict"], len(said["products"])) == ("DM-300", "failed", 3)


def test_a_report_of_another_verdict_alone_tells_it(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "with a ticket")
    assert report(tree, capsys, "--format", "json").json["verdicts"] == []

    keep(tree, verdicts_of())

    document = report(tree, capsys, "--format", "json").json
    assert [said["ticket"] for said in document["verdicts"]] == ["DM-300"]
    assert [said["ticket"] for said in document["approvals"]] == ["DM-300"]


def test_a_construction_without_a_verdict_says_so(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    construction = {
        "tag": "DP1",
        "rerun": "20250207a",
        "raws": "LSSTComCam/raw/all",
        "start_from": ["LSSTComCam/calib/DM-100"],
        "selections": {"bias": "exposure.day_obs=20241208 and exposure.observation_type='bias'"},
        "make": ["bias"],
    }
    tree.ticket("DM-300", status="proposed", construction=construction)

    assert "No verdict of DM-300 is kept" in report(tree, capsys, "--format", "markdown").out
    assert "No verdict of DM-300 is kept" in report(tree, capsys).out
    approvals = tree.run(capsys, "approvals", "--format", "json").json["approvals"]
    assert [said["verdict"] for said in approvals if said["ticket"] == "DM-300"] == ["no verdict"]


def findings(tree: Tree, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Return what the policy says of verdicts: code and detail."""
    problems = tree.run(capsys, "validate", "--format", "json").json["problems"]
    return [(said["code"], said["detail"]) for said in problems if said["code"] in {"M908", "M909"}]


@pytest.mark.parametrize(("status", "codes"), [("proposed", ["M908"]), ("flagged", []), ("rejected", [])])
def test_the_policy_asks_for_reasons_until_somebody_flags_the_ticket(
    tree: Tree, capsys: pytest.CaptureFixture[str], status: str, codes: list[str]
) -> None:
    tree.ticket("DM-300", "bias.20250201a", status=status)
    keep(tree, verdicts_of())

    assert [code for code, _ in findings(tree, capsys)] == codes


def test_the_policy_asks_for_failures_that_were_only_counted(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    product = ProductVerdict(product="bias", verdict=Verdict.FAILED, detail="90720 failures, too many")
    keep(tree, TicketVerdicts(ticket="DM-300", instrument="LSSTComCam", products=(product,)))

    ((code, detail),) = findings(tree, capsys)
    assert code == "M908"
    assert "(90720 failures, too many)" in detail


@pytest.mark.parametrize(
    ("collections", "words"),
    [
        (("bias.20250201a", "dark.20250201a"), f"{CHAIN}/dark.20250201a was not there yet"),
        (("bias.20250201a",), ""),
        (("bias.20250209b",), f"{CHAIN}/bias.20250209b was not there yet"),
    ],
)
def test_the_policy_knows_what_was_verified(
    tree: Tree, capsys: pytest.CaptureFixture[str], collections: tuple[str, ...], words: str
) -> None:
    tree.ticket("DM-300", *collections, status="flagged")
    keep(tree, verdicts_of())

    told = findings(tree, capsys)

    assert bool(told) is bool(words)
    assert all(code == "M909" and words in detail for code, detail in told)

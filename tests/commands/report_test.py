"""Reviewers are told what is proposed, what it does, and what happens then."""

from __future__ import annotations

import html
import json
import re
import shutil
import xml.etree.ElementTree as Xml
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from calibstate.views.folding import Section, fitted, whole
from calibstate.views.links import Links
from calibstate.views.markdown import safe
from calibstate.views.report import LIMIT, MARKER
from tests.commands.impact_test import git
from tests.commands.sites import EMBARGO, ORIGIN, SUMMIT, TOP, Sites
from tests.golden import Golden
from tests.sealing import certified, seal, since
from tests.tree import Ran, Tree

UNTIL = ("--observed-until", "2025-02-11")


@dataclass
class Proposal:
    """A tree in Git, and what somebody makes of it."""

    tree: Tree
    capsys: pytest.CaptureFixture[str]

    def report(self, *arguments: str) -> Ran:
        return self.tree.run(self.capsys, "report", "--base", "main", *UNTIL, *arguments)

    def masked(self, printed: str) -> str:
        return printed.replace(git(self.tree.state, "rev-parse", "main")[:10], "0123456789")


@pytest.fixture
def proposal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Proposal:
    """Return two tickets at two repositories, and a third one sealed."""
    tree = Tree(tmp_path / "tree")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    seal(tree, "DM-100", {"bias.20241024a": [certified("bias", since("2024-10-24"))]})
    seal(tree, "DM-200", {"flat-r.20241107a": [certified("flat", since("2024-11-07"), filters=["r_03"])]})
    tree.chain(["DM-200", "DM-100"])
    git(tree.state, "init", "-q", "-b", "main")
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "as it was")
    return Proposal(tree, capsys)


def _new(proposal: Proposal) -> None:
    approval = {"status": "adopted", "taxicab": "TAXICAB-30", "date": "2025-02-03"}
    approval["report"] = "https://example.org/report"
    seal(
        proposal.tree,
        "DM-300",
        {"bias.20250201a": [certified("bias", since("2025-02-01"))]},
        summary="Biases after the warm-up",
        approval=approval,
    )
    proposal.tree.chain(["DM-300", "DM-200", "DM-100"])


def _retired(proposal: Proposal) -> None:
    proposal.tree.chain(["DM-100"], retired={"DM-200": "striped at the edge"})


def _taken_off(proposal: Proposal) -> None:
    proposal.tree.chain(["DM-100"])


def _moved(proposal: Proposal) -> None:
    proposal.tree.chain(["DM-100", "DM-200"])


def _much(proposal: Proposal) -> None:
    _new(proposal)
    tree = proposal.tree
    tree.site("summit", {"LSSTComCam": "copy"}, hold="the camera is being opened")
    tree.site("bts", {"LSSTComCam": "copy"})
    tree.settings(guards={"chain_changes": 3})
    (tree.state / "tickets" / tree.instrument / "DM-100.yaml").unlink()
    (tree.state / "seals" / tree.instrument / "DM-100.yaml").unlink()
    tree.chain(["DM-300", "DM-200"], chain="LSSTComCam/defaults")
    tree.chain(["DM-300", "DM-200"])


def _nothing(proposal: Proposal) -> None:
    pass


@pytest.mark.parametrize("propose", [_new, _retired, _taken_off, _moved, _much, _nothing])
def test_a_proposal_is_told_in_one_comment(
    proposal: Proposal, propose: Callable[[Proposal], None], golden: Golden
) -> None:
    propose(proposal)

    ran = proposal.report("--format", "markdown")

    assert ran.out.startswith(MARKER)
    golden(f"report/{propose.__name__.strip('_')}.md", proposal.masked(ran.out))
    golden(f"report/{propose.__name__.strip('_')}.txt", proposal.masked(proposal.report().out))


def test_a_tree_that_cannot_be_read_is_reported_and_nothing_else(proposal: Proposal, golden: Golden) -> None:
    proposal.tree.chain(["DM-100", "DM-999"])

    ran = proposal.report("--format", "markdown")

    assert ran.code == 1
    golden("report/unsound.md", ran.out)
    assert proposal.report("--format", "json").json["sound"] is False


def test_mistakes_and_findings_are_annotations_at_their_lines(proposal: Proposal) -> None:
    proposal.tree.chain(["DM-100", "DM-999"])

    ran = proposal.report("--format", "github")

    assert ran.code == 1
    assert ran.out.startswith("::error file=chains/LSSTComCam-calib.yaml,line=")


def test_content_that_is_not_what_was_approved_is_refused(proposal: Proposal) -> None:
    file = proposal.tree.state / "tickets" / "LSSTComCam" / "DM-200.yaml"
    said = yaml.safe_load(file.read_text())
    said["approval"]["seal"] = f"sha256:{'0' * 64}"
    file.write_text(yaml.safe_dump(said))

    ran = proposal.report("--format", "markdown")

    assert ran.code == 3
    assert "what is sealed of DM-200 is not what was approved" in ran.out


def test_a_comment_is_never_too_long_and_the_whole_goes_to_a_file(proposal: Proposal) -> None:
    tree, number = proposal.tree, 400
    names = [f"DM-{1000 + n}" for n in range(number)]
    for n, name in enumerate(names):
        spans = [certified("bias", since(f"20{n % 50 + 30}-01-01"), detectors=[n % 9])]
        seal(tree, name, {"bias.20250201a": spans}, summary="ü" * 70)
    tree.chain([*reversed(names), "DM-200", "DM-100"])
    full = tree.folder / "full.md"

    ran = proposal.report("--format", "markdown", "--full", str(full))

    assert len(ran.out.encode()) <= LIMIT
    assert "more lines are in the full report" in ran.out
    assert ran.out.count("<details") == ran.out.count("</details>")
    assert len(full.read_text()) > LIMIT
    assert all(name in full.read_text() for name in names)
    assert proposal.report("-o", str(full.with_suffix(".json"))).code == ran.code
    whole = json.loads(full.with_suffix(".json").read_text())
    assert whole == proposal.report("--format", "json").json


def test_what_strangers_write_is_no_markup(proposal: Proposal) -> None:
    _new(proposal)
    file = proposal.tree.state / "seals" / proposal.tree.instrument / "DM-300.yaml"
    said = yaml.safe_load(file.read_text())
    types = said["collections"]["bias.20250201a"]["types"]
    types["x</summary><h1>APPROVED</h1><img src=//evil x>"] = types.pop("bias")
    file.write_text(yaml.safe_dump(said))

    comment = proposal.report("--format", "markdown").out

    assert "&lt;h1&gt;APPROVED" in comment
    tags = set(re.findall(r"(?<!\\)<[^!][^>]*>", comment))
    assert tags <= {"<details>", "<details open>", "</details>", "<summary>", "</summary>"}


LIVE = {
    "@team": "@<!-- -->team",
    "@org/team": "@<!-- -->org/team",
    "&#64;team": r"\&#<!-- -->64;team",
    "somebody@example.org": "somebody@<!-- -->example.org",
    "#1": "#<!-- -->1",
    "GH-7": "GH-<!-- -->7",
    "gh-7": "gh-<!-- -->7",
    "org/repo#12": "org/repo#<!-- -->12",
    "https://example.org/x": "https:<!-- -->//example.org/x",
    "FTP://example.org": "FTP:<!-- -->//example.org",
    "www.example.org": "www.<!-- -->example.org",
    "mailto:a": "mailto:<!-- -->a",
    "1f2e3d4": "1f2e<!-- -->3d4",
    "1f2e3d4c5b6a79880f1e2d3c4b5a69788776f5e4": "1f2e<!-- -->3d4c5b6a79880f1e2d3c4b5a69788776f5e4",
    "org/repo@1f2e3d4": "org/repo@<!-- -->1f2e<!-- -->3d4",
    "$x^2$": r"\$x^2\$",
    "~~gone~~": r"\~\~gone\~\~",
    "![x](//y)": r"!\[x\](//y)",
}
"""What GitHub would make something of, and what stands for it."""

DEAD = ("flat-r.20241107a", "20250101", "TAXICAB-15", "DM-40003", "a # b", "HEAD@{1}", "c3po", "deadbeefs")


def test_nobody_is_called_by_what_strangers_write_and_nothing_is_linked(proposal: Proposal) -> None:
    proposal.tree.chain(["DM-200"], retired={"DM-100": " ; ".join([*LIVE, *DEAD])})

    comment = proposal.report("--format", "markdown").out

    shown = re.sub("```.*?```|`[^`]*`", "", comment, flags=re.DOTALL)
    for written, dead in LIVE.items():
        assert dead in shown, written
        assert not re.search(rf"(?<![\w\\>/]){re.escape(written)}(?!\w)", shown), written
    for word in DEAD:
        assert word in shown, word
    main = git(proposal.tree.state, "rev-parse", "main")
    assert f"Compared with main ({main[:10]})." in shown


def test_a_seal_that_stands_for_more_than_a_machine_holds_is_told_at_once(proposal: Proposal) -> None:
    _new(proposal)
    file = proposal.tree.state / "seals" / proposal.tree.instrument / "DM-300.yaml"
    said = yaml.safe_load(file.read_text())
    said["collections"]["bias.20250201a"]["types"] = {
        name: {"datasets": 600_000, "coverage": [{"detector": "0..599999", "begin": None, "end": None}]}
        for name in ("bias", "dark")
    }
    file.write_text(yaml.safe_dump(said))

    ran = proposal.report()

    assert ran.code == 1
    assert "up to here the seal stands for 1,200,000 data IDs; it may for 1,000,000" in ran.out


@pytest.mark.parametrize("command", [["report"], ["report", "--format", "json"], ["diff", "main"]])
def test_a_password_that_should_not_be_there_is_not_repeated(proposal: Proposal, command: list[str]) -> None:
    site = proposal.tree.state / "sites" / "summit.yaml"
    said = yaml.safe_load(site.read_text())
    for word in ("gehe1mnis", "gehe1meres"):
        # Shown in short, and cut within the password.
        address = f"postgresql://somebody:{word}{'x' * 60}@db.example.org/butler"
        said["repositories"]["LSSTComCam"]["butler"] = address
        site.write_text(yaml.safe_dump(said))
        if word == "gehe1mnis":
            git(proposal.tree.state, "commit", "-q", "-a", "-m", "a password")

    base = ["--base", "main"] if command[0] == "report" else []
    ran = proposal.tree.run(proposal.capsys, *command, *base)

    assert "***" in ran.out
    assert "gehe1m" not in ran.out + ran.err


def test_a_cut_closes_a_block_by_what_opened_it() -> None:
    lines = ("````text", "```", *(f"line {number}" for number in range(200)), "````")

    told = fitted((Section(lines),), 1_000)

    assert told.split("\n").count("````") == 1


def test_what_a_cut_opens_it_closes() -> None:
    opened = ["<details open><summary>Checks</summary>", "```diff", *["+ a line"] * 100, "```", "</details>"]
    sections = [Section(("a head",), essential=True), Section(tuple(opened)), Section(("the end",))]

    told = fitted(sections, 400)

    assert len(told.encode()) <= 400
    assert told.count("<details") == told.count("</details>") == 1
    assert told.count("```") == 2
    assert "more lines are in the full report" in told
    assert told.endswith("the end\n")


@given(
    st.lists(
        st.tuples(st.lists(st.text("aé\n", max_size=40).map(lambda s: s.replace("\n", " "))), st.booleans())
    ),
    st.integers(0, 2000),
)
def test_sections_share_the_room_that_there_is(parts: list[tuple[list[str], bool]], limit: int) -> None:
    sections = [Section(tuple(lines), essential) for lines, essential in parts]
    essential = sum(section.size for section in sections if section.essential)

    told = fitted(sections, limit)

    assert len(told.encode()) <= max(limit, essential)
    if sum(section.size for section in sections) <= limit:
        assert told == whole(sections)


# --- with plans, from real repositories ---


@pytest.fixture
def planned(deployed: Sites) -> Sites:
    """Return sites in Git that somebody proposes a new ticket for."""
    state = deployed.tree.state
    git(state, "init", "-q", "-b", "main")
    git(state, "add", "-A")
    git(state, "commit", "-q", "-m", "as it was")
    deployed.make_ticket("DM-3", summary="Flats of the new lamp")
    deployed.tree.chain(["DM-3", "DM-2", "DM-1"])
    return deployed


def plans(sites: Sites, *names: str) -> Path:
    # It is made by whoever first writes into it.
    folder = sites.tree.folder / "plans"
    for name in names:
        assert sites.run("plan", "--site", name, "-o", str(folder / f"{name}.json")).code in {0, 2, 4}
    return folder


def test_each_site_applies_only_what_was_shown(planned: Sites) -> None:
    folder = plans(planned, "summit", "usdf")
    told = planned.run("report", "--base", "main", "--plans", str(folder), "--format", "json").json
    digests = told["digests"]
    assert list(told["plans"]) == ["summit", "usdf"]
    assert told["plans"]["usdf"]["steps"] > 0
    before = planned.snapshot()

    refused = planned.apply("--site", "usdf", "--expect", f"sha256:{'0' * 64}")
    assert refused.code == 3
    assert "Plan is not the one that was approved" in refused.err
    assert f"--expect {digests['usdf']}" in refused.err
    assert planned.snapshot() == before

    shown = [word for digest in digests.values() for word in ("--expect", digest)]
    assert planned.apply("--site", "usdf", *shown).code == 0
    assert planned.chain(ORIGIN) == planned.chain(EMBARGO) == tuple(f"{TOP}/DM-{n}" for n in (3, 2, 1))
    # Nothing is left to do, so nothing has to be approved.
    assert planned.apply("--site", "usdf", "--expect", digests["usdf"]).code == 0
    # What the summit could plan before the export is not what it plans now.
    assert planned.apply("--site", "summit", "--expect", digests["summit"]).code == 3
    now = planned.run("plan", "--site", "summit", "--format", "json").json["digest"]
    assert planned.apply("--site", "summit", "--expect", now).code == 0
    assert planned.chain(SUMMIT) == planned.chain(ORIGIN)


def test_what_each_site_does_on_merge_is_told(planned: Sites) -> None:
    folder = plans(planned, "summit", "usdf")

    ran = planned.run("report", "--base", "main", *UNTIL, "--plans", str(folder), "--format", "markdown")

    assert ran.code == 0
    digest = json.loads((folder / "usdf.json").read_text())["digest"]
    assert f"| usdf | `{digest}` |" in ran.out
    assert "| summit | no steps | nothing yet: it waits for another site" in ran.out


@pytest.mark.parametrize("spoil", ["gone", "empty", "no site", "no plan"])
def test_plans_that_cannot_be_read_are_told(planned: Sites, spoil: str) -> None:
    folder = plans(planned, "usdf")
    match spoil:
        case "gone":
            shutil.rmtree(folder)
        case "empty":
            (folder / "usdf.json").unlink()
        case "no site":
            (folder / "usdf.json").rename(folder / "nowhere.json")
        case _:
            (folder / "usdf.json").write_text("{")

    ran = planned.run("report", "--base", "main", "--plans", str(folder))

    assert ran.code == (1 if spoil == "no plan" else 64)
    assert "plans" in ran.err


def test_drift_is_a_report_that_a_ci_system_shows(deployed: Sites) -> None:
    sound = Xml.fromstring(deployed.run("drift", "--format", "junit").out)
    assert {suite.get("name") for suite in sound} == {"archive", ORIGIN, EMBARGO, SUMMIT}
    assert {(suite.get("tests"), suite.get("failures")) for suite in sound} == {("1", "0")}

    deployed.add_own(SUMMIT, "u/a<b>&c/bias")
    deployed.change_chain(SUMMIT, lambda children: ["u/a<b>&c/bias", *children[1:]])
    shutil.rmtree(deployed.path(EMBARGO))
    ran = deployed.run("drift", "--format", "junit")

    assert ran.code == 1
    suites = {suite.get("name"): suite for suite in Xml.fromstring(ran.out)}
    assert [suites[SUMMIT].get(key) for key in ("tests", "failures", "errors")] == ["2", "2", "0"]
    assert [suites[EMBARGO].get(key) for key in ("tests", "failures", "errors")] == ["1", "0", "1"]
    names = {case.get("name") for case in suites[SUMMIT]}
    assert names == {f"extra u/a<b>&c/bias in {TOP}", f"missing {TOP}/DM-2 in {TOP}"}
    for case in suites[SUMMIT]:
        assert (case.get("file"), case[0].tag) == ("chains/LSSTComCam-calib.yaml", "failure")


# --- links and Jira ---


@pytest.fixture
def on_github(monkeypatch: pytest.MonkeyPatch) -> str:
    """Have GitHub and Jira tell where they are, and return the commit."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "observatory/calibrations")
    monkeypatch.setenv("GITHUB_SHA", commit)
    monkeypatch.setenv("CALIBSTATE_JIRA_URL", "https://jira.example.org/")
    return commit


def test_tickets_lines_and_the_report_are_links(proposal: Proposal, on_github: str) -> None:
    _new(proposal)

    comment = proposal.report("--format", "markdown").out

    assert "LSSTComCam/[DM-300](https://jira.example.org/browse/DM-300)" in comment
    assert "[TAXICAB-30](https://jira.example.org/browse/TAXICAB-30)" in comment
    assert "[report at example.org](https://example.org/report)" in comment
    lines = re.findall(
        rf"\(https://github.com/observatory/calibrations/blob/{on_github}/(\S+)#L(\d+)\)", comment
    )
    assert lines
    for file, number in lines:
        text = (proposal.tree.state / file).read_text().splitlines()
        assert 1 <= int(number) <= len(text)


@pytest.mark.parametrize(
    "report",
    [
        "javascript:alert(1)",
        "https://board:secret-word@example.org/report",
        "https://example.org/a b",
        "data:text/html,<script>alert(1)</script>",
        "https://exämple.org/",
        "//example.org/report",
        f"https://example.org/{'x' * 3000}",
    ],
)
def test_only_an_address_of_the_web_is_linked(proposal: Proposal, report: str) -> None:
    _new(proposal)
    file = proposal.tree.state / "tickets" / proposal.tree.instrument / "DM-300.yaml"
    said = yaml.safe_load(file.read_text())
    said["approval"]["report"] = report
    file.write_text(yaml.safe_dump(said))

    comment = proposal.report("--format", "markdown").out

    assert "DM-300" in comment
    assert "](" not in comment
    assert "secret-word" not in comment


def test_what_a_report_is_called_ends_no_link(proposal: Proposal) -> None:
    _new(proposal)
    file = proposal.tree.state / "tickets" / proposal.tree.instrument / "DM-300.yaml"
    said = yaml.safe_load(file.read_text())
    said["approval"]["report"] = "https://example.org/a)[b](https://evil.example/|<img>"
    file.write_text(yaml.safe_dump(said))

    comment = proposal.report("--format", "markdown").out

    (link,) = re.findall(r"\]\((\S*?)\)", comment)
    assert link == "https://example.org/a%29%5Bb%5D%28https://evil.example/%7C%3Cimg%3E"


BROWSE = "https://jira.example.org/browse"


def summarized(proposal: Proposal, summary: str) -> str:
    """Return the line of a comment that tells of a ticket with a summary."""
    _new(proposal)
    file = proposal.tree.state / "tickets" / proposal.tree.instrument / "DM-300.yaml"
    said = yaml.safe_load(file.read_text())
    said["summary"] = summary
    file.write_text(yaml.safe_dump(said))
    comment = proposal.report("--format", "markdown").out
    (line,) = [line for line in comment.splitlines() if "a new ticket:" in line]
    before, _, after = line.partition("a new ticket: ")
    assert "](" not in before
    return after.partition("; adopted by ")[0]


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("Biases of DM-12", f"Biases of [DM-12]({BROWSE}/DM-12)"),
        (
            "DM-12, DM-13; see (TAXICAB-4).",
            f"[DM-12]({BROWSE}/DM-12), [DM-13]({BROWSE}/DM-13); see ([TAXICAB-4]({BROWSE}/TAXICAB-4)).",
        ),
        ("first\nDM-12\nlast", f"first [DM-12]({BROWSE}/DM-12) last"),
    ],
)
def test_keys_in_a_summary_are_links(proposal: Proposal, on_github: str, summary: str, expected: str) -> None:
    assert summarized(proposal, summary) == expected


@pytest.mark.parametrize(
    "summary",
    [
        "`DM-12`",
        "run `seal DM-12 now`",
        "LSSTComCam/calib/DM-12",
        "LSSTComCam/calib/ DM-12/flat",
        "https://evil.example/ DM-12?x",
        "!DM-12",
        "x]DM-12",
        "[DM-12](https://evil.example)",
        "<a href=DM-12>",
        "@DM-12",
        "#DM-12",
        "DM-12@evil.example",
        "DM-12.evil.example",
        "DM-12](https://evil.example)",
        "DM-012",
        "DM-12345678901",
        "ADM-12",
        "UTF-8",
        "DM-1\u0662",
    ],
)
def test_what_is_no_key_in_a_sentence_is_no_link(proposal: Proposal, on_github: str, summary: str) -> None:
    assert "](" not in summarized(proposal, summary).replace("\\](", "")


@pytest.mark.parametrize(
    "mark", ["|", "<img src=x>", "[a](b)", "![a](b)", "</details>", "@team", "#1", "$x$"]
)
def test_a_key_lets_no_mark_through_that_stands_beside_it(
    proposal: Proposal, on_github: str, mark: str
) -> None:
    with_key = summarized(proposal, f"{mark} DM-12 {mark}")

    assert with_key == f"{safe(mark)} [DM-12]({BROWSE}/DM-12) {safe(mark)}"


PIECES = [
    "DM-12",
    "TAXICAB-4",
    " ",
    "(",
    ")",
    "[",
    "]",
    "!",
    "`",
    "\\",
    "<",
    ">",
    "|",
    "*",
    "_",
    "a",
    "://",
    "#",
    "@",
]


@example("[a](b) DM-12 <img src=a>")
@example("<img src=a> DM-12 [a](b)")
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_stands_around_keys_only_they_are_links(sentence: str) -> None:
    links = Links(jira=BROWSE)

    page = MarkdownIt("commonmark").render(f"- of {links.sentence(sentence)}")

    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert set(addresses) <= {f"{BROWSE}/DM-12", f"{BROWSE}/TAXICAB-4"}
    tags = set(re.findall(r"<(/?\w+)", page))
    assert tags <= {"ul", "/ul", "li", "/li", "p", "/p", "a", "/a"}
    shown = html.unescape(re.sub(r"<!-- -->|<[^>]*>", "", page))
    assert shown.split()[1:] == sentence.split()


def test_without_a_jira_a_key_is_a_word(proposal: Proposal) -> None:
    assert summarized(proposal, "of DM-12") == "of DM-12"


def test_jira_is_asked_only_when_it_is_to_be(proposal: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    _new(proposal)
    assert "jira" not in proposal.report("--format", "markdown").out

    ran = proposal.report("--format", "markdown", "--check-jira")
    assert ran.code == 64
    assert "CALIBSTATE_JIRA_URL is not set" in ran.err

    # Who says nothing contradicts nothing, and it is told.
    monkeypatch.setenv("CALIBSTATE_JIRA_URL", "http://127.0.0.1:9")
    comment = proposal.report("--format", "markdown", "--check-jira").out
    assert "| deployment | jira | report |" in comment
    assert "not checked" in comment
    assert "No approval was checked" in comment

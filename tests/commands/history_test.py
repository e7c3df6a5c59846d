"""What was declared when, and who changed it, is what Git has kept."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.commands.impact_test import git
from tests.golden import Golden
from tests.past import CHAINS, INSTRUMENT, Made, make_past
from tests.tree import Ran, Tree

COMMITS = 500
SAMPLED = 12


@dataclass(frozen=True)
class Seen:
    """A commit of the main branch as it is read without calibstate."""

    commit: str
    at: int
    subject: str
    chains: Mapping[str, Any]
    """What the chains' files say, by name; empty where they have mistakes."""

    tickets: Mapping[str, Any]


@dataclass(frozen=True)
class Past:
    """A made-up past, and how it looks to who reads all files."""

    made: Made
    line: tuple[Seen, ...]
    """The oldest first."""

    _told: dict[str, Any] = field(default_factory=dict)

    def told(self, capsys: pytest.CaptureFixture[str], chain: str = CHAINS[0]) -> Any:
        """Return the history of a chain, which is asked for once."""
        if chain not in self._told:
            self._told[chain] = self.run(capsys, "history", chain, "--format", "json").json["revisions"]
        return self._told[chain]

    def run(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
        return Tree(self.made.folder).run(capsys, *arguments)

    @property
    def sound(self) -> list[Seen]:
        return [seen for seen in self.line if seen.subject not in self.made.broken]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    made = make_past(tmp_path_factory.mktemp("past") / "made", COMMITS)
    return Past(made, tuple(read_all(made.folder)))


def read_all(folder: Path) -> Iterator[Seen]:
    """Read the files at every commit, from what Git says of each."""
    words = ["log", "--reverse", "--first-parent", "-m", "--raw", "-r", "--root", "--no-renames"]
    told = git(folder, *words, "--no-abbrev", "--format=%x01%H %ct %s")
    blobs = {line.split()[3] for line in told.splitlines() if line.startswith(":")} - {"0" * 40}
    asked = "".join(f"{blob}\n" for blob in sorted(blobs)).encode()
    out = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=folder, input=asked, check=True, capture_output=True
    ).stdout
    said: dict[str, Any] = {}
    while out:
        head, _, out = out.partition(b"\n")
        blob, _, size = head.split()
        said[blob.decode()] = _parsed(out[: int(size)])
        out = out[int(size) + 1 :]
    files: dict[str, str] = {}
    for part in told.split("\x01")[1:]:
        first, *changed = part.splitlines()
        commit, at, subject = first.split(" ", 2)
        for line in (one for one in changed if one):
            about, _, name = line.partition("\t")
            files[name] = about.split()[3]
        there = {name: said[blob] for name, blob in files.items() if set(blob) != {"0"}}
        yield Seen(commit, int(at), subject, _named(there, "chain"), _named(there, "ticket"))


def _parsed(content: bytes) -> Any:
    try:
        return yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None


def _named(there: Mapping[str, Any], key: str) -> dict[str, Any]:
    declared = [said for name, said in there.items() if name.startswith(f"state/{key}s/")]
    return {said[key]: said for said in declared if isinstance(said, dict)}


def replayed(entries: list[str], change: Mapping[str, Any]) -> list[str]:
    """Return the entries of a chain after a change, as it is told."""
    gone = {one["entry"] for one in change["left"]}
    stays = [entry for entry in entries if entry not in gone]
    return _placed(_placed(stays, change["moved"]), change["entered"])


def _placed(entries: list[str], placed: list[dict[str, Any]]) -> list[str]:
    order = {one["entry"]: one["in_front_of"] for one in placed}
    stays = [entry for entry in entries if entry not in order]
    return [
        *(entry for stay in stays for entry in (*(e for e, at in order.items() if at == stay), stay)),
        *(entry for entry, at in order.items() if at is None),
    ]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.matrix(1)
def test_the_history_of_a_chain_replayed_is_the_chain_at_each_commit(
    past: Past, chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = past.told(capsys, chain)

    by_commit = {one["commit"]: one for one in told}
    assert [one["commit"] for one in told] == [s.commit for s in past.line[::-1] if s.commit in by_commit]
    unsound = {one["commit"] for one in told if not one["sound"]}
    assert unsound == {seen.commit for seen in past.line if seen.subject in past.made.broken}
    entries: list[str] = []
    before = Seen("", 0, "", {}, {})
    for seen in past.sound:
        one = by_commit.get(seen.commit)
        for change in one["chains"] if one else ():
            entries = replayed(entries, change)
            left = {gone["entry"]: gone["retired"] for gone in change["left"]}
            retired = seen.chains[chain].get("retired", {})
            assert left == {word: retired.get(word) for word in left}
            assert {w: retired[w] for w in change["retired"]} == change["retired"]
        assert entries == seen.chains[chain]["entries"], seen.subject
        assert _tickets_told(one) == _tickets_changed(before, seen, chain), seen.subject
        before = seen


def _tickets_told(one: Mapping[str, Any] | None) -> set[str]:
    said = one["changes"] if one else ()
    return {change["what"] for change in said if change["at"]["file"].startswith("tickets/")}


def _tickets_changed(before: Seen, seen: Seen, chain: str) -> set[str]:
    listed = {word for s in (before, seen) for word in s.chains.get(chain, {"entries": []})["entries"]}
    return {word for word in listed if before.tickets.get(word) != seen.tickets.get(word)}


def test_a_merge_is_told_once_with_its_request_and_who_made_it(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    told = past.told(capsys)

    merges = [one for one in told if one["merged_by"]]
    assert len(merges) > 20
    for one in merges:
        number = one["pull_request"]
        assert set(one["authors"]) == past.made.brought[number]
        assert (one["merged_by"], one["title"]) == ("merger", f"What {number} is about")
    squashed = [one for one in told if one["pull_request"] and not one["merged_by"]]
    assert squashed
    assert all("(#" not in one["title"] for one in squashed)


def test_what_was_declared_at_any_moment_is_shown(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(1)
    moments = [random.randint(past.line[0].at, past.line[-1].at + 9999) for _ in range(SAMPLED)]
    # At the very second of a commit it counts; before it, it does not.
    some = random.sample(past.line[1:], 4)
    moments += [seen.at - late for seen in some for late in (0, 1)]
    asked = [(f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}", moment) for moment in moments]
    asked += [(seen.commit, seen.at) for seen in random.sample(past.line, SAMPLED // 2)]
    for word, moment in asked:
        seen = [one for one in past.line if one.at <= moment][-1]

        ran = past.run(capsys, "show", "--at", word, "--format", "json")

        if seen.subject in past.made.broken:
            assert ran.code == 1
            assert f"{seen.commit[:10]}:" in ran.err
            continue
        assert ran.json["at"]["commit"] == seen.commit
        for repository, chains in ran.json["repositories"].items():
            for name, said in seen.chains.items():
                assert chains[name] == _children(said, seen, repository)


def _children(said: Mapping[str, Any], seen: Seen, repository: str) -> list[str]:
    site = repository.partition("/")[0]
    listed = [
        seen.tickets[word] for word in said["entries"] if site not in seen.tickets[word].get("skip", {})
    ]
    named = [ticket.get("bare", [f"{INSTRUMENT}/calib/{ticket['ticket']}"]) for ticket in listed]
    return [child for children in named for child in children]


def test_a_difference_replayed_leads_from_one_commit_to_the_other(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(2)
    for _ in range(SAMPLED):
        one, other = random.sample(past.sound, 2)

        told = past.run(capsys, "diff", one.commit, other.commit, "--format", "json").json

        changed = {change["chain"]: change for change in told["chains"]}
        for name in other.chains:
            entries = one.chains[name]["entries"]
            now = replayed(entries, changed[name]) if name in changed else entries
            assert now == other.chains[name]["entries"]
        files = {c["what"] for c in told["changes"] if c["at"]["file"].startswith("tickets/")}
        both = one.tickets.keys() | other.tickets.keys()
        assert files == {word for word in both if one.tickets.get(word) != other.tickets.get(word)}


def test_the_history_of_a_ticket_is_what_is_about_it(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    whole = past.run(capsys, "history", CHAINS[0], "--format", "json").json["revisions"]
    about = [
        one["commit"] for one in whole for said in one["changes"] if "DM-1003" in said["what"].split(", ")
    ]

    told = past.run(capsys, "history", CHAINS[0], "--ticket", "DM-1003", "--format", "json").json["revisions"]

    assert [one["commit"] for one in told if one["sound"]] == list(dict.fromkeys(about))
    assert {said["what"] for one in told for said in one["changes"]} == {"DM-1003"}


def test_the_newest_are_told_if_so_many_are_asked_for(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    whole = past.run(capsys, "history", CHAINS[0], "--format", "json").json["revisions"]

    ran = past.run(capsys, "history", CHAINS[0], "-n", "2", "--format", "json")

    assert ran.json["revisions"] == whole[:2]
    left_out = f"{len(whole) - 2} older revisions are not shown; --limit {len(whole)} shows all"
    assert left_out in ran.err
    assert past.run(capsys, "history", CHAINS[0], "--limit", str(len(whole))).err == ""


# --- a few commits, to be read ---

DAYS = ("2025-02-08T15:00:00Z", "2025-02-10T15:00:00Z", "2025-02-12T11:59:23Z", "2025-02-12T11:59:24Z")


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Return a tree of four commits, of which one is a merge."""
    tree = Tree(tmp_path / "short")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"LSSTComCam": "copy"})
    tree.ticket("DM-100", "bias.20240101a")
    tree.chain(["DM-100"])
    git(tree.state, "init", "-q", "-b", "main")

    def commit(number: int, *words: str) -> None:
        for who in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{who}_DATE", DAYS[number])
        git(tree.state, "add", "-A")
        git(tree.state, *(words or ("commit", "-q", "-m", f"Commit {number}")))

    commit(0)
    git(tree.state, "switch", "-q", "-c", "proposal")
    tree.ticket("DM-200", "flat.20250101a", skip={"summit": "the shutter is out"})
    tree.chain(["DM-200", "DM-100"])
    (tree.state / "chains" / "LSSTComCam-calib.yaml").rename(tree.state / "chains" / "all.yaml")
    commit(0, "commit", "-q", "-m", "Flats\n\nWith the new lamp")
    git(tree.state, "switch", "-q", "main")
    commit(
        1, "merge", "-q", "--no-ff", "-m", "Merge pull request #7 from x/y\n\nFlats of the lamp", "proposal"
    )
    (tree.state / "chains" / "all.yaml").write_text("chain: [\n")
    commit(2)
    (tree.state / "chains" / "all.yaml").unlink()
    tree.chain(["DM-100"], retired={"DM-200": "striped"})
    commit(3)
    return tree


def masked(tree: Tree, printed: str) -> str:
    # In Markdown a comment within keeps a hash from being linked.
    printed = re.sub(r"(?<=[0-9a-f]{4})<!-- -->(?=[0-9a-f]{6})", "", printed)
    for number, commit in enumerate(git(tree.state, "rev-list", "--all").splitlines()):
        printed = printed.replace(commit, str(number) * 40).replace(commit[:10], str(number) * 10)
    return printed


@pytest.mark.parametrize("format", ["text", "markdown", "json"])
@pytest.mark.parametrize(
    "words",
    [
        ("history", "LSSTComCam/calib"),
        ("diff", "HEAD~3", "HEAD~2"),
        ("diff", "2025-02-10", "--repository", "usdf/main"),
        ("show", "--at", "2025-02-10", "usdf/main"),
    ],
)
def test_it_is_told_in_words_of_the_field(
    short: Tree, words: tuple[str, ...], format: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = short.run(capsys, *words, "--format", format)

    assert ran.code == 0, ran.err
    name = "-".join(word.strip("-").replace("/", "-") for word in words)
    golden(f"history/{name}.{format}", masked(short, ran.out))


@pytest.mark.parametrize(
    ("date", "number"),
    [
        ("2025-02-08", 3),
        ("2025-02-10T14:59:59Z", 3),
        ("2025-02-10T15:00:00Z", 2),
        ("2025-02-10", 2),
        ("2025-02-12", 0),
        # Git's own reader of dates ends with 2099, and the calendar with 9999.
        ("2100-01-02T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
        ("9999-12-31", 0),
    ],
)
def test_a_day_is_an_observing_day_and_a_moment_is_of_utc(
    short: Tree, date: str, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    told = short.run(capsys, "show", "--at", date, "--format", "json").json

    assert told["at"]["commit"] == git(short.state, "rev-parse", f"HEAD~{number}")


def test_the_day_ends_at_noon_of_the_next_in_tai(short: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    # 11:59:23 UTC is noon in TAI; the broken commit was made in that second.
    ran = short.run(capsys, "show", "--at", "2025-02-11")

    assert ran.code == 1
    assert "Invalid YAML" in ran.err
    assert f"{git(short.state, 'rev-parse', 'HEAD~1')[:10]}:chains/all.yaml:" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "--at", "2024-12-31"), 64, "Before the first commit"),
        (("show", "--at", "1969-07-20"), 64, "Before the first commit"),
        (("show", "--at", "2025-02-31"), 64, "Not a date"),
        (("show", "--at", "2025-02-11T03:00:00"), 64, "end it with Z"),
        (("show", "--at", "2025-02-11Tnight"), 64, "Not a date"),
        (("show", "--at", "no-such-branch"), 64, "Unknown revision"),
        (("show", "--at", "HEAD@{99999}"), 64, "Unknown revision"),
        (("show", "--at", "@{-9}"), 64, "Unknown revision"),
        (("show", "--at", "^HEAD"), 64, "Unknown revision"),
        (("show", "--at", "HEAD:chains"), 64, "Unknown revision"),
        (("show", "--at", "0" * 40), 64, "Unknown revision"),
        (("show", "--at", "HEAD~1"), 1, "Invalid YAML"),
        (("diff", "HEAD~1"), 1, "Invalid YAML"),
        (("diff", "HEAD", "HEAD~1"), 1, "Invalid YAML"),
        (("diff", "HEAD", "--instrument", "LSSTCom"), 64, "Did you mean LSSTComCam?"),
        (("history", "LSSTComCam/calibs"), 64, "Did you mean LSSTComCam/calib?"),
        (("history", "LSSTComCam/calib", "--ticket", "DM-20"), 64, "Did you mean DM-200?"),
    ],
)
def test_what_cannot_be_told_is_said(
    short: Tree, words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = short.run(capsys, *words)

    assert ran.code == code
    assert said in ran.err
    assert ran.out == ""


def test_a_tree_outside_git_or_without_a_commit_has_no_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.ticket("DM-100", "bias.20240101a")
    tree.chain(["DM-100"])

    asked: list[tuple[str, ...]] = [
        ("history", "LSSTComCam/calib"),
        ("show", "--at", "2025-01-01"),
        ("diff", "HEAD"),
    ]
    for words in asked:
        ran = tree.run(capsys, *words)
        assert (ran.code, "State tree is not in Git" in ran.err) == (1, True)
    git(tree.state, "init", "-q")
    for words in [*asked, ("diff",)]:
        ran = tree.run(capsys, *words)
        assert (ran.code, "No commit yet" in ran.err, "git commit" in ran.err) == (1, True, True), ran.err


def test_without_revisions_it_is_what_the_branch_says_otherwise(
    short: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    git(short.state, "switch", "-q", "-c", "mine")
    assert "nothing is declared otherwise" in short.run(capsys, "diff").out
    short.chain(["DM-100"], retired={"DM-200": "striped at the edge"})

    assert "- DM-200 retired from LSSTComCam/calib at " in short.run(capsys, "diff").out


def test_links_are_followed_at_a_commit_as_on_the_disk(
    short: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = short.state / "chains" / "LSSTComCam-calib.yaml"
    chain.rename(short.state / "all.yaml")
    chain.symlink_to("../all.yaml")
    now = short.run(capsys, "show", "--format", "json").json["repositories"]
    git(short.state, "add", "-A")
    git(short.state, "commit", "-q", "-m", "linked")

    assert short.run(capsys, "show", "--at", "HEAD", "--format", "json").json["repositories"] == now


# --- what Git holds, but nobody means ---


def made(tree: Tree, kind: str, content: bytes) -> str:
    """Write an object that Git itself would not make, and return its name."""
    words = ["git", "hash-object", "-t", kind, "--literally", "-w", "--stdin"]
    return (
        subprocess.run(words, cwd=tree.state, input=content, check=True, capture_output=True)
        .stdout.decode()
        .strip()
    )


def entry(tree: Tree, mode: str, name: str, content: bytes) -> bytes:
    """Return a line of a folder as Git keeps it."""
    kind = "tree" if mode == "40000" else "blob"
    return f"{mode} {name}".encode() + b"\0" + bytes.fromhex(made(tree, kind, content))


def commit_of(tree: Tree, folder: bytes) -> None:
    """Have a folder as the newest commit."""
    commit = git(tree.state, "commit-tree", "-p", "HEAD", "-m", "crafted", made(tree, "tree", folder))
    git(tree.state, "update-ref", "HEAD", commit)


@pytest.mark.parametrize("revision", ["HEAD@{2 hours ago}", "HEAD@{0.5}", "@{-1}~0", "HEAD^{/Commit 3}"])
def test_every_name_that_git_knows_names_a_commit(
    short: Tree, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    git(short.state, "switch", "-q", "-c", "mine")

    told = short.run(capsys, "show", "--at", revision, "--format", "json").json

    assert told["at"]["commit"] == git(short.state, "rev-parse", f"{revision}^{{commit}}")


def test_what_a_shallow_clone_lacks_is_unknown(
    short: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = Tree(tmp_path / "clone")
    clone.folder.mkdir()
    git(clone.folder, "clone", "-q", "--depth", "1", f"file://{short.state}", "state")

    for revision in ("HEAD~1", "HEAD~2"):
        ran = clone.run(capsys, "diff", revision)
        assert (ran.code, "Unknown revision" in ran.err, "git fetch" in ran.err) == (64, True, True), ran.err
    assert clone.run(capsys, "history", "LSSTComCam/calib").code == 0


def test_a_tree_in_a_bare_repository_is_not_in_git(short: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    git(short.folder, "clone", "-q", "--bare", "state", "bare.git")
    bare = Tree(short.folder / "bare.git")
    shutil.copytree(short.state, bare.state, ignore=shutil.ignore_patterns(".git"))

    for words in (("history", "LSSTComCam/calib"), ("diff",), ("validate", "--base", "HEAD")):
        ran = bare.run(capsys, *words)
        assert (ran.code, "State tree is not in Git" in ran.err) == (1, True), ran.err


@pytest.mark.parametrize("inside", ["", "chains"])
def test_a_folder_that_git_would_not_make_is_told(
    short: Tree, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    crafted = entry(short, "100644", "../../pwned.yaml", b"ticket: DM-1\n")
    if inside:
        crafted = entry(short, "100644", "calibstate.yaml", b"version: 1\n") + entry(
            short, "40000", inside, crafted
        )
    commit_of(short, crafted)

    for words in (
        ("diff", "HEAD"),
        ("show", "--at", "HEAD"),
        ("impact", "HEAD"),
        ("report", "--base", "HEAD"),
    ):
        ran = short.run(capsys, *words)
        assert (ran.code, "History cannot be read" in ran.err) == (1, True), ran.err
    assert not list(short.folder.rglob("pwned.yaml"))


def test_nothing_is_written_through_a_link_of_a_commit(
    short: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = short.folder / "outside.yaml"
    outside.write_text("as it was\n")
    crafted = b"".join(
        (
            entry(short, "120000", "a.yaml", str(outside).encode()),
            entry(short, "100644", "a.yaml", b"version: 1\n"),
            entry(short, "120000", "b.yaml", b"a.yaml"),
        )
    )
    commit_of(short, entry(short, "40000", "chains", crafted))

    ran = short.run(capsys, "show", "--at", "HEAD")

    assert (ran.code, "Commit cannot be read" in ran.err) == (1, True), ran.err
    assert outside.read_text() == "as it was\n"


@pytest.mark.parametrize("subject", ["Chains (#{})", "Merge pull request #{} from x/y"])
def test_a_number_that_nobody_counted_to_is_no_request(
    short: Tree, subject: str, capsys: pytest.CaptureFixture[str]
) -> None:
    short.chain(["DM-200", "DM-100"])
    git(short.state, "commit", "-q", "-a", "-m", subject.format("9" * 5000))

    ran = short.run(capsys, "history", "LSSTComCam/calib", "--format", "json")

    assert ran.code == 0, ran.err
    newest, *_, merged, _ = ran.json["revisions"]
    assert (newest["pull_request"], merged["pull_request"]) == (None, 7)
    assert newest["title"] == subject.format("9" * 5000)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("99999999999999 +9999", "9999-12-31T23:59:59Z"),
        ("99999999999999999999999 +0000", "9999-12-31T23:59:59Z"),
        ("1739360000 -9999", "2025-02-12T11:33:20Z"),
    ],
)
def test_a_commit_of_no_calendar_is_told_with_the_rest(
    short: Tree, at: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    short.chain(["DM-200", "DM-100"])
    git(short.state, "add", "-A")
    lines = [f"tree {git(short.state, 'write-tree')}", f"parent {git(short.state, 'rev-parse', 'HEAD')}"]
    lines += [f"author a <a@example.org> {at}", f"committer a <a@example.org> {at}", "", "crafted", ""]
    git(short.state, "update-ref", "HEAD", made(short, "commit", "\n".join(lines).encode()))

    ran = short.run(capsys, "history", "LSSTComCam/calib", "--format", "json")

    assert ran.code == 0, ran.err
    newest, *rest = ran.json["revisions"]
    assert (newest["at"], len(rest)) == (told, 4)
    assert short.run(capsys, "show", "--at", "2030-01-01").code == 0

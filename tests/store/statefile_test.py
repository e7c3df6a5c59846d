"""A state tree is found and read; all that is wrong with it is told."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.errors import InvalidStateError, Severity
from calibstate.store.statefile import find_root, load
from tests.written import GOOD, besides_seals, mistakes, spoilt, told, written

REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY / "state"
PUBLISHED = REPOSITORY.parent / "shared/realdata/rtn-103.LSSTComCam_DP1_defaults.chain-tree.txt"

DM1 = "tickets/LATISS/DM-1.yaml"
CHAIN = "chains/LATISS.yaml"
USDF = "sites/usdf.yaml"
SETTINGS = "calibstate.yaml"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go where no tree is, with no tree named."""
    monkeypatch.delenv("CALIBSTATE_ROOT", raising=False)
    folder = tmp_path / "nowhere" / "at" / "all"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_named_root_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = written(tmp_path / "named"), written(tmp_path / "other")
    monkeypatch.setenv("CALIBSTATE_ROOT", str(other))
    monkeypatch.chdir(other)
    assert find_root(named) == named


def test_the_environment_comes_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other = written(tmp_path / "named"), written(tmp_path / "other")
    monkeypatch.setenv("CALIBSTATE_ROOT", str(named))
    monkeypatch.chdir(other)
    assert find_root(None) == named


def test_the_root_is_searched_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = written(tmp_path / "tree")
    written(root / "tickets" / "LATISS" / "state")
    monkeypatch.chdir(root / "tickets" / "LATISS")
    assert find_root(None) == root


def test_the_folder_state_is_the_last_resort(nowhere: Path) -> None:
    written(nowhere / "state")
    assert find_root(None) == nowhere / "state"


def test_an_empty_variable_names_nothing(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSTATE_ROOT", "")
    written(nowhere / "state")
    assert find_root(None) == nowhere / "state"


def test_a_relative_root_becomes_absolute(nowhere: Path) -> None:
    written(nowhere / "state")
    assert find_root(Path("state")) == nowhere / "state"


def missing(folder: Path) -> str:
    return "does not exist"


def a_file(folder: Path) -> str:
    folder.write_text("")
    return "not a folder"


def empty(folder: Path) -> str:
    folder.mkdir()
    return "holds no calibstate.yaml"


def one_too_high(folder: Path) -> str:
    written(folder / "state")
    return f"Did you mean {folder / 'state'}"


def wrong_suffix(folder: Path) -> str:
    folder.mkdir()
    (folder / "calibstate.yml").write_text("")
    return "Rename"


@pytest.mark.parametrize("make", [missing, a_file, empty, one_too_high, wrong_suffix])
@pytest.mark.parametrize("by", ["-C", "$CALIBSTATE_ROOT"])
def test_a_named_root_that_is_none_is_told(
    make: Callable[[Path], str], by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = make(tmp_path / "named")
    monkeypatch.setenv("CALIBSTATE_ROOT", str(tmp_path / "named"))
    with pytest.raises(InvalidStateError, match=re.escape(words)) as caught:
        find_root(tmp_path / "named" if by == "-C" else None)
    assert by in str(caught.value)


def test_no_root_anywhere_says_how_to_get_one(nowhere: Path) -> None:
    with pytest.raises(InvalidStateError, match="calibstate init --site usdf/main=/repo/main"):
        find_root(None)


def test_a_working_directory_that_is_gone_is_told(nowhere: Path) -> None:
    shutil.rmtree(nowhere)
    with pytest.raises(InvalidStateError, match="working directory"):
        find_root(None)


BARE = "approval: {status: proposed}\nbare: [x]\n"

MISTAKES: dict[str, tuple[Any, list[str], str]] = {
    "an unknown key": (
        spoilt(DM1, "collections:", "colections:"),
        [f"{DM1}:6:1 Unknown key"],
        "`collections`",
    ),
    "an unknown key within": (
        spoilt(USDF, "    route: copy", "    roote: copy"),
        [f"{USDF}:10:5 Unknown key"],
        "`route`",
    ),
    "an unknown key in a route": (
        spoilt(USDF, "route: copy", "route: {by: rucio, rse: x, prefx: y}"),
        [f"{USDF}:10:12 Key missing", f"{USDF}:10:32 Unknown key"],
        "`prefix`",
    ),
    "an unknown key of an external": (
        spoilt(CHAIN, "    only:", "    onyl:"),
        [f"{CHAIN}:7:5 Unknown key"],
        "`only`",
    ),
    "an unknown status": (
        spoilt(DM1, "adopted", "adpoted"),
        [f"{DM1}:4:11 Unknown word"],
        "`adopted`",
    ),
    "an unknown route": (
        spoilt(USDF, "route: copy", "route: cpoy"),
        [f"{USDF}:10:12 Unknown word"],
        "`copy`",
    ),
    "unknown bundles": (
        spoilt(SETTINGS, "rucio:", "bundles: by-reference\nrucio:"),
        [f"{SETTINGS}:5:10 Unknown word"],
        "`by_reference`",
    ),
    "a key given twice": (
        spoilt(DM1, "collections:", "instrument: LSSTCam\ncollections:"),
        [f"{DM1}:6:1 Key given twice"],
        "line 2",
    ),
    "a repository given twice": (
        spoilt(USDF, "  embargo:", "  main:"),
        [f"{USDF}:7:3 Key given twice"],
        "line 3",
    ),
    "no status": (
        spoilt(DM1, "  status: adopted\n", ""),
        [f"{DM1}:4:3 Key missing"],
        "`approval.status`",
    ),
    "no archive": (
        spoilt(SETTINGS, "archive: ../archive\n", ""),
        [f"{SETTINGS}:1:1 Key missing"],
        "`archive`",
    ),
    "an empty key": (
        spoilt(SETTINGS, "archive: ../archive", "archive:"),
        [f"{SETTINGS}:3:9 Wrong kind of value"],
        "empty",
    ),
    "a number for a ticket": (
        {"tickets/LATISS/7.yaml": GOOD["tickets/LATISS/DM-3.yaml"].replace("DM-3", "7")},
        ["tickets/LATISS/7.yaml:1:9 Wrong kind of value"],
        "Put it in quotes",
    ),
    "one word for a list": (
        spoilt(USDF, "[LATISS, LSSTCam]\n    route: copy", "LATISS\n    route: copy"),
        [f"{USDF}:9:18 Wrong kind of value"],
        "a list",
    ),
    "a list for a mapping": (
        spoilt(CHAIN, "  LATISS/calib/DM-0: replaced by DM-1", "  - LATISS/calib/DM-0"),
        [f"{CHAIN}:9:3 Wrong kind of value"],
        "a mapping",
    ),
    "a list for a file": (
        {"chains/z.yaml": "- DM-1\n"},
        ["chains/z.yaml:1:1 Wrong kind of value"],
        "The file",
    ),
    "a collection that climbs": (
        spoilt(DM1, "new/bias.20240101a", "../../bias"),
        [f"{DM1}:7:5 Not a valid value"],
        "climb out of a folder",
    ),
    "a chain that climbs": (
        {"chains/z.yaml": "chain: LATISS/../x\ninstrument: LATISS\nentries: []\n"},
        ["chains/z.yaml:1:8 Not a valid value"],
        "climb",
    ),
    "an external that climbs": (
        spoilt(CHAIN, "external: LATISS/raw/all", "external: ../raw"),
        [f"{CHAIN}:6:15 Not a valid value"],
        "climb",
    ),
    "an instrument that climbs": (
        {"tickets/LATISS/DM-9.yaml": f"ticket: DM-9\ninstrument: ..\n{BARE}"},
        ["tickets/LATISS/DM-9.yaml:2:13 Not a valid value"],
        "climb",
    ),
    "a ticket with a slash": (
        {"tickets/LATISS/DM-9.yaml": f"ticket: a/b\ninstrument: LATISS\n{BARE}"},
        ["tickets/LATISS/DM-9.yaml:1:9 Not a valid value"],
        "letters",
    ),
    "a repository with a space": (
        spoilt(USDF, "  embargo:", "  em bargo:"),
        [f"{USDF}:7:3 Not a valid value"],
        '"em bargo"',
    ),
    "a seal that is none": (
        spoilt(DM1, "  taxicab", "  seal: sha256:12\n  taxicab"),
        [f"{DM1}:5:9 Not a valid value"],
        "64 hex digits",
    ),
    "text that turns around": (
        spoilt(DM1, "  taxicab", "  note: \u202e31-BACIXAT\n  taxicab"),
        [f"{DM1}:5:9 Control character"],
        "U+202E",
    ),
    "a chain in a ticket's folder's place": (
        {"tickets/DM-9.yaml": GOOD[DM1]},
        ["tickets/DM-9.yaml:1:1 File in the wrong place"],
        "tickets/INSTRUMENT/DM-9.yaml",
    ),
    "a ticket too deep": (
        {"tickets/LATISS/old/DM-9.yaml": GOOD[DM1]},
        ["tickets/LATISS/old:1:1 Folder in the wrong place"],
        "",
    ),
    "a chain too deep": (
        {"chains/old/x.yaml": "a: 1"},
        ["chains/old:1:1 Folder in the wrong place"],
        "",
    ),
    "another suffix": (
        {"chains/x.yml": "a: 1"},
        ["chains/x.yml:1:1 File under a wrong suffix"],
        "x.yaml",
    ),
    "another case": (
        {"sites/x.YAML": "a: 1"},
        ["sites/x.YAML:1:1 File under a wrong suffix"],
        "x.yaml",
    ),
    "a folder for a file": (
        {"chains/x.yaml/y": ""},
        ["chains/x.yaml:1:1 Not a file"],
        "A folder",
    ),
    "a tag": (
        spoilt(DM1, "DM-1\n", "!!python/object/new:os.system DM-1\n"),
        [f"{DM1}:1:9 Tag in YAML"],
        "python/object",
    ),
    "Latin-1": (
        {DM1: GOOD[DM1].replace("collections:", "summary: caf\xe9\ncollections:").encode("latin-1")},
        [f"{DM1}:6:13 Not UTF-8"],
        "0xe9",
    ),
    "no requirement at all": (
        spoilt(SETTINGS, ">=0.1", "0.1 or so"),
        [f"{SETTINGS}:2:11 Not a version"],
        ">=0.1,<2",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_alone(mistake: str, tmp_path: Path) -> None:
    changes, expected, words = MISTAKES[mistake]
    found = mistakes(written(tmp_path / "tree", changes))
    assert told(found) == expected
    assert any(words in f"{d.detail} {d.hint}" for d in found)
    assert not any(word in str(d) for d in found for word in ("pydantic", "http", "Input should"))


def test_mistakes_come_by_file_and_line(tmp_path: Path) -> None:
    changes = {
        "chains/b.yaml": "- 1",
        "chains/a.yaml": "\n".join(f"key{n}: 1" for n in range(12)),
        "sites/a.yml": "",
    }
    found = mistakes(written(tmp_path / "tree", changes))
    places = [(d.where.file, d.where.line) for d in found if d.where]
    assert places == sorted(places)
    assert len(places) == 3 + 12 + 1 + 1


@pytest.mark.parametrize("requires", [">=99", "<0.1", "==0.2", ">=0.1,<0.1.0", "!=0.1.0"])
def test_a_tree_for_another_version_tells_only_that(requires: str, tmp_path: Path) -> None:
    settings = f'version: 1\nrequires: "{requires}"\narchive: a\nrecords: r\nnew_key: 1\n'
    changes = {SETTINGS: settings, "chains/z.yaml": "new: form"}
    found = mistakes(written(tmp_path / "tree", changes))
    assert told(found) == [f"{SETTINGS}:2:11 Wrong version of calibstate"]


def test_a_tree_of_a_later_form_tells_only_that(tmp_path: Path) -> None:
    changes = {SETTINGS: "version: 2\nplaces: x\n", "chains/z.yaml": "new: form"}
    found = mistakes(written(tmp_path / "tree", changes))
    assert told(found) == [f"{SETTINGS}:1:10 Wrong version of calibstate"]


@pytest.mark.parametrize("requires", [">=0.1", ">=0.1,<2", "==0.1", "!= 7, > 0.0.9"])
def test_a_tree_for_this_version_is_read(requires: str, tmp_path: Path) -> None:
    assert mistakes(written(tmp_path / "tree", spoilt(SETTINGS, ">=0.1", requires))) == []


@pytest.mark.parametrize(
    "name",
    [".hidden.yaml", "README", "README.rst", "notes.md", "x.yaml~", "x.yaml.bak", "#x.yaml#", ".x.swp"],
)
def test_what_is_nobodys_declaration_is_passed_over(name: str, tmp_path: Path) -> None:
    changes = {f"{folder}/{name}": "- 1" for folder in ("sites", "tickets", "tickets/LATISS", "chains", ".")}
    _, also = load(written(tmp_path / "tree", changes))
    assert besides_seals(also) == ()


def test_a_file_of_another_kind_is_warned_of(tmp_path: Path) -> None:
    _, also = load(written(tmp_path / "tree", {"sites/usdf.json": "{}"}))
    assert [(d.severity, str(d.where)) for d in besides_seals(also)] == [
        (Severity.WARNING, "sites/usdf.json:1:1")
    ]


REPOSITORIES = {
    "bare": ("HEAD", "config", "objects/x", "refs/heads/main"),
    "bare in other case": ("head", "Objects/x", "REFS/x"),
    "of a worktree": ("HEAD", "commondir", "gitdir"),
    "borrowing": ("HEAD", "commondir"),
    "in other case": (".GIT/config",),
    "short": ("git~1/HEAD",),
    "with a point": (".git./HEAD",),
    "with a space": (".git /HEAD",),
    "as a stream": (".git::$INDEX_ALLOCATION/HEAD",),
    "unseen": (".g\u200cit/HEAD",),
}


@pytest.mark.parametrize(
    "folder", [".", "chains", "tickets", "tickets/LATISS", "seals/LATISS", "docs", ".hidden"]
)
@pytest.mark.parametrize("kind", REPOSITORIES)
def test_a_folder_that_git_could_take_for_a_repository_is_refused(
    kind: str, folder: str, tmp_path: Path
) -> None:
    files = {f"{folder}/{name}": "ref: refs/heads/main\n" for name in REPOSITORIES[kind]}
    told = [d for d in mistakes(written(tmp_path / "tree", files)) if d.severity is Severity.ERROR]

    first = next(d for d in told if d.summary == "Git repository within the tree")
    assert str(first.where) == f"{SETTINGS if folder == '.' else folder}:1:1"
    assert ascii(REPOSITORIES[kind][0].split("/")[0]).strip("'") in first.detail
    assert first.detail.isascii()


@pytest.mark.parametrize(
    "names", [("HEAD",), ("refs/x", "objects/x"), ("config",), (".git/HEAD", ".git/objects/x", ".git/refs/x")]
)
def test_what_git_takes_for_no_repository_is_refused_by_nobody(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    assert mistakes(written(tmp_path / "tree", dict.fromkeys(names, "x"))) == []


@pytest.mark.parametrize("name", [".git/HEAD", ".git"])
def test_a_clone_within_the_tree_is_refused(name: str, tmp_path: Path) -> None:
    told = mistakes(written(tmp_path / "tree", {f"tickets/LATISS/{name}": "gitdir: ../../elsewhere\n"}))
    assert "Git repository within the tree" in {d.summary for d in told}


@pytest.mark.parametrize("file", [SETTINGS, DM1, "chains", "tickets/LATISS"])
def test_a_link_out_of_the_tree_is_refused_unread(file: str, tmp_path: Path) -> None:
    root = written(tmp_path / "tree")
    shutil.move(root / file, tmp_path / "outside")
    (root / file).symlink_to(tmp_path / "outside")
    found = mistakes(root)
    assert f"{file}:1:1 Link out of the tree" in told(found)
    assert not [d for d in found if d.where and d.where.file.startswith(f"{file}/")]


def test_a_link_within_the_tree_is_followed(tmp_path: Path) -> None:
    root = written(tmp_path / "tree")
    shutil.move(root / CHAIN, root / "chains.kept")
    (root / CHAIN).symlink_to("../chains.kept")
    assert mistakes(root) == []


def test_a_root_that_is_itself_a_link_is_read(tmp_path: Path) -> None:
    written(tmp_path / "tree")
    (tmp_path / "link").symlink_to("tree")
    desired, _ = load(find_root(tmp_path / "link"))
    assert len(desired.tickets) == 3


@pytest.mark.parametrize(
    ("target", "summary"), [("nowhere", "Unreadable"), ("z.yaml", "Link out of the tree")]
)
def test_a_link_to_nothing_or_to_itself_is_told(target: str, summary: str, tmp_path: Path) -> None:
    root = written(tmp_path / "tree")
    (root / "chains/z.yaml").symlink_to(target)
    assert told(mistakes(root)) == [f"chains/z.yaml:1:1 {summary}"]


def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    root = written(tmp_path / "tree")
    os.mkfifo(root / "chains/z.yaml")
    assert told(mistakes(root)) == ["chains/z.yaml:1:1 Not a file"]


def test_a_file_in_place_of_a_folder_is_told(tmp_path: Path) -> None:
    root = written(tmp_path / "tree", {CHAIN: None, "chains/defaults.yaml": None, "chains": "x"})
    assert told(mistakes(root)) == ["chains:1:1 Unreadable"]


@pytest.mark.parametrize("file", [SETTINGS, DM1, "chains"])
def test_what_may_not_be_read_is_told(file: str, tmp_path: Path) -> None:
    root = written(tmp_path / "tree")
    (root / file).chmod(0)
    if os.access(root / file, os.R_OK):
        pytest.skip("whoever runs this may read everything")
    try:
        found = mistakes(root)
    finally:
        (root / file).chmod(0o700)
    assert f"{file}:1:1 Unreadable" in told(found)


def test_a_name_that_cannot_be_shown_is_told(tmp_path: Path) -> None:
    root = written(tmp_path / "tree")
    (root / os.fsdecode(b"chains/\xff\n.yaml")).write_text("")
    found = mistakes(root)
    assert told(found) == ["chains:1:1 Unprintable file name"]
    str(found[0]).encode()


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    found = mistakes(written(tmp_path / "tree", {"chains/z.yaml": "#" * 3_000_000}))
    assert told(found) == ["chains/z.yaml:1:1 File too large"]


def test_a_tree_without_its_settings_file_is_told(tmp_path: Path) -> None:
    assert told(mistakes(written(tmp_path / "tree", {SETTINGS: None}))) == [f"{SETTINGS}:1:1 Unreadable"]


def test_a_tree_of_settings_alone_is_good(tmp_path: Path) -> None:
    changes = dict.fromkeys(GOOD) | {SETTINGS: GOOD[SETTINGS]}
    desired, also = load(written(tmp_path / "tree", changes))
    assert (desired.repositories, also) == ((), ())


def test_five_hundred_tickets_are_read(tmp_path: Path) -> None:
    names = [f"DM-{n}" for n in range(10_000, 10_500)]
    changes = {f"tickets/LATISS/{n}.yaml": GOOD[DM1].replace("DM-1\n", f"{n}\n") for n in names}
    entries = "".join(f"  - {n}\n" for n in names)
    root = written(tmp_path / "tree", changes | spoilt(CHAIN, "  - DM-1\n", f"  - DM-1\n{entries}"))
    desired, also = load(root)
    assert len(desired.tickets_of("LATISS")) == 503
    assert len(desired.chains["LATISS/calib"].noun.entries) == 503
    assert besides_seals(also) == ()


def test_the_declaration_of_the_observatory_is_good() -> None:
    desired, also = load(REAL)
    assert besides_seals(also) == ()
    assert desired.origin("LSSTComCam") == desired.origin("any") == "usdf/main"
    assert desired.with_instrument("any") == ("usdf/main",)
    assert desired.with_instrument("LSSTComCam") == (
        "bts/LSSTComCam",
        "summit/LSSTComCam",
        "tts/LSSTComCam",
        "usdf/embargo",
        "usdf/embargo_old",
        "usdf/main",
    )


def test_each_file_of_the_declaration_names_its_schema() -> None:
    for path in REAL.rglob("*.yaml"):
        first = path.read_text().partition("\n")[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / named).resolve().parent == REPOSITORY / "schemas", path
        assert (path.parent / named).is_file(), path


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published chain is not on this machine")
def test_the_declared_chain_is_the_published_one() -> None:
    desired, _ = load(REAL)

    def tree(chain: str, depth: int) -> list[tuple[int, str]]:
        lines = [(depth, chain)]
        instrument = desired.chains[chain].noun.instrument
        for entry in desired.chains[chain].noun.entries:
            if not isinstance(entry, str):
                lines.append((depth + 2, entry.external))
                continue
            meaning = desired.meaning(entry, instrument)
            assert meaning
            if meaning.chain:
                lines += tree(entry, depth + 2)
            for child in meaning.children if meaning.ticket else ():
                lines.append((depth + 2, child))
                leaves = (
                    meaning.ticket.noun.leaves if meaning.ticket and meaning.ticket.noun.collection else ()
                )
                lines += [(depth + 4, leaf) for leaf in leaves]
        return lines

    published = [
        (len(line) - len(line.lstrip()), line.split()[0])
        for line in PUBLISHED.read_text().splitlines()
        if re.search(r"(CHAINED|CALIBRATION|RUN|TAGGED)\s*$", line)
    ]
    assert tree("LSSTComCam/DP1/defaults", 0) == published


def test_the_declaration_is_yaml_to_everybody_else() -> None:
    for path in REAL.rglob("*.yaml"):
        assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize("key", ["<<merged", "<", "'[key]'"])
def test_a_key_that_looks_like_a_mark_of_the_reader_is_unknown(tmp_path: Path, key: str) -> None:
    root = written(tmp_path, {USDF: f"{key}: [x]\n"})
    assert f"{USDF}:1:1 Unknown key" in told(mistakes(root))

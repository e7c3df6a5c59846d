"""Lines are added to what people wrote, and nothing of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.errors import RefusedError
from calibstate.model.additions import Additions, NewEntry
from calibstate.model.chains import ChainFile, ExternalEntry
from calibstate.model.desired import DesiredState
from calibstate.model.names import Place, TicketKey
from calibstate.model.tickets import Approval, ApprovalStatus, Ticket
from calibstate.store import statefile, treefile
from tests.tree import Tree

TICKET = "tickets/LSSTComCam/DM-1.yaml"
CHAIN = "chains/top.yaml"
SUMMIT = Place("summit/main")
WHY = "not there when captured on 2026-11-23"
APPROVAL = Approval(status=ApprovalStatus.ADOPTED, note="found live")

PERSONS_TICKET = """\
# The first   one.
ticket:    DM-1          # as in Jira
instrument: 'LSSTComCam'

approval: {status: adopted, note: "old: 'quoted'"}   # no board yet
bare: [ a/1 ,
        a/2 ]            # both
"""

PERSONS_CHAIN = """\
chain: LSSTComCam/calib   # everywhere
instrument: LSSTComCam
only:
- usdf/main               # first
# more to come
entries:

  # the newest
  -   DM-1                # flats

  # from others
  - external: refcats     # big
    only: [usdf/main]
  # and that is all
retired: {}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    tree.site("summit", {"main": "copy"})
    put(tree, TICKET, PERSONS_TICKET)
    put(tree, CHAIN, PERSONS_CHAIN)
    return tree


def put(tree: Tree, file: str, text: str) -> None:
    path = tree.state / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def desired(tree: Tree) -> DesiredState:
    return statefile.load(tree.state)[0]


def written(tree: Tree, additions: Additions) -> dict[str, str]:
    """Return the files that would be written, by name."""
    return {c.file: c.after.decode() for c in treefile.changes(desired(tree), additions)}


def added(before: str, after: str) -> list[str]:
    """Return the lines that were added; no other line may differ."""
    lines, kept = after.splitlines(keepends=True), before.splitlines(keepends=True)
    more = []
    for line in lines:
        if kept and kept[0] in {line, line.rstrip("\r\n")}:
            kept.pop(0)
        else:
            more.append(line)
    assert kept == [], "a line of a person is gone"
    return more


SKIP = Additions(skips={TicketKey("LSSTComCam", "DM-1"): {SUMMIT: WHY}})


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("", ["skip:\n", f"  {SUMMIT}: {WHY}\n"]),
        ("skip:\n    usdf/main: 'gone'   # why\n", [f"    {SUMMIT}: {WHY}\n"]),
        ("skip:\n    usdf/main: |\n      a long\n      story\n\n# end\n", [f"    {SUMMIT}: {WHY}\n"]),
        ("summary: >-\n  two\n  lines\n", ["skip:\n", f"  {SUMMIT}: {WHY}\n"]),
        ("summary:\n", ["skip:\n", f"  {SUMMIT}: {WHY}\n"]),
        ("summary:    # to be said\n\n# the end\n", ["skip:\n", f"  {SUMMIT}: {WHY}\n"]),
        ("summary: 'over\n  two lines'   \n...\n", ["skip:\n", f"  {SUMMIT}: {WHY}\n"]),
        ("? skip\n: usdf/main: gone\n  summit: 'x'\n", [f"  {SUMMIT}: {WHY}\n"]),
        ("skip:   # not there\n    # the origin\n    usdf/main:\n      gone\n", [f"    {SUMMIT}: {WHY}\n"]),
        ("# the end", ["skip:\n", f"  {SUMMIT}: {WHY}\n"]),
    ],
)
def test_a_skip_is_a_line_more(tree: Tree, ending: str, expected: list[str]) -> None:
    put(tree, TICKET, PERSONS_TICKET + ending)

    after = written(tree, SKIP)[TICKET]

    assert added(PERSONS_TICKET + ending, after) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("skip: {usdf/main: no}", f"skip: {{usdf/main: no, {SUMMIT}: {WHY}}}"),
        ("skip: { }", f"skip: {{{SUMMIT}: {WHY} }}"),
        (
            "skip: {usdf/main: no,\n  usdf: 'x, y' } # end",
            f"skip: {{usdf/main: no,\n  usdf: 'x, y', {SUMMIT}: {WHY} }} # end",
        ),
    ],
)
def test_a_skip_goes_into_the_braces_that_are_there(tree: Tree, old: str, new: str) -> None:
    put(tree, TICKET, PERSONS_TICKET + old + "\n")

    assert written(tree, SKIP)[TICKET] == PERSONS_TICKET + new + "\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_line_ends_and_byte_order_marks_stay(tree: Tree, newline: str, mark: str, end: str) -> None:
    before = mark + (PERSONS_TICKET.rstrip("\n") + end).replace("\n", newline)
    put(tree, TICKET, before)

    after = written(tree, SKIP)[TICKET]

    assert after.startswith(before.removesuffix(newline) if end else before)
    assert after.removeprefix(before.removesuffix(newline)).split(newline) == [
        "",
        "skip:",
        f"  {SUMMIT}: {WHY}",
        *([""] if end else []),
    ]


def test_a_ticket_in_braces_gets_its_skip_there(tree: Tree) -> None:
    text = "{ticket: DM-1, instrument: LSSTComCam, approval: {status: adopted, note: x}, bare: [a]}"
    put(tree, TICKET, text)

    assert written(tree, SKIP)[TICKET] == text[:-1] + f", skip: {{{SUMMIT}: {WHY}}}}}"


def test_entries_and_repositories_are_lines_more_and_comments_stay_with_theirs(tree: Tree) -> None:
    external = ExternalEntry(external="raws", only=(SUMMIT,))
    additions = Additions(
        tickets=tuple(Ticket(ticket=t, instrument="LSSTComCam", approval=APPROVAL, bare=(t,)) for t in "xwz"),
        entries={
            "LSSTComCam/calib": (NewEntry(0, "x"), NewEntry(1, "w"), NewEntry(1, external), NewEntry(2, "z"))
        },
        only={"LSSTComCam/calib": SUMMIT},
        expected={"LSSTComCam/calib": {1: SUMMIT}},
        remarks={"x": "CALIBRATION: 1 bias", "raws": "TAGGED"},
    )

    after = written(tree, additions)[CHAIN]

    assert after == (
        PERSONS_CHAIN.replace("# first\n", f"# first\n- {SUMMIT}\n")
        .replace("entries:\n", "entries:\n  - x  # CALIBRATION: 1 bias\n")
        .replace("# flats\n", f"# flats\n  - w\n  - external: raws  # TAGGED\n    only: [{SUMMIT}]\n")
        .replace("    only: [usdf/main]\n", f"    only: [usdf/main, {SUMMIT}]\n  - z\n")
    )


def test_a_list_of_a_list_that_is_last_gets_its_line_before_the_next_entry(tree: Tree) -> None:
    text = PERSONS_CHAIN.replace("    only: [usdf/main]\n", "    only:\n      - usdf/main\n")
    put(tree, CHAIN, text)
    additions = Additions(
        chains=(ChainFile(chain="other", instrument="LSSTComCam", entries=()),),
        entries={"LSSTComCam/calib": (NewEntry(2, "other"),)},
        expected={"LSSTComCam/calib": {1: SUMMIT}},
    )

    after = written(tree, additions)[CHAIN]

    added_lines = f"      - usdf/main\n      - {SUMMIT}\n  - other\n"
    assert after == text.replace("      - usdf/main\n", added_lines)


def test_entries_in_brackets_get_more_there(tree: Tree) -> None:
    put(tree, CHAIN, "chain: LSSTComCam/calib\ninstrument: LSSTComCam\nonly: [usdf]\nentries: [DM-1]\n")
    external = ExternalEntry(external="raws", only=(SUMMIT,))
    additions = Additions(
        entries={"LSSTComCam/calib": (NewEntry(0, external), NewEntry(1, "a/1"))},
        only={"LSSTComCam/calib": SUMMIT},
    )

    after = written(tree, additions)[CHAIN]

    assert f"only: [usdf, {SUMMIT}]\n" in after
    assert after.endswith(f"entries: [{{external: raws, only: [{SUMMIT}]}}, DM-1, a/1]\n")


AWKWARD = [
    "yes",
    "null",
    "1e5",
    "089",
    "0x1F",
    "2024-01-01",
    "1.5",
    "_",
    "-",
    "--",
    "on",
    "n",
    "a.b-c_d",
    "Inf",
]


@pytest.mark.parametrize("word", AWKWARD)
def test_words_that_yaml_reads_otherwise_are_quoted(tree: Tree, word: str) -> None:
    ticket = Ticket(ticket=word, instrument="LSSTComCam", approval=APPROVAL, bare=(f"{word}",))
    chain = ChainFile(chain="c", instrument="LSSTComCam", only=("usdf",), entries=(word,))
    changed = treefile.changes(desired(tree), Additions(tickets=(ticket,), chains=(chain,)))

    checked, _ = treefile.checked(desired(tree), changed)

    assert checked.tickets[TicketKey("LSSTComCam", word)].noun == ticket
    assert checked.chains["c"].noun == chain


@pytest.mark.parametrize(
    ("chain", "file"),
    [
        ("LSSTComCam/DP1/defaults", "chains/LSSTComCam-DP1-defaults.yaml"),
        ("top", "chains/top-2.yaml"),
        ("TOP", "chains/TOP-2.yaml"),
        (".hidden", "chains/chain-.hidden.yaml"),
        ("README", "chains/chain-README.yaml"),
        ("a:b~", "chains/a-b-.yaml"),
    ],
)
def test_a_chain_gets_a_file_that_is_free_and_is_read(tree: Tree, chain: str, file: str) -> None:
    new = ChainFile(chain=chain, instrument="LSSTComCam", only=("usdf",), entries=())
    changed = treefile.changes(desired(tree), Additions(chains=(new,)))

    assert [c.file for c in changed] == [file]
    assert chain in treefile.checked(desired(tree), changed)[0].chains


def test_nothing_is_written_into_the_tree_by_a_check(tree: Tree) -> None:
    before = {p: p.stat().st_mtime_ns for p in tree.state.rglob("*")}

    treefile.checked(desired(tree), treefile.changes(desired(tree), SKIP))

    assert {p: p.stat().st_mtime_ns for p in tree.state.rglob("*")} == before


def test_a_file_that_was_changed_meanwhile_stops_all(tree: Tree) -> None:
    additions = Additions(
        tickets=(Ticket(ticket="x", instrument="LSSTComCam", approval=APPROVAL, bare=("x",)),),
        skips=SKIP.skips,
    )
    changed = treefile.changes(desired(tree), additions)
    put(tree, TICKET, PERSONS_TICKET + "# more\n")

    with pytest.raises(RefusedError, match="was changed while"):
        treefile.write(tree.state, changed)

    assert not (tree.state / "tickets/LSSTComCam/x.yaml").exists()


def test_a_file_in_the_way_is_not_overwritten(tree: Tree) -> None:
    put(tree, "tickets/LSSTComCam/DM-9.yaml", PERSONS_TICKET)
    state = desired_without_check(tree)

    with pytest.raises(RefusedError, match="File in the way"):
        treefile.changes(
            state,
            Additions(
                tickets=(Ticket(ticket="DM-9", instrument="LSSTComCam", approval=APPROVAL, bare=("x",)),)
            ),
        )


def desired_without_check(tree: Tree) -> DesiredState:
    """Return the tree as it was read before somebody put a file there."""
    path = tree.state / "tickets/LSSTComCam/DM-9.yaml"
    text = path.read_bytes()
    path.unlink()
    state = desired(tree)
    path.write_bytes(text)
    return state


def test_permissions_stay_and_nothing_of_ours_is_left(tree: Tree) -> None:
    (tree.state / TICKET).chmod(0o640)

    treefile.write(tree.state, treefile.changes(desired(tree), SKIP))

    assert (tree.state / TICKET).stat().st_mode & 0o777 == 0o640
    assert not list(tree.state.rglob(".calibstate-*"))
    assert desired(tree).tickets[TicketKey("LSSTComCam", "DM-1")].noun.skip == {SUMMIT: WHY}


def test_a_file_that_only_its_reader_takes_for_yaml_is_refused(tree: Tree) -> None:
    """A tab within brackets: libyaml reads it, and what finds lines not."""
    put(tree, TICKET, PERSONS_TICKET + "skip: {\t}\n")

    with pytest.raises(RefusedError, match="File cannot be added to"):
        treefile.changes(desired(tree), SKIP)


def test_a_text_that_would_not_say_what_is_meant_is_refused(tree: Tree) -> None:
    """As when somebody has changed it since the tree was read."""
    state = desired(tree)
    put(tree, TICKET, PERSONS_TICKET.replace("a/2", "a/3"))

    with pytest.raises(RefusedError, match="File cannot be added to"):
        treefile.changes(state, SKIP)

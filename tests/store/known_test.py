"""Names are known as far as a tree can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibstate.store import known
from tests.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin", "embargo": "copy"})
    tree.ticket("DM-1", "bias")
    tree.chain(["DM-1"])
    return tree


def test_all_that_a_tree_declares_has_a_name(tree: Tree) -> None:
    assert known.sites(tree.state) == ["usdf"]
    assert known.repositories(tree.state) == ["usdf/embargo", "usdf/main"]
    assert known.instruments(tree.state) == ["LSSTComCam"]
    assert known.tickets(tree.state) == [("LSSTComCam", "DM-1")]
    assert known.chains(tree.state) == ["LSSTComCam/calib"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"site: [",
        b"\xff\xfe\x00",
        b"- a\n",
        b"repositories: 7\nchain: {}\n",
        b"repositories: {LATISS: 7, 8: {}}\nchain: 9\n",
        b"repositories: {LATISS: {instruments: LATISS}}\n",
    ],
)
def test_what_cannot_be_read_is_passed_over(content: bytes, tree: Tree) -> None:
    for part in ("sites", "chains"):
        (tree.state / part / "broken.yaml").write_bytes(content)
        (tree.state / part / "nowhere.yaml").symlink_to("nothing.yaml")
        (tree.state / part / "folder.yaml").mkdir()

    assert {"usdf/embargo", "usdf/main"} <= set(known.repositories(tree.state))
    assert known.instruments(tree.state) == ["LSSTComCam"]
    assert known.chains(tree.state) == ["LSSTComCam/calib"]


def test_where_there_is_no_tree_there_are_no_names(tmp_path: Path) -> None:
    assert known.sites(tmp_path) == []
    assert known.repositories(tmp_path) == []
    assert known.instruments(tmp_path) == []
    assert known.tickets(tmp_path) == []
    assert known.chains(tmp_path) == []

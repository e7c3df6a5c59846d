"""No option of `construct` is passed over in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from calibstate.demo.construction.ticket import ticket_document
from calibstate.demo.construction.world import SMALL
from tests.tree import Tree


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--looked", "bias"], "Option does nothing alone"),
        (["--until", "make bias"], "Option does nothing alone"),
        (["--until", "make bias", "--format", "shell"], "Option does nothing alone"),
        (["--run", "--write"], "--run and --write"),
        (["--run", "--record", "record.md"], "--run and --record"),
        (["--write", "--record", "record.md"], "--write and --record"),
        (["--run", "--format", "shell"], "--run and --format shell"),
        (["--run", "--until", "make bais"], "Did you mean `make bias`?"),
        (["--run", "--looked", "bais"], "Its looks are at: bias_bootstrap"),
        (["--run", "--looked", "flat_g"], "no look at `flat_g`"),
    ],
)
def test_what_an_option_would_not_do_is_told(
    tmp_path: Path, capsys: Any, words: list[str], told: str
) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    file = tree.state / "tickets/LSSTComCam/DM-48520.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        ticket_document(SMALL, ["LSSTComCam/calib/DM-48650"], "LSSTComCam/raw/all", each=2, look_at=True)
    )

    ran = tree.run(capsys, "construct", "DM-48520", *words)

    assert (ran.code, ran.out) == (64, "")
    assert told in ran.err

"""What is wrong with a construction is told at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from calibstate.demo.construction.ticket import ticket_document
from calibstate.demo.construction.world import SMALL
from tests.tree import Ran, Tree

FILE = "tickets/LSSTComCam/DM-48520.yaml"
DOCUMENT = ticket_document(SMALL, ["LSSTComCam/calib/DM-48650"], "LSSTComCam/raw/all", each=2)
NIGHTS = next(line for line in DOCUMENT.splitlines() if line.startswith("    bias: "))
BROKEN = "Selection cannot be read"
EARLY = "Made before what it is made of"
EMPTY = "Validity range ends before it begins"
BARE = "Bare ticket with a construction"
NOTHING = "Ticket without collections"
GREEN = next(line for line in DOCUMENT.splitlines() if line.startswith("    flat_g: exp"))


def judged(folder: Path, capsys: Any, text: str) -> Ran:
    tree = Tree(folder)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    file = tree.state / FILE
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return tree.run(capsys, "validate", "--format", "json")


def test_a_sound_construction_is_sound(tmp_path: Path, capsys: Any) -> None:
    ran = judged(tmp_path, capsys, DOCUMENT)
    assert ran.code == 0, ran.out
    assert [problem for problem in ran.json["problems"] if problem["severity"] == "error"] == []


@pytest.mark.parametrize(
    ("old", "new", "told_at", "summary"),
    [
        ("    - bias\n", "    - bais\n", "- bais", "Not a valid value"),
        ("    - bias\n", "    - bias: {look_at: {tpye: biasMosaic8}}\n", "- bias:", "Unknown key"),
        ("    - bias\n", "    - bias: {rerun: 20250207}\n", "- bias:", "Wrong kind of value"),
        ("    - bias\n", '    - bias: {rerun: "2025-02-07"}\n', "- bias:", "Not a valid value"),
        ("    - bias\n", "    - bias\n    - bias: {rerun: 20250209b}\n", "- bias: {", "Made twice"),
        ("    - dark_bootstrap\n", "", "- flat_bootstrap", EARLY),
        (
            "    - flat_bootstrap\n    - defects\n",
            "    - defects\n    - flat_bootstrap\n",
            "- defects",
            "Made before",
        ),
        ("    bias_bootstrap: {same_as: bias}\n", "", "- bias_bootstrap", "Selection missing"),
        (GREEN, "    flat-g: exposure.day_obs=20241126", "- flat_g", "Selection missing"),
        ("{same_as: bias}", "{same_as: biases}", "bias_bootstrap: {", "Selection of another"),
        ("{same_as: bias}", "{same_as: bias_bootstrap}", "bias_bootstrap: {", "Selection of another"),
        (
            GREEN,
            "    flat_g: exposure.day_obs=20241126 and and band='g'",
            "flat_g: exp",
            "Selection cannot be read",
        ),
        (GREEN, "    flat_g: exposure.day_obs=20241126 and", "flat_g: exp", BROKEN),
        (GREEN, "    flat_g: (exposure.day_obs=20241126", "flat_g: (", BROKEN),
        (
            GREEN,
            "    flat_g: exposure.day_obs=20241126 and band='g",
            "flat_g: exp",
            "Selection cannot be read",
        ),
        (GREEN, "    flat_g: exposure.day_obs=${DAY}", "flat_g: exp", BROKEN),
        (GREEN, '    flat_g: ""', "flat_g:", BROKEN),
        (GREEN, "    flat_g: exposure.obs_id='$(reboot)'", "flat_g: exp", BROKEN),
        (GREEN, "    flat_g: exposure.obs_id='`reboot`'", "flat_g: exp", BROKEN),
        (GREEN, '    flat_g: exposure.obs_id="A"', "flat_g: exp", BROKEN),
        (GREEN, "    flat_g: exposure.obs_id='{bps_defined}'", "flat_g: exp", BROKEN),
        ("    - bias\n", '    - bias: {look_at: {type: "$(reboot)"}}\n', "- bias:", "Not a valid value"),
        ("    flat_g: same\n", "    flat_r: same\n", "flat_r: same", "Verified, and nothing says by what"),
        ("    flat_g: same\n", "    flat_x: same\n", "flat_x: same", "Not a valid value"),
        ("end: null}", "end: null, begins: null}", "certify:", "Unknown key"),
        (
            "begin: null, end: null",
            "begin: 2025-02-01T00:00:00, end: 2025-01-01T00:00:00",
            "certify:",
            "Validity range",
        ),
        ("begin: null", "begin: 20250201", "certify:", "Wrong kind of value"),
        ("begin: null", "begin: 2025-02-01T00:00:00Z", "certify:", "Not a valid value"),
        ("  tag: DP1\n", "  tag: DP1/x\n", "tag:", "Not a valid value"),
        ("  bootstrap: 1\n", "  bootstrap: 0\n", "bootstrap:", "Not valid"),
        ("    rerun: 20250210a\n", "    rerun: 20250210\n", "rerun: 20250210", "Wrong kind of value"),
        (
            "construction:\n",
            "bare: [LSSTComCam/calib/DM-48520]\nconstruction:\n",
            "construction:",
            "Bare ticket",
        ),
        (
            "status: proposed",
            "status: adopted, note: made for a test",
            "ticket:",
            "Ticket without collections",
        ),
    ],
)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, capsys: Any, old: str, new: str, told_at: str, summary: str
) -> None:
    assert old in DOCUMENT
    text = DOCUMENT.replace(old, new, 1)

    ran = judged(tmp_path, capsys, text)

    assert ran.code == 1, ran.out
    problems = [problem for problem in ran.json["problems"] if problem["severity"] == "error"]
    told = [problem for problem in problems if problem["summary"].startswith(summary)]
    assert told, problems
    lines = text.splitlines()
    assert told_at in lines[told[0]["at"]["line"] - 1]
    assert told[0]["at"]["file"] == FILE


@pytest.mark.parametrize(
    ("words", "is_told"),
    [
        ("verify bias: R22_S11 C07 NOISE", False),
        ("verify bias: R22_S11 NOISE", False),
        ("bias: R22_S11 C07 NOISE", True),
        ("verify bais: R22_S11 C07 NOISE", True),
        ("verify bias: R22_S11", True),
    ],
)
def test_a_reason_is_for_a_failure_that_can_be(
    tmp_path: Path, capsys: Any, words: str, *, is_told: bool
) -> None:
    more = yaml.safe_dump({"known_failures": {words: "a warm column"}}, width=200)
    text = DOCUMENT + "".join(f"  {line}\n" for line in more.splitlines())

    ran = judged(tmp_path, capsys, text)

    assert (ran.code == 1) is is_told
    assert ("Known failure of nothing" in ran.out) is is_told


def test_a_selection_that_nothing_is_made_by_is_a_warning_with_the_word_that_was_meant(
    tmp_path: Path, capsys: Any
) -> None:
    ran = judged(
        tmp_path, capsys, DOCUMENT.replace(NIGHTS, f"{NIGHTS}\n    ptc_ctl: exposure.day_obs=20240806")
    )

    assert ran.code == 0
    (told,) = [problem for problem in ran.json["problems"] if problem["summary"] == "Selection of nothing"]
    assert told["severity"] == "warning"
    assert told["hint"] == "Did you mean `ptc_cti`?"

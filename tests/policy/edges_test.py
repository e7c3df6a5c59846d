"""What the examples of the pages do not show: the edges of some rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from calibstate.checks.judge import judge
from calibstate.checks.products import iteration, product_of
from calibstate.model.desired import DesiredState
from calibstate.store.statefile import load
from tests.policy.pages import BAD, GOOD, example, overview

TODAY = date(2026, 11, 1)
CHAIN = "chains/LSSTComCam.yaml"
TICKET = "tickets/LSSTComCam/DM-200.yaml"
SEAL = "seals/LSSTComCam/DM-200.yaml"


def tree(root: Path, *files: Mapping[str, str | None]) -> DesiredState:
    """Read the tree of the examples with some files changed, or left out."""
    merged: dict[str, str | None] = {**overview("example")}
    for changes in files:
        merged.update(changes)
    for file, text in merged.items():
        if text is not None:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text)
    return load(root)[0]


def found(codes: str, desired: DesiredState, base: DesiredState | None = None) -> list[str]:
    """Return what some rules find, which are named by their codes."""
    diagnostics = [one for one in judge(desired, base, TODAY) if one.code in codes.split()]
    return [f"{one.code} {one.where and one.where.file}" for one in diagnostics]


def declared(ticket: str, *collections: str, instrument: str = "LSSTComCam", **approval: str) -> str:
    said = {"status": "adopted", "note": "for a test", **approval}
    lines = [f"ticket: {ticket}", f"instrument: {instrument}", "approval:"]
    lines += [f"  {key}: {value}" for key, value in said.items()]
    return "\n".join([*lines, "collections:", *(f"  - {name}" for name in collections)]) + "\n"


def chain(*entries: str) -> str:
    return "\n".join(
        ["chain: LSSTComCam/calib", "instrument: LSSTComCam", "entries:", *(f"  - {one}" for one in entries)]
    )


def test_a_seal_that_is_gone_is_told_at_its_ticket(tmp_path: Path) -> None:
    before = example("C601", BAD).before
    base = tree(tmp_path / "base", before)
    now = tree(tmp_path / "now", before, {SEAL: None})
    assert found("C601 C603", now, base) == [f"C601 {TICKET}"]


def test_a_sealed_ticket_that_is_gone_is_told_where_it_was(tmp_path: Path) -> None:
    before = example("C601", BAD).before
    base = tree(tmp_path / "base", before)
    now = tree(tmp_path / "now", before, {SEAL: None, TICKET: None, CHAIN: overview("example")[CHAIN]})
    assert found("C601 C603", now, base) == [f"C603 {CHAIN}", f"C601 {TICKET}"]


def test_a_chain_that_is_gone_drops_all_its_entries(tmp_path: Path) -> None:
    base = tree(tmp_path / "base")
    now = tree(tmp_path / "now", {CHAIN: None})
    assert found("C603", now, base) == [f"C603 {CHAIN}"]


def test_an_entry_that_is_listed_by_its_collections_is_not_dropped(tmp_path: Path) -> None:
    bare = declared("DM-200").replace("collections:", "bare: [LSSTComCam/calib/DM-200]")
    base = tree(tmp_path / "base", {TICKET: bare, CHAIN: chain("DM-200", "DM-100")})
    now = tree(tmp_path / "now", {TICKET: bare, CHAIN: chain("LSSTComCam/calib/DM-200", "DM-100")})
    assert found("C603", now, base) == []


def test_new_entries_in_front_move_nothing(tmp_path: Path) -> None:
    base = tree(tmp_path / "base")
    new = declared("DM-200", "new/flat-r.20250211a")
    now = tree(tmp_path / "now", {TICKET: new, CHAIN: chain("DM-200", "DM-100")})
    assert found("C604", now, base) == []


def test_what_the_board_adopted_before_is_not_asked_for_its_dependencies(tmp_path: Path) -> None:
    alone = {TICKET: declared("DM-200", "new/ptc.20250211a"), CHAIN: chain("DM-200", "DM-100")}
    adopted = tree(tmp_path / "adopted", alone)
    assert found("D501 D502 D503", adopted) == []
    assert found("D501 D502 D503", adopted, adopted) == []
    assert found("D501 D502 D503", adopted, tree(tmp_path / "base")) == [f"D501 {TICKET}"]


@pytest.mark.parametrize(
    ("above", "below", "is_told"),
    [
        ("old/flat-r.20240101a", "new/flat-r.20250101a", True),
        ("old/flat-r.20250101a", "new/flat-r.20250101b", True),
        ("old/flat-r.20250101a", "new/flat-r.20250101a", True),  # DM-200 under DM-100
        ("new/flat-r.20250101b", "old/flat-r.20250101a", False),
        ("old/flat-r.20240101a", "new/flat-all.20250101a", False),
        ("old/flat-r.20240101a", "new/flat-i.20250101a", False),
        ("old/flat-r.20240101a", "new/dark.20250101a", False),
    ],
)
def test_only_what_is_newer_and_of_the_same_kind_is_out_of_order(
    tmp_path: Path, above: str, below: str, *, is_told: bool
) -> None:
    files = {
        "tickets/LSSTComCam/DM-100.yaml": declared("DM-100", above),
        TICKET: declared("DM-200", below),
        CHAIN: chain("DM-100", "DM-200"),
    }
    assert found("O201", tree(tmp_path, files)) == ([f"O201 {CHAIN}"] if is_told else [])


def test_a_rejected_ticket_is_asked_for_nothing(tmp_path: Path) -> None:
    rejected = declared("DM-200", "new/ptc.20250211a", status="rejected")
    assert found("A301 D501 D502 D503", tree(tmp_path, {TICKET: rejected})) == []


def test_a_repository_with_an_unsealed_bare_ticket_may_have_all(tmp_path: Path) -> None:
    bad = {file: text for file, text in example("R702", BAD).after.items()}
    before = example("R702", BAD).before
    curated = declared("DM-50").replace("collections:", "bare: [LSSTComCam/calib/DM-50]")
    base = tree(tmp_path / "bad", before, bad)
    assert found("R702", base) == [f"R702 {TICKET}"]
    more = {"tickets/LSSTComCam/DM-50.yaml": curated}
    assert found("R702", tree(tmp_path / "curated", before, bad, more)) == []


def test_a_range_that_ended_before_it_was_sealed_looks_back(tmp_path: Path) -> None:
    good = example("V401", GOOD).after
    past = good[SEAL].replace(
        "begin: 2025-02-11T00:00:00, end: null", "begin: 2024-01-01T00:00:00, end: 2025-01-01T00:00:00"
    )
    assert found("V401", tree(tmp_path, {**good, SEAL: past})) == []


@pytest.mark.parametrize(
    "name",
    [
        "flat-r.20241107a",
        "flat-r.20241028d",
        "flat-all.20241112a",
        "illuminationCorrection.20250224a",
        "bias.20240926a",
    ],
)
def test_names_of_real_use_are_known(name: str) -> None:
    made = iteration(name)
    assert made
    assert name.startswith(made.what)


@pytest.mark.parametrize(
    "name", ["flat-r", "flat.2024110a", "flat.20241107", "flat.20241307a", "20241028d", "flat r.20241107a"]
)
def test_other_names_are_not(name: str) -> None:
    assert iteration(name) is None


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("flat-r.20241107a", "flat"),
        ("bfKernel", "bfk"),
        ("defectGen.20250207a", "defects"),
        ("flatGen-r.20250207a", "flat"),
        ("linearizer", "linearizer"),
    ],
)
def test_a_product_is_known_by_each_of_its_words(name: str, product: str) -> None:
    assert product_of(name) == product


@pytest.mark.parametrize(
    ("approval", "more", "expected"),
    [
        ({"note": "the deployment is older than this process"}, "", []),
        ({"note": "", "taxicab": "TAXICAB-2"}, "", [f"A306 {TICKET}"]),
        ({"note": "", "taxicab": "TAXICAB-2"}, "deployment: DM-201\n", []),
        ({"status": "flagged", "note": "", "taxicab": "TAXICAB-2"}, "", []),
        ({"status": "rejected", "note": "", "taxicab": "TAXICAB-2"}, "", []),
    ],
)
def test_a_deployment_ticket_is_missed_of_what_is_adopted_without_a_word(
    tmp_path: Path, approval: dict[str, str], more: str, expected: list[str]
) -> None:
    text = declared("DM-200", "new/flat-r.20250211a", **approval) + more
    in_tree = tree(tmp_path, {TICKET: text.replace("  note: \n", "")})

    assert found("A306", in_tree) == expected

"""Every reason is explained, used, and has the weight that the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calibstate.model.guards import Guard
from calibstate.model.reasons import Code, Weight

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/reasons.md"

NEVER_SHOWN = {Code.NOT_ASKED_FOR, Code.NOTHING_TO_SEARCH}

SOURCE = "\n".join(path.read_text() for path in (ROOT / "calibstate").rglob("*.py"))


def rows() -> dict[str, list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("code", [code for code in Code if code not in NEVER_SHOWN])
def test_the_page_says_what_a_reason_means_and_what_to_do(code: Code) -> None:
    weight, meaning, what_to_do = rows()[code.value]
    assert Weight(weight)
    assert meaning == code.means
    assert what_to_do.endswith(".")


def test_the_page_has_no_reason_that_is_never_given() -> None:
    assert set(rows()) == {code.value for code in Code if code not in NEVER_SHOWN}


@pytest.mark.parametrize("code", list(Code))
def test_a_reason_is_given_somewhere(code: Code) -> None:
    is_guard = code.value in {guard.value for guard in Guard}
    assert is_guard or len(re.findall(rf"Code\.{code.name}\b", SOURCE)) > 0


def test_a_guard_is_a_reason_of_the_same_name() -> None:
    assert {guard.value for guard in Guard} <= {code.value for code in Code}


@pytest.mark.parametrize("path", sorted((ROOT / "calibstate").rglob("*.py")), ids=lambda path: path.stem)
def test_no_code_looks_for_a_sentence_in_another(path: Path) -> None:
    asked = re.findall(
        r"\b\w+\.(?:detail|reason|summary) in \w+|in \w+\.(?:detail|reason|summary)\b", path.read_text()
    )
    assert not [words for words in asked if not words.startswith("for ")]

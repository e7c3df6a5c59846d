"""The ratchet counts what it says, and lets nothing slip back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import plainness

PACKED = '''"""A module."""

def _once(told):
    # A comment.
    return [one for one in told] if told else []


def used():
    """Use it."""
    return _once([1])
'''


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    monkeypatch.setattr(plainness, "ROOT", tmp_path)
    (tmp_path / "packed.py").write_text(PACKED)
    return dict(plainness.count(tmp_path).figures())


@pytest.mark.parametrize(
    ("name", "figure"),
    [("comprehensions", 250), ("conditions", 250), ("helpers", 50), ("names", 2), ("comments", 25)],
)
def test_it_counts_what_it_says(name: str, figure: float, figures: dict[str, float]) -> None:
    assert figures[name] == figure


def test_it_counts_expressions_and_no_docstrings(figures: dict[str, float]) -> None:
    # In four lines the comprehension and the conditional make seven with
    # their parts, the call four.
    assert figures["nodes"] == 11 / 4


def test_what_is_worse_than_it_may_be_is_refused(figures: dict[str, float]) -> None:
    assert [words.split()[0] for words in plainness.exceeded(figures, plainness.WANTED)] == [
        "comprehensions",
        "conditions",
        "helpers",
        "names",
    ]


def test_what_is_better_can_be_tightened() -> None:
    most = dict.fromkeys(plainness.WANTED, 100.0)
    assert list(plainness.bettered({**most, "names": 90}, most)) == ["names = 90.00"]


def test_the_package_is_no_worse_than_it_was() -> None:
    assert plainness.main() == 0

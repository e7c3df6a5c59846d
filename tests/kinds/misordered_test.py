"""Of a chain in another order the few that stand elsewhere are named."""

from __future__ import annotations

import pytest

from calibstate.kinds.chain import _misordered


@pytest.mark.parametrize(
    ("live", "says"),
    [
        ("bcda", "a is searched behind d and declared in front of b"),
        ("dabc", "d is searched first and declared last"),
        ("abdc", "c is searched behind d and declared in front of d"),
        ("bacd", "a is searched behind b and declared in front of b"),
    ],
)
def test_one_that_stands_elsewhere_is_told_with_both_places(live: str, says: str) -> None:
    assert _misordered("abcd", live) == says


def test_of_very_many_three_are_named() -> None:
    names = [f"DM-{number}" for number in range(500)]
    said = _misordered(names, names[::-1])
    assert said.count(" is searched ") == 3
    assert said.endswith("496 more stand elsewhere")
    assert len(said) < 250

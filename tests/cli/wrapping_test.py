"""On a terminal a long line goes on under the column that it belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from calibstate.views.size import columns_of_terminal
from calibstate.views.wrapping import wrapped

NAME = "LSSTComCam/calib/DM-48955/illumCorr/illuminationCorrection.20250224a"


def lines(words: str, width: int = 40) -> list[str]:
    return wrapped(Text(words), width).plain.splitlines()


def test_a_list_of_tickets_goes_on_under_its_column_and_breaks_no_ticket() -> None:
    assert lines("  missing     DM-46360, DM-47197, DM-47365, DM-47447") == [
        "  missing     DM-46360, DM-47197,",
        "              DM-47365, DM-47447",
    ]


def test_a_column_in_the_right_half_has_no_room_so_the_one_before_is_gone_on_under() -> None:
    assert lines("   12  import-bundle     LSSTComCam/DM-1  DM-1 is adopted and not here") == [
        "   12  import-bundle     LSSTComCam/DM-1",
        "       DM-1 is adopted and not here",
    ]


def test_each_line_of_several_has_columns_of_its_own() -> None:
    reason = "  on hold  DM-1 at summit/LSSTComCam\n    it is on hold: observing for the whole night"
    assert lines(reason) == [
        "  on hold  DM-1 at summit/LSSTComCam",
        "    it is on hold: observing for the",
        "    whole night",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "calibstate verify --site usdf --publish",
        "calibstate unlock summit/LSSTComCam --id 20261130T003429Z-3b3a388a",
        "calibstate apply --allow wave --because REASON",
        "--allow window --because REASON",
        "`calibstate observe --repository usdf/main`",
    ],
)
def test_a_command_stays_whole_to_be_copied(command: str) -> None:
    shown = lines(f"waits for usdf/main: verify has not passed there ({command}), and a window is shut")
    assert any(command in line for line in shown), shown
    assert len(shown) > 2


def test_a_range_of_dates_stays_whole() -> None:
    shown = lines("  flat detector 0..8, filter r_03 [2024-10-28T00:00:00, 2024-11-07T00:00:00)")
    assert shown[-1] == "  [2024-10-28T00:00:00, 2024-11-07T00:00:00)"


def test_a_name_that_is_longer_than_any_line_stays_whole() -> None:
    shown = lines(f"       + {NAME} is searched")
    assert shown == [f"       + {NAME}", "       is searched"]


def test_what_is_to_be_copied_as_it_is_stays_so() -> None:
    line = Text("+summary: " + "many words " * 9, no_wrap=True)
    assert wrapped(line, 40) is line


def test_styles_follow_their_words() -> None:
    line = Text.assemble("  pending     one two three ", ("four five six seven eight", "red"))
    shown = wrapped(line, 40)
    red = [shown.plain[span.start : span.end] for span in shown.spans if span.style == "red"]
    assert " ".join(red).split() == ["four", "five", "six", "seven", "eight"]


@given(st.text("ab `/-\n", max_size=200), st.integers(20, 60))
def test_nothing_is_lost_and_no_line_is_longer_than_its_longest_word(words: str, width: int) -> None:
    shown = wrapped(Text(words), width).plain
    assert shown.split() == words.split()
    longest = max(map(len, words.split()), default=0)
    for line in shown.splitlines():
        # What is quoted is one word, whatever it holds.
        assert len(line.rstrip()) <= max(width, len(line) - len(line.lstrip()) + longest) or "`" in line


def test_where_nobody_knows_how_wide_a_terminal_is_nothing_is_broken() -> None:
    # Of the streams of a test none is a terminal.
    for columns in ("", "0", "wide", "-3"):
        assert columns_of_terminal({"COLUMNS": columns}) is None
    assert columns_of_terminal({"COLUMNS": "132"}) == 132
    assert columns_of_terminal({"COLUMNS": "1"}) == 20

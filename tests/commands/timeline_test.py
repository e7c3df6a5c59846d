"""Which ticket wins when: as the butler itself says, at any moment."""

from __future__ import annotations

import html
import random
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler

from calibstate.model.contents import CollectionType
from calibstate.model.impacts import Effect
from calibstate.model.timelinedocument import TimelineEntry
from calibstate.model.timelines import NOTHING, Interval, Timeline, TimelineRow
from calibstate.model.timespans import UNBOUNDED, UNBOUNDED_END, parse_tai
from calibstate.views.timelines.span import span_of
from calibstate.views.timelines.svg import BEFORE_AND_AFTER, SIDE_BY_SIDE, Drawing
from tests import world
from tests.commands.impact_test import git
from tests.lookups import Asked, associations, everything, look_up
from tests.sealing import certified, seal, since
from tests.tree import Tree

CHAIN = "LSSTComCam/calib"
PLACE = "usdf/main"
SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Live:
    """A repository with odd detectors, gaps and ranges that never end."""

    tree: Tree

    @property
    def butler(self) -> Butler:
        return Butler.from_config(str(self.tree.repository(PLACE)))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("timeline") / "made")
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    butler = world.make_repo(tree.repository(PLACE))
    year_2024, year_2025 = world.IN_2024, world.IN_2025
    ticket(butler, tree, "DM-100", "flat", since("2024-03-01"))
    ticket(butler, tree, "DM-200", "flat", since("2024-06-01", "2024-09-01"), detectors=[1, 2])
    ticket(butler, tree, "DM-300", "bias", year_2024, since("2025-02-01", "2025-03-01"))
    ticket(butler, tree, "DM-400", "bias", since("2024-05-01", "2024-05-02"), detectors=[0])
    ticket(butler, tree, "DM-500", "camera", UNBOUNDED)
    ticket(butler, tree, "DM-600", "flat", year_2025, detectors=[0, 2, 3])
    order = ["DM-600", "DM-400", "DM-200", "DM-500", "DM-300", "DM-100"]
    tree.chain(order)
    world.add_chain(butler, CHAIN, [f"{CHAIN}/{name}" for name in order])
    butler.close()
    return tree


def ticket(butler: Butler, tree: Tree, name: str, type_: str, *ranges: Any, detectors: Any = None) -> None:
    leaf = f"{CHAIN}/{name}/{type_}"
    world.add_calibration(butler, leaf, type_, *ranges, detectors=detectors)
    world.add_chain(butler, f"{CHAIN}/{name}", [leaf])
    tree.ticket(name, type_)


@pytest.fixture
def live(made_once: Tree, tmp_path: Path) -> Live:
    shutil.copytree(made_once.folder, tmp_path / "made")
    return Live(replace(made_once, folder=tmp_path / "made"))


def tickets_of(butler: Butler) -> Mapping[str, str]:
    """Return the ticket of each dataset."""
    tickets = {}
    for collection, ref, _ in associations(butler):
        if butler.collections.get_info(collection).type.name == CollectionType.CALIBRATION.name:
            tickets[str(ref.id)] = collection.split("/")[2]
    return tickets


def row_of(timeline: Timeline, asked: Asked) -> Any:
    filter = asked.data_id.get("physical_filter")
    for row in timeline.rows:
        if row.dataset_type == asked.dataset_type and (filter is None or filter in row.filters):
            return row
    raise AssertionError(f"{asked} has no row")


def moments(timeline: Timeline, number: int) -> list[int]:
    """Return moments within what a picture shows; edges are among them."""
    chance = random.Random(20241107)
    span = span_of([timeline])
    edges = [edge for row in timeline.rows for interval in row.intervals for edge in interval[:2]]
    near = [edge + step for edge in edges for step in (-1, 0) if 0 <= edge + step < UNBOUNDED_END]
    return [*near, *(chance.randrange(span.begin, span.end) for _ in range(number))]


def test_that_at_any_moment_it_tells_what_the_butler_finds(live: Live, capsys: Any) -> None:
    ran = live.tree.run(capsys, "timeline", PLACE, "--format", "json")
    assert ran.code == 0
    (chain,) = ran.json["chains"]
    timeline = TimelineEntry.model_validate(chain["timeline"]).timeline()
    with live.butler as butler:
        tickets = tickets_of(butler)
        lookups = everything(butler)
        for index, moment in enumerate(moments(timeline, 500)):
            # Each moment asks for a few, and all of them come in their turn.
            for asked in lookups[index % 4 :: 4]:
                row = row_of(timeline, asked)
                told = row.at(moment, asked.data_id.get("detector"))
                found = look_up(butler, asked, CHAIN, moment)
                wanted = tickets[found] if found else None
                assert (None if told == NOTHING else timeline.tickets[told]) == wanted


def test_that_the_bar_under_a_moment_is_what_the_butler_finds(live: Live, capsys: Any) -> None:
    timeline = live_timeline(live, capsys)
    printed = live.tree.run(capsys, "timeline", PLACE, "--format", "svg").out
    root = ElementTree.fromstring(printed)
    rows = drawn_rows(root)
    span = span_of([timeline])
    chance = random.Random(7)
    with live.butler as butler:
        tickets = tickets_of(butler)
        lookups = everything(butler)
        for index in range(500):
            share = chance.random()
            moment = span.begin + int(share * (span.end - span.begin))
            for asked in lookups[index % 4 :: 4]:
                row = row_of(timeline, asked)
                label = " ".join([row.dataset_type, *row.filters])
                bar = bar_at(rows[label], share * 100)
                found = look_up(butler, asked, CHAIN, moment)
                told = told_by(bar, asked.data_id.get("detector"))
                assert told == (tickets[found] if found else "")


def live_timeline(live: Live, capsys: Any) -> Timeline:
    ran = live.tree.run(capsys, "timeline", PLACE, "--format", "json")
    return TimelineEntry.model_validate(ran.json["chains"][0]["timeline"]).timeline()


def drawn_rows(root: Any) -> dict[str, Any]:
    """Return the picture of each row, by its label."""
    rows = {}
    label = ""
    for child in root:
        if child.tag == f"{SVG}text":
            label = child.text
        elif child.tag == f"{SVG}svg" and label:
            rows[label] = child
    return rows


def bar_at(row: Any, percent: float) -> Any:
    for group in row.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        if rect is None:
            continue
        begin = float(rect.get("x").rstrip("%"))
        if begin <= percent < begin + float(rect.get("width").rstrip("%")):
            return group
    return None


def told_by(bar: Any, detector: Any) -> str:
    """Return the ticket that a bar names for a detector."""
    if bar is None:
        return ""
    for ticket, numbers in re.findall(r"; (\S+) for detector ([\d.,]+)", bar.find(f"{SVG}title").text):
        first_and_last = [part.split("..") for part in numbers.split(",")]
        if any(int(part[0]) <= (detector or 0) <= int(part[-1]) for part in first_and_last):
            return "" if ticket == "nothing" else ticket
    return str(bar.get("data-t"))


def test_that_live_and_declared_are_the_same_where_all_is_sealed(live: Live, capsys: Any) -> None:
    assert live.tree.run(capsys, "seal", "--write").code == 0
    declared = live.tree.run(capsys, "timeline", CHAIN, "--format", "json").json["chains"][0]["timeline"]
    seen = live.tree.run(capsys, "timeline", PLACE, "--format", "json").json["chains"][0]["timeline"]
    assert declared["rows"] == seen["rows"]
    assert declared["fingerprint"] == ""
    prints = live.tree.run(capsys, "fingerprint", "--format", "json").json["repositories"]
    assert seen["fingerprint"] == prints[PLACE]["chains"][CHAIN]["effective"]


def test_that_an_unsealed_ticket_is_told(live: Live, capsys: Any) -> None:
    assert live.tree.run(capsys, "seal", "--write", "DM-100").code == 0
    printed = live.tree.run(capsys, "timeline").out
    assert "no seal says what they hold: DM-600, DM-400, DM-200, DM-500, DM-300." in " ".join(printed.split())


@pytest.fixture
def proposal(tmp_path: Path) -> Tree:
    """A night of flats is lost where a ticket is retired."""
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    night = since("2024-11-12", "2024-11-13")
    seal(tree, "DM-47498", {"flat": [certified("flat", night, filters=["z_03"])]})
    seal(tree, "DM-47547", {"flat": [certified("flat", since("2024-11-13"), filters=["z_03", "g_01"])]})
    seal(tree, "DM-48520", {"flat": [certified("flat", since("2025-02-07"), [0, 1], ["z_03", "g_01"])]})
    tree.chain(["DM-48520", "DM-47547", "DM-47498"])
    git(tree.state, "init", "-q", "-b", "main")
    git(tree.state, "add", "-A")
    git(tree.state, "commit", "-q", "-m", "as it was")
    tree.chain(["DM-48520", "DM-47547"], retired={"DM-47498": "for a test"})
    return tree


def test_that_a_night_that_is_lost_has_a_column_of_its_own(proposal: Tree, capsys: Any) -> None:
    ran = proposal.run(capsys, "timeline", "--base", "main")
    assert ran.code == 0
    lines = [line for line in ran.out.splitlines() if line]
    assert lines[1] == "flat z_03"
    assert lines[2].split() == ["2024-11-12", "2024-11-13"]
    assert lines[3].split()[-2:] == ["47498", "47547"]
    assert lines[4].split() == ["now", "nothing", "47547"]
    assert "g_01" not in ran.out


def test_that_the_picture_of_a_change_says_what_is_lost(proposal: Tree, capsys: Any) -> None:
    root = ElementTree.fromstring(proposal.run(capsys, "timeline", "--base", "main", "--format", "svg").out)
    brackets = [each for each in root.iter(f"{SVG}g") if "chg" in str(each.get("class"))]
    assert [each.get("class") for each in brackets] == ["chg lost"]
    (mark,) = [line for line in brackets[0] if line.get("class") == "mark"]
    begin = float(str(mark.get("x1")).rstrip("%"))
    span = span_of(shown(proposal, capsys))
    assert begin == pytest.approx(100 * span.share(parse_tai("2024-11-12T00:00:00")), abs=1e-3)
    title = brackets[0].find(f"{SVG}title")
    assert title is not None and "DM-47498 → nothing, 2024-11-12 → 2024-11-13 TAI" in str(title.text)


def shown(tree: Tree, capsys: Any) -> list[Timeline]:
    (chain,) = tree.run(capsys, "timeline", "--base", "main", "--format", "json").json["chains"]
    return [TimelineEntry.model_validate(chain[side]).timeline() for side in ("before", "timeline")]


def test_that_detectors_that_differ_are_counted_and_named(proposal: Tree, capsys: Any) -> None:
    printed = proposal.run(capsys, "timeline", "--type", "flat").out
    assert "47547 +2" in printed
    assert "detector 0..1: DM-48520, from 2025-02-07 until …" in printed


def test_that_a_detector_that_is_lost_is_told(proposal: Tree, capsys: Any) -> None:
    git(proposal.state, "commit", "-qam", "retired")
    # In place of DM-47547, for all but one detector of one filter.
    seal(
        proposal,
        "DM-50002",
        {
            "flat": [
                certified("flat", since("2024-11-13"), filters=["z_03"]),
                certified("flat", since("2024-11-13"), [0, 1, 2, 4, 5, 6, 7, 8], ["g_01"]),
            ]
        },
    )
    proposal.chain(["DM-48520", "DM-50002"], retired=dict.fromkeys(("DM-47498", "DM-47547"), "for a test"))

    ran = proposal.run(capsys, "timeline", "--base", "HEAD")
    svg = proposal.run(capsys, "timeline", "--base", "HEAD", "--format", "svg").out

    assert "now: detector 3: nothing, from 2024-11-13 until 2025-02-07" in ran.out
    assert ran.out.count("detector 3: nothing") == 2
    classes = [each.get("class") for each in ElementTree.fromstring(svg).iter(f"{SVG}g")]
    assert [each for each in classes if each and each.startswith("chg")] == ["chg replaced", "chg replaced"]


def test_that_the_word_of_a_change_is_of_the_detectors_that_change(proposal: Tree, capsys: Any) -> None:
    git(proposal.state, "commit", "-qam", "retired")
    seal(
        proposal,
        "DM-47547",
        {
            "flat": [
                certified("flat", since("2024-11-13"), filters=["z_03"]),
                certified("flat", since("2024-11-13"), [0, 1, 2, 4, 5, 6, 7, 8], ["g_01"]),
            ]
        },
    )

    svg = proposal.run(capsys, "timeline", "--base", "HEAD", "--format", "svg").out

    classes = [each.get("class") for each in ElementTree.fromstring(svg).iter(f"{SVG}g")]
    assert {each for each in classes if each and each.startswith("chg")} == {"chg lost"}


def test_that_other_datasets_of_the_same_tickets_are_told_to_be_others(proposal: Tree, capsys: Any) -> None:
    git(proposal.state, "commit", "-qam", "retired")
    flats = certified("flat", since("2024-11-13"), filters=["z_03", "g_01"])
    # Of another RUN.
    seal(proposal, "DM-47547", {"flat": [flats]}, run="other")

    ran = proposal.run(capsys, "timeline", "--base", "HEAD")
    markdown = proposal.run(capsys, "timeline", "--base", "HEAD", "--format", "markdown")

    words = "The same tickets win, always. Which datasets are others: calibstate impact HEAD"
    assert words in ran.out
    assert words in markdown.out


def test_that_the_same_is_told_of_a_tree_that_did_not_change(proposal: Tree, capsys: Any) -> None:
    git(proposal.state, "commit", "-qam", "retired")
    assert "every chain selects the same" in proposal.run(capsys, "timeline", "--base", "HEAD").out


@pytest.mark.parametrize("words", [["--type", "flatt"], ["sumit"], [CHAIN, "usdf"], ["usdf", "--at", "main"]])
def test_that_what_is_not_there_is_refused(words: list[str], proposal: Tree, capsys: Any) -> None:
    ran = proposal.run(capsys, "timeline", *words)
    assert ran.code == 64
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_that_markup_in_names_stays_text(tmp_path: Path, capsys: Any) -> None:
    tree = Tree(tmp_path)
    tree.settings()
    tree.site("usdf", {"main": "origin"})
    hostile = "<img src=x onerror=alert(1)>"
    flats = certified("flat", since("2024-11-12"), [0], [hostile, "x" * 300])
    seal(tree, "DM-1", {"flat": [flats]})
    tree.chain(["DM-1"])
    for format in ("svg", "markdown", "text"):
        ran = tree.run(capsys, "timeline", "--format", format)
        assert ran.code == 0, ran.err
        printed = ran.out
        if format == "svg":
            root = ElementTree.fromstring(printed)
            assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
                *("svg", "title", "style", "rect", "line", "text", "g"),
            }
        elif format == "markdown":
            assert "<img" not in printed.replace("\\<", "")


def test_that_a_picture_shows_what_a_screen_would_hide() -> None:
    interval = Interval(parse_tai("2024-01-01T00:00:00"), UNBOUNDED_END, 0)
    row = TimelineRow("fl\u202eat", ("<g>",), "", (interval,))
    timeline = Timeline("", ("DM\u202e-1",), (row,))
    printed = Drawing.of(timeline).bars(row, timeline)
    assert "\u202e" not in printed
    assert "DM&lt;U+202E&gt;-1" in printed
    ElementTree.fromstring(printed)


@pytest.mark.parametrize(
    ("words", "expected"), [(BEFORE_AND_AFTER, "✗ lost"), (SIDE_BY_SIDE, "✗ only above")]
)
def test_that_nothing_is_lost_between_two_places(words: Mapping[Effect, str], expected: str) -> None:
    assert words.keys() == set(Effect)
    interval = Interval(parse_tai("2024-01-01T00:00:00"), UNBOUNDED_END, 0)
    row = TimelineRow("flat", (), "", (interval,))
    above, below = Timeline("", ("DM-1",), (row,)), Timeline("", (), ())
    printed = Drawing.of(above, below, words=words).pair(row, None, (above, below), ("a", "b"))
    root = ElementTree.fromstring(printed)
    assert [each.text for each in root.iter("text")][-1] == expected


@pytest.mark.parametrize("format", ["text", "markdown", "svg"])
def test_that_what_two_chains_share_is_told_once(live: Live, capsys: Any, format: str) -> None:
    file = live.tree.state / "chains" / "outer.yaml"
    file.write_text(f"chain: {CHAIN}/outer\ninstrument: LSSTComCam\nentries:\n  - {CHAIN}\n")
    with Butler.from_config(str(live.tree.repository(PLACE)), writeable=True) as butler:
        world.add_chain(butler, f"{CHAIN}/outer", [CHAIN])

    printed = live.tree.run(capsys, "timeline", PLACE, "--format", format).out

    assert f"The same as {CHAIN}." in html.unescape(printed)

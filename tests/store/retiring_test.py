"""What is retired in a file changes nothing else in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibstate.errors import RefusedError
from calibstate.model.chains import ChainFile
from calibstate.model.desired import DesiredState, Lines, Written
from calibstate.model.settings import Settings
from calibstate.store.layout import same_comments
from calibstate.store.retiring import retire
from calibstate.store.yamlsource import read_yaml

HEAD = "chain: LSSTComCam/calib\ninstrument: LSSTComCam\n"


def retired(folder: Path, text: str, *words: str, reason: str = "striped: at the edge") -> str:
    (folder / "chain.yaml").write_bytes(text.encode())
    noun = ChainFile.model_validate(read_yaml(text.encode(), "chain.yaml").data)
    written = Written(noun, Lines("chain.yaml"))
    settings = Written(Settings(version=1, archive="a", records="r"), Lines("calibstate.yaml"))
    desired = DesiredState(str(folder), settings, {}, {}, {noun.chain: written})
    (change,) = retire(desired, {noun.chain: words}, reason)
    return change.after.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "entries:\n  # the newest first\n  - DM-3\n  - DM-2  # flats\n  - DM-1\n",
            "entries:\n  # the newest first\n  - DM-3\n  - DM-1\n"
            'retired:\n  DM-2: "striped: at the edge"  # flats\n',
        ),
        (
            "entries:\n- DM-3\n# DM-2 is of the new lamp,\n# which was not on\n- DM-2\n- DM-1\n"
            "retired:\n  DM-0: old\n  # the end\n",
            "entries:\n- DM-3\n- DM-1\n"
            "retired:\n  DM-0: old\n  # DM-2 is of the new lamp,\n  # which was not on\n"
            '  DM-2: "striped: at the edge"\n  # the end\n',
        ),
        (
            "entries:   # all of it\n  - DM-2",
            'entries: []   # all of it\nretired:\n  DM-2: "striped: at the edge"\n',
        ),
        (
            'entries:\r\n  - "DM-2"\r\n  - DM-20\r\nonly: [usdf]\r\n',
            'entries:\r\n  - DM-20\r\nonly: [usdf]\r\nretired:\r\n  DM-2: "striped: at the edge"\r\n',
        ),
        (
            "entries: [DM-3, DM-2, DM-1]  # short\n",
            "entries: [DM-3, DM-1]        # short\nretired:\n  DM-2: 'striped: at the edge'\n",
        ),
        (
            "entries:\n  - DM-2\n  - DM-1\nretired: {DM-0: old}\n",
            "entries:\n  - DM-1\nretired: {DM-0: old, DM-2: 'striped: at the edge'}\n",
        ),
    ],
)
def test_an_entry_goes_with_the_comments_that_are_about_it(tmp_path: Path, before: str, after: str) -> None:
    head = HEAD.replace("\n", "\r\n") if "\r" in before else HEAD

    assert retired(tmp_path, head + before, "DM-2") == head + after


@pytest.mark.parametrize(
    "entries",
    ["entries: [\n  DM-3,\n  DM-2,  # flats\n  DM-1]\n", "entries: [DM-3,\tDM-2, DM-1]\n"],
    ids=["a comment amid them", "a tab that only their reader takes"],
)
def test_a_file_that_would_lose_something_is_left(tmp_path: Path, entries: str) -> None:
    text = HEAD + entries

    with pytest.raises(RefusedError, match="by hand"):
        retired(tmp_path, text, "DM-2")


WORDS = ["DM-1", "DM-2", "DM-20", "LSSTComCam/calib/DM-3", "LSSTComCam/calib/DM-3/unbounded"]
REMARKS = st.sampled_from(["", "  # of DM-2", " #flats", "  # 'quoted: \""])
RESTS = ["", "retired:\n  DM-0: old\n", "# the end\n", "retired:\n\n  DM-0: >-\n    old\n    one\n"]
ABOVE = st.sampled_from(["", "  # DM-2 and others\n", "\n", "  # all\n\n", "# DM-1\n  # DM-20\n"])


@given(
    st.lists(st.tuples(st.sampled_from(WORDS), ABOVE, REMARKS), min_size=1, unique_by=lambda one: one[0]),
    st.data(),
    st.sampled_from(
        ["", "retired:\n  DM-0: old\n", "# the end\n", "retired:\n\n  DM-0: >-\n    old\n    one\n"]
    ),
    st.text(max_size=20).filter(lambda text: text.isprintable() and text.strip()),
)
def test_nothing_is_lost_and_nothing_else_is_said(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[tuple[str, str, str]],
    data: st.DataObject,
    rest: str,
    reason: str,
) -> None:
    words = data.draw(st.lists(st.sampled_from([word for word, _, _ in entries]), min_size=1, unique=True))
    lines = "".join(f"{above}  - {word}{remark}\n" for word, above, remark in entries)
    text = f"{HEAD}entries:\n{lines}{rest}"

    after = retired(tmp_path_factory.getbasetemp(), text, *words, reason=reason)

    said = read_yaml(after.encode(), "chain.yaml").data
    assert said["entries"] == [word for word, _, _ in entries if word not in words]
    assert {word: said["retired"][word] for word in words} == dict.fromkeys(words, reason)
    assert ("DM-0" in said["retired"]) == ("DM-0" in rest)
    assert same_comments(text, after)

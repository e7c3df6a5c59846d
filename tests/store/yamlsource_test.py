"""YAML is read as plain data with its lines, and nothing in it can do harm."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calibstate.errors import InvalidStateError
from calibstate.store import yamlsource
from calibstate.store.yamlsource import MAX_BYTES, MAX_DEPTH, MAX_PROBLEMS, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, one in zip("abcdefgh", "bcdefghi", strict=True)
)


def read(text: str) -> Any:
    source = read_yaml(text.encode(), "f.yaml")
    assert source.problems == ()
    return source.data


def told(content: str | bytes) -> list[str]:
    """Return what is wrong with a file, as ``line:column summary``."""
    raw = content.encode() if isinstance(content, str) else content
    try:
        found = read_yaml(raw, "f.yaml").problems
    except InvalidStateError as exc:
        found = exc.diagnostics
    return [f"{d.where.line}:{d.where.column} {d.summary}" for d in found if d.where]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", 1),
        ("a: -7", -7),
        ("a: 1.5", 1.5),
        ("a: .5", 0.5),
        ("a: -.INF", float("-inf")),
        ("a: true", True),
        ("a: false", False),
        ("a: True", "True"),
        ("a: yes", "yes"),
        ("a: on", "on"),
        ("a: no", "no"),
        ("a:", None),
        ("a: ~", None),
        ("a: null", None),
        ("a: ''", ""),
        ("a: '1'", "1"),
        ('a: "null"', "null"),
        ("a: 2024-11-07", "2024-11-07"),
        ("a: 2024-11-07T00:00:00Z", "2024-11-07T00:00:00Z"),
        ("a: 0x1f", "0x1f"),
        ("a: 1_000", "1_000"),
        ("a: 12:30:45", "12:30:45"),
        ("a: =", "="),
        ("a: <<", "<<"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: {b: [1, {c: d}]}", {"b": [1, {"c": "d"}]}),
    ],
)
def test_plain_values_are_few_and_dates_are_text(text: str, value: object) -> None:
    got = read(text)["a"]
    assert got == value
    assert type(got) is type(value)


def test_every_key_and_value_has_its_line_and_column() -> None:
    source = read_yaml(b"a: 1\nb:\n  - x\n  - y: 2\n    z: {q: 1}\n", "f.yaml")
    lines = source.lines
    assert [str(lines.at(*p)) for p in [(), ("a",), ("b",), ("b", 0), ("b", 1, "z", "q")]] == [
        "f.yaml:1:1",
        "f.yaml:1:1",
        "f.yaml:2:1",
        "f.yaml:3:5",
        "f.yaml:5:9",
    ]
    assert str(lines.value_at("a")) == "f.yaml:1:4"
    assert str(lines.value_at("b", 1, "z", "q")) == "f.yaml:5:12"


def test_what_is_not_there_stands_at_its_nearest_ancestor() -> None:
    lines = read_yaml(b"a: 1\nb:\n  - x\n", "f.yaml").lines
    assert str(lines.at("b", 7, "c")) == "f.yaml:2:1"
    assert str(lines.at("nothing")) == "f.yaml:1:1"
    assert str(lines.value_at("b", 7)) == "f.yaml:3:3"


def test_the_reader_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: 1\nb:\n  - x\n  - y: 2024-01-01\n    z: {q: 'on'}\n"
    fast = read_yaml(text, "f.yaml")
    monkeypatch.setattr(yamlsource, "_LOADER", yaml.SafeLoader)
    assert read_yaml(text, "f.yaml") == fast
    assert told("[" * 100_000) == ["1:51 Nested too deeply"]
    assert told("a: 1\n\tb: 1\n") == ["2:1 Tab in YAML"]


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    source = read_yaml(b"\xef\xbb\xbfa: 1\r\nb:\r\n- 2\r\n", "f.yaml")
    assert source.data == {"a": 1, "b": [2]}
    assert str(source.lines.at("b", 0)) == "f.yaml:3:3"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: !!python/object/apply:os.system [ls]\n", ["1:4 Tag in YAML"]),
        ("a: 1\nb: !!timestamp 2024-01-01\n", ["2:4 Tag in YAML"]),
        ("!mine\na: 1\n", ["1:1 Tag in YAML"]),
        ("a: &x 1\nb: *x\n", ["1:4 Anchor in YAML", "2:4 Alias in YAML"]),
        (BOMB, ["1:4 Anchor in YAML", "2:4 Anchor in YAML", "2:8 Alias in YAML"]),
        ("a: 1\nb: 2\na: 3\n", ["3:1 Key given twice"]),
        ("a: {x: 1, x: 2, x: 3}\n", ["1:11 Key given twice", "1:17 Key given twice"]),
        ("1: x\ntrue: y\n~: z\n2.5: q\n", [f"{n}:1 Key is not text" for n in (1, 2, 3, 4)]),
        ("? [a]\n: 1\n", ["1:3 Key is not text"]),
        ("? {a: b}\n: 1\n", ["1:3 Key is not text"]),
        ("{? : 1}\n", ["1:4 Key is not text"]),
        ("a: 1\n---\nb: 2\n", ["2:1 Several documents in one file"]),
        ("", ["1:1 Empty file"]),
        ("# only this\n", ["1:1 Empty file"]),
        ("---\n", ["1:1 Empty file"]),
        ("null\n", ["1:1 Empty file"]),
        (b"a: 1\nb: caf\xe9\n", ["2:7 Not UTF-8"]),
        (b"\xff\xfea\x00:\x00", ["1:1 Not UTF-8"]),
        (b"\xef\xbb\xbfa: \xe9\n", ["1:4 Not UTF-8"]),
        (b"a: 1\r\nb: \xc3\xa9\xe9\r\n", ["2:5 Not UTF-8"]),
        ("a: 1\nb: \x00\n", ["2:4 Control character"]),
        ("a: x\u2028y\n", ["1:5 Control character"]),
        ("a: \x1b[31m\n", ["1:4 Control character"]),
        ('a: "\\0"\n', ["1:4 Control character"]),
        ('"a\\e": 1\n', ["1:1 Control character"]),
        ("a:\n\tb: 1\n", ["2:1 Tab in YAML"]),
        ("a:\n  - b\n  \t- c: 1\n", ["3:3 Tab in YAML"]),
        ("a: b: c\n", ["1:5 Invalid YAML"]),
        ("a: [1\nb: 2\n", ["2:2 Invalid YAML"]),
        ("a: 'x\n", ["2:1 Invalid YAML"]),
        ("a: @x\n", ["1:4 Invalid YAML"]),
        ("a: 1\n  b: 2\n", ["2:4 Invalid YAML"]),
        ("a: 1\na: 2\nb: [\n", ["2:1 Key given twice", "4:1 Invalid YAML"]),
    ],
)
def test_what_is_not_plain_is_told_with_its_place(content: str | bytes, expected: list[str]) -> None:
    assert told(content) == expected


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_any_stack_is_exhausted(opening: str) -> None:
    begun = time.process_time()
    first, *_ = told(opening * 100_000)
    assert first.partition(" ")[2] in {"Nested too deeply", "Key is not text"}
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(("depth", "fine"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_nesting_up_to_the_limit_is_read(depth: int, fine: bool) -> None:
    assert (told("[" * depth + "]" * depth) == []) is fine


@pytest.mark.parametrize(("size", "fine"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_a_file_up_to_the_limit_is_read(size: int, fine: bool) -> None:
    content = "a: 1\n#".ljust(size, "x")
    assert told(content) == ([] if fine else ["1:1 File too large"])


def test_countless_mistakes_are_cut_short() -> None:
    found = told("a: 1\n" * 100_000)
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].endswith("Too many mistakes")


def test_numbers_of_thousands_of_digits_are_no_trap() -> None:
    assert read(f"a: {'9' * 10_000}") == {"a": float("inf")}


def test_the_first_of_two_equal_keys_is_kept_with_its_lines() -> None:
    source = read_yaml(b"a: {x: 1}\na:\n  x: 2\n", "f.yaml")
    assert source.data == {"a": {"x": 1}}
    assert str(source.lines.at("a", "x")) == "f.yaml:1:5"


@given(
    st.binary(max_size=400) | st.text(alphabet="ab:-[]{}?!&*|>'\"%@`#,\n\t 1\\~", max_size=80).map(str.encode)
)
def test_any_bytes_are_data_or_a_diagnostic(content: bytes) -> None:
    try:
        source = read_yaml(content, "f.yaml")
    except InvalidStateError as exc:
        assert all(d.where for d in exc.diagnostics)
    else:
        assert source.data is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("aé 1:#-'\"\n", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1", min_size=1), inner, max_size=3)
        ),
    ).filter(lambda value: value is not None)
)
def test_what_a_program_writes_as_json_is_read_as_it_was(value: object) -> None:
    assert read_yaml(json.dumps(value).encode(), "f.yaml").data == value

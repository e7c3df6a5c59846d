"""Right files made wrong, in all the ways in which files go wrong.

Some of them happen (a copy that was cut off, a merge that went wrong, a newer
version), and some are meant (what climbs, what grows, what nests).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

__all__ = ["HOSTILE", "spoilt"]

_LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)
)

HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "a line": b"\n",
    "a list": b"[]",
    "a mapping": b"{}",
    "null": b"null",
    "a number": b"7",
    "text": b'"text"',
    "all bytes": bytes(range(256)),
    "a JSON nest": b"[" * 100_000,
    "a closed JSON nest": b"[" * 100_000 + b"]" * 100_000,
    "a JSON nest of mappings": b'{"a":' * 100_000,
    "a YAML nest": b"- " * 20_000 + b"x",
    "a YAML nest by indentation": b"".join(b" " * n + b"a:\n" for n in range(400)),
    "a billion laughs": _LAUGHS.encode(),
    "merged laughs": _LAUGHS.replace("[", "{<<: [").replace("]", "]}").encode(),
    "a YAML alias of itself": b"a: &a [*a]\n",
    "a tag that builds": b"!!python/object/apply:os.system ['touch pwned']\n",
    "a tag of ours on nothing": b"!lsst.daf.butler.Timespan\n",
    "two documents": b"a: 1\n---\na: 2\n",
    "UTF-16": "kind: plan\n".encode("utf-16"),
    "a long line": b"a" * 1_000_000,
    "a long number": b"9" * 100_000,
    "a sexagesimal number": b"a: " + b"1:" * 20_000 + b"1\n",
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "a pointer to large files": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "a conflict": b"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> theirs\n",
}  # fmt: skip
"""Files that were never right."""

_WORDS: Sequence[bytes] = (
    b"", b"null", b"~", b"true", b"0", b"-1", b"7", b"1.5", b"1e999", b"-0.0", b".nan", b"NaN", b"Infinity",
    b"9" * 30, b"9" * 5000, b"0x7fffffffffffffff", b"[]", b"{}", b"[[]]", b'{"a": [1]}', b"[1, 2]", b'""',
    b'"text"',
    b"''", b"'", b'"', b"&a x", b"*a", b"<<", b"!!binary x", b"!!python/none x", b"!!set {a, b}",
    b"!!omap []",
    b"!uuid 'x'", b"!uuid [x]", b"!butler_time/tai/iso '9999-99-99'", b"!butler_time/tai/iso {}",
    b"!lsst.daf.butler.Timespan EMPTY", b"!lsst.daf.butler.Timespan {begin: 1, end: 2}",
    b"!<tag:yaml.org,2002:timestamp> x", b"!!int x", b"!!bool 7", b"!!float {}", b"!!timestamp '2024-99-01'",
    b"2024-13-45", b"2024-01-01", b"../../x", b'"../../x"', b"/etc/passwd", b'"/etc/passwd"',
    b"file:///etc/passwd",
    b"s3://bucket/key", b'"a/../../../x"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u001b[2J"',
    b"\xef\xbb\xbf", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", "\u2028".encode(), "\u202e".encode(),
    "\u00e9".encode(), "e\u0301".encode(), b"%YAML 9.9\n---\n", b"\n---\n", b"\n...\n", b"# x\n", b"\t",
    b"\r", b": ", b"- ", b"? ",
    b"{", b"}", b"[", b"]", b",", b":", b"|", b">", b"1.0", b'"2.0"', b'"1.1"', b"version: 9", b"x" * 3000,
    b"[" * 60 + b"]" * 60, b"sha256:" + b"0" * 64, b'"sha256:' + b"0" * 64 + b'"',
)  # fmt: skip
"""What a word is replaced by."""

_VALUES: Sequence[Any] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 1.5, 1e308, float("inf"),
    float("nan"), "", " ",
    "x", "2.0", "../../x", "/etc/passwd", "a/../../x", "a\0b", "\ud800", "\x1b]0;x\x07", "\u202e", "é",
    "x" * 5000,
    "%2e%2e/x", "sha256:", "s3://user:s3cret@host/x", "2024-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-",
    "Z",
    [], [[]], [None], ["x"], [1], ["x", "x"], {}, {"x": 1}, {"": None}, {"kind": "plan"}, [{"x": []}],
    [[[[[]]]]],
)  # fmt: skip
"""What a value of a JSON file is replaced by."""

_WORD = re.compile(rb'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[\w./:!+-]+')

_Way = Callable[[DrawFn, bytes], bytes]


@st.composite
def spoilt(draw: DrawFn, files: Sequence[bytes]) -> bytes:
    """Return one of some right files, spoilt in a few ways at once."""
    if draw(st.integers(0, 24)) == 0:
        return HOSTILE[draw(st.sampled_from(sorted(HOSTILE)))]
    data = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, 3))):
        data = draw(st.sampled_from(_WAYS))(draw, data)
    return data


def _cut_off(draw: DrawFn, data: bytes) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _hole(draw: DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + data[at + draw(st.integers(1, 200)) :]


def _flip(draw: DrawFn, data: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(draw(st.integers(1, 3)) if data else 0):
        flipped[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(flipped)


def _insert(draw: DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.sampled_from(_WORDS)) + data[at:]


def _lines(draw: DrawFn, data: bytes) -> bytes:
    """Drop, repeat or move a few lines."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    begin = draw(st.integers(0, len(lines) - 1))
    some = slice(begin, begin + draw(st.integers(1, 4)))
    taken = lines[some]
    how = draw(st.sampled_from(["drop", "repeat", "move"]))
    if how != "repeat":
        del lines[some]
    if how != "drop":
        at = draw(st.integers(0, len(lines)))
        lines[at:at] = taken
    return b"".join(lines)


def _other_word(draw: DrawFn, data: bytes) -> bytes:
    words = list(_WORD.finditer(data))
    if not words:
        return data
    word = draw(st.sampled_from(words))
    new = draw(st.sampled_from(_WORDS) | st.sampled_from(words).map(lambda other: other[0]))
    return data[: word.start()] + new + data[word.end() :]


def _other_value(draw: DrawFn, data: bytes) -> bytes:
    """Replace a value of a JSON file, or of one of its lines."""
    lines = data.splitlines() if b"}\n{" in data else [data]
    at = draw(st.integers(0, max(len(lines) - 1, 0)))
    try:
        said = json.loads(lines[at])
    except (ValueError, RecursionError, IndexError):
        return _other_word(draw, data)
    spots = list(_spots(said))
    if not spots:
        return data
    within, key = draw(st.sampled_from(spots))
    within[key] = draw(st.sampled_from(_VALUES))
    lines[at] = json.dumps(said).encode()
    return b"\n".join(lines)


def _spots(said: Any) -> Iterator[tuple[Any, Any]]:
    open_ = [said]
    while open_:
        one = open_.pop()
        for key in range(len(one)) if isinstance(one, list) else list(one) if isinstance(one, dict) else ():
            yield one, key
            open_.append(one[key])


_WAYS: Sequence[_Way] = (
    _cut_off, _hole, _flip, _insert, _lines, _other_word, _other_word, _other_value, _other_value,
)  # fmt: skip
